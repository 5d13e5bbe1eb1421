"""Models on this machine: where they are, and how one comes to a closed network. Nothing is ever downloaded."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import EmbedderError
from rag.indexing.families import find_family

MODULES_FILE = "modules.json"
CONFIG_FILE = "config.json"
_HUB_NAME = re.compile(r"(?!models/)[\w-][\w.-]*/[\w.-]+")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on this machine. name: what it is called in the settings."""

    name: str
    folder: Path

    @property
    def bytes(self) -> int:
        """How large its files are."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


def forbid_downloads() -> None:
    """Close the libraries' way out: they read these when they are imported."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"


def find_model(name_or_path: str, *, setting: str = "embedder") -> Path:
    """Return the folder of a model: a folder, or a name in the local hub cache.

    setting: which setting names it. Raises EmbedderError where there is none, saying how to bring it here.
    """
    folder = Path(name_or_path)
    return folder if folder.is_dir() else _find_in_cache(name_or_path, setting)


def _find_in_cache(name: str, setting: str) -> Path:
    forbid_downloads()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise EmbedderError(
            f"モデル「{name}」が、この端末に見つかりません（ネットワークからは取得しません）。",
            f"使えるモデル: {', '.join(list_models())}。\n{describe_copying(name, setting=setting)}",
        ) from error


def list_models() -> list[str]:
    """Return what `open_embedder` takes on this machine: "default", and the names in the local hub cache."""
    return ["default", *(model.name for model in list_cached_models())]


def list_cached_models() -> list[ModelFolder]:
    """Return the models in the local hub cache, by name."""
    forbid_downloads()
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = [repo for repo in scan_cache_dir().repos if repo.repo_type == "model" and repo.revisions]
    except CacheNotFound:
        return []
    newest = {repo.repo_id: max(repo.revisions, key=lambda revision: revision.last_modified) for repo in repos}
    return [ModelFolder(name, Path(revision.snapshot_path)) for name, revision in sorted(newest.items())]


def list_model_folders(folder: Path) -> list[ModelFolder]:
    """Return the models that lie in a folder, each in a folder of its own, called by their path."""
    if not folder.is_dir():
        return []
    found = (child for child in sorted(folder.iterdir()) if child.is_dir() and any(_weights(child)))
    return [ModelFolder(child.as_posix(), child) for child in found]


def _weights(folder: Path) -> Iterator[Path]:
    for pattern in _WEIGHTS:
        yield from folder.glob(pattern)


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in a file; an empty one where there is no file. Raises ValueError for anything else."""
    if not file.is_file():
        return {}
    value = json.loads(file.read_text(encoding="utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError(f"{file.name}: not an object")
    return value


def describe_copying(name: str, *, setting: str = "embedder") -> str:
    """Return how a model is brought to a closed network, step by step, in Japanese."""
    short = Path(name.replace("\\", "/")).name
    family = find_family(name)
    publisher = family.publisher if family and family.publisher else None
    hub_id = name if _HUB_NAME.fullmatch(name) else f"{publisher or '（提供元）'}/{short}"
    packages = ""
    if family is not None and family.packages:
        packages = (
            f"\n  4. このモデルの文字の分割に使う Python パッケージ {'・'.join(family.packages)} が端末になければ、"
            "同じ方法（外部の端末で取得して持ち込み）で .venv に導入する"
        )
    return (
        "閉域網に持ち込む手順:\n"
        f"  1. インターネットに出られる端末で: hf download {hub_id} --local-dir {short}\n"
        f"  2. フォルダー {short} を丸ごと持ち込み、models/{short} に置く（必要なファイル: config.json、modules.json、"
        "model.safetensors（または pytorch_model.bin）、tokenizer.json などの tokenizer のファイル、"
        "sentence_bert_config.json、config_sentence_transformers.json、1_Pooling などのフォルダー。onnx と openvino は不要）\n"
        f'  3. rag.toml に {setting} = "models/{short}" と書き、`rag models --check models/{short}` で確かめ'
        f"{'、`rag index` を実行する' if setting == 'embedder' else 'る（索引の作り直しは不要）'}{packages}"
    )


def unreadable_model(folder: Path, reason: object, *, setting: str = "embedder") -> EmbedderError:
    """Return the error for a model folder that cannot be read."""
    what, otherwise = ("埋め込み", "default") if setting == "embedder" else ("並べ替えの", "none")
    return EmbedderError(
        f"{what}モデルを読めません: {folder}（{reason}）",
        f"モデルのフォルダーを丸ごとコピーし直すか、設定 {setting} を {otherwise} に戻してください。",
    )
