"""The gate of `rag index --gate`: a new snapshot is not published when it answers the question set worse than the present one.

Refused is what is worse beyond chance in one of GATED (paired 95 % interval over the same questions), and any fall of the 正答率 by more
than MOST_LOST, which a small question set cannot tell from chance: of fewer than 20 questions, one that is lost stops an update.
Questions that are lost because their label does not fit the new documents are named, with what to do about the question set.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from eval.comparison import Comparison, Difference, compare_runs
from eval.conditions import describe
from eval.document_names import read_document_names
from eval.document_places import DocumentPlaces
from eval.label_check import CheckResult, check_rows
from eval.metrics import ACCURACY
from eval.question_sheet import SUFFIXES, SheetRow, read_sheet
from eval.questions import Question, read_questions
from eval.records import RunRecord
from eval.run import run_evaluation
from rag.assistant import Assistant
from rag.batch import check_output_file
from rag.errors import IndexMismatchError, IndexMissingError
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import Snapshot, SnapshotReader, SnapshotStore
from rag.indexing.sync import Gate, GateResult
from rag.settings import Settings

GATED = (ACCURACY, "hit@5", "引用正解率", "不回答F1")
MOST_LOST = 0.05  # of the 正答率
_ROUNDING = 1e-9
_MOST_IDS = 10
_MOST_BROKEN = 5
_OF_LABELS = ("期待する文書", "ページ／行", "正解に含まれる語")


class FixedReader(SnapshotReader):
    """Lend one given snapshot, published or not; whoever opened it closes it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @contextmanager
    def use(self) -> Iterator[Snapshot]:
        """Lend the snapshot."""
        yield self._snapshot

    def close(self) -> None:
        """Do nothing: the snapshot is not ours."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Where a copy of the question set goes whose labels are checked against the new snapshot, published or not, and what writes it."""

    path: Path
    write: Callable[[Path, Sequence[SheetRow], CheckResult], None]


def build_gate(questions: Path, settings: Settings, proposals: Proposals | None = None) -> Gate:
    """Return the gate over a question set. Raises QuestionSetError now, before anything is indexed."""
    if proposals:
        check_output_file(proposals.path, questions, allowed=SUFFIXES)
    asked, rows = read_questions(questions, read_document_names(settings)), read_sheet(questions)

    def gate(candidate: Snapshot) -> GateResult:
        labels = check_rows(rows, DocumentPlaces(candidate.catalog))
        if proposals:
            proposals.write(proposals.path, rows, labels)
        verdict = compare(candidate)
        broken = find_broken(labels, {row.number: row["番号"] for row in rows}, verdict.details.get("lost", ()))
        written = f"移り先の提案を {proposals.path} に書きました。" if proposals else ""
        if not broken:
            return replace(verdict, summary=verdict.summary + written)
        return tell_broken(verdict, broken, written or _tell_how(verdict.passed, questions, settings))

    def compare(candidate: Snapshot) -> GateResult:
        embedders = EmbedderLibrary(settings)
        after = _evaluate(candidate, asked, settings, embedders)
        try:
            with closing(SnapshotStore(settings.index).open_current()) as published:
                embedders.for_snapshot(published.manifest)
                return judge_candidate(_evaluate(published, asked, settings, embedders), after)
        except IndexMissingError:
            return _pass_alone(after, "公開中の索引はまだありません")
        except IndexMismatchError:
            return _pass_alone(after, "公開中の索引は今の設定では使えません")

    return gate


def find_broken(labels: CheckResult, ids: Mapping[int, str], lost: Collection[str]) -> dict[str, str]:
    """Return question -> how its label does not fit the new documents, of those that were lost. ids: row -> question."""
    broken: dict[str, str] = {}
    for problem in labels.problems:
        if problem.column in _OF_LABELS and ids[problem.row] in lost:
            broken.setdefault(ids[problem.row], problem.describe())
    return broken


