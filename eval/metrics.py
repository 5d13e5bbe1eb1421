"""The figures, as pure functions over what was found out of each question.

Every figure is a ratio of two sums over the questions (see eval.intervals). A question that got no answer at all counts as zero; it
is never left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.intervals import Figure, compute_ratio

ACCURACY = "正答率"
JUDGED = "生成AIによる判定（参考）"
CUTOFFS = (1, 3, 5, 10)
NDCG_CUTOFF = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found out of one question. Neither answered nor abstained: it failed.

    ranked: whether each distinct place of the search is gold, best first; gold_ranks: for each gold place, the rank at which it was
    found, from 1, None where it was not. at_gold, read_back: for each citation, whether it stands at a gold place, and whether its
    quote was read back from the page; golds_cited: of the gold places, how many are cited. has_facts: whether the answer holds every
    key fact; facts_held: of `facts` how many. answer_chars: of the answer's text. judged: what an LLM says of the answer, where one
    was asked.
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
    gold_ranks: tuple[int | None, ...] = ()
    golds_cited: int = 0
    facts: int = 0
    facts_held: int = 0
    answer_chars: int = 0
    judged: bool | None = None

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
class Figures:
    """The figures of some questions, by name. Milliseconds are of asking alone, None without questions.

    shares: between 0 and 1. amounts: means of other units, see AMOUNTS.
    """

    questions: int
    shares: Mapping[str, Figure]
    amounts: Mapping[str, Figure]
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


def ndcg_of(outcome: Outcome) -> float:
    """Return the nDCG@10 of the gold places of a question, each gained once, at the first rank that shows it.

    >>> ndcg_of(Outcome(True, gold_ranks=(1,))), ndcg_of(Outcome(True, gold_ranks=(3,))), ndcg_of(Outcome(True, gold_ranks=(11,)))
    (1.0, 0.5, 0.0)
    >>> round(ndcg_of(Outcome(True, gold_ranks=(1, None))), 3), ndcg_of(Outcome(True, gold_ranks=(1, 1)))
    (0.613, 1.0)
    """
    golds = min(len(outcome.gold_ranks), NDCG_CUTOFF)
    if not golds:
        return 0.0
    gained = sum(1 / math.log2(rank + 1) for rank in outcome.gold_ranks if rank is not None and rank <= NDCG_CUTOFF)
    return min(1.0, gained / sum(1 / math.log2(rank + 1) for rank in range(1, golds + 1)))


Count = Callable[[Outcome], float]


def _count_hits(cutoff: int) -> tuple[Count, Count]:
    return lambda o: o.answerable and hit_at(o.ranked, cutoff), lambda o: o.answerable


# Name -> what each question adds to the sum above, and to the one below.
_RATIOS: Mapping[str, tuple[Count, Count]] = {
    ACCURACY: (lambda o: o.correct, lambda o: 1),
    **{f"hit@{cutoff}": _count_hits(cutoff) for cutoff in CUTOFFS},
    "MRR": (lambda o: o.answerable * reciprocal_rank(o.ranked), lambda o: o.answerable),
    f"nDCG@{NDCG_CUTOFF}": (lambda o: o.answerable * ndcg_of(o), lambda o: o.answerable),
    "引用正解率": (
        lambda o: o.answerable * o.answered * sum(o.at_gold),
        lambda o: o.answerable * o.answered * len(o.at_gold),
    ),
    "引用再現率": (lambda o: o.answerable * o.golds_cited, lambda o: o.answerable * len(o.gold_ranks)),
    "引用正解回答率": (lambda o: o.answerable and o.answered and any(o.at_gold), lambda o: o.answerable and o.answered),
    "引用照合率": (lambda o: sum(o.read_back), lambda o: len(o.read_back)),
    "語の網羅率": (lambda o: o.answerable * o.answered * o.facts_held, lambda o: o.answerable * o.facts),
    "不回答適合率": (lambda o: o.abstained and not o.answerable, lambda o: o.abstained),
    "不回答再現率": (lambda o: o.abstained and not o.answerable, lambda o: not o.answerable),
    "不回答F1": (lambda o: 2 * (o.abstained and not o.answerable), lambda o: o.abstained + (not o.answerable)),
    "回答の確信度": (lambda o: o.answered * o.confidence, lambda o: o.answered),
    "回答の正解率": (lambda o: o.answered and o.correct, lambda o: o.answered),
    JUDGED: (lambda o: o.judged is True, lambda o: o.judged is not None),
}
NAMES = tuple(_RATIOS)
"""The names of the shares, in the order in which they are shown."""
RANKING = (*(f"hit@{cutoff}" for cutoff in CUTOFFS), "MRR", f"nDCG@{NDCG_CUTOFF}")
"""The shares that need a ranking only, no answer."""
COMPARED = tuple(name for name in NAMES if name not in ("回答の確信度", JUDGED))
"""The shares of which more is better, whoever measures."""
_AMOUNTS: Mapping[str, tuple[Count, Count]] = {
    "回答の長さ": (lambda o: o.answered * o.answer_chars, lambda o: o.answered),
    "所要時間": (lambda o: o.elapsed_ms, lambda o: 1),
}
AMOUNTS: Mapping[str, str] = {"回答の長さ": "字", "所要時間": "ミリ秒"}
"""The means that are no shares, with their units."""


def count_parts(name: str, outcomes: Sequence[Outcome]) -> tuple[list[float], list[float]]:
    """Return what each question adds to the sum above and to the one below of a figure. name: one of NAMES or AMOUNTS."""
    above, below = {**_RATIOS, **_AMOUNTS}[name]
    return [float(above(outcome)) for outcome in outcomes], [float(below(outcome)) for outcome in outcomes]


def compute_figure(name: str, outcomes: Sequence[Outcome]) -> Figure:
    """Return one figure of some questions, by its name."""
    return compute_ratio(*count_parts(name, outcomes))


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
    shares = {name: compute_figure(name, outcomes) for name in NAMES}
    amounts = {name: compute_figure(name, outcomes) for name in AMOUNTS}
    times = [outcome.elapsed_ms for outcome in outcomes]
    p50, p95 = (float(value) for value in np.percentile(times, (50, 95))) if times else (None, None)
    return Figures(len(outcomes), shares, amounts, p50, p95)
