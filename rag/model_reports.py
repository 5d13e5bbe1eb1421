"""What `rag models` shows: the models of this machine, and what was seen of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag.answering.writing.llm_check import check_llm
from rag.errors import UsageError
from rag.indexing.inventory import EMBEDDER, RERANKER, Inventory, KnownModel, take_inventory
from rag.retrieval.model_check import ModelCheck, check_model
from rag.settings import Settings

_KINDS = {EMBEDDER: "埋め込み", RERANKER: "並べ替え"}
_BUILT_IN = {"default": "default（内蔵）", "none": "none（使わない）"}


def collect_models(settings: Settings) -> dict[str, Any]:
    """Return the models of this machine as plain values."""
    inventory = take_inventory(settings)
    return asdict(inventory) | {"text": render_models(inventory)}


def render_models(inventory: Inventory) -> str:
    """Return the models of this machine for people."""
    built = (
        f"{inventory.index_embedder}（{inventory.index_fingerprint}）" if inventory.index_embedder else "まだありません"
    )
    lines = [
        f"設定 embedder: {inventory.embedder}",
        f"設定 reranker: {_BUILT_IN.get(inventory.reranker, inventory.reranker)}",
        f"今の索引を作ったモデル: {built}",
        "",
    ]
    for model in inventory.models:
        lines += _render_model(model)
    lines += _render_missing(inventory)
    return "\n".join([*lines, "", "確かめるには `rag models --check 名前` を実行してください。"])


def _render_model(model: KnownModel) -> list[str]:
    marks = [mark for mark, holds in (("設定で選択中", model.is_chosen), ("今の索引", model.built_index)) if holds]
    head = (
        f"・{model.name}　{model.place}　{model.bytes / 1e6:.0f} MB{'　【' + '・'.join(marks) + '】' if marks else ''}"
    )
    if model.kind not in _KINDS:
        return [head, f"    使えません: {model.reason}"]
    facts = [
        _KINDS[model.kind],
        f"系列 {model.family}" if model.family else "系列不明",
        f"{model.dimension} 次元" if model.dimension else "",
        f"意味検索の重み {model.dense_weight:g}" if model.dense_weight is not None else "",
        f"指紋 {model.fingerprint}" if model.fingerprint else "",
    ]
    return [head, "    " + "、".join(fact for fact in facts if fact)]


def _render_missing(inventory: Inventory) -> list[str]:
    """Return what the settings choose and is in none of the places that are listed."""
    chosen = {model.kind for model in inventory.models if model.is_chosen}
    missing = []
    if inventory.embedder != "default" and EMBEDDER not in chosen:
        missing.append(inventory.embedder)
    if inventory.reranker not in _BUILT_IN and RERANKER not in chosen:
        missing.append(inventory.reranker)
    return [
        f"・{name}　設定で選択中。上の場所にはありません（`rag models --check {name}` で確かめられます）"
        for name in missing
    ]


def collect_check(name: str, settings: Settings) -> dict[str, Any]:
    """Return what was seen of a model as plain values. Raises EmbedderError."""
    check = check_model(name)
    inventory = take_inventory(settings)
    built_index = check.fingerprint is not None and check.fingerprint == inventory.index_fingerprint
    return asdict(check) | {
        "passed": check.passed,
        "built_index": built_index,
        "text": render_check(check, built_index),
    }


def collect_llm_check(settings: Settings) -> dict[str, Any]:
    """Return what was seen of the LLM server as plain values. Raises UsageError without one, SettingsError for a wrong address."""
    check = check_llm(settings)
    if check is None:
        raise UsageError(
            "生成AIのサーバーが設定されていません。", "設定 llm_url と llm_model を書いてください（docs/settings.md）。"
        )
    return asdict(check) | {"passed": check.failure is None, "text": check.text}


def render_check(check: ModelCheck, built_index: bool) -> str:
    """Return what was seen of a model for people."""
    unit = "まとまり" if check.kind == EMBEDDER else "組"
    lines = [
        f"{check.name}（{_KINDS[check.kind]}モデル、系列 {check.family or '表にないもの'}）",
        f"  読み込み: {check.load_seconds:.1f} 秒、速さ: 毎秒 {check.speed:.1f} {unit}（この端末、365 字ほどの文）",
        f"  読める長さ: {f'{check.max_tokens} トークン' if check.max_tokens else '制限なし'}",
    ]
    if check.kind == EMBEDDER:
        lines += [
            f"  次元: {check.dimension}、ベクトルの長さ: {check.norm:.4f}（1 が正しい）、指紋: {check.fingerprint}",
            f"  接頭辞: 質問「{_show(check.query_prompt)}」 文書「{_show(check.document_prompt)}」"
            f"（{check.prompts_source or 'なし'}）",
            f"  検索での重み: 意味 {check.dense_weight:g}・語句 {1 - (check.dense_weight or 0):.2g}（{check.weight_source}）、"
            f"関係のない文の類似度: {check.dense_floor:.3f}",
        ]
    lines.append(f"  答えのある文との近さ {check.near:.3f}、関係のない文との近さ {check.far:.3f}")
    lines += [f"  注意: {notice}。" for notice in check.notices]
    if not check.passed:
        lines.append(
            "使えません: 関係のない文のほうが近いか、ベクトルの長さが 1 ではありません。モデルのコピーを確かめてください。"
        )
    elif check.kind == RERANKER:
        lines.append(f'使えます。rag.toml に reranker = "{check.name}"（またはフォルダーの場所）と書いてください。')
    elif built_index:
        lines.append("使えます。今の索引はこのモデルで作られています。")
    else:
        lines.append(
            "使えます。設定 embedder をこのモデルにしたら、`rag index` を実行してください（索引を作り直します）。"
        )
    return "\n".join(lines)


def _show(prompt: str) -> str:
    return prompt.replace("\n", "⏎")
