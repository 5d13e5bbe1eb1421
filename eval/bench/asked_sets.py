"""Ask the questions of a benchmark set of an index with all its documents, or without some, and keep what answering looks at."""

from __future__ import annotations

import random
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits

from eval.bench.retrieval_sets import BenchQuestion, BenchSet, key_of, write_corpus
from rag.answering.answerer import Answerer
from rag.answering.confidence import Calibration
from rag.answering.units import Unit
from rag.documents import Contact, Passage
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import sync
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

Result = TypeVar("Result")
LIMIT = 10
MAX_CHARS = 300
_UNPRINTED = re.compile(r"[\s、。,.・「」『』()\[\]【】…]")


def run_at_once(calls: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """Return what each call returns, in their order; each runs in another process, as many at once as there are cores.

    Each process computes with one thread: with more they get in each other's way.
    """
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        waiting = {name: pool.submit(call) for name, call in calls.items()}
        return {name: future.result() for name, future in waiting.items()}


@contextmanager
def open_set(bench_set: BenchSet, dropped: frozenset[str] = frozenset()) -> Iterator[tuple[Retriever, Answerer]]:
    """Lend a retriever and an answerer over the documents of a set but those with the dropped keys."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        write_corpus(bench_set, root / "corpus", dropped)
        settings = Settings(corpus=root / "corpus", index=root / "index", ocr=False)
        sync(settings)
        snapshot = SnapshotStore(settings.index).open_current()
        embedder = EmbedderLibrary(settings).for_snapshot(snapshot.manifest)
        retriever = Retriever(snapshot, embedder)
        contact, nothing = Contact("総務課"), Calibration(0.0, {}, 0.0)
        yield (
            retriever,
            Answerer(retriever, embedder, snapshot.catalog, calibration=nothing, max_chars=MAX_CHARS, contact=contact),
        )
        snapshot.close()


def choose_questions(bench_set: BenchSet, most: int) -> list[BenchQuestion]:
    """Return up to `most` questions of a set, always the same ones in the same order."""
    questions = list(bench_set.questions)
    random.Random(3).shuffle(questions)
    return questions[:most]


def choose_dropped(bench_set: BenchSet, share: float) -> frozenset[str]:
    """Return the keys of a share of the documents that answer a question, with their twins."""
    answering = sorted({key for question in bench_set.questions for key in question.gold})
    chosen = random.Random(7).sample(answering, int(len(answering) * share))
    return frozenset(twin for key in chosen for twin in bench_set.twins.get(key, (key,)))


def without(question: BenchQuestion, dropped: frozenset[str]) -> BenchQuestion:
    """Return a question with what still answers it."""
    return replace(question, gold={key: grade for key, grade in question.gold.items() if key not in dropped})


def is_right(bench_set: BenchSet, question: BenchQuestion, passage: Passage) -> bool:
    """Tell whether a passage stands at a right place of a question."""
    key = key_of((passage.chunk.source, passage.chunk.locator))
    return bench_set.canonical(question, key) in question.gold


def holds_answer(question: BenchQuestion, text: str) -> bool:
    """Tell whether a text holds the words that answer a question, blanks and marks aside."""
    printed = _squeeze(text)
    return any(_squeeze(answer) in printed for answer in question.answers)


def label_units(
    bench_set: BenchSet, question: BenchQuestion, units: Sequence[Unit], passages: Sequence[Passage]
) -> list[bool]:
    """Tell of each unit whether it stands at a right place and holds the answer."""
    right = [is_right(bench_set, question, passage) for passage in passages]
    return [right[unit.passage] and holds_answer(question, unit.text(passages)) for unit in units]


def _squeeze(text: str) -> str:
    return _UNPRINTED.sub("", unicodedata.normalize("NFKC", text)).lower()
