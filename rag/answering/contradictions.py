"""Documents that state different days, amounts or numbers for what was asked: both are shown, with their dates and a warning."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rag.answering.answer_type import AnswerType, find_wanted
from rag.answering.facts.finding import Fact, FactKind, contains, find_facts
from rag.answering.units import Unit
from rag.answering.versions import describe_day
from rag.documents import Passage, Warning_
from rag.reading.dates import find_years
from rag.retrieval.query import Query
from rag.text import morphemes, normalize

CONTRADICTION = "contradiction"
_KINDS = {
    AnswerType.AMOUNT: (FactKind.AMOUNT,),
    AnswerType.TIME: (FactKind.DATE, FactKind.PERIOD, FactKind.TIME),
    AnswerType.COUNT: (FactKind.NUMBER,),
    AnswerType.QUANTITY: (FactKind.NUMBER, FactKind.AMOUNT),
    AnswerType.CONTACT: (FactKind.PHONE,),
}
_AS_OF = re.compile(r"\s*末?\s*(?:現在|時点)")
_OF_BIRTH = re.compile("生まれ(?![また])")
_BREAKS = "、。\n\t"
_AS_LIKELY = 0.3  # a unit of another document counts from this share of the best one's probability on


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two units of different documents that answer the same question with different values, as they are written."""

    units: tuple[Unit, Unit]
    values: tuple[str, str]

    def warn(self, passages: Sequence[Passage]) -> Warning_:
        """Return the caution that names both documents with their values and days."""
        said = [_describe(passages[u.passage], value) for u, value in zip(self.units, self.values, strict=True)]
        return Warning_(
            CONTRADICTION,
            f"文書によって書かれていることが違います。{said[0]}、{said[1]}です。"
            "条件や時点の違いでないか、所管課に確かめてください。",
        )


def find_contradiction(query: Query, units: Sequence[Unit], passages: Sequence[Passage]) -> Contradiction | None:
    """Return the likeliest unit of another document that contradicts the best unit; None where none does.

    Both must name all that the question names as far as the best one does; a period that runs from what was asked for (転入届の日から
    90日以内) is no limit of it. They must not speak of different years, or of how things were on different days. A document that says
    the same elsewhere does not contradict it, and editions of one text do not contradict each other: only one of them is asked.
    """
    kinds = _KINDS.get(find_wanted(query.text).type)
    ranked = sorted((u for u in units if not u.is_heading), key=lambda u: -u.score)
    if kinds is None or not ranked:
        return None
    source = passages[ranked[0].passage].chunk.source
    rivals = [
        unit
        for unit in ranked[1:]
        if unit.score >= _AS_LIKELY * ranked[0].score and passages[unit.passage].chunk.source != source
    ]
    if not rivals or not (best := _Statement(ranked[0], passages, query, kinds)).is_to_the_point:
        return None
    agreeing: dict[tuple[str, FactKind], bool] = {}
    for unit in rivals:
        other = _Statement(unit, passages, query, kinds)
        if not other.answers_the_same(best) or (difference := best.find_difference(other)) is None:
            continue
        kind, ours, theirs = difference
        key = passages[unit.passage].chunk.source, kind
        if key not in agreeing:
            beside = (u for u in ranked if u != unit and passages[u.passage].chunk.source == key[0])
            agreeing[key] = any(best.agrees_with(_Statement(u, passages, query, kinds), kind) for u in beside)
        if not agreeing[key]:
            return Contradiction((ranked[0], unit), (ours, theirs))
    return None


class _Statement:
    """What a unit says about a question: the values of the kind that was asked for, the asked words it holds, its years."""

    def __init__(self, unit: Unit, passages: Sequence[Passage], query: Query, kinds: Collection[FactKind]) -> None:
        chunk = passages[unit.passage].chunk
        around = "\n".join((*chunk.headings, chunk.question_text))
        self._text = unit.text(passages)
        whole = f"{around}\n{self._text}"
        found = find_facts(self._text)
        notes = "\n".join(chunk.text[slice(*span)] for span in chunk.header)
        self._as_of = [*_find_days(notes, find_facts(notes) if notes else ()), *_find_days(self._text, found)]
        # A day that answers is not the time that a text speaks of.
        self.years = find_years(normalize(f"{chunk.title}\n{around if FactKind.DATE in kinds else whole}"))
        facts = [f for f in found if f.kind in kinds and self._written(f) not in query.text]
        self._facts = [fact for fact in facts if not self._says_of_what(fact)]
        self._named, self._starts = (
            query.held_in(set(morphemes(text))).intersection(query.nouns) for text in (whole, self._find_starts())
        )
        self._asked = len(query.nouns)

    @property
    def is_to_the_point(self) -> bool:
        """Whether it names half of what the question names, or more."""
        return 2 * len(self._named) >= self._asked

    def answers_the_same(self, best: _Statement) -> bool:
        """Tell whether it names what the best one names, and of no other year."""
        of_one_time = not self.years or not best.years or bool(self.years & best.years)
        of_one_day = not self._as_of or not best._as_of or _agree(self._as_of, best._as_of)
        return self._named >= best._named and self._starts <= best._starts and of_one_time and of_one_day

    def agrees_with(self, other: _Statement, kind: FactKind) -> bool:
        """Tell whether the other answers the same with one of its values of a kind."""
        return _agree(self._of(kind), other._of(kind)) and other.answers_the_same(self)

    def find_difference(self, other: _Statement) -> tuple[FactKind, str, str] | None:
        """Return a kind of which all values differ, and a value of each as it is written."""
        for kind in dict.fromkeys(fact.kind for fact in self._facts):
            ours, theirs = self._of(kind), other._of(kind)
            if ours and theirs and not _agree(ours, theirs):
                return kind, self._written(ours[0]), other._written(theirs[0])
        return None

    def _find_starts(self) -> str:
        """Return from what its periods run (転入届の日から, of 90日以内): they are no limit of it."""
        found = []
        for fact in self._of(FactKind.PERIOD):
            before = self._text[: fact.start].rstrip(f"{_BREAKS} ")
            if before.endswith("から"):
                found.append(before[max(before.rfind(mark) for mark in (*_BREAKS, "は")) + 1 :])
        return "\n".join(found)

    def _says_of_what(self, fact: Fact) -> bool:
        """Tell whether a day says of whom, or as of when, something is said: it answers nothing."""
        is_date = fact.kind is FactKind.DATE
        return is_date and any(pattern.match(self._text, fact.end) for pattern in (_AS_OF, _OF_BIRTH))

    def _of(self, kind: FactKind) -> list[Fact]:
        return [fact for fact in self._facts if fact.kind is kind]

    def _written(self, fact: Fact) -> str:
        return self._text[fact.start : fact.end]


def _find_days(text: str, facts: Sequence[Fact]) -> list[Fact]:
    """Return the days as of which a text says how things are (令和8年4月1日現在)."""
    return [fact for fact in facts if fact.kind is FactKind.DATE and _AS_OF.match(text, fact.end)]


def _agree(ours: Sequence[Fact], theirs: Sequence[Fact]) -> bool:
    return any(contains(theirs, fact) for fact in ours) or any(contains(ours, fact) for fact in theirs)


def _describe(passage: Passage, value: str) -> str:
    metadata = passage.metadata
    if metadata.effective_date:
        since = f"（{describe_day(metadata.effective_date)}から）"
    else:
        since = f"（{metadata.year}年度）" if metadata.year else "（日付の記載なし）"
    return f"「{passage.chunk.title}」{since}は「{value}」"
