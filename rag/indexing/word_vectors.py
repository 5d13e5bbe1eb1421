"""The vectors of single words, by which asked words look for their nearest ones in a text (`rag.retrieval.likeness`).

They are learned for that alone (`rag.models.train_words`): 病院 comes near to 医療 without being blurred by what stands beside it,
as it is in the vectors of whole texts. A word is the sum of its pieces, so that no word is unknown.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from tokenizers import Tokenizer

from rag.indexing.model_files import unreadable_model
from rag.indexing.pieces import cut_pieces, open_tokenizer

if TYPE_CHECKING:
    from rag.indexing.pieces import Pieces

WORDS_FILE = "words.safetensors"
_MAX_WORDS = 30_000  # whose vectors are kept: 128 numbers of 4 bytes each
_TINY = float(np.finfo(np.float32).tiny)
Vectors = NDArray[np.float32]


class WordVectors:
    """The vectors of words, kept once they were computed. table: of the pieces, shape (pieces, dimension)."""

    def __init__(self, tokenizer: Tokenizer, table: Vectors) -> None:
        self._tokenizer, self._table = tokenizer, table
        self._rows: dict[str, int] = {}  # word -> row of _kept
        self._kept = np.zeros((0, self.dimension), dtype=np.float32)
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        return int(self._table.shape[1])

    def embed(self, words: Sequence[str]) -> Vectors:
        """Return the unit vectors of words, folded (`rag.text.fold`), shape (words, dimension); zero where no piece is known."""
        with self._lock:
            unknown = [word for word in dict.fromkeys(words) if word not in self._rows]
            if len(self._rows) + len(unknown) > _MAX_WORDS:
                self._rows, unknown = {}, list(dict.fromkeys(words))
            if unknown:
                self._keep(unknown)
            return self._kept[[self._rows[word] for word in words]]

    def _keep(self, unknown: Sequence[str]) -> None:
        """Keep the vectors of words behind those that are kept; the room for them doubles when it is used up."""
        start, end = len(self._rows), len(self._rows) + len(unknown)
        if end > len(self._kept):
            room = np.zeros((max(end, 2 * len(self._kept)), self.dimension), dtype=np.float32)
            room[:start] = self._kept[:start]
            self._kept = room
        self._kept[start:end] = sum_pieces(cut_pieces(unknown, self._tokenizer), self._table)
        self._rows.update(zip(unknown, range(start, end), strict=True))


def open_word_vectors(folder: Path) -> WordVectors:
    """Return the word vectors of a model folder, opened once. Raises EmbedderError where they cannot be read."""
    with _OPENING:
        return _open_once(folder)


_OPENING = threading.Lock()  # a cache alone would open them for each of the people who ask at once


@functools.cache
def _open_once(folder: Path) -> WordVectors:
    try:
        tokenizer = open_tokenizer(folder)
        table = read_rows(folder / WORDS_FILE)
    except Exception as error:  # tokenizers raises the bare Exception for a broken file
        raise unreadable_model(folder, error) from error
    if len(table) != tokenizer.get_vocab_size():
        raise unreadable_model(folder, f"語彙は {tokenizer.get_vocab_size()}、{WORDS_FILE} は {len(table)} 行")
    return WordVectors(tokenizer, table)


def sum_pieces(texts: Sequence[Pieces], table: Vectors) -> Vectors:
    """Return the sum of the rows of each text's pieces, of length 1, shape (texts, dimension); zero where there are none.

    One gather a text stays in the processor's cache, one for all of them is four times slower.
    """
    sums = np.zeros((len(texts), table.shape[1]), dtype=np.float32)
    for row, pieces in zip(sums, texts, strict=True):
        np.add.reduce(table[pieces], axis=0, out=row)
    vectors: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(_TINY))
    return vectors


def read_rows(file: Path) -> Vectors:
    """Return a table that `write_rows` wrote, shape (rows, dimension)."""
    tensors = load_file(file)
    table: Vectors = tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]
    return table


def write_rows(file: Path, table: Vectors) -> None:
    """Write a table, shape (rows, dimension), as 8-bit rows with a scale each."""
    scales = np.maximum(np.abs(table).max(axis=1), _TINY) / 127
    rows = np.rint(table / scales[:, None]).astype(np.int8)
    file.write_bytes(save({"embeddings": rows, "weights": scales.astype(np.float32)}))
