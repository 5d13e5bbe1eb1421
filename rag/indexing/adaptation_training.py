"""Train the table of a static embedder on pairs: symmetric InfoNCE, whose gradient through a sum of rows is two sparse products."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rag.indexing.adaptation_pairs import Pair, PairKind
from rag.text import fold

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
_MOMENTUM, _VARIANCE, _EPSILON = 0.9, 0.999, 1e-8  # Adam, as published
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how hard to train. min_steps, max_steps: small corpora get more epochs, large ones fewer.

    max_seconds: the last guard, on a machine that is busy or slow; steps bound the time before. max_chars: texts are cut there.
    dropped: share of the words left out of a query of the kind DROPPED.
    """

    batch_size: int = 512
    epochs: int = 15
    min_steps: int = 100
    max_steps: int = 600
    max_seconds: float = 300.0
    learning_rate: float = 0.003
    temperature: float = 0.2
    max_chars: int = 400
    dropped: float = 1 / 3
    seed: int = 0


class Trainer:
    """The rows of the pieces that occur in the pairs, and what Adam remembers of them."""

    def __init__(self, tokenizer: Tokenizer, pairs: Sequence[Pair], schedule: Schedule) -> None:
        self._schedule = schedule
        self._random = np.random.default_rng(schedule.seed)
        texts = [pair.query for pair in pairs] + [pair.passage for pair in pairs]
        counts = count_pieces(tokenizer, [text[: schedule.max_chars] for text in texts], tokenizer.get_vocab_size())
        self._pieces = np.unique(counts.indices)
        counts = counts[:, self._pieces]
        self._queries, self._passages = counts[: len(pairs)], counts[len(pairs) :]
        self._has_both = (np.diff(self._queries.indptr) > 0) & (np.diff(self._passages.indptr) > 0)
        self._drops = np.array([pair.kind is PairKind.DROPPED for pair in pairs])
        self._entries = np.array([pair.entry for pair in pairs])
        # Pairs that agree in any of these are no negatives of each other.
        self._identities = [self._entries, _number([p.query for p in pairs]), _number([p.passage for p in pairs])]

    def run(
        self,
        table: Floats,
        *,
        share: float = 1.0,
        without: Collection[int] = (),
        progress: Callable[[int], None] = lambda step: None,
    ) -> Floats:
        """Return a copy of a table, the rows of the pieces that occur trained.

        share: of the steps; without: entries whose pairs are left out; progress: called after each step.
        """
        self._rows = table[self._pieces]
        self._first, self._second = np.zeros_like(self._rows), np.zeros_like(self._rows)
        steps, started = self.count_steps(share=share, without=without), time.monotonic()
        for step, batch in enumerate(self._batches(steps, self._usable(without)), start=1):
            self._move(*self._gradient(batch), step)
            progress(step)
            if time.monotonic() - started > self._schedule.max_seconds * share:
                log.warning("言葉づかいの学習を、時間の上限で打ち切りました（%d / %d 回）。", step, steps)
                break
        trained = table.copy()
        trained[self._pieces] = self._rows
        return trained

    def count_steps(self, *, share: float = 1.0, without: Collection[int] = ()) -> int:
        """Return how many batches will be trained."""
        usable, schedule = len(self._usable(without)), self._schedule
        epoch = math.ceil(usable / schedule.batch_size)
        steps = min(max(schedule.epochs * epoch, schedule.min_steps), schedule.max_steps)
        return round(steps * share) if usable else 0

    def _usable(self, without: Collection[int]) -> Ids:
        return np.flatnonzero(self._has_both & ~np.isin(self._entries, list(without)))

    def _batches(self, steps: int, usable: Ids) -> Iterator[Ids]:
        size = min(self._schedule.batch_size, len(usable))
        order = np.zeros(0, dtype=np.int64)
        for _ in range(steps):
            if len(order) < size:
                order = np.concatenate([order, self._random.permutation(usable)])
            yield order[:size]
            order = order[size:]

    def _gradient(self, batch: Ids) -> tuple[Ids, Floats]:
        """Return the places of the rows that a batch touches, and the gradient along these."""
        queries, passages = self._drop_words(self._queries[batch], self._drops[batch]), self._passages[batch]
        touched, places = np.unique(np.concatenate([queries.indices, passages.indices]), return_inverse=True)
        rows = self._rows[touched]
        query = _Side(queries, places[: queries.nnz], rows)
        passage = _Side(passages, places[queries.nnz :], rows)
        same = np.logical_or.reduce([values[batch, None] == values[batch] for values in self._identities])
        np.fill_diagonal(same, False)
        temperature = np.float32(self._schedule.temperature)
        slope: Floats = np.divide(_slope(np.divide(query.vectors @ passage.vectors.T, temperature), same), temperature)
        gradient: Floats = np.add(query.gradient(slope @ passage.vectors), passage.gradient(slope.T @ query.vectors))
        return touched, gradient

    def _move(self, touched: Ids, gradient: Floats, step: int) -> None:
        first = self._first[touched] * np.float32(_MOMENTUM) + gradient * np.float32(1 - _MOMENTUM)
        second = self._second[touched] * np.float32(_VARIANCE) + gradient**2 * np.float32(1 - _VARIANCE)
        self._first[touched], self._second[touched] = first, second
        rate = np.float32(self._schedule.learning_rate * np.sqrt(1 - _VARIANCE**step) / (1 - _MOMENTUM**step))
        rows = self._rows[touched] - rate * first / (np.sqrt(second) + np.float32(_EPSILON))
        self._rows[touched] = rows

    def _drop_words(self, queries: csr_array, drops: NDArray[np.bool_]) -> csr_array:
        lengths = np.diff(queries.indptr)
        gone = np.repeat(drops, lengths) & (self._random.random(queries.nnz) < self._schedule.dropped)
        queries.data[gone] = 0
        return queries


