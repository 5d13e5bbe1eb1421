"""What a vector store and a lexical store have in common, so that another engine can stand behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.indexing.limits import FilterFields, Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.lexical import LexicalEntry

Hits = list[tuple[str, float]]
"""(chunk id, score), best first."""
Choice = Mapping[str, Sequence[Mapping[str, float]]]
"""field -> the ways to say one thing, each as words with their weights: the best of them counts, as the sum of its words."""


class Store(Protocol):
    """One of the two search legs of a snapshot."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids that are not there are no error."""

    def count(self) -> int:
        """Return the number of chunks."""

    def ids(self) -> set[str]:
        """Return the ids of all chunks."""

    def close(self) -> None:
        """Write what is pending and let go of every file; a second call does nothing."""


class VectorLeg(Store, Protocol):
    """Search by meaning."""

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        """Write chunks; an id that is there is replaced."""

    def search(
        self,
        vector: NDArray[np.float32],
        limit: int,
        limits: Limits | None = None,
    ) -> Hits:
        """Return the nearest admitted chunks with their cosine similarity."""

    def count_admitted(self, limits: Limits | None) -> int:
        """Return the number of chunks that limits let through."""

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Return the exact cosine similarity of the chunks that are there."""


class LexicalLeg(Store, Protocol):
    """Search by words. `terms_by_field`: field -> term -> weight."""

    def add(self, entries: Sequence[LexicalEntry], fields: Sequence[FilterFields]) -> None:
        """Write chunks; an id that is there is replaced."""

    def search(
        self,
        terms_by_field: Mapping[str, Mapping[str, float]],
        limit: int,
        limits: Limits | None = None,
        *,
        choices: Sequence[Choice] = (),
    ) -> Hits:
        """Return the best admitted chunks with their BM25 scores, summed over terms, choices and fields."""

    def scores(
        self,
        terms_by_field: Mapping[str, Mapping[str, float]],
        ids: Sequence[str],
        *,
        choices: Sequence[Choice] = (),
    ) -> dict[str, float]:
        """Return the exact BM25 score of the chunks that are there; 0 where no term occurs."""

    def words(self, ids: Sequence[str]) -> dict[str, LexicalEntry]:
        """Return the words of the chunks that are there, without their bigrams and names."""

    def names_like(self, word: str) -> dict[str, int]:
        """Return the runs of one script that begin or end as a word does, and the number of chunks that hold each."""

    def document_frequency(self, field: str, term: str) -> int:
        """Return the number of chunks whose field holds a term."""
