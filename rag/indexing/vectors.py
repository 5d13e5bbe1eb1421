"""The vector leg: Chroma, embedded, cosine space; it holds ids, vectors and filterable fields, and no text."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import Filters
from rag.indexing.stores import FilterFields, Hits, date_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLLECTION = "chunks"  # Chroma wants names of three characters or more
# recall@50 against exact search over 20,000 chunks: see tests/test_vectors.py
_CONFIGURATION = {"hnsw": {"space": "cosine", "ef_search": 200}}
_WIDER = 2
# Chroma keeps one system per path and process, and creates it without a lock of its own.
_clients = threading.Lock()


class VectorStore:
    """The vectors of one snapshot. Open one per folder and process; searching is thread-safe."""

    def __init__(self, client: Any, collection: Any) -> None:
        self._client: Any = client
        self._collection: Any = collection
        self._batch: int = client.get_max_batch_size()

    @classmethod
    def create(cls, folder: Path) -> VectorStore:
        """Create an empty store in a folder that may not exist yet."""
        folder.mkdir(parents=True, exist_ok=True)
        client = _open_client(folder)
        collection = client.create_collection(COLLECTION, configuration=_CONFIGURATION, embedding_function=None)
        return cls(client, collection)

    @classmethod
    def open(cls, folder: Path) -> VectorStore:
        """Open the store of a folder."""
        client = _open_client(folder)
        return cls(client, client.get_collection(COLLECTION, embedding_function=None))

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        """Write chunks; an id that is there is replaced."""
        for part in self._batches(len(ids)):
            self._collection.upsert(
                ids=list(ids[part]), embeddings=vectors[part], metadatas=[asdict(value) for value in fields[part]]
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Remove chunks; ids that are not there are no error."""
        for part in self._batches(len(ids)):
            self._collection.delete(ids=list(ids[part]))

    def count(self) -> int:
        """Return the number of chunks."""
        return int(self._collection.count())

    def ids(self) -> set[str]:
        """Return the ids of all chunks."""
        return set(self._collection.get(include=[])["ids"])

    def search(
        self,
        vector: NDArray[np.float32],
        limit: int,
        filters: Filters | None = None,
        audiences: Sequence[str] | None = None,
    ) -> Hits:
        """Return the nearest chunks with their cosine similarity, best first (approximate: HNSW)."""
        where = _where(filters)
        if audiences is None:
            return [(id_, score) for id_, score, _ in self._query(vector, limit, where)]
        # Chroma first gathers every id that a clause admits (70 ms for most of 30,000 chunks), and most documents are open
        # to most askers: look among the nearest before.
        wider = limit * _WIDER
        near = self._query(vector, wider, where, fields=True)
        admitted = [(id_, score) for id_, score, fields in near if fields["audience"] in audiences]
        if len(admitted) >= limit or len(near) < wider or not audiences:
            return admitted[:limit]
        return [(id_, score) for id_, score, _ in self._query(vector, limit, _where(filters, audiences))]

    def _query(
        self, vector: NDArray[np.float32], limit: int, where: dict[str, Any] | None, *, fields: bool = False
    ) -> list[tuple[str, float, dict[str, Any]]]:
        found = self._collection.query(
            query_embeddings=[vector],
            n_results=limit,
            where=where,
            include=["distances", "metadatas"] if fields else ["distances"],
        )
        ids, distances = found["ids"][0], found["distances"][0]
        values = found["metadatas"][0] if fields else [{}] * len(ids)
        return [(id_, 1.0 - distance, value) for id_, distance, value in zip(ids, distances, values, strict=True)]

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Return the exact cosine similarity of the chunks that are there."""
        known, vectors = self.vectors(ids)
        import numpy as np

        if not known:
            return {}
        norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
        values = vectors @ vector / np.maximum(norms, np.finfo(np.float32).tiny)
        return dict(zip(known, map(float, values), strict=True))

    def vectors(self, ids: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
        """Return the ids that are there and their vectors, one row each."""
        import numpy as np

        if not ids:  # Chroma reads an empty list as "all"
            return [], np.zeros((0, 0), dtype=np.float32)
        found = self._collection.get(ids=list(ids), include=["embeddings"])
        return list(found["ids"]), np.asarray(found["embeddings"], dtype=np.float32)

    def close(self) -> None:
        """Let go of every file; a second call does nothing."""
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


def _where(filters: Filters | None, audiences: Sequence[str] | None = None) -> dict[str, Any] | None:
    clauses: list[dict[str, Any]] = []
    if filters is not None:
        equal = {"department": filters.department, "kind": filters.kind and str(filters.kind), "year": filters.year}
        clauses += [{key: value} for key, value in equal.items() if value is not None]
        if filters.as_of is not None:
            clauses.append({"effective": {"$lte": date_number(filters.as_of)}})
    if audiences is not None:
        clauses.append({"audience": {"$in": list(audiences)}})
    if len(clauses) > 1:
        return {"$and": clauses}
    return clauses[0] if clauses else None
