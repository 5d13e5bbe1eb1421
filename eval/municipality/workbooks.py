"""The workbooks of the town: questions and answers, extensions, and fees in tables with merged headings."""

from __future__ import annotations

import datetime
from itertools import groupby

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from eval.municipality.facts import NOON, THOUSANDS, Facts
from eval.municipality.settled import save
from eval.municipality.texts import Text, rows_of

QUESTIONS = Text("xlsx", "共通/よくある質問.xlsx", "qa-citizens.psv")
EXTENSIONS = Text("phones", "総務課/事務分掌・内線一覧.xlsx", "extensions.psv")
FEES = Text("fees", "企画財政課/公共施設使用料一覧.xlsx", "fees-rooms.psv")
BOOKS = (QUESTIONS, EXTENSIONS, FEES)
_LINE = Side(style="thin", color="808080")
_ROOM_HEAD = (
    ("区分", "施設・部屋", "使用料（1回当たり、円）", "", "", "冷暖房（1時間、円）", "定員"),
    ("", "", "午前（9時から12時まで）", "午後（13時から17時まで）", "夜間（18時から22時まで）", "", ""),
)
_SPORT_HEAD = ("施設", "区分", "単位", "町内の者", "町外の者", "備考")


def make_workbooks(facts: Facts) -> None:
    """Write every workbook."""
    make_questions(facts)
    make_extensions(facts)
    make_fees(facts)


def make_extensions(facts: Facts) -> None:
    """Write the sections of all departments with their extensions; a department is written once, over its merged rows."""
    book = Workbook()
    sheet = _first_sheet(book, "内線一覧")
    _append_titles(
        sheet,
        "事務分掌・内線一覧（令和8年10月1日現在）",
        f"※{facts['町']['断り']}",
        f"代表電話 {facts['町']['代表電話']}",
    )
    rows = rows_of(EXTENSIONS.source, facts)
    top = sheet.max_row + 1
    for department, section, place, extension, work in rows:
        sheet.append([department, section, place, int(extension) if extension.isdigit() else extension, work])
    _merge_runs(sheet, top + 1, [row[0] for row in rows[1:]])
    _rule(sheet, top, widths=(16, 30, 20, 8, 60))
    _finish(book, EXTENSIONS, "総務課")


def make_fees(facts: Facts) -> None:
    """Write the fees of rooms, under headings of two rows with merged cells, and those of sports grounds."""
    book = Workbook()
    rooms = _first_sheet(book, "部屋の使用料")
    _append_titles(rooms, "公共施設使用料一覧（令和8年4月1日現在）", f"※{facts['町']['断り']}")
    top = rooms.max_row + 1
    for head in _ROOM_HEAD:
        rooms.append(list(head))
    rooms.merge_cells(start_row=top, end_row=top, start_column=3, end_column=5)
    for column in (1, 2, 6, 7):
        rooms.merge_cells(start_row=top, end_row=top + 1, start_column=column, end_column=column)
    rows = rows_of("fees-rooms.psv", facts)
    for kind, room, *fees, heating, seats in rows:
        rooms.append([kind, room, *(int(fee.replace(",", "")) for fee in fees), int(heating), seats])
    _merge_runs(rooms, top + 2, [row[0] for row in rows])
    _rule(rooms, top, widths=(18, 26, 14, 14, 14, 12, 10), head_rows=2)
    rooms.append(["営利を目的とする利用は、使用料の3倍とする。町外の者の利用は、使用料の2倍とする。"])
    rooms.append(["使用料の減免は、使用の5日前までに減免申請書（様式第3号）を提出する。"])
    sports = book.create_sheet("体育・観光施設")
    _append_titles(sports, "体育施設・観光施設の使用料（令和8年4月1日現在）")
    top = sports.max_row + 1
    sports.append(list(_SPORT_HEAD))
    rows = rows_of("fees-sports.psv", facts)
    for row in rows:
        sports.append(row)
    _merge_runs(sports, top + 1, [row[0] for row in rows])
    _rule(sports, top, widths=(24, 22, 10, 12, 12, 36))
    _finish(book, FEES, "企画財政課")


def _first_sheet(book: Workbook, title: str) -> Worksheet:
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    return sheet


def _append_titles(sheet: Worksheet, title: str, *notes: str) -> None:
    sheet.append([title])
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    for note in notes:
        sheet.append([note])


def _merge_runs(sheet: Worksheet, top: int, values: list[str]) -> None:
    """Merge the cells of the first column that say the same, from a row on."""
    for _, run in groupby(enumerate(values, start=top), key=lambda pair: pair[1]):
        first, *rest = (row for row, _ in run)
        if rest:
            sheet.merge_cells(start_row=first, end_row=rest[-1], start_column=1, end_column=1)


def _rule(sheet: Worksheet, top: int, *, widths: tuple[int, ...], head_rows: int = 1) -> None:
    """Rule the table that begins at a row, and set its headings apart."""
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number, row in enumerate(sheet.iter_rows(min_row=top, max_col=len(widths))):
        for cell in row:
            cell.border = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
            cell.alignment = Alignment(wrap_text=True, vertical="center")
            if isinstance(cell.value, int) and cell.value >= 1000:
                cell.number_format = THOUSANDS
            if number < head_rows:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E5EC")
    sheet.freeze_panes = f"A{top + head_rows}"


def _finish(book: Workbook, one: Text, department: str) -> None:
    book.properties.creator = f"澄野町{department}（架空の自治体）"
    book.properties.created = NOON
    save(one.target, book.save)


def make_questions(facts: Facts) -> None:
    """Write the sheets of questions and answers."""
    book = Workbook()
    citizens = _first_sheet(book, "住民向け")
    note = facts["町"]["断り"]
    fill_sheet(
        citizens,
        [["澄野町　よくある質問（住民向け）　令和8年10月1日現在"], [f"※{note}"]],
        rows_of("qa-citizens.psv", facts),
        facts,
    )
    fill_sheet(book.create_sheet("職員向け"), [], rows_of("qa-staff.psv", facts), facts)
    _finish(book, QUESTIONS, "総務課")


def fill_sheet(sheet: Worksheet, titles: list[list[str]], rows: list[list[str]], facts: Facts) -> None:
    """Write the title rows, the header and the numbered questions, with the department's extension."""
    for title in titles:
        sheet.append(title)
        sheet.cell(sheet.max_row, 1).font = Font(bold=True, size=13 if len(title[0]) < 30 else 9)
    sheet.append(["番号", "分類", "質問", "回答", "所管課", "内線", "更新日"])
    header = sheet.max_row
    for number, (kind, question, answer, department, day) in enumerate(rows, start=1):
        extension = int(facts["課"][department][0])
        sheet.append([number, kind, question, answer, department, extension, datetime.date.fromisoformat(day)])
    dress(sheet, header)


def dress(sheet: Worksheet, header: int) -> None:
    """Rule the cells, wrap the text and freeze the header."""
    for column, width in zip("ABCDEFG", (6, 14, 44, 70, 14, 7, 12), strict=True):
        sheet.column_dimensions[column].width = width
    for row in sheet.iter_rows(min_row=header, max_col=7):
        for cell in row:
            cell.border = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.row == header:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E5EC")
            elif cell.column == 7:
                cell.number_format = "[$-411]ggge年m月d日"
    sheet.freeze_panes = f"A{header + 1}"
