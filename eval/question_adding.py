"""Add accepted candidates to a question set that is there already: its own rows, columns and widths stay as they are.

The new rows stand behind the last one, under numbers that go on from those of the set. What it asks already is named by its cell,
and then nothing is written. The file as it was before is kept beside it.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eval.question_sheet import AS_OF, OPTIONAL_COLUMNS, CellProblem, SheetRow, raise_problems, read_sheet, report_cell
from eval.questions import read_question
from eval.sheet_writing import guard_formula, write_cells, write_text
from rag.activity.question_form import normalize_question
from rag.batch import read_rows
from rag.errors import QuestionSetError
from rag.reading.encoding import decode_text
from rag.reading.metadata import parse_date

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_NUMBERED = re.compile(r"(.*?)([0-9]+)")
_BELOW = re.compile(r"[0-9]+$")
_LOOKS = ("font", "fill", "border", "alignment", "protection", "number_format")
_Rows = Sequence[Mapping[str, str]]


class Added(NamedTuple):
    """What was added. numbers: of the new rows; kept: the file as it was before."""

    numbers: tuple[str, ...]
    kept: Path


def add_rows(source: Path, accepted: Sequence[SheetRow], target: Path) -> Added:
    """Write accepted rows without mistakes behind those of a question set.

    source: the sheet that they come from. Raises QuestionSetError for a question that the set or an earlier row asks, for a cell whose
    column the set does not have, and for a set that has no rows or cannot be read or written.
    """
    present = read_sheet(target)
    if not present:
        raise QuestionSetError(
            f"質問集に質問がありません: {target}", "--add を付けずに、新しい名前の質問集に書いてください。"
        )
    raise_problems(source, [*_find_asked(accepted, present, target), *_find_homeless(accepted, present[0], target)])
    numbers = tuple(number_on([row["番号"] for row in present], len(accepted)))
    rows = [write_cells(read_question(row)) | {"番号": number} for row, number in zip(accepted, numbers, strict=True)]
    try:
        return Added(numbers, _replace_file(target, present[-1], rows))
    except (OSError, UnicodeEncodeError) as error:
        why = f"{error.encoding} にない文字があります" if isinstance(error, UnicodeEncodeError) else error.strerror
        raise QuestionSetError(
            f"質問集に加えられません: {target}（{why or error}）",
            "質問集は前のままです。ファイルを閉じるか、CSV なら UTF-8 で保存し直してから、もう一度実行してください。",
        ) from error


def _replace_file(target: Path, last: SheetRow, rows: _Rows) -> Path:
    """Let the set with more rows take the place of the set, which is kept under the name that is returned."""
    append = _append_to_csv if target.suffix.lower() == ".csv" else _append_to_excel
    kept = target.with_name(f"{target.stem}-{datetime.now():%Y%m%d-%H%M%S-%f}{target.suffix}")
    work = target.with_name(f".{kept.name}")
    try:
        append(target, work, last, rows)
        shutil.copymode(target, work)
        shutil.copy2(target, kept)
        os.replace(work, target)  # noqa: PTH105
    finally:
        work.unlink(missing_ok=True)
    return kept


def _find_asked(accepted: Sequence[SheetRow], present: Sequence[SheetRow], target: Path) -> Iterator[CellProblem]:
    """Yield the accepted questions that the set, or an accepted row before, asks already, for the same day."""
    seen: dict[tuple[str, str], str] = {}
    for row in present:
        seen.setdefault(_form_of(row), f"{target.name} の {row.number}行目（番号 {row['番号']}）")
    for row in accepted:
        if where := seen.get(_form_of(row)):
            yield report_cell(row, "質問", f"{where}と同じ質問です。採否を 否 にするか、質問を書き分けてください。")
        seen.setdefault(_form_of(row), f"この表の {row.number}行目")


def _form_of(row: SheetRow) -> tuple[str, str]:
    day = row[AS_OF].removesuffix(" 00:00:00")
    with suppress(ValueError):  # a mistake in the set is told when it is checked
        day = str(parse_date(day)) if day else ""
    return normalize_question(row["質問"]), day


def _find_homeless(accepted: Sequence[SheetRow], present: SheetRow, target: Path) -> Iterator[CellProblem]:
    """Yield what would be lost: cells of a column that the set does not have."""
    for column in (name for name in OPTIONAL_COLUMNS if name not in present.columns):
        for row in (row for row in accepted if row[column]):
            told = f"{target.name} に「{column}」の列がありません。見出し「{column}」の列を加えてから、もう一度実行してください。"
            yield report_cell(row, column, told)


def number_on(numbers: Sequence[str], count: int) -> Iterator[str]:
    """Yield numbers for more rows, in the form of the last one that ends with digits, behind the highest of that form.

    >>> list(number_on(["1", "2", "10"], 2)), list(number_on(["Q008", "Q009"], 2)), list(number_on(["S1", "R7", "R2"], 1))
    (['11', '12'], ['Q010', 'Q011'], ['R8'])
    >>> list(number_on(["い", "ろ"], 1))
    ['1']
    """
    found = [match for number in numbers if (match := _NUMBERED.fullmatch(number))]
    lead, width = (found[-1][1], len(found[-1][2])) if found else ("", 1)
    highest = max((int(match[2]) for match in found if match[1] == lead), default=0)
    for number in range(highest + 1, highest + 1 + count):
        yield f"{lead}{number:0{width}}"


def _append_to_csv(target: Path, work: Path, last: SheetRow, rows: _Rows) -> None:
    """Write the file with more lines, in its own encoding."""
    text, encoding = decode_text(target.read_bytes(), target.name)
    lines, end = io.StringIO(), "\r\n" if "\r\n" in text else "\n"
    writer = csv.writer(lines, lineterminator=end)
    width = len(read_rows(target)[last.number - 1])
    for row in rows:
        cells = [""] * max(width, *(place + 1 for place in last.columns.values()))
        for column, place in last.columns.items():
            cells[place] = guard_formula(row[column])
        writer.writerow(cells)
    between = "" if text.endswith("\n") else end
    work.write_bytes(f"{text}{between}{lines.getvalue()}".encode(encoding))


def _append_to_excel(target: Path, work: Path, last: SheetRow, rows: _Rows) -> None:
    """Write the file with more rows that look like the last one."""
    import openpyxl

    book = openpyxl.load_workbook(target, rich_text=True)
    sheet = book[last.sheet]
    for number, row in enumerate(rows, start=last.number + 1):
        for place in range(1, sheet.max_column + 1):
            for look in _LOOKS:
                setattr(sheet.cell(number, place), look, copy(getattr(sheet.cell(last.number, place), look)))
        for column, place in last.columns.items():
            write_text(sheet.cell(number, place + 1), row[column])
        place = last.columns.get("番号", -1) + 1
        if place and isinstance(sheet.cell(last.number, place).value, int):
            sheet.cell(number, place).value, sheet.cell(number, place).number_format = int(row["番号"]), "General"
    _let_grow(sheet, last.number, last.number + len(rows))
    book.save(work)


def _let_grow(sheet: Worksheet, old: int, new: int) -> None:
    """Let the filter and the tables that end with the old last row reach down to the new one."""
    for area in (sheet.auto_filter, *(table.autoFilter for table in sheet.tables.values()), *sheet.tables.values()):
        if area is not None and area.ref and area.ref.endswith(str(old)):
            area.ref = _BELOW.sub(str(new), area.ref)
