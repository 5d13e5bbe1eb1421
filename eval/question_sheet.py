"""The sheet that the QA team keeps: its columns, its rows as text, and mistakes that are named by their cell (D5)."""

from __future__ import annotations

import functools
import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.sheet_tables import Heading, describe_near, find_heading, read_tables, write_address
from rag.batch import check_batch_file
from rag.errors import QuestionSetError

COLUMNS = (
    "番号",
    "質問",
    "期待する文書",
    "ページ／行",
    "正解に含まれる語",
    "模範解答",
    "分類",
    "回答可否",
    "担当課",
    "備考",
)
NUMBER, QUESTION = "番号", "質問"
DOCUMENT, PLACE = "期待する文書", "ページ／行"
AS_OF, PURPOSE = "基準日", "用途"
OPTIONAL_COLUMNS = (AS_OF, PURPOSE)
"""A sheet need not have them."""
SUFFIXES = (".csv", ".xlsx")
_YES, _NO = ("○", "〇", "◯"), ("×", "✕", "✖", "x", "X")
_SAME_WORDS = {
    "回答可否": dict.fromkeys(_YES, "可") | dict.fromkeys(("否", *_NO), "不可"),
    "採否": dict.fromkeys(("採用", "はい", *_YES), "採") | dict.fromkeys(("不採用", "いいえ", *_NO), "否"),
}
"""Other words for those that a column is filled in with."""
_log = logging.getLogger(__name__)
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row. number: as Excel shows it, the header being 1; of a CSV it counts records. columns: name -> place, from 0.

    merged: 番号 or 質問, where its cell is merged with one above -> the address of that one. sheet: "" of a CSV.
    """

    number: int
    cells: Mapping[str, str]
    columns: Mapping[str, int] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""

    def __getitem__(self, column: str) -> str:
        """Return the text of a cell; "" where the sheet has no such column."""
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong in a cell and how to mend it. column: "" for the whole row. place: of the column in the sheet, from 0."""

    row: int
    column: str
    place: int
    message: str

    def describe(self) -> str:
        """Return it with the address of its cell.

        >>> CellProblem(5, "ページ／行", 3, "頁がありません。").describe()
        'D5（5行目「ページ／行」）: 頁がありません。'
        """
        return f"{write_address(self.place, self.row)}（{self.row}行目「{self.column}」）: {self.message}"


def report_cell(row: SheetRow, column: str, message: str) -> CellProblem:
    """Return a problem of one cell of a row."""
    return CellProblem(row.number, column, row.columns.get(column, 0), message)


def read_sheet(path: Path, *, extra: Sequence[str] = ()) -> list[SheetRow]:
    """Return the rows that are not blank of a CSV (UTF-8, CP932) or of the sheet of an Excel file that has the headings.

    The headings may stand below a title; where there is no 番号 the rows are numbered Q1, Q2… and a log line says so. A cell that is
    merged downwards counts for each of its rows. extra: more columns to read.

    Raises QuestionSetError for another form of file, one that is not there, and missing or repeated columns.
    """
    check_batch_file(path, allowed=SUFFIXES)
    if not path.is_file():
        raise QuestionSetError(f"質問集がありません: {path}", "ファイルの場所と名前を確かめてください。")
    needed = [name for name in COLUMNS if name != NUMBER]
    heading = find_heading(path, read_tables(path), needed, (NUMBER, *OPTIONAL_COLUMNS, *extra))
    rows = [
        _read_row(heading, index)
        for index, cells in enumerate(heading.table.rows)
        if index > heading.row and any(cell.strip() for cell in cells)
    ]
    if NUMBER in heading.places:
        return rows
    _tell_numbering(path, "、".join(describe_near(heading, [NUMBER])))
    return [replace(row, cells={NUMBER: f"Q{count}", **row.cells}) for count, row in enumerate(rows, start=1)]


@functools.cache
def _tell_numbering(path: Path, near: str) -> None:
    """Log, once for each file, that its rows were numbered."""
    _log.warning("%s に「番号」の列がないので、上から順に Q1、Q2… と番号を付けました%s。", path, near and f"（{near}）")


def _read_row(heading: Heading, index: int) -> SheetRow:
    """Return a row; what is merged with a cell above it has that one's text, but for the number and the question."""
    cells, merged = {}, {}
    for name, place in heading.places.items():
        origin = heading.table.merged.get((index, place), index)
        if origin in (index, heading.row):
            cells[name] = _read_cell(heading.table.rows[index], place, name)
        elif name in (NUMBER, QUESTION):
            cells[name], merged[name] = "", write_address(place, origin + 1)
        else:
            cells[name] = _read_cell(heading.table.rows[origin], place, name)
    return SheetRow(index + 1, cells, heading.places, merged, heading.table.name)


def _read_cell(row: Sequence[str], place: int, column: str) -> str:
    """Return the text of a cell without the mark that keeps a spreadsheet from running it (see `write_sheet` of rag.batch)."""
    text = row[place].strip() if place < len(row) else ""
    text = text[1:] if _GUARDED.match(text) else text
    return _SAME_WORDS.get(column, {}).get(unicodedata.normalize("NFKC", text), text)


def raise_problems(path: Path, problems: Iterable[CellProblem], *, most: int | None = None) -> None:
    """Raise QuestionSetError that lists the problems by row; nothing where there are none. most: how many are shown."""
    found = sorted(set(problems), key=lambda problem: (problem.row, problem.place, problem.message))
    if not found:
        return
    lines = [f"  {problem.describe()}" for problem in found]
    if most is not None and len(lines) > most:
        lines[most:] = [f"  ほか {len(lines) - most} 件"]
    message = "\n".join([f"質問集 {path} に誤りが {len(found)} 件あります。", *lines])
    raise QuestionSetError(message, "上の欄を直してから、もう一度実行してください。")