class _Side:
    """The queries or the passages of a batch: how often each touched piece occurs in each text, and the unit vectors."""

    def __init__(self, texts: csr_array, places: Ids, rows: Floats) -> None:
        self._counts = csr_array((texts.data, places, texts.indptr), shape=(texts.shape[0], len(rows)))
        sums = self._counts @ rows
        self._norms = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(_TINY))
        self.vectors: Floats = sums / self._norms

    def gradient(self, slope: Floats) -> Floats:
        """Return the slope along the rows, given the slope along the unit vectors."""
        along = (slope * self.vectors).sum(axis=1, keepdims=True) * self.vectors
        result: Floats = self._counts.T @ ((slope - along) / self._norms)
        return result


def _number(texts: Sequence[str]) -> Ids:
    """Return one number per text, the same for equal ones."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts])


def _slope(scores: Floats, same: NDArray[np.bool_]) -> Floats:
    """Return the slope of symmetric InfoNCE along the scores; `same` are no negatives."""
    scores[same] = -np.inf
    slope = _softmax(scores) + _softmax(scores.T).T
    slope[np.diag_indices_from(slope)] -= 2
    slope /= np.float32(2 * len(scores))
    return slope


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    result: Floats = powers
    return result


def embed_counts(counts: csr_array, table: Floats) -> Floats:
    """Return the unit vectors of texts whose pieces were counted, shape (texts, dimension)."""
    sums = counts @ table
    vectors: Floats = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(_TINY))
    return vectors


def count_pieces(tokenizer: Tokenizer, texts: Sequence[str], size: int) -> csr_array:
    """Return how often each piece occurs in each text as the embedder sees it, folded; shape (texts, size)."""
    encodings = tokenizer.encode_batch_fast([fold(text) for text in texts], add_special_tokens=False)
    lengths = [len(encoding.ids) for encoding in encodings]
    ids = np.fromiter((id_ for encoding in encodings for id_ in encoding.ids), dtype=np.int32, count=sum(lengths))
    bounds = np.cumsum([0, *lengths], dtype=np.int32)
    counts = csr_array((np.ones(len(ids), dtype=np.float32), ids, bounds), shape=(len(texts), size))
    counts.sum_duplicates()
    return counts
