"""What people decided about suggested questions: the column 採否 of a sheet of suggestions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from eval.question_sheet import CellProblem, SheetRow, raise_problems, read_sheet, report_cell
from eval.questions import Question, find_mistakes, read_question
from rag.errors import QuestionSetError

DECISION = "採否"
ACCEPTED, REFUSED = "採", "否"


def read_accepted(path: Path) -> tuple[Question, ...]:
    """Return the questions of the rows that are marked with 採. Raises QuestionSetError as `read_accepted_rows` does."""
    return tuple(read_question(row) for row in read_accepted_rows(path))


def read_accepted_rows(path: Path) -> list[SheetRow]:
    """Return the rows that are marked with 採; rows that nobody decided are left out like refused ones.

    Raises QuestionSetError for a mistake in an accepted row, a mark that is neither, and where nothing is accepted.
    """
    rows = read_sheet(path, extra=(DECISION,))
    accepted = [row for row in rows if row[DECISION] == ACCEPTED]
    raise_problems(path, [*check_decisions(rows), *find_mistakes(accepted)])
    if not accepted:
        raise QuestionSetError(
            f"採用した質問がありません: {path}", f"「{DECISION}」の列に、使う質問の行だけ {ACCEPTED} と書いてください。"
        )
    return accepted


def check_decisions(rows: Iterable[SheetRow]) -> Iterator[CellProblem]:
    """Yield the decisions of a sheet that say neither 採 nor 否, nor nothing."""
    for row in rows:
        if row[DECISION] not in ("", ACCEPTED, REFUSED):
            told = f"採否「{row[DECISION]}」が分かりません（{ACCEPTED} か {REFUSED} と書いてください）。"
            yield report_cell(row, DECISION, told)
