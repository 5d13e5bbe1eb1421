"""What is known of a question set before it is asked: labels that do not fit the documents, suggestions that nobody decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.acceptance import ACCEPTED, DECISION, REFUSED
from eval.question_sheet import read_sheet

if TYPE_CHECKING:
    from eval.question_sheet import SheetRow
    from rag.settings import Settings

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class SetCheck:
    """What `python -m eval check` finds of the set of a run. problems: how many, of so many `questions`; first: some, by cell.

    command: what shows them all. undecided, refused: rows of a sheet of suggestions that were asked though nobody chose them.
    """

    rows: int
    problems: int
    questions: int
    first: tuple[str, ...]
    command: str
    undecided: int = 0
    refused: int = 0

    def describe(self) -> tuple[str, ...]:
        """Return it for people, a line each; nothing where nothing is wrong.

        >>> SetCheck(9, 2, 1, ("D5（5行目「ページ／行」）: 頁がありません。",), "python -m eval check 表.xlsx").describe()[0]
        '注意: 質問 9 問のうち 1 問に、文書に合わない正解や重複が 2 件あります。その質問の結果は当てになりません。すべてを見る: python -m eval check 表.xlsx'
        """
        return (*self._describe_decisions(), *self._describe_labels())

    def _describe_labels(self) -> tuple[str, ...]:
        if not self.problems:
            return ()
        head = (
            f"注意: 質問 {self.rows} 問のうち {self.questions} 問に、文書に合わない正解や重複が {self.problems} 件あります。"
            f"その質問の結果は当てになりません。すべてを見る: {self.command}"
        )
        rest = self.problems - len(self.first)
        return (head, *(f"　{line}" for line in self.first), *((f"　ほか {rest} 件",) if rest else ()))

    def _describe_decisions(self) -> tuple[str, ...]:
        if not self.undecided and not self.refused:
            return ()
        accepted = self.rows - self.undecided - self.refused
        return (
            f"注意: 質問の候補の表です（{DECISION}: {ACCEPTED} {accepted} 行、{REFUSED} {self.refused} 行、"
            f"空 {self.undecided} 行）。{'だれも確かめていない' if not accepted else '採っていない'}質問も測りました。"
            f"{ACCEPTED} の行だけを測るには、`python -m eval convert --accepted 候補 質問集` で書き直してください。",
        )


def check_set(path: Path, settings: Settings) -> SetCheck:
    """Check the labels of a question set against the published index. Raises what opening either raises."""
    from eval.document_places import open_places
    from eval.label_check import check_rows

    rows = read_sheet(path, extra=(DECISION,))
    with open_places(settings) as places:
        problems = check_rows(rows, places).problems
    return SetCheck(
        rows=len(rows),
        problems=len(problems),
        questions=len({problem.row for problem in problems}),
        first=tuple(problem.describe() for problem in problems[:_SHOWN]),
        command=write_command(path, settings),
        undecided=_count_decided(rows, ""),
        refused=_count_decided(rows, REFUSED),
    )


def write_command(path: Path, settings: Settings) -> str:
    """Return the command that shows all that is wrong with a set."""
    from rag.settings import Settings

    index = "" if settings.index == Settings().index else f" --index {_name_from_here(settings.index)}"
    return f"python -m eval check {_name_from_here(path)}{index}"


def _name_from_here(path: Path) -> str:
    """Return a path as it is typed in the working folder: a report is shown to others, and names no place on this machine."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def _count_decided(rows: Sequence[SheetRow], decision: str) -> int:
    return sum(DECISION in row.columns and row[DECISION] == decision for row in rows)
