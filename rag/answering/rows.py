"""A row of a table as it is read: each cell under its heading, and only what stands in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rag.documents import CELL_SEPARATOR, Chunk
from rag.text import morphemes

_BLANK = re.compile(r"[\s―ー－—‐–−\-・…‥*＊]*")
_BRACKETS = re.compile(r"\s*[（(][^（）()]*[）)]$")
_GOES_WITH = re.compile("備考|単位|条件|注")  # a value is not said without these
_LONG = 60  # characters of rows from which on only what was asked is shown
_BAR = "|"
_CACHED = 4_096


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
    names = read_header(chunk)
    if len(names) != len(cells):
        return cells
    return [Cell(cell.start, cell.end, cell.text, name) for cell, name in zip(cells, names, strict=True)]


def read_header(chunk: Chunk) -> list[str]:
    """Return the headings of a table's columns; none where it has no header, or one of several lines."""
    segments = [s for s, segment in zip(chunk.header, chunk.segments, strict=False) if not segment.heading]
    return split_cells(chunk.text[slice(*segments[0])]) if len(segments) == 1 else []


def split_cells(row: str) -> list[str]:
    """Return the cells of a row: divided by tabs, or by the bars of a Markdown table.

    >>> split_cells("会長\\t榊原　ふみ"), split_cells("品目|点数")
    (['会長', '榊原 ふみ'], ['品目', '点数'])
    """
    return [cell.text for cell in _split(row)]


def _split(row: str) -> Iterator[Cell]:
    start = 0
    for part in row.split(CELL_SEPARATOR if CELL_SEPARATOR in row else _BAR):
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
    texts = [_join(cell for cell in cells if not cell.is_blank) for cells, _ in rows]
    if sum(map(len, texts)) > _LONG:
        texts = [
            _join(_choose(cells, asked)) if asked else text for (cells, asked), text in zip(rows, texts, strict=True)
        ]
    return "\n".join(texts)


def _choose(cells: Sequence[Cell], asked: Collection[int]) -> Iterator[Cell]:
    for number, cell in enumerate(cells):
        if number in asked or (_GOES_WITH.search(cell.heading) and not cell.is_blank):
            yield cell


def _join(cells: Iterator[Cell]) -> str:
    shown = list(cells)
    return ("、" if any(cell.heading for cell in shown) else "　").join(cell.render() for cell in shown)
