"""Compare a corpus with what is indexed: which files are new, changed, renamed, gone or the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rag.documents import Problem
from rag.errors import ReadingError, RemovalGuardError
from rag.indexing.catalog import CatalogEntry
from rag.indexing.originals import hash_file, hash_member, inaccessible
from rag.indexing.pipeline import CorpusFile, Listing, metadata_hash
from rag.reading.unpacking import Member

_HASHING_THREADS = 4  # hashlib lets other threads run


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the corpus as it is now. sha256 None: it cannot be opened at the moment, so what is indexed of it stays.

    problem: why it cannot.
    """

    file: CorpusFile
    metadata_hash: str
    sha256: str | None
    size: int = 0
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do. renamed: (old source, new source); each other field: sources, sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Tell whether the corpus is what is indexed."""
        return not (self.added or self.changed or self.renamed or self.removed)

    @property
    def to_read(self) -> set[str]:
        """The sources to read."""
        return {*self.added, *self.changed, *(new for _, new in self.renamed)}

    @property
    def to_remove(self) -> list[str]:
        """The sources whose content goes."""
        return sorted({*self.removed, *(old for old, _ in self.renamed)})


def list_files(listing: Listing, progress: Callable[[int, int], None]) -> list[ListedFile]:
    """Hash every file of a corpus, in the order of its sources."""
    files = sorted(listing.files, key=lambda file: file.source)
    listed = []
    threads = ThreadPoolExecutor(_HASHING_THREADS)
    try:
        for done, result in enumerate(threads.map(_try_hash, files), start=1):
            file = files[done - 1]
            listed.append(ListedFile(file, metadata_hash(listing, file.source), *result))
            progress(done, len(files))
    finally:
        threads.shutdown(cancel_futures=True)  # a run that is stopped does not wait for files that nobody asks for
    return listed


def _try_hash(file: CorpusFile) -> tuple[str | None, int, Problem | None]:
    try:
        if file.member is not None:
            return hash_member(file), file.member.size, None
        return hash_file(file.path), file.path.stat().st_size, None
    except OSError as error:  # open in Excel on a share, or gone a moment ago
        return None, 0, _keep(file.source, inaccessible(file.source, error))
    except ReadingError as error:
        return None, 0, _keep(file.source, error)


def _keep(source: str, error: ReadingError) -> Problem:
    message = f"{error.message}。索引に前の内容があれば、そのまま残しています。"
    return Problem(source, error.code, message, error.hint)


def list_inaccessible(files: Sequence[ListedFile]) -> list[Problem]:
    """Return the problem of every file that cannot be opened at the moment."""
    return [listed.problem for listed in files if listed.problem is not None]


def list_kept(listing: Listing, indexed: Mapping[str, CatalogEntry]) -> list[ListedFile]:
    """Return what is indexed of folders and archives that cannot be looked into at the moment, as files that cannot be opened.

    A restricted document that metadata.csv does not name in full is left out: whoever cannot see where it is must not open it to all.
    """
    present = {file.source for file in listing.files}
    places = tuple(f"{place}/" for place in listing.inaccessible)
    return [
        ListedFile(_OutOfSight(source), metadata_hash(listing, source), None)
        for source, entry in sorted(indexed.items())
        if source not in present and source.startswith(places)
        if source in listing.metadata or not entry.metadata.audience
    ]


@dataclass(frozen=True, slots=True)
class _OutOfSight:
    """A file in a place that cannot be looked into."""

    source: str
    path: Path = Path()
    member: Member | None = None


def build_plan(
    files: Sequence[ListedFile], indexed: Mapping[str, CatalogEntry], *, again: Collection[str] = ()
) -> Plan:
    """Compare the files with what is indexed, by the bytes and by what metadata.csv says.

    again: sources that are read again although they are the same, for this machine can read more of them now.
    """
    present = {listed.file.source: listed for listed in files}
    added = [source for source in present if source not in indexed and present[source].sha256]
    removed = [source for source in indexed if source not in present]
    renamed = _match_renamed(removed, added, present, indexed)
    kept = [source for source in present if source in indexed]
    changed = {
        source
        for source in kept
        if _differs(present[source], indexed[source]) or (source in again and present[source].sha256)
    }
    moved_from, moved_to = {old for old, _ in renamed}, {new for _, new in renamed}
    return Plan(
        added=tuple(sorted(set(added) - moved_to)),
        changed=tuple(sorted(changed)),
        renamed=tuple(sorted(renamed)),
        removed=tuple(sorted(set(removed) - moved_from)),
        unchanged=tuple(sorted(set(kept) - changed)),
    )


def _differs(listed: ListedFile, entry: CatalogEntry) -> bool:
    if listed.sha256 is None:
        return False
    return (listed.sha256, listed.metadata_hash) != (entry.sha256, entry.metadata_hash)


def _match_renamed(
    removed: Sequence[str],
    added: Sequence[str],
    present: Mapping[str, ListedFile],
    indexed: Mapping[str, CatalogEntry],
) -> list[tuple[str, str]]:
    """Pair what is gone with what is new by the hash of the bytes, one to one."""
    gone: dict[str, list[str]] = defaultdict(list)
    for source in sorted(removed, reverse=True):
        gone[indexed[source].sha256].append(source)
    pairs = []
    for source in sorted(added):
        if candidates := gone.get(present[source].sha256 or ""):
            pairs.append((candidates.pop(), source))
    return pairs


def check_removal(plan: Plan, *, indexed: int, max_share: float) -> None:
    """Raise RemovalGuardError when more than that share of what is indexed would go."""
    if indexed and len(plan.removed) > max_share * indexed:
        raise RemovalGuardError(
            f"索引にある {indexed} 件のうち {len(plan.removed)} 件の文書がなくなっています"
            f"（{'、'.join(plan.removed[:3])}{' ほか' if len(plan.removed) > 3 else ''}）。何も変更していません。",
            "文書フォルダーが正しいか、共有フォルダーにつながっているかを確かめてください。"
            "本当に削除してよければ `rag index --allow-removal` を実行してください。",
        )
