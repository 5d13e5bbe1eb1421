"""What was changed in the corpus, and how to change it back: one record for each change, kept beside what it took away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from rag.indexing.durable import replace_text

RECORD_FILE = "record.json"


class Action(StrEnum):
    """What somebody did to the corpus."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"
    METADATA = "metadata"
    SYNONYMS = "synonyms"
    DICTIONARY = "dictionary"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _LABELS[self]


_LABELS = {
    Action.ADD: "文書の追加",
    Action.REPLACE: "文書の置き換え",
    Action.DELETE: "文書の削除",
    Action.METADATA: "文書の情報の編集",
    Action.SYNONYMS: "同義語の編集",
    Action.DICTIONARY: "辞書の編集",
}


class Stage(StrEnum):
    """How far a change has come. What is found in BEGUN is taken back, in UNDOING it is taken back to the end."""

    BEGUN = "begun"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a change: its place in the corpus as it is written on disk, and the hashes of what was and of what is there.

    before, after: SHA-256 in hex, None for no file.
    """

    source: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class SavedRow:
    """A row that was taken out of metadata.csv with its document. cells: (column, text) of what is filled; place: from 0."""

    place: int
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the corpus. id: the time, sortable; who: who did it, as the page calls them; corpus: the folder it was made in."""

    id: str
    action: Action
    who: str
    created_at: str
    corpus: str
    files: tuple[FileChange, ...]
    rows: tuple[SavedRow, ...] = ()
    stage: Stage = Stage.BEGUN

    @property
    def can_be_undone(self) -> bool:
        """Tell whether it was made and not taken back yet."""
        return self.stage is Stage.DONE

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that were changed."""
        return tuple(file.source for file in self.files)

    @property
    def day(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.created_at)

    def at(self, stage: Stage) -> Change:
        """Return the change at another stage."""
        return replace(self, stage=stage)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Change:
        """Return what the JSON form says. Raises KeyError, TypeError or ValueError for another."""
        rows = (
            SavedRow(row["place"], tuple((column, text) for column, text in row["cells"])) for row in values["rows"]
        )
        files = tuple(FileChange(**file) for file in values["files"])
        known = {"action": Action(values["action"]), "stage": Stage(values["stage"])}
        return cls(**{**values, **known, "files": files, "rows": tuple(rows)})


def write_record(folder: Path, change: Change) -> None:
    """Write the record of a change, durably, into the folder of what it took away."""
    replace_text(folder / RECORD_FILE, json.dumps(asdict(change), ensure_ascii=False))


def read_record(folder: Path) -> Change | None:
    """Return the record in a folder; None where there is none that can be read."""
    try:
        return Change.from_dict(json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_hash(path: Path) -> str | None:
    """Return the SHA-256 of a file, in hex; None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
