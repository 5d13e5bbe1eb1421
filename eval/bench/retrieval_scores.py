"""How well each system finds the questions of a set: the rank of the first right place and nDCG, question by question."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.bench.retrieval_sets import BenchQuestion, BenchSet, Place, key_of
from eval.bench.retrieval_systems import System
from eval.intervals import Figure, compute_difference, compute_ratio
from eval.metrics import compute_ndcg

CUTOFF = 10
Watch = Callable[[Sequence[BenchQuestion], str], Iterable[BenchQuestion]]
"""Called with what is to be asked and a label; gives the same questions and may show how far it is."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one system found out of one question. rank: of the first right place, from 1; None where none is among the first 10."""

    rank: int | None
    ndcg: float


FIGURES: Mapping[str, Callable[[Score], float]] = {
    "hit@1": lambda score: float(score.rank == 1),
    "hit@5": lambda score: float(score.rank is not None and score.rank <= 5),
    "MRR@10": lambda score: 1 / score.rank if score.rank else 0.0,
    "nDCG@10": lambda score: score.ndcg,
}
COMPARED = ("hit@1", "nDCG@10")
"""The figures that are shown with an interval, and compared."""


@dataclass(frozen=True, slots=True)
class SetResult:
    """A set that was measured. scores: system -> question id -> score; milliseconds: system -> mean time of a question.

    unscored: questions without a right document; unreadable: files that could not be indexed. seconds: stage -> seconds.
    """

    name: str
    texts: Mapping[str, str]
    types: Mapping[str, str | None]
    scores: Mapping[str, Mapping[str, Score]]
    targets: Mapping[str, float] = field(default_factory=dict)
    unscored: int = 0
    unreadable: int = 0
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    index: Mapping[str, Any] = field(default_factory=dict)

    def values(self, system: str, figure: str, type_: str | None = None) -> list[float]:
        """Return what each question adds to a figure, of all questions or those of one type."""
        read = FIGURES[figure]
        chosen = self.scores[system].items()
        return [read(score) for id_, score in chosen if type_ is None or self.types[id_] == type_]

    def figure(self, system: str, figure: str, type_: str | None = None) -> Figure:
        """Return the mean with its interval; of a system that was not asked, a figure without a value."""
        values = self.values(system, figure, type_) if system in self.scores else []
        return compute_ratio(values, [1.0] * len(values))

    def difference(self, system: str, other: str, figure: str) -> Figure:
        """Return how much better a system is than another one on the same questions; without a value where one was not asked."""
        if not {system, other} <= self.scores.keys():
            return Figure(None, None, None, 0.0)
        return compute_difference(self.values(system, figure), self.values(other, figure))


def score_question(bench_set: BenchSet, question: BenchQuestion, found: Iterable[Place]) -> Score:
    """Return the score of ranked places; several in one page, row or file count once, at the best rank."""
    keys = dict.fromkeys(bench_set.canonical(question, key_of(place)) for place in found)
    grades = [question.gold.get(key, 0) for key in list(keys)[:CUTOFF]]
    rank = next((number for number, grade in enumerate(grades, start=1) if grade > 0), None)
    return Score(rank, compute_ndcg(grades, list(question.gold.values()), CUTOFF))


def measure(
    bench_set: BenchSet, systems: Mapping[str, System], watch: Watch = lambda questions, label: questions
) -> tuple[dict[str, dict[str, Score]], dict[str, float]]:
    """Ask every system every question; return the scores and the mean milliseconds of a question, both by system."""
    scores: dict[str, dict[str, Score]] = {}
    milliseconds = {}
    for name, search in systems.items():
        started = time.perf_counter()
        scores[name] = {
            question.id: score_question(bench_set, question, search(question.text))
            for question in watch(bench_set.questions, f"{bench_set.name} {name}")
        }
        milliseconds[name] = (time.perf_counter() - started) * 1_000 / max(len(bench_set.questions), 1)
    return scores, milliseconds


def is_below(difference: Figure) -> bool:
    """Tell whether a difference is below 0 beyond chance: its whole interval is."""
    return difference.high is not None and difference.high < 0


def is_above(difference: Figure) -> bool:
    """Tell whether a difference is above 0 beyond chance."""
    return difference.low is not None and difference.low > 0
