"""Records of cells (CSV, Excel) -> one page: Q&A records as question and answer, other tables as rows with their header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.documents import Block, BlockKind, Locator, Page, Span
from rag.reading.plain import measure_quality
from rag.text import squeeze

CELL_SEPARATOR = "\u3000"
MAX_HEADING_CHARS = 50
MAX_HEADER_CHARS = 40
_ROWS_BEFORE_HEADER = 15
_QUESTION = re.compile(r"(?:想定|よくある|主な)?(?:ご|お)?(?:質問|質疑|問い?合わ?せ|問い?|照会|相談)(?:内容|文|事項|例)?|q|question")
_ANSWER = re.compile(r"(?:ご|お)?(?:回答|答え?|応答|返答)(?:内容|文|例|案)?|a|answer")
_CATEGORY = re.compile(r"(?:大|中|小)?(?:分類|区分|項目)[1-3]?|カテゴリー?[1-3]?|分野|ジャンル|テーマ|category")
_DEPARTMENT = re.compile(r"(?:所管|担当|主管|所属)(?:部署|課|係|部|室|部局|課名|課係|課等)?|部署名?|課名|問い?合わ?せ先")
_EXTENSION = re.compile(r"(?:内線|電話)(?:番号)?|連絡先|tel")
_NUMBER = re.compile(r"[\d０-９.,，．%％円△▲+\-−年月日:/\s]+")
_DEFAULT_SHEET_NAME = re.compile(r"(?:sheet|シート)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of cells without outer white space, "" where a cell is empty.

    row: what people count. origins: for each column the column whose cell it shows (another one inside a merged cell).
    """

    row: int
    cells: tuple[str, ...]
    origins: tuple[int, ...] = ()

    def cell(self, column: int | None) -> str:
        """Return the cell of a column, "" for None and for a column beyond the end."""
        return self.cells[column] if column is not None and column < len(self.cells) else ""

    def origin(self, column: int) -> int:
        """Return the column whose cell a column shows."""
        return self.origins[column] if column < len(self.origins) else column

    @property
    def filled(self) -> list[int]:
        """The columns whose cells are not empty."""
        return [column for column, cell in enumerate(self.cells) if cell]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a Q&A table is which; `others` is what has no part of its own."""

    question: int
    answer: int
    categories: tuple[int, ...]
    department: int | None
    extension: int | None
    others: tuple[int, ...]


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
        for region in _split_regions(filled):
            layout.add_table(region)
    text = "".join(layout.parts).rstrip("\n")
    page = Page(number, text, tuple(layout.blocks), measure_quality(text, tables=layout.tables))
    return SheetPage(page, head is not None, layout.skipped_rows, layout.title)


def find_qa_columns(records: Sequence[Record]) -> tuple[int, Columns] | None:
    """Return the place of the header record of a Q&A table among the first ones, and its columns; None when there is none.

    >>> find_qa_columns([Record(1, ("分類", "ご質問", "回答", "担当課", "内線"))])[1].answer
    2
    """
    for place, record in enumerate(records[:_ROWS_BEFORE_HEADER]):
        names = [_header_name(cell) if record.origin(i) == i else "" for i, cell in enumerate(record.cells)]
        question, answer = _first(names, _QUESTION), _first(names, _ANSWER)
        if question is not None and answer is not None:
            return place, _assign_columns(names, question, answer)
    return None


def _header_name(cell: str) -> str:
    """Return the bare name of a heading: 「質問（Q）」「※回答欄」 lose their trimmings."""
    return re.sub(r"\(.*?\)|^[※*○●■]+|欄$|[:*]$", "", squeeze(cell))


def _first(names: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((column for column, name in enumerate(names) if pattern.fullmatch(name)), None)


def _assign_columns(names: Sequence[str], question: int, answer: int) -> Columns:
    categories = tuple(i for i, name in enumerate(names) if _CATEGORY.fullmatch(name))
    department = next((i for i, n in enumerate(names) if _DEPARTMENT.fullmatch(n) and i != question), None)
    extension = _first(names, _EXTENSION)
    taken = {question, answer, department, extension, *categories}
    return Columns(question, answer, categories, department, extension, tuple(i for i in range(len(names)) if i not in taken))


def _split_regions(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the tables of a sheet: a new one begins where blank rows are followed by a lone cell and then a fuller row."""
    region: list[Record] = []
    for index, record in enumerate(records):
        after = records[index + 1] if index + 1 < len(records) else None
        gap = bool(region) and record.row > region[-1].row + 1
        if gap and _is_lone(record) and after is not None and not _is_lone(after):
            yield region
            region = []
        region.append(record)
    if region:
        yield region


def _is_lone(record: Record) -> bool:
    return len({record.origin(column) for column in record.filled}) <= 1


def _find_header(records: Sequence[Record]) -> int | None:
    """Return the place of the first record that looks like headings: wide, short, hardly any numbers, something below it."""
    width = max((len(record.filled) for record in records), default=0)
    for place, record in enumerate(records[: min(_ROWS_BEFORE_HEADER, len(records) - 1)]):
        if len(record.filled) >= max(2, width / 2):
            return place if _is_header(record) else None
    return None


def _is_header(record: Record) -> bool:
    cells = [record.cells[column] for column in record.filled]
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return len(cells) > 1 and numbers <= len(cells) / 3 and max(map(len, cells)) <= MAX_HEADER_CHARS


