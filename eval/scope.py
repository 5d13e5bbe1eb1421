"""Whether questions that no document answers are declined, and no others: `python -m eval.scope [TABLE]`.

One half of the table (開発) may be looked at while the rules are made, the other (検証) is for measuring only. --questions counts how
many of other questions, all of them good ones, would be declined. Exit status: 0 done; 1 a good question is declined or a figure is
below its limit; 2 wrong usage.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.scope import find_scope
from rag.documents import Reason
from rag.errors import RagError, UsageError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8

QUESTIONS = Path(__file__).with_name("scope.csv")
COLUMNS = ("番号", "群", "判定", "質問")
GROUPS = ("開発", "検証")
VERDICTS = {"対象外": Reason.OUT_OF_SCOPE, "個人情報": Reason.PERSONAL_DATA, "通す": None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, why it is to be declined (None: it is not), and why it was."""

    number: str
    group: str
    question: str
    wanted: Reason | None
    found: Reason | None


def read_outcomes(file: Path) -> list[Outcome]:
    """Judge every question of a CSV file. Raises UsageError if it is not one, or a verdict is unknown."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"対象外の質問の表を読めません: {file}", "UTF-8 の CSV を指定してください。") from error
    if header != COLUMNS or any(row["判定"] not in VERDICTS for row in rows):
        raise UsageError(
            f"対象外の質問の表の列か判定が違います: {file}",
            f"1 行目を {','.join(COLUMNS)} に、判定を {'・'.join(VERDICTS)} のどれかにしてください。",
        )
    return [Outcome(r["番号"], r["群"], r["質問"], VERDICTS[r["判定"]], find_reason(r["質問"])) for r in rows]


def find_reason(question: str) -> Reason | None:
    """Return why a question is declined; None for one that is searched."""
    scope = find_scope(question)
    return scope.reason if scope else None


def render(outcomes: Sequence[Outcome]) -> str:
    """Return how many of each verdict were judged right, and every question that was not."""
    lines = [
        f"{verdict}\t{sum(o.found is wanted for o in some)}/{len(some)}"
        for verdict, wanted in VERDICTS.items()
        for some in ([o for o in outcomes if o.wanted is wanted],)
    ]
    names = {reason: verdict for verdict, reason in VERDICTS.items()}
    for outcome in outcomes:
        if outcome.found is not outcome.wanted:
            lines.append(f"× {outcome.number} {outcome.question}（{names[outcome.wanted]} → {names[outcome.found]}）")
    return "\n".join(lines)


def read_good_questions(file: Path) -> Iterator[str]:
    """Yield the questions of a question set (those that are answerable) or of a queries.jsonl. Raises RagError."""
    from eval.questions import read_questions

    if file.suffix != ".jsonl":
        yield from (question.text for question in read_questions(file) if question.answerable)
        return
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["text"]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"質問の一覧を読めません: {file}", "1 行に 1 件、text のある JSON にしてください。") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the questions and return the exit status."""
    use_utf8()
    parser = Parser(prog="python -m eval.scope", description="対象外の質問だけを断るかを測ります。")
    parser.add_argument(
        "table", nargs="?", type=Path, default=QUESTIONS, metavar="表", help="CSV（既定 eval/scope.csv）"
    )
    parser.add_argument("--group", choices=GROUPS, metavar="群", help="開発 か 検証 の一方だけ")
    parser.add_argument(
        "--questions",
        nargs="*",
        type=Path,
        default=[],
        metavar="ファイル",
        help="断ってはいけない質問（質問集か queries.jsonl）",
    )
    parser.add_argument(
        "--fail-under", type=float, default=0.0, metavar="割合", help="検証の断るべき質問の割合が下回れば 1 で終わる"
    )
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    try:
        outcomes = read_outcomes(options.table)
        good = {file: list(read_good_questions(file)) for file in options.questions}
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    for group in (options.group,) if options.group else GROUPS:
        print(f"【{group}】\n" + render([o for o in outcomes if o.group == group]) + "\n")
    declined = [
        (file, question, reason)
        for file, some in good.items()
        for question in some
        if (reason := find_reason(question))
    ]
    for file, some in good.items():
        print(f"{file}: {len(some)} 問のうち、断ったもの {sum(f == file for f, _, _ in declined)}")
    for _, question, reason in declined:
        print(f"× {question}（{reason.value}）")
    return DONE_WITH_PROBLEMS if declined or is_below(outcomes, options.fail_under) else DONE


def is_below(outcomes: Sequence[Outcome], least: float) -> bool:
    """Tell whether a held-out question is declined wrongly, or fewer are declined rightly than the limit asks for."""
    held_out = [outcome for outcome in outcomes if outcome.group == GROUPS[1]]
    wanted = [outcome for outcome in held_out if outcome.wanted]
    right = sum(outcome.found is outcome.wanted for outcome in wanted)
    return right < least * len(wanted)


if __name__ == "__main__":
    sys.exit(main())
