"""A row of a table as it is read: each cell under its heading, and only what stands in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.documents import CELL_SEPARATOR, Chunk
from rag.text import morphemes

_BLANK = re.compile(r"[\s―ー－—‐‑–−─━ｰ\-…‥]*")
_BRACKETS = re.compile(r"\s*[（(][^（）()]*[）)]$")
_GOES_WITH = re.compile("備考|単位|条件|注")  # a value is not said without these
_LONG = 80  # characters of rows from which on only what was asked is shown
_BAR = re.compile(r"(?<!\\)\|")  # of a Markdown table; \| is a character
_CACHED = 16_384


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell [start, end) of a row's text, and its heading; "" where the header does not fit the row, or has none here."""

    start: int
    end: int
    text: str
    heading: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in it: no character, or a dash that says so."""
        return _BLANK.fullmatch(self.text) is not None

    @property
    def name(self) -> str:
        """What it says without the brackets at its end: 住民票の写し of 住民票の写し（1通）."""
        return _BRACKETS.sub("", self.text) or self.text

    def render(self) -> str:
        """Return it as 「見出し：値」."""
        return f"{self.heading}：{self.text}" if self.heading else self.text


def read_row(chunk: Chunk, start: int, end: int) -> list[Cell]:
    """Return the cells of the row [start, end) of a chunk's text under their headings, where its header has one for each."""
    cells = list(_split(chunk.text[start:end]))
    names = _read_header(chunk, len(cells))
    return [replace(cell, heading=name) for cell, name in zip(cells, names, strict=True)] if names else cells


def _read_header(chunk: Chunk, columns: int) -> tuple[str, ...]:
    """Return the headings of as many columns; none where the header has more or fewer, or its lines differ.

    What stands above the empty cells of a record is left out of its header: the stretches of one line, each but the first
    beginning with the separator before it. Other stretches are lines that nobody can put together.
    """
    stretches = [
        chunk.text[slice(*span)] for span, s in zip(chunk.header, chunk.segments, strict=False) if not s.heading
    ]
    if not all(stretch.startswith(CELL_SEPARATOR) for stretch in stretches[1:]):
        return ()
    names = _name_columns("".join(stretches))
    return names if len(names) == columns else ()


@functools.lru_cache(_CACHED)  # a header stands above every row of its table
def _name_columns(header: str) -> tuple[str, ...]:
    lines = [split_cells(line) for line in header.split("\n")]
    if len({len(line) for line in lines}) != 1:
        return ()
    return tuple(" ".join(filter(None, names)) for names in zip(*lines, strict=True))


def read_headings(chunk: Chunk, cells: Sequence[Cell]) -> list[str]:
    """Return the headings that a row is read with: one says nothing of it where nothing stands below. All, where they do not fit."""
    if any(cell.heading for cell in cells):
        return [cell.heading for cell in cells if not cell.is_blank]
    return [chunk.text[slice(*span)] for span in chunk.header]


def split_cells(row: str) -> list[str]:
    """Return the cells of a row: divided by tabs, or by the bars of a Markdown table.

    >>> split_cells("会長\\t榊原　ふみ"), split_cells("品目|点数")
    (['会長', '榊原 ふみ'], ['品目', '点数'])
    """
    return [cell.text for cell in _split(row)]


def _split(row: str) -> Iterator[Cell]:
    start = 0
    for part in row.split(CELL_SEPARATOR) if CELL_SEPARATOR in row else _BAR.split(row):
        yield Cell(start, start + len(part), " ".join(part.split()))
        start += len(part) + 1


@functools.lru_cache(_CACHED)
def words_of(text: str) -> frozenset[str]:
    """Return the content words of a cell or heading."""
    return frozenset(morphemes(text))


def render_rows(rows: Sequence[tuple[Sequence[Cell], Collection[int]]]) -> str:
    """Return rows of one table, each with the numbers of the columns to show where it is long, a line each.

    What is blank is left out, unless it was asked for; of long rows, all that was not asked for and goes with no value that was.

    >>> cells = [Cell(0, 3, "第1期", "期別"), Cell(4, 5, "―", "軽自動車税"), Cell(6, 10, "6月1日", "固定資産税")]
    >>> render_rows([(cells, ())])
    '期別：第1期、固定資産税：6月1日'
    """
    is_long = sum(len(_join(cells)) for cells, _ in rows) > _LONG
    return "\n".join(_join(_choose(cells, asked) if is_long and asked else cells, asked) for cells, asked in rows)


def _choose(cells: Sequence[Cell], asked: Collection[int]) -> list[Cell]:
    """Return the row with nothing in the cells that were neither asked for nor go with a value."""
    return [
        cell if number in asked or _GOES_WITH.search(cell.heading) else replace(cell, text="")
        for number, cell in enumerate(cells)
    ]


def _join(cells: Sequence[Cell], asked: Collection[int] = ()) -> str:
    """Return the cells with something in them; a dash is told where it was asked for, and where no cell has a heading."""
    is_named = any(cell.heading for cell in cells)
    told = [
        not cell.is_blank or bool(cell.text and (number in asked or not is_named)) for number, cell in enumerate(cells)
    ]
    return ("、" if is_named else "　").join(cell.render() for cell, tell in zip(cells, told, strict=True) if tell)