@dataclass(slots=True)
class _Header:
    """The header records of a table, and where each of their cells stands in the page text."""

    records: list[Record] = field(default_factory=list)
    spans: list[dict[int, Span]] = field(default_factory=list)

    def cells_above(self, columns: Iterable[int]) -> list[Span]:
        """Return the spans of the header cells above some columns, in text order."""
        wanted = list(columns)
        pairs = zip(self.records, self.spans, strict=True)
        return sorted({spans[o] for r, spans in pairs for c in wanted if (o := r.origin(c)) in spans})

    def repeats(self, record: Record) -> bool:
        """Tell whether a record is the header once more, as on every printed page."""
        return any(record.cells == header.cells for header in self.records)


class _Layout:
    """A page in the making: its text in parts, and the blocks so far."""

    def __init__(self, sheet: str | None) -> None:
        self.parts: list[str] = []
        self.blocks: list[Block] = []
        self.tables = 0
        self.skipped_rows = 0
        self.title: str | None = None
        self._sheet = sheet
        self._length = 0
        self._base = (sheet,) if sheet and not _DEFAULT_SHEET_NAME.fullmatch(sheet) else ()
        self._path: tuple[str, ...] = self._base

    def add_qa_table(self, records: Sequence[Record], place: int, columns: Columns) -> None:
        """Lay out a Q&A table whose header is the record at `place`."""
        self._add_preface(records[:place])
        header, section = records[place], self._path
        self._add_header(header, set())
        for record in records[place + 1 :]:
            if record.cells == header.cells:
                self._add_header(header, set())
            elif record.cell(columns.question) or record.cell(columns.answer):
                self._path = section + tuple(c for i in columns.categories if (c := record.cell(i)) and c not in section)
                self._add_qa(record, header, columns)
            elif len(record.filled) == 1 and record.filled[0] in columns.categories:
                self._path = section = self._path[:0] + self._section_path(record)
            else:
                self.skipped_rows += 1

    def _section_path(self, record: Record) -> tuple[str, ...]:
        self._path = self._base if self.title is None else (*self._base, self.title)
        self._add_heading(record)
        return self._path

    def add_table(self, records: Sequence[Record]) -> None:
        """Lay out one table with whatever stands above its header."""
        self._path = self._base
        place = _find_header(records)
        self._add_preface(records[:place] if place is not None else [])
        header, rows = self._take_header(records, place)
        title_path = self._path
        for record in rows:
            if header.repeats(record):
                self._add_header(record, set())
            elif self._is_section(record, header):
                self._path = title_path
                self._add_heading(record)
            else:
                self._add_row(record, header)

    def _take_header(self, records: Sequence[Record], place: int | None) -> tuple[_Header, Sequence[Record]]:
        """Lay out the header, two rows of it when cells of the first are merged sideways; return it and the rows below."""
        header = _Header()
        if place is None:
            return header, records
        depth = 2 if len(set(records[place].origins)) < len(records[place].origins) and len(records) > place + 2 else 1
        depth = depth if depth == 1 or _is_header(records[place + 1]) else 1
        for record in records[place : place + depth]:
            seen = {c for r in header.records for c in record.filled if r.cell(c) == record.cell(c)}
            header.spans.append(self._add_header(record, seen))
            header.records.append(record)
        return header, records[place + depth :]

    def _add_preface(self, records: Sequence[Record]) -> None:
        for record in records:
            text = record.cells[record.filled[0]]
            if _is_lone(record) and len(text) <= MAX_HEADING_CHARS and not text.endswith("。") and "\n" not in text:
                self.title = self.title or text
                self._path = self._base
                self._add_heading(record)
            else:
                self._add_row(record, _Header())

    def _is_section(self, record: Record, header: _Header) -> bool:
        """Tell whether a row is one short cell merged over most of the table: a heading between the rows."""
        if not header.records or not record.origins or not _is_lone(record):
            return False
        column = record.filled[0]
        covered = sum(origin == column for origin in record.origins)
        return covered > 1 and covered >= len(header.records[0].filled) / 2 and len(record.cells[column]) <= MAX_HEADING_CHARS

    def _add_heading(self, record: Record) -> None:
        text = record.cells[record.filled[0]]
        span = self._write(text)
        self._close(BlockKind.HEADING, span.start, record, level=len(self._path) + 1)
        self._path = (*self._path, " ".join(text.split()))

    def _add_header(self, record: Record, seen: set[int]) -> dict[int, Span]:
        start = self._length
        columns = [c for c in record.filled if record.origin(c) == c and c not in seen]
        spans = self._write_cells(record, columns)
        self._close(BlockKind.TABLE_HEADER, start, record)
        self.tables += 1
        return spans

    def _add_row(self, record: Record, header: _Header) -> None:
        start = self._length
        columns = [c for c in record.filled if record.origin(c) == c]
        self._write_cells(record, columns)
        above = self._join_neighbours(header.cells_above(columns))
        self._close(BlockKind.TABLE_ROW, start, record, context=above)

    def _add_qa(self, record: Record, header: Record, columns: Columns) -> None:
        start = self._length
        question = self._write_line(record.cell(columns.question))
        answer = self._write_line(record.cell(columns.answer))
        for line in _extra_lines(record, header, columns):
            self._write_line(line)
        self._drop_line_break()
        self._close(BlockKind.QA, start, record, question=question, answer=answer)

    def _join_neighbours(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """Return the spans, those with nothing but white space between them as one."""
        text, joined = "".join(self.parts) if False else "", list[Span]()
        del text
        for span in spans:
            if joined and span.start - joined[-1].end <= len(CELL_SEPARATOR):
                joined[-1] = Span(joined[-1].start, span.end)
            else:
                joined.append(span)
        return tuple(joined)
