"""The catalog: SQLite, the one source of truth for documents, pages, chunks and problems of a snapshot.

CatalogWriter   one transaction, while a snapshot is built aside
Catalog         reading, from any thread, of a snapshot that no longer changes
"""

from __future__ import annotations

import functools
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rag.documents import (
    Asker,
    Chunk,
    ChunkKind,
    Concern,
    Document,
    Kind,
    Locator,
    Metadata,
    Page,
    Problem,
    Quality,
    Segment,
    Span,
    WordBox,
)
from rag.indexing.editions import Family, Member, link_editions
from rag.indexing.limits import audience_key, department_key

_SCHEMA = """
CREATE TABLE documents (
    source TEXT PRIMARY KEY, sha256 TEXT NOT NULL, file TEXT NOT NULL, metadata_hash TEXT NOT NULL,
    readable INTEGER NOT NULL, indexed_at TEXT NOT NULL, title TEXT, kind TEXT, department TEXT, extension TEXT, year INTEGER,
    effective_date TEXT, audience TEXT, edition TEXT, work TEXT, review_by TEXT
) WITHOUT ROWID;
CREATE TABLE editions (
    source TEXT PRIMARY KEY, family TEXT NOT NULL, by_year INTEGER NOT NULL, rank INTEGER NOT NULL, is_draft INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE pages (
    source TEXT NOT NULL, number INTEGER NOT NULL, label TEXT, quality TEXT NOT NULL, word_boxes TEXT,
    PRIMARY KEY (source, number)
) WITHOUT ROWID;
CREATE TABLE page_texts (
    source TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (source, number, part)
) WITHOUT ROWID;
CREATE TABLE chunks (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    title TEXT NOT NULL, headings TEXT NOT NULL, segments TEXT NOT NULL, question TEXT, answer TEXT, context INTEGER NOT NULL
);
CREATE INDEX chunks_by_source ON chunks (source, ordinal);
CREATE TABLE problems (
    source TEXT NOT NULL, corpus_wide INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, remedy TEXT NOT NULL,
    page INTEGER, row INTEGER
);
CREATE INDEX problems_by_source ON problems (source);
CREATE TABLE characters (source TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (source, kind)) WITHOUT ROWID;
"""
_OF_ONE_SOURCE = ("documents", "pages", "page_texts", "chunks", "problems", "characters")
_METADATA_KEPT = 1 << 10
_PART_CHARS = (
    4_000  # of the text of a page in one row: a table of a million characters is one page, and a quote is a line of it
)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One file of the corpus. file: its name in the `files` folder. readable: False for one that only has problems.

    indexed_at: when it was last read, as ISO 8601.
    """

    source: str
    sha256: str
    file: str
    metadata_hash: str
    readable: bool
    metadata: Metadata
    indexed_at: str = ""


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How much is in a catalog. documents: files that were read; unreadable: those that were not."""

    documents: int
    unreadable: int
    pages: int
    chunks: int
    problems: int


