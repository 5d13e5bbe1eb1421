"""The tables of a Word document: rows and cells with what they cover, also inside content controls and tracked insertions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from rag.reading.package import Element
from rag.reading.table_rows import MAX_COLUMNS, Cell, Item, Table
from rag.reading.word_numbering import W, is_on

Read = Callable[[Element], Iterable[Item]]


def read_table(table: Element, read: Read) -> Table:
    """Return a table with the cells that merge over columns and rows. read: the inside of a cell."""
    rows: list[tuple[Cell, ...]] = []
    open_cells: dict[int, tuple[int, int]] = {}  # column -> the row and place of the cell that goes on downwards
    header_rows, in_header = 0, True
    for element in _inside(table, f"{W}tr"):
        properties = element.find(f"{W}trPr")
        if properties is not None and properties.find(f"{W}del") is not None:
            _read_row(element, [], {}, read)  # what is deleted in it is counted on the way
            continue
        in_header = in_header and properties is not None and is_on(properties.find(f"{W}tblHeader"))
        header_rows += in_header
        rows.append(tuple(_read_row(element, rows, open_cells, read)))
    return Table(tuple(rows), header_rows or None)


def _read_row(
    row: Element, above: list[tuple[Cell, ...]], open_cells: dict[int, tuple[int, int]], read: Read
) -> list[Cell]:
    """Return the cells of a row; one that goes on from above makes that cell longer instead."""
    skipped = row.find(f"{W}trPr/{W}gridBefore")
    column, cells = _number(skipped, 0), list[Cell]()
    for element in _inside(row, f"{W}tc"):
        properties = element.find(f"{W}tcPr")
        span = None if properties is None else properties.find(f"{W}gridSpan")
        width = max(1, _number(span, 1))
        merge = None if properties is None else properties.find(f"{W}vMerge")
        if merge is not None and merge.get(f"{W}val") != "restart" and column in open_cells:
            number, place = open_cells[column]
            longer = [*above[number]]
            longer[place] = replace(longer[place], rows=len(above) - number + 1)
            above[number] = tuple(longer)
        else:
            open_cells.pop(column, None)
            if merge is not None:
                open_cells[column] = (len(above), len(cells))
            cells.append(Cell(tuple(read(element)), column, width, 1, _is_shaded(properties)))
        column += width
    return cells


def _number(element: Element | None, default: int) -> int:
    """Return how many columns an element counts."""
    return min(int(element.get(f"{W}val", default)), MAX_COLUMNS) if element is not None else default


def _inside(parent: Element, tag: str) -> Iterator[Element]:
    """Yield the rows of a table or the cells of a row, also those in content controls and tracked insertions."""
    for child in parent.iterchildren("*"):
        if child.tag == tag:
            yield child
        elif child.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}customXml", f"{W}ins", f"{W}moveTo"):
            yield from _inside(child, tag)


def _is_shaded(properties: Element | None) -> bool:
    shade = None if properties is None else properties.find(f"{W}shd")
    return shade is not None and shade.get(f"{W}fill", "auto").lower() not in ("auto", "ffffff", "none")
