"""A clock that is set by hand, answers to be remembered, and an installation over a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from fakes import BigramEmbedder

from rag.activity.activity import Activity
from rag.activity.records import AskedQuestion, Verdict
from rag.assistant import DocumentEntry
from rag.documents import Answer, Citation, Contact, Kind, Locator, Metadata, Place, Reason, Span, Status
from rag.settings import Settings

JST = timezone(timedelta(hours=9))
QA, MANUAL, SECRET = "環境課/Q&A.csv", "町民課/手引.pdf", "税務課/滞納.txt"
ENTRIES = {
    QA: DocumentEntry(QA, "Q&A", "a" * 64, Metadata("Q&A", Kind.FAQ, "環境課"), 1),
    MANUAL: DocumentEntry(MANUAL, "手引", "b" * 64, Metadata("手引", Kind.MANUAL, "町民課"), 3),
    SECRET: DocumentEntry(SECRET, "滞納", "c" * 64, Metadata("滞納", Kind.MANUAL, "税務課", audience=("税務課",)), 1),
}


@dataclass
class HandClock:
    """Says the time that it was set to."""

    time: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=JST)

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)  # two things never happen at the same time
        return self.time

    def pass_days(self, days: int) -> None:
        self.time += timedelta(days=days)


class Library:
    """The documents of the index; they can be taken away or closed."""

    def __init__(self) -> None:
        self.entries = dict(ENTRIES)

    def find(self, source: str) -> DocumentEntry | None:
        return self.entries.get(source)

    def close_to(self, source: str, *departments: str) -> None:
        entry = self.entries[source]
        self.entries[source] = replace(entry, metadata=replace(entry.metadata, audience=departments))


def answered(text: str = "10枚400円です。[1]", source: str = QA, locator: Locator | None = None) -> Answer:
    department = ENTRIES[source].metadata.department
    place = locator or Locator(row=6)
    citation = Citation(1, source, ENTRIES[source].title, place, 1, (Span(0, 5),), text, True, department)
    return Answer(Status.ANSWERED, text, 0.8, "extractive", 12.5, citations=(citation,))


def declined(source: str = MANUAL, reason: Reason = Reason.WEAK_EVIDENCE) -> Answer:
    near = (Place(source, "手引", Locator(page=2), "近い箇所"),) if reason is Reason.WEAK_EVIDENCE else ()
    return Answer(
        Status.NO_ANSWER, "", 0.1, "extractive", 9.0, reason=reason, nearest=near, contact=Contact("総務課", "210")
    )


def build_activity(
    folder: Path,
    clock: HandClock | None = None,
    library: Library | None = None,
    reindex: Callable[[], object] = lambda: None,
    **changes: object,
) -> Activity:
    """Open an installation under a folder."""
    settings = Settings(corpus=folder / "corpus", data_dir=folder / "data", index=folder / "index", **changes)  # type: ignore[arg-type]
    settings.corpus.mkdir(exist_ok=True)
    return Activity(
        settings,
        find_document=(library or Library()).find,
        find_embedder=lambda: BigramEmbedder(dimension=512),
        reindex=reindex,
        now=clock or HandClock(),
    )


def asked_question(
    question: str = "ごみ袋はいくらですか",
    *,
    day: date = date(2026, 11, 25),
    department: str | None = "総務課",
    kind: Kind | None = Kind.FAQ,
    answered: bool = True,
    verdict: Verdict | None = None,
    form: str | None = None,
) -> AskedQuestion:
    return AskedQuestion(
        id=f"{question}{day}",
        at=datetime(day.year, day.month, day.day, 10, tzinfo=JST),
        question=question,
        form=form or question,
        department=department,
        in_charge="環境課",
        kind=kind if answered else None,
        status=Status.ANSWERED if answered else Status.NO_ANSWER,
        reason=None if answered else Reason.WEAK_EVIDENCE,
        confidence=0.5,
        engine="extractive",
        elapsed_ms=10.0,
        verdict=verdict,
    )


def read_everything(folder: Path) -> str:
    """Return the bytes of every file under a folder, as far as they are text."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)
