"""Batches that fit into memory: as many texts at once as there is room for, fewer when there turns out to be less."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rag.errors import EmbedderError

Item = TypeVar("Item")
MOST_AT_ONCE = 64  # on processors a larger batch is no faster
_SHARE = 0.5  # of the free memory: the rest is for the index, the readers and what is estimated wrongly
_UNKNOWN_FREE = 1_000_000_000  # where neither psutil nor sysconf tells
_BYTES = 4
_VECTORS_A_TOKEN = (
    14  # alive at once in a layer: the stream, query, key, value, output, and 4 to 8 of the feed-forward part
)
_MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory", "bad allocation")


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What decides how much memory a text takes. hidden: numbers a token; heads: of the attention."""

    hidden: int
    layers: int
    heads: int

    def bytes_of(self, tokens: int) -> int:
        """Return an upper estimate of the memory that a text of so many tokens takes.

        Without gradients a layer's numbers are freed when the next one has read them, so the layers count only as one vector a
        token each (hidden states that a model may keep); the attention counts as if it were written out: heads × tokens².
        """
        vectors = tokens * self.hidden * (_VECTORS_A_TOKEN + self.layers)
        return _BYTES * (vectors + 2 * self.heads * tokens * tokens)

    @classmethod
    def from_config(cls, config: Any) -> ModelSize:
        """Return the size that the config of a transformers model tells; that of a BERT base where it tells nothing."""
        hidden = _first(config, ("hidden_size", "d_model", "dim"), 768)
        return cls(
            hidden=hidden,
            layers=_first(config, ("num_hidden_layers", "n_layers", "num_layers"), 12),
            heads=_first(config, ("num_attention_heads", "n_heads", "num_heads"), max(1, hidden // 64)),
        )


def _first(config: Any, names: Sequence[str], otherwise: int) -> int:
    found = (getattr(config, name, None) for name in names)
    return next((value for value in found if isinstance(value, int) and value > 0), otherwise)


def free_memory() -> int:
    """Return the bytes of memory that can be used now, as psutil (where it is installed) or the system tells."""
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except ImportError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _UNKNOWN_FREE


def texts_at_once(size: ModelSize, tokens: int, free: int) -> int:
    """Return how many texts of so many tokens go through a model at once, between 1 and MOST_AT_ONCE.

    >>> small = ModelSize(hidden=256, layers=10, heads=4)
    >>> [texts_at_once(small, tokens, free=1_000_000_000) for tokens in (100, 500, 8_000)]
    [64, 24, 1]
    """
    return max(1, min(MOST_AT_ONCE, int(free * _SHARE) // size.bytes_of(max(tokens, 1))))


class Batcher:
    """Send items through a model, the longest first, and halve the batches for good when memory runs out.

    first_size(length): how many items of that length go at once, by what is free.
    """

    def __init__(self, first_size: Callable[[int], int], *, name: str) -> None:
        self._first_size, self._name = first_size, name
        self._most = MOST_AT_ONCE

    @property
    def most_at_once(self) -> int:
        """How many items go at once at most: MOST_AT_ONCE until memory ran out."""
        return self._most

    def run(
        self, items: Sequence[Item], lengths: Sequence[int], call: Callable[[list[Item]], Sequence[Any]]
    ) -> list[Any]:
        """Return what `call` gives for each item, in the order of the items. Raises EmbedderError where not even one fits."""
        order = sorted(range(len(items)), key=lambda number: -lengths[number])
        results: list[Any] = [None] * len(items)
        start = 0
        while start < len(order):
            size = min(self._first_size(lengths[order[start]]), self._most)
            batch = order[start : start + size]
            try:
                found = call([items[number] for number in batch])
            except (MemoryError, RuntimeError) as error:
                self._take_fewer(len(batch), error)
                continue
            for number, result in zip(batch, found, strict=True):
                results[number] = result
            start += len(batch)
        return results

    def _take_fewer(self, size: int, error: Exception) -> None:
        if not is_out_of_memory(error):
            raise error
        if size <= 1:
            raise EmbedderError(
                f"メモリーが足りず、モデル「{self._name}」で文を 1 つも処理できません（{error}）。",
                "ほかのプログラムを閉じるか、より小さいモデルを使うか、設定 max_chunk_chars を小さくしてください。",
            ) from error
        self._most = size // 2


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error says that memory ran out: torch raises RuntimeError on processors, a subclass of it on GPUs."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _MEMORY_WORDS)
