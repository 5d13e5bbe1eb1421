"""Questions that one reply would answer, put together without an LLM: average linkage over the vectors of the embedder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THRESHOLD = 0.16
"""The least mean similarity of two groups that become one: the best on the first half of eval/gaps.csv (`python -m eval.gaps`)."""
MAX_QUESTIONS = 3_000
"""Different questions that are put together at once: the distances of all pairs are held, 36 MB."""


class QuestionEmbedder(Protocol):
    """What turns questions into vectors. dense_floor: the similarity of unrelated sentences, which counts as none."""

    @property
    def dense_floor(self) -> float: ...

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def cluster_questions(
    questions: Sequence[str], embedder: QuestionEmbedder, threshold: float = THRESHOLD
) -> list[tuple[int, ...]]:
    """Return groups of places in `questions`, each in order, the groups by their first place.

    Average linkage: R. R. Sokal and C. D. Michener, "A statistical method for evaluating systematic relationships", 1958.
    """
    if len(questions) < 2:
        return [(place,) for place in range(len(questions))]
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(_measure_distances(questions, embedder), "average")
    groups = defaultdict[int, list[int]](list)
    for place, label in enumerate(fcluster(tree, 1 - threshold, "distance")):
        groups[int(label)].append(place)
    return sorted(tuple(group) for group in groups.values())


def _measure_distances(questions: Sequence[str], embedder: QuestionEmbedder) -> NDArray[np.float32]:
    """Return one minus the similarity of every pair, in the condensed form that scipy takes."""
    import numpy as np

    vectors = np.asarray(embedder.embed_documents(questions), dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    floor = embedder.dense_floor
    rows, columns = np.triu_indices(len(questions), 1)
    similarities = (vectors @ vectors.T)[rows, columns]
    distances: NDArray[np.float32] = np.clip(1 - (similarities - floor) / (1 - floor), 0, None)
    return distances


def pairwise_f1(found: Sequence[int], true: Sequence[int]) -> tuple[float, float, float]:
    """Return F1, precision and recall of the pairs that stand together. found, true: the group of each question.

    >>> pairwise_f1([1, 1, 1, 2], [1, 1, 2, 2])  # together: 3 pairs found, 2 true, 1 of them both
    (0.4, 0.3333333333333333, 0.5)
    """
    places = range(len(found))
    pairs = [(a, b) for a in places for b in places if a < b]
    both = sum(found[a] == found[b] and true[a] == true[b] for a, b in pairs)
    claimed, wanted = (sum(g[a] == g[b] for a, b in pairs) for g in (found, true))
    precision = both / claimed if claimed else 0.0
    recall = both / wanted if wanted else 0.0
    return (2 * both / (claimed + wanted) if claimed + wanted else 0.0), precision, recall
