"""Build a snapshot aside: the three stores of a partial, filled document by document."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rag.documents import Chunk
from rag.errors import EmbedderError, IndexBuildError
from rag.indexing.cache import EmbeddingCache
from rag.indexing.catalog import CatalogEntry, CatalogWriter
from rag.indexing.lexical import LexicalEntry, LexicalStore, analyze
from rag.indexing.limits import FilterFields
from rag.indexing.manifest import REBUILD_HINT
from rag.indexing.pipeline import DocumentEmbedder
from rag.indexing.preparation import Outcome, Prepared
from rag.indexing.snapshot import CATALOG, LEXICAL, VECTORS, Snapshot
from rag.indexing.vectors import VectorStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Probe: TypeAlias = "tuple[LexicalEntry, NDArray[np.float32]]"
"""A chunk that was just written: its words and its vector."""
_CHUNKS_AT_ONCE = 2_000
PROBES = 50
_TOLERANCE = 1e-3


class Stopwatch:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start


def copy_snapshot(source: Path, target: Path, *, without: str | None = None) -> None:
    """Copy a snapshot's folder, but for one of its stores; SQLite files as a transaction sees them, for Chroma writes to its own when it is opened."""
    shutil.copytree(
        source,
        target,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("*.lock", "*-journal", "*-wal", "*-shm", *filter(None, [without])),
        copy_function=_copy_file,
    )


def _copy_file(source: str, target: str) -> None:
    if not source.endswith((".sqlite", ".sqlite3")):
        shutil.copy2(source, target)
        return
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


