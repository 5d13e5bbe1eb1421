"""The gate of `rag index --gate`: a new snapshot is not published when it answers fewer questions right than the present one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from eval.metrics import ACCURACY
from eval.questions import Question, read_questions
from eval.run import Report, evaluate
from rag.assistant import Assistant
from rag.errors import IndexMismatchError, IndexMissingError
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import Snapshot, SnapshotReader, SnapshotStore
from rag.indexing.sync import Gate, GateResult
from rag.settings import Settings

_MOST_IDS = 10


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


def build_gate(questions: Path, settings: Settings) -> Gate:
    """Return the gate over a question set. Raises QuestionSetError now, before anything is indexed."""
    asked = read_questions(questions)

    def gate(candidate: Snapshot) -> GateResult:
        embedders = EmbedderLibrary(settings)
        after = _evaluate(candidate, asked, settings, embedders)
        try:
            with closing(SnapshotStore(settings.index).open_current()) as published:
                embedders.for_snapshot(published.manifest)
                return compare(_evaluate(published, asked, settings, embedders), after)
        except IndexMissingError:
            return _pass_alone(after, "公開中の索引はまだありません")
        except IndexMismatchError:
            return _pass_alone(after, "公開中の索引は今の設定では使えません")

    return gate


def _evaluate(
    snapshot: Snapshot, questions: Sequence[Question], settings: Settings, embedders: EmbedderLibrary
) -> Report:
    return evaluate(Assistant(settings, FixedReader(snapshot), embedders), questions)


def _pass_alone(after: Report, reason: str) -> GateResult:
    accuracy = _accuracy(after)
    summary = f"新しい索引の{ACCURACY}は {accuracy:.3f} です（{len(after.results)}問、{reason}）。"
    return GateResult(True, summary, {"candidate": accuracy, "published": None, "questions": len(after.results)})


def compare(before: Report, after: Report) -> GateResult:
    """Return whether the candidate (`after`) answers at least as many questions right as the published snapshot."""
    old, new = _accuracy(before), _accuracy(after)
    right = {result.question.id for result in before.results if result.outcome.correct}
    lost = [r.question.id for r in after.results if r.question.id in right and not r.outcome.correct]
    change = "から下がります" if new < old else "から上がります" if new > old else "と変わりません"
    named = f"、新たな誤り: {'、'.join(lost[:_MOST_IDS])}{'ほか' if len(lost) > _MOST_IDS else ''}" if lost else ""
    summary = f"新しい索引の{ACCURACY}は {new:.3f} で、公開中の {old:.3f} {change}（{len(after.results)}問{named}）。"
    details = {"candidate": new, "published": old, "questions": len(after.results), "lost": lost}
    return GateResult(new >= old, summary, details)


def _accuracy(report: Report) -> float:
    return report.overall.shares[ACCURACY].value or 0.0
