"""How near the words of a text come to those of a question, by the vectors of single words: 病院 is not 医療機関, but not far from it.

A text that says the same in other words shares few words with the question; the vector of the whole text blurs what it says beside.
Here each asked word looks for its nearest word (the MaxSim of ColBERT, Khattab and Zaharia 2020, with word vectors that know no
context), and counts by its rarity as in BM25.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import chain
from typing import TYPE_CHECKING

from rag.retrieval.word_rows import NOWHERE, WordRow, most_within
from rag.text import is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.retrieval.query import Query


class Likeness:
    """The words of a question, to be compared with those of many texts. weights: term -> inverse document frequency."""

    def __init__(self, query: Query, weights: Mapping[str, float], embedder: Embedder) -> None:
        import numpy as np

        self._embedder, self._terms = embedder, sorted(set(query.terms))
        places = {term: place for place, term in enumerate(self._terms)}
        self._ways = [(e.words, [places[of] for of in e.of if of in places]) for e in query.expansions]
        values = np.array([weights[term] for term in self._terms])
        self._shares = values / (values.sum() or 1.0)

    def compare(self, texts: Sequence[Set[str]]) -> NDArray[np.float64]:
        """Return how near each text, a set of words, comes to each term, shape (texts, terms).

        1: the term or another wording of it is there; else the cosine of the nearest word, at least 0. A number is near no other.
        """
        import numpy as np

        bounds = np.cumsum([0, *map(len, texts)])
        return self.compare_stretches(WordRow(chain.from_iterable(texts)), bounds[:-1], bounds[1:])

    def compare_stretches(
        self, row: WordRow, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the same for stretches [start, end) of a row of words, shape (stretches, terms)."""
        import numpy as np

        if not len(row.numbers) or not self._terms:
            return np.zeros((len(starts), len(self._terms)))
        near = most_within(self._compare_words(row)[row.numbers], starts, ends)
        for needed, of in self._ways:
            if all(row.number_of(word) != NOWHERE for word in needed):
                is_said = row.holds(needed, starts, ends).all(axis=1)
                near[np.ix_(np.flatnonzero(is_said), np.array(of, dtype=np.int64))] = 1.0
        return near

    def share(self, near: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted mean over the terms of what `compare` returned: of one text, or shape (texts,)."""
        shares: NDArray[np.float64] = near @ self._shares
        return shares

    def find_gap(self, near: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted share of the term that each text is furthest from, as far as it is: 0 where nothing lacks.

        near: as for `share`. One word that is nowhere may be the very thing that was asked; a mean over all words does not show it.
        """
        import numpy as np

        gaps: NDArray[np.float64] = np.max((1.0 - near) * self._shares, axis=-1, initial=0.0)
        return gaps

    def _compare_words(self, row: WordRow) -> NDArray[np.float64]:
        """Return how near each distinct word of a row comes to each term, shape (words, terms)."""
        import numpy as np

        words = row.vocabulary
        vectors = self._embedder.embed_words([*words, *self._terms])
        near: NDArray[np.float64] = np.clip(vectors[: len(words)] @ vectors[len(words) :].T, 0.0, 1.0).astype(
            np.float64
        )
        near[[is_number(word) for word in words]] = 0.0
        near[:, [is_number(term) for term in self._terms]] = 0.0
        for place, term in enumerate(self._terms):
            if (number := row.number_of(term)) != NOWHERE:
                near[number, place] = 1.0
        return near
