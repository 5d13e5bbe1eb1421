"""Join the legs: each score divided by the best of its leg, then weighted.

Reciprocal ranks with a weak embedder lose (DESIGN 6); the weight of the dense leg belongs to the embedder. The weights were
chosen on development sets by `python -m eval.bench.fusion` (see docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping

FIELD_WEIGHTS: Mapping[str, float] = {"title": 0.5, "headings": 0.3, "question": 0.7, "body": 1.0, "bigrams": 0.3}
"""How much a word counts in each field of the lexical leg."""


def fuse_scores(
    lexical: Mapping[str, float], dense: Mapping[str, float], *, dense_weight: float
) -> dict[str, float]:
    """Return id -> fused score between 0 and 1, for every id of either leg (a missing score counts as 0).

    >>> fused = fuse_scores({"a": 8.0, "b": 4.0}, {"b": 0.5, "c": 0.25}, dense_weight=0.25)
    >>> {id_: round(score, 3) for id_, score in fused.items()}
    {'a': 0.75, 'b': 0.625, 'c': 0.125}
    """
    parts = ((lexical, 1.0 - dense_weight), (dense, dense_weight))
    best = [max([*scores.values(), 1e-9]) for scores, _ in parts]
    ids = dict.fromkeys([*lexical, *dense])
    return {
        id_: sum(weight * max(scores.get(id_, 0.0), 0.0) / top for (scores, weight), top in zip(parts, best, strict=True))
        for id_ in ids
    }


def rank(scores: Mapping[str, float]) -> dict[str, int]:
    """Return id -> rank from 1; equal scores keep the order of their ids, so that a search repeats itself.

    >>> rank({"b": 1.0, "a": 1.0, "c": 2.0})
    {'c': 1, 'a': 2, 'b': 3}
    """
    ordered = sorted(scores, key=lambda id_: (-scores[id_], id_))
    return {id_: number for number, id_ in enumerate(ordered, start=1)}
