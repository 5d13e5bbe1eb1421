"""Snapshots: built aside, published by one rename, read by reference counting, rolled back by moving CURRENT.

SnapshotStore    the snapshots of one index folder: publish, rollback, prune
Snapshot         one snapshot, opened: catalog, vectors, lexical, wording
SnapshotReader   hands the current snapshot to questions, and reopens between two of them
"""

from __future__ import annotations

import ctypes
import gc
import json
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.errors import IndexBuildError, IndexMismatchError, IndexMissingError
from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.catalog import Catalog
from rag.indexing.durable import replace_text, sync_folder, sync_tree
from rag.indexing.lexical import LexicalStore, tokenizer_version
from rag.indexing.manifest import REBUILD_HINT, Manifest
from rag.indexing.stores import LexicalLeg, VectorLeg
from rag.indexing.vectors import VectorStore
from rag.wording import Wording

CATALOG, VECTORS, LEXICAL, WORDING = "catalog.sqlite", "vectors", "lexical", "wording.json"
CURRENT_FILE, SNAPSHOTS = "CURRENT", "snapshots"
_PARTIAL, _TRASH = ".partial", ".trash"

_open_folders: Counter[Path] = Counter()
_open_folders_lock = threading.Lock()


class Snapshot:
    """One snapshot, opened for searching; every method of its stores may be called from many threads."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        catalog: Catalog,
        vectors: VectorLeg,
        lexical: LexicalLeg,
        wording: Wording,
    ) -> None:
        self.folder, self.manifest, self.wording = folder, manifest, wording
        self.catalog, self.vectors, self.lexical = catalog, vectors, lexical
        self._is_open = True
        with _open_folders_lock:
            _open_folders[folder] += 1

    @classmethod
    def open(cls, folder: Path) -> Snapshot:
        """Open the snapshot of a folder, whatever it was built with."""
        folder = folder.resolve()
        manifest, wording = Manifest.read(folder), read_snapshot_wording(folder)
        with ExitStack() as opened:
            catalog = Catalog(folder / CATALOG)
            opened.callback(catalog.close)
            lexical = LexicalStore.open(folder / LEXICAL)
            opened.callback(lexical.close)
            snapshot = cls(folder, manifest, catalog, VectorStore.open(folder / VECTORS), lexical, wording)
            opened.pop_all()
        return snapshot

    @property
    def id(self) -> str:
        """The name of the snapshot: the time when it was begun."""
        return self.manifest.id

    def verify(self) -> None:
        """Raise IndexBuildError unless catalog, vectors and lexical entries are about the same chunks."""
        known = self.catalog.chunk_ids()
        legs = {"ベクトル": self.vectors, "単語": self.lexical}
        for name, leg in legs.items():
            found = leg.ids()
            if found != known or leg.count() != len(known):
                raise IndexBuildError(
                    f"索引 {self.id} の検査に失敗しました: 目録 {len(known)} 件に対し{name}索引は {leg.count()} 件"
                    f"（不足 {len(known - found)}、余分 {len(found - known)}）。公開していません。",
                    REBUILD_HINT,
                )

    def close(self) -> None:
        """Let go of every file; a second call does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        for store in (self.catalog, self.vectors, self.lexical):
            store.close()
        with _open_folders_lock:
            _open_folders[self.folder] -= 1


def write_snapshot_wording(folder: Path, wording: Wording) -> None:
    """Write the wording into a snapshot that is being built: it goes with the words, and a rollback brings it back."""
    text = json.dumps(wording.to_dict(), ensure_ascii=False, indent=0)
    (folder / WORDING).write_text(text + "\n", encoding="utf-8")


