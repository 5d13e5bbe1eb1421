"""Records of cells (CSV, Excel): which columns hold questions and answers, where a table begins, which row is its header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import squeeze

MAX_HEADER_CHARS = 40
MAX_HEADER_ROWS = 3
MAX_HEADING_CHARS = 50
_MIN_NOTE_CHARS = 40
_NOTE_MARK = re.compile(r"[※＊*]|[（(]?(?:注|備考|参考|出典|資料)(?:[\d０-９]*[）):：\s]|[\d０-９]+)")
_ROWS_BEFORE_HEADER = 15
_QUESTION = re.compile(
    r"(?:想定|よくある|主な)?(?:ご|お)?(?:質問|質疑|問い?合わ?せ|問い?|照会|相談)(?:内容|文|事項|例)?|q|question"
)
_ANSWER = re.compile(r"(?:ご|お)?(?:回答|答え?|応答|返答)(?:内容|文|例|案)?|a|answer")
_CATEGORY = re.compile(r"(?:大|中|小)?(?:分類|区分|項目)[1-3]?|カテゴリー?[1-3]?|分野|ジャンル|テーマ|category")
_DEPARTMENT = re.compile(
    r"(?:所管|担当|主管|所属)(?:部署|課|係|部|室|部局|課名|課係|課等)?|部署名?|課名|問い?合わ?せ先"
)
_EXTENSION = re.compile(r"(?:内線|電話)(?:番号)?|連絡先|tel")
_NUMBER = re.compile(r"[\d０-９.,，．%％円△▲+\-−年月日:/\s]+")
_ERA_DAY = re.compile(
    r"(?:明治|大正|昭和|平成|令和|[明大昭平令MTSHR])(?:[\d０-９]+|元)[年./]\s*[\d０-９]+[月./][\d０-９日\s]*"
)
_OTHER_CALENDAR = re.compile(r"（[^（）]*年[^（）]*）$")


@dataclass(frozen=True, slots=True)
class Record:
    """One row of cells without outer white space, "" where a cell is empty.

    row: what people count. origins: for each column the column whose cell it shows (another one inside a merged cell).
    reach: the last row that a cell of this one covers, when it is one of the next two. marked: all its cells are bold or shaded.
    """

    row: int
    cells: tuple[str, ...]
    origins: tuple[int, ...] = ()
    reach: int = 0
    marked: bool = False

    def cell(self, column: int | None) -> str:
        """Return the cell of a column, "" for None and for a column beyond the end."""
        return self.cells[column] if column is not None and column < len(self.cells) else ""

    def origin(self, column: int) -> int:
        """Return the column whose cell a column shows."""
        return self.origins[column] if column < len(self.origins) else column

    @property
    def filled(self) -> list[int]:
        """The columns whose cells are not empty."""
        return [column for column, cell in enumerate(self.cells) if cell]

    @property
    def covered(self) -> list[int]:
        """The columns that show something: a cell of their own, or that of a merged one."""
        return [column for column, cell in enumerate(self.cells) if cell or self.origin(column) != column]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a Q&A table is which; `others` is what has no part of its own."""

    question: int
    answer: int
    categories: tuple[int, ...]
    department: int | None
    extension: int | None
    others: tuple[int, ...]


def find_qa_columns(records: Sequence[Record]) -> tuple[int, Columns] | None:
    """Return the place of the header record of a Q&A table among the first ones, and its columns; None when there is none.

    >>> find_qa_columns([Record(1, ("分類", "ご質問", "回答", "担当課", "内線"))])[1].answer
    2
    """
    for place, record in enumerate(records[:_ROWS_BEFORE_HEADER]):
        names = [_header_name(cell) if record.origin(i) == i else "" for i, cell in enumerate(record.cells)]
        question, answer = _first(names, _QUESTION), _first(names, _ANSWER)
        if question is not None and answer is not None:
            return place, _assign_columns(names, question, answer)
    return None


def _header_name(cell: str) -> str:
    """Return the bare name of a heading: 「質問（Q）」「※回答欄」 lose their trimmings."""
    return re.sub(r"\(.*?\)|^[※*○●■]+|欄$|[:*]$", "", squeeze(cell))


