"""What the tests of the page in a real browser share: a browser, and waiting until the page is at rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rag.web.assets import STYLES

CHROMIUM = Path("/usr/bin/chromium")
IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}"),
]
"""The marks of a test module that opens the page."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
DONE = "#answer .result:not([aria-busy]), #answer .notice-box.error"
FAREWELLS = ("AbortError: signal is aborted without reason", "Connection errored out")
"""What Gradio writes when a page is left while it is still being filled."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
GRADIO, LIBRARY = "/gradio_api/queue/join", "/api/library/"
"""Where a page sends what it asks: to the handlers of Gradio, and to the routes of the tab 「文書の管理」."""
QUIET_SECONDS = 120
_FOLLOW = """(([gradio, library]) => {
    const asked = (window.asked = new Set()), ended = new Set(), fetchHere = window.fetch, parse = JSON.parse;
    window.fetch = (...given) => {
        const response = fetchHere(...given), address = String(given[0].url ?? given[0]);
        const call = { path: [gradio, library].find((path) => address.includes(path)) };
        const hear = (text) => {
            call.id = call.path === gradio ? parse(text).event_id : undefined;
            if (!call.id || ended.has(call.id)) asked.delete(call);
        };
        if (call.path) {
            asked.add(call);
            response.then((got) => got.clone().text()).then(hear).catch(() => asked.delete(call));
        }
        return response;
    };
    JSON.parse = (...given) => {
        const said = parse(...given);
        if (said?.msg === "process_completed") ended.add(said.event_id);
        for (const call of asked) if (ended.has(call.id)) asked.delete(call);
        return said;
    };
})"""
"""Keeps what a page has asked and not heard the end of. A request of Gradio ends with a message: its stream may stay open behind it."""
_DRAW = """async (path) => {
    const isAsking = () => [...window.asked].some((call) => call.path === path), wasAsking = isAsking();
    for (let frame = 0; frame < 10; frame++) {
        await Promise.race([new Promise((done) => requestAnimationFrame(done)), new Promise((done) => setTimeout(done, 100))]);
        await new Promise((done) => setTimeout(done));
    }
    return wasAsking || isAsking();
}"""
"""Lets a page draw ten frames, more than Gradio takes to draw what it has heard; tells whether an answer was missing meanwhile."""


@contextmanager
def launch() -> Iterator[Any]:
    """Lend a browser that finds nothing but this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


def new_page(context: Any) -> Any:
    """Return an empty page that is patient, and of which is known what it asks (`wait_until_quiet`)."""
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.add_init_script(f"{_FOLLOW}({[GRADIO, LIBRARY]})")
    return page


def wait_until_quiet(page: Any, path: str = GRADIO) -> None:
    """Wait until the page has heard the end of all that it has asked, and has drawn it.

    An answer comes in steps, the last of which is sent twice: what comes late takes back what was written or chosen meanwhile.
    """
    until = time.monotonic() + QUIET_SECONDS
    while page.evaluate(_DRAW, path):
        assert time.monotonic() < until, page.evaluate("[...window.asked]")


def wait_until_open(page: Any) -> None:
    """Wait until the page listens and looks as it should, and what it asks when it is opened has come: left earlier, it complains."""
    page.wait_for_selector("#question textarea")
    page.wait_for_function("'ready' in document.documentElement.dataset")
    page.wait_for_function(
        "names => names.every(name => [...document.styleSheets].some(sheet => sheet.href?.endsWith(`/web/${name}`)))",
        arg=list(STYLES),
    )
    page.wait_for_selector("#examples button")
    wait_until_quiet(page)


def open_tab(page: Any, name: str) -> None:
    """Open a tab, and wait until it is filled: what is written into it earlier is lost."""
    page.click(f"#tab-{name}-button")
    page.wait_for_selector(f"#tab-{name}-button[aria-selected=true]")
    wait_until_quiet(page)


def unfold(page: Any, fold: str, field: str) -> None:
    """Unfold a part of the page, and wait until its fields are there and hold what they begin with."""
    page.click(f"{fold} button.label-wrap")
    page.wait_for_selector(f"{fold} {field}")
    wait_until_quiet(page)


def resize(page: Any, size: Any) -> None:
    """Give the window another size, and wait until the page is laid out for it."""
    page.set_viewport_size(size)
    page.wait_for_function("wide => window.innerWidth === wide", arg=size["width"])
    wait_until_quiet(page)


def copy(page: Any, button: str) -> None:
    """Press a button that copies, and wait until it has said so: it says so for three seconds, and nobody may look just then."""
    page.evaluate(
        """selector => {
            const button = document.querySelector(selector);
            const look = () => (window.hasCopied ||= button.textContent === "コピーしました");
            new MutationObserver(look).observe(button, { characterData: true, childList: true, subtree: true });
        }""",
        button,
    )
    page.click(button)
    page.wait_for_function("window.hasCopied")


def watch(page: Any) -> tuple[set[str], list[str]]:
    """Collect the host of every request, and every error that the browser reports before the page is left or closed."""
    hosts: set[str] = set()
    complaints: list[str] = []

    def forget_farewells(frame: Any) -> None:
        if frame == page.main_frame:
            complaints[:] = [each for each in complaints if not any(words in each for words in FAREWELLS)]

    def note(complaint: str) -> None:
        if not page.is_closed():
            complaints.append(complaint)

    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or request.url[:20]))
    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("framenavigated", forget_farewells)
    return hosts, complaints


def ask(page: Any, question: str) -> None:
    """Ask when nothing of earlier questions still comes, and wait until nothing more comes of this one."""
    wait_until_quiet(page)
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_function(
        "([done, question]) => document.querySelector(done)?.textContent.includes(question)", arg=[DONE, question]
    )
    wait_until_quiet(page)