class SnapshotBuilder:
    """Write documents into a partial. Nothing is searched, or final, before `finish`."""

    def __init__(
        self,
        partial: Path,
        *,
        is_new: bool,
        embedder: DocumentEmbedder,
        cache: EmbeddingCache,
        watch: Stopwatch,
        new_vectors: bool = False,
    ) -> None:
        """Open the stores. is_new: of an empty partial; new_vectors: of one that has everything but vectors."""
        self._embedder, self._cache, self._watch = embedder, cache, watch
        self.catalog = CatalogWriter(partial / CATALOG)
        self._vectors = (VectorStore.create if is_new or new_vectors else VectorStore.open)(partial / VECTORS)
        self._lexical = (LexicalStore.create if is_new else LexicalStore.open)(partial / LEXICAL)
        self._pending: list[Prepared] = []
        self._now = datetime.now().astimezone().isoformat(timespec="seconds")
        self.probes = _Sample(PROBES)

    def add(self, outcome: Outcome, *, metadata_hash: str) -> None:
        """Write what became of a file, replacing what was there of it."""
        if outcome.prepared is None:
            self._add_problem(outcome, metadata_hash)
            return
        prepared = outcome.prepared
        with self._watch.measure("catalog"):
            stale = set(self.catalog.remove_document(outcome.source)) - {chunk.id for chunk in prepared.chunks}
            self.catalog.add_document(
                prepared.document,
                prepared.chunks,
                file=outcome.file,
                metadata_hash=metadata_hash,
                indexed_at=self._now,
            )
        self._forget(sorted(stale))
        self._pending.append(prepared)
        if sum(len(waiting.chunks) for waiting in self._pending) >= _CHUNKS_AT_ONCE:
            self._flush()

    def embed_again(
        self, document: CatalogEntry, chunks: Sequence[Chunk], texts: Sequence[str], *, probes: Collection[str]
    ) -> None:
        """Write the vectors of chunks whose words are there already. probes: ids of those that are to find themselves."""
        if not chunks:
            return
        with self._watch.measure("embed"):
            vectors = self._embed(texts)
        fields = [FilterFields.from_metadata(document.source, document.metadata)] * len(chunks)
        with self._watch.measure("vectors"):
            self._vectors.upsert([chunk.id for chunk in chunks], vectors, fields)
        chosen = [(analyze(c), vector) for c, vector in zip(chunks, vectors, strict=True) if c.id in probes]
        self.probes.offer(chosen)

    def remove(self, source: str) -> None:
        """Remove everything of a source."""
        self._forget(self.catalog.remove_document(source))

    def finish(self) -> None:
        """Write what is pending and let go of every file."""
        self._flush()
        with self._watch.measure("lexical"):
            self._lexical.commit()
        with self._watch.measure("catalog"):
            self.catalog.replace_editions()
            self.catalog.commit()
        self.close()

    def close(self) -> None:
        """Let go of every file; a partial that was not finished is worth nothing."""
        self.catalog.close()
        self._vectors.close()
        self._lexical.close()

    def _add_problem(self, outcome: Outcome, metadata_hash: str) -> None:
        assert outcome.problem is not None
        self.remove(outcome.source)
        self.catalog.add_unreadable(
            outcome.source,
            outcome.problem,
            sha256=outcome.sha256,
            file=outcome.file,
            metadata_hash=metadata_hash,
            indexed_at=self._now,
        )

    def _forget(self, ids: Sequence[str]) -> None:
        if ids:
            with self._watch.measure("vectors"):
                self._vectors.delete(ids)
            with self._watch.measure("lexical"):
                self._lexical.delete(ids)

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        entries = [entry for prepared in pending for entry in prepared.entries]
        fields = [value for prepared in pending for value in _fields(prepared)]
        if not entries:
            return
        with self._watch.measure("embed"):
            vectors = self._embed([text for prepared in pending for text in prepared.texts])
        with self._watch.measure("vectors"):
            self._vectors.upsert([entry.id for entry in entries], vectors, fields)
        with self._watch.measure("lexical"):
            self._lexical.add(entries, fields)
        self.probes.offer(list(zip(entries, vectors, strict=True)))

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        known = self._cache.get_many(self._embedder.fingerprint, texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            made = dict(zip(missing, self._embed_missing(missing), strict=True))
            self._cache.put_many(self._embedder.fingerprint, made)
            known |= made
        return np.stack([known[text] for text in texts])

    def _embed_missing(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.asarray(self._embedder.embed_documents(texts), dtype=np.float32)
        expected = (len(texts), self._embedder.dimension)
        if vectors.shape != expected or not np.isfinite(vectors).all():
            raise EmbedderError(
                f"埋め込みモデル {self._embedder.name} の出力が正しくありません（形 {vectors.shape}、期待 {expected}）。",
                "`rag doctor` でモデルを確かめるか、設定 embedder を default に戻してください。",
            )
        return vectors


def _fields(prepared: Prepared) -> list[FilterFields]:
    document = prepared.document
    return [FilterFields.from_metadata(document.source, document.metadata)] * len(prepared.chunks)


class _Sample:
    """A fair sample of what was offered, of at most `size` (reservoir sampling)."""

    def __init__(self, size: int) -> None:
        self._size, self._seen, self._random = size, 0, random.Random(0)
        self.items: list[Probe] = []

    def offer(self, items: Sequence[Probe]) -> None:
        for item in items:
            self._seen += 1
            if len(self.items) < self._size:
                self.items.append(item)
            elif (place := self._random.randrange(self._seen)) < self._size:
                self.items[place] = item


def check_probes(snapshot: Snapshot, probes: Sequence[Probe]) -> None:
    """Raise IndexBuildError unless every probe finds itself, or an equal twin, in both legs."""
    for entry, vector in probes:
        if vector.any() and not _is_found_by_vector(snapshot, entry.id, vector):
            raise _not_found(snapshot, entry.id, "ベクトル")
        if any(entry.terms().values()) and not _is_found_by_words(snapshot, entry):
            raise _not_found(snapshot, entry.id, "単語")


def _is_found_by_vector(snapshot: Snapshot, chunk_id: str, vector: NDArray[np.float32]) -> bool:
    hits = snapshot.vectors.search(vector, 5)
    stored = snapshot.vectors.similarities(vector, [chunk_id]).get(chunk_id, 0.0)
    return stored > 1 - _TOLERANCE and bool(hits) and hits[0][1] > 1 - _TOLERANCE


def _is_found_by_words(snapshot: Snapshot, entry: LexicalEntry) -> bool:
    terms = entry.terms()
    own = snapshot.lexical.scores(terms, [entry.id]).get(entry.id, 0.0)
    hits = snapshot.lexical.search(terms, 5)
    is_listed = entry.id in dict(hits)
    return own > 0 and (is_listed or (len(hits) == 5 and hits[-1][1] >= own * (1 - _TOLERANCE)))


def _not_found(snapshot: Snapshot, chunk_id: str, leg: str) -> IndexBuildError:
    return IndexBuildError(
        f"索引 {snapshot.id} の検査に失敗しました: {leg}検索で自分自身が見つからない断片があります（{chunk_id}）。公開していません。",
        REBUILD_HINT,
    )
