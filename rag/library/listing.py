"""Every document that the corpus or the index holds, side by side: what it is, how well it is read, what is wrong, what is to be done."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from rag.documents import Metadata, Problem
from rag.errors import IndexMismatchError, IndexMissingError, LibraryError, ReadingError
from rag.indexing.catalog import Catalog, CatalogEntry
from rag.indexing.lexical import tokenizer_version
from rag.indexing.originals import hash_file, hash_member
from rag.indexing.pipeline import CorpusFile, metadata_hash
from rag.indexing.plan import ListedFile, Plan, build_plan, list_kept
from rag.indexing.readability import Readability, list_readability
from rag.indexing.snapshot import CATALOG, SnapshotStore
from rag.library.names import TABLES
from rag.reading.listing import Listing
from rag.reading.metadata import FIELDS, resolve_metadata
from rag.reading.options import ReadingOptions
from rag.reading.registry import list_corpus
from rag.settings import Settings

_REMEMBERED = 200_000  # hashes of files that have not changed since they were last looked at


class State(StrEnum):
    """How a document of the corpus stands to the index."""

    INDEXED = "indexed"
    CHANGED = "changed"
    NEW = "new"
    REMOVED = "removed"
    UNREADABLE = "unreadable"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _STATE_LABELS[self]


_STATE_LABELS = {
    State.INDEXED: "索引済み",
    State.CHANGED: "変更あり（取り込み待ち）",
    State.NEW: "新規（取り込み待ち）",
    State.REMOVED: "削除済み（取り込み待ち）",
    State.UNREADABLE: "読めない",
}


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document. metadata: what metadata.csv says now, over what was found when it was indexed.

    pages, answerable: pages with something on them, and those of them that questions can be answered from; 0 before it is indexed.
    indexed_at: ISO 8601, None before it is indexed; sha256: of the bytes that were indexed. archive: the ZIP it is in.
    """

    source: str
    metadata: Metadata
    state: State
    pages: int = 0
    answerable: int = 0
    problems: tuple[Problem, ...] = ()
    indexed_at: str | None = None
    sha256: str | None = None
    archive: str | None = None

    @property
    def title(self) -> str:
        """The title that people see."""
        return self.metadata.title

    @property
    def usable_share(self) -> float | None:
        """The share of the pages that questions can be answered from; None where nothing is known of them."""
        return self.answerable / self.pages if self.pages else None

    def is_stale(self, today: date) -> bool:
        """Tell whether the day by which it was to be looked at again has gone by."""
        return self.metadata.review_by is not None and self.metadata.review_by < today


@dataclass(frozen=True, slots=True)
class StaleDocuments:
    """The documents of a department (None: of nobody) that were to be looked at again before today, the oldest promise first."""

    department: str | None
    rows: tuple[DocumentRow, ...]


def list_documents(settings: Settings) -> tuple[DocumentRow, ...]:
    """Return every document of the corpus and of the index, by source; before the first index run, those of the corpus.

    What was looked at before is read again only where its size or time has changed. Raises LibraryError where the corpus cannot be
    listed.
    """
    listing, indexed = _list(settings), _read_indexed(settings)
    files = [_look_at(listing, file) for file in listing.files]
    files += list_kept(listing, indexed.entries)
    plan = build_plan(files, indexed.entries)
    said: dict[str, list[Problem]] = defaultdict(list)
    for problem in listing.problems:
        said[problem.source].append(problem)
    for listed in files:
        if listed.problem is not None:
            said[listed.file.source].append(listed.problem)
    present = {listed.file.source for listed in files}
    refused = {source for source in said if source not in present and source not in TABLES}
    rows = [_build_row(source, plan, listing, indexed, said[source]) for source in sorted({*present, *indexed.entries})]
    rows += [_refused_row(source, said[source]) for source in refused if source not in indexed.entries]
    return tuple(sorted(rows, key=lambda row: row.source))


def list_table_problems(settings: Settings) -> tuple[Problem, ...]:
    """Return what is wrong in metadata.csv, synonyms.csv and dictionary.csv as they are now, by row."""
    return tuple(problem for problem in _list(settings).problems if problem.source in TABLES)


def list_stale(rows: Iterable[DocumentRow], today: date) -> tuple[StaleDocuments, ...]:
    """Return the documents whose day of review has gone by, for each department by name, those of nobody last."""
    found: dict[str | None, list[DocumentRow]] = defaultdict(list)
    for row in rows:
        if row.is_stale(today) and row.state is not State.REMOVED:
            found[row.metadata.department].append(row)
    departments = sorted(found, key=lambda name: (name is None, name or ""))
    return tuple(StaleDocuments(name, tuple(sorted(found[name], key=_by_promise))) for name in departments)


