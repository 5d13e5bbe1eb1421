"""Measure what we add to the first sentence of a generated answer: python -m eval.bench.generation [--runs N]

The questions of the town are asked, each once, after a few others to warm up. A server process says two sentences of the best
passage, at once, or after 0.3 seconds, as a fast server needs to read the passages; it notes when the piece left it that shows the
first sentence to be complete. What is added is the time from the question to the first sentence shown, less that time: choosing
the passages, masking, the prompt, the connection, splitting, checking and reading back. Retrieval is not in it, and neither is
what we do while a server thinks. Exit status: 0 within the budget with the server that thinks, 1 over it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.questions import read_questions
from rag.answering.checking.statements import StatementChecker
from rag.answering.units import split_passages
from rag.answering.writing.engine import GenerativeEngine, choose_masks
from rag.answering.writing.generation import Limits
from rag.answering.writing.llm import open_llm
from rag.answering.writing.prompt import open_prompt
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Passage
from rag.indexing.sync import sync
from rag.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
QUESTIONS = REPOSITORY / "eval" / "questions.csv"
SERVER = REPOSITORY / "tests" / "llm_server.py"
MODELS = {"says": "すぐに答えるサーバー", "says-later": "0.3 秒考えるサーバー"}
BUDGET_MS, PASSAGES, WARM_UP = 50.0, 5, 5
PIECE_CHARS = 3  # as the server cuts its answers


@dataclass(frozen=True, slots=True)
class Run:
    """One answer, in milliseconds. whole: until its first sentence is shown; served: until the server had sent it.

    cpu: of our thread for the whole answer, but for reading: of the passages, which is done while the server thinks.
    """

    whole: float
    served: float
    cpu: float
    reading: float

    @property
    def added(self) -> float:
        """What we added."""
        return self.whole - self.served


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.bench.generation", description="生成回答の最初の文の遅れを測る"
    )
    parser.add_argument("--runs", type=int, default=100, metavar="N")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs = measure(Path(folder), options.runs)
    for model, found in runs.items():
        print(
            f"{MODELS[model]}（{len(found)} 回）: 加えた時間 {describe([run.added for run in found])}（目標 {BUDGET_MS:.0f} ms 以内）"
        )
        print(
            f"　計算時間 {describe([run.cpu for run in found])}、待つ間の文書の読み取り {describe([run.reading for run in found])}"
        )
    return 0 if quantile([run.added for run in runs["says-later"]], 0.95) <= BUDGET_MS else 1


def measure(folder: Path, runs: int) -> dict[str, list[Run]]:
    """Return the runs with each kind of server."""
    settings = Settings(corpus=REPOSITORY / "corpus", index=folder / "index", data_dir=folder / "data", adapt="off")
    sync(settings)
    assistant = Assistant.open(settings)
    texts = [question.text for question in read_questions(QUESTIONS)][: WARM_UP + runs]
    try:
        asked = [(text, assistant.search(text, asker=COMMAND_LINE, limit=PASSAGES)) for text in texts]
        with run_server() as url:
            return {model: ask_all(assistant, settings, asked, url, model) for model in MODELS}
    finally:
        assistant.close()


def ask_all(
    assistant: Assistant, settings: Settings, asked: Sequence[tuple[str, list[Passage]]], url: str, model: str
) -> list[Run]:
    """Ask every question and return what was measured, the first few left out; answers without a proved sentence are left out."""
    reading = [0.0]

    def open_checker(sources: Mapping[int, str], question: str) -> StatementChecker:
        began = time.thread_time()
        checker = StatementChecker(sources, question)
        reading[0] = time.thread_time() - began
        return checker

    llm = open_llm(replace(settings, llm_url=f"{url}/v1", llm_model=model))
    assert llm is not None
    engine = GenerativeEngine(llm, open_prompt(), open_checker, choose_masks("mask"), Limits.of(settings))
    runs = []
    with assistant._snapshot() as snapshot:
        for text, passages in asked:
            put(url, write_reply(passages))
            shown: list[float] = []
            started, cpu = time.monotonic(), time.thread_time()
            generation = engine.generate(text, passages, snapshot.catalog, lambda _: shown.append(time.monotonic()))  # noqa: B023
            used = time.thread_time() - cpu - reading[0]
            if generation.failure is None:
                served = server_time(read_log(url)[-1], len(generation.statements[0].marked))
                runs.append(Run((shown[0] - started) * 1000, served, used * 1000, reading[0] * 1000))
    return runs[WARM_UP:]


def write_reply(passages: Sequence[Passage]) -> str:
    """Return an answer in the words of the best passage."""
    units = [unit.text(passages) for unit in split_passages(passages[:1]) if not unit.is_heading]
    return "".join(f"{' '.join(text.split())}[1]\n" for text in units[:2])


def server_time(request: dict[str, Any], chars: int) -> float:
    """Return after how many milliseconds a server had sent the piece that shows the first sentence to be complete."""
    sent: list[float] = request["sent"]
    pieces = -(-(chars + 1) // PIECE_CHARS)
    return sent[min(pieces, len(sent)) - 1] * 1000


def read_log(url: str) -> list[dict[str, Any]]:
    """Return the requests that a server received."""
    with _OPENER.open(f"{url}/log", timeout=30) as response:
        requests: list[dict[str, Any]] = json.load(response)["requests"]
    return requests


def put(url: str, reply: str) -> None:
    """Tell a server what to say."""
    _OPENER.open(urllib.request.Request(url, reply.encode(), method="PUT"), timeout=30).close()


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def run_server() -> Iterator[str]:
    """Lend the address of a server."""
    process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def describe(values: Sequence[float]) -> str:
    """Return the middle and the edge of some times.

    >>> describe([1, 2, 3])
    'p50 2.0 ms・p95 2.9 ms'
    """
    return f"p50 {quantile(values, 0.5):.1f} ms・p95 {quantile(values, 0.95):.1f} ms"


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of values.

    >>> quantile([1, 2, 3], 0.5)
    2.0
    """
    return float(statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1])


if __name__ == "__main__":
    sys.exit(main())
