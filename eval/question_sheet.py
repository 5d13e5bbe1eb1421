"""The sheet that the QA team keeps: its columns, its rows as text, and mistakes that are named by their cell (D5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.batch import check_batch_file, read_rows
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
AS_OF, PURPOSE = "基準日", "用途"
OPTIONAL_COLUMNS = (AS_OF, PURPOSE)
"""A sheet need not have them."""
SUFFIXES = (".csv", ".xlsx")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row. number: as Excel shows it, the header being 1; of a CSV it counts records. columns: name -> place, from 0."""

    number: int
    cells: Mapping[str, str]
    columns: Mapping[str, int] = field(default_factory=dict)

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


def write_address(place: int, row: int) -> str:
    """Return the address of a cell, as Excel shows it.

    >>> write_address(0, 1), write_address(25, 9), write_address(26, 9)
    ('A1', 'Z9', 'AA9')
    """
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def report_cell(row: SheetRow, column: str, message: str) -> CellProblem:
    """Return a problem of one cell of a row."""
    return CellProblem(row.number, column, row.columns.get(column, 0), message)


def read_sheet(path: Path, *, extra: Sequence[str] = ()) -> list[SheetRow]:
    """Return the rows that are not blank of a CSV (UTF-8, CP932) or the first sheet of an Excel file. extra: more columns to read.

    Raises QuestionSetError for another form of file, one that is not there, and missing columns.
    """
    check_batch_file(path, allowed=SUFFIXES)
    if not path.is_file():
        raise QuestionSetError(f"質問集がありません: {path}", "ファイルの場所と名前を確かめてください。")
    rows = read_rows(path)
    header = [_name_column(cell) for cell in rows[0]] if rows else []
    if missing := [name for name in COLUMNS if _name_column(name) not in header]:
        found = "、".join(cell.strip() for cell in rows[0] if cell.strip()) if rows else ""
        raise QuestionSetError(
            f"{path} に列がありません: {'、'.join(missing)}（1行目の見出し: {found or 'なし'}）。",
            f"1行目の見出しを次のとおりにしてください: {'、'.join(COLUMNS)}（{'、'.join(OPTIONAL_COLUMNS)} はなくてもかまいません）",
        )
    names = [name for name in (*COLUMNS, *OPTIONAL_COLUMNS, *extra) if _name_column(name) in header]
    places = {name: header.index(_name_column(name)) for name in names}
    numbered = ((number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row))
    return [
        SheetRow(number, {name: _read_cell(row, at) for name, at in places.items()}, places) for number, row in numbered
    ]


def _name_column(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).split())


def _read_cell(row: Sequence[str], place: int) -> str:
    """Return the text of a cell without the mark that keeps a spreadsheet from running it (see `write_sheet` of rag.batch)."""
    text = row[place].strip() if place < len(row) else ""
    return text[1:] if _GUARDED.match(text) else text


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
