"""Language models for tests: a server process that misbehaves on demand, and a checker of statements that can be read at a glance."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.text import morphemes, normalize

SERVER = Path(__file__).with_name("llm_server.py")


@dataclass(frozen=True)
class ModelServer:
    """A running server of llm_server.py."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def log(self, *, forget: bool = False) -> dict[str, Any]:
        """Return what the server received since it was told to forget."""
        path = "forget" if forget else "log"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/{path}", timeout=30) as response:
            value: dict[str, Any] = json.load(response)
        return value


@contextmanager
def run_model_server() -> Iterator[ModelServer]:
    """Lend a server in a process of its own."""
    process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield ModelServer(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Verdict:
    """What WordChecker found."""

    text: str
    citations: tuple[int, ...]
    facts: int
    reason: str | None
    connective: bool = False


class WordChecker:
    """Believe a statement when all its numbers and four fifths of its words stand in the passages that it cites."""

    def __init__(self, sources: Mapping[int, str], question: str = "") -> None:
        self._sources = sources

    def check(self, statement: str) -> Verdict:
        cited = tuple(int(n) for n in re.findall(r"\[(\d+)\]", statement))
        text = re.sub(r"\[\d+\]", "", statement)
        numbers = re.findall(r"\d[\d,]*", normalize(text))
        return Verdict(text, cited, len(numbers), self._find_fault(text, cited, numbers))

    def _find_fault(self, text: str, cited: tuple[int, ...], numbers: list[str]) -> str | None:
        if not cited or not set(cited) <= set(self._sources):
            return "引用番号がないか、正しくありません。"
        source = normalize(" ".join(self._sources[number] for number in cited))
        if any(number not in source for number in numbers):
            return "文書にない数です。"
        words = set(morphemes(text))
        share = len(words & set(morphemes(source))) / max(len(words), 1)
        return None if share >= 0.8 else "文書にない言葉です。"
