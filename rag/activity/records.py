"""The nouns of what is remembered: a question as it was asked, the answer that was given, and how people judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from rag.documents import Kind, Reason, Status


class Verdict(StrEnum):
    """What the person who asked said of an answer."""

    HELPFUL = "helpful"
    WRONG = "wrong"
    NOT_FOUND = "not_found"

    @property
    def label(self) -> str:
        """The Japanese words on the button."""
        return {"helpful": "役に立った", "wrong": "違う", "not_found": "見つからない"}[self.value]


@dataclass(frozen=True, slots=True)
class Asking:
    """A question about to be remembered, as it was typed. user, session: kept as keyed hashes only."""

    question: str
    department: str | None = None
    user: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question, without personal data. form: what equal questions share. department: of the asker; in_charge: of the answer.

    kind: of the document that is cited first. verdict, comment: the latest judgement. id: unguessable; the permanent link.
    """

    id: str
    at: datetime
    question: str
    form: str
    department: str | None
    in_charge: str | None
    kind: Kind | None
    status: Status
    reason: Reason | None
    confidence: float
    engine: str
    elapsed_ms: float
    verdict: Verdict | None = None
    comment: str = ""

    @property
    def day(self) -> date:
        """The day on which it was asked, at the place of the server."""
        return self.at.date()

    @property
    def is_answered(self) -> bool:
        """Whether an answer was given."""
        return self.status is Status.ANSWERED

    @property
    def was_unhelpful(self) -> bool:
        """Whether a person said that the answer was wrong, or that it did not hold what was sought."""
        return self.verdict in (Verdict.WRONG, Verdict.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document that an answer cites or shows. sha256: its bytes then. audience: who could read it then, None where nobody knows."""

    source: str
    sha256: str | None
    audience: tuple[str, ...] | None
    locator: Mapping[str, Any]
    is_cited: bool


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer as it was given on its day. answer: the JSON form of `rag.answer_json`, without personal data."""

    asked: AskedQuestion
    answer: Mapping[str, Any]
    snapshot: str | None
    documents: tuple[ShownDocument, ...]
