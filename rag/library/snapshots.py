"""The snapshots that are kept, and going back to one of them."""

from __future__ import annotations

from dataclasses import dataclass

from rag.errors import IndexMismatchError, UsageError
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.lexical import tokenizer_version
from rag.indexing.lock import write_lock
from rag.indexing.snapshot import Rollback, SnapshotStore
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One kept snapshot. created_at: ISO 8601; embedder: its name; obstacle: why nobody can go back to it, None where one can.

    parent: the one that was published before it.
    """

    id: str
    created_at: str
    documents: int
    pages: int
    chunks: int
    embedder: str
    is_current: bool
    parent: str | None = None
    obstacle: str | None = None


def list_snapshots(settings: Settings) -> tuple[SnapshotRow, ...]:
    """Return the snapshots that are kept, the newest first; nothing before the first index run."""
    store = SnapshotStore(settings.index)
    current = store.current_id()
    return tuple(_describe(store, id_, is_current=id_ == current) for id_ in reversed(store.snapshot_ids()))


def rollback(settings: Settings, to: str | None = None) -> Rollback:
    """Let a kept snapshot answer again, None: the one published before the present one. Questions go on meanwhile.

    The corpus stays as it is: the next index run brings its changes in again. Raises IndexLockedError while another writes,
    IndexMissingError, IndexMismatchError where this program or its settings cannot search that snapshot, UsageError for the present one.
    """
    store = SnapshotStore(settings.index)
    present = store.manifest()  # refuses an index that is not there, before the lock makes its folder
    if to == present.id:
        raise UsageError(f"索引 {to} は、今使っている索引です。", "一覧から別の索引を選んでください。")
    with write_lock(settings.index):
        wanted = to or store.manifest().parent
        if wanted in store.snapshot_ids():
            manifest = store.manifest(wanted)
            manifest.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=None)
            EmbedderLibrary(settings).for_snapshot(manifest)
        return store.rollback(to)


def _describe(store: SnapshotStore, id_: str, *, is_current: bool) -> SnapshotRow:
    try:
        manifest = store.manifest(id_)
    except IndexMismatchError as error:
        return SnapshotRow(id_, "", 0, 0, 0, "", is_current, obstacle=error.message)
    obstacle = None
    try:
        manifest.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=None)
    except IndexMismatchError as error:
        obstacle = error.message
    counts = manifest.counts
    numbers = (counts.get("documents", 0), counts.get("pages", 0), counts.get("chunks", 0))
    name = manifest.recipe.embedder_name
    return SnapshotRow(id_, manifest.created_at, *numbers, name, is_current, manifest.parent, obstacle)
