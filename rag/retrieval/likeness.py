"""How near the words of a text come to those of a question, by the vectors of single words: 病院 is not 医療機関, but not far from it.

A text that says the same in other words shares few words with the question; the vector of the whole text blurs what it says beside.
Here each asked word looks for its nearest word (the MaxSim of ColBERT, Khattab and Zaharia 2020, with word vectors that know no
context), and counts by its rarity as in BM25.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

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
        self._ways = [(frozenset(e.words), [places[of] for of in e.of if of in places]) for e in query.expansions]
        values = np.array([weights[term] for term in self._terms])
        self._shares = values / (values.sum() or 1.0)

    def compare(self, texts: Sequence[Set[str]]) -> NDArray[np.float64]:
        """Return how near each text, a set of words, comes to each term, shape (texts, terms).

        1: the term or another wording of it is there; else the cosine of the nearest word, at least 0. A number is near no other.
        """
        import numpy as np

        words = sorted(frozenset().union(*texts))
        near = np.zeros((len(texts), len(self._terms)))
        if not words or not self._terms:
            return near
        filled = [place for place, text in enumerate(texts) if text]
        place_of = {word: place for place, word in enumerate(words)}
        gathered = [place_of[word] for place in filled for word in texts[place]]
        starts = np.cumsum([0, *(len(texts[place]) for place in filled)])[:-1]
        near[filled] = np.maximum.reduceat(self._compare_words(words, place_of)[gathered], starts, axis=0)
        for needed, of in self._ways:
            near[np.ix_([place for place in filled if needed <= texts[place]], of)] = 1.0
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

    def _compare_words(self, words: Sequence[str], place_of: Mapping[str, int]) -> NDArray[np.float64]:
        """Return how near each word comes to each term, shape (words, terms)."""
        import numpy as np

        vectors = self._embedder.embed_words([*words, *self._terms])
        near: NDArray[np.float64] = np.clip(vectors[: len(words)] @ vectors[len(words) :].T, 0.0, 1.0).astype(
            np.float64
        )
        near[[is_number(word) for word in words]] = 0.0
        near[:, [is_number(term) for term in self._terms]] = 0.0
        for place, term in enumerate(self._terms):
            if term in place_of:
                near[place_of[term], place] = 1.0
        return near
