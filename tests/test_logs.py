"""The log of the server: a question that was asked stands in no file and in nothing that is printed."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from served import find_port

from rag.settings import Settings
from rag.web.logs import PrivateFormatter, QuietStream, private_logs

ROOT = Path(__file__).parents[1]
PLANTED = {
    "氏名": "鬼頭院花乃進",
    "電話": "0987-65-4321",
    "メール": "planted.value@example.jp",
    "番号": "787789328790",
    "住所": "植込町大字見張987番地",
}
QUESTION = f"{PLANTED['氏名']}さん（{PLANTED['電話']}、{PLANTED['メール']}、{PLANTED['番号']}、{PLANTED['住所']}）の転出届の秘密の合言葉"
WANTED = (*PLANTED.values(), "秘密の合言葉")
BREAKS = "爆発"  # a question that begins so meets a defect, whose words repeat it
SERVER = f"""
from rag import assistant
from rag.settings import load_settings
from rag.web.server import serve

class Breaking(assistant.Assistant):
    def ask(self, question, *arguments, **options):
        if question.startswith({BREAKS!r}):
            raise RuntimeError(question)
        return super().ask(question, *arguments, **options)

assistant.Assistant = Breaking
serve(load_settings())
"""


def fail(question: str) -> None:
    raise ValueError(f"cannot answer\n  {question}") from KeyError(question)


def test_an_error_is_logged_with_its_type_and_place_and_without_its_words() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrivateFormatter())
    logger = logging.Logger("town")
    logger.addHandler(handler)
    try:
        fail(QUESTION)
    except ValueError:
        logger.exception("no answer for %s", PLANTED["電話"])

    written = stream.getvalue()
    assert "no answer for 【電話】" in written and "builtins.ValueError" in written and "builtins.KeyError" in written
    assert "test_logs.py" in written and " fail" in written
    assert [value for value in WANTED if value in written] == []


@pytest.mark.parametrize("at_once", [False, True], ids=["piece by piece", "at once"])
def test_a_traceback_that_a_package_prints_keeps_its_places_and_loses_its_words(at_once: bool) -> None:
    stream = io.StringIO()
    quiet = QuietStream(stream)
    try:
        fail(QUESTION)
    except ValueError:
        if at_once:
            quiet.write(traceback.format_exc())
        else:
            traceback.print_exc(file=quiet)
    print("索引を開きました", PLANTED["メール"], file=quiet)

    written = stream.getvalue()
    assert 'test_logs.py", line' in written and "ValueError\n" in written
    assert written.endswith("索引を開きました 【メール】\n")
    assert [value for value in WANTED if value in written] == []


def test_an_address_is_logged_without_its_query_and_everything_is_undone_in_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (logging.getLogger().handlers[:], sys.stdout)
    with private_logs():
        logging.getLogger("town.access").warning(  # uvicorn.access of another test may have handlers of its own
            '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/api/search?question=秘密の合言葉&limit=5", "1.1", 200
        )

    assert '"GET /api/search HTTP/1.1" 200' in capsys.readouterr().err
    assert (logging.getLogger().handlers[:], sys.stdout) == before


# --- the real server --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A server in a process of its own, whose files all lie under one folder."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]


@pytest.fixture
def site(small_town: Settings, tmp_path: Path) -> Iterator[Site]:
    with start_server(small_town, tmp_path) as found:
        if trouble := wait_for(found):
            pytest.fail(f"the server did not answer: {trouble}")
        yield found


@contextmanager
def start_server(small_town: Settings, folder: Path) -> Iterator[Site]:
    """Start a server whose environment holds nothing that another test may have left behind, and kill it at the end."""
    port = find_port()
    for name in ("data", "home", "tmp"):
        (folder / name).mkdir(parents=True)
    own = {
        "RAG_INDEX": str(small_town.index),
        "RAG_DATA_DIR": str(folder / "data"),
        "RAG_PORT": str(port),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | own
    with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            yield Site(f"http://127.0.0.1:{port}", folder, process)
        finally:
            process.kill()
            process.wait()


def wait_for(site: Site) -> str:
    """Return "" once the server answers; else what it was doing: its last words, and where each of its threads stands."""
    deadline, last = time.monotonic() + 120, (0, "")
    while site.process.poll() is None and time.monotonic() < deadline:
        last = call(f"{site.address}/health")
        if last[0] == 200:
            return ""
        time.sleep(0.2)
    status = site.process.poll()
    if status is None:
        site.process.send_signal(signal.SIGABRT)  # faulthandler writes the stacks
        site.process.wait()
    said = "".join((site.folder / name).read_text(encoding="utf-8") for name in ("out.txt", "err.txt"))
    return f"exit status {status}, last answer {last}, {said}"


def call(address: str, body: Any = None) -> tuple[int, str]:
    """Return status and text of a request; 0 where nobody listens."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
    try:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({})
        )  # urlopen keeps the proxies of its first call
        with opener.open(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, repr(error)


UNSET = [None, None, None, "", "", "", ""]
"""What the page sends beside a question: its state, and no limits."""


def ask_on_the_page(address: str, data: list[Any]) -> str:
    """Return the events of a question that is sent as the page sends it; the answer to a refused one."""
    session = uuid.uuid4().hex[:11]
    config = json.loads(call(f"{address}/config")[1])
    button = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "send")
    send = next(d["id"] for d in config["dependencies"] if d["targets"] == [[button, "click"]])
    body = {"data": data, "fn_index": send, "session_hash": session, "trigger_id": 1, "event_data": None}
    status, text = call(f"{address}/gradio_api/queue/join", body)
    return call(f"{address}/gradio_api/queue/data?session_hash={session}")[1] if status == 200 else text


