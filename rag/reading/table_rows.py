"""Tables of flowing text (Word, HTML, slides): cells with their spans -> rows of aligned cells, and which rows are the header.

A cell merged downwards is repeated in each row that it covers; one merged sideways stands once, and the columns that it covers are
empty, so that every cell keeps its place under its heading.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from rag.documents import CELL_SEPARATOR, BlockKind, Locator
from rag.reading.records import Record, heads_numbers, is_header
from rag.text import squeeze

MAX_SECTION_CHARS = 50
MAX_COLUMNS = 200
"""No cell is taken to cover more columns: a file that says so is broken, or an attack."""
MAX_REPEATED_CHARS = 80
"""A longer cell that is merged downwards is not repeated in every row."""
_HEADER_WORDS = re.compile(
    r"(?:区分|項目|内容|名称|種類|種別|分類|品目|対象|手数料|金額|料金|単価|数量|期間|期限|時期|日時|日程|場所|会場|施設名?|所在地|住所|"
    r"電話(?:番号)?|内線|連絡先|担当.{0,3}|所管.{0,2}|課名?|部署名?|業務.{0,3}|手続き?|窓口|必要書類|様式.{0,3}|指標名?|目標値?|現状値?|"
    r"年度|備考|摘要|説明|用語|意味|番号|no\.?|№|.{0,8}名)"
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph without outer white space, and what the file says of it.

    level: of a heading from 1, 0 for none. depth: how far a list item is indented. rubies: readings, which are not searched.
    notes: foot and end notes. locator: where it is not to be counted like the others. may_head: its numbering may make it a heading.
    sequence: the automatic list and level that it is counted in, "" for none.
    """

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    is_title: bool = False
    depth: int = 0
    rubies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    locator: Locator | None = None
    may_head: bool = True
    sequence: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell at a column (from 0) of its row, and how many columns and rows it covers. is_marked: it looks like a heading."""

    items: tuple[Item, ...]
    column: int
    columns: int = 1
    rows: int = 1
    is_marked: bool = False

    @property
    def text(self) -> str:
        """The paragraphs of the cell, one a line, without tabs."""
        texts = (item.text for item in self.items if not isinstance(item, Table))
        return "\n".join(text.replace(CELL_SEPARATOR, " ") for text in texts if text)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. header_rows: how many of them are headings; None where nobody says."""

    rows: tuple[tuple[Cell, ...], ...]
    header_rows: int | None = None

    @property
    def columns(self) -> int:
        """How many columns the widest row has."""
        return max((cell.column + cell.columns for row in self.rows for cell in row), default=0)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its official answer, as a FAQ page has them."""

    question: str
    answer: str

    @property
    def text(self) -> str:
        """Both, one below the other."""
        return f"{self.question}\n{self.answer}"


Item = Paragraph | Table | Pair


class RowKind(Enum):
    """What a row of a table is."""

    HEADER = auto()
    SECTION = auto()
    BODY = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the text of its cells by column, and which column's cell each column shows; what is inside; whether it looks like a header.

    number: its place among all rows, from 0. repeated: columns that show a cell merged downwards from above.
    """

    number: int
    cells: tuple[str, ...]
    origins: tuple[int, ...]
    repeated: frozenset[int]
    paragraphs: tuple[Paragraph, ...]
    tables: tuple[Table, ...]
    marks: tuple[bool, ...]
    kind: RowKind = RowKind.BODY

    @property
    def text(self) -> str:
        """The cells as one stretch of page text; a header does not say again what stands in the one above it."""
        again = self.repeated if self.kind is RowKind.HEADER else frozenset()
        return CELL_SEPARATOR.join("" if column in again else cell for column, cell in enumerate(self.cells))

    @property
    def label(self) -> str:
        """The text of the only cell of a row that covers the table."""
        return next((cell for cell in self.cells if cell), "")

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is in the row, nor hangs on it."""
        return not any(self.cells) and not self.tables and not any(p.notes or p.rubies for p in self.paragraphs)

    @property
    def is_section(self) -> bool:
        """Tell whether one short cell covers the whole row: a heading between the rows."""
        text = self.label
        covers = len(set(self.origins)) == 1 and not self.tables and not self.repeated
        return covers and 0 < len(text) <= MAX_SECTION_CHARS and "\n" not in text and text[-1] not in "。、，,"


def arrange_table(table: Table) -> list[Row]:
    """Return the rows of a table with something in them, each with its kind."""
    rows = [row for row in _spread(table) if not row.is_empty]
    header = _find_header(table, rows)
    return [replace(row, kind=_kind(row, header)) for row in rows]


def _kind(row: Row, header: Collection[int]) -> RowKind:
    if row.number in header:
        return RowKind.HEADER
    return RowKind.SECTION if row.is_section else RowKind.BODY


def as_records(rows: Sequence[Row]) -> list[Record]:
    """Return rows as the records of a sheet, numbered from 1."""
    return [Record(number, row.cells, row.origins) for number, row in enumerate(rows, start=1)]


def _spread(table: Table) -> Iterator[Row]:
    """Yield the rows with the cells that reach into them from above."""
    width = table.columns
    reaching: dict[int, tuple[Cell, int]] = {}
    for number, row in enumerate(table.rows):
        cells, origins = [""] * width, list(range(width))
        for column, (cell, left) in reaching.items():
            _place(cell, cells, origins, is_repeated=True)
            reaching[column] = (cell, left - 1)
        repeated = frozenset(reaching)
        for cell in row:
            _place(cell, cells, origins)
        reaching |= {cell.column: (cell, cell.rows - 1) for cell in row}
        reaching = {column: pair for column, pair in reaching.items() if pair[1] > 0}
        inside = [item for cell in row for item in cell.items]
        yield Row(
            number=number,
            cells=tuple(cells),
            origins=tuple(origins),
            repeated=repeated - {cell.column for cell in row},
            paragraphs=tuple(item for item in inside if isinstance(item, Paragraph)),
            tables=tuple(item for item in inside if isinstance(item, Table)),
            marks=tuple(cell.is_marked for cell in row if cell.text),
        )


def _place(cell: Cell, cells: list[str], origins: list[int], *, is_repeated: bool = False) -> None:
    """Enter a cell at its column and those that it covers; one with a text of its own shows that, whatever claims to cover it."""
    cells[cell.column] = "" if is_repeated and len(cell.text) > MAX_REPEATED_CHARS else cell.text
    origins[cell.column] = cell.column
    for covered in range(cell.column + 1, min(cell.column + cell.columns, len(cells))):
        if not cells[covered]:
            origins[covered] = cell.column


def _find_header(table: Table, rows: Sequence[Row]) -> Collection[int]:
    """Return the numbers of the header rows: as the file says, as the marked cells say, or as their words say."""
    if table.header_rows is not None:
        header = [row.number for row in rows if row.number < table.header_rows and not row.is_section]
    else:
        below = list(itertools.dropwhile(lambda row: row.is_section, rows))
        if any(any(row.marks) for row in below):
            header = [row.number for row in itertools.takewhile(lambda row: all(row.marks), below)]
        else:
            header = [row.number for row in below[: _guess_depth(table, below)]]
    return header if len(header) < len(rows) else ()


def _guess_depth(table: Table, rows: Sequence[Row]) -> int:
    """Return how many of the first rows read like headings: two when cells of the first are merged sideways."""
    records = as_records(rows)
    if len(records) < 2 or not is_header(records[0]) or len(records[0].filled) < 2:
        return 0
    if table.columns == 2 and not _heads_two_columns(records):
        return 0
    is_merged = len(set(records[0].origins)) < len(records[0].origins)
    return 2 if is_merged and len(records) > 2 and is_header(records[1]) else 1


def _heads_two_columns(records: Sequence[Record]) -> bool:
    """Tell a table of two columns with headings from a list of names and values: 品目, 手数料 from 対象, 町内の人."""
    names = [squeeze(cell) for cell in records[0].cells]
    if all(_HEADER_WORDS.fullmatch(name) for name in names):
        return True
    if heads_numbers(names[0], names[1], [squeeze(record.cell(1)) for record in records[1:]]):
        return True
    with_digits = sum(bool(re.search(r"\d", record.cell(1))) for record in records[1:])
    return (
        not re.search(r"\d", names[1])
        and with_digits > len(records[1:]) / 2
        and bool(_HEADER_WORDS.fullmatch(names[1]))
    )
