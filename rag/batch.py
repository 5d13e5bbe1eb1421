"""Batches of questions: read from JSONL, CSV or Excel, written with their answers in the same three forms.

Questions: {"id", "question"} a line, or a sheet with the columns id and question, or 番号 and 質問 as in the question set.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.documents import Answer, Citation, Standing, Status
from rag.errors import QuestionSetError

_ID_COLUMNS = ("id", "番号", "ID", "no", "No", "No.")
_QUESTION_COLUMNS = ("question", "質問")
_SUFFIXES = (".jsonl", ".csv", ".xlsx")
ANSWER_COLUMNS = ("番号", "質問", "状態", "回答", "出典", "位置", "引用", "確認", "確信度", "担当課", "理由")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BatchQuestion:
    """One question of a batch."""

    id: str
    question: str


def check_batch_file(path: Path, *, allowed: Sequence[str] = _SUFFIXES) -> None:
    """Raise QuestionSetError for a suffix that is not one of those allowed."""
    if path.suffix.lower() not in allowed:
        raise QuestionSetError(
            f"この形式のファイルは使えません: {path}", f"次の形式にしてください: {'、'.join(allowed)}"
        )


def check_output_file(path: Path, batch: Path, *, allowed: Sequence[str]) -> None:
    """Raise QuestionSetError where results cannot be written: another form, no such folder, or over the questions."""
    check_batch_file(path, allowed=allowed)
    if path.resolve() == batch.resolve():
        raise QuestionSetError(
            f"結果を質問ファイルに上書きしようとしています: {path}", "--output に別の名前を付けてください。"
        )
    if not path.parent.is_dir():
        raise QuestionSetError(
            f"結果を書くフォルダーがありません: {path.parent}", "フォルダーを作るか、別の場所を指定してください。"
        )


def read_batch(path: Path) -> list[BatchQuestion]:
    """Return the questions of a file; raise QuestionSetError that names the line or column that is wrong."""
    check_batch_file(path)
    if not path.is_file():
        raise QuestionSetError(f"質問ファイルがありません: {path}", "ファイルの場所と名前を確かめてください。")
    return list(_read_jsonl(path)) if path.suffix.lower() == ".jsonl" else _from_rows(read_rows(path), path)


def _read_jsonl(path: Path) -> Iterable[BatchQuestion]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuestionSetError(f"{path} は UTF-8 ではありません。", "UTF-8 で保存し直してください。") from error
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand inside a question
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not isinstance(value["question"], str):
                raise TypeError(value["question"])
            yield BatchQuestion(str(value["id"]), value["question"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            hint = '1行に {"id": "1", "question": "…"} の形で書いてください。'
            raise QuestionSetError(f"{path} の {number} 行目を読めません。", hint) from error


def read_rows(path: Path) -> list[list[str]]:
    """Return the cells of a CSV file or of the first sheet of an Excel file, as text."""
    if path.suffix.lower() == ".xlsx":
        return _read_sheet(path)
    from rag.reading.encoding import read_text_bytes

    text, _ = read_text_bytes(path.read_bytes(), path.name)
    return list(csv.reader(io.StringIO(text, newline="")))


def _read_sheet(path: Path) -> list[list[str]]:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            rows = book.worksheets[0].iter_rows(values_only=True)
            return [["" if cell is None else str(cell) for cell in row] for row in rows]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError) as error:
        raise QuestionSetError(
            f"Excel ファイルとして読めません: {path}", "Excel で開いて .xlsx 形式で保存し直してください。"
        ) from error


def _from_rows(rows: Sequence[Sequence[str]], path: Path) -> list[BatchQuestion]:
    header = [cell.strip() for cell in rows[0]] if rows else []
    question = next((header.index(name) for name in _QUESTION_COLUMNS if name in header), None)
    if question is None:
        found = "、".join(filter(None, header)) or "なし"
        raise QuestionSetError(
            f"{path} に「質問」の列がありません（見出し: {found}）。",
            "1行目に「番号」「質問」の見出しを付けてください。",
        )
    identity = next((header.index(name) for name in _ID_COLUMNS if name in header), None)
    return [
        BatchQuestion(_cell(row, identity) or str(number), row[question].strip())
        for number, row in enumerate(rows[1:], start=2)
        if len(row) > question and row[question].strip()
    ]


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""


def write_jsonl(path: Path, objects: Iterable[dict[str, Any]]) -> int:
    """Write one JSON object a line, as they come; return how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for value in objects:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")
            count += 1
    return count


def write_sheet(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str]) -> None:
    """Write a table as CSV (UTF-8 with BOM) or Excel; a cell that would be taken for a formula is made inert."""
    safe = [[make_inert(cell) for cell in row] for row in [header, *rows]]
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(safe)
        return
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    for row in safe:
        book.worksheets[0].append([ILLEGAL_CHARACTERS_RE.sub(" ", cell) for cell in row])
    book.save(path)


def make_inert(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula.

    >>> make_inert("=1+1"), make_inert("転入届")
    ("'=1+1", '転入届')
    """
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell


def answer_row(question: BatchQuestion, answer: Answer) -> list[str]:
    """Return an answer as the cells of ANSWER_COLUMNS; several citations stand on lines of their cell."""
    contact = answer.contact
    return [
        question.id,
        question.question,
        "回答" if answer.status is Status.ANSWERED else "回答なし",
        answer.text,
        "\n".join(f"[{c.number}] {c.source}{_describe_standing(c)}" for c in answer.citations),
        "\n".join(f"[{c.number}] {c.locator.describe(c.source)}" for c in answer.citations),
        "\n".join(f"[{c.number}] {c.quote}" for c in answer.citations),
        "\n".join(f"[{c.number}] {'確認済み' if c.verified else '未確認'}" for c in answer.citations),
        f"{answer.confidence:.2f}",
        " 内線".join(filter(None, (contact.department, contact.extension))) if contact else "",
        answer.reason.value if answer.reason else "",
    ]


def _describe_standing(citation: Citation) -> str:
    edition = citation.edition
    return f"（{edition.standing.label}）" if edition and edition.standing is not Standing.CURRENT else ""
