"""The question set: a sheet that the QA team keeps in Excel, read into frozen values, every mistake named by its row.

Columns: 番号, 質問, 期待する文書, ページ／行, 正解に含まれる語, 模範解答, 分類, 回答可否, 担当課, 備考. Several gold places and several
key facts are separated by `;`; the n-th place belongs to the n-th document.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

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
PARAPHRASE = "言い換え"
_ANSWERABLE = {"可": True, "不可": False}
_PAGED, _SHEETS, _RECORDS, _LINED = (".pdf", ".pptx"), (".xlsx", ".xlsm", ".xls"), (".csv", ".tsv"), (".txt", ".md")
_NUMBER = re.compile(r"(?:p\.?\s*)?(\d+)(?:\.0)?\s*(?:ページ|頁|枚目|行目?|件目)?", re.IGNORECASE)
_PLACE_FORMS = "PDF は頁（14）、Excel はシート名:行（よくある質問:12）、CSV は件（12）、テキストと Markdown は行（40）"
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Gold:
    """One place where the answer stands: a page, a row of a sheet, a record (row without sheet) or a line."""

    source: str
    page: int | None = None
    sheet: str | None = None
    row: int | None = None
    line: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the keys that are present: the JSON form."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


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

    Raises QuestionSetError that names every row with a mistake; a CSV row is a record, the header being 1, as Excel shows it.
    """
    check_batch_file(path, allowed=(".csv", ".xlsx"))
    if not path.is_file():
        raise QuestionSetError(f"質問集がありません: {path}", "ファイルの場所と名前を確かめてください。")
    rows = list(_read_records(path))
    problems = [*_find_repeated(rows)]
    questions = []
    for number, record in rows:
        found = list(_find_problems(record))
        problems += [(number, problem) for problem in found]
        if not found:
            questions.append(_to_question(record))
    if problems:
        raise _mistakes(path, problems)
    if not questions:
        raise QuestionSetError(f"質問集に質問がありません: {path}", "2行目から、1行に1問を書いてください。")
    return tuple(questions)


def _read_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row number, column -> cell) of the rows that are not blank."""
    rows = read_rows(path)
    header = [_column(cell) for cell in rows[0]] if rows else []
    if missing := [name for name in COLUMNS if _column(name) not in header]:
        found = "、".join(cell.strip() for cell in rows[0] if cell.strip()) if rows else ""
        raise QuestionSetError(
            f"{path} に列がありません: {'、'.join(missing)}（1行目の見出し: {found or 'なし'}）。",
            f"1行目の見出しを次のとおりにしてください: {'、'.join(COLUMNS)}",
        )
    places = {name: header.index(_column(name)) for name in COLUMNS}
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            yield number, {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}


def _column(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).split())


def _find_repeated(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, str]]:
    counts = Counter(record["番号"] for _, record in rows)
    for number, record in rows:
        if record["番号"] and counts[record["番号"]] > 1:
            yield number, f"番号 {record['番号']} が重複しています（番号は1問に1つにしてください）。"


def _find_problems(record: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with one row, each with its remedy."""
    yield from (f"{name}が空です。" for name in ("番号", "質問") if not record[name])
    answerable = _ANSWERABLE.get(record["回答可否"])
    if answerable is None:
        yield f"回答可否「{record['回答可否']}」が分かりません（可 か 不可 と書いてください）。"
    documents, places = split_cell(record["期待する文書"]), split_cell(record["ページ／行"])
    if answerable and not documents:
        yield "回答可否が可なのに、期待する文書がありません（文書とページ／行を書くか、不可にしてください）。"
    if answerable is False and (documents or places):
        yield "回答可否が不可なのに、期待する文書やページ／行があります（空にするか、可にしてください）。"
    if len(documents) != len(places):
        yield f"期待する文書が{len(documents)}件、ページ／行が{len(places)}件です（; で区切り、同じ数を同じ順に書いてください）。"
        return
    for document, place in zip(documents, places, strict=True):
        if parse_place(document, place) is None:
            yield f"ページ／行「{place}」（{document}）が分かりません（{_PLACE_FORMS}）。"


def split_cell(cell: str) -> list[str]:
    """Return the parts of a cell with several values.

    >>> split_cell("31;35"), split_cell("3年間；毎年度見直し; "), split_cell("")
    (['31', '35'], ['3年間', '毎年度見直し'], [])
    """
    return [part.strip() for part in re.split("[;；]", cell) if part.strip()]


def parse_place(document: str, place: str) -> Gold | None:
    """Return the gold place of one document; None where it is not understood.

    >>> parse_place("計画.pdf", "14"), parse_place("手引.txt", "40行目")
    (Gold(source='計画.pdf', page=14, sheet=None, row=None, line=None), Gold(source='手引.txt', page=None, sheet=None, row=None, line=40))
    >>> parse_place("Q&A.xlsx", "住民向け:28").as_dict(), parse_place("Q&A.csv", "7").as_dict()
    ({'source': 'Q&A.xlsx', 'sheet': '住民向け', 'row': 28}, {'source': 'Q&A.csv', 'row': 7})
    >>> parse_place("Q&A.xlsx", "28"), parse_place("計画.pdf", "第2章")
    (None, None)
    """
    source = unicodedata.normalize("NFC", document).replace("\\", "/")
    suffix = PurePosixPath(source).suffix.lower()
    sheet, _, written = place.replace("：", ":").rpartition(":")
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", written).strip())
    number = int(match[1]) if match else 0
    if number < 1 or bool(sheet) != (suffix in _SHEETS):
        return None
    if suffix in _SHEETS:
        return Gold(source, sheet=sheet.strip(), row=number)
    if suffix in _PAGED:
        return Gold(source, page=number)
    if suffix in _RECORDS:
        return Gold(source, row=number)
    return Gold(source, line=number) if suffix in _LINED else None


def _to_question(record: Mapping[str, str]) -> Question:
    pairs = zip(split_cell(record["期待する文書"]), split_cell(record["ページ／行"]), strict=True)
    return Question(
        id=record["番号"],
        text=record["質問"],
        gold=tuple(gold for pair in pairs if (gold := parse_place(*pair))),
        key_facts=tuple(split_cell(record["正解に含まれる語"])),
        model_answer=record["模範解答"],
        category=record["分類"],
        answerable=_ANSWERABLE[record["回答可否"]],
        department=record["担当課"],
        note=record["備考"],
    )


def _mistakes(path: Path, problems: Sequence[tuple[int, str]]) -> QuestionSetError:
    lines = [f"  {number}行目: {problem}" for number, problem in sorted(problems)]
    if len(lines) > _MOST_PROBLEMS:
        lines[_MOST_PROBLEMS:] = [f"  ほか {len(lines) - _MOST_PROBLEMS} 件"]
    message = "\n".join([f"質問集 {path} に誤りが {len(problems)} 件あります。", *lines])
    return QuestionSetError(message, "上の行を直してから、もう一度実行してください。")
