"""Ask all questions of a set: `run_evaluation` -> RunRecord."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from eval.about import describe_run
from eval.judging import SEARCH_LIMIT, judge
from eval.matching import ReadPage
from eval.questions import Question
from eval.records import RunRecord
from rag.documents import COMMAND_LINE
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.assistant import Assistant

Progress = Callable[[int, int], None]
"""Called with (done, total) before the first question and after each."""
Cancel = Callable[[], bool]
"""Asked before each question whether to stop."""


_WARMING = "役場の開庁時間は何時から何時までですか。"
"""Asked before the first question, and not measured: whatever is loaded at the first question is loaded then."""


class EvaluationStoppedError(RagError):
    """Somebody stopped a run; nothing of it is kept."""


def run_evaluation(
    assistant: Assistant,
    questions: Sequence[Question],
    *,
    name: str = "質問集",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> RunRecord:
    """Ask every question and return what came of it. name: what people call the question set.

    Raises EvaluationStoppedError when `cancel` says so, and what `Assistant.search` raises of an index that cannot be asked.
    """
    entries = assistant.documents(COMMAND_LINE)
    if questions:
        warm_up(assistant)
    started_at, started = datetime.now().astimezone(), time.perf_counter()
    kinds = {entry.source: entry.metadata.kind.label for entry in entries}
    read_page = open_pages(assistant)
    results = []
    for question in watch(questions, progress, cancel):
        results.append(judge(assistant, question, read_page, kinds))
    unknown = sorted({gold.source for question in questions for gold in question.gold} - kinds.keys())
    about = describe_run(assistant, questions, name, started_at, time.perf_counter() - started)
    return RunRecord(about, tuple(results), tuple(unknown))


def warm_up(assistant: Assistant) -> None:
    """Ask something that does not count, so that no question carries the time of loading models and tables."""
    try:
        assistant.ask(_WARMING, asker=COMMAND_LINE)
        assistant.search(_WARMING, asker=COMMAND_LINE, limit=SEARCH_LIMIT)
    except RagError:  # the questions will say so
        return


def open_pages(assistant: Assistant) -> ReadPage:
    """Return what reads a stored page, each once."""

    @functools.cache
    def read_page(source: str, page: int) -> str | None:
        return assistant.page_text(source, page, COMMAND_LINE)

    return read_page


def watch(
    questions: Sequence[Question], progress: Progress | None = None, cancel: Cancel | None = None
) -> Iterator[Question]:
    """Yield questions, telling how far it is. Raises EvaluationStoppedError when `cancel` says so."""
    tell = progress or (lambda done, total: None)
    tell(0, len(questions))
    for done, question in enumerate(questions, start=1):
        if cancel is not None and cancel():
            raise EvaluationStoppedError(
                "測定を中断しました。結果は書いていません。", "もう一度測るときは、始めから実行してください。"
            )
        yield question
        tell(done, len(questions))
