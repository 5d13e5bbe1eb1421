"""The visible cells of a worksheet -> records: merged cells spread, hidden rows and columns left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.reading.cell_values import show_cell
from rag.reading.records import MAX_HEADER_ROWS, Record

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_EXCEL_COLUMN_WIDTH = 8.43
Cells = dict[int, dict[int, str]]
"""Row -> column -> text, of the cells that are not empty."""


@dataclass(frozen=True, slots=True)
class Area:
    """A cell and what it covers; one that is not merged covers itself."""

    left: int
    top: int
    right: int
    bottom: int


def find_cells(sheet: Worksheet) -> dict[tuple[int, int], Any]:
    """Return the cells that exist, by row and column: `iter_rows` would make a million for one formatted last row."""
    cells: dict[tuple[int, int], Any] = {
        place: cell for place, cell in sorted(sheet._cells.items()) if cell.value is not None
    }
    return cells


def find_hidden_rows(sheet: Worksheet) -> set[int]:
    """Return the numbers of rows that nobody sees: hidden, filtered away, folded away, or of no height."""
    return {row for row, dimension in sheet.row_dimensions.items() if dimension.hidden or dimension.height == 0}


def find_hidden_columns(sheet: Worksheet) -> set[int]:
    """Return the numbers of columns that nobody sees; openpyxl keeps a group of them under its first letter."""
    groups = [dimension for dimension in sheet.column_dimensions.values() if dimension.hidden or dimension.width == 0]
    return {
        column
        for group in groups
        if group.min and group.max
        for column in range(group.min, min(group.max, sheet.max_column) + 1)
    }


def find_column_widths(sheet: Worksheet) -> dict[int, float]:
    """Return the width of each column up to the last one, in characters."""
    default = sheet.sheet_format.defaultColWidth or _EXCEL_COLUMN_WIDTH
    widths = dict.fromkeys(range(1, sheet.max_column + 1), float(default))
    for dimension in sheet.column_dimensions.values():
        if dimension.min and dimension.max and dimension.width:
            for column in range(dimension.min, min(dimension.max, sheet.max_column) + 1):
                widths[column] = float(dimension.width)
    return widths


def find_areas(sheet: Worksheet) -> dict[tuple[int, int], Area]:
    """Return what each merged cell covers, by the row and column of its first cell."""
    bounds = [area.bounds for area in sheet.merged_cells.ranges]
    return {(top, left): Area(left, top, right, bottom) for left, top, right, bottom in bounds}


def read_texts(sheet: Worksheet) -> Cells:
    """Return the texts of the cells as people see them, hidden ones too."""
    values: Cells = {}
    for (row, column), cell in find_cells(sheet).items():
        if text := show_cell(cell):
            values.setdefault(row, {})[column] = text
    return values


def read_records(sheet: Worksheet) -> Iterator[Record]:
    """Yield the visible rows with a cell of their own; a cell merged downwards is repeated, one merged sideways is not."""
    values = read_texts(sheet)
    reaches = _find_reaches(sheet, values)
    origins = _spread_merged_cells(sheet, values)
    hidden_rows, hidden_columns = find_hidden_rows(sheet), find_hidden_columns(sheet)
    for row in sorted(values.keys() - hidden_rows):
        merged = origins.get(row, {})
        last = max([*values[row], *merged], default=0)
        visible = [column for column in range(1, last + 1) if column not in hidden_columns]
        places = {column: place for place, column in enumerate(visible)}
        yield Record(
            row,
            tuple(values[row].get(column, "") for column in visible),
            tuple(places.get(merged.get(column, column), place) for place, column in enumerate(visible)),
            reaches.get(row, row),
            _is_marked(sheet, row, values[row]),
        )


def _find_reaches(sheet: Worksheet, values: Cells) -> dict[int, int]:
    """Return for the rows of cells that are merged downwards, over as many rows as a header has at most, where those end."""
    reaches: dict[int, int] = {}
    for area in find_areas(sheet).values():
        if area.top < area.bottom < area.top + MAX_HEADER_ROWS and area.left in values.get(area.top, {}):
            reaches[area.top] = max(area.bottom, reaches.get(area.top, 0))
    return reaches


def _spread_merged_cells(sheet: Worksheet, values: Cells) -> dict[int, dict[int, int]]:
    """Repeat merged cells downwards in `values`; return by row which columns show the cell of another one."""
    origins: dict[int, dict[int, int]] = {}
    last_column = max((column for cells in values.values() for column in cells), default=0)
    last_row = max(values, default=0)
    for area in find_areas(sheet).values():
        text = values.get(area.top, {}).get(area.left)
        for row in range(area.top, min(area.bottom, last_row) + 1) if text else ():
            if row in values and text:
                values[row][area.left] = text
                covered = range(area.left + 1, min(area.right, last_column) + 1)
                origins.setdefault(row, {}).update(dict.fromkeys(covered, area.left))
    return origins


def _is_marked(sheet: Worksheet, row: int, texts: dict[int, str]) -> bool:
    """Tell whether every cell of a row is set off as headings are, in bold or on a ground of its own."""
    cells = [cell for column in texts if (cell := sheet._cells.get((row, column))) is not None]
    return bool(cells) and all(
        cell.has_style and (cell.font.bold or cell.fill.fill_type not in (None, "none")) for cell in cells
    )
