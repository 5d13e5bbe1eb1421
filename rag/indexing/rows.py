"""The vectors of a snapshot as rows of one file that is mapped into memory, with what a search can be limited to.

vectors.f32     the rows, float32, of unit length (a vector of nought stays nought)
ids.npy         the id of each row
documents.npy   the number of the document that each row is of
documents.json  the fields of the documents
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.indexing.limits import FilterFields, Limits
from rag.indexing.stores import Hits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VECTORS, IDS, OWNERS, DOCUMENTS = "vectors.f32", "ids.npy", "documents.npy", "documents.json"
_GAP = 64  # rows that are compared in vain rather than begin a new stretch
_LIMITS_KEPT = 16  # a mask of 100,000 rows takes 100 kB
_AT_ONCE = 50_000  # rows that are copied at once


class Rows:
    """Read and write the rows of one folder. Searching is thread-safe; one writer, and nobody searches while it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table: _Table | None = None
        self._lock = threading.Lock()
        self._draft: _Draft | None = None

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        """Write rows; an id that is there is replaced."""
        if len(ids):
            self._open_draft().add(ids, vectors, fields)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove rows; ids that are not there are no error."""
        if len(ids):
            self._open_draft().delete(ids)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._open().ids)

    def ids(self) -> set[str]:
        """Return the ids of all rows."""
        return {id_.decode() for id_ in self._open().ids.tolist()}

    def count_admitted(self, limits: Limits) -> int:
        """Return the number of rows that limits let through."""
        return self._open().admit(limits).count

    def keep_admitted(self, hits: Hits, limits: Limits) -> Hits:
        """Return the hits that limits let through."""
        table = self._open()
        places, mask = table.find([id_ for id_, _ in hits]), table.admit(limits).mask
        return [hit for hit, place in zip(hits, places.tolist(), strict=True) if place >= 0 and mask[place]]

    def search(self, vector: NDArray[np.float32], limit: int, limits: Limits) -> Hits:
        """Return the nearest of the admitted rows with their cosine similarity, best first: exact."""
        return self._open().search(vector, limit, limits)

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Return the cosine similarity of the rows that are there."""
        table = self._open()
        places = table.find(ids).tolist()
        known = [(id_, place) for id_, place in zip(ids, places, strict=True) if place >= 0]
        values = table.vectors[[place for _, place in known]] @ _to_unit(vector) if known else ()
        return {id_: float(value) for (id_, _), value in zip(known, values, strict=True)}

    def close(self) -> None:
        """Write what is pending and let go of every file; a second call does nothing."""
        if self._draft is not None:
            self._draft.write()
        self._draft = self._table = None

    def _open(self) -> _Table:
        with self._lock:
            if self._draft is not None:  # written, then searched: in tests, and where a snapshot is checked
                self._draft.write()
                self._draft = self._table = None
            if self._table is None:
                self._table = _Table.read(self._folder)
            return self._table

    def _open_draft(self) -> _Draft:
        if self._draft is None:
            self._table = None  # Windows keeps a mapped file from being replaced
            self._draft = _Draft(self._folder)
        return self._draft


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Which rows are let through, and the stretches [start, end) of rows that hold them all."""

    mask: NDArray[np.bool_]
    count: int
    stretches: list[tuple[int, int]]


class _Table:
    """The rows as they are on disk."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        ids: NDArray[np.bytes_],
        owners: NDArray[np.int32],
        documents: Sequence[FilterFields],
    ) -> None:
        import numpy as np

        self.vectors, self.ids, self._owners, self._documents = vectors, ids, owners, documents
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        self._admitted: dict[Limits, _Admitted] = {}

    @classmethod
    def read(cls, folder: Path) -> _Table:
        import numpy as np

        if not (folder / IDS).exists():
            return cls(np.zeros((0, 0), np.float32), np.zeros(0, "S32"), np.zeros(0, np.int32), ())
        ids = np.load(folder / IDS)
        if not len(ids):
            return cls(np.zeros((0, 0), np.float32), ids, np.zeros(0, np.int32), ())
        file = folder / VECTORS
        width = file.stat().st_size // (4 * len(ids))
        vectors = np.memmap(file, dtype=np.float32, mode="r", shape=(len(ids), width))
        values = json.loads((folder / DOCUMENTS).read_text(encoding="utf-8"))
        return cls(vectors, ids, np.load(folder / OWNERS), [FilterFields(**value) for value in values])

    def find(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each id, -1 where there is none."""
        import numpy as np

        wanted = np.array([id_.encode() for id_ in ids], dtype="S32")
        if not len(self.ids) or not len(wanted):
            return np.full(len(wanted), -1)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self.ids) - 1)
        return np.where(self._sorted[places] == wanted, self._order[places], -1)

    def search(self, vector: NDArray[np.float32], limit: int, limits: Limits) -> Hits:
        import numpy as np

        admitted = self.admit(limits)
        if not admitted.count:
            return []
        unit = _to_unit(vector)
        compared = np.empty(len(self.ids), dtype=np.float32)
        for start, end in admitted.stretches:
            np.matmul(self.vectors[start:end], unit, out=compared[start:end])
        rows = np.flatnonzero(admitted.mask)
        scores = compared[rows]
        if limit < len(rows):
            best = np.argpartition(-scores, limit)[:limit]
            rows, scores = rows[best], scores[best]
        order = np.lexsort((self.ids[rows], -scores))
        return [(self.ids[rows[n]].decode(), float(scores[n])) for n in order]

    def admit(self, limits: Limits) -> _Admitted:
        """Return which rows are let through; the answers to the last few limits are kept."""
        found = self._admitted.get(limits)
        if found is None:
            found = self._admit(limits)
            if len(self._admitted) >= _LIMITS_KEPT:
                self._admitted = {}
            self._admitted[limits] = found
        return found

    def _admit(self, limits: Limits) -> _Admitted:
        import numpy as np

        open_ = np.fromiter(map(limits.admits, self._documents), dtype=np.bool_, count=len(self._documents))
        mask = open_[self._owners]
        rows = np.flatnonzero(mask)
        if not len(rows):
            return _Admitted(mask, 0, [])
        breaks = np.flatnonzero(np.diff(rows) > _GAP)
        starts, ends = rows[np.r_[0, breaks + 1]], rows[np.r_[breaks, len(rows) - 1]] + 1
        return _Admitted(mask, len(rows), list(zip(starts.tolist(), ends.tolist(), strict=True)))


class _Draft:
    """The rows of a snapshot that is being built: appended to the file; what was replaced goes when it is written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        table = _Table.read(folder)
        self._folder = folder
        self._ids: list[str | None] = [id_.decode() for id_ in table.ids.tolist()]
        self._owners: list[int] = table._owners.tolist()
        self._documents = {fields: number for number, fields in enumerate(table._documents)}
        self._places = {id_: place for place, id_ in enumerate(self._ids) if id_ is not None}
        self._width = table.vectors.shape[1]
        del table
        self._stream = (folder / VECTORS).open("ab")

    def add(self, ids: Sequence[str], vectors: NDArray[np.float32], fields: Sequence[FilterFields]) -> None:
        self.delete(ids)
        self._width = vectors.shape[1]
        for id_, value in zip(ids, fields, strict=True):
            self._places[id_] = len(self._ids)
            self._ids.append(id_)
            self._owners.append(self._documents.setdefault(value, len(self._documents)))
        self._stream.write(_to_units(vectors).tobytes())

    def delete(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            if (place := self._places.pop(id_, None)) is not None:
                self._ids[place] = None

    def write(self) -> None:
        import numpy as np

        self._stream.close()
        kept = [place for place, id_ in enumerate(self._ids) if id_ is not None]
        if len(kept) < len(self._ids):
            self._compact(kept)
        used = sorted({self._owners[place] for place in kept})
        numbers = {old: new for new, old in enumerate(used)}
        documents = list(self._documents)
        np.save(self._folder / IDS, np.array([(self._ids[place] or "").encode() for place in kept], dtype="S32"))
        np.save(self._folder / OWNERS, np.array([numbers[self._owners[place]] for place in kept], dtype=np.int32))
        text = json.dumps([asdict(documents[old]) for old in used], ensure_ascii=False)
        (self._folder / DOCUMENTS).write_text(text, encoding="utf-8")

    def _compact(self, kept: Sequence[int]) -> None:
        """Write the file anew, without the rows that were replaced or removed."""
        import numpy as np

        file = self._folder / VECTORS
        fresh = file.with_suffix(".new")
        with fresh.open("wb") as stream:
            if kept:
                old = np.memmap(file, dtype=np.float32, mode="r", shape=(len(self._ids), self._width))
                for start in range(0, len(kept), _AT_ONCE):
                    stream.write(old[list(kept[start : start + _AT_ONCE])].tobytes())
                del old
        fresh.replace(file)


def _to_unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    units: NDArray[np.float32] = _to_units(vector.reshape(1, -1))[0]
    return units


def _to_units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
