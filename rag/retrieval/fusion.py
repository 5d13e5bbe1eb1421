"""Join the legs: each score divided by the best of its leg, then weighted.

Reciprocal ranks with a weak embedder lose (DESIGN 6); the weight of the dense leg belongs to the embedder. The weights were
chosen on development sets (see docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

FIELD_WEIGHTS: Mapping[str, float] = {"title": 0.5, "headings": 0.3, "question": 0.7, "body": 1.0, "bigrams": 0.3}
"""How much a word counts in each field of the lexical leg."""

PAGE_SUPPORT = 0.1
"""Share of its best neighbour's score that a chunk gains: a page that answers in two places is likelier the right one."""


def fuse_scores(
    lexical: Mapping[str, float], dense: Mapping[str, float], *, dense_weight: float, dense_floor: float = 0.0
) -> dict[str, float]:
    """Return id -> fused score between 0 and 1, for every id of either leg (a missing score counts as 0).

    dense_floor: the similarity that counts as none. Transformers give every pair of texts .7 or more: without it, their leg would
    hardly tell two passages apart, whatever its weight.

    >>> fused = fuse_scores({"a": 8.0, "b": 4.0}, {"b": 0.5, "c": 0.25}, dense_weight=0.25)
    >>> {id_: round(score, 3) for id_, score in fused.items()}
    {'a': 0.75, 'b': 0.625, 'c': 0.125}
    >>> near = {"a": 0.80, "b": 0.84, "c": 0.90}
    >>> [round(score, 2) for score in fuse_scores({}, near, dense_weight=0.5).values()]
    [0.44, 0.47, 0.5]
    >>> [round(score, 2) for score in fuse_scores({}, near, dense_weight=0.5, dense_floor=0.8).values()]
    [0.0, 0.2, 0.5]
    """
    lexical_top = max([*lexical.values(), 1e-9])
    dense_top = max([*(score - dense_floor for score in dense.values()), 1e-9])
    return {
        id_: (1.0 - dense_weight) * max(lexical.get(id_, 0.0), 0.0) / lexical_top
        + dense_weight * max(dense.get(id_, dense_floor) - dense_floor, 0.0) / dense_top
        for id_ in dict.fromkeys([*lexical, *dense])
    }


def add_page_support(scores: Mapping[str, float], pages: Mapping[str, Hashable | None]) -> dict[str, float]:
    """Return scores to which the best other chunk of the same page adds PAGE_SUPPORT of its own; still between 0 and 1.

    >>> raised = add_page_support({"a": 0.9, "b": 0.8, "c": 0.85}, {"a": 1, "b": 1, "c": 2})
    >>> {id_: round(score, 2) for id_, score in raised.items()}
    {'a': 0.89, 'b': 0.81, 'c': 0.77}
    """
    by_page: dict[Hashable, list[str]] = {}
    for id_ in sorted(scores, key=lambda id_: -scores[id_]):
        if pages[id_] is not None:
            by_page.setdefault(pages[id_], []).append(id_)
    result = {}
    for id_, score in scores.items():
        others = [other for other in by_page.get(pages[id_], ()) if other != id_]
        support = scores[others[0]] if others else 0.0
        result[id_] = (score + PAGE_SUPPORT * support) / (1 + PAGE_SUPPORT)
    return result


def rank(scores: Mapping[str, float]) -> dict[str, int]:
    """Return id -> rank from 1; equal scores keep the order of their ids, so that a search repeats itself.

    >>> rank({"b": 1.0, "a": 1.0, "c": 2.0})
    {'c': 1, 'a': 2, 'b': 3}
    """
    ordered = sorted(scores, key=lambda id_: (-scores[id_], id_))
    return {id_: number for number, id_ in enumerate(ordered, start=1)}
