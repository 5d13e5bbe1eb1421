"""The workbooks of the town: questions and answers."""

from __future__ import annotations

import datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet

from eval.municipality.facts import NOON, Facts
from eval.municipality.settled import save
from eval.municipality.texts import Text, rows_of

QUESTIONS = Text("xlsx", "共通/よくある質問.xlsx", "qa-citizens.psv")
WORKBOOKS = (QUESTIONS,)


def make_workbooks(facts: Facts) -> None:
    """Write every workbook."""
    make_questions(facts)


def make_questions(facts: Facts) -> None:
    """Write the sheets of questions and answers."""
    book = Workbook()
    citizens = book.active
    assert isinstance(citizens, Worksheet)
    citizens.title = "住民向け"
    note = facts["町"]["断り"]
    fill_sheet(
        citizens,
        [["澄野町　よくある質問（住民向け）　令和8年10月1日現在"], [f"※{note}"]],
        rows_of("qa-citizens.psv", facts),
        facts,
    )
    fill_sheet(book.create_sheet("職員向け"), [], rows_of("qa-staff.psv", facts), facts)
    book.properties.creator = "澄野町総務課（架空の自治体）"
    book.properties.created = NOON
    save(QUESTIONS.target, book.save)


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
    line = Side(style="thin", color="808080")
    for column, width in zip("ABCDEFG", (6, 14, 44, 70, 14, 7, 12), strict=True):
        sheet.column_dimensions[column].width = width
    for row in sheet.iter_rows(min_row=header, max_col=7):
        for cell in row:
            cell.border = Border(left=line, right=line, top=line, bottom=line)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if cell.row == header:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E5EC")
            elif cell.column == 7:
                cell.number_format = "[$-411]ggge年m月d日"
    sheet.freeze_panes = f"A{header + 1}"
