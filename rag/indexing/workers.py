"""Processes that do one task after the other and may hang or die of any: which task it was, and why, is known at once.

The clock runs in the parent, which kills a process that is late: so it stops C code too, on every system. Memory is limited by
the system (Linux) inside the process. A process that has died or run out of memory is replaced; the others never notice.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from rag.errors import IndexBuildError
from rag.reading import deadline

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
_AHEAD = 16  # tasks in flight per process: results come in the order of the tasks, whoever is ready first
_READY, _PAUSED, _RESUMED, _DONE, _FAILED, _NO_MEMORY = range(6)


class Reason(StrEnum):
    """Why a process gave no result."""

    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Death:
    """What a task did to its process. exit_code: negative where a signal killed it."""

    reason: Reason
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may take: seconds of the clock, without pauses; bytes of memory of its process (Linux)."""

    max_seconds: float
    max_memory_bytes: int


class Workers(Generic[TaskT, ResultT]):
    """A number of processes that call one function with tasks; function and tasks are pickled."""

    def __init__(self, function: Callable[[TaskT], ResultT], *, count: int, limits: Limits, preload: str) -> None:
        self._function, self._count, self._limits = function, count, limits
        self._context = _context(preload)
        self._threads = ThreadPoolExecutor(count)
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._alive: set[_Process] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, tasks: Sequence[TaskT]) -> Iterator[ResultT | Death]:
        """Yield the result of every task, in order. Raises what the function raises, IndexBuildError where no process can live."""
        waiting, flying = deque(tasks), deque[Future[ResultT | Death]]()
        while waiting or flying:
            while waiting and len(flying) < self._count * _AHEAD:
                flying.append(self._threads.submit(self._run_one, waiting.popleft()))
            yield flying.popleft().result()

    def close(self) -> None:
        """End every process, whatever it is doing."""
        with self._lock:
            self._closed = True
            alive = list(self._alive)
        for process in alive:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in alive:
            process.join()

    def _run_one(self, task: TaskT) -> ResultT | Death:
        """Run a task; one of which a used process died has a second chance in a fresh one: earlier tasks may have left a mess."""
        process = self._take()
        had_run_others = process.has_run
        result = self._run_in(process, task)
        if isinstance(result, Death) and result.reason is not Reason.TIMEOUT and had_run_others:
            result = self._run_in(self._start(), task)
        return result

    def _run_in(self, process: _Process, task: TaskT) -> ResultT | Death:
        result: ResultT | Death = process.run(task, self._limits.max_seconds)
        if not isinstance(result, Death):
            self._idle.put(process)
            return result
        with self._lock:
            self._alive.discard(process)
            if self._closed:
                raise CancelledError
        return result

    def _take(self) -> _Process:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._start()

    def _start(self) -> _Process:
        with self._lock:
            if self._closed:
                raise CancelledError
            process = _Process(self._context, self._function, self._limits.max_memory_bytes)
            self._alive.add(process)
        process.check_start()
        return process


class _Process:
    """One process and the line to it."""

    def __init__(self, context: Any, function: Callable[[Any], Any], max_memory_bytes: int) -> None:
        self._line, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, function, max_memory_bytes), daemon=True)
        self.has_run = False
        try:
            self._process.start()
        except OSError as error:
            raise _cannot_start() from error
        there.close()

    def check_start(self) -> None:
        """Wait until the process can take tasks. Raises IndexBuildError."""
        try:
            self._line.recv()
        except (EOFError, OSError) as error:
            raise _cannot_start() from error

    def run(self, task: Any, max_seconds: float) -> Any:
        """Return the result of a task, or how it ended the process."""
        self.has_run = True
        try:
            self._line.send(task)
            answer, value = self._wait(max_seconds)
        except (EOFError, OSError):
            return self._bury()
        if answer == _FAILED:
            raise value
        if answer == _NO_MEMORY:
            return self._end(Reason.OUT_OF_MEMORY)
        return value

    def kill(self) -> None:
        """Tell the system to end the process at once."""
        self._process.kill()

    def join(self) -> int:
        """Wait for the end of the process; return its exit code, negative where a signal killed it."""
        self._process.join()
        self._line.close()
        return self._process.exitcode or 0

    def _wait(self, max_seconds: float) -> tuple[int, Any]:
        left, since = max_seconds, time.monotonic()
        is_paused = False
        while self._line.poll(None if is_paused else max(0.0, left - (time.monotonic() - since))):
            answer, value = self._line.recv()
            if answer == _PAUSED:
                left, is_paused = left - (time.monotonic() - since), True
            elif answer == _RESUMED:
                since, is_paused = time.monotonic(), False
            else:
                return answer, value
        return _DONE, self._end(Reason.TIMEOUT)

    def _end(self, reason: Reason) -> Death:
        self.kill()
        return Death(reason, self.join())

    def _bury(self) -> Death:
        exit_code = self.join()
        killed = exit_code == -getattr(signal, "SIGKILL", 0)  # not by us: by the system, which was out of memory
        return Death(Reason.OUT_OF_MEMORY if killed else Reason.CRASHED, exit_code)


@contextmanager
def open_workers(
    function: Callable[[TaskT], ResultT], *, count: int, limits: Limits, preload: str
) -> Iterator[Workers[TaskT, ResultT]]:
    """Lend a number of processes. preload: the module that they all need."""
    workers: Workers[TaskT, ResultT] = Workers(function, count=count, limits=limits, preload=preload)
    try:
        yield workers
    finally:
        workers.close()


def _cannot_start() -> IndexBuildError:
    return IndexBuildError(
        "文書を読み取る作業プロセスを開始できません。",
        "空きメモリーを確かめるか、設定 workers を 1 にしてください。"
        "自作のスクリプトから呼ぶときは if __name__ == '__main__': の中に書いてください。",
    )


def _context(preload: str) -> Any:
    """Never fork a process that may have threads: forkserver, or spawn where that is all there is."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


# --- inside a process -------------------------------------------------------------------------------------------------


def _serve(line: Connection, function: Callable[[Any], Any], max_memory_bytes: int) -> None:
    """Do one task after the other until the parent hangs up: leave Ctrl-C to it, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit_memory(max_memory_bytes)
    deadline.set_listener(lambda is_paused: line.send((_PAUSED if is_paused else _RESUMED, None)))
    line.send((_READY, None))
    while True:
        try:
            task = line.recv()
        except EOFError:
            return
        try:
            line.send((_DONE, function(task)))
        except MemoryError:
            _limit_memory(None)  # what the task holds is still there, and the answer needs some too
            line.send((_NO_MEMORY, None))
        except Exception as error:  # the parent raises it: only what stops the whole run comes this far
            line.send((_FAILED, error))


def _limit_memory(max_bytes: int | None) -> None:
    """Let allocations beyond a limit fail. Data, not address space: dictionaries that are mapped from disk cost nothing."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = hard if max_bytes is None else max_bytes
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
