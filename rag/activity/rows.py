"""What is remembered of a question as a row of the database, and back."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.activity.masking import redact_texts
from rag.activity.records import AskedQuestion, GivenAnswer, ShownDocument, Verdict
from rag.documents import Answer, Kind, Locator, Reason, Status

if TYPE_CHECKING:
    from rag.assistant import DocumentEntry

FindDocument = Callable[[str], "DocumentEntry | None"]
"""Called with a source: the document as everyone who may read everything sees it; None where it is not in the index."""
_JUDGED = """
judged.verdict, judged.comment FROM asked LEFT JOIN judged ON judged.rowid = (
  SELECT rowid FROM judged WHERE judged.asked = asked.id ORDER BY at DESC, rowid DESC LIMIT 1
)
"""
SELECT_ASKED = f"""
SELECT asked.id, asked.at, question, form, department, in_charge, kind, status, reason, confidence, engine, elapsed_ms, {_JUDGED}
"""
SELECT_GIVEN = f"SELECT asked.*, {_JUDGED}"
"""With the answers, which are many times as long as the questions."""


def find_documents(answer: Answer, find: FindDocument) -> tuple[ShownDocument, ...]:
    """Return the documents that an answer cites, and those that it shows as the nearest."""
    places = [(c.source, c.locator, True) for c in answer.citations]
    places += [(p.source, p.locator, False) for p in answer.nearest]
    return tuple(_show(source, locator, find, is_cited=cited) for source, locator, cited in places)


def _show(source: str, locator: Locator, find: FindDocument, *, is_cited: bool) -> ShownDocument:
    entry = find(source)
    sha256, audience = (entry.sha256, entry.metadata.audience) if entry else (None, None)
    return ShownDocument(source, sha256, audience, locator.as_dict(), is_cited)


def find_department(answer: Answer, find: FindDocument) -> str | None:
    """Return the department in charge: of most of the documents cited, else of the nearest ones, else the contact's."""
    cited = [c.department for c in answer.citations]
    near = [entry.metadata.department for place in answer.nearest if (entry := find(place.source))]
    for departments in (cited, near):
        if known := Counter(department for department in departments if department):
            return known.most_common(1)[0][0]
    return answer.contact.department if answer.contact else None


def find_kind(answer: Answer, find: FindDocument) -> str | None:
    """Return the kind of the document that is cited first."""
    entry = find(answer.citations[0].source) if answer.citations else None
    return entry.metadata.kind.value if entry else None


def write_documents(documents: tuple[ShownDocument, ...]) -> str:
    """Return the JSON text of documents; a name of a person in a file name is masked, which ends the way to that file."""
    names = dict(zip(places, redact_texts(places), strict=True)) if (places := list(_find_names(documents))) else {}
    rows = [asdict(document) for document in documents]
    return json.dumps([_rename(row, names) for row in rows], ensure_ascii=False)


def _find_names(documents: tuple[ShownDocument, ...]) -> Iterator[str]:
    for document in documents:
        yield document.source
        yield from (value for value in document.locator.values() if isinstance(value, str))


def _rename(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    locator = {key: names[v] if isinstance(v, str) else v for key, v in row["locator"].items()}
    return {**row, "source": names[row["source"]], "locator": locator}


def read_asked(row: sqlite3.Row) -> AskedQuestion:
    """Return the question of a row of SELECT_ASKED or SELECT_GIVEN."""
    return AskedQuestion(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        question=row["question"],
        form=row["form"],
        department=row["department"],
        in_charge=row["in_charge"],
        kind=Kind(row["kind"]) if row["kind"] else None,
        status=Status(row["status"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        confidence=row["confidence"],
        engine=row["engine"],
        elapsed_ms=row["elapsed_ms"],
        verdict=Verdict(row["verdict"]) if row["verdict"] else None,
        comment=row["comment"] or "",
    )


def read_given(row: sqlite3.Row) -> GivenAnswer:
    """Return the answer of a row of SELECT_GIVEN."""
    documents = tuple(
        ShownDocument(
            d["source"],
            d["sha256"],
            None if d["audience"] is None else tuple(d["audience"]),
            d["locator"],
            d["is_cited"],
        )
        for d in json.loads(row["documents"])
    )
    return GivenAnswer(read_asked(row), json.loads(row["answer"]), row["snapshot"], documents)
