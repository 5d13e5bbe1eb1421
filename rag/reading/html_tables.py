"""The cells of an HTML table with the columns and rows that they cover."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rag.reading.package import Element
from rag.reading.table_rows import MAX_COLUMNS, Cell, Item


def own_rows(table: Element) -> Iterator[Element]:
    """Yield the rows of a table, not those of the tables inside it; those of its foot last, as they are displayed."""
    for part in table.iterchildren("tr", "thead", "tbody"):
        yield from [part] if part.tag == "tr" else part.iterchildren("tr")
    for part in table.iterchildren("tfoot"):
        yield from part.iterchildren("tr")


def read_cells(rows: Sequence[Element], read: Callable[[Element], tuple[Item, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Return the cells of rows at their columns: those that a cell from above covers are passed over. read: the inside of a cell."""
    taken: dict[int, int] = {}  # column -> the first row that is free again
    found = []
    for number, row in enumerate(rows):
        cells, column = [], 0
        for element in row.iterchildren("td", "th"):
            while taken.get(column, 0) > number:
                column += 1
            width = min(max(1, _span(element, "colspan")), MAX_COLUMNS)
            height = min(_span(element, "rowspan") or len(rows), len(rows) - number)
            taken |= dict.fromkeys(range(column, column + width), number + height)
            cells.append(Cell(read(element), column, width, height, element.tag == "th"))
            column += width
        found.append(tuple(cells))
    return tuple(found)


def _span(element: Element, name: str) -> int:
    written = element.get(name, "1").strip()
    return int(written) if re.fullmatch(r"\d{1,5}", written) else 1
