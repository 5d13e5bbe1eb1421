"""Documents that state different days, amounts or numbers for what was asked: both are shown, with their dates and a warning."""

from __future__ import annotations

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

    Both must name all that the question names as far as the best one does, and must not speak of different years. Editions of one
    text do not contradict each other: only one of them is asked.
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
    for unit in rivals:
        other = _Statement(unit, passages, query, kinds)
        if other.answers_the_same(best) and (pair := best.find_difference(other)):
            return Contradiction((ranked[0], unit), pair)
    return None


class _Statement:
    """What a unit says about a question: the values of the kind that was asked for, the asked words it holds, its years."""

    def __init__(self, unit: Unit, passages: Sequence[Passage], query: Query, kinds: Collection[FactKind]) -> None:
        chunk = passages[unit.passage].chunk
        around = "\n".join((*chunk.headings, chunk.question_text))
        self._text = unit.text(passages)
        whole = f"{around}\n{self._text}"
        # A day that answers is not the time that a text speaks of.
        self.years = find_years(normalize(f"{chunk.title}\n{around if FactKind.DATE in kinds else whole}"))
        self._named = query.held_in(set(morphemes(whole))).intersection(query.nouns)
        self._asked = len(query.nouns)
        self._facts = [f for f in find_facts(self._text) if f.kind in kinds and self._written(f) not in query.text]

    @property
    def is_to_the_point(self) -> bool:
        """Whether it names half of what the question names, or more."""
        return 2 * len(self._named) >= self._asked

    def answers_the_same(self, best: _Statement) -> bool:
        """Tell whether it names what the best one names, and of no other year."""
        of_one_time = not self.years or not best.years or bool(self.years & best.years)
        return self._named >= best._named and of_one_time

    def find_difference(self, other: _Statement) -> tuple[str, str] | None:
        """Return a value of each where all values of one kind differ, as they are written."""
        for kind in dict.fromkeys(fact.kind for fact in self._facts):
            ours, theirs = self._of(kind), other._of(kind)
            if ours and theirs and not _agree(ours, theirs):
                return self._written(ours[0]), other._written(theirs[0])
        return None

    def _of(self, kind: FactKind) -> list[Fact]:
        return [fact for fact in self._facts if fact.kind is kind]

    def _written(self, fact: Fact) -> str:
        return self._text[fact.start : fact.end]


def _agree(ours: Sequence[Fact], theirs: Sequence[Fact]) -> bool:
    return any(contains(theirs, fact) for fact in ours) or any(contains(ours, fact) for fact in theirs)


def _describe(passage: Passage, value: str) -> str:
    metadata = passage.metadata
    if metadata.effective_date:
        since = f"（{describe_day(metadata.effective_date)}から）"
    else:
        since = f"（{metadata.year}年度）" if metadata.year else "（日付の記載なし）"
    return f"「{passage.chunk.title}」{since}は「{value}」"
