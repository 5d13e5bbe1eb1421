"""The embedders adapted to the corpus of one index: `models/<fingerprint>/`, and `models/CURRENT`, the one to build with.

Any static model that was chosen stays as long as a kept snapshot was built with it: a rollback opens what it was built with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.indexing.durable import replace_text, sync_tree

if TYPE_CHECKING:
    from rag.indexing.embedding import StaticEmbedder, Vectors

MODELS, CURRENT_FILE, NOTE_FILE, LAST_FILE = "models", "CURRENT", "adaptation.json", "last.json"
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Figures:
    """How well the held-out queries found their chunks among all chunks of the corpus, by the dense leg alone."""

    hit_at_1: float
    ndcg_at_10: float


@dataclass(frozen=True, slots=True)
class AdaptationNote:
    """How an adaptation came about. base: fingerprint of the model that it started from; pairs: kind -> number;
    share: how far the table was moved of what was learned.

    held_out: number of queries, of entries that were kept out of the training; before, after: what they found.
    """

    base: str
    snapshot: str
    chunks: int
    pairs: Mapping[str, int]
    steps: int
    share: float
    held_out: int
    before: Figures
    after: Figures
    kept: bool
    created_at: str
    seconds: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AdaptationNote:
        """Return the note of its JSON form. Raises KeyError or TypeError for another."""
        figures = {name: Figures(**values[name]) for name in ("before", "after")}
        return cls(**{f.name: values[f.name] for f in fields(cls)} | figures)


class AdaptedModels:
    """The adapted models of one index folder. Writing needs the writer's lock."""

    def __init__(self, index_dir: Path) -> None:
        self._folder = index_dir / MODELS

    def folder(self, fingerprint: str) -> Path:
        """Return the folder of a model, which may not exist."""
        return self._folder / fingerprint

    def has(self, fingerprint: str) -> bool:
        """Tell whether there is such a model."""
        return bool(fingerprint) and (self.folder(fingerprint) / NOTE_FILE).is_file()

    def chosen(self) -> str | None:
        """Return the fingerprint of the model that the next snapshot is to be built with, None for the default embedder."""
        try:
            fingerprint = (self._folder / CURRENT_FILE).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return fingerprint if self.has(fingerprint) else None

    def choose(self, fingerprint: str | None) -> None:
        """Build the next snapshots with this model; None: with the default embedder."""
        if fingerprint is not None:
            replace_text(self._folder / CURRENT_FILE, fingerprint)
        else:
            (self._folder / CURRENT_FILE).unlink(missing_ok=True)

    def follow(self, fingerprint: str) -> None:
        """Build the next snapshots with the model of a snapshot that was restored: an adapted one, or the default embedder."""
        self.choose(fingerprint if self.has(fingerprint) else None)

    def add(self, base: StaticEmbedder, table: Vectors, note: AdaptationNote, *, dense_weight: float) -> str:
        """Write an adapted model and return its fingerprint; it is not chosen yet."""
        from rag.indexing.embedding import StaticEmbedder, write_static_model

        partial = self._folder / _PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_static_model(partial, base.tokenizer, table, name=adapted_name(base), dense_weight=dense_weight)
        # Written anew, the scores of pieces differ in the last digit, and the vocabulary would be another one.
        shutil.copyfile(base.tokenizer_file, partial / base.tokenizer_file.name)
        _write_note(partial / NOTE_FILE, note)
        sync_tree(partial)
        fingerprint = StaticEmbedder(partial).fingerprint
        if not self.has(fingerprint):
            shutil.rmtree(self.folder(fingerprint), ignore_errors=True)
            partial.rename(self.folder(fingerprint))
        shutil.rmtree(partial, ignore_errors=True)
        return fingerprint

    def note(self, fingerprint: str) -> AdaptationNote | None:
        """Return how a model came about, None where there is no such model or nobody can read its note."""
        return _read_note(self.folder(fingerprint) / NOTE_FILE)

    def last(self) -> AdaptationNote | None:
        """Return how the last attempt went, kept or not; None before the first."""
        return _read_note(self._folder / LAST_FILE)

    def record(self, note: AdaptationNote) -> None:
        """Remember an attempt, so that one that failed is not made again before the corpus has changed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        _write_note(self._folder / LAST_FILE, note)

    def prune(self, used: Collection[str]) -> None:
        """Delete the models that neither a kept snapshot uses nor is chosen."""
        if not self._folder.is_dir():
            return
        kept = {*used, self.chosen()}
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def adapted_name(base: StaticEmbedder) -> str:
    """Return the name of a model adapted from another: what `rag status` shows."""
    return f"{base.name.removesuffix('+adapted')}+adapted"


def _write_note(file: Path, note: AdaptationNote) -> None:
    replace_text(file, json.dumps(asdict(note), ensure_ascii=False, indent=1))


def _read_note(file: Path) -> AdaptationNote | None:
    try:
        return AdaptationNote.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
