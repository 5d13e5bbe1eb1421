"""Measure the page as people meet it: python -m eval.bench.page [--minutes 30] [--people 20] [--parts browser,ask,soak]

A server of its own over a copy of the town's documents. browser: one person in Chromium: bytes of the page, time until it can be
used, time from Enter to the visible answer, clicks to the highlighted source. ask: 1 and 20 people over the page's own protocol
(20 Chromiums on two cores would measure Chromium). soak: 20 people ask while the index is built again and again; errors and the
memory of the server by minute. Exit status: 0 without errors, 1 with some.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.bench.page_people import Handler, Log, Person, ask_for, find_handler
from eval.questions import read_questions

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
BROWSER_QUESTIONS, ASK_SECONDS = 30, 40.0
ALONE, TOGETHER = (0.1, 0.3), (2.0, 8.0)
"""Seconds between two questions: of one person who is measured, and of each of many."""
SHOWN = "document.querySelector('#answer .result:not([aria-busy])')?.textContent.includes(arguments_)"


@dataclass(frozen=True, slots=True)
class Site:
    """A running server: its address and process, and what it works with."""

    address: str
    process: subprocess.Popen[bytes]
    environment: dict[str, str]


@contextmanager
def run_site(folder: Path) -> Iterator[Site]:
    """Index a copy of the town's documents and serve it."""
    shutil.copytree(REPOSITORY / "corpus", folder / "corpus")
    port = _free_port()
    environment = os.environ | {
        "RAG_CORPUS": str(folder / "corpus"),
        "RAG_INDEX": str(folder / "index"),
        "RAG_DATA_DIR": str(folder / "data"),
        "RAG_PORT": str(port),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "rag"]
    subprocess.run([*command, "index"], env=environment, cwd=folder, check=False, stdout=subprocess.DEVNULL)
    process = subprocess.Popen([*command, "serve"], env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    site = Site(f"http://127.0.0.1:{port}", process, environment)
    try:
        _wait(site)
        yield site
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(site: Site) -> None:
    import httpx

    for _ in range(600):
        try:
            httpx.get(f"{site.address}/config").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("サーバーが2分たっても応答しません。rag serve を単独で動かして、表示を確かめてください。")


# --- one person in a browser ------------------------------------------------------------------------------------------


def measure_browser(site: Site, questions: Sequence[str]) -> list[str]:
    """Return lines on the page's weight, on when it can be used, on Enter to answer, and on the clicks to the source."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="ja-JP")
        sizes: list[int] = []
        page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
        started = time.perf_counter()
        page.goto(site.address)
        page.wait_for_selector("#question textarea")
        page.fill("#question textarea", "あ")
        usable = time.perf_counter() - started
        page.wait_for_timeout(3_000)  # the heartbeat never ends, so that there is no moment without network
        first = sum(sizes)
        seconds = [_ask(page, question) for question in questions[:BROWSER_QUESTIONS]]
        clicks = _count_clicks(page, site)
        browser.close()
    return [
        f"頁の重さ（初回、転送量）       {first / 1e6:.2f} MB（{len(sizes)} 要求）",
        f"開いてから入力できるまで       {usable:.2f} 秒（初回、キャッシュなし）",
        f"Enter から回答まで（1人、画面） {_spread(seconds)}",
        f"開いた画面から出典の強調まで   {clicks} クリック",
    ]


def _ask(page: Any, question: str) -> float:
    page.fill("#question textarea", question)
    started = time.perf_counter()
    page.press("#question textarea", "Enter")
    page.wait_for_function(f"(arguments_) => {SHOWN}", arg=question)
    return time.perf_counter() - started


def _count_clicks(page: Any, site: Site) -> int:
    """Return how many clicks lead from a fresh page to a source with its highlighted place: on an example, and no more than needed."""
    page.goto(site.address)
    page.wait_for_selector("button.example:visible")
    marked = "mark, img.page, .record"  # the words in their page, or the row that was cited
    for clicks, target in enumerate(("button.example:visible", "a.mark"), start=1):
        page.click(target)
        page.wait_for_selector("#answer .result:not([aria-busy])")
        if any(shown.is_visible() for shown in page.locator(f"#citation-1 :is({marked})").all()):
            return clicks
    return 3


# --- many people ------------------------------------------------------------------------------------------------------


def measure_people(site: Site, questions: Sequence[str], people: int) -> tuple[list[str], list[str]]:
    """Return lines on Enter to answer of one person and of many, and what went wrong."""
    lines, errors = [], []
    for count, think in ((1, ALONE), (people, TOGETHER)):
        log = _let_ask(site, questions, count, ASK_SECONDS, think)
        lines.append(f"Enter から回答まで（{count}人）       {_spread(log.seconds)}、誤り {len(log.errors)}")
        errors += log.errors
    return lines, errors


def measure_soak(site: Site, questions: Sequence[str], people: int, minutes: float) -> tuple[list[str], list[str]]:
    """Return lines on many people who ask while the index is built again and again, and what went wrong."""
    import psutil

    memory: list[float] = []
    runs: list[int] = []
    stop = threading.Event()
    server = psutil.Process(site.process.pid)

    def watch() -> None:
        while not stop.wait(0 if not memory else 60):
            memory.append(server.memory_info().rss / 1e6)

    def reindex() -> None:
        while not stop.is_set():
            done = subprocess.run(
                [sys.executable, "-m", "rag", "index", "--full"],
                env=site.environment,
                cwd=site.environment["RAG_DATA_DIR"],
                check=False,
                capture_output=True,
            )
            runs.append(done.returncode)
            stop.wait(20)

    threads = [threading.Thread(target=watch), threading.Thread(target=reindex)]
    for thread in threads:
        thread.start()
    log = _let_ask(site, questions, people, minutes * 60, TOGETHER)
    stop.set()
    for thread in threads:
        thread.join()
    failed = [f"rag index --full: {code}" for code in runs if code not in (0, 1)]
    by_minute = "、".join(f"{value:.0f}" for value in memory)
    return [
        f"{minutes:g} 分、{people}人、その間の索引の作り直し {len(runs)} 回: 質問 {len(log.seconds)}、誤り {len(log.errors)}、{_spread(log.seconds)}",
        f"サーバーのメモリー（MB、1分ごと）: {by_minute}",
    ], [*log.errors, *failed]


def _let_ask(site: Site, questions: Sequence[str], people: int, seconds: float, think: tuple[float, float]) -> Log:
    import httpx

    with httpx.Client(base_url=site.address, timeout=60, limits=httpx.Limits(max_connections=3 * people + 5)) as client:
        handler: Handler = find_handler(client.get("/config").json())
        return ask_for(seconds, people, lambda: Person(client, handler), questions, think)


def _spread(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "—"
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"p50 {1000 * statistics.median(seconds):.0f} ミリ秒、p95 {1000 * cuts[-1]:.0f} ミリ秒（{len(seconds)} 問）"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="length of the soak")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--parts", default="browser,ask,soak")
    options = parser.parse_args(arguments)
    parts = options.parts.split(",")
    questions = [question.text for question in read_questions(REPOSITORY / "eval" / "questions.csv")]
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder, run_site(Path(folder)) as site:
        if "browser" in parts:
            print("\n".join(measure_browser(site, questions)), flush=True)
        if "ask" in parts:
            lines, errors = measure_people(site, questions, options.people)
            print("\n".join(lines), flush=True)
        if "soak" in parts:
            lines, found = measure_soak(site, questions, options.people, options.minutes)
            print("\n".join(lines), flush=True)
            errors = [*errors, *found]
    for error in dict.fromkeys(errors):
        print(f"誤り {errors.count(error)} 回: {error}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
