"""Index runs in the background: one at a time, watched, stopped, and remembered after a restart of the server."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from rag.errors import IndexLockedError, UsageError
from rag.indexing.durable import replace_text
from rag.indexing.lock import write_lock
from rag.indexing.updating import update_index
from rag.library import job_process
from rag.library.job_process import CANCEL, GateBuilder, Order, Update
from rag.library.job_state import JobReport, JobState, JobStatus
from rag.settings import Settings

log = logging.getLogger(__name__)
FOLDER, STATE_FILE, LOG_FILE = "library", "job.json", "job.log"
GRACE_SECONDS = 20.0
"""How long a run may take to its next checkpoint before its process is ended. The index is as it was either way."""
_LOST = "取り込みの途中でサーバーが止まったため、終わっていません。索引は前のままです。"
_UNCHANGED = "取り込む変更はありませんでした。索引は前のままです。"
_AGAIN = "もう一度「取り込み」を始めてください。"


class IndexJobs:
    """The index runs of one index, for one server; safe to use from many threads. Close it when the server stops."""

    def __init__(
        self,
        settings: Settings,
        *,
        build_gate: GateBuilder | None = None,
        update: Update = update_index,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """build_gate: `eval.gate.build_gate`, for runs with a question set. Whatever ran when the last server stopped is lost."""
        self._settings, self._build_gate, self._update, self._grace = settings, build_gate, update, grace_seconds
        self._folder = settings.data_dir / FOLDER
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._started = 0.0
        self._state = self._remember()

    def start(
        self, *, full: bool = False, gate: Path | None = None, allow_removal: bool = False, started_by: str = ""
    ) -> JobState:
        """Begin a run; return at once. gate: a question set; where it is answered worse, nothing is published.

        Raises IndexLockedError, with who runs, while another run goes on, here or from the command line; UsageError and
        QuestionSetError for a gate that cannot be.
        """
        self._check_gate(gate)
        with self._lock:
            if not self._state.status.is_over:
                raise _already_running(self._state)
            with write_lock(self._settings.index):  # says who holds it
                pass
            who = f"（{started_by}）" if started_by else ""
            order = Order(
                self._settings,
                self._update,
                self._build_gate if gate else None,
                gate,
                full,
                allow_removal,
                f"画面からの取り込み{who}",
            )
            self._begin(order, started_by)
            return self._state

    def state(self) -> JobState:
        """Return how the present run stands, or how the last one ended."""
        with self._lock:
            if self._state.status.is_over:
                return self._state
            return replace(self._state, elapsed_seconds=time.monotonic() - self._started)

    def cancel(self) -> JobState:
        """Stop the present run at its next checkpoint, or end it after the grace; the index answers on as it was."""
        with self._lock:
            process = self._process
            if self._state.status is not JobStatus.RUNNING or process is None:
                return self._state
            self._set(replace(self._state, status=JobStatus.CANCELLING))
            _write(process.stdin, CANCEL)
        threading.Thread(target=self._insist, args=(process,), daemon=True).start()
        return self.state()

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait for the end of the present run."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self.state()

    def close(self) -> None:
        """End a run that still goes on: no process outlives the server, and the index stays as it was."""
        process = self._process
        if process is not None and process.poll() is None:
            self.cancel()
            process.kill()
        self.wait()

    # --- a run --------------------------------------------------------------------------------------------------------

    def _check_gate(self, gate: Path | None) -> None:
        if gate is None:
            return
        if self._build_gate is None:
            raise UsageError("ここでは質問集による確認を使えません。", "質問集を選ばずに始めてください。")
        self._build_gate(gate, self._settings)

    def _begin(self, order: Order, started_by: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        gate = str(order.gate) if order.gate else None
        process = _open_process(self._folder / LOG_FILE)
        _write(process.stdin, pickle.dumps(order))
        self._process, self._started = process, time.monotonic()
        self._set(JobState(JobStatus.RUNNING, started_by, started, order.full, gate))
        self._thread = threading.Thread(target=self._follow, args=(process,), daemon=True)
        self._thread.start()

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Read what a process says until it ends; then say how it ended."""
        assert process.stdout is not None
        last: dict[str, Any] = {}
        for line in process.stdout:
            last = json.loads(line)
            if "stage" in last:
                with self._lock:
                    self._set(self._state.at(last["stage"], last["done"], last["total"]), keep=last["done"] == 0)
        exit_code = process.wait()
        process.stdout.close()
        with self._lock:
            self._set(replace(_end(self._state, last, exit_code), elapsed_seconds=time.monotonic() - self._started))
        if process.stdin is not None:
            process.stdin.close()

    def _insist(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(self._grace)
        except subprocess.TimeoutExpired:
            process.kill()

    # --- memory -------------------------------------------------------------------------------------------------------

    def _set(self, state: JobState, *, keep: bool = True) -> None:
        self._state = state
        if not keep:
            return
        try:
            replace_text(self._folder / STATE_FILE, json.dumps(state.to_dict(), ensure_ascii=False))
        except OSError as error:  # a full disk: the run itself says so too, and its state is still known here
            log.warning("cannot remember the state of an index run: %s", error.strerror)

    def _remember(self) -> JobState:
        try:
            text = (self._folder / STATE_FILE).read_text(encoding="utf-8")
            state = JobState.from_dict(json.loads(text))
        except (OSError, ValueError, KeyError, TypeError):
            return JobState()
        if state.status.is_over:
            return state
        return replace(state, status=JobStatus.CRASHED, message=_LOST, hint=_AGAIN)


def _end(state: JobState, last: dict[str, Any], exit_code: int) -> JobState:
    """Return how a run ended: by what it said last, else by how its process ended."""
    if "report" in last:
        report = JobReport.from_dict(last["report"])
        refused = report.gate_passed is False
        message = "" if report.published or refused else _UNCHANGED
        return replace(state, status=JobStatus.REFUSED if refused else JobStatus.DONE, message=message, report=report)
    if "error" in last:
        error = last["error"]
        status = JobStatus.CANCELLED if error["kind"] == "cancelled" else JobStatus.FAILED
        return replace(
            state, status=status, message=error["message"], hint=error["hint"], asks_for_removal=error["removal"]
        )
    if state.status is JobStatus.CANCELLING:
        return replace(state, status=JobStatus.CANCELLED, hint=_AGAIN)
    message = f"取り込みの処理が異常終了しました（終了コード {exit_code}）。索引は前のままです。"
    hint = f"空きメモリーを確かめて、もう一度始めてください。続くときは {FOLDER}/{LOG_FILE} を開発元に送ってください。"
    return replace(state, status=JobStatus.CRASHED, message=message, hint=hint)


def _already_running(state: JobState) -> IndexLockedError:
    who = state.started_by or "ほかの人"
    message = (
        f"{who}が {state.started_at} から取り込みを実行しています（{state.stage.label if state.stage else '準備中'}）。"
    )
    return IndexLockedError(message, "終わるまで待つか、中止してから始めてください。")


def _open_process(log: Path) -> subprocess.Popen[bytes]:
    """Start the process of a run; it sees the modules that we see, so that what an order names can be found."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    flags = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)  # Windows; elsewhere it is nice by itself
    with log.open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", job_process.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            creationflags=flags,
        )


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    """Write to a process, which may have ended."""
    assert stream is not None
    try:
        stream.write(data)
        stream.flush()
    except OSError:  # whoever follows it sees how it ended
        return
