"""Shares and means with 95 % intervals: the questions are drawn again, with replacement (percentile bootstrap, seeded).

Two runs over the same questions are drawn together, so that what is hard about a question counts in neither.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_SEED = 20260401
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Figure:
    """A share, a mean or a difference with its 95 % interval, all None where there is nothing to count; total: what it is a share of."""

    value: float | None
    low: float | None
    high: float | None
    total: float

    @property
    def is_below(self) -> bool:
        """Whether a difference is below 0 beyond chance: its whole interval is."""
        return self.high is not None and self.high < 0

    @property
    def is_above(self) -> bool:
        """Whether a difference is above 0 beyond chance."""
        return self.low is not None and self.low > 0


NOTHING = Figure(None, None, None, 0.0)


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
        return NOTHING
    low, high = _find_interval(_ratios(part, whole))
    return Figure(float(part.sum()) / total, low, high, total)


def compute_difference(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Return the mean of first - second over the same questions, with its interval (paired: both keep their questions).

    >>> compute_difference([1, 1, 0, 1], [1, 0, 0, 0]).value
    0.5
    """
    pairs = zip(first, second, strict=True)
    return compute_ratio([one - other for one, other in pairs], [1.0] * len(first))


def compare_ratios(
    after: tuple[Sequence[float], Sequence[float]], before: tuple[Sequence[float], Sequence[float]]
) -> Figure:
    """Return the ratio of `after` minus that of `before`, (parts, wholes) each, over the same questions in the same order.

    The wholes may differ: of two runs, each cites as much as it likes. total: the questions.

    >>> compare_ratios(([1, 1], [1, 1]), ([1, 0], [1, 2])).value
    0.6666666666666667
    >>> compare_ratios(([1], [1]), ([0], [0])).value is None
    True
    """
    of_both = [tuple(np.asarray(values, dtype=np.float64) for values in pair) for pair in (after, before)]
    if any(not whole.sum() for _, whole in of_both):
        return NOTHING
    (new_part, new_whole), (old_part, old_whole) = of_both
    value = float(new_part.sum() / new_whole.sum() - old_part.sum() / old_whole.sum())
    low, high = _find_interval(_ratios(new_part, new_whole) - _ratios(old_part, old_whole))
    return Figure(value, low, high, float(len(new_part)))


@functools.lru_cache(8)
def draw_questions(count: int) -> NDArray[np.float64]:
    """Return how often each of `count` questions is drawn in each resample, shape (RESAMPLES, count); always the same."""
    draws = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return draws.astype(np.float64)


def _ratios(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ratio of each resample, not a number where it drew nothing that counts."""
    draws = draw_questions(len(part))
    parts, wholes = draws @ part, draws @ whole
    ratios: NDArray[np.float64] = np.full(RESAMPLES, np.nan)
    np.divide(parts, wholes, out=ratios, where=wholes > 0)
    return ratios


def _find_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of resampled values; a resample without anything to count is left out."""
    low, high = np.nanpercentile(values, _INTERVAL)
    return float(low), float(high)
