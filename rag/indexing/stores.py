"""What a vector store and a lexical store have in common, so that another engine can stand behind them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from rag.documents import Filters, Metadata

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.lexical import LexicalEntry

AUDIENCE_SEPARATOR = "・"
Hits = list[tuple[str, float]]
"""(chunk id, score), best first."""
Choice = Mapping[str, Sequence[Mapping[str, float]]]
"""field -> the ways to say one thing, each as words with their weights: the best of them counts, as the sum of its words."""


@dataclass(frozen=True, slots=True)
class FilterFields:
    """What a search can be limited to, as plain values: "" and 0 where nobody said; effective is yyyymmdd."""

    source: str
    kind: str
    department: str = ""
    year: int = 0
    effective: int = 0
    audience: str = ""

    @classmethod
    def from_metadata(cls, source: str, metadata: Metadata) -> FilterFields:
        """Return the fields of a document."""
        return cls(
            source=source,
            kind=str(metadata.kind),
            department=metadata.department or "",
            year=metadata.year or 0,
            effective=date_number(metadata.effective_date) if metadata.effective_date else 0,
            audience=audience_key(metadata.audience),
        )


def date_number(day: date) -> int:
    """Return a date as the integer yyyymmdd.

    >>> date_number(date(2026, 4, 1))
    20260401
    """
    return day.year * 10_000 + day.month * 100 + day.day


def audience_key(audience: Collection[str]) -> str:
    """Return the one string that stands for an audience; "" is every member of staff.

    >>> audience_key(("税務課", "市民課"))
    '市民課・税務課'
    """
    return AUDIENCE_SEPARATOR.join(sorted(audience))


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
    """Search by meaning. `audiences`: the audience keys that the asker may read, None for all."""

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        """Write chunks; an id that is there is replaced."""

    def search(
        self,
        vector: NDArray[np.float32],
        limit: int,
        filters: Filters | None = None,
        audiences: Sequence[str] | None = None,
    ) -> Hits:
        """Return the nearest chunks with their cosine similarity."""

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
        filters: Filters | None = None,
        audiences: Sequence[str] | None = None,
        *,
        choices: Sequence[Choice] = (),
    ) -> Hits:
        """Return the best chunks with their BM25 scores, summed over terms, choices and fields."""

    def scores(
        self,
        terms_by_field: Mapping[str, Mapping[str, float]],
        ids: Sequence[str],
        *,
        choices: Sequence[Choice] = (),
    ) -> dict[str, float]:
        """Return the exact BM25 score of the chunks that are there; 0 where no term occurs."""

    def names_like(self, word: str) -> dict[str, int]:
        """Return the runs of one script that begin or end as a word does, and the number of chunks that hold each."""

    def document_frequency(self, field: str, term: str) -> int:
        """Return the number of chunks whose field holds a term."""
