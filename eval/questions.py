"""The question set: a sheet that the QA team keeps in Excel, read into frozen values, every mistake named by its cell.

Columns: 番号, 質問, 期待する文書, ページ／行, 正解に含まれる語, 模範解答, 分類, 回答可否, 担当課, 備考, and where wanted 基準日 (the
day for which the question is asked) and 用途 (調整 or 検証). Several gold places and several key facts are separated by `;`; the
n-th place belongs to the n-th document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eval.places import PLACE_FORMS, Gold, parse_place, split_cell
from eval.question_sheet import (
    AS_OF,
    COLUMNS,
    OPTIONAL_COLUMNS,
    PURPOSE,
    CellProblem,
    SheetRow,
    raise_problems,
    read_sheet,
    report_cell,
)
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


def read_questions(path: Path) -> tuple[Question, ...]:
    """Return the questions of a CSV (UTF-8, CP932) or the first sheet of an Excel file.

    Raises QuestionSetError that names every cell with a mistake; a CSV row is a record, the header being 1, as Excel shows it.
    """
    rows = read_sheet(path)
    raise_problems(path, find_mistakes(rows), most=_MOST_PROBLEMS)
    if not rows:
        raise QuestionSetError(f"質問集に質問がありません: {path}", "2行目から、1行に1問を書いてください。")
    return tuple(read_question(row) for row in rows)


def find_mistakes(rows: Sequence[SheetRow]) -> list[CellProblem]:
    """Return what is wrong with the rows by themselves, whatever the documents say."""
    return [*_find_repeated(rows), *(problem for row in rows for problem in find_row_mistakes(row))]


def _find_repeated(rows: Sequence[SheetRow]) -> Iterator[CellProblem]:
    counts = Counter(row["番号"] for row in rows)
    for row in rows:
        if row["番号"] and counts[row["番号"]] > 1:
            yield report_cell(row, "番号", f"番号 {row['番号']} が重複しています（番号は1問に1つにしてください）。")


def find_row_mistakes(row: SheetRow) -> Iterator[CellProblem]:
    """Yield what is wrong with one row, each with its remedy."""
    yield from (report_cell(row, name, f"{name}が空です。") for name in ("番号", "質問") if not row[name])
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
    yield from _find_place_mistakes(row)


def _find_place_mistakes(row: SheetRow) -> Iterator[CellProblem]:
    answerable = ANSWERABLE.get(row["回答可否"])
    documents, places = split_cell(row["期待する文書"]), split_cell(row["ページ／行"])
    if answerable and not documents:
        told = "回答可否が可なのに、期待する文書がありません（文書とページ／行を書くか、不可にしてください）。"
        yield report_cell(row, "期待する文書", told)
    if answerable is False and (documents or places):
        told = "回答可否が不可なのに、期待する文書やページ／行があります（空にするか、可にしてください）。"
        yield report_cell(row, "期待する文書", told)
    if len(documents) != len(places):
        told = f"期待する文書が{len(documents)}件、ページ／行が{len(places)}件です（; で区切り、同じ数を同じ順に書いてください）。"
        yield report_cell(row, "ページ／行", told)
        return
    for document, place in zip(documents, places, strict=True):
        if parse_place(document, place) is None:
            yield report_cell(
                row, "ページ／行", f"ページ／行「{place}」（{document}）が分かりません（{PLACE_FORMS}）。"
            )


def _read_day(cell: str) -> date | None:
    return parse_date(cell.removesuffix(_MIDNIGHT)) if cell else None


def read_question(row: SheetRow) -> Question:
    """Return the question of a row without mistakes."""
    pairs = zip(split_cell(row["期待する文書"]), split_cell(row["ページ／行"]), strict=True)
    return Question(
        id=row["番号"],
        text=row["質問"],
        gold=tuple(gold for pair in pairs if (gold := parse_place(*pair))),
        key_facts=tuple(split_cell(row["正解に含まれる語"])),
        model_answer=row["模範解答"],
        category=row["分類"],
        answerable=ANSWERABLE[row["回答可否"]],
        department=row["担当課"],
        note=row["備考"],
        as_of=_read_day(row[AS_OF]),
        is_held_out=_HELD_OUT[row[PURPOSE]],
    )
