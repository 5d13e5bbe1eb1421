"""What `eval.bench.speed` times, each part in a process of its own: indexing, asking, adapting. Models are loaded before."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.bench.synthetic import make_questions, write_small_files

QUESTIONS, WARM_UP_QUESTIONS = 200, 5


def run_sync(corpus: Path, index: Path) -> dict[str, Any]:
    """Load what can be loaded, then index."""
    from rag.indexing.embedding import open_embedder
    from rag.indexing.sync import sync
    from rag.settings import Settings

    embedder = open_embedder()
    with tempfile.TemporaryDirectory() as warm:
        write_small_files(Path(warm, "corpus"), files=2)
        sync(Settings(corpus=Path(warm, "corpus"), index=Path(warm, "index")), embedder=embedder)
    started = time.perf_counter()
    report = sync(Settings(corpus=corpus, index=index, ocr=False), embedder=embedder)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "stages": dict(report.seconds), **asdict(report.counts)}


def run_ask(index: Path, file: Path | None = None) -> dict[str, Any]:
    """Ask, and time every question but the first few."""
    import psutil

    from rag.assistant import Assistant
    from rag.batch import read_batch
    from rag.settings import Settings

    assistant = Assistant.open(Settings(index=index))
    answered, milliseconds, cpu = 0, [], []
    for question in [q.question for q in read_batch(file)] if file else make_questions(QUESTIONS + WARM_UP_QUESTIONS):
        started, cpu_started = time.perf_counter(), time.process_time()
        answered += assistant.ask(question).status.value == "answered"
        milliseconds.append((time.perf_counter() - started) * 1_000)
        cpu.append((time.process_time() - cpu_started) * 1_000)
    return {
        "milliseconds": milliseconds[WARM_UP_QUESTIONS:],
        "cpu_milliseconds": cpu[WARM_UP_QUESTIONS:],
        "answered": answered,
        "resident": psutil.Process().memory_info().rss,
    }


def run_adapt(corpus: Path, index: Path) -> dict[str, Any]:
    """Index a corpus, then adapt the embedder to it and embed everything again: the second is what `rag adapt` does."""
    from rag.indexing.sync import sync
    from rag.indexing.updating import adapt_index
    from rag.settings import Settings

    settings = Settings(corpus=corpus, index=index, ocr=False)
    report = sync(settings)
    started, cpu_started = time.perf_counter(), time.process_time()
    adaptation, again = adapt_index(settings)
    return {
        "chunks": report.counts.chunks,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "note": asdict(adaptation.note),
        "stages": dict(again.seconds) if again else {},
    }


CHILDREN: dict[str, Callable[..., dict[str, Any]]] = {"sync": run_sync, "ask": run_ask, "adapt": run_adapt}
