"""Language models for tests: a server process that misbehaves on demand."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def say(self, text: str) -> None:
        """Let the model "says" answer with a text from now on."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/log", text.encode(), method="PUT")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


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
