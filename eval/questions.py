"""The question set: a sheet that the QA team keeps in Excel, read into frozen values, every mistake named by its cell.

Columns: 番号, 質問, 期待する文書, ページ／行, 正解に含まれる語, 模範解答, 分類, 回答可否, 担当課, 備考, and where wanted 基準日 (the
day for which the question is asked) and 用途 (調整 or 検証). Several gold places and several key facts are separated by `;`; which
place belongs to which document says `row_places`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eval.document_names import DocumentNames
from eval.places import Gold, parse_place, split_cell
from eval.question_sheet import (
    AS_OF,
    COLUMNS,
    DOCUMENT,
    NUMBER,
    OPTIONAL_COLUMNS,
    PLACE,
    PURPOSE,
    QUESTION,
    CellProblem,
    SheetRow,
    raise_problems,
    read_sheet,
    report_cell,
)
from eval.row_places import read_row_places
from rag.errors import QuestionSetError
from rag.reading.metadata import parse_date

__all__ = [
    "COLUMNS",
    "OPTIONAL_COLUMNS",
    "PARAPHRASE",
    "Gold",
    "Question",
    "parse_place",
    "read_questions",
    "split_cell",
]

PARAPHRASE = "言い換え"
ANSWERABLE = {"可": True, "不可": False}
TUNING, HELD_OUT = "調整", "検証"
_HELD_OUT = {"": False, TUNING: False, HELD_OUT: True}
_MIDNIGHT = " 00:00:00"
"""How Excel's own days come out as text."""
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """One labelled question. key_facts: what a right answer contains; answerable: whether the documents answer it.

    as_of: the day for which it is asked, None for today. is_held_out: it only checks; nobody tunes on it.
    """

    id: str
    text: str
    gold: tuple[Gold, ...]
    key_facts: tuple[str, ...]
    model_answer: str
    category: str
    answerable: bool
    department: str
    note: str
    as_of: date | None = None
    is_held_out: bool = False

    @property
    def is_paraphrase(self) -> bool:
        """Whether it is asked in other words than the documents use."""
        return PARAPHRASE in self.note


def read_questions(path: Path, names: DocumentNames | None = None) -> tuple[Question, ...]:
    """Return the questions of a CSV (UTF-8, CP932) or of an Excel file. names: of the documents in the index, if it is known.

    Raises QuestionSetError that names every cell with a mistake; a CSV row is a record, the header being 1, as Excel shows it.
    """
    rows = read_sheet(path)
    raise_problems(path, find_mistakes(rows, names), most=_MOST_PROBLEMS)
    if not rows:
        raise QuestionSetError(f"質問集に質問がありません: {path}", "見出しの次の行から、1行に1問を書いてください。")
    return tuple(read_question(row, names) for row in rows)


def find_mistakes(rows: Sequence[SheetRow], names: DocumentNames | None = None) -> list[CellProblem]:
    """Return what is wrong with the rows by themselves, whatever the documents say. names: as in `find_row_mistakes`."""
    return [*_find_repeated(rows), *(problem for row in rows for problem in find_row_mistakes(row, names))]


def _find_repeated(rows: Sequence[SheetRow]) -> Iterator[CellProblem]:
    counts = Counter(row["番号"] for row in rows)
    for row in rows:
        if row["番号"] and counts[row["番号"]] > 1:
            yield report_cell(row, "番号", f"番号 {row['番号']} が重複しています（番号は1問に1つにしてください）。")


def find_row_mistakes(row: SheetRow, names: DocumentNames | None = None) -> Iterator[CellProblem]:
    """Yield what is wrong with one row, each with its remedy. names: of the documents in the index, None where there is none."""
    for name in (name for name in (NUMBER, QUESTION) if not row[name]):
        told = f"{row.merged[name]} と結合されています。結合を解いて、" if name in row.merged else f"{name}が空です。"
        yield report_cell(row, name, told + (f"この行の{name}を書いてください。" if name in row.merged else ""))
    if row["回答可否"] not in ANSWERABLE:
        told = f"回答可否「{row['回答可否']}」が分かりません（可 か 不可 と書いてください）。"
        yield report_cell(row, "回答可否", told)
    if row[PURPOSE] not in _HELD_OUT:
        told = f"用途「{row[PURPOSE]}」が分かりません（{TUNING} か {HELD_OUT} と書くか、空にしてください）。"
        yield report_cell(row, PURPOSE, told)
    try:
        _read_day(row[AS_OF])
    except ValueError as error:
        yield report_cell(row, AS_OF, f"基準日「{row[AS_OF]}」が分かりません。{error}")
    yield from _find_place_mistakes(row, names)


def _find_place_mistakes(row: SheetRow, names: DocumentNames | None) -> Iterator[CellProblem]:
    answerable = ANSWERABLE.get(row["回答可否"])
    if answerable and not row[DOCUMENT]:
        told = "回答可否が可なのに、期待する文書がありません（文書とページ／行を書くか、不可にしてください）。"
        yield report_cell(row, DOCUMENT, told)
    if answerable is False and (row[DOCUMENT] or row[PLACE]):
        told = "回答可否が不可なのに、期待する文書やページ／行があります（空にするか、可にしてください）。"
        yield report_cell(row, DOCUMENT, told)
    yield from read_row_places(row, names).problems


def _read_day(cell: str) -> date | None:
    return parse_date(cell.removesuffix(_MIDNIGHT)) if cell else None


def read_question(row: SheetRow, names: DocumentNames | None = None) -> Question:
    """Return the question of a row without mistakes. names: as in `find_row_mistakes`."""
    return Question(
        id=row["番号"],
        text=row["質問"],
        gold=read_row_places(row, names).gold,
        key_facts=tuple(split_cell(row["正解に含まれる語"])),
        model_answer=row["模範解答"],
        category=row["分類"],
        answerable=ANSWERABLE[row["回答可否"]],
        department=row["担当課"],
        note=row["備考"],
        as_of=_read_day(row[AS_OF]),
        is_held_out=_HELD_OUT[row[PURPOSE]],
    )
