"""Excel workbooks (.xlsx, .xlsm) -> one page for each visible sheet. Macros are never run; what is hidden is reported."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.documents import Content, Problem
from rag.reading.excel_problems import report_sheet
from rag.reading.excel_rows import find_hidden_columns, find_hidden_rows, read_records
from rag.reading.grid_paper import is_grid_paper, read_form
from rag.reading.limits import check_pages
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.package import EXCEL, OLE_SIGNATURE, refuse_ole
from rag.reading.sheet_drawings import Drawing, read_drawings
from rag.reading.sheet_page import Outside, SheetPage, build_sheet_page
from rag.reading.sheets import build_content, report_skipped

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MARGIN_CODE = re.compile(r'&&|&K[0-9A-Fa-f]{6}|&"[^"]*"|&\d+|&[A-Za-z]')
_FORMULA_WITHOUT_VALUE = re.compile(rb"<c\b[^<>]*>\s*<f\b[^<>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")


def read_excel(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a workbook, one page for each visible sheet that is not empty; the page number is the sheet's place.

    A locator's row is the number that Excel shows. Raises ReadingError (codes encrypted, unknown_format, too_many_pages).
    """
    problems = list(_check_container(path, source))
    with zipfile.ZipFile(path) as archive:
        drawings = read_drawings(archive)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # openpyxl warns of drawings and validations that it leaves out: we read them ourselves
        workbook = _open_workbook(path)
    check_pages(len(workbook.sheetnames), source, options, noun="シート")
    pages: list[SheetPage] = []
    for number, name in enumerate(workbook.sheetnames, start=1):
        sheet, drawing = workbook[name], drawings.get(name, Drawing())
        problems += report_sheet(sheet, drawing, source, number)
        if sheet.sheet_state == "visible" and hasattr(sheet, "merged_cells"):
            built = _read_sheet(sheet, drawing, number)
            if built.page.text:
                problems += report_skipped(built, source)
                pages.append(built)
    return build_content(pages, problems)


def _read_sheet(sheet: Worksheet, drawing: Drawing, number: int) -> SheetPage:
    is_form = is_grid_paper(sheet)
    records = list(read_form(sheet) if is_form else read_records(sheet))
    headers, footers = find_margins(sheet)
    outside = Outside(tuple(_find_notes(sheet, drawing)), headers, footers, is_form)
    return build_sheet_page(records, number=number, sheet=sheet.title, outside=outside)


def _find_notes(sheet: Worksheet, drawing: Drawing) -> list[tuple[int, str]]:
    """Return (row, text) of text boxes and of comments on visible cells, by row."""
    rows, columns = find_hidden_rows(sheet), find_hidden_columns(sheet)
    notes = list(drawing.texts)
    for (row, column), cell in sorted(sheet._cells.items()):
        if cell.comment is not None and row not in rows and column not in columns:
            text = drawing.threads.get(cell.coordinate) or cell.comment.text
            notes.append((row, text.replace("\r\n", "\n").strip()))
    return sorted(((row, text) for row, text in notes if text), key=lambda note: note[0])


def find_margins(sheet: Worksheet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of the headers and of the footers that are printed on a sheet, without its codes (page number, date)."""
    setting = sheet.HeaderFooter
    kinds = ["odd"] + ["even"] * bool(setting.differentOddEven) + ["first"] * bool(setting.differentFirst)

    def words(place: str) -> tuple[str, ...]:
        items = [getattr(setting, f"{kind}{place}") for kind in kinds]
        parts = [part.text for item in items if item for part in (item.left, item.center, item.right) if part.text]
        plain = [
            " ".join(_MARGIN_CODE.sub(lambda code: "&" if code[0] == "&&" else " ", part).split()) for part in parts
        ]
        return tuple(dict.fromkeys(text for text in plain if re.search(r"\w", text)))

    return words("Header"), words("Footer")


def _open_workbook(path: Path) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(path, data_only=True, keep_vba=False, keep_links=False)


def _check_container(path: Path, source: str) -> Iterator[Problem]:
    with path.open("rb") as file:
        head = file.read(len(OLE_SIGNATURE))
    if head == OLE_SIGNATURE:
        raise refuse_ole(path, source, EXCEL)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
        missing = sum(len(_FORMULA_WITHOUT_VALUE.findall(archive.read(name))) for name in names)
    if missing:
        message = f"計算結果が保存されていない数式が {missing} 個あり、空として読みました。"
        yield Problem(source, "formula_without_value", message, "Excel で開いて上書き保存してください。")
