"""The vector leg: Chroma, embedded, cosine space, and the same vectors as rows of one file, for what has to be exact.

Chroma holds ids and vectors and answers without limits. The rows know the fields that a search can be limited to: below EXACT_ROWS
admitted chunks every one of them is compared; above, Chroma's nearest are looked through, as many as it takes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.indexing.limits import FilterFields, Limits
from rag.indexing.rows import Rows
from rag.indexing.stores import Hits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLLECTION = "chunks"  # Chroma wants names of three characters or more
# recall@50 against exact search over 20,000 chunks: see tests/test_vectors.py
_CONFIGURATION = {"hnsw": {"space": "cosine", "ef_search": 200}}
ROWS = "rows"
EXACT_ROWS = 50_000
"""Up to so many admitted chunks are all compared (measured: docs/architecture.md)."""
_WIDER = 1.5
# Chroma keeps one system per path and process, and creates it without a lock of its own.
_clients = threading.Lock()


class VectorStore:
    """The vectors of one snapshot. Open one per folder and process; searching is thread-safe."""

    def __init__(self, client: Any, collection: Any, rows: Rows) -> None:
        self._client: Any = client
        self._collection: Any = collection
        self._rows = rows
        self._batch: int = client.get_max_batch_size()

    @classmethod
    def create(cls, folder: Path) -> VectorStore:
        """Create an empty store in a folder that may not exist yet."""
        folder.mkdir(parents=True, exist_ok=True)
        client = _open_client(folder)
        collection = client.create_collection(COLLECTION, configuration=_CONFIGURATION, embedding_function=None)
        return cls(client, collection, Rows(folder / ROWS))

    @classmethod
    def open(cls, folder: Path) -> VectorStore:
        """Open the store of a folder."""
        client = _open_client(folder)
        return cls(client, client.get_collection(COLLECTION, embedding_function=None), Rows(folder / ROWS))

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        """Write chunks; an id that is there is replaced."""
        for part in self._batches(len(ids)):
            self._collection.upsert(ids=list(ids[part]), embeddings=vectors[part])
        self._rows.upsert(ids, vectors, fields)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids that are not there are no error."""
        for part in self._batches(len(ids)):
            self._collection.delete(ids=list(ids[part]))
        self._rows.delete(ids)

    def count(self) -> int:
        """Return the number of chunks, of Chroma or the rows: the larger one, so that a check notices what is too many."""
        return max(int(self._collection.count()), self._rows.count())

    def count_admitted(self, limits: Limits | None) -> int:
        """Return the number of chunks that limits let through."""
        return self._rows.count() if limits is None else self._rows.count_admitted(limits)

    def ids(self) -> set[str]:
        """Return the ids of all chunks that are in Chroma and in the rows."""
        return self._rows.ids().intersection(self._collection.get(include=[])["ids"])

    def search(self, vector: NDArray[np.float32], limit: int, limits: Limits | None = None) -> Hits:
        """Return the nearest admitted chunks with their cosine similarity, best first.

        Exact up to EXACT_ROWS admitted chunks; above and without limits approximate (HNSW), but never fewer than there are.
        """
        if limits is None:
            return self._nearest(vector, limit)
        admitted = self._rows.count_admitted(limits)
        if admitted > EXACT_ROWS:
            wider = min(int(limit * _WIDER * self._rows.count() / admitted) + limit, self._batch)
            found = self._rows.keep_admitted(self._nearest(vector, wider), limits)
            if len(found) >= limit:
                return found[:limit]
        return self._rows.search(vector, limit, limits)

    def _nearest(self, vector: NDArray[np.float32], limit: int) -> Hits:
        found = self._collection.query(query_embeddings=[vector], n_results=limit, include=["distances"])
        return [(id_, 1.0 - distance) for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Return the exact cosine similarity of the chunks that are there."""
        return self._rows.similarities(vector, ids)

    def close(self) -> None:
        """Let go of every file; a second call does nothing."""
        self._rows.close()
        with _clients:
            client, self._client, self._collection = self._client, None, None
            if client is not None:
                client.close()

    def _batches(self, length: int) -> Iterator[slice]:
        return (slice(start, start + self._batch) for start in range(0, length, self._batch))


def _open_client(folder: Path) -> Any:
    os.environ["ANONYMIZED_TELEMETRY"] = "False"  # read when chromadb is imported
    import chromadb
    from chromadb.config import Settings

    with _clients:
        return chromadb.PersistentClient(path=str(folder.resolve()), settings=Settings(anonymized_telemetry=False))
