"""Nothing leaves the machine: index, search, ask, page image and page, with every address but loopback forbidden."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PDF = "デジタル推進課/情報セキュリティ規程.pdf"
SOURCES = (PDF, "総務課/職員旅費規程.txt", "環境課/くらしと環境のよくある質問.csv")

GUARD = """
import json, sys
attempts = []

def forbid(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        target = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        target = arguments
    else:
        return
    host = target[0] if isinstance(target, tuple) else None  # a Unix socket has a path, a connected one nothing
    if host not in (None, "", "127.0.0.1", "::1", "localhost", b"localhost"):
        attempts.append([event, str(target)])
        raise OSError(f"forbidden: {event} {target}")

sys.addaudithook(forbid)
"""
WHOLE_PATH = """
from pathlib import Path
from rag.settings import load_settings
from rag.assistant import Assistant
from rag.indexing.sync import sync
from rag.web.server import build_app
from fastapi.testclient import TestClient

settings = load_settings(corpus=Path("corpus"), index=Path("index"), data_dir=Path("data"), workers=1)
report = sync(settings)
assistant = Assistant.open(settings)
hits = assistant.search("情報セキュリティ管理者は誰ですか")
answer = assistant.ask("旅費の請求はいつまでにしますか")
client = TestClient(build_app(assistant, settings))
pdf = next(entry for entry in assistant.documents() if entry.source.endswith(".pdf"))
page = client.get("/")
image = client.get(f"/api/pages/{pdf.sha256}/1.png", params={"source": pdf.source, "spans": "0-20"})
asked = client.post("/api/ask", json={"question": "旅費の請求はいつまでにしますか"})
print(json.dumps({
    "attempts": attempts,
    "problems": [str(problem) for problem in report.problems],
    "indexed": sorted(report.added),
    "found": sorted({passage.chunk.source for passage in hits}),
    "status": answer.status,
    "cited": [[citation.source, citation.verified] for citation in answer.citations],
    "page": [page.status_code, "gradio" in page.text],
    "image": [image.status_code, image.content[:4].decode("latin-1")],
    "api": [asked.status_code, asked.json().get("status")],
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the whole path did in a process of its own, with an empty home folder and a key that nobody may use."""
    folder = tmp_path_factory.mktemp("offline")
    for source in SOURCES:
        target = folder / "corpus" / source
        target.parent.mkdir(parents=True)
        shutil.copy(ROOT / "corpus" / source, target)
    return run_guarded(WHOLE_PATH, folder)


def run_guarded(script: str, folder: Path, *, timeout_seconds: float = 280) -> dict[str, Any]:
    """Run a script behind the guard and return the object that it prints last."""
    kept = {
        name: value for name, value in os.environ.items() if name.upper() in ("PATH", "SYSTEMROOT", "TEMP", "TMPDIR")
    }
    environment = kept | {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "OPENAI_API_KEY": "sk-not-a-key",
    }
    done = subprocess.run(
        [sys.executable, "-c", GUARD + script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_seconds,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def test_the_guard_notices_what_a_library_tries_and_hides(tmp_path: Path) -> None:
    script = """
import socket, urllib.request
for host in ("example.com", "192.0.2.1"):
    try:
        urllib.request.urlopen(f"http://{host}/", timeout=1)
    except OSError:
        pass
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print(json.dumps({"attempts": attempts}))
"""

    attempts = run_guarded(script, tmp_path)["attempts"]

    assert [("example.com" in target, "192.0.2.1" in target) for _, target in attempts] == [
        (True, False),
        (False, True),
    ]


def test_the_whole_path_tries_no_connection(seen: dict[str, Any]) -> None:
    assert seen["attempts"] == []


def test_the_whole_path_works_without_a_network(seen: dict[str, Any]) -> None:
    assert (seen["indexed"], seen["problems"]) == (sorted(SOURCES), [])
    assert PDF in seen["found"]
    assert seen["status"] == "answered"
    assert ["総務課/職員旅費規程.txt", True] in seen["cited"]


def test_the_page_its_images_and_the_api_are_served_without_a_network(seen: dict[str, Any]) -> None:
    assert seen["page"] == [200, True]
    assert seen["image"] == [200, "\x89PNG"]
    assert seen["api"] == [200, "answered"]
