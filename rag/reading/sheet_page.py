"""Records of cells -> one page: Q&A records as question and answer, other tables as rows with their header.

The cells stand in the page text word for word, so that every quote is: a row is one line of cells, a Q&A record is its question,
its answer and a line for each other cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.documents import CELL_SEPARATOR, Block, BlockKind, Locator, Page, Span
from rag.reading.plain import measure_quality
from rag.reading.records import Columns, Record, find_header, find_qa_columns, is_header, is_lone, split_regions

MAX_HEADING_CHARS = 50
_DEFAULT_SHEET_NAME = re.compile(r"(?:sheet|シート)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SheetPage:
    """A page made of records: whether it is a Q&A table, how many of its rows held neither question nor answer, its title."""

    page: Page
    is_faq: bool
    skipped_rows: int
    title: str | None


def build_sheet_page(records: Sequence[Record], *, number: int, sheet: str | None = None) -> SheetPage:
    """Lay records out as one page, in their order."""
    layout = _Layout(sheet)
    filled = [record for record in records if record.filled]
    head = find_qa_columns(filled)
    if head:
        layout.add_qa_table(filled, *head)
    else:
        for region in split_regions(filled):
            layout.add_table(region)
    text = layout.text
    page = Page(number, text, tuple(layout.blocks), measure_quality(text, tables=layout.tables))
    return SheetPage(page, head is not None, layout.skipped_rows, layout.title)


@dataclass(slots=True)
class _Header:
    """The header records of a table, and where each of their cells stands in the page text."""

    records: list[Record] = field(default_factory=list)
    spans: list[dict[int, Span]] = field(default_factory=list)

    def cells_above(self, columns: Iterable[int]) -> tuple[Span, ...]:
        """Return the spans of the header cells above some columns in text order, neighbours as one."""
        wanted = list(columns)
        pairs = zip(self.records, self.spans, strict=True)
        found = sorted({spans[o] for r, spans in pairs for c in wanted if (o := r.origin(c)) in spans})
        joined: list[Span] = []
        for span in found:
            if joined and span.start - joined[-1].end <= len(CELL_SEPARATOR):
                joined[-1] = Span(joined[-1].start, span.end)
            else:
                joined.append(span)
        return tuple(joined)

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
        self._add_preface(records[:place])
        header = records[place]
        self._add_header(header)
        above = section = self._path
        for record in records[place + 1 :]:
            self._path = section
            if record.cells == header.cells:
                self._add_header(record)
            elif record.cell(columns.question) or record.cell(columns.answer):
                self._path = (*section, *_categories(record, columns, section))
                self._add_qa(record, header, columns)
            elif len(record.filled) == 1 and record.filled[0] in columns.categories:
                self._path = above
                self._add_heading(record)
                section = self._path
            else:
                self.skipped_rows += 1

    def add_table(self, records: Sequence[Record]) -> None:
        """Lay out one table with whatever stands above its header."""
        self._path = self._base
        place = find_header(records)
        self._add_preface(records[: place or 0])
        header, rows = self._take_header(records, place)
        above = self._path
        for record in rows:
            if header.repeats(record):
                self._add_header(record)
            elif _is_section(record, header):
                self._path = above
                self._add_heading(record)
            else:
                self._add_row(record, header)

    def _take_header(self, records: Sequence[Record], place: int | None) -> tuple[_Header, Sequence[Record]]:
        """Lay out the header, two rows of it when cells of the first are merged sideways; return it and the rows below."""
        header = _Header()
        if place is None:
            return header, records
        merged = len(set(records[place].origins)) < len(records[place].origins)
        depth = 2 if merged and len(records) > place + 2 and is_header(records[place + 1]) else 1
        for record in records[place : place + depth]:
            above = {c for r in header.records for c in record.filled if r.cell(c) == record.cell(c)}
            header.spans.append(self._add_header(record, above=above))
            header.records.append(record)
        return header, records[place + depth :]

    def _add_preface(self, records: Sequence[Record]) -> None:
        for record in records:
            text = record.cells[record.filled[0]]
            if is_lone(record) and len(text) <= MAX_HEADING_CHARS and not text.endswith("。") and "\n" not in text:
                self.title = self.title or text
                self._path = self._base
                self._add_heading(record)
            else:
                self._add_row(record, _Header())

    def _add_heading(self, record: Record) -> None:
        text = record.cells[record.filled[0]]
        start = self._length
        self._write(text)
        self._close(BlockKind.HEADING, start, record, level=len(self._path) + 1)
        self._path = (*self._path, " ".join(text.split()))

    def _add_header(self, record: Record, *, above: Iterable[int] = ()) -> dict[int, Span]:
        """Lay out a header record without the cells that continue those above; return where its cells stand."""
        start = self._length
        hidden = set(above)
        spans = self._write_cells(record, [c for c in _own_columns(record) if c not in hidden])
        self._close(BlockKind.TABLE_HEADER, start, record)
        self.tables += 1
        return spans

    def _add_row(self, record: Record, header: _Header) -> None:
        start, columns = self._length, _own_columns(record)
        self._write_cells(record, columns)
        self._close(BlockKind.TABLE_ROW, start, record, context=header.cells_above(columns))

    def _add_qa(self, record: Record, header: Record, columns: Columns) -> None:
        start, spans = self._length, list[Span | None]()
        for line in (
            record.cell(columns.question),
            record.cell(columns.answer),
            *_extra_lines(record, header, columns),
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
        record: Record,
        *,
        level: int = 0,
        context: tuple[Span, ...] = (),
        question: Span | None = None,
        answer: Span | None = None,
    ) -> None:
        """End a block that began at `start`, and its line; one without a character is none."""
        if self._length == start:
            return
        locator = Locator(sheet=self._sheet, row=record.row)
        block = Block(kind, start, self._length, locator, self._path, level, context, question, answer)
        self.blocks.append(block)
        self._write("\n")


def _own_columns(record: Record) -> list[int]:
    return [column for column in record.filled if record.origin(column) == column]


def _categories(record: Record, columns: Columns, section: tuple[str, ...]) -> Iterator[str]:
    for column in columns.categories:
        category = " ".join(record.cell(column).split())
        if category and category not in section:
            yield category


def _extra_lines(record: Record, header: Record, columns: Columns) -> Iterator[str]:
    """Yield the other cells of a Q&A record, each behind its heading: 「担当課: 税務課（内線121）」."""
    for column in columns.categories:
        yield _labelled(header.cell(column), record.cell(column))
    department, extension = record.cell(columns.department), record.cell(columns.extension)
    if department and extension:
        name = "内線" if "内線" in header.cell(columns.extension) else ""
        extension = f"（{extension if name in extension else name + extension}）"
        yield _labelled(header.cell(columns.department), department + extension)
    else:
        yield _labelled(header.cell(columns.department), department)
        yield _labelled(header.cell(columns.extension), extension)
    for column in (*columns.others, *range(len(header.cells), len(record.cells))):
        if record.origin(column) == column:
            yield _labelled(header.cell(column), record.cell(column))


def _labelled(label: str, cell: str) -> str:
    return f"{' '.join(label.split())}: {cell}" if label and cell else cell


def _is_section(record: Record, header: _Header) -> bool:
    """Tell whether a row is one short cell merged over most of the table: a heading between the rows."""
    if not header.records or not record.origins or not is_lone(record):
        return False
    column = record.filled[0]
    covered = sum(origin == column for origin in record.origins)
    wide = covered > 1 and covered >= len(header.records[0].filled) / 2
    return wide and len(record.cells[column]) <= MAX_HEADING_CHARS
