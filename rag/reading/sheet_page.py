"""Records of cells -> one page: Q&A records as question and answer, other tables as rows with their header.

The cells stand in the page text word for word, so that every quote is: a row is one line of cells, a Q&A record is its question,
its answer and a line for each other cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rag.documents import CELL_SEPARATOR, Block, BlockKind, Locator, Page, Span
from rag.reading.plain import measure_quality
from rag.reading.qa_text import find_categories, write_extra_lines
from rag.reading.records import (
    Columns,
    Record,
    count_header_rows,
    count_notes,
    find_header,
    find_qa_columns,
    is_marked_note,
    is_section,
    is_title,
)
from rag.reading.regions import Region, split_regions

FORM_SEPARATOR = "　"
_DEFAULT_SHEET_NAME = re.compile(r"(?:sheet|シート)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SheetPage:
    """A page made of records: whether it is a Q&A table, how many of its rows held neither question nor answer, its title."""

    page: Page
    is_faq: bool
    skipped_rows: int
    title: str | None


@dataclass(frozen=True, slots=True)
class Outside:
    """What a sheet says outside its cells, and how they are read.

    notes: (row, text) of text boxes and comments. is_form: the records are lines of a form rather than rows of a table.
    """

    notes: tuple[tuple[int, str], ...] = ()
    headers: tuple[str, ...] = ()
    footers: tuple[str, ...] = ()
    is_form: bool = False


def build_sheet_page(
    records: Sequence[Record], *, number: int, sheet: str | None = None, outside: Outside = Outside()
) -> SheetPage:
    """Lay records out as one page, in their order; what stands outside the cells comes before and after them."""
    layout = _Layout(sheet)
    filled = [record for record in records if record.filled]
    regions = list(split_regions(filled))
    head = find_qa_columns(filled)
    layout.add_margin(BlockKind.HEADER, outside.headers)
    if outside.is_form:
        layout.add_lines(filled)
    elif head and all(len(region.tables) == 1 for region in regions):
        layout.add_qa_table(filled, *head)
    else:
        for region in regions:
            layout.add_region(region)
    layout.add_notes(outside.notes)
    layout.add_margin(BlockKind.FOOTER, outside.footers)
    text = layout.text
    page = Page(number, text, tuple(layout.blocks), measure_quality(text, tables=layout.tables))
    return SheetPage(page, layout.is_faq, layout.skipped_rows, layout.title)


@dataclass(slots=True)
class _Header:
    """The header records of a table, and where each of their cells stands in the page text."""

    records: list[Record] = field(default_factory=list)
    spans: list[dict[int, Span]] = field(default_factory=list)

    def cells_above(self, columns: Iterable[int]) -> tuple[Span, ...]:
        """Return the spans of the header cells above some columns in text order, neighbours as one.

        In a header of one record each but the first begins with the separator before it, so that they can be joined to a line.
        """
        wanted = list(columns)
        pairs = zip(self.records, self.spans, strict=True)
        found = sorted({spans[o] for r, spans in pairs for c in wanted if (o := r.origin(c)) in spans})
        is_line, joined = len(self.records) == 1, list[Span]()
        for number, span in enumerate(found):
            start = span.start - len(CELL_SEPARATOR) * (is_line and number > 0)
            if joined and span.start - joined[-1].end <= len(CELL_SEPARATOR):
                joined[-1] = Span(joined[-1].start, span.end)
            else:
                joined.append(Span(start, span.end))
        return tuple(span for span in joined if span.start < span.end)  # the empty corner alone

    def repeats(self, record: Record) -> bool:
        """Tell whether a record is the header once more, as on every printed page."""
        return any(record.cells == header.cells for header in self.records)


class _Layout:
    """A page in the making: its text in parts, and the blocks so far."""

    def __init__(self, sheet: str | None) -> None:
        self.blocks: list[Block] = []
        self.tables = 0
        self.skipped_rows = 0
        self.title: str | None = None
        self.is_faq = False
        self._sheet = sheet
        self._parts: list[str] = []
        self._length = 0
        self._base = (sheet,) if sheet and not _DEFAULT_SHEET_NAME.fullmatch(sheet) else ()
        self._path: tuple[str, ...] = self._base

    @property
    def text(self) -> str:
        """The page text so far."""
        return "".join(self._parts)

    def add_qa_table(self, records: Sequence[Record], place: int, columns: Columns) -> None:
        """Lay out a Q&A table whose header is the record at `place`."""
        self.is_faq = True
        self._add_preface(records[:place])
        header = records[place]
        self._add_header(header)
        above = section = self._path
        for record in records[place + 1 :]:
            self._path = section
            if record.cells == header.cells:
                self._add_header(record)
            elif record.cell(columns.question) or record.cell(columns.answer):
                self._path = (*section, *find_categories(record, columns, section))
                self._add_qa(record, header, columns)
            elif len(record.filled) == 1 and record.filled[0] in columns.categories:
                self._path = above
                self._add_heading(record)
                section = self._path
            else:
                self.skipped_rows += 1

    def add_region(self, region: Region) -> None:
        """Lay out tables that stand beside each other, below the titles that they share."""
        self._path = self._base
        self._add_preface(region.above)
        above = self._path
        for table in region.tables:
            self._path = above
            head = find_qa_columns(table)
            if head:
                self.add_qa_table(table, *head)
            else:
                self._add_table(table)

    def add_lines(self, records: Sequence[Record]) -> None:
        """Lay out the lines of a form; lone short ones at its beginning are titles."""
        place = next((i for i, record in enumerate(records) if not is_title(record)), len(records))
        self._add_preface(records[:place])
        for record in records[place:]:
            self._add_line(record)

    def add_notes(self, notes: Iterable[tuple[int, str]]) -> None:
        """Lay out text boxes and comments, below the rows."""
        self._path = self._base
        for row, text in notes:
            self._add_line(Record(row, (text,)))

    def add_margin(self, kind: BlockKind, texts: Iterable[str]) -> None:
        """Lay out the headers or footers of the printed sheet, which nobody searches."""
        for text in texts:
            start = self._length
            self._write(text)
            self._close(kind, start, None)

    def _add_table(self, records: Sequence[Record]) -> None:
        """Lay out one table with whatever stands above its header."""
        place = find_header(records)
        self._add_preface(records[: place or 0])
        header, rows = self._take_header(records, place)
        above = self._path
        tail = count_notes(rows) if header.records else 0
        for index, record in enumerate(rows):
            if header.repeats(record):
                self._add_header(record)
            elif is_section(record, header.records):
                self._path = above
                self._add_heading(record)
            elif index >= len(rows) - tail or (header.records and is_marked_note(record)):
                self._add_line(record)
            else:
                self._add_row(record, header)

    def _take_header(self, records: Sequence[Record], place: int | None) -> tuple[_Header, Sequence[Record]]:
        """Lay out the header, up to three rows of it; return it and the rows below."""
        header = _Header()
        if place is None:
            return header, records
        depth = count_header_rows(records[place:])
        rows = records[place + depth :]
        used = frozenset(column for row in rows for column in row.filled) if depth == 1 else frozenset()
        for record in records[place : place + depth]:
            above = {c for r in header.records for c in record.filled if r.cell(c) == record.cell(c)}
            header.spans.append(self._add_header(record, above=above, used=used))
            header.records.append(record)
        return header, rows

    def _add_preface(self, records: Sequence[Record]) -> None:
        for record in records:
            if is_title(record):
                self.title = self.title or record.cells[record.filled[0]]
                self._add_heading(record)
            else:
                self._add_row(record, _Header())

    def _add_heading(self, record: Record) -> None:
        text = record.cells[record.filled[0]]
        start = self._length
        self._write(text)
        self._close(BlockKind.HEADING, start, record, level=len(self._path) + 1)
        self._path = (*self._path, " ".join(text.split()))

    def _add_header(
        self, record: Record, *, above: Iterable[int] = (), used: frozenset[int] = frozenset()
    ) -> dict[int, Span]:
        """Lay out a header record without the cells that continue those above; return where its cells stand.

        used: columns with something below. An empty cell above one, as in the corner of a table, keeps its place.
        """
        start = self._length
        hidden, filled = set(above), _own_columns(record)
        empty = {c for c in used if c < max(filled, default=0) and not record.cell(c) and record.origin(c) == c}
        spans = self._write_cells(record, sorted({c for c in filled if c not in hidden} | empty))
        self._close(BlockKind.TABLE_HEADER, start, record)
        self.tables += 1
        return spans

    def _add_line(self, record: Record) -> None:
        """Lay out a record as running text."""
        start = self._length
        self._write(FORM_SEPARATOR.join(record.cells[column] for column in _own_columns(record)))
        self._close(BlockKind.PARAGRAPH, start, record)

    def _add_row(self, record: Record, header: _Header) -> None:
        start, columns = self._length, _own_columns(record)
        self._write_cells(record, columns)
        self._close(BlockKind.TABLE_ROW, start, record, context=header.cells_above(columns))

    def _add_qa(self, record: Record, header: Record, columns: Columns) -> None:
        start, spans = self._length, list[Span | None]()
        for line in (
            record.cell(columns.question),
            record.cell(columns.answer),
            *write_extra_lines(record, header, columns),
        ):
            if line and self._length > start:
                self._write("\n")
            spans.append(self._write(line) if line else None)
        self._close(BlockKind.QA, start, record, question=spans[0], answer=spans[1])

    def _write(self, text: str) -> Span:
        self._parts.append(text)
        self._length += len(text)
        return Span(self._length - len(text), self._length)

    def _write_cells(self, record: Record, columns: Sequence[int]) -> dict[int, Span]:
        spans: dict[int, Span] = {}
        for column in columns:
            if spans:
                self._write(CELL_SEPARATOR)
            spans[column] = self._write(record.cells[column])
        return spans

    def _close(
        self,
        kind: BlockKind,
        start: int,
        record: Record | None,
        *,
        level: int = 0,
        context: tuple[Span, ...] = (),
        question: Span | None = None,
        answer: Span | None = None,
    ) -> None:
        """End a block that began at `start`, and its line; one without a character is none."""
        if self._length == start:
            return
        locator = Locator(sheet=self._sheet, row=record.row if record else None)
        block = Block(kind, start, self._length, locator, self._path, level, context, question, answer)
        self.blocks.append(block)
        self._write("\n")


def _own_columns(record: Record) -> list[int]:
    return [column for column in record.filled if record.origin(column) == column]
