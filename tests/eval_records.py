"""Runs of a handful of made-up questions, as they would be after asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from eval.metrics import Outcome
from eval.records import (
    AnswerRecord,
    CitationRecord,
    HitRecord,
    PlaceRecord,
    QuestionRecord,
    QuestionsAbout,
    RunAbout,
    RunRecord,
    SnapshotAbout,
)

PLACE = PlaceRecord("町民課/手引.pdf", {"page": 3})
RIGHT = Outcome(
    True,
    answered=True,
    has_facts=True,
    ranked=(True,),
    gold_ranks=(1,),
    at_gold=(True,),
    read_back=(True,),
    golds_cited=1,
    facts=1,
    facts_held=1,
    confidence=0.9,
    elapsed_ms=20.0,
    answer_chars=12,
)
WRONG = replace(
    RIGHT, has_facts=False, facts_held=0, ranked=(False, True), gold_ranks=(2,), at_gold=(False,), golds_cited=0
)
SILENT = Outcome(True, abstained=True, ranked=(False,), gold_ranks=(None,), facts=1, confidence=0.2, elapsed_ms=10.0)
REFUSED = Outcome(False, abstained=True, confidence=0.1, elapsed_ms=5.0)
TALKATIVE = Outcome(False, answered=True, at_gold=(False,), read_back=(True,), confidence=0.6, elapsed_ms=15.0)


def make_result(id: str, outcome: Outcome = RIGHT, **changes: object) -> QuestionRecord:
    """Return a question with an outcome, an answer and one hit that fit it."""
    citations = tuple(
        CitationRecord(1, PLACE, "手引", "手数料は500円です。", True, at_gold, read_back)
        for at_gold, read_back in zip(outcome.at_gold, outcome.read_back, strict=True)
    )
    status = "answered" if outcome.answered else "no_answer"
    made = QuestionRecord(
        id=id,
        text=f"{id}番の手数料はいくらですか。",
        category="手続" if outcome.answerable else "対象外",
        answerable=outcome.answerable,
        is_held_out=False,
        is_paraphrase=False,
        question_type="金額",
        kinds=("マニュアル",) if outcome.answerable else (),
        gold=(PLACE,) if outcome.answerable else (),
        key_facts=("500円",) if outcome.answerable else (),
        model_answer="500円です。",
        note="",
        as_of=None,
        outcome=outcome,
        answer=AnswerRecord(
            status, None, "手数料は500円です。[1]", "extractive", outcome.confidence, citations, (), ()
        ),
        hits=(
            HitRecord(
                1, PLACE, "手引", "手数料は500円です。", 0.8, {"lexical": 3.0, "dense": 0.7}, {"lexical": 1}, True
            ),
        ),
        error=None,
        missing=() if outcome.has_facts or not outcome.answerable else ("500円",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def make_run(results: Sequence[QuestionRecord], id: str = "20260401T090000000", **changes: object) -> RunRecord:
    """Return a run of some results."""
    about = RunAbout(
        id=id,
        started_at=datetime(2026, 4, 1, 9, tzinfo=UTC),
        seconds=1.5,
        engine="extractive",
        versions={"python": "3.11", "shirube": "1.0"},
        snapshot=SnapshotAbout("s1", {"embedder_fingerprint": "f" * 20}, "c" * 64, {"documents": 2, "chunks": 9}),
        questions=QuestionsAbout("questions.csv", "a" * 64, len(results)),
        settings={"embedder": "default"},
        changed={},
        models={"confidence": "b" * 64},
        threshold=0.44,
        threshold_origin="既定",
        cores=2,
    )
    return RunRecord(replace(about, **changes), tuple(results))  # type: ignore[arg-type]
