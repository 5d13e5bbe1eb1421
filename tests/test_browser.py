"""The page in a real browser: asking, reading sources, input methods, hostile content, narrow screens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    DONE,
    IN_BROWSER,
    NARROW,
    WIDE,
    ask,
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
from fake_assistant import EVIL, EXAMPLES, QUOTE, FakeAssistant
from page_checks import ZOOMED, check_reflow, find_serious
from served import serve_app

from rag.documents import Filters
from rag.settings import Settings
from rag.web.server import build_app

pytestmark = IN_BROWSER


@dataclass(frozen=True)
class Site:
    """The running server and what stands behind it."""

    address: str
    assistant: FakeAssistant


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assistant = FakeAssistant(tmp_path_factory.mktemp("originals"))
    with serve_app(build_app(assistant, Settings(data_dir=assistant.folder / "data"))) as address:
        yield Site(f"{address}/", assistant)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser: Any) -> Any:
    """One window for all tests, so that the files of Gradio are loaded once."""
    return browser.new_context(viewport=WIDE, locale="ja-JP", color_scheme="dark")


@pytest.fixture
def page(context: Any, site: Site) -> Iterator[Any]:
    """Open the page in the usual window."""
    with open_page(context, site) as page:
        yield page


@pytest.fixture
def zoomed_page(browser: Any, site: Site) -> Iterator[Any]:
    """Open the page in a window at 200 %."""
    with closing(browser.new_context(**ZOOMED, locale="ja-JP")) as context, open_page(context, site) as page:
        yield page


@contextmanager
def open_page(context: Any, site: Site) -> Iterator[Any]:
    """Open the page; in the end nothing may have left the machine or been written to the console as an error."""
    page = new_page(context)
    hosts, complaints = watch(page)
    page.goto(site.address)
    wait_until_open(page)
    yield page
    assert hosts == {"127.0.0.1"}
    assert complaints == []
    page.close()


def test_enter_asks_and_the_source_stands_beside_the_answer(page: Any) -> None:
    ask(page, "転入の届出はいつまで")

    assert QUOTE in page.inner_text(".answer-text")
    card = page.locator("#citation-1")
    words = card.inner_text()
    assert all(part in words for part in ("[1]", "窓口マニュアル", "12頁（PDF 2枚目）", "市民課", QUOTE, "確認済み")), (
        words
    )
    page.wait_for_function("document.querySelector('#citation-1 img.page').naturalWidth > 0")
    assert "引用した箇所" in card.locator("img.page").first.get_attribute("alt")
    left, right = page.locator(".answer").bounding_box(), card.bounding_box()
    assert left["x"] + left["width"] <= right["x"]


def test_a_mark_leads_to_its_card_and_the_card_to_the_original(page: Any) -> None:
    ask(page, "転入")
    page.click("a.mark")

    assert page.evaluate("document.activeElement.id") == "citation-1"
    link = page.locator("#citation-1 a.original")
    assert "原本を開く（12頁）" in link.inner_text()
    assert link.get_attribute("href").endswith("#page=2")
    assert link.get_attribute("target") == "_blank"
    assert page.locator("a.mark").count() == 1, "[9] cites nothing and must not be a link"


def test_the_whole_page_unfolds(page: Any) -> None:
    ask(page, "転入")
    page.click("#citation-1 summary")
    page.wait_for_function("document.querySelector('#citation-1 details img').naturalHeight > 800")
    assert page.locator("#citation-1 details img").is_visible()


def test_an_example_asks_at_once(page: Any, site: Site) -> None:
    page.click(f"button.example:has-text('{EXAMPLES[0]}')")
    page.wait_for_selector("#citation-1")

    assert page.input_value("#question textarea") == EXAMPLES[0]
    assert site.assistant.asked[-1][0] == EXAMPLES[0]


def test_what_is_said_of_an_answer_stays_when_nothing_is_found_to_ask_next(
    page: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_judged = threading.Event()
    monkeypatch.setattr(site.assistant, "suggest", lambda *_, **__: () if is_judged.wait(timeout=60) else ("遅い",))
    page.fill("#question textarea", "転入の届出はいつまで")
    page.press("#question textarea", "Enter")
    page.click("#verdict label:has-text('違う')")
    page.wait_for_selector("#judged .done:has-text('「違う」を受け取りました')")
    page.fill("#comment textarea, #comment input", "期限が古い")
    is_judged.set()
    wait_until_quiet(page)

    assert page.locator("#verdict label:has-text('違う') input").is_checked()
    assert page.input_value("#comment textarea, #comment input") == "期限が古い"
    assert "「違う」を受け取りました" in page.inner_text("#judged")


def test_a_question_asked_meanwhile_gets_its_own_questions_to_ask_next(
    page: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, suggest = threading.Event(), site.assistant.suggest

    def suggest_late(question: str, *arguments: Any, **options: Any) -> tuple[str, ...]:
        if question.startswith("転入"):
            may_end.wait(timeout=60)
            return ("転入の続き",)
        return (*suggest(question, *arguments, **options), "記録の続き")[-1:]

    monkeypatch.setattr(site.assistant, "suggest", suggest_late)
    page.fill("#question textarea", "転入の届出はいつまで")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#judging")
    page.fill("#question textarea", "記録はどこ")
    page.press("#question textarea", "Enter")
    page.wait_for_selector(f"{DONE}:has-text('記録はどこ')")
    may_end.set()
    page.wait_for_selector("#follow-ups button:has-text('記録の続き')")
    wait_until_quiet(page)

    assert page.locator("#follow-ups button:visible").all_inner_texts() == ["記録の続き"]


def test_a_conversation_keeps_its_topic_offers_questions_and_can_be_taken_away(page: Any, site: Site) -> None:
    assert not page.locator("#conversation").is_visible() and page.locator("#follow-ups button:visible").count() == 0
    ask(page, "転入の届出はいつまで")
    page.wait_for_selector("#follow-ups button:has-text('転入届の費用は？')")
    assert page.locator("#follow-ups button").nth(2).text_content().strip() == "悪意" + EVIL

    page.click("#follow-ups button:has-text('転入届の費用は？')")
    page.wait_for_selector(".understood:has-text('「転入の届出はいつまで」について')")
    assert EVIL in page.inner_text(".understood") and page.evaluate("window.pwned") is None
    assert [asked for asked, _ in site.assistant.histories[-1]] == ["転入の届出はいつまで"]
    wait_until_quiet(page)

    for button, start in (("#save-md", "# しるべ　質問と回答の記録".encode()), ("#save-docx", b"PK")):
        with page.expect_download() as download:
            page.click(button)
        assert Path(download.value.path()).read_bytes().startswith(start)
        assert download.value.suggested_filename.startswith("質問と回答の記録_")

    before = len(site.assistant.asked)
    page.fill("#question textarea", "ありがとうございます")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#answer .thanks")
    assert len(site.assistant.asked) == before
    wait_until_quiet(page)

    page.click("#new-topic")
    page.wait_for_selector("#answer .welcome")
    ask(page, "転入")
    assert site.assistant.histories[-1] == []


def test_the_button_asks(page: Any) -> None:
    page.fill("#question textarea", "記録を見せて")
    page.click("#send")
    page.wait_for_selector("#citation-1 dl.record")

    assert page.locator("dl.record dt").all_inner_texts() == ["手続", "窓口"]
    assert page.locator("dl.record dd").all_inner_texts() == ["転入届", "市民課"]


def test_no_answer_says_why_where_to_look_and_whom_to_ask(page: Any) -> None:
    ask(page, "粗大ごみの手数料")

    words = page.inner_text("#answer")
    assert all(part in words for part in ("お答えできません", "確かな根拠", "市民課", "内線 2110", "窓口マニュアル")), (
        words
    )
    assert page.locator(".nearest a.original").first.get_attribute("href").endswith("#page=2")


def test_errors_are_sentences(page: Any) -> None:
    for question, words in (
        ("故障", "対処: rag index を実行してください。"),
        ("爆発", "予期しない問題"),
        ("　", "質問が入力されていません"),
    ):
        page.fill("#question textarea", question)
        page.press("#question textarea", "Enter")
        page.wait_for_selector(f"#answer .notice-box.error:has-text('{words}')")
        assert "Traceback" not in page.content() and "内部の秘密" not in page.content()
        wait_until_quiet(page)


@pytest.mark.parametrize("event", [{"isComposing": True, "keyCode": 13}, {"isComposing": False, "keyCode": 229}])
def test_enter_that_ends_a_conversion_does_not_send(page: Any, site: Site, event: dict[str, Any]) -> None:
    page.fill("#question textarea", "転入")
    before = len(site.assistant.asked)
    page.eval_on_selector(
        "#question textarea",
        """(box, event) => box.dispatchEvent(
            new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true, ...event}))""",
        event,
    )
    page.wait_for_timeout(400)
    assert len(site.assistant.asked) == before

    page.press("#question textarea", "Enter")
    page.wait_for_selector("#citation-1")
    assert len(site.assistant.asked) == before + 1


def test_shift_enter_breaks_the_line(page: Any, site: Site) -> None:
    page.fill("#question textarea", "転入")
    before = len(site.assistant.asked)
    page.press("#question textarea", "Shift+Enter")
    page.keyboard.type("届出")
    page.wait_for_timeout(300)

    assert page.input_value("#question textarea") == "転入\n届出"
    assert len(site.assistant.asked) == before


@pytest.mark.parametrize("kind", ["悪意", "無回答"])
def test_hostile_content_is_shown_as_text_and_fetches_nothing(page: Any, kind: str) -> None:
    question = f'{kind}<img src="http://evil.example/q.png" onerror="window.pwned=1"><script>window.pwned=1</script>![q](http://evil.example/q2.png)${{window.pwned=1}}'
    ask(page, question)
    page.wait_for_timeout(300)

    words = page.locator("#answer").text_content()
    assert question in words and EVIL in words
    assert page.evaluate("window.pwned") is None
    assert page.locator("#answer script, #answer img:not(.page)").count() == 0


def test_a_question_sent_in_the_moment_in_which_the_page_appears_is_answered(context: Any, site: Site) -> None:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.add_init_script("""
      new MutationObserver((_, observer) => {
        const box = document.querySelector("#question textarea");
        if (!box) return;
        observer.disconnect();
        window.wasReady = "ready" in document.documentElement.dataset;
        box.value = "早すぎる質問";
        box.dispatchEvent(new Event("input", { bubbles: true }));
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
      }).observe(document, { childList: true, subtree: true });
    """)
    page.goto(site.address)
    page.wait_for_selector("#answer .result:not([aria-busy]) .asked:has-text('早すぎる質問')")
    assert page.evaluate("window.wasReady") is False
    page.close()


def test_a_question_is_sent_though_the_page_never_hears_that_it_is_ready(context: Any, site: Site) -> None:
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_init_script("""
      Object.defineProperty(window, "pageReady", { get: () => () => (window.wasCalled = true), set: () => {} });
    """)
    page.goto(site.address)
    page.fill("#question textarea", "待たせた質問")
    page.wait_for_function("window.wasCalled")  # by Gradio, in vain
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .result:not([aria-busy]) .asked:has-text('待たせた質問')")
    assert page.evaluate("window.wasCalled && 'ready' in document.documentElement.dataset")
    page.close()


def test_the_page_is_japanese_before_any_script_runs(browser: Any, site: Site) -> None:
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(site.address)
        assert page.evaluate("document.documentElement.lang") == "ja"


def test_two_people_are_answered_at_the_same_time(page: Any, context: Any, site: Site) -> None:
    other = new_page(context)
    other.goto(site.address)
    wait_until_open(other)
    for window in (page, other):
        window.fill("#question textarea", "同時に聞く")
        window.press("#question textarea", "Enter")
        window.wait_for_selector("#answer [aria-busy], #answer .result")
    for window in (page, other):
        window.wait_for_selector("#answer .no-answer")
        assert "同時に聞く" in window.inner_text("#answer")
    other.close()


def test_a_narrow_screen_needs_no_sideways_scrolling(page: Any) -> None:
    resize(page, NARROW)
    for question in ("", "転入", "悪意", "記録", "なし"):
        if question:
            ask(page, question)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], question
        for target in page.locator("#answer a.original, #answer summary, button:visible").all():
            assert target.bounding_box()["height"] >= 44, target.inner_text()
    resize(page, WIDE)


def test_at_200_percent_nothing_of_a_question_and_its_answer_is_cut_or_out_of_reach(zoomed_page: Any) -> None:
    check_reflow(zoomed_page)
    unfold(zoomed_page, "#filters", "input")
    for question in ("転入の届出はいつまで", "悪意" + EVIL, "記録", "なし"):
        ask(zoomed_page, question)
        check_reflow(zoomed_page)
    unfold(zoomed_page, "#survey", ".scale input")
    check_reflow(zoomed_page)


def test_at_200_percent_nothing_of_a_list_of_places_is_cut_or_out_of_reach(zoomed_page: Any) -> None:
    open_tab(zoomed_page, "search")
    unfold(zoomed_page, "#search-filters", "input")
    zoomed_page.fill("#wanted textarea", "転入届")
    zoomed_page.press("#wanted textarea", "Enter")
    zoomed_page.wait_for_selector("#hits .hit")
    wait_until_quiet(zoomed_page)
    check_reflow(zoomed_page)


def test_the_page_is_as_dark_as_the_desktop_until_somebody_chooses_and_shows_its_notices(page: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(26, 26, 26)"
    assert page.evaluate("getComputedStyle(document.querySelector('#question textarea')).color") == "rgb(242, 242, 242)"

    page.click("#theme")
    page.reload()
    wait_until_open(page)
    assert page.evaluate(ground) == "rgb(255, 255, 255)", "the choice is kept"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('gradio-app')).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert page.evaluate("getComputedStyle(document.querySelector('#question textarea')).color") == "rgb(26, 26, 26)"
    page.click("#theme")

    assert "個人情報を入力しないでください。" in page.inner_text(".notice")
    assert page.title() == "しるべ"
    assert page.locator("footer").count() == 0


def test_limits_go_with_the_question_and_stand_above_the_answer_until_they_are_lifted(page: Any, site: Site) -> None:
    unfold(page, "#filters", "input")
    page.get_by_label("基準日").first.fill("令和8年4月1日")
    department = page.get_by_label("所管課").first
    department.click()
    page.click("#filters [role=option]:has-text('市民課')")
    ask(page, "転入")

    assert site.assistant.asked[-1][1] == Filters(department="市民課", as_of=date(2026, 4, 1))
    assert page.locator(".chips li").all_inner_texts() == ["所管課: 市民課", "基準日: 2026年4月1日"]

    page.get_by_label("基準日").first.fill("いつか")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#answer .notice-box.error:has-text('絞り込みの条件を読み取れません')")

    page.click("#filters button:has-text('絞り込みを解除')")
    page.wait_for_function(
        "document.querySelector('#filters textarea, #filters [type=text]:not([role])')?.value === ''"
    )
    ask(page, "転入")
    assert site.assistant.asked[-1][1] == Filters()


def test_a_day_is_taken_from_the_browsers_calendar_with_the_keyboard(page: Any, site: Site) -> None:
    page.evaluate(
        """HTMLInputElement.prototype.showPicker = function () {  // a calendar in which somebody chooses at once
            this.value = "2026-10-01";
            this.dispatchEvent(new Event("change", { bubbles: true }));
        }"""
    )
    unfold(page, "#filters", "input")
    field = page.get_by_role("textbox", name="基準日").first
    field.fill("いつか")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "基準日を暦から選ぶ"
    page.keyboard.press("Enter")

    assert field.input_value() == "令和8年10月1日"
    assert field.evaluate("field => field === document.activeElement")
    ask(page, "転入")
    assert site.assistant.asked[-1][1] == Filters(as_of=date(2026, 10, 1))
    assert find_serious(page, "#filters") == []


def test_a_search_lists_places_without_an_answer_and_facets_narrow_it(page: Any) -> None:
    open_tab(page, "search")
    page.fill("#wanted textarea", "転入届")
    page.press("#wanted textarea", "Enter")
    page.wait_for_selector("#hits .hit")
    wait_until_quiet(page)

    hit = page.locator(".hit").first
    assert "窓口マニュアル" in hit.inner_text() and hit.locator("mark").first.inner_text() == "転入届"
    assert hit.locator("a.original").get_attribute("href").endswith("#page=2")
    assert page.locator("#hits .answer").count() == 0
    page.check("[data-facet=department][value=市民課]")
    assert page.inner_text(".hit-count") == "2 件のうち 1 件"
    assert page.locator(".hit:visible").count() == 1
    assert EVIL in page.locator("#hits").text_content() and page.evaluate("window.pwned") is None


def test_pages_turn_and_grow_with_buttons_and_keys(page: Any) -> None:
    ask(page, "転入")
    page.click("#citation-1 summary")
    page.wait_for_selector("#citation-1 .page-number:has-text('PDF 2枚目（全 2枚）')")
    marked = page.get_attribute("#citation-1 .paper img", "src")
    page.click("#citation-1 [data-turn='-1']")
    assert "/1.png" in page.get_attribute("#citation-1 .paper img", "src")
    page.focus("#citation-1 .paper")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#citation-1 .paper img", "src") == marked, "the cited page is marked again"
    page.keyboard.press("+")
    assert page.evaluate("document.querySelector('#citation-1 .paper img').style.width") == "150%"


def test_an_answer_is_copied_with_its_sources_and_comes_back_from_the_list(page: Any) -> None:
    ask(page, "転入の届出はいつまで")
    copied = page.get_attribute("button.copy", "data-copy")
    assert QUOTE in copied and "[1] 窓口マニュアル　12頁（PDF 2枚目）" in copied
    copy(page, "button.copy")

    ask(page, "悪意" + EVIL)
    page.locator("#past label").first.click()
    page.wait_for_selector(".asked-text:has-text('転入の届出はいつまで')")
    assert EVIL in page.locator("#past label").nth(1).text_content() and page.evaluate("window.pwned") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_has_nothing_serious_to_say(page: Any, theme: str) -> None:
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    ask(page, "転入")

    assert find_serious(page) == []


def test_paper_shows_the_answer_its_source_and_the_notice_and_nothing_to_press(page: Any) -> None:
    ask(page, "転入")
    page.emulate_media(media="print")

    for shown in (".asked", ".answer-text", "#citation-1 .quote", ".notice", ".notice-box.warning", ".printed-on"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.locator("button:visible, textarea:visible, summary:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
