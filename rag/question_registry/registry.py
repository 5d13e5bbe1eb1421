"""The registry: staff add, an administrator approves, everybody asks with what is approved. SQLite in data_dir/questions.sqlite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources

from rag.activity.database import Database
from rag.activity.masking import clean_text, redact_texts
from rag.activity.question_form import normalize_question
from rag.activity.store import Clock, read_clock
from rag.errors import UsageError
from rag.question_registry.entries import EntryKind, NewEntry, RegistryEntry, ReviewState, find_mistakes
from rag.question_registry.exchange import EntryProblem, read_exchange, write_exchange
from rag.settings import Settings

REGISTRY_FILE = "questions.sqlite"
STARTER_FILE = "starter.json"
MIGRATIONS = (
    """
CREATE TABLE secret (value BLOB NOT NULL);
CREATE TABLE entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, text TEXT NOT NULL, form TEXT NOT NULL, category TEXT NOT NULL,
  department TEXT NOT NULL, state TEXT NOT NULL, uses INTEGER NOT NULL, added TEXT NOT NULL, origin TEXT NOT NULL,
  UNIQUE (kind, form)
);
""",
)
_KNOWN = "同じ内容がすでに登録されています（登録済みのものを使ってください）。"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of an exchange file: added as drafts, already there, or not taken and why. Every entry is one of the three."""

    town: str
    added: int
    known: tuple[EntryProblem, ...]
    problems: tuple[EntryProblem, ...]


class QuestionRegistry:
    """The examples and templates of one installation; safe to use from many threads. Doors check who may add and approve."""

    def __init__(self, database: Database, now: Clock = read_clock) -> None:
        self._database, self._now = database, now

    @classmethod
    def open(cls, settings: Settings, now: Clock = read_clock) -> QuestionRegistry:
        """Open the registry, creating it where needed. Raises ActivityError."""
        return cls(Database(settings.data_dir / REGISTRY_FILE, MIGRATIONS), now)

    def add(self, entry: NewEntry) -> RegistryEntry:
        """Add a draft, without personal data. Raises UsageError for what is wrong with it, or where it is there already."""
        mistakes = list(find_mistakes(entry))
        if mistakes:
            raise UsageError("登録できません。" + "".join(mistakes), "直してから、もう一度登録してください。")
        id_ = self._insert(entry, origin="")
        if id_ is None:
            raise UsageError(f"登録できません。{_KNOWN}", "一覧から探して、そのまま使ってください。")
        return self.entry(id_)

    def add_example(self, question: str, *, category: str, department: str) -> RegistryEntry:
        """Add a question that was asked, as a draft: one click on an answer or a feedback. Raises UsageError as `add` does."""
        return self.add(NewEntry(EntryKind.EXAMPLE, " ".join(question.split()), category, department))

    def entry(self, id: int) -> RegistryEntry:
        """Return one entry. Raises UsageError where there is none."""
        found = self._database.read("SELECT * FROM entry WHERE id = ?", (id,))
        if not found:
            raise UsageError(f"登録番号 {id} の質問はありません。", "一覧を開き直してください。")
        return _read_entry(found[0])

    def entries(self, state: ReviewState | None = None, kind: EntryKind | None = None) -> tuple[RegistryEntry, ...]:
        """Return the entries by category, the most used first in each."""
        found = map(_read_entry, self._database.read("SELECT * FROM entry ORDER BY category, uses DESC, id"))
        return tuple(e for e in found if state in (None, e.state) and kind in (None, e.kind))

    def review(self, id: int, state: ReviewState) -> RegistryEntry:
        """Approve, reject or retire an entry, or make it a draft again. Raises UsageError where there is none."""
        self.entry(id)
        with self._database.writing() as connection:
            connection.execute("UPDATE entry SET state = ? WHERE id = ?", (state.value, id))
        return self.entry(id)

    def count_use(self, id: int) -> None:
        """Count that somebody asked with an approved entry; others are not counted."""
        with self._database.writing() as connection:
            connection.execute("UPDATE entry SET uses = uses + 1 WHERE id = ? AND state = 'approved'", (id,))

    def export_json(self, town: str) -> str:
        """Return the approved entries as the JSON text of an exchange file. town: who hands it out."""
        return write_exchange(self.entries(ReviewState.APPROVED), clean_text(town))

    def import_json(self, data: bytes) -> ImportReport:
        """Take the entries of an exchange file as drafts. Raises ActivityError for a file that is none as a whole."""
        exchange = read_exchange(data)
        known, added = [], 0
        for number, entry in exchange.entries:
            if self._insert(entry, origin=exchange.town or "（町名なし）") is None:
                known.append(EntryProblem(number, _KNOWN))
            else:
                added += 1
        return ImportReport(exchange.town, added, tuple(known), exchange.problems)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _insert(self, entry: NewEntry, *, origin: str) -> int | None:
        """Write a draft; return its id, None where an equal one is there."""
        clean = _clean(entry)
        values = (clean.kind.value, clean.text, normalize_question(clean.text), clean.category, clean.department)
        state, day = ReviewState.DRAFT.value, self._now().date().isoformat()
        query = "INSERT INTO entry (kind, text, form, category, department, state, uses, added, origin) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)"
        with self._database.writing() as connection:
            try:
                return connection.execute(query, (*values, state, day, clean_text(origin))).lastrowid
            except sqlite3.IntegrityError:
                return None


def read_starter() -> bytes:
    """Return the exchange file that comes with しるべ: questions that the documents of the sample town answer."""
    return (resources.files("rag.question_registry") / STARTER_FILE).read_bytes()


def _clean(entry: NewEntry) -> NewEntry:
    texts: Iterable[str] = (clean_text(value) for value in (entry.text, entry.category, entry.department))
    text, category, department = (" ".join(value.split()) for value in texts)
    return replace(entry, text=redact_texts([text])[0], category=category, department=department)


def _read_entry(row: sqlite3.Row) -> RegistryEntry:
    return RegistryEntry(
        id=row["id"],
        kind=EntryKind(row["kind"]),
        text=row["text"],
        category=row["category"],
        department=row["department"],
        state=ReviewState(row["state"]),
        uses=row["uses"],
        added=date.fromisoformat(row["added"]),
        origin=row["origin"],
    )