def tell_broken(verdict: GateResult, broken: Mapping[str, str], proposals: str) -> GateResult:
    """Return a verdict that says which questions were lost because of their labels, and what to do. proposals: where they are."""
    shown = [f"　番号 {id}: {told}" for id, told in list(broken.items())[:_MOST_BROKEN]]
    rest = [f"　ほか {len(broken) - len(shown)} 問"] if len(broken) > len(shown) else []
    head = f"新たな誤りのうち {len(broken)} 問は、質問集の正解が新しい文書に合いません（消えた・名前の変わった文書、移った頁、変わった語）:"
    remedy = f"文書が正しければ、質問集を直してから、もう一度実行してください。{proposals}"
    told = "\n".join([verdict.summary, head, *shown, *rest, remedy])
    return replace(verdict, summary=told, details={**verdict.details, "labels": dict(broken)})


def _tell_how(passed: bool, questions: Path, settings: Settings) -> str:
    """Return the command that proposes other places: against the published index, or against one that stays unpublished."""
    usual, name = Settings(), questions.as_posix()
    index = f" --index {settings.index.as_posix()}" if settings.index != usual.index else ""
    corpus = f" {settings.corpus.as_posix()}" if settings.corpus != usual.corpus else ""
    command = f"eval check {name}{index}" if passed else f"rag index{corpus}{index} --gate {name}"
    how = "" if passed else "（公開しなくても書きます）"
    return f"移り先の提案: python -m {command} --write-proposals 提案.xlsx{how}"


def _evaluate(
    snapshot: Snapshot, questions: Sequence[Question], settings: Settings, embedders: EmbedderLibrary
) -> RunRecord:
    return run_evaluation(Assistant(settings, FixedReader(snapshot), embedders), questions)


def _pass_alone(after: RunRecord, reason: str) -> GateResult:
    accuracy = _accuracy(after)
    summary = f"新しい索引の{ACCURACY}は {accuracy:.3f} です（{len(after.results)}問、{reason}）。"
    return GateResult(True, summary, {"candidate": accuracy, "published": None, "questions": len(after.results)})


def judge_candidate(before: RunRecord, after: RunRecord) -> GateResult:
    """Return whether the candidate (`after`) may take the place of the published snapshot."""
    comparison = compare_runs(before, after)
    accuracy = comparison.find(ACCURACY)
    old, new = accuracy.before or 0.0, accuracy.after or 0.0
    reasons = find_reasons(comparison)
    change = "から下がります" if new < old else "から上がります" if new > old else "と変わりません"
    told = f"（{comparison.questions}問{_name_lost(comparison)}）。{''.join(f'{reason}。' for reason in reasons)}"
    summary = f"新しい索引の{ACCURACY}は {new:.3f} で、公開中の {old:.3f} {change}{told}"
    details = {
        "candidate": new,
        "published": old,
        "questions": comparison.questions,
        "won": list(comparison.won),
        "lost": list(comparison.lost),
        "reasons": reasons,
    }
    return GateResult(not reasons, summary, details)


def find_reasons(comparison: Comparison) -> list[str]:
    """Return in Japanese why a candidate is refused, without a full stop; empty where it is not."""
    reasons = [f"偶然とは言えない低下: {describe(difference)}" for difference in comparison.worse(GATED)]
    accuracy = comparison.find(ACCURACY)
    if not accuracy.is_worse and _fall(accuracy) > MOST_LOST + _ROUNDING:
        reasons.append(f"{ACCURACY}の低下が{MOST_LOST:.0%}を超えます: {describe(accuracy)}")
    return reasons


def _fall(difference: Difference) -> float:
    return (difference.before or 0.0) - (difference.after or 0.0)


def _name_lost(comparison: Comparison) -> str:
    lost = comparison.lost
    return f"、新たな誤り: {'、'.join(lost[:_MOST_IDS])}{'ほか' if len(lost) > _MOST_IDS else ''}" if lost else ""


def _accuracy(run: RunRecord) -> float:
    return run.overall.shares[ACCURACY].value or 0.0
