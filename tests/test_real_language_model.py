"""A real LLM server, `transformers serve`, with a tiny model of random weights: everything that it says is struck."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from served import find_port
from tiny_models import save_chat_model

from eval.suggestion_llm import NO_FORM
from eval.suggestion_source import propose_with_llm, read_suggestions
from rag.answering.checking.statements import StatementChecker
from rag.answering.writing.engine import GenerativeEngine
from rag.answering.writing.failures import Failure
from rag.answering.writing.generation import Limits
from rag.answering.writing.llm import open_llm
from rag.answering.writing.prompt import open_prompt
from rag.assistant import Assistant
from rag.indexing.embedding import open_embedder
from rag.indexing.snapshot import SnapshotStore
from rag.settings import Settings

pytest.importorskip("accelerate", reason="transformers serve needs the package accelerate")
SERVE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"
START_SECONDS = 300  # it imports torch; about 15 seconds on an idle machine
WAIT_SECONDS = 200.0
QUESTIONS = ["宿泊料はいくらですか", "燃えるごみは何曜日に出しますか", "転出届はいつまでに出しますか"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Lend settings that name the server."""
    folder = save_chat_model(tmp_path_factory.mktemp("model") / "random")
    port = find_port()
    command = [sys.executable, "-c", SERVE, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    log = folder.parent / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--device", "cpu"], env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Settings(llm_url=f"http://127.0.0.1:{port}/v1", llm_model=str(folder))
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
        try:
            opener.open(url, timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise AssertionError(log.read_text(errors="replace")[-2_000:])


@pytest.mark.timeout(START_SECONDS + 3 * WAIT_SECONDS)
def test_all_that_a_model_of_random_weights_says_is_struck(
    served: Settings, town_assistant: Assistant, small_town: Settings
) -> None:
    llm = open_llm(replace(served, llm_max_tokens=80, llm_timeout_seconds=WAIT_SECONDS))
    assert llm is not None
    engine = GenerativeEngine(
        llm, open_prompt(), StatementChecker, limits=Limits(WAIT_SECONDS, WAIT_SECONDS, max_tokens=80)
    )
    snapshot = SnapshotStore(small_town.index).open_current(open_embedder(small_town.embedder).fingerprint)

    seen: list[str] = []
    said = [engine.generate(q, town_assistant.search(q), snapshot.catalog, seen.append) for q in QUESTIONS]
    snapshot.close()

    assert seen == [] and [g.failure for g in said] == [Failure.BABBLING] * len(QUESTIONS), said
    for generation in said:
        assert generation.statements == () and len(generation.checks.struck) == generation.checks.statements > 0
        assert [warning.code for warning in generation.warnings] == ["fallback"]


@pytest.mark.timeout(START_SECONDS + 3 * WAIT_SECONDS)
def test_no_question_that_a_model_of_random_weights_proposes_is_taken(served: Settings, small_town: Settings) -> None:
    settings = replace(served, llm_max_tokens=80, llm_timeout_seconds=WAIT_SECONDS, index=small_town.index)
    chunks = read_suggestions(settings).chunks
    assert propose_with_llm(settings, chunks, count=2) == ([], {NO_FORM: 2})
