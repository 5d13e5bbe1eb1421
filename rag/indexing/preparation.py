"""Prepare files in worker processes: keep the bytes, read, cut into chunks, split into words.

A file that cannot be read, or that hangs or kills its process, becomes a Problem; the others go on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rag.documents import Chunk, Document, Problem
from rag.errors import IndexBuildError, ReadingError
from rag.indexing.lexical import LexicalEntry, analyze
from rag.indexing.originals import store_original, stored_name
from rag.indexing.pipeline import CorpusFile, Listing, Pipeline
from rag.indexing.workers import Death, Limits, Reason, open_workers
from rag.reading.limits import describe_crash, describe_out_of_memory, describe_timeout
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.wording import Name

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What is the same for every file of a run. names: the user dictionary."""

    pipeline: Pipeline
    listing: Listing
    files_dir: Path
    max_chars: int
    options: ReadingOptions = DEFAULT_OPTIONS
    names: tuple[Name, ...] = ()


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


def prepare_files(tasks: Sequence[Task], work: Work, *, workers: int) -> Generator[Outcome, None, None]:
    """Yield the outcome of every task, in order. workers: 0 means one per core, 1 means in this process, without its limits.

    Closing the generator ends the processes.
    """
    if workers == 1:
        yield from (_prepare_here(task, work) for task in tasks)
    elif tasks:
        limits = Limits(work.options.max_seconds, work.options.max_memory_bytes)
        count = min(workers or _cores(), len(tasks))
        with open_workers(partial(prepare, work=work), count=count, limits=limits, preload=__name__) as pool:
            for task, result in zip(tasks, pool.run(tasks), strict=True):
                yield _blame(task, work, result) if isinstance(result, Death) else result


def prepare(task: Task, work: Work) -> Outcome:
    """Prepare one file; whatever is wrong with it becomes its problem. Raises MemoryError, and IndexBuildError for a full disk."""
    source, sha256 = task.file.source, task.sha256
    name = stored_name(sha256, source)
    try:
        sha256, path = store_original(task.file, sha256=sha256, files_dir=work.files_dir, options=work.options)
        name = path.name
        document = work.pipeline.read_document(
            task.file, path=path, sha256=sha256, listing=work.listing, options=work.options
        )
        return Outcome(source, sha256, name, prepared=_split(document, work))
    except ReadingError as error:
        problem = Problem(source, error.code, error.message, error.hint)
    except (IndexBuildError, MemoryError):
        raise
    except Exception as error:  # a reader's library has met a file that nobody thought of: listed, with its kind
        log.debug("%s", source, exc_info=True)
        problem = _unexpected(source, error)
    return Outcome(source, sha256, name, problem=problem)


def _prepare_here(task: Task, work: Work) -> Outcome:
    try:
        return prepare(task, work)
    except MemoryError:
        return _blame(task, work, Death(Reason.OUT_OF_MEMORY))


def _blame(task: Task, work: Work, death: Death) -> Outcome:
    """Return the outcome of a task that ended its process."""
    source, sha256 = task.file.source, task.sha256
    if death.reason is Reason.TIMEOUT:
        problem = describe_timeout(source, work.options)
    elif death.reason is Reason.OUT_OF_MEMORY:
        problem = describe_out_of_memory(source, work.options)
    else:
        problem = describe_crash(source, death.exit_code)
    return Outcome(source, sha256, stored_name(sha256, source), problem=problem)


def _split(document: Document, work: Work) -> Prepared:
    for page in document.pages:
        page.text.encode()  # a lone surrogate could not be stored
        if "\0" in page.text:
            raise ValueError(f"NUL on page {page.number}")
    chunks = tuple(work.pipeline.split_document(document, max_chars=work.max_chars))
    if len({chunk.id for chunk in chunks}) < len(chunks):
        raise ValueError("two chunks with one id")
    texts = tuple(work.pipeline.text_to_embed(chunk) for chunk in chunks)
    return Prepared(document, chunks, tuple(analyze(chunk, work.names) for chunk in chunks), texts)


def _unexpected(source: str, error: Exception) -> Problem:
    return Problem(
        source,
        "unexpected",
        f"読み取り中に予期しない誤りが起きました（{type(error).__name__}: {error}）。",
        "ファイルを開いて別名で保存し直すか、PDF にして置き換えてください。直らないときはファイル名を添えて開発元にお知らせください。",
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
