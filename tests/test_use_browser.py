"""In a real browser: an answer is judged, a gap is closed by a department, and the next person gets the confirmed answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from browsing import (
    IN_BROWSER,
    NARROW,
    WIDE,
    copy,
    launch,
    new_page,
    open_tab,
    resize,
    unfold,
    wait_until_open,
    wait_until_quiet,
    watch,
)
from browsing import ask as ask_question
from conftest import build_town
from page_checks import ZOOMED, check_reflow, find_serious_in_both_themes
from served import serve_app

from rag.accounts.opening import open_gate
from rag.accounts.passwords import Passwords
from rag.accounts.session_gate import SESSION_COOKIE, SessionGate
from rag.accounts.user import Role
from rag.assistant import Assistant
from rag.settings import Settings
from rag.web.server import build_app

pytestmark = [
    *IN_BROWSER,
    pytest.mark.timeout(900),  # an index run is a polite process: on a busy machine it waits
]
QUESTION, KNOWN = "町民プールの利用料金はいくらですか", "転出届はいつまでに出せばよいですか"
GAP = "パスポートの申請手数料はいくらですか"
EVIL = "<img src=x onerror=window.pwned=1>"


@dataclass(frozen=True)
class Site:
    """The running server over a small town of its own, and who may enter."""

    address: str
    gate: SessionGate
    browser: Any
    pages: dict[str, Any] = field(default_factory=dict)

    def page_of(self, name: str) -> Any:
        """Return a new page of a user, on which nothing was asked yet; the last one is closed."""
        if name in self.pages:
            self.pages.pop(name).context.close()
        page = self.pages[name] = self.open(name)
        wait_until_open(page)
        return page

    def open(self, name: str, path: str = "/", **window: Any) -> Any:
        """Return a page of a user in a window of his own."""
        context = self.browser.new_context(**({"locale": "ja-JP", "viewport": WIDE} | window))
        context.add_cookies([{"name": SESSION_COOKIE, "value": self.gate.sessions.open(name), "url": self.address}])
        page = new_page(context)
        page.goto(self.address + path)
        return page


def open_site(folder: Path) -> tuple[Settings, SessionGate]:
    settings = build_town(folder, accounts="on", adapt="off")
    gate = open_gate(settings, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    assert isinstance(gate, SessionGate)
    gate.users.add("kanri", "青い山と白い鳥と 7", role=Role.ADMIN, departments=("総務課",), display_name="管理 係")
    gate.users.add("tanto", "青い山と白い鳥と 8", departments=("環境課",))
    gate.users.add("zeimu", "青い山と白い鳥と 9", departments=("税務課",))
    return settings, gate


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings, gate = open_site(tmp_path_factory.mktemp("use"))
    assistant = Assistant.open(settings)
    with serve_app(build_app(assistant, settings, gate=gate)) as address, launch() as browser:
        yield Site(address, gate, browser)
    assistant.close()


def ask(page: Any, question: str) -> None:
    ask_question(page, question)
    page.wait_for_selector("#judging")


def begin_reply(page: Any, question: str) -> None:
    """Open a question without an answer, and the form for its reply with what it begins with."""
    open_tab(page, "gaps")
    page.click(f"#gaps label:has-text('{question}')")
    page.wait_for_selector("article.gap")
    page.click("#gap-reply")
    page.wait_for_selector("#reply-author")
    wait_until_quiet(page)


def check_reply(page: Any, words: str) -> None:
    """Let the reply be shown as it would be published: whatever was written before takes an earlier preview away, if late."""
    wait_until_quiet(page)
    page.click("#reply-check")
    page.wait_for_selector(f".preview:has-text('{words}')")
    wait_until_quiet(page)


def judge_answer(page: Any) -> None:
    """Open an answer of the list, and rate it."""
    page.locator(f"#judged-answers label:has-text('{KNOWN}')").first.click()
    page.wait_for_selector(".judged:has-text('14日以内')")
    wait_until_quiet(page)
    page.click("#rating label:has-text('○')")
    page.click("#rate")
    page.wait_for_selector("#judging-told .done:has-text('「○」を記録しました')")
    wait_until_quiet(page)


def test_from_a_question_in_vain_to_the_confirmed_answer(site: Site) -> None:
    staff = site.page_of("tanto")
    hosts, complaints = watch(staff)
    ask(staff, QUESTION)
    assert staff.locator(".no-answer").count() == 1
    assert staff.locator("#tab-use-button, #tab-gaps-button").count() == 0, "those are for administrators"
    staff.click("#verdict label:has-text('見つからない')")
    staff.wait_for_selector("#judged .done:has-text('「見つからない」を受け取りました')")
    wait_until_quiet(staff)
    staff.locator("#comment").locator("input, textarea").fill("料金表がほしい" + EVIL)
    staff.click("#send-comment")
    staff.wait_for_selector("#judged .done:has-text('ひとこと')")

    admin = site.page_of("kanri")
    begin_reply(admin, QUESTION)
    assert admin.locator("#reply-author").locator("input, textarea").input_value() == "管理 係"
    for name, text in (("question", QUESTION), ("answer", f"1回200円です。{EVIL}"), ("department", "教育課")):
        admin.locator(f"#reply-{name}").locator("input, textarea").fill(text)
    admin.check("#reply-pin input")
    check_reply(admin, "正式な回答にする")
    admin.click("#reply-publish")
    admin.wait_for_selector("#reply-told .done:has-text('索引に入れました')", timeout=240_000)
    admin.wait_for_selector("#gaps-count:has-text('ありません')")

    ask(staff, f"すみません、{QUESTION}？")
    staff.wait_for_selector("#answer h2 .badge:has-text('確認済み')")
    assert staff.inner_text(".answer-text") == f"1回200円です。{EVIL}[1]"
    assert "教育課 管理 係" in staff.inner_text("#citation-1 .reviewed")
    assert staff.evaluate("window.pwned") is None and admin.evaluate("window.pwned") is None
    assert (hosts, complaints) == ({"127.0.0.1"}, [])


def test_a_permanent_link_is_opened_by_another_user_and_copied(site: Site) -> None:
    staff = site.page_of("tanto")
    ask(staff, KNOWN)
    link = staff.get_attribute("#permanent a", "href")
    staff.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy(staff, "#permanent button.copy")
    assert staff.evaluate("navigator.clipboard.readText()") == site.address + link

    other = site.open("zeimu", link)
    assert KNOWN in other.inner_text(".asked-text") and "14日以内" in other.inner_text(".answer-text")
    resize(other, NARROW)
    assert other.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert "表示できません" in site.open("zeimu", "/answers/unknown").inner_text("main")


def test_the_figures_count_what_was_asked_and_judged_and_come_as_excel(site: Site) -> None:
    staff = site.page_of("tanto")
    ask(staff, KNOWN)
    staff.click("#verdict label:has-text('役に立った')")
    staff.wait_for_selector("#judged .done")
    unfold(staff, "#survey", ".scale input")
    for place in range(3):
        staff.locator("#survey .scale").nth(place).locator("input").first.check()
    staff.click("#send-survey")
    staff.wait_for_selector("#surveyed .done:has-text('ありがとうございます')")

    admin = site.page_of("kanri")
    open_tab(admin, "use")
    admin.wait_for_selector(".use-report .tiles:has-text('件')")
    words = admin.inner_text(".use-report")
    assert "環境課" in words and "町民課" in words.partition("質問のない課")[2] and "節約した時間 ＝" in words
    assert "そう思う・ややそう思う 100.0％" in words
    with admin.expect_download() as download:
        admin.click("#use-excel")
    assert Path(download.value.path()).read_bytes().startswith(b"PK")
    assert download.value.suggested_filename.startswith("利用状況_")


def test_an_answer_is_rated_and_becomes_a_case_at_360_pixels(site: Site) -> None:
    ask(site.page_of("tanto"), KNOWN)
    admin = site.page_of("kanri")
    resize(admin, NARROW)
    open_tab(admin, "judging")
    judge_answer(admin)
    assert "kanri: ○" in admin.inner_text(".judged .ratings")
    admin.click("#add-candidate")
    admin.wait_for_selector("#judging-told .done:has-text('質問集の候補に U')")

    for tab in ("judging", "gaps", "use"):
        open_tab(admin, tab)
        assert admin.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], tab
        for target in admin.locator("button:visible, summary:visible, label:has(input):visible").all():
            assert target.bounding_box()["height"] >= 44, target.inner_text()


def open_gap(page: Any, question: str) -> None:
    """Open a question without an answer, and see what its answer would look like."""
    begin_reply(page, question)
    for name in ("answer", "department", "author"):
        page.locator(f"#reply-{name}").locator("input, textarea").fill("教育課")
    check_reply(page, "教育課")


def test_with_data_in_them_axe_has_nothing_serious_to_say_of_the_tabs_of_use(site: Site) -> None:
    staff, admin = site.page_of("tanto"), site.page_of("kanri")
    ask(staff, GAP)
    ask(staff, KNOWN)

    open_gap(admin, GAP)
    assert find_serious_in_both_themes(admin) == {"light": [], "dark": []}
    open_tab(admin, "use")
    admin.wait_for_selector(".use-report .tiles:has-text('件')")
    admin.locator(".use-report .behind > summary").first.click()
    assert find_serious_in_both_themes(admin) == {"light": [], "dark": []}
    open_tab(admin, "judging")
    judge_answer(admin)
    assert find_serious_in_both_themes(admin) == {"light": [], "dark": []}


def test_at_200_percent_nothing_of_a_question_without_an_answer_is_cut_or_out_of_reach(site: Site) -> None:
    ask(site.page_of("tanto"), GAP)
    page = site.open("kanri", **ZOOMED)
    wait_until_open(page)

    open_gap(page, GAP)
    check_reflow(page)
