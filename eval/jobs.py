"""A run over the question set in the background of a server: one at a time, watched, stopped, and kept when it is done.

It goes on when nobody looks. It runs in a thread of the server, whose assistant it asks: a run that the server does not outlive leaves
nothing behind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from eval.questions import Question, read_questions
from eval.records import RunRecord
from eval.run import EvaluationStoppedError, run_evaluation
from eval.runs import save_run
from rag.errors import RagError, UsageError

if TYPE_CHECKING:
    from rag.assistant import Assistant

FOLDER = "evaluation"
"""Under the data folder: where the runs of the page are kept, in the form of eval.runs."""
_CLOSE_SECONDS = 10.0
_FAILED = ("測定の途中で予期しない問題が起きました。", "もう一度お試しください。続くときは管理者に知らせてください。")
_log = logging.getLogger(__name__)
Evaluate = Callable[..., RunRecord]


class RunStatus(StrEnum):
    """How a run stands."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _LABELS[self]


_LABELS = {
    RunStatus.IDLE: "測定していません",
    RunStatus.RUNNING: "測定中",
    RunStatus.DONE: "測定が終わりました",
    RunStatus.STOPPED: "測定を中止しました（結果は残していません）",
    RunStatus.FAILED: "測定できませんでした",
}


@dataclass(frozen=True, slots=True)
class RunState:
    """The present run, or how the last one ended. run: the id of the run that was kept; message, hint: why it failed."""

    status: RunStatus = RunStatus.IDLE
    done: int = 0
    total: int = 0
    started_by: str = ""
    started_at: datetime | None = None
    is_stopping: bool = False
    run: str | None = None
    message: str = ""
    hint: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.status is RunStatus.RUNNING


class EvaluationJobs:
    """The runs of one server over its assistant; safe to use from many threads. Close it when the server stops."""

    def __init__(self, assistant: Assistant, folder: Path, *, evaluate: Evaluate = run_evaluation) -> None:
        """folder: where runs are kept (`save_run`). evaluate: what asks the questions."""
        self.folder = folder
        self._assistant, self._evaluate = assistant, evaluate
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._state = RunState()

    def start(self, questions: Path, *, name: str, started_by: str = "") -> RunState:
        """Begin a run over a question set; return at once. name: what people call the set.

        Raises QuestionSetError for a set that cannot be asked, UsageError while another run goes on.
        """
        asked = read_questions(questions)
        with self._lock:
            if self._state.is_running:
                raise UsageError(
                    f"{self._state.started_by or 'ほかの人'}が測定しています（{self._state.done}/{self._state.total} 問）。",
                    "終わるまで待つか、中止してから始めてください。",
                )
            self._stop.clear()
            now = datetime.now().astimezone()
            self._state = RunState(RunStatus.RUNNING, 0, len(asked), started_by, now)
            self._thread = threading.Thread(target=self._run, args=(asked, name), daemon=True)
            self._thread.start()
            return self._state

    def state(self) -> RunState:
        """Return how the present run stands, or how the last one ended."""
        with self._lock:
            return self._state

    def cancel(self) -> RunState:
        """Stop the present run before its next question."""
        self._stop.set()
        with self._lock:
            if self._state.is_running:
                self._state = replace(self._state, is_stopping=True)
            return self._state

    def wait(self, timeout: float | None = None) -> RunState:
        """Wait for the end of the present run."""
        if (thread := self._thread) is not None:
            thread.join(timeout)
        return self.state()

    def close(self) -> None:
        """Stop a run that still goes on."""
        self.cancel()
        self.wait(_CLOSE_SECONDS)

    def _run(self, questions: tuple[Question, ...], name: str) -> None:
        try:
            record = self._evaluate(
                self._assistant, questions, name=name, progress=self._tell, cancel=self._stop.is_set
            )
            save_run(record, self.folder)
        except EvaluationStoppedError:
            self._set(status=RunStatus.STOPPED)
        except RagError as error:
            self._set(status=RunStatus.FAILED, message=error.message, hint=error.hint)
        except Exception:
            _log.exception("an evaluation failed")
            self._set(status=RunStatus.FAILED, message=_FAILED[0], hint=_FAILED[1])
        else:
            self._set(status=RunStatus.DONE, run=record.about.id)

    def _tell(self, done: int, total: int) -> None:
        self._set(done=done, total=total)

    def _set(self, **changes: object) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]
