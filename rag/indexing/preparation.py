"""Prepare files in worker processes: keep the bytes, read, cut into chunks, split into words.

A file that cannot be read, or that kills its worker, becomes a Problem; the others go on.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.documents import Chunk, Document, Problem
from rag.errors import IndexBuildError, ReadingError
from rag.indexing.lexical import LexicalEntry, analyze
from rag.indexing.originals import store_original, stored_name
from rag.indexing.pipeline import CorpusFile, Listing, Pipeline
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions

log = logging.getLogger(__name__)
_AHEAD = 16  # files in flight per worker: outcomes come in the order of the tasks, whoever is ready first


@dataclass(frozen=True, slots=True)
class Work:
    """What is the same for every file of a run."""

    pipeline: Pipeline
    listing: Listing
    files_dir: Path
    max_chars: int
    options: ReadingOptions = DEFAULT_OPTIONS


@dataclass(frozen=True, slots=True)
class Task:
    """One file to prepare, and its hash as it was when the corpus was listed."""

    file: CorpusFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was read, its chunks, and for each chunk its words and the text to embed."""

    document: Document
    chunks: tuple[Chunk, ...]
    entries: tuple[LexicalEntry, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: `prepared`, or the problem that says why not. file: the name under which its bytes are kept."""

    source: str
    sha256: str
    file: str
    prepared: Prepared | None = None
    problem: Problem | None = None


def prepare_files(tasks: Sequence[Task], work: Work, *, workers: int) -> Iterator[Outcome]:
    """Yield the outcome of every task, in order. workers: 0 means one per core, 1 means in this process."""
    if workers == 1:
        yield from (prepare(task, work) for task in tasks)
    elif tasks:
        with _open_workers(work, min(workers or _cores(), len(tasks))) as pool:
            yield from pool.run(tasks)


def prepare(task: Task, work: Work) -> Outcome:
    """Prepare one file; whatever goes wrong with it becomes its problem."""
    source, sha256 = task.file.source, task.sha256
    name = stored_name(sha256, task.file.path)
    try:
        sha256, path = store_original(task.file.path, sha256=sha256, files_dir=work.files_dir)
        name = path.name
        document = work.pipeline.read_document(
            task.file, path=path, sha256=sha256, listing=work.listing, options=work.options
        )
        return Outcome(source, sha256, name, prepared=_split(document, work))
    except ReadingError as error:
        problem = Problem(source, error.code, error.message, error.hint)
    except Exception as error:  # a reader's library has met a file that nobody thought of: listed, with its kind
        log.debug("%s", source, exc_info=True)
        problem = _unexpected(source, error)
    return Outcome(source, sha256, name, problem=problem)


def _split(document: Document, work: Work) -> Prepared:
    for page in document.pages:
        page.text.encode()  # a lone surrogate could not be stored
        if "\0" in page.text:
            raise ValueError(f"NUL on page {page.number}")
    chunks = tuple(work.pipeline.split_document(document, max_chars=work.max_chars))
    if len({chunk.id for chunk in chunks}) < len(chunks):
        raise ValueError("two chunks with one id")
    texts = tuple(work.pipeline.text_to_embed(chunk) for chunk in chunks)
    return Prepared(document, chunks, tuple(map(analyze, chunks)), texts)


def _unexpected(source: str, error: Exception) -> Problem:
    return Problem(
        source,
        "unexpected",
        f"読み取り中に予期しない誤りが起きました（{type(error).__name__}: {error}）。",
        "ファイルを開いて別名で保存し直すか、PDF にして置き換えてください。直らないときはファイル名を添えて開発元にお知らせください。",
    )


def _crashed(task: Task) -> Outcome:
    problem = Problem(
        task.file.source,
        "crashed",
        "読み取り中に処理が異常終了しました（ファイルの破損、またはメモリー不足）。",
        "ファイルを保存し直すか分割してください。メモリー不足のときは、workers を減らして `rag index --full` を実行してください。",
    )
    return Outcome(task.file.source, task.sha256, stored_name(task.sha256, task.file.path), problem=problem)


class _Workers:
    """A pool of processes that outlives their deaths."""

    def __init__(self, work: Work, count: int) -> None:
        self._work, self._count = work, count
        self._pool: ProcessPoolExecutor | None = None
        self._flying: deque[tuple[Task, Future[Outcome]]] = deque()

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        waiting = deque(tasks)
        while waiting or self._flying:
            while waiting and len(self._flying) < self._count * _AHEAD:
                task = waiting.popleft()
                self._flying.append((task, self._submit(task)))
            task, future = self._flying[0]
            try:
                outcome = future.result()
            except BrokenProcessPool:
                yield from self._run_apart()
                continue
            self._flying.popleft()
            yield outcome

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _run_apart(self) -> Iterator[Outcome]:
        """A worker died and took the pool along: run what was in flight one by one, to see which file it was."""
        self.close()
        self._check_start()
        suspects, self._flying = list(self._flying), deque()
        for task, future in suspects:
            if future.done() and not future.cancelled() and future.exception() is None:
                yield future.result()
                continue
            try:
                yield self._submit(task).result()
            except BrokenProcessPool:
                self.close()
                yield _crashed(task)

    def _check_start(self) -> None:
        """Raise IndexBuildError where no worker can live at all, rather than blame every file in turn."""
        try:
            self._open_pool().submit(os.getpid).result()
        except BrokenProcessPool as error:
            raise IndexBuildError(
                "文書を読み取る作業プロセスを開始できません。",
                "空きメモリーを確かめるか、設定 workers を 1 にしてください。"
                "自作のスクリプトから呼ぶときは if __name__ == '__main__': の中に書いてください。",
            ) from error

    def _open_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=_context(), initializer=_start_worker, initargs=(self._work,)
            )
        return self._pool

    def _submit(self, task: Task) -> Future[Outcome]:
        try:
            return self._open_pool().submit(_prepare_in_worker, task)
        except BrokenProcessPool as error:  # it died between two submissions
            failed: Future[Outcome] = Future()
            failed.set_exception(error)
            return failed


@contextmanager
def _open_workers(work: Work, count: int) -> Iterator[_Workers]:
    pool = _Workers(work, count)
    try:
        yield pool
    finally:
        pool.close()


def _context() -> multiprocessing.context.BaseContext:
    """Never fork a process that may have threads: forkserver, or spawn where that is all there is."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


_worker_work: list[Work] = []


def _start_worker(work: Work) -> None:
    """Run at the start of a worker process: leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _worker_work[:] = [work]


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _prepare_in_worker(task: Task) -> Outcome:
    return prepare(task, _worker_work[0])


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