def read_snapshot_wording(folder: Path) -> Wording:
    """Read the wording of a snapshot, none of one that was built before there was any. Raises IndexMismatchError when broken."""
    if not (folder / WORDING).exists():
        return Wording()
    try:
        return Wording.from_dict(json.loads((folder / WORDING).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"索引 {folder.name} の用語の表（{WORDING}）を読めません（{error}）。"
        raise IndexMismatchError(message, REBUILD_HINT) from error


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback did: the snapshot that was current, and the one that is now."""

    left: str
    restored: str


class SnapshotStore:
    """The snapshots of one index folder. Everything but reading needs the writer's lock."""

    def __init__(self, index_dir: Path) -> None:
        self.index_dir = index_dir
        self._snapshots = index_dir / SNAPSHOTS

    def current_id(self) -> str | None:
        """Return the id of the published snapshot, None before the first one."""
        try:
            return (self.index_dir / CURRENT_FILE).read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def folder(self, snapshot_id: str) -> Path:
        """Return the folder of a snapshot."""
        return self._snapshots / snapshot_id

    def snapshot_ids(self) -> list[str]:
        """Return the ids of all complete snapshots, oldest first."""
        if not self._snapshots.is_dir():
            return []
        return sorted(p.name for p in self._snapshots.iterdir() if p.is_dir() and not p.name.startswith("."))

    def manifest(self, snapshot_id: str | None = None) -> Manifest:
        """Return the manifest of a snapshot, the current one when None. Raises IndexMissingError before the first one."""
        return Manifest.read(self.folder(snapshot_id or self._require_current()))

    def open_current(self, embedder_fingerprint: str | None = None) -> Snapshot:
        """Open the published snapshot, to be closed by the caller.

        Raises IndexMissingError when nothing was indexed yet, and IndexMismatchError when it was built in another format, with
        another tokenizer, or with another embedder than the given one.
        """
        folder = self.folder(self._require_current())
        manifest = Manifest.read(folder)
        manifest.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=embedder_fingerprint)
        return Snapshot.open(folder)

    def new_partial(self) -> Path:
        """Create the folder of a snapshot to be built: `.<id>.partial`, with an id after all others."""
        self._snapshots.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        newest = max(self.snapshot_ids(), default="")
        partial = self._snapshots / f".{now if now > newest else newest + '+'}{_PARTIAL}"  # the clock went back
        partial.mkdir()
        return partial

    def publish(self, partial: Path) -> str:
        """Make a finished partial the current snapshot, durably: at every instant CURRENT names a whole one."""
        sync_tree(partial)
        snapshot_id = partial_id(partial)
        partial.rename(self.folder(snapshot_id))
        sync_folder(self._snapshots)
        self._set_current(snapshot_id)
        return snapshot_id

    def rollback(self, to: str | None = None) -> Rollback:
        """Make a snapshot current again, None: the one that was published before the current one; say which. Delete nothing.

        The next run of `sync` builds with the embedder of that snapshot. Raises IndexMissingError where there is no such snapshot,
        IndexMismatchError where this program cannot search it: what answers now stays.
        """
        current = self._require_current()
        wanted = to or self.manifest(current).parent
        if wanted is None or wanted not in self.snapshot_ids():
            missing = f"索引 {to} は残っていません。" if to else f"現在の索引 {current} より前の索引は残っていません。"
            raise IndexMissingError(missing, "文書を直してから `rag index` を実行してください。")
        restored = Manifest.read(self.folder(wanted))
        restored.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=None)
        self._set_current(wanted)
        AdaptedModels(self.index_dir).follow(restored.recipe.embedder_fingerprint)
        return Rollback(left=current, restored=wanted)

    def prune(self, keep: int) -> list[str]:
        """Delete all but the current snapshot, the `keep` before it, and those open in this process; return the deleted ids."""
        kept = self._lineage(keep + 1)
        gone = []
        for snapshot_id in self.snapshot_ids():
            if snapshot_id not in kept and not _is_open(self.folder(snapshot_id)) and self._delete(snapshot_id):
                gone.append(snapshot_id)
        return gone

    def clean_partials(self) -> None:
        """Delete what killed runs left behind."""
        for pattern in (f".*{_PARTIAL}", f".*{_TRASH}"):
            for folder in self._snapshots.glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)
        (self.index_dir / f"{CURRENT_FILE}.tmp").unlink(missing_ok=True)

    def _delete(self, snapshot_id: str) -> bool:
        trash = self._snapshots / f".{snapshot_id}{_TRASH}"
        try:
            self.folder(snapshot_id).rename(trash)  # so that a run killed here leaves no half snapshot
        except OSError:  # Windows: another process reads it; the next run tries again
            return False
        shutil.rmtree(trash, ignore_errors=True)
        return True

    def _lineage(self, length: int) -> set[str]:
        """Return the current snapshot and those before it."""
        line: list[str] = []
        next_id = self.current_id()
        while next_id and len(line) < length and next_id in self.snapshot_ids():
            line.append(next_id)
            try:
                next_id = self.manifest(next_id).parent
            except IndexMismatchError:  # written in an older format: what came before it is of no use to this program
                break
        return set(line)

    def _require_current(self) -> str:
        current = self.current_id()
        if current is None or not self.folder(current).is_dir():
            raise IndexMissingError(
                f"索引がまだありません: {self.index_dir}",
                "`rag index` を実行して、文書フォルダーから索引を作ってください。",
            )
        return current

    def _set_current(self, snapshot_id: str) -> None:
        replace_text(self.index_dir / CURRENT_FILE, snapshot_id)


