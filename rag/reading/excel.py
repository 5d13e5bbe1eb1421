"""Excel workbooks (.xlsx, .xlsm) -> one page for each visible sheet. Macros are never run; what is hidden is reported."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import Content, Problem
from rag.errors import ReadingError
from rag.reading.limits import check_pages
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.records import Record
from rag.reading.sheet_page import SheetPage, build_sheet_page
from rag.reading.sheets import build_content, report_skipped

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

OLE_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_FORMULA_WITHOUT_VALUE = re.compile(rb"<c\b[^<>]*>\s*<f\b[^<>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_QUOTED = re.compile(r'"([^"]*)"|\\(.)')


def read_excel(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a workbook, one page for each visible sheet that is not empty; the page number is the sheet's place.

    A locator's row is the number that Excel shows. Raises ReadingError (codes encrypted, unknown_format, too_many_pages).
    """
    problems = list(_check_container(path, source))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # openpyxl warns of drawings and validations that it leaves out: no text is in them
        workbook = _open_workbook(path)
    check_pages(len(workbook.sheetnames), source, options, noun="シート")
    pages: list[SheetPage] = []
    for number, name in enumerate(workbook.sheetnames, start=1):
        sheet = workbook[name]
        if not hasattr(sheet, "merged_cells"):
            continue  # a sheet that is one chart
        problems += _report_hidden(sheet, source, number)
        if sheet.sheet_state == "visible" and (records := list(_read_records(sheet))):
            built = build_sheet_page(records, number=number, sheet=name)
            problems += report_skipped(built, source)
            pages.append(built)
    return build_content(pages, problems)


def _open_workbook(path: Path) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(path, data_only=True, keep_vba=False, keep_links=False)


def _check_container(path: Path, source: str) -> Iterator[Problem]:
    with path.open("rb") as file:
        head = file.read(len(OLE_SIGNATURE))
    if head == OLE_SIGNATURE:
        raise _refuse_ole(path, source)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
        missing = sum(len(_FORMULA_WITHOUT_VALUE.findall(archive.read(name))) for name in names)
    if missing:
        message = f"計算結果が保存されていない数式が {missing} 個あり、空として読みました。"
        yield Problem(source, "formula_without_value", message, "Excel で開いて上書き保存してください。")