class CatalogWriter:
    """Write the catalog of a snapshot that nobody reads yet; nothing is kept before `commit`."""

    def __init__(self, file: Path) -> None:
        is_new = not file.exists()
        self._connection = sqlite3.connect(file, isolation_level=None)
        # The file is synced to disk as a whole when its snapshot is published.
        self._connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")
        if is_new:
            self._connection.executescript(_SCHEMA)
        self._connection.execute("BEGIN")

    def add_document(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        *,
        file: str = "",
        metadata_hash: str = "",
        indexed_at: str = "",
    ) -> None:
        """Write a document that was read, replacing what is there of its source."""
        self.remove_document(document.source)
        self._insert("documents", [_document_row(document, file, metadata_hash, indexed_at)])
        self._insert("pages", [_page_row(document.source, page) for page in document.pages])
        self._insert("page_texts", [row for page in document.pages for row in _text_rows(document.source, page)])
        self._insert("chunks", [_chunk_row(chunk) for chunk in chunks])
        self._insert("problems", [_problem_row(problem, document.source) for problem in document.problems])
        counts = _count_characters(document)
        self._insert("characters", [(document.source, kind, count) for kind, count in sorted(counts.items())])

    def add_unreadable(
        self,
        source: str,
        problem: Problem,
        *,
        sha256: str,
        file: str = "",
        metadata_hash: str = "",
        indexed_at: str = "",
    ) -> None:
        """Write a file that could not be read, with the problem that says why."""
        self.remove_document(source)
        empty = (None,) * len(_METADATA_COLUMNS)
        self._insert("documents", [(source, sha256, file, metadata_hash, 0, indexed_at, *empty)])
        self._insert("problems", [_problem_row(problem, source)])

    def remove_document(self, source: str) -> list[str]:
        """Remove everything of a source; return the ids of the chunks that it had."""
        rows = self._connection.execute("SELECT id FROM chunks WHERE source = ?", [source]).fetchall()
        for table in _OF_ONE_SOURCE:
            self._connection.execute(f"DELETE FROM {table} WHERE source = ?", [source])
        return [id_ for (id_,) in rows]

    def replace_corpus_problems(self, problems: Sequence[Problem]) -> None:
        """Write the problems that belong to the corpus, not to a document in the catalog."""
        self._connection.execute("DELETE FROM problems WHERE corpus_wide = 1")
        self._insert("problems", [_problem_row(problem, None) for problem in problems])

    def replace_editions(self) -> None:
        """Link the documents that are editions of one text: one that came or went changes what others are."""
        self._connection.execute("DELETE FROM editions")
        rows = self._connection.execute(
            f"SELECT source, {', '.join(_METADATA_COLUMNS)} FROM documents WHERE readable = 1"
        )
        families = link_editions((row[0], _to_metadata(row[1:])) for row in rows.fetchall())
        found = [(family, member) for family in families for member in family.members]
        self._insert("editions", [(m.source, f.name, f.by_year, m.rank, m.is_draft) for f, m in found])

    def commit(self) -> None:
        """Keep what was written and let go of the file."""
        self._connection.execute("COMMIT")
        self._connection.execute("ANALYZE")
        self._connection.close()

    def close(self) -> None:
        """Let go of the file; what was not committed is lost."""
        self._connection.close()

    def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