def test_what_was_asked_by_any_route_stands_in_no_file_and_in_nothing_printed(site: Site, small_town: Settings) -> None:
    query = urllib.parse.urlencode({"question": QUESTION})
    statuses = [
        call(
            f"{site.address}/api/ask", {"question": QUESTION, "history": [{"question": QUESTION, "answer": QUESTION}]}
        ),
        call(f"{site.address}/api/search?{query}"),
        call(f"{site.address}/api/search?{query}&limit=x"),
        call(f"{site.address}/api/search?question=x&department={urllib.parse.quote(QUESTION)}"),
        call(f"{site.address}/api/ask", {"question": QUESTION, "unknown": QUESTION}),
        call(f"{site.address}/api/ask", QUESTION.encode()),
        call(f"{site.address}/{urllib.parse.quote(QUESTION)}?{query}"),
        call(f"{site.address}/api/pages/{'0' * 64}/1.png?source={urllib.parse.quote(QUESTION)}"),
    ]
    assert [status for status, _ in statuses] == [200, 200, 422, 400, 422, 422, 404, 404]
    assert "process_completed" in ask_on_the_page(site.address, [QUESTION, *UNSET])
    assert "予期しない問題" in ask_on_the_page(site.address, [BREAKS + QUESTION, *UNSET])
    assert call(f"{site.address}/api/ask", {"question": BREAKS + QUESTION})[0] == 500
    ask_on_the_page(site.address, [])
    ask_on_the_page(site.address, [{"text": QUESTION}])
    ask_on_the_page(site.address, [QUESTION, QUESTION])
    site.process.send_signal(signal.SIGINT)
    site.process.wait(timeout=30)

    assert "で待っています" in (site.folder / "out.txt").read_text(encoding="utf-8")
    errors = (site.folder / "err.txt").read_text(encoding="utf-8")
    assert errors.count("builtins.RuntimeError") >= 2, "what went wrong is not logged at all"
    assert "in validate_inputs" in errors, "Gradio prints past the log"
    # The record of what was asked keeps the question, without personal data: that is what it is for.
    found = find_planted(site.folder, small_town.index, small_town.data_dir)
    assert found == ["activity.sqlite: 秘密の合言葉"]


def find_planted(*folders: Path) -> list[str]:
    """Return which files under folders hold something that was asked, as bytes in any encoding, percent-encoded or escaped."""
    wanted = {value: encodings(value) for value in WANTED}
    return [
        f"{file.name}: {value}"
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
        for content in (file.read_bytes(),)
        for value, forms in wanted.items()
        if any(form in content for form in forms)
    ]


def encodings(value: str) -> list[bytes]:
    forms = [value.encode(encoding) for encoding in ("utf-8", "cp932", "utf-16-le")]
    return [*forms, urllib.parse.quote(value).encode(), json.dumps(value)[1:-1].encode()]
