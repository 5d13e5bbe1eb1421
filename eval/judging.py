"""Ask one question and judge its answer: `judge` -> QuestionRecord."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eval.groups import label_type
from eval.matching import (
    ReadPage,
    Spot,
    is_at_gold,
    is_read_back,
    missing_facts,
    rank_places,
    spots_of,
    spots_of_citation,
)
from eval.metrics import Outcome
from eval.questions import Gold, Question
from eval.records import AnswerRecord, CitationRecord, HitRecord, PlaceRecord, QuestionRecord
from rag.answering.answer_type import find_wanted
from rag.documents import COMMAND_LINE, Answer, Filters, Locator, Passage, Status
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.assistant import Assistant

SEARCH_LIMIT = 50  # passages looked at for hit@k, MRR and nDCG
_HITS_KEPT = 5
_HIT_CHARS = 200


def judge(assistant: Assistant, question: Question, read_page: ReadPage, kinds: Mapping[str, str]) -> QuestionRecord:
    """Ask a question and return what came of it. kinds: source -> the kind of the document, as people call it."""
    filters = filters_of(question)
    started = time.perf_counter()
    try:
        answer = assistant.ask(question.text, filters=filters, asker=COMMAND_LINE)
        elapsed_ms = (time.perf_counter() - started) * 1000
        passages = assistant.search(question.text, filters=filters, asker=COMMAND_LINE, limit=SEARCH_LIMIT)
    except RagError as error:
        failed = Outcome(
            question.answerable,
            elapsed_ms=(time.perf_counter() - started) * 1000,
            gold_ranks=(None,) * len(question.gold),
            facts=len(question.key_facts),
        )
        return _record(question, kinds, failed, error=error.message, missing=question.key_facts)
    outcome = find_outcome(question, answer, passages, read_page, elapsed_ms)
    return _record(
        question,
        kinds,
        outcome,
        answer=_record_answer(answer, outcome),
        hits=_record_hits(passages[:_HITS_KEPT], question.gold, read_page),
        missing=missing_facts(answer.text, question.key_facts),
    )


def filters_of(question: Question) -> Filters | None:
    """Return what a question is limited to: the documents in force on its day, where it names one."""
    return Filters(as_of=question.as_of) if question.as_of else None


def find_outcome(
    question: Question, answer: Answer, passages: Sequence[Passage], read_page: ReadPage, elapsed_ms: float
) -> Outcome:
    """Return what is found out of an answer and the passages that were found (best first)."""
    missing = missing_facts(answer.text, question.key_facts)
    spots = [spots_of_citation(citation, passages) for citation in answer.citations]
    return Outcome(
        answerable=question.answerable,
        answered=answer.status is Status.ANSWERED,
        abstained=answer.status is Status.NO_ANSWER,
        has_facts=not missing,
        ranked=rank_places(passages, question.gold, read_page),
        at_gold=tuple(_stand_at(of_citation, question.gold, read_page) for of_citation in spots),
        read_back=tuple(is_read_back(citation, read_page) for citation in answer.citations),
        confidence=answer.confidence,
        elapsed_ms=elapsed_ms,
        gold_ranks=rank_golds(passages, question.gold, read_page),
        golds_cited=sum(any(_stand_at(of, [gold], read_page) for of in spots) for gold in question.gold),
        facts=len(question.key_facts),
        facts_held=len(question.key_facts) - len(missing),
        answer_chars=len(answer.text),
    )


def _stand_at(spots: Sequence[Spot], gold: Sequence[Gold], read_page: ReadPage) -> bool:
    return any(is_at_gold(spot, gold, read_page) for spot in spots)


def rank_golds(passages: Sequence[Passage], gold: Sequence[Gold], read_page: ReadPage) -> tuple[int | None, ...]:
    """Return for each gold place the rank at which it was found, from 1; None where it was not."""
    found = (rank_places(passages, [place], read_page) for place in gold)
    return tuple(ranked.index(True) + 1 if True in ranked else None for ranked in found)


def place_of_gold(gold: Gold) -> PlaceRecord:
    """Return a gold place as a record."""
    return PlaceRecord(gold.source, {name: value for name, value in gold.as_dict().items() if name != "source"})


def _place(source: str, locator: Locator) -> PlaceRecord:
    return PlaceRecord(source, locator.as_dict())


def _record(
    question: Question,
    kinds: Mapping[str, str],
    outcome: Outcome,
    *,
    answer: AnswerRecord | None = None,
    hits: tuple[HitRecord, ...] = (),
    error: str | None = None,
    missing: tuple[str, ...] = (),
) -> QuestionRecord:
    return QuestionRecord(
        id=question.id,
        text=question.text,
        category=question.category,
        answerable=question.answerable,
        is_held_out=question.is_held_out,
        is_paraphrase=question.is_paraphrase,
        question_type=label_type(find_wanted(question.text).type),
        kinds=tuple(dict.fromkeys(kinds[gold.source] for gold in question.gold if gold.source in kinds)),
        gold=tuple(place_of_gold(gold) for gold in question.gold),
        key_facts=question.key_facts,
        model_answer=question.model_answer,
        note=question.note,
        as_of=question.as_of,
        outcome=outcome,
        answer=answer,
        hits=hits,
        error=error,
        missing=missing,
        department=question.department,
    )


def _record_answer(answer: Answer, outcome: Outcome) -> AnswerRecord:
    return AnswerRecord(
        status=answer.status.value,
        reason=answer.reason.value if answer.reason else None,
        text=answer.text,
        engine=answer.engine,
        confidence=answer.confidence,
        citations=tuple(
            CitationRecord(c.number, _place(c.source, c.locator), c.title, c.quote, c.verified, at_gold, read_back)
            for c, at_gold, read_back in zip(answer.citations, outcome.at_gold, outcome.read_back, strict=True)
        ),
        nearest=tuple(_place(place.source, place.locator) for place in answer.nearest),
        warnings=tuple(warning.message for warning in answer.warnings),
    )


def _record_hits(passages: Sequence[Passage], gold: Sequence[Gold], read_page: ReadPage) -> tuple[HitRecord, ...]:
    return tuple(
        HitRecord(
            rank=rank,
            place=_place(passage.chunk.source, passage.chunk.locator),
            title=passage.chunk.title,
            text=passage.chunk.text[:_HIT_CHARS] + ("…" if len(passage.chunk.text) > _HIT_CHARS else ""),
            score=passage.score,
            legs=dict(passage.legs),
            ranks=dict(passage.ranks),
            at_gold=any(is_at_gold(spot, gold, read_page) for spot in spots_of(passage)),
        )
        for rank, passage in enumerate(passages, start=1)
    )