class Catalog:
    """Read the catalog of a published snapshot. Thread-safe: each question borrows a connection."""

    def __init__(self, file: Path) -> None:
        self._uri = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._families: dict[str, Family] | None = None
        with self._connect() as connection:
            connection.execute("SELECT 1 FROM documents LIMIT 1")

    def chunks(self, ids: Collection[str]) -> dict[str, tuple[Chunk, Metadata]]:
        """Return the chunks that are there, with the metadata of their documents, in the order of `ids`."""
        query = (
            f"SELECT c.{', c.'.join(_CHUNK_COLUMNS)}, d.{', d.'.join(_METADATA_COLUMNS)} "
            "FROM chunks c JOIN documents d ON d.source = c.source WHERE c.id IN (SELECT value FROM json_each(?))"
        )
        width = len(_CHUNK_COLUMNS)
        rows = self._select(query, json.dumps(list(ids)))
        found = {row[0]: (_to_chunk(row[:width]), _to_metadata(row[width:])) for row in rows}
        return {id_: found[id_] for id_ in ids if id_ in found}

    def chunks_of(self, source: str) -> list[Chunk]:
        """Return the chunks of a document, in order."""
        query = f"SELECT {', '.join(_CHUNK_COLUMNS)} FROM chunks WHERE source = ? ORDER BY ordinal"
        return [_to_chunk(row) for row in self._select(query, source)]

    def neighbours(self, ids: Collection[str], reach: int = 1) -> dict[str, list[Chunk]]:
        """Return, for each chunk that is there, the chunks of its document at most `reach` places away, in order, with itself."""
        query = (
            f"SELECT k.id, c.{', c.'.join(_CHUNK_COLUMNS)} FROM chunks k JOIN chunks c ON c.source = k.source"
            " AND c.ordinal BETWEEN k.ordinal - ? AND k.ordinal + ?"
            " WHERE k.id IN (SELECT value FROM json_each(?)) ORDER BY c.ordinal"
        )
        found: dict[str, list[Chunk]] = {}
        for of, *row in self._select(query, reach, reach, json.dumps(list(ids))):
            found.setdefault(of, []).append(_to_chunk(row))
        return found

    def chunk_ids(self) -> set[str]:
        """Return the ids of all chunks."""
        return {id_ for (id_,) in self._select("SELECT id FROM chunks")}

    def page_text(self, source: str, number: int) -> str:
        """Return the text of a page. Raises KeyError where there is no such page."""
        parts = self._select(f"{_SELECT_PARTS} ORDER BY part", source, number)
        if not parts:
            raise KeyError((source, number))
        return "".join(text for (text,) in parts)

    def read_span(self, source: str, page: int, start: int, end: int) -> str:
        """Return characters [start, end) of a page. Raises KeyError where there is no such page."""
        first, last = start // _PART_CHARS, max(start, end - 1) // _PART_CHARS
        parts = self._select(f"{_SELECT_PARTS} AND part BETWEEN ? AND ? ORDER BY part", source, page, first, last)
        if not parts:  # no such page, or a span that begins after its end
            return self.page_text(source, page)[start:end]
        text = "".join(text for (text,) in parts)
        return text[start - first * _PART_CHARS : max(0, end - first * _PART_CHARS)]

    def pages(self, source: str) -> list[Page]:
        """Return the pages of a document, in order; blocks are not kept and stay empty."""
        parts: dict[int, list[str]] = {}
        rows = self._select("SELECT number, text FROM page_texts WHERE source = ? ORDER BY number, part", source)
        for number, text in rows:
            parts.setdefault(number, []).append(text)
        query = "SELECT number, label, quality FROM pages WHERE source = ? ORDER BY number"
        return [
            Page(number=number, text="".join(parts[number]), blocks=(), quality=_to_quality(quality), label=label)
            for number, label, quality in self._select(query, source)
        ]

    def page_quality(self, source: str, number: int) -> Quality:
        """Return what was understood of a page. Raises KeyError where there is no such page."""
        return _to_quality(self._one_text("SELECT quality FROM pages WHERE source = ? AND number = ?", source, number))

    def count_answerable_pages(self) -> list[tuple[str, int, int, int]]:
        """Return (source, pages with something but contents on them, answerable ones, pages read by OCR) by source; see `Quality`."""
        doubts = [Concern.WAITING_OCR, Concern.OCR_FAILED, Concern.GARBLED]
        doubtful = " OR ".join(f"instr(quality, '\"{concern}\"')" for concern in doubts)
        query = (
            "SELECT source, sum((characters > 0 AND (searchable > 0 OR contents = 0)) OR concerns <> '[]'),"
            " sum(searchable > 0 AND NOT doubtful), sum(ocr IS NOT NULL)"
            " FROM (SELECT source, json_extract(quality, '$.characters') AS characters,"
            " json_extract(quality, '$.searchable') AS searchable, json_extract(quality, '$.concerns') AS concerns,"
            " ifnull(json_extract(quality, '$.contents'), 0) AS contents,"
            f" json_extract(quality, '$.ocr_confidence') AS ocr, ({doubtful}) AS doubtful FROM pages)"
            " GROUP BY source ORDER BY source"
        )
        return [(source, pages, answerable, ocr) for source, pages, answerable, ocr in self._select(query)]

    def pages_with_concerns(self) -> list[tuple[str, int, str | None, Quality]]:
        """Return (source, number, label, quality) of the pages that a person should look at."""
        query = (
            "SELECT source, number, label, quality FROM pages WHERE json_extract(quality, '$.concerns') <> '[]'"
            " ORDER BY source, number"
        )
        return [(source, number, label, _to_quality(text)) for source, number, label, text in self._select(query)]

    def word_boxes(self, source: str, number: int) -> list[WordBox]:
        """Return where the words of a page stand that was read by OCR; nothing for any other page."""
        query = "SELECT word_boxes FROM pages WHERE source = ? AND number = ? AND word_boxes IS NOT NULL"
        return [WordBox(*box) for (boxes,) in self._select(query, source, number) for box in json.loads(boxes)]

    def documents(self) -> list[CatalogEntry]:
        """Return the documents that were read, by source."""
        return [entry for entry in self.entries() if entry.readable]

    def entries(self) -> list[CatalogEntry]:
        """Return every file, also those that could not be read, by source."""
        return [_to_entry(row) for row in self._select(f"{_SELECT_ENTRY} ORDER BY source")]

    def document(self, source: str) -> CatalogEntry | None:
        """Return one file, None where it is not known."""
        rows = self._select(f"{_SELECT_ENTRY} WHERE source = ?", source)
        return _to_entry(rows[0]) if rows else None

    def problems(self, source: str | None = None) -> list[Problem]:
        """Return what an administrator should know, of all files or of one."""
        query = "SELECT source, code, message, remedy, page, row FROM problems WHERE ? IS NULL OR source = ? ORDER BY source, page, row, rowid"
        return [Problem(*row) for row in self._select(query, source, source)]

    def corpus_problems(self) -> list[Problem]:
        """Return the problems that belong to the corpus, in the order in which they were written."""
        query = "SELECT source, code, message, remedy, page, row FROM problems WHERE corpus_wide = 1 ORDER BY rowid"
        return [Problem(*row) for row in self._select(query)]

    def characters(self, source: str | None = None) -> dict[str, int]:
        """Return the number of characters in blocks of each kind, for the coverage report."""
        query = "SELECT kind, sum(count) FROM characters WHERE ? IS NULL OR source = ? GROUP BY kind ORDER BY kind"
        return dict(self._select(query, source, source))

    def page_counts(self) -> dict[str, int]:
        """Return source -> number of pages."""
        return dict(self._select("SELECT source, count(*) FROM pages GROUP BY source"))

    def sample_questions(self, limit: int) -> list[str]:
        """Return questions of Q&A documents open to all staff: the first of each heading in turn, spread over documents."""
        rows = self._select(
            "SELECT text, question FROM (SELECT c.text, c.question, c.source, row_number() OVER"
            " (PARTITION BY c.source, c.headings ORDER BY c.ordinal) AS place, min(c.ordinal) OVER (PARTITION BY c.source, c.headings) AS first"
            " FROM chunks AS c JOIN documents AS d USING (source) WHERE c.question IS NOT NULL AND d.audience = '[]')"
            " ORDER BY place, first, source LIMIT ?",
            limit,
        )
        return [text[slice(*json.loads(span))] for text, span in rows]

    def readable_audiences(self, asker: Asker) -> list[str] | None:
        """Return the audience keys that the asker may read, for the search legs; None when that is all of them."""
        rows = self._select("SELECT DISTINCT audience FROM documents WHERE readable = 1")
        audiences = [tuple(json.loads(value)) for (value,) in rows]
        allowed = [audience_key(audience) for audience in audiences if asker.may_read(audience)]
        return None if len(allowed) == len(audiences) else sorted(set(allowed))

    def departments(self, asker: Asker) -> list[str]:
        """Return the departments that have documents which the asker may read, by name; one spelling of each."""
        rows = self._select(
            "SELECT DISTINCT department, audience FROM documents WHERE readable = 1 AND department <> '' ORDER BY department"
        )
        names = (name for name, audience in rows if asker.may_read(tuple(json.loads(audience))))
        return sorted({department_key(name): name for name in names}.values())

    def families(self) -> tuple[Family, ...]:
        """Return the documents that are editions of one text, each family the older first."""
        return tuple({family.name: family for family in self.families_by_source().values()}.values())

    def families_by_source(self) -> Mapping[str, Family]:
        """Return source -> family, of the documents that are editions of one text; read once, as a snapshot never changes."""
        if self._families is None:
            self._families = self._read_families()
        return self._families

    def _read_families(self) -> dict[str, Family]:
        rows = self._select(
            f"SELECT e.family, e.by_year, e.rank, e.is_draft, d.source, d.{', d.'.join(_METADATA_COLUMNS)}"
            " FROM editions e JOIN documents d USING (source) ORDER BY e.family, e.rank, e.source"
        )
        members: dict[tuple[str, bool], list[Member]] = {}
        for family, by_year, rank, draft, source, *metadata in rows:
            member = Member(source, _to_metadata(tuple(metadata)), rank, bool(draft))
            members.setdefault((family, bool(by_year)), []).append(member)
        families = (Family(*key, tuple(found)) for key, found in members.items())
        return {member.source: family for family in families for member in family.members}

    def sources_of(self, ids: Collection[str]) -> dict[str, str]:
        """Return chunk id -> source of the chunks that are there."""
        query = "SELECT id, source FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._select(query, json.dumps(list(ids))))

    def counts(self) -> CatalogCounts:
        """Return how much is in the catalog."""
        parts = ("documents WHERE readable = 1", "documents WHERE readable = 0", "pages", "chunks", "problems")
        row = self._select("SELECT " + ", ".join(f"(SELECT count(*) FROM {part})" for part in parts))[0]
        return CatalogCounts(*row)

    def close(self) -> None:
        """Let go of the file, once nobody reads."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        # A connection goes from thread to thread, but never serves two at once.
        connection = connection or sqlite3.connect(self._uri, uri=True, check_same_thread=False)
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._connect() as connection:
            return connection.execute(query, values).fetchall()

    def _one_text(self, query: str, *values: Any) -> str:
        rows = self._select(query, *values)
        if not rows:
            raise KeyError(values)
        return str(rows[0][0])


_METADATA_COLUMNS = (
    "title",
    "kind",
    "department",
    "extension",
    "year",
    "effective_date",
    "audience",
    "edition",
    "work",
    "review_by",
)
_CHUNK_COLUMNS = (
    "id",
    "source",
    "ordinal",
    "kind",
    "text",
    "title",
    "headings",
    "segments",
    "question",
    "answer",
    "context",
)
_SELECT_PARTS = "SELECT text FROM page_texts WHERE source = ? AND number = ?"
_SELECT_ENTRY = (
    f"SELECT source, sha256, file, metadata_hash, readable, indexed_at, {', '.join(_METADATA_COLUMNS)} FROM documents"
)


def _document_row(document: Document, file: str, metadata_hash: str, indexed_at: str) -> tuple[Any, ...]:
    m = document.metadata
    effective, review_by = (day.isoformat() if day else None for day in (m.effective_date, m.review_by))
    named = (m.title, str(m.kind), m.department, m.extension, m.year, effective)
    known = (*named, _to_json(m.audience), _to_json(m.edition), m.work, review_by)
    return (document.source, document.sha256, file, metadata_hash, 1, indexed_at, *known)


def _to_entry(row: tuple[Any, ...]) -> CatalogEntry:
    source, sha256, file, metadata_hash, readable, indexed_at = row[:6]
    metadata = _to_metadata(row[6:]) if readable else Metadata(title=source.rpartition("/")[2])
    return CatalogEntry(source, sha256, file, metadata_hash, bool(readable), metadata, indexed_at)


@functools.lru_cache(_METADATA_KEPT)
def _to_metadata(row: tuple[Any, ...]) -> Metadata:
    """Return the metadata of a row; the chunks of a question are of few documents."""
    title, kind, department, extension, year, effective, audience, edition, work, review = row
    effective_date, review_by = (date.fromisoformat(day) if day else None for day in (effective, review))
    lists = (tuple(json.loads(audience)), tuple(json.loads(edition)))
    return Metadata(title, Kind(kind), department, extension, year, effective_date, *lists, work, review_by)


def _page_row(source: str, page: Page) -> tuple[Any, ...]:
    boxes = _to_json([[*box[:2], *(round(value, 1) for value in box[2:])] for box in page.word_boxes])
    return (source, page.number, page.label, _to_json(asdict(page.quality)), boxes if page.word_boxes else None)


def _text_rows(source: str, page: Page) -> list[tuple[Any, ...]]:
    """Return the text of a page in parts; an empty text is one part."""
    starts = range(0, max(1, len(page.text)), _PART_CHARS)
    return [(source, page.number, part, page.text[at : at + _PART_CHARS]) for part, at in enumerate(starts)]


def _to_quality(text: str) -> Quality:
    values = json.loads(text)
    return Quality(**(values | {"concerns": tuple(map(Concern, values.get("concerns", ())))}))


def _chunk_row(chunk: Chunk) -> tuple[Any, ...]:
    segments = [[s.page, s.start, s.end, s.locator.as_dict(), s.heading] for s in chunk.segments]
    spans = [_to_json(span) if span else None for span in (chunk.question, chunk.answer)]
    texts = (str(chunk.kind), chunk.text, chunk.title, _to_json(chunk.headings), _to_json(segments))
    return (chunk.id, chunk.source, chunk.ordinal, *texts, *spans, chunk.context)


def _to_chunk(row: Sequence[Any]) -> Chunk:
    id_, source, ordinal, kind, text, title, headings, segments, question, answer, context = row
    return Chunk(
        id=id_,
        source=source,
        ordinal=ordinal,
        kind=ChunkKind(kind),
        text=text,
        title=title,
        headings=_to_headings(headings),
        segments=tuple(
            Segment(p, start, end, Locator.from_dict(place), heading)
            for p, start, end, place, heading in json.loads(segments)
        ),
        question=Span(*json.loads(question)) if question else None,
        answer=Span(*json.loads(answer)) if answer else None,
        context=context,
    )


@functools.lru_cache(_METADATA_KEPT)
def _to_headings(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _problem_row(problem: Problem, owner: str | None) -> tuple[Any, ...]:
    """A document's problem is kept under its own source, whatever the reader called it, so that it goes when that goes."""
    source, corpus_wide = (owner, 0) if owner is not None else (problem.source, 1)
    return (source, corpus_wide, problem.code, problem.message, problem.remedy, problem.page, problem.row)


def _count_characters(document: Document) -> Counter[str]:
    counts: Counter[str] = Counter()
    for page in document.pages:
        for block in page.blocks:
            counts[str(block.kind)] += block.end - block.start
    return counts


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