def _first(names: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((column for column, name in enumerate(names) if pattern.fullmatch(name)), None)


def _assign_columns(names: Sequence[str], question: int, answer: int) -> Columns:
    categories = tuple(i for i, name in enumerate(names) if _CATEGORY.fullmatch(name))
    department = next((i for i, n in enumerate(names) if _DEPARTMENT.fullmatch(n) and i != question), None)
    extension = _first(names, _EXTENSION)
    taken = {question, answer, department, extension, *categories}
    return Columns(
        question, answer, categories, department, extension, tuple(i for i in range(len(names)) if i not in taken)
    )


def is_lone(record: Record) -> bool:
    """Tell whether a record has one cell only, merged or not."""
    return len({record.origin(column) for column in record.filled}) <= 1


def find_header(records: Sequence[Record]) -> int | None:
    """Return the place of the first record that looks like headings: wide, short, hardly any numbers, something below it."""
    width = max((len(record.covered) for record in records), default=0)
    for place, record in enumerate(records[: min(_ROWS_BEFORE_HEADER, len(records) - 1)]):
        if not is_lone(record) and len(record.covered) >= max(2, width / 2):
            return place if is_header(record) else None
    return None


_KIND_LABEL = re.compile(r"(?:区分|種類|種別|名称|品目|項目|施設|職名)$")


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number, an amount or a date rather than words.

    >>> [is_number(cell) for cell in ("1,200円", "4月1日", "R7.4.1（2025年4月1日）", "令和7年度", "第1号", "")]
    [True, True, True, False, False, False]
    """
    bare = _OTHER_CALENDAR.sub("", cell)
    return bool(_NUMBER.fullmatch(bare) or _ERA_DAY.fullmatch(bare))


def heads_numbers(label: str, heading: str, values: Sequence[str]) -> bool:
    """Tell whether the first row of two columns heads amounts: no number itself, numbers below it.

    label: the first cell on the left, which tells where there is one row only.

    >>> heads_numbers("講師の区分", "1時間当たりの謝礼の上限", ["15,000円"]), heads_numbers("委員", "日額", ["7,200円", "6,000円"])
    (True, True)
    >>> heads_numbers("対象者", "町内の人", ["300円", "町民課"]), heads_numbers("手数料", "300円", ["14日", "3年"])
    (False, False)
    """
    enough = len(values) > 1 or bool(_KIND_LABEL.search(label))
    return enough and bool(values) and not is_number(heading) and all(map(is_number, values))


def is_header(record: Record) -> bool:
    """Tell whether the cells of a record look like headings of columns."""
    cells = [record.cells[column] for column in record.filled]
    numbers = sum(map(is_number, cells))
    return len(cells) > 1 and numbers <= len(cells) / 3 and max(map(len, cells)) <= MAX_HEADER_CHARS


def count_header_rows(records: Sequence[Record]) -> int:
    """Return how many rows, up to three, the header that begins with the first record has.

    It goes on below a cell that is merged downwards, and below one that is merged sideways when what follows looks like headings.
    """
    depth = 1
    while depth < min(MAX_HEADER_ROWS, len(records) - 1):
        header, following = records[:depth], records[depth]
        covered = following.row <= max(record.reach for record in header)
        if not covered and not (_divides(header) and is_header(following)):
            break
        depth += 1
    return depth


def _divides(header: Sequence[Record]) -> bool:
    """Tell whether a cell of the last record, and not one of those above, is merged sideways."""
    last, above = header[-1], header[:-1]
    wide = {origin for column, origin in enumerate(last.origins) if origin != column and last.cell(origin)}
    return any(all(record.cell(column) != last.cell(column) for record in above) for column in wide)


def is_section(record: Record, header: Sequence[Record]) -> bool:
    """Tell whether a row is one short cell merged over most of the table: a heading between the rows."""
    if not header or not record.origins or not is_lone(record):
        return False
    column = record.filled[0]
    covered = sum(origin == column for origin in record.origins)
    wide = covered > 1 and covered >= len(header[0].filled) / 2
    return wide and len(record.cells[column]) <= MAX_HEADING_CHARS


def is_title(record: Record) -> bool:
    """Tell whether a record is one short cell that is no sentence."""
    text = record.cells[record.filled[0]]
    return is_lone(record) and len(text) <= MAX_HEADING_CHARS and not text.endswith("。") and "\n" not in text


def is_marked_note(record: Record) -> bool:
    """Tell whether a record is one cell that begins as a note does.

    >>> [is_marked_note(Record(1, (cell,))) for cell in ("※別に定める。", "（注1）概算", "注 概算", "注文書")]
    [True, True, True, False]
    """
    return is_lone(record) and bool(_NOTE_MARK.match(record.cells[record.filled[0]]))


def count_notes(rows: Sequence[Record]) -> int:
    """Return how many rows at the end of a table are notes to it: lone sentences, or what is marked as a note."""
    count = 0
    for record in reversed(rows):
        text = record.cells[record.filled[0]]
        if not is_lone(record) or not (is_marked_note(record) or text.endswith("。") or len(text) > _MIN_NOTE_CHARS):
            break
        count += 1
    return count
