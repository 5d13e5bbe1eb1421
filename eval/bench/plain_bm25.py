"""The yardstick of finding: BM25 as anyone would write it over Japanese words, one field, no weights, nothing tuned.

It analyses text by itself, so that it stays where it is while the product's analysis changes.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sudachipy import Tokenizer

K1, B = 1.2, 0.75
_MAX_SUDACHI_CHARS = 10_000
_EMPTY_POS = frozenset({"助詞", "助動詞", "補助記号", "空白"})


@functools.cache
def _tokenizer() -> Tokenizer:
    from sudachipy import Dictionary, SplitMode

    tokenizer: Tokenizer = Dictionary(dict="core").create(mode=SplitMode.A)
    return tokenizer


def split_words(text: str) -> list[str]:
    """Return the words of a text: Sudachi mode A, normalised forms, without particles, auxiliaries and marks.

    >>> split_words("転出届は、いつ出せばよいですか。")
    ['転出', '届け', '何時', '出す', '良い']
    """
    clean = unicodedata.normalize("NFKC", text).lower()
    return [
        morpheme.normalized_form()
        for start in range(0, len(clean), _MAX_SUDACHI_CHARS)
        for morpheme in _tokenizer().tokenize(clean[start : start + _MAX_SUDACHI_CHARS])
        if morpheme.part_of_speech()[0] not in _EMPTY_POS
    ]


class PlainBM25:
    """Rank texts by BM25 with the inverse document frequency ln(1 + (N - n + 0.5) / (n + 0.5)) of Lucene."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(split_words(text)) for text in texts]
        lengths = np.array([count.total() for count in counts], dtype=np.float64)
        norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0)) if texts else lengths
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, count in enumerate(counts):
            for word, frequency in count.items():
                postings[word].append((number, frequency))
        self._total = len(texts)
        self._postings = {word: self._weigh(np.array(found), norms) for word, found in postings.items()}

    def _weigh(
        self, found: NDArray[np.int64], norms: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the texts that have a word, and what it adds to the score of each."""
        numbers, frequencies = found[:, 0], found[:, 1]
        idf = math.log(1 + (self._total - len(found) + 0.5) / (len(found) + 0.5))
        return numbers, idf * frequencies * (K1 + 1) / (frequencies + norms[numbers])

    def search(self, question: str, limit: int) -> list[tuple[int, float]]:
        """Return (number of the text, score), best first, of those with a word of the question; equal scores by number."""
        scores = np.zeros(self._total)
        for word, times in Counter(split_words(question)).items():
            if word in self._postings:
                numbers, weights = self._postings[word]
                scores[numbers] += times * weights
        order = np.argsort(-scores, kind="stable")[:limit]
        return [(int(number), float(scores[number])) for number in order if scores[number] > 0]
