"""The tables of a file that people keep: every sheet as text, its merged cells, and the row of headings, wherever it stands."""

from __future__ import annotations

import unicodedata
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from rag.batch import read_rows
from rag.errors import QuestionSetError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HEADING_ROWS = 15
"""The headings stand in one of these: a title, a date and a note may stand above them."""
_HINTS = {
    "番号": ("no", "no.", "id", "連番"),
    "質問": ("設問", "問", "問い", "質問文"),
    "期待する文書": ("文書", "文書名", "ファイル", "ファイル名", "資料"),
    "ページ／行": ("頁", "ページ", "行", "頁/行", "ページ番号", "頁番号", "場所", "位置"),
    "正解に含まれる語": ("語", "キーワード", "正解", "正解の語"),
    "模範解答": ("回答", "解答", "答え", "正答"),
    "分類": ("区分", "カテゴリ", "カテゴリー", "種別"),
    "回答可否": ("可否",),
    "担当課": ("課", "所管課", "所管", "担当"),
    "備考": ("メモ", "注記", "補足"),
}
"""Other headings that people write for a column, too far from it to be found by their spelling."""
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet as text. name: "" for a CSV. merged: a cell (row, column from 0) under the first of a merged range -> row of that one."""

    name: str
    rows: Sequence[Sequence[str]]
    merged: Mapping[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heading:
    """The row of headings, from 0, of a table, and the columns that it names: name -> place, from 0."""

    table: Table
    row: int
    places: Mapping[str, int]

    @property
    def cells(self) -> Sequence[str]:
        """What the row says."""
        return self.table.rows[self.row]


def read_tables(path: Path) -> list[Table]:
    """Return the sheets of an Excel file, or the one table of a CSV. Raises QuestionSetError for a file that is no Excel file."""
    return _read_book(path) if path.suffix.lower() == ".xlsx" else [Table("", read_rows(path))]


def _read_book(path: Path) -> list[Table]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of lists and colours that openpyxl leaves out: nothing is written back
            book = openpyxl.load_workbook(path, data_only=True)  # not read_only: that one knows no merged cells
        with closing(book):
            return [_read_table(sheet) for sheet in book.worksheets]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ValueError, TypeError) as error:
        raise QuestionSetError(
            f"Excel ファイルとして読めません: {path}", "Excel で開いて .xlsx 形式で保存し直してください。"
        ) from error


def _read_table(sheet: Worksheet) -> Table:
    merged = {
        (row - 1, cells.min_col - 1): cells.min_row - 1
        for cells in sheet.merged_cells.ranges
        for row in range(cells.min_row + 1, min(cells.max_row, sheet.max_row) + 1)
    }
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    return Table(sheet.title, rows, merged)


def find_heading(path: Path, tables: Sequence[Table], needed: Sequence[str], others: Sequence[str]) -> Heading:
    """Return the first row of headings, of the first sheet that has one. others: columns that may stand beside those needed.

    Raises QuestionSetError that names the columns that lack, the cells that may mean them and two columns of one name.
    """
    names = {normalize_heading(name): name for name in (*needed, *others)}
    rows = list(_list_heading_rows(tables, names))
    complete = [heading for heading in rows if not set(needed) - set(heading.places)]
    if complete:
        _check_repeated(path, complete[0], names)
        return complete[0]
    nearest = max(rows, key=lambda heading: len(heading.places), default=None)
    if nearest is None or not nearest.places:
        raise QuestionSetError(
            f"{path} に見出しの行がありません{_describe_read(tables)}。",
            f"見出しを次のとおりにしてください: {'、'.join(needed)}（{'、'.join(others)} はなくてもかまいません）",
        )
    raise _describe_missing(path, nearest, needed, others)


def _list_heading_rows(tables: Sequence[Table], names: Mapping[str, str]) -> Iterator[Heading]:
    for table in tables:
        for number, row in enumerate(table.rows[:HEADING_ROWS]):
            places: dict[str, int] = {}
            for place, cell in enumerate(row):
                if name := names.get(normalize_heading(cell)):
                    places.setdefault(name, place)
            yield Heading(table, number, places)


def _check_repeated(path: Path, heading: Heading, names: Mapping[str, str]) -> None:
    found = [(names.get(normalize_heading(cell)), place) for place, cell in enumerate(heading.cells)]
    counts = Counter(name for name, _ in found if name)
    if told := [
        f"{' と '.join(write_address(place, heading.row + 1) for own, place in found if own == name)}「{name}」"
        for name, count in counts.items()
        if count > 1
    ]:
        raise QuestionSetError(
            f"{path} に同じ見出しの列が 2 つ以上あります: {'、'.join(told)}。",
            "使う列を 1 つだけ残し、ほかは消すか、見出しを変えてください。",
        )


def _describe_read(tables: Sequence[Table]) -> str:
    sheets = "、".join(table.name for table in tables if table.name)
    where = f"それぞれ先頭の{HEADING_ROWS}行まで読みました"
    return f"（シート: {sheets}。{where}）" if sheets else f"（先頭の{HEADING_ROWS}行まで読みました）"


def _describe_missing(path: Path, heading: Heading, needed: Sequence[str], others: Sequence[str]) -> QuestionSetError:
    missing = [name for name in needed if name not in heading.places]
    found = "、".join(cell.strip() for cell in heading.cells if cell.strip())
    where = f"シート「{heading.table.name}」の" if heading.table.name else ""
    lines = [
        f"{path} に列がありません: {'、'.join(missing)}（{where}{heading.row + 1}行目の見出し: {found or 'なし'}）。",
        *(f"  {told}" for told in describe_near(heading, missing)),
    ]
    return QuestionSetError(
        "\n".join(lines),
        f"見出しを次のとおりにしてください: {'、'.join(needed)}（{'、'.join(others)} はなくてもかまいません）",
    )


def describe_near(heading: Heading, missing: Sequence[str]) -> Iterator[str]:
    """Yield for each heading that nothing is called, but that may mean a missing column, its cell and that column."""
    free = [(place, cell) for place, cell in enumerate(heading.cells) if place not in heading.places.values()]
    for place, cell in free:
        if name := find_near_column(cell, missing):
            yield f"{write_address(place, heading.row + 1)}「{cell.strip()}」: もしかして「{name}」"


def find_near_column(cell: str, columns: Sequence[str]) -> str | None:
    """Return the column that a heading may mean.

    >>> find_near_column("ぺーじ/行", ["質問", "ページ／行"]), find_near_column("頁", ["ページ／行"]), find_near_column("点数", ["質問"])
    ('ページ／行', 'ページ／行', None)
    """
    forms = {_fold_heading(form): name for name in columns for form in (name, *_HINTS.get(name, ()))}
    folded = _fold_heading(cell)
    near = get_close_matches(folded, [_fold_heading(name) for name in columns], 1, 0.6)
    return forms.get(folded) or (forms[near[0]] if near else None)


def normalize_heading(cell: str) -> str:
    """Return a heading without blanks, full width being half width."""
    return "".join(unicodedata.normalize("NFKC", cell).split())


def _fold_heading(cell: str) -> str:
    return normalize_heading(cell).translate(_KATAKANA).lower()


def write_address(place: int, row: int) -> str:
    """Return the address of a cell, as Excel shows it. place: of the column, from 0; row: from 1.

    >>> write_address(0, 1), write_address(25, 9), write_address(26, 9)
    ('A1', 'Z9', 'AA9')
    """
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"
