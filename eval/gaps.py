"""How well unanswered questions are put together: `python -m eval.gaps [TABLE]`, pairwise F1 on written questions.

One half of the table (開発) chooses the threshold, the other (検証) only measures it. Questions of one かたまり would be answered by one
reply; some groups are of one subject and ask different things of it. Each half lies among other questions, as in a town that has
gathered some for months: those of the packaged question set that may be tuned on, each of which belongs to nothing. Exit status:
0 done; 1 the threshold in use is not the best on the first half; 2 wrong usage.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.questions import read_questions
from rag.activity.clusters import THRESHOLD, QuestionEmbedder, cluster_questions, pairwise_f1
from rag.errors import RagError, UsageError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8

QUESTIONS = Path(__file__).with_name("gaps.csv")
PACKAGED = Path(__file__).with_name("questions.csv")
COLUMNS = ("番号", "群", "かたまり", "質問")
GROUPS = ("開発", "検証")
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(1, 36))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, the half of the table that it is in, and what it belongs to."""

    half: str
    group: str
    question: str


@dataclass(frozen=True, slots=True)
class Score:
    """How well a half is put together with a threshold. groups: how many there are, and how many were found, of the others too."""

    half: str
    threshold: float
    f1: float
    precision: float
    recall: float
    questions: int
    groups: int
    found: int
    others: int = 0


def read_labelled(file: Path) -> list[Labelled]:
    """Return the questions of a CSV file. Raises UsageError if it is not one, or a half is unknown."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, header = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"質問のまとまりの表を読めません: {file}", "UTF-8 の CSV を指定してください。") from error
    if header != COLUMNS or any(row["群"] not in GROUPS for row in rows):
        raise UsageError(
            f"質問のまとまりの表の列か群が違います: {file}",
            f"1 行目を {','.join(COLUMNS)} に、群を {'・'.join(GROUPS)} のどれかにしてください。",
        )
    return [Labelled(row["群"], row["かたまり"], row["質問"]) for row in rows]


def read_others(file: Path = PACKAGED) -> tuple[str, ...]:
    """Return the questions of a question set that may be tuned on, and that documents answer."""
    return tuple(q.text for q in read_questions(file) if q.answerable and not q.is_held_out)


def measure_half(
    labelled: Sequence[Labelled], half: str, embedder: QuestionEmbedder, threshold: float, others: Sequence[str] = ()
) -> Score:
    """Put one half together, among other questions, and compare; pairs of two others count for nothing."""
    chosen = [one for one in labelled if one.half == half]
    groups = cluster_questions([*(one.question for one in chosen), *others], embedder, threshold)
    place_of = {place: number for number, group in enumerate(groups) for place in group}
    names = sorted({one.group for one in chosen})
    true = [names.index(one.group) for one in chosen] + [len(names) + number for number in range(len(others))]
    f1, precision, recall = pairwise_f1([place_of[place] for place in range(len(true))], true, first=len(chosen))
    return Score(half, threshold, f1, precision, recall, len(chosen), len(names), len(groups), len(others))


def choose_threshold(labelled: Sequence[Labelled], embedder: QuestionEmbedder, others: Sequence[str]) -> float:
    """Return the threshold with the best F1 on the first half; the middle one of several."""
    scores = {t: measure_half(labelled, GROUPS[0], embedder, t, others).f1 for t in THRESHOLDS}
    best = [t for t, f1 in scores.items() if f1 == max(scores.values())]
    return best[len(best) // 2]


def describe(score: Score) -> str:
    """Return one line for people."""
    return (
        f"{score.half}: 対の F1 {score.f1:.3f}（適合率 {score.precision:.3f}、再現率 {score.recall:.3f}）"
        f" 質問 {score.questions}、ほかの質問 {score.others}、かたまり {score.groups}、できたまとまり {score.found}、しきい値 {score.threshold}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    use_utf8()
    parser = Parser(prog="python -m eval.gaps", description="答えられなかった質問のまとめ方を測ります。")
    parser.add_argument("table", nargs="?", type=Path, default=QUESTIONS, metavar="表")
    try:
        from rag.indexing.embedding import open_embedder

        options = parser.parse_args(arguments)
        labelled, embedder = read_labelled(options.table), open_embedder("default")
        others = read_others()
        best = choose_threshold(labelled, embedder, others)
        for half in GROUPS:
            for among in (others, ()):
                print(describe(measure_half(labelled, half, embedder, THRESHOLD, among)))
        print(f"開発の群で最もよいしきい値: {best}（使っている値: {THRESHOLD}）")
    except RagError as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    return DONE if best == THRESHOLD else DONE_WITH_PROBLEMS


if __name__ == "__main__":
    sys.exit(main())
