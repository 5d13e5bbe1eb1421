"""The question set of an installation: the one that the QA team uploaded, else the one that comes with the package."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from eval.question_sheet import SUFFIXES, CellProblem, read_sheet
from eval.questions import Question, find_mistakes, read_question, read_questions
from eval.sheet_writing import write_questions
from rag.activity.question_form import normalize_question
from rag.errors import QuestionSetError

PACKAGED = Path(__file__).with_name("questions.csv")
MAX_UNPACKED_BYTES = 100_000_000
NAME, OLD = "questions", "question_sets"
"""In the data folder: the uploaded set, and the folder of those that it replaced."""


@dataclass(frozen=True, slots=True)
class CheckedSet:
    """A question set that was looked at. problems: what is wrong with it, by cell; where there are any it cannot be used."""

    questions: tuple[Question, ...]
    problems: tuple[CellProblem, ...]


class QuestionSetShelf:
    """Find, replace and hand out the question set of a data folder; safe to use from many threads."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The file of the present set."""
        own = (self._data_dir / f"{NAME}{suffix}" for suffix in SUFFIXES)
        return next((path for path in own if path.is_file()), PACKAGED)

    @property
    def is_packaged(self) -> bool:
        """Whether nobody has uploaded one."""
        return self.path == PACKAGED

    def read(self) -> tuple[Question, ...]:
        """Return the questions. Raises QuestionSetError."""
        return read_questions(self.path)

    def replace(self, content: bytes) -> CheckedSet:
        """Let a file take the place of the present set, which is kept; nothing changes where something is wrong in it.

        Raises QuestionSetError for what is no such sheet as a whole.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        suffix = find_suffix(content)
        check_size(content)
        with self._lock, tempfile.TemporaryDirectory(dir=self._data_dir) as folder:
            file = Path(folder) / f"質問集{suffix}"
            file.write_bytes(content)
            checked = check_set(file)
            if not checked.problems:
                self._keep_old()
                os.replace(file, self._data_dir / f"{NAME}{suffix}")  # noqa: PTH105
        return checked

    def write_excel(self) -> bytes:
        """Return the present set as an Excel file, with lists to choose from. Raises QuestionSetError."""
        return write_excel(self.read())

    def add(self, candidates: Path) -> int:
        """Add the cases of a file that the set does not ask yet; return how many. The set before is kept. Raises QuestionSetError."""
        present = self.read()
        asked, ids = {normalize_question(q.text) for q in present}, {q.id for q in present}
        new = [q for q in read_questions(candidates) if normalize_question(q.text) not in asked]
        if new:
            self.replace(write_excel([*present, *number_anew(new, ids)]))
        return len(new)

    def _keep_old(self) -> None:
        """Move the uploaded sets out of the way."""
        for suffix in SUFFIXES:
            file = self._data_dir / f"{NAME}{suffix}"
            if file.is_file():
                (self._data_dir / OLD).mkdir(exist_ok=True)
                stamp = f"{datetime.now():%Y%m%d-%H%M%S-%f}"
                os.replace(file, self._data_dir / OLD / f"{NAME}-{stamp}{suffix}")  # noqa: PTH105


def number_anew(questions: Iterable[Question], taken: Collection[str]) -> Iterator[Question]:
    """Yield questions with numbers that are not taken: their own where they can be kept."""
    used = set(taken)
    for question in questions:
        numbers = (question.id, *(f"{question.id}-{count}" for count in range(2, len(used) + 3)))
        id_ = next(number for number in numbers if number not in used)
        used.add(id_)
        yield replace(question, id=id_)


def find_suffix(content: bytes) -> str:
    """Return the suffix of a sheet by what it holds: an Excel file is a zip archive, anything else is read as CSV.

    >>> find_suffix(b"PK\\x03\\x04"), find_suffix("番号,質問".encode())
    ('.xlsx', '.csv')
    """
    return ".xlsx" if content.startswith(b"PK\x03\x04") else ".csv"


def check_size(content: bytes) -> None:
    """Raise QuestionSetError for an Excel file that is broken, or grows beyond all measure when it is unpacked."""
    if find_suffix(content) != ".xlsx":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise QuestionSetError(
            "Excel ファイルとして読めません。", "Excel で開いて .xlsx 形式で保存し直してください。"
        ) from error
    if size > MAX_UNPACKED_BYTES:
        raise QuestionSetError("Excel ファイルの中身が大きすぎます。", "質問集のシートだけのファイルにしてください。")


def check_set(file: Path) -> CheckedSet:
    """Return the questions of a sheet, or what is wrong with it. Raises QuestionSetError for one that is none as a whole."""
    try:
        rows = read_sheet(file)
    except QuestionSetError as error:
        raise QuestionSetError(error.message.replace(str(file), "この質問集"), error.hint) from error
    problems = tuple(sorted(set(find_mistakes(rows)), key=lambda p: (p.row, p.place, p.message)))
    if not rows:
        raise QuestionSetError("この質問集に質問がありません。", "見出しの次の行から、1行に1問を書いてください。")
    return CheckedSet(() if problems else tuple(read_question(row) for row in rows), problems)


def write_excel(questions: Sequence[Question]) -> bytes:
    """Return questions as an Excel file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{NAME}.xlsx"
        write_questions(file, questions)
        return file.read_bytes()