def _refuse_ole(path: Path, source: str) -> ReadingError:
    """Return the reason: an encrypted workbook and one of Excel 97 share the same outer container."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        message = f"パスワードで保護されています: {source}"
        return ReadingError(message, "Excel で開き、パスワードを外して保存し直してください。", code="encrypted")
    message = f"古い形式の Excel ファイルです: {source}"
    return ReadingError(message, "Excel で開き、xlsx 形式で保存し直してください。", code="unknown_format")


def _report_hidden(sheet: Worksheet, source: str, number: int) -> Iterator[Problem]:
    remedy = "検索させたい内容なら、再表示して保存し直してください。"
    if sheet.sheet_state != "visible":
        message = f"非表示のシート「{sheet.title}」は索引に入れていません。"
        yield Problem(source, "hidden_sheet", message, remedy, page=number)
        return
    rows, columns = _hidden_rows(sheet), _hidden_columns(sheet)
    used = {row for row, _ in _cells(sheet)} & rows
    if used:
        message = f"シート「{sheet.title}」の非表示の行 {len(used)} 行は索引に入れていません。"
        yield Problem(source, "hidden_rows", message, remedy, page=number, row=min(used))
    if columns & {column for _, column in _cells(sheet)}:
        message = f"シート「{sheet.title}」の非表示の列は索引に入れていません。"
        yield Problem(source, "hidden_columns", message, remedy, page=number)
    if errors := sum(cell.data_type == "e" for cell in _cells(sheet).values()):
        message = f"シート「{sheet.title}」にエラー値（#N/A など）が {errors} 個あり、空として読みました。"
        yield Problem(source, "cell_errors", message, "数式を直して保存し直してください。", page=number)


def _cells(sheet: Worksheet) -> dict[tuple[int, int], Any]:
    """Return the cells that exist, by row and column: `iter_rows` would make a million for one formatted last row."""
    cells: dict[tuple[int, int], Any] = {
        place: cell for place, cell in sorted(sheet._cells.items()) if cell.value is not None
    }
    return cells


def _hidden_rows(sheet: Worksheet) -> set[int]:
    return {row for row, dimension in sheet.row_dimensions.items() if dimension.hidden}


def _hidden_columns(sheet: Worksheet) -> set[int]:
    """Return the numbers of hidden columns; openpyxl keeps a group of them under its first letter."""
    groups = [dimension for dimension in sheet.column_dimensions.values() if dimension.hidden]
    return {
        column
        for group in groups
        if group.min and group.max
        for column in range(group.min, min(group.max, sheet.max_column) + 1)
    }


def _read_records(sheet: Worksheet) -> Iterator[Record]:
    """Yield the visible rows with a cell of their own; a cell merged downwards is repeated, one merged sideways is not."""
    values: dict[int, dict[int, str]] = {}
    for (row, column), cell in _cells(sheet).items():
        if text := show_cell(cell):
            values.setdefault(row, {})[column] = text
    origins = _spread_merged_cells(sheet, values)
    hidden_rows, hidden_columns = _hidden_rows(sheet), _hidden_columns(sheet)
    for row in sorted(values.keys() - hidden_rows):
        cells = {column: text for column, text in values[row].items() if column not in hidden_columns}
        merged = origins.get(row, {})
        columns = range(1, max([*cells, *merged], default=0) + 1)
        shown = tuple(cells.get(column, "") for column in columns)
        yield Record(row, shown, tuple(merged.get(column, column) - 1 for column in columns))


def _spread_merged_cells(sheet: Worksheet, values: dict[int, dict[int, str]]) -> dict[int, dict[int, int]]:
    """Repeat merged cells downwards in `values`; return by row which columns show the cell of another one."""
    origins: dict[int, dict[int, int]] = {}
    last_column = max((column for cells in values.values() for column in cells), default=0)
    for area in sheet.merged_cells.ranges:
        left, top, right, bottom = area.bounds
        text = values.get(top, {}).get(left)
        for row in range(top, min(bottom, max(values, default=0)) + 1) if text else ():
            if row in values and text:
                values[row][left] = text
                covered = range(left + 1, min(right, last_column) + 1)
                origins.setdefault(row, {}).update(dict.fromkeys(covered, left))
    return origins


def show_cell(cell: Any) -> str:
    """Return the value of a cell as people read it in the sheet: dates in Japanese, numbers with their commas and units."""
    value = cell.value
    if cell.data_type == "e" or value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return show_number(value, cell.number_format or "General")
    if isinstance(value, datetime | date | time | timedelta):
        return show_date(value)
    return str(value).replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def show_number(value: float, number_format: str) -> str:
    """Return a number as its format shows it, for the formats of everyday tables; else plainly.

    >>> show_number(1234567, '#,##0"円"'), show_number(0.125, "0.0%"), show_number(7, "000"), show_number(300.0, "General")
    ('1,234,567円', '12.5%', '007', '300')
    """
    shape = number_format.split(";")[0]
    bare = re.sub(r"\[[^\]]*\]|_.|\*.", "", _QUOTED.sub("", shape))
    before, _, after = _QUOTED.sub(lambda m: m[1] or m[2] or "", re.sub(r"\[[^\]]*\]|_.|\*.", "", shape)).partition("0")
    decimals = len(match[1]) if (match := re.search(r"0\.(0+)", bare)) else 0
    if "%" in bare:
        return f"{value * 100:.{decimals}f}%"
    if not re.fullmatch(r"[¥￥]?(?:#,##)?0+(?:\.0+)?\s*", bare):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    digits = re.match(r"0*", bare.partition("0")[2].partition(".")[0])
    width = 1 + len(digits[0]) if digits and "," not in bare else 1
    number = f"{value:{',' if ',' in bare else f'0{width}'}.{decimals}f}"
    return f"{before.replace('#,##', '')}{number}{after.lstrip('0.')}"


def show_date(value: date | time | timedelta) -> str:
    """Return a date or time in Japanese.

    >>> show_date(datetime(2025, 4, 1)), show_date(datetime(2025, 4, 1, 9, 5)), show_date(time(17, 15))
    ('2025年4月1日', '2025年4月1日 9:05', '17:15')
    """
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds() // 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    clock = f"{value.hour}:{value.minute:02}" if isinstance(value, datetime | time) else ""
    day = f"{value.year}年{value.month}月{value.day}日" if isinstance(value, date) else ""
    return day if clock == "0:00" and day else f"{day} {clock}".strip()
