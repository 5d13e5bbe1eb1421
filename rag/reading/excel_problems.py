"""What of a sheet is not in the index, said to the administrator: what is hidden, pictures and charts, cells in error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.documents import Problem
from rag.reading.excel_rows import find_cells, find_hidden_columns, find_hidden_rows
from rag.reading.sheet_drawings import Drawing

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_SHOW_AGAIN = "検索させたい内容なら、再表示して保存し直してください。"
_AS_PDF = "図の中の文字も検索させたいときは、文字をセルに書くか、PDF で保存したものも置いてください。"


def report_sheet(sheet: Worksheet, drawing: Drawing, source: str, number: int) -> Iterator[Problem]:
    """Yield a problem for each kind of thing on a sheet that is not indexed. number: the place of the sheet, from 1."""
    if sheet.sheet_state != "visible":
        message = f"非表示のシート「{sheet.title}」は索引に入れていません。"
        yield Problem(source, "hidden_sheet", message, _SHOW_AGAIN, page=number)
    elif not hasattr(sheet, "merged_cells"):
        message = f"グラフだけのシート「{sheet.title}」は索引に入れていません。"
        yield Problem(source, "sheet_pictures", message, _AS_PDF, page=number)
    else:
        yield from _report_hidden(sheet, source, number)
        yield from _report_pictures(sheet, drawing, source, number)
        yield from _report_errors(sheet, source, number)


def _report_hidden(sheet: Worksheet, source: str, number: int) -> Iterator[Problem]:
    rows, columns = find_hidden_rows(sheet), find_hidden_columns(sheet)
    cells = find_cells(sheet)
    used = {row for row, _ in cells} & rows
    if used:
        filtered = "（絞り込みで隠れた行を含みます）" if sheet.auto_filter.ref else ""
        message = f"シート「{sheet.title}」の非表示の行 {len(used)} 行は索引に入れていません{filtered}。"
        yield Problem(source, "hidden_rows", message, _SHOW_AGAIN, page=number, row=min(used))
    if columns & {column for _, column in cells}:
        message = f"シート「{sheet.title}」の非表示の列は索引に入れていません。"
        yield Problem(source, "hidden_columns", message, _SHOW_AGAIN, page=number)


def _report_pictures(sheet: Worksheet, drawing: Drawing, source: str, number: int) -> Iterator[Problem]:
    counts = [f"画像 {drawing.pictures} 個"] * bool(drawing.pictures) + [f"グラフ {drawing.charts} 個"] * bool(
        drawing.charts
    )
    if counts:
        message = f"シート「{sheet.title}」の{'と'.join(counts)}の中の文字は索引に入れていません。"
        yield Problem(source, "sheet_pictures", message, _AS_PDF, page=number)


def _report_errors(sheet: Worksheet, source: str, number: int) -> Iterator[Problem]:
    if errors := sum(cell.data_type == "e" for cell in find_cells(sheet).values()):
        message = f"シート「{sheet.title}」にエラー値（#N/A など）が {errors} 個あり、空として読みました。"
        yield Problem(source, "cell_errors", message, "数式を直して保存し直してください。", page=number)
