"""The tabs 「質問例」 and 「正答率」 in a real browser: press, propose, decide; measure, compare, open a question, both ways with Excel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    IN_BROWSER,
    NARROW,
    WIDE,
    launch,
    new_page,
    open_tab,
    resize,
    unfold,
    wait_until_open,
    wait_until_quiet,
    watch,
)
from page_checks import find_serious_in_both_themes
from served import serve_app

from eval.questions import read_questions
from rag.assistant import Assistant
from rag.settings import Settings
from rag.web.server import build_app

pytestmark = IN_BROWSER
EVIL = '<img src="http://evil.example/x.png" onerror="window.pwned=1">'
QUOTED = '"' + EVIL.replace('"', '""') + '"'
HEADER = "番号,質問,期待する文書,ページ／行,正解に含まれる語,模範解答,分類,回答可否,担当課,備考,用途"
SHEET = f"""{HEADER}
1,住民票の写しの手数料はいくらですか,町民課/窓口のよくある質問.csv,2,300円,,届出,可,,,
2,宿泊料は一夜につきいくらですか,総務課/職員旅費規程.txt,10,一億円,{QUOTED},{QUOTED},可,,,
3,宿泊料は東京都ではいくらですか,総務課/職員旅費規程.txt,10,二億円,,旅費,可,,,検証
"""


@dataclass(frozen=True)
class Site:
    """The running server, and where its files are."""

    address: str
    settings: Settings


@pytest.fixture(scope="module")
def site(small_town: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(
        corpus=small_town.corpus, index=small_town.index, data_dir=tmp_path_factory.mktemp("accuracy") / "data"
    )
    with closing(Assistant.open(settings)) as assistant, serve_app(build_app(assistant, settings)) as address:
        yield Site(f"{address}/", settings)


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with launch() as browser:
        yield browser.new_context(viewport=WIDE, locale="ja-JP")


@pytest.fixture
def page(context: Any, site: Site) -> Iterator[Any]:
    page = new_page(context)
    hosts, complaints = watch(page)
    page.goto(site.address)
    wait_until_open(page)
    yield page
    assert page.evaluate("window.pwned") is None
    assert hosts == {"127.0.0.1"}
    assert complaints == []
    page.close()


def check_narrow(page: Any) -> None:
    resize(page, NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    for target in page.locator("button.example:visible, button.send:visible, .fold > summary:visible").all():
        assert target.bounding_box()["height"] >= 44, target.inner_text()
    resize(page, WIDE)


def test_an_example_is_proposed_approved_pressed_and_counted(page: Any, site: Site) -> None:
    open_tab(page, "examples")
    page.wait_for_selector("#review h2")
    unfold(page, "#propose", "textarea")
    page.click("#propose-kind label:has-text('ひな型')")
    page.fill("#propose-text textarea", f"〔届出〕の期限はいつですか{EVIL}")
    for field, text in (("category", "届出"), ("department", "町民課")):
        page.fill(f"#propose-{field} input", text)
        page.keyboard.press("Enter")
    page.click("#propose-send")
    page.wait_for_selector("#proposed .done:has-text('承認すると')")
    page.wait_for_selector("#review-list :text('確認待ち（1）')")
    assert page.locator("#registry button.example").count() == 0

    page.click("#review-list button:has-text('承認する')")
    button = page.locator("#registry button.example")
    button.wait_for()
    check_narrow(page)
    assert find_serious_in_both_themes(page) == {"light": [], "dark": []}
    button.click()
    page.wait_for_selector("#tab-ask-button[aria-selected=true]")
    page.wait_for_function("document.querySelector('#question textarea').value.startsWith('〔届出〕')")
    assert page.evaluate("getSelection().toString() || document.activeElement.value.slice(0, 4)") == "〔届出〕"
    assert page.locator("#answer .result").count() == 0, "a template waits for its blanks"

    wait_until_quiet(page)  # its use is counted
    page.reload()
    wait_until_open(page)
    open_tab(page, "examples")
    page.wait_for_selector("#registry :text('1 回使用')")
    page.fill("#find-example", "届出 期限")
    assert page.locator("#registry .category:visible").count() == 1
    page.fill("#find-example", "無い言葉")
    assert page.locator("#registry .category:visible").count() == 0


def test_towns_exchange_examples_and_an_approved_one_stands_first(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    row = {"kind": "example", "text": "印鑑登録に必要なものは何ですか", "category": "届出", "department": "町民課"}
    value = {"format": "shirube-questions", "version": 1, "town": EVIL, "entries": [row, {"kind": EVIL}]}
    file.write_text(json.dumps(value), encoding="utf-8")
    open_tab(page, "examples")
    page.wait_for_selector("#review h2")
    page.set_input_files("#registry-file", file)
    page.click("#registry-import")
    page.wait_for_selector("#reviewed :text('追加 1 件（確認待ち）、登録済み 0 件、取り込めない 1 件')")
    page.click("#review-list button:has-text('承認する')")
    page.wait_for_selector("#registry button.example:has-text('印鑑登録')")

    with page.expect_download() as download:
        page.click("#registry-export")
    exported = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert row["text"] in [entry["text"] for entry in exported["entries"]]

    wait_until_quiet(page)
    page.reload()
    wait_until_open(page)
    page.click(f"#examples button:has-text('{row['text']}')")
    page.wait_for_selector("#answer .result:not([aria-busy])")
    assert page.input_value("#question textarea") == row["text"]


def test_the_set_is_uploaded_measured_watched_compared_and_a_question_opened(
    page: Any, site: Site, tmp_path: Path
) -> None:
    open_tab(page, "accuracy")
    unfold(page, "#question-set", "button.example")
    page.wait_for_selector("#question-set-about :text('同梱の見本')")
    file = tmp_path / "questions.csv"
    for text, words in ((f"{HEADER}\n1,,,,,,,可,,,\n", "B2（2行目「質問」）"), (SHEET, "3 問の質問集に置き換えました")):
        file.write_text(text, encoding="utf-8")
        page.set_input_files("#question-file", file)
        page.click("#take-questions")
        page.wait_for_selector(f"#question-set-said :text('{words}')")
    page.wait_for_selector("#question-set-about :text('町の質問集')")
    with page.expect_download() as download:
        page.click("#save-questions")
    saved = tmp_path / "saved.xlsx"
    download.value.save_as(saved)
    assert read_questions(saved) == read_questions(site.settings.data_dir / "questions.csv")

    for accuracy in ("33.3%", "66.7%"):
        page.click("#evaluate")
        page.wait_for_selector(f"#figures .tile .value:has-text('{accuracy}')", timeout=120_000)
        page.wait_for_selector("#evaluation-state .done")
        wait_until_quiet(page)
        lenient = SHEET.replace("一億円", '"9,800円"')
        (site.settings.data_dir / "questions.csv").write_text(lenient, encoding="utf-8")
    check_narrow(page)

    assert page.locator("#question-list li").count() == 0
    page.check("#held-out input")
    page.wait_for_selector("#question-list li:has-text('東京都')")
    page.click("#question-view label:has-text('すべて')")
    page.wait_for_function("document.querySelectorAll('#question-list li').length === 3")
    page.locator("#question-list button").nth(2).click()
    page.wait_for_selector("#evidence .hits-table")
    assert "二億円" in page.inner_text("#evidence") and "回答にない" in page.inner_text("#evidence")
    check_narrow(page)
    page.click("#evidence button:has-text('得点の内訳')")
    page.wait_for_selector("#reasons pre:has-text('重み:')")
    assert find_serious_in_both_themes(page) == {"light": [], "dark": []}
    page.click("#evidence button[data-back]")
    assert page.evaluate("document.activeElement.dataset.id") == "3"


def test_a_run_goes_on_while_the_page_is_closed_and_can_be_stopped(page: Any, site: Site, context: Any) -> None:
    many = range(20_000)  # more than are asked before the other window is open, on a busy machine too
    rows = "\n".join(f"{n},住民票の手数料は{n}通でいくらですか,,,,,,不可,,," for n in many)
    (site.settings.data_dir / "questions.csv").write_text(f"{HEADER}\n{rows}\n", encoding="utf-8")
    open_tab(page, "accuracy")
    page.wait_for_selector("#figures :is(.tile, .welcome)")  # the tab is filled
    page.click("#evaluate")
    page.wait_for_selector(".run-progress progress")

    other = new_page(context)
    other.goto(site.address)
    wait_until_open(other)
    other.click("#tab-accuracy-button")
    other.wait_for_selector(".run-progress progress")
    other.close()
    page.click("#stop-evaluation")
    page.wait_for_selector("#evaluation-state .done:has-text('中止しました')")
    page.wait_for_selector("#evaluate:not([disabled])")
    assert page.locator(".run-progress progress").count() == 0