def partial_id(partial: Path) -> str:
    """Return the id that a partial will be published under.

    >>> partial_id(Path("snapshots/.20260401T000000000000Z.partial"))
    '20260401T000000000000Z'
    """
    return partial.name.removeprefix(".").removesuffix(_PARTIAL)


class _Held:
    """An open snapshot and the number of questions that use it; `retired` when a newer one took its place."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot, self.users, self.retired = snapshot, 0, False

    def close(self) -> None:
        """Close the snapshot, and give its memory back to the system; glibc would keep some of it at every reindexing."""
        self.snapshot.close()
        gc.collect()
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):  # another C library
                ctypes.CDLL("libc.so.6").malloc_trim(0)


class SnapshotReader:
    """Hand the current snapshot to questions; after a publication the next question gets the new one, and none is dropped."""

    _ATTEMPTS = 5  # a snapshot can be pruned between reading CURRENT and opening it

    def __init__(self, store: SnapshotStore, embedder_fingerprint: str | None = None) -> None:
        self._store, self._fingerprint = store, embedder_fingerprint
        self._lock = threading.Lock()
        self._held: _Held | None = None

    @contextmanager
    def use(self) -> Iterator[Snapshot]:
        """Lend the current snapshot for one question. Raises what `SnapshotStore.open_current` raises."""
        with self._lock:
            held, retired = self._refresh()
            held.users += 1
        if retired is not None:
            retired.close()
        try:
            yield held.snapshot
        finally:
            self._give_back(held)

    def close(self) -> None:
        """Close the snapshot as soon as nobody uses it."""
        with self._lock:
            idle = self._retire()
        if idle is not None:
            idle.close()

    def _refresh(self) -> tuple[_Held, _Held | None]:
        """Return the held current snapshot, and the one it replaced if that is idle and to be closed."""
        if self._held is not None and self._held.snapshot.id == self._store.current_id():
            return self._held, None
        opened = _Held(self._open())
        retired = self._retire()
        self._held = opened
        return opened, retired

    def _open(self) -> Snapshot:
        for _ in range(self._ATTEMPTS - 1):
            current = self._store.current_id()
            try:
                return self._store.open_current(self._fingerprint)
            except Exception:  # each store has its own error for a folder that vanishes under it
                if current == self._store.current_id():
                    raise
        return self._store.open_current(self._fingerprint)

    def _retire(self) -> _Held | None:
        held, self._held = self._held, None
        if held is None:
            return None
        held.retired = True
        return held if held.users == 0 else None

    def _give_back(self, held: _Held) -> None:
        with self._lock:
            held.users -= 1
            is_last = held.retired and held.users == 0
        if is_last:
            held.close()


def _is_open(folder: Path) -> bool:
    with _open_folders_lock:
        return _open_folders[folder.resolve()] > 0
