"""Write question sets for people: Excel with a frozen heading, widths, lists to choose from and a page that fits paper, or CSV with BOM.

What looks like a formula stays text: in Excel the cell says so (nothing is put before its words), in a CSV a `'` stands before it,
which reading takes away again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.question_sheet import AS_OF, COLUMNS, OPTIONAL_COLUMNS, PURPOSE, SUFFIXES
from eval.questions import ANSWERABLE, HELD_OUT, TUNING, Question
from rag.batch import check_batch_file
from rag.errors import QuestionSetError

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.worksheet.worksheet import Worksheet

SHEET, CHOICES = "質問集", "選択肢"
QUESTION_COLUMNS = (*COLUMNS, *OPTIONAL_COLUMNS)
_WIDTHS = {
    "番号": 8,
    "質問": 48,
    "期待する文書": 40,
    "ページ／行": 16,
    "正解に含まれる語": 28,
    "模範解答": 48,
    "備考": 28,
    "候補の文書": 40,
    "候補のページ／行": 16,
    "候補の文": 64,
}
_OTHER_WIDTH = 12
_SIDE_MARGIN = 0.4  # inches: fourteen columns need all the width there is
_FORMULA, _QUOTED_FORMULA = re.compile(r"'*[=+\-@\t\r]"), re.compile(r"'+[=+\-@\t\r]")
_MOST_ROWS = 5_000
"""As far down as a list to choose from reaches at least: people add rows."""
Rows = Sequence[Mapping[str, str]]


def write_questions(path: Path, questions: Sequence[Question]) -> None:
    """Write a question set in the form of its suffix; reading it gives equal questions. Raises QuestionSetError where it cannot."""
    write_rows(path, QUESTION_COLUMNS, [write_cells(question) for question in questions])


def write_cells(question: Question) -> dict[str, str]:
    """Return a question as the cells of its row."""
    words = {answerable: word for word, answerable in ANSWERABLE.items()}
    return {
        "番号": question.id,
        "質問": question.text,
        "期待する文書": ";".join(gold.source for gold in question.gold),
        "ページ／行": ";".join(gold.write() for gold in question.gold),
        "正解に含まれる語": ";".join(question.key_facts),
        "模範解答": question.model_answer,
        "分類": question.category,
        "回答可否": words[question.answerable],
        "担当課": question.department,
        "備考": question.note,
        AS_OF: question.as_of.isoformat() if question.as_of else "",
        PURPOSE: HELD_OUT if question.is_held_out else "",
    }


def write_rows(
    path: Path, columns: Sequence[str], rows: Rows, *, choices: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write rows with the columns, in order. choices: column -> words to choose from, besides those of a question set.

    Raises QuestionSetError for another form of file or a place that cannot be written.
    """
    check_batch_file(path, allowed=SUFFIXES)
    write = _write_csv if path.suffix.lower() == ".csv" else _write_excel
    try:
        write(path, columns, rows, _list_choices(columns, rows) | dict(choices or {}))
    except OSError as error:
        raise QuestionSetError(
            f"質問集を書けません: {path}（{error.strerror or error}）",
            "ファイルを閉じてから、または別の場所を指定して、もう一度実行してください。",
        ) from error


def _write_csv(path: Path, columns: Sequence[str], rows: Rows, choices: Mapping[str, Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(guard_formula(row.get(name, "")) for name in columns)


def guard_formula(cell: str) -> str:
    """Return the text of a cell of a CSV with a mark before it where a spreadsheet would run it.

    >>> guard_formula("=1+1"), guard_formula("転入届")
    ("'=1+1", '転入届')
    """
    return "'" + cell if _FORMULA.match(cell) else cell


def _list_choices(columns: Sequence[str], rows: Rows) -> dict[str, Sequence[str]]:
    categories = sorted({row["分類"] for row in rows if row.get("分類")})
    known = {"回答可否": tuple(ANSWERABLE), PURPOSE: (TUNING, HELD_OUT), "分類": tuple(categories)}
    return {column: words for column, words in known.items() if column in columns and words}


def _write_excel(path: Path, columns: Sequence[str], rows: Rows, choices: Mapping[str, Sequence[str]]) -> None:
    import openpyxl
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET
    for number, column in enumerate(columns, start=1):
        _write_cell(sheet, 1, number, column)
        sheet.cell(1, number).font = Font(bold=True)
        sheet.cell(1, number).fill = PatternFill("solid", fgColor="DDE6F0")
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(column, _OTHER_WIDTH)
    for row_number, row in enumerate(rows, start=2):
        for number, column in enumerate(columns, start=1):
            _write_cell(sheet, row_number, number, row.get(column, ""))
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(rows) + 1}"
    _fit_paper(sheet)
    _offer_choices(sheet, columns, len(rows), choices)
    book.save(path)


def _fit_paper(sheet: Worksheet) -> None:
    """Print all columns on the width of one sheet of A4, landscape, with the heading on every page."""
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = int(sheet.PAPERSIZE_A4)
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0  # 0: as many pages as there are rows for
    sheet.page_margins.left = sheet.page_margins.right = _SIDE_MARGIN
    sheet.print_title_rows = "1:1"
    assert sheet.oddFooter is not None
    sheet.oddFooter.center.text = "&P / &N"


def _write_cell(sheet: Worksheet, row: int, column: int, text: str) -> None:
    """Write text as text into a cell that shows all of it."""
    from openpyxl.styles import Alignment

    cell = sheet.cell(row, column)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    write_text(cell, text)


def write_text(cell: Cell | MergedCell, text: str) -> None:
    """Write text as text, whatever it looks like."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if text:
        clean = ILLEGAL_CHARACTERS_RE.sub(" ", text)
        cell.value = "'" + clean if _QUOTED_FORMULA.match(clean) else clean
        cell.data_type = "s"
        cell.number_format = "@"
        cell.quotePrefix = bool(_FORMULA.match(clean))


def _offer_choices(sheet: Worksheet, columns: Sequence[str], count: int, choices: Mapping[str, Iterable[str]]) -> None:
    """Let people choose words in some columns; they stand on a hidden sheet of their own, which people can show again to add more."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    assert sheet.parent is not None
    listed = sheet.parent.create_sheet(CHOICES)
    listed.sheet_state = "hidden"
    for place, (column, words) in enumerate(choices.items(), start=1):
        letter, last = get_column_letter(place), 1
        _write_cell(listed, 1, place, column)
        for last, word in enumerate(words, start=2):
            _write_cell(listed, last, place, word)
        is_open = column == "分類"
        rule = DataValidation("list", formula1=f"{CHOICES}!${letter}$2:${letter}${last}", showErrorMessage=not is_open)
        own = get_column_letter(list(columns).index(column) + 1)
        rule.add(f"{own}2:{own}{max(_MOST_ROWS, count + 1)}")
        sheet.add_data_validation(rule)
