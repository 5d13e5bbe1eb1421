"""Tables as an Excel file in memory: no cell is a formula, numbers stay numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rag.batch import make_inert

Cell = str | int | float | None
_WIDEST, _NARROWEST = 60, 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, its headings and its rows."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


def build_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return an .xlsx file with the sheets, in order, headings bold and frozen."""
    import openpyxl
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for row in (sheet.header, *sheet.rows):
            page.append([_make_safe(cell) for cell in row])
        for column, title in enumerate(sheet.header, start=1):
            page.cell(1, column).font = Font(bold=True)
            lengths = [len(str(row[column - 1] or "")) for row in sheet.rows if len(row) >= column]
            width = 2 * max([len(title), *lengths]) + 2
            page.column_dimensions[get_column_letter(column)].width = max(_NARROWEST, min(_WIDEST, width))
        for cells in page.iter_rows():
            for cell in cells:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        page.freeze_panes = "A2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _make_safe(cell: Cell) -> Cell:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return make_inert(ILLEGAL_CHARACTERS_RE.sub(" ", cell)) if isinstance(cell, str) else cell