def _by_promise(row: DocumentRow) -> tuple[date, str]:
    return row.metadata.review_by or date.max, row.source


@dataclass(frozen=True, slots=True)
class _Indexed:
    """What the published snapshot holds."""

    entries: Mapping[str, CatalogEntry]
    readability: Mapping[str, Readability]
    problems: Mapping[str, Sequence[Problem]]


def _read_indexed(settings: Settings) -> _Indexed:
    """Return what is indexed; nothing before the first run, or of an index in a format that is built anew by the next one."""
    store = SnapshotStore(settings.index)
    try:
        manifest = store.manifest()
        manifest.check_readable(tokenizer_version=tokenizer_version(), embedder_fingerprint=None)
    except (IndexMissingError, IndexMismatchError):
        return _Indexed({}, {}, {})
    with closing(Catalog(store.folder(manifest.id) / CATALOG)) as catalog:
        problems: dict[str, list[Problem]] = defaultdict(list)
        corpus_wide = set(catalog.corpus_problems())
        for problem in catalog.problems():
            if problem not in corpus_wide:
                problems[problem.source].append(problem)
        entries = {entry.source: entry for entry in catalog.entries()}
        return _Indexed(entries, {file.source: file for file in list_readability(catalog)}, problems)


def _list(settings: Settings) -> Listing:
    try:
        return list_corpus(settings.corpus, options=ReadingOptions.from_settings(settings))
    except ReadingError as error:
        raise LibraryError(error.message, error.hint) from error


def _look_at(listing: Listing, file: CorpusFile) -> ListedFile:
    said = metadata_hash(listing, file.source)
    try:
        status = file.path.stat()
        sha256 = _hash_once(file, status.st_size, status.st_mtime_ns)  # type: ignore[arg-type]  # it is hashable: frozen
    except OSError as error:
        message = f"ファイルを開けません: {file.source}（{error.strerror or error}）"
        problem = Problem(file.source, "inaccessible", message, "ほかの人が開いていないか確かめてください。")
        return ListedFile(file, said, None, problem=problem)
    except ReadingError as error:
        return ListedFile(file, said, None, problem=Problem(file.source, error.code, error.message, error.hint))
    return ListedFile(file, said, sha256, status.st_size)


@functools.lru_cache(maxsize=_REMEMBERED)
def _hash_once(file: CorpusFile, size: int, modified_ns: int) -> str:
    return hash_file(file.path) if file.member is None else hash_member(file)


def _build_row(source: str, plan: Plan, listing: Listing, indexed: _Indexed, said: Sequence[Problem]) -> DocumentRow:
    entry, read = indexed.entries.get(source), indexed.readability.get(source)
    problems = (*indexed.problems.get(source, ()), *said)
    return DocumentRow(
        source=source,
        metadata=_describe(source, entry, listing),
        state=_find_state(source, entry, plan),
        pages=read.pages if read else 0,
        answerable=read.answerable if read else 0,
        problems=tuple(dict.fromkeys(problems)),
        indexed_at=(entry.indexed_at or None) if entry else None,
        sha256=entry.sha256 if entry else None,
        archive=_find_archive(source),
    )


def _find_state(source: str, entry: CatalogEntry | None, plan: Plan) -> State:
    if source in plan.to_remove:
        return State.REMOVED
    if entry is None:
        return State.NEW if source in plan.to_read else State.UNREADABLE
    if source in plan.to_read:
        return State.CHANGED
    return State.INDEXED if entry.readable else State.UNREADABLE


def _describe(source: str, entry: CatalogEntry | None, listing: Listing) -> Metadata:
    """Return the metadata as people expect them after an edit: the new cells at once, what the file itself says as it was indexed."""
    row = listing.metadata.get(source)
    if entry is None or not entry.readable:
        return resolve_metadata(source, title=None, kind=None, row=row)
    said: dict[str, Any] = {f: value for f in FIELDS.values() if (value := getattr(row, f, None)) not in (None, ())}
    only_declared = {"audience": (), "work": None, "review_by": None, "extension": None}
    return replace(entry.metadata, **(only_declared | said))


def _refused_row(source: str, problems: Sequence[Problem]) -> DocumentRow:
    title = PurePosixPath(source).name
    return DocumentRow(
        source, Metadata(title), State.UNREADABLE, problems=tuple(problems), archive=_find_archive(source)
    )


def _find_archive(source: str) -> str | None:
    """Return the archive that a document is in.

    >>> _find_archive("税務課/様式.zip/申請書.docx"), _find_archive("税務課/様式.docx")
    ('税務課/様式.zip', None)
    """
    parents = [str(parent) for parent in PurePosixPath(source).parents if parent.suffix.lower() == ".zip"]
    return parents[-1] if parents else None
