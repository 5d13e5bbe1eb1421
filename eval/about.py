"""What a run depends on: versions, settings, and hashes of the corpus, the question set and the fitted parts."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.questions import Question
from eval.records import QuestionsAbout, RunAbout, SnapshotAbout
from rag.answering import confidence
from rag.retrieval import learned
from rag.settings import Settings, shown_settings

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.indexing.manifest import Manifest

PACKAGE = "shirube"
_PACKAGES = (PACKAGE, "chromadb", "llama-index-core", "numpy", "sudachidict-core", "sudachipy", "tantivy", "tokenizers")
_UNKNOWN = "不明"
_PARTS = (Path(confidence.__file__).parent, Path(learned.__file__).parent)
_ABOUT_PLACE = ("corpus", "index", "data_dir", "models_dir", "host", "port")
"""Settings that say where things are, not how they are answered."""


def describe_run(
    assistant: Assistant, questions: Sequence[Question], name: str, started_at: datetime, seconds: float
) -> RunAbout:
    """Return what a run of an assistant over a question set depended on. name: what people call the question set."""
    settings, manifest = assistant.settings, assistant.manifest()
    threshold, origin = assistant.threshold()
    return RunAbout(
        id=started_at.strftime("%Y%m%dT%H%M%S") + f"{started_at.microsecond // 1000:03d}",
        started_at=started_at,
        seconds=round(seconds, 2),
        engine=assistant.engine,
        versions={"python": platform.python_version()} | {name: find_version(name) for name in _PACKAGES},
        snapshot=describe_snapshot(manifest),
        questions=QuestionsAbout(name, hash_questions(questions), len(questions)),
        settings=_plain(shown_settings(settings)),
        changed=find_changed(settings),
        models=hash_parts() | {"embedder": manifest.recipe.embedder_fingerprint},
        threshold=threshold,
        threshold_origin=origin,
        cores=os.cpu_count() or 0,
    )


def describe_snapshot(manifest: Manifest) -> SnapshotAbout:
    """Return what a run says of the index."""
    return SnapshotAbout(manifest.id, asdict(manifest.recipe), hash_corpus(manifest.sources), dict(manifest.counts))


def find_changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not the default, those aside that say where things are."""
    standard = shown_settings(Settings())
    return _plain({k: v for k, v in shown_settings(settings).items() if v != standard[k] and k not in _ABOUT_PLACE})


def hash_corpus(sources: Mapping[str, str]) -> str:
    """Return the hash of the documents of an index. sources: source -> sha256, in any order.

    >>> hash_corpus({"a": "1", "b": "2"}) == hash_corpus({"b": "2", "a": "1"}) != hash_corpus({"a": "2", "b": "1"})
    True
    """
    return _hash("\n".join(f"{source}\t{sha256}" for source, sha256 in sorted(sources.items())))


def hash_questions(questions: Iterable[Question]) -> str:
    """Return the hash of what a question set says, in its order."""
    return _hash(json.dumps([asdict(question) for question in questions], ensure_ascii=False, default=str))


def hash_parts() -> dict[str, str]:
    """Return the hashes of the parts that were fitted and come with the package: confidence, units, reranker."""
    files = sorted(file for folder in _PARTS for file in folder.glob("*.json"))
    return {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def find_version(package: str) -> str:
    """Return the installed version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:  # run from a copy of the source that is not installed
        return _UNKNOWN


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.as_posix() if isinstance(value, Path) else value for name, value in values.items()}
