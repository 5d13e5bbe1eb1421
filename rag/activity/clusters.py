"""Questions that one reply would answer, put together without an LLM: average linkage over their vectors and their nouns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from rag.text import nouns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THRESHOLD = 0.3
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

    Vectors alone put questions of all kinds together once there are many; nouns alone do not know that two words mean the same. Two
    questions are as similar as both say on the mean.
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

    pairs = np.triu_indices(len(questions), 1)
    similarities = (_compare_vectors(questions, embedder)[pairs] + _compare_nouns(questions)[pairs]) / 2
    distances: NDArray[np.float32] = np.clip(1 - similarities, 0, None)
    return distances


def _compare_vectors(questions: Sequence[str], embedder: QuestionEmbedder) -> NDArray[np.float32]:
    """Return the cosines of the vectors, stretched so that unrelated sentences have none."""
    import numpy as np

    vectors = np.asarray(embedder.embed_documents(questions), dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    floor = embedder.dense_floor
    cosines: NDArray[np.float32] = (vectors @ vectors.T - floor) / (1 - floor)
    return cosines


def _compare_nouns(questions: Sequence[str]) -> NDArray[np.float32]:
    """Return the cosines of the nouns; one that fewer of the questions have weighs more (tf-idf)."""
    import numpy as np
    from scipy.sparse import csr_matrix

    counts = [Counter(nouns(question)) for question in questions]
    spread = Counter(word for words in counts for word in words)
    column = {word: number for number, word in enumerate(spread)}
    cells = [(row, column[word], n, spread[word]) for row, words in enumerate(counts) for word, n in words.items()]
    rows, columns, times, had_by = np.asarray(cells, dtype=np.int64).reshape(-1, 4).T
    weights = (times * np.log((len(questions) + 1) / had_by)).astype(np.float32)
    table = csr_matrix((weights, (rows, columns)), shape=(len(questions), len(column)))
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)))
    cosines: NDArray[np.float32] = (table @ table.T).toarray() / np.maximum(lengths @ lengths.T, 1e-9)
    return cosines


def pairwise_f1(found: Sequence[int], true: Sequence[int], first: int | None = None) -> tuple[float, float, float]:
    """Return F1, precision and recall of the pairs that stand together. found, true: the group of each question.

    first: only pairs with one of so many first questions count; the others are what they may wrongly be put together with.

    >>> pairwise_f1([1, 1, 1, 2], [1, 1, 2, 2])  # together: 3 pairs found, 2 true, 1 of them both
    (0.4, 0.3333333333333333, 0.5)
    >>> pairwise_f1([1, 1, 1, 2], [1, 1, 2, 2], first=1)  # together: 2 pairs found, 1 true, which is one of them
    (0.6666666666666666, 0.5, 1.0)
    """
    places = range(len(found))
    pairs = [(a, b) for a in places[:first] for b in places[a + 1 :]]
    both = sum(found[a] == found[b] and true[a] == true[b] for a, b in pairs)
    claimed, wanted = (sum(g[a] == g[b] for a, b in pairs) for g in (found, true))
    precision = both / claimed if claimed else 0.0
    recall = both / wanted if wanted else 0.0
    return (2 * both / (claimed + wanted) if claimed + wanted else 0.0), precision, recall
