"""The figures, as pure functions over what was found out of each question.

Every figure is a ratio of two sums over the questions; its 95 % interval comes from drawing the questions again, with
replacement (percentile bootstrap, seeded). A question that got no answer at all counts as zero; it is never left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_SEED = 20260401
_INTERVAL = (2.5, 97.5)
ACCURACY = "正答率"
CUTOFFS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found out of one question. Neither answered nor abstained: it failed.

    ranked: whether each distinct place of the search is gold, best first. at_gold, read_back: for each citation, whether it stands
    at a gold place, and whether its quote was read back from the page. has_facts: whether the answer holds every key fact.
    """

    answerable: bool
    answered: bool = False
    abstained: bool = False
    has_facts: bool = False
    ranked: tuple[bool, ...] = ()
    at_gold: tuple[bool, ...] = ()
    read_back: tuple[bool, ...] = ()
    confidence: float = 0.0
    elapsed_ms: float = 0.0

    @property
    def correct(self) -> bool:
        """Whether it counts for the 正答率.

        >>> Outcome(answerable=True, answered=True, has_facts=True, at_gold=(False, True)).correct
        True
        >>> Outcome(answerable=True, answered=True, has_facts=True, at_gold=(False,)).correct
        False
        >>> Outcome(answerable=False, abstained=True).correct, Outcome(answerable=False).correct
        (True, False)
        """
        if not self.answerable:
            return self.abstained
        return self.answered and self.has_facts and any(self.at_gold)


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its 95 % interval, all None where there is nothing to count; total: what it is a share of."""

    value: float | None
    low: float | None
    high: float | None
    total: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some questions, by name. Milliseconds are of asking alone, None without questions."""

    questions: int
    shares: Mapping[str, Figure]
    p50_ms: float | None
    p95_ms: float | None


def hit_at(ranked: Sequence[bool], cutoff: int) -> bool:
    """Tell whether a gold place is among the first.

    >>> hit_at((False, True, False), 1), hit_at((False, True, False), 3)
    (False, True)
    """
    return any(ranked[:cutoff])


def reciprocal_rank(ranked: Sequence[bool]) -> float:
    """Return 1 / rank of the first gold place, 0 where there is none.

    >>> reciprocal_rank((False, True, True)), reciprocal_rank((False, False)), reciprocal_rank(())
    (0.5, 0.0, 0.0)
    """
    return next((1 / rank for rank, is_gold in enumerate(ranked, start=1) if is_gold), 0.0)


def compute_ndcg(grades: Sequence[int], wanted: Sequence[int], cutoff: int = 10) -> float:
    """Return nDCG with the gain 2^grade - 1 and the discount log2(rank + 1). grades: of what was found, best first, 0 for wrong.

    wanted: the grades of everything right, one of them at least above 0.

    >>> compute_ndcg([1, 0], [1]), compute_ndcg([0, 0, 1], [1]), compute_ndcg([0], [1])
    (1.0, 0.5, 0.0)
    """
    gained, ideal = (
        sum((2.0**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(some[:cutoff], start=1))
        for some in (grades, sorted(wanted, reverse=True))
    )
    return gained / ideal


def compute_ratio(parts: Sequence[float], wholes: Sequence[float]) -> Figure:
    """Return sum(parts) / sum(wholes) with its interval; one part and one whole for each question.

    >>> compute_ratio([1, 0, 2], [1, 1, 2]).value
    0.75
    >>> compute_ratio([1, 1], [1, 1])
    Figure(value=1.0, low=1.0, high=1.0, total=2.0)
    >>> compute_ratio([0], [0])
    Figure(value=None, low=None, high=None, total=0.0)
    """
    part, whole = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    total = float(whole.sum())
    if total == 0:
        return Figure(None, None, None, 0.0)
    low, high = _find_interval(part, whole)
    return Figure(float(part.sum()) / total, low, high, total)


def compute_difference(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Return the mean of first - second over the same questions, with its interval (paired: both keep their questions).

    >>> compute_difference([1, 1, 0, 1], [1, 0, 0, 0]).value
    0.5
    """
    pairs = zip(first, second, strict=True)
    return compute_ratio([one - other for one, other in pairs], [1.0] * len(first))


def _find_interval(part: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of a ratio; a resample without anything to count is drawn for nothing and left out."""
    count = len(part)
    draws = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    parts, wholes = draws @ part, draws @ whole
    ratios = parts[wholes > 0] / wholes[wholes > 0]
    low, high = np.percentile(ratios, _INTERVAL)
    return float(low), float(high)


_Count = Callable[[Outcome], float]


def _count_hits(cutoff: int) -> tuple[_Count, _Count]:
    return lambda o: o.answerable and hit_at(o.ranked, cutoff), lambda o: o.answerable


# Name -> what each question adds to the sum above, and to the one below.
_RATIOS: Mapping[str, tuple[_Count, _Count]] = {
    ACCURACY: (lambda o: o.correct, lambda o: 1),
    **{f"hit@{cutoff}": _count_hits(cutoff) for cutoff in CUTOFFS},
    "MRR": (lambda o: o.answerable * reciprocal_rank(o.ranked), lambda o: o.answerable),
    "引用正解率": (
        lambda o: o.answerable * o.answered * sum(o.at_gold),
        lambda o: o.answerable * o.answered * len(o.at_gold),
    ),
    "引用正解回答率": (lambda o: o.answerable and o.answered and any(o.at_gold), lambda o: o.answerable and o.answered),
    "引用照合率": (lambda o: sum(o.read_back), lambda o: len(o.read_back)),
    "不回答適合率": (lambda o: o.abstained and not o.answerable, lambda o: o.abstained),
    "不回答再現率": (lambda o: o.abstained and not o.answerable, lambda o: not o.answerable),
    "不回答F1": (lambda o: 2 * (o.abstained and not o.answerable), lambda o: o.abstained + (not o.answerable)),
    "回答の確信度": (lambda o: o.answered * o.confidence, lambda o: o.answered),
    "回答の正解率": (lambda o: o.answered and o.correct, lambda o: o.answered),
}
NAMES = tuple(_RATIOS)
"""The names of the figures, in the order in which they are shown."""


def compute_figures(outcomes: Sequence[Outcome]) -> Figures:
    """Return every figure of some questions.

    >>> right = Outcome(True, answered=True, has_facts=True, ranked=(True,), at_gold=(True,), read_back=(True,), confidence=0.8)
    >>> silent, failed, off = Outcome(True, abstained=True, ranked=(False, True)), Outcome(True), Outcome(False, abstained=True)
    >>> shares = compute_figures([right, silent, failed, off]).shares
    >>> [shares[name].value for name in ("正答率", "MRR", "引用正解率", "引用照合率")]
    [0.5, 0.5, 1.0, 1.0]
    >>> [round(shares[name].value, 3) for name in ("不回答適合率", "不回答再現率", "不回答F1", "回答の確信度")]
    [0.5, 1.0, 0.667, 0.8]
    """
    shares = {
        name: compute_ratio([float(above(o)) for o in outcomes], [float(below(o)) for o in outcomes])
        for name, (above, below) in _RATIOS.items()
    }
    times = [outcome.elapsed_ms for outcome in outcomes]
    p50, p95 = (float(value) for value in np.percentile(times, (50, 95))) if times else (None, None)
    return Figures(len(outcomes), shares, p50, p95)
