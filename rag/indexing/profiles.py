"""What a model folder needs: its family, what it says of itself, and what its owner wrote beside it, put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.errors import EmbedderError
from rag.indexing.families import (
    DOCUMENT_ROLES,
    FAMILIES,
    QUERY_ROLES,
    STATIC_FAMILY,
    TRANSFORMER_DENSE_WEIGHT,
    USUAL,
    Family,
    Prompts,
    find_family,
)
from rag.indexing.model_files import CONFIG_FILE, MODULES_FILE, read_json

OWNER_FILE, SAID_FILE = "shirube.json", "config_sentence_transformers.json"
_OWNER_KEYS = {"fusion": {"dense_weight", "dense_floor"}, "prompts": {"query", "document"}}
_RERANKER = "reranker"
_OTHER_KINDS = {
    "CrossEncoder": _RERANKER,
    "SparseEncoder": "SPLADE",
    "MultiVectorEncoder": "ColBERT",
    "ColBERT": "ColBERT",
}
_BASE_MODEL = re.compile(r"^base_model:[ \t]*(?:\n\s*-\s*)?['\"]?(\w[\w./-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Profile:
    """How a model is used here. family: its name, None for an unknown one. max_tokens: None takes the model's own.

    dense_floor: the similarity that counts as none; None is measured on the model. prompts_source, weight_source: where they come
    from, and notices: what its user should know, in Japanese.
    """

    name: str
    family: str | None
    prompts: Prompts
    prompts_source: str
    max_tokens: int | None
    dense_weight: float
    weight_source: str
    dense_floor: float | None = None
    packages: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def read_profile(folder: Path, name: str | None = None) -> Profile:
    """Return how the sentence-transformers model in a folder is used. name: what it is called, the folder's name when None.

    Raises EmbedderError for a model that cannot be used as an embedder here, and for a broken or unknown key in `shirube.json`.
    """
    called = name or folder.resolve().name
    try:
        said, config = read_json(folder / SAID_FILE), read_json(folder / CONFIG_FILE)
        owner = read_json(folder / OWNER_FILE)
        card, modules = _read_text(folder / "README.md"), _read_text(folder / MODULES_FILE)
    except (OSError, ValueError) as error:
        raise EmbedderError(
            f"モデルの説明のファイルを読めません: {folder}（{error}）",
            "モデルのフォルダーを丸ごとコピーし直してください。",
        ) from error
    family = _find_family(called, folder, config, card, modules)
    _refuse_other_kinds(called, family, said, config, modules)
    profile = _from_family(called, family, said, has_modules=bool(modules))
    return _apply_owner(profile, owner, folder)


def _read_text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def is_owner_file(file: Path) -> bool:
    """Tell whether a `shirube.json` only adjusts a model beside it: it names no model of ours."""
    try:
        return "name" not in read_json(file)
    except (OSError, ValueError):
        return False


def _find_family(name: str, folder: Path, config: Mapping[str, Any], card: str, modules: str) -> Family | None:
    base = _BASE_MODEL.search(card)
    names = [name, folder.resolve().name, str(config.get("_name_or_path", "")), base[1] if base else ""]
    found = find_family(*names)
    if found is None and "StaticEmbedding" in modules:
        return STATIC_FAMILY
    return found


def is_reranker(folder: Path, name: str | None = None) -> bool:
    """Tell whether the model in a folder scores pairs of a question and a text."""
    try:
        said, config = read_json(folder / SAID_FILE), read_json(folder / CONFIG_FILE)
        modules = _read_text(folder / MODULES_FILE)
    except (OSError, ValueError):
        return False
    family = find_family(name or folder.resolve().name)
    return _RERANKER in (_other_kind(said, config, modules), family.name if family else "")


def _other_kind(said: Mapping[str, Any], config: Mapping[str, Any], modules: str) -> str | None:
    """Return the family of models that are no embedders to which a model says that it belongs; None for an embedder."""
    architectures = " ".join(map(str, config.get("architectures") or ()))
    if "pylate" in modules or "ColBERT" in architectures:
        return "ColBERT"
    if not modules and architectures.endswith("ForSequenceClassification"):
        return _RERANKER
    return _OTHER_KINDS.get(str(said.get("model_type", "")))


def _refuse_other_kinds(
    name: str, family: Family | None, said: Mapping[str, Any], config: Mapping[str, Any], modules: str
) -> None:
    other = _other_kind(said, config, modules)
    if other is not None:
        family = next(f for f in FAMILIES if f.name == other)
    if family is not None and family.refusal is not None:
        raise EmbedderError(
            f"モデル「{name}」は埋め込みに使えません: {family.refusal}。",
            "`rag models` で使えるモデルを確かめるか、設定 embedder を default に戻してください。",
        )
    foreign = re.findall(r'"type":\s*"((?!sentence_transformers\.)[^"]+)"', modules)
    if foreign:
        raise EmbedderError(
            f"モデル「{name}」は使えません: モデルに付属するプログラム {foreign[0]} の実行（trust_remote_code）が必要です。"
            "安全のため実行しません。",
            "付属のプログラムが要らないモデル（ruri-v3、multilingual-e5、bge-m3 など）を使ってください。",
        )


def _from_family(name: str, family: Family | None, said: Mapping[str, Any], *, has_modules: bool) -> Profile:
    own = _own_prompts(said.get("prompts"))
    notices = [] if family is None or family.notice is None else [family.notice]
    if family is None:
        notices.append(
            "知らない系列のモデルです。"
            + ("接頭辞はモデル自身の設定" if own else "接頭辞はなし")
            + f"、融合の重みは既定の {TRANSFORMER_DENSE_WEIGHT} です。違うときは shirube.json に書いてください"
        )
    if not has_modules:
        notices.append(
            "modules.json がないので、単語のベクトルの平均を文のベクトルにします。元のモデルと違うことがあります"
        )
    prompts = own or (family.prompts if family else Prompts())
    source = "モデル自身の設定" if own else f"系列「{family.name}」の表" if family else "なし"
    return Profile(
        name=name,
        family=family.name if family else None,
        prompts=prompts,
        prompts_source=source,
        max_tokens=family.max_tokens if family else None,
        dense_weight=family.dense_weight if family else TRANSFORMER_DENSE_WEIGHT,
        weight_source=family.weight_source if family else USUAL,
        packages=family.packages if family else (),
        notices=tuple(notices),
    )


def _own_prompts(said: Any) -> Prompts | None:
    """Return the prompts that a model names for the two roles. Recent versions write empty ones for every model: those say nothing."""
    named = {key: value for key, value in said.items() if value} if isinstance(said, dict) else {}
    query = next((named[role] for role in QUERY_ROLES if role in named), "")
    document = next((named[role] for role in DOCUMENT_ROLES if role in named), "")
    return Prompts(str(query), str(document)) if query or document else None


def _apply_owner(profile: Profile, owner: Mapping[str, Any], folder: Path) -> Profile:
    """Return the profile with what its owner wrote on top."""
    _check_owner(owner, folder / OWNER_FILE)
    fusion, prompts = owner.get("fusion", {}), owner.get("prompts", {})
    if prompts:
        changed = Prompts(
            prompts.get("query", profile.prompts.query), prompts.get("document", profile.prompts.document)
        )
        profile = replace(profile, prompts=changed, prompts_source=OWNER_FILE)
    if "dense_weight" in fusion:
        profile = replace(profile, dense_weight=float(fusion["dense_weight"]), weight_source=OWNER_FILE)
    if "dense_floor" in fusion:
        profile = replace(profile, dense_floor=float(fusion["dense_floor"]))
    return profile


def _check_owner(owner: Mapping[str, Any], file: Path) -> None:
    wrong = [key for key in owner if key not in _OWNER_KEYS]
    for key, known in _OWNER_KEYS.items():
        part = owner.get(key, {})
        wrong += [f"{key}.{inner}" for inner in part if inner not in known] if isinstance(part, dict) else [key]
    fusion, prompts = owner.get("fusion"), owner.get("prompts")
    if isinstance(fusion, dict):
        wrong += [f"fusion.{key}" for key, value in fusion.items() if not _is_share(value)]
    if isinstance(prompts, dict):
        wrong += [f"prompts.{key}" for key, value in prompts.items() if not isinstance(value, str)]
    if wrong:
        raise EmbedderError(
            f"{file} の {'、'.join(dict.fromkeys(wrong))} が正しくありません。",
            '{"fusion": {"dense_weight": 0〜1, "dense_floor": 0〜1}, "prompts": {"query": "文字列", "document": "文字列"}} の形で書いてください。',
        )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
