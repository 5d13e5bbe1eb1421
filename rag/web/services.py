"""What the page works with, opened once for a server and closed with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.activity.activity import Activity
from rag.errors import UsageError
from rag.library.job_state import JobStatus
from rag.library.jobs import IndexJobs
from rag.question_registry.registry import QuestionRegistry
from rag.settings import Settings

if TYPE_CHECKING:
    from eval.jobs import EvaluationJobs
    from eval.question_set import QuestionSetShelf
    from rag.assistant import Assistant

REINDEX_SECONDS = 300.0
"""How long a change of the reviewed answers waits for its own indexing."""


@dataclass(frozen=True, slots=True)
class Services:
    """The assistant and, beside it, what was asked, the index runs, the questions that people share, and the evaluation. Safe for many threads."""

    settings: Settings
    assistant: Assistant
    activity: Activity
    jobs: IndexJobs
    registry: QuestionRegistry
    evaluations: EvaluationJobs
    question_set: QuestionSetShelf

    def close(self) -> None:
        """End a run that still goes on, and close the files; the assistant belongs to whoever opened it."""
        self.jobs.close()
        self.evaluations.close()
        self.activity.close()
        self.registry.close()


def open_services(settings: Settings, assistant: Assistant, *, jobs: IndexJobs | None = None) -> Services:
    """Return the services over the settings' folders. jobs: other index runs than the usual ones, for tests.

    Raises ActivityError where one of the files cannot be used.
    """
    from eval.gate import build_gate
    from eval.jobs import FOLDER, EvaluationJobs
    from eval.question_set import QuestionSetShelf

    runs = jobs or IndexJobs(settings, build_gate=build_gate)
    activity = Activity(
        settings,
        find_document=assistant.find_document,
        find_embedder=assistant.question_embedder,
        reindex=lambda: _reindex(runs),
    )
    evaluations = EvaluationJobs(assistant, settings.data_dir / FOLDER)
    question_set = QuestionSetShelf(settings.data_dir)
    return Services(settings, assistant, activity, runs, QuestionRegistry.open(settings), evaluations, question_set)


def _reindex(jobs: IndexJobs) -> None:
    """Bring the index up to date and wait for it. Raises UsageError where that fails, IndexLockedError while another run goes on."""
    jobs.start(started_by="確認済みQ&A")
    state = jobs.wait(REINDEX_SECONDS)
    if state.status is not JobStatus.DONE:
        raise UsageError("索引をまだ最新にできていません。", "「文書」の画面で取り込みの結果を確かめてください。")
