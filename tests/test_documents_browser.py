"""The tab 「文書の管理」 in a real browser, over a real index of a tiny town: from a file on the desk to an answer, and all the way back."""

from __future__ import annotations

import functools
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    IN_BROWSER,
    LIBRARY,
    NARROW,
    WIDE,
    launch,
    new_page,
    resize,
    wait_until_open,
    wait_until_quiet,
    watch,
)
from browsing import ask as ask_question
from conftest import build_town
from page_checks import ZOOMED, check_reflow, find_serious_in_both_themes
from served import serve_app

from rag.assistant import Assistant
from rag.indexing.sync import SyncReport
from rag.indexing.updating import update_index
from rag.library.incoming import FOLDER
from rag.library.jobs import IndexJobs
from rag.settings import Settings
from rag.web.server import build_app

pytestmark = [
    *IN_BROWSER,
    pytest.mark.timeout(900),  # an index run is a polite process: on a busy machine it waits
]
PATIENCE = 300_000
SOURCE, TITLE = "子育て課/児童クラブの利用.md", "児童クラブの利用"
TEXT = "# 児童クラブの利用\n\n児童クラブの利用料は、月額4,500円です。\n"
EVIL = "<img src=x onerror=window.pwned=1>.exe"
FORM, NOTE = "様式集.zip/減免申請書.md", "観光課/案内/灯台.txt"


def update_while_nobody_waits(
    waiting: Path, settings: Settings, *, progress: Any, checkpoint: Any, **options: Any
) -> SyncReport:
    """Index as usual, but stand still while files are read, for as long as a file lies there: no test depends on the clock."""

    def tell(stage: str, done: int, total: int) -> None:
        progress(stage, done, total)
        while stage == "read" and waiting.exists():
            checkpoint()
            time.sleep(0.02)

    return update_index(settings, progress=tell, checkpoint=checkpoint, **options)


@dataclass(frozen=True)
class Site:
    """The running server and the town behind it. waiting: index runs stand still while it is there."""

    address: str
    settings: Settings
    waiting: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = build_town(tmp_path_factory.mktemp("library"))
    waiting = settings.data_dir / "waiting"
    jobs = IndexJobs(settings, update=functools.partial(update_while_nobody_waits, waiting))
    with (
        closing(Assistant.open(settings)) as assistant,
        serve_app(build_app(assistant, settings, jobs=jobs)) as address,
    ):
        yield Site(f"{address}/", settings, waiting)


@pytest.fixture(scope="module")
def window(site: Site) -> Iterator[Any]:
    """Open the tab once: the tests below are one afternoon of an administrator, in this order."""
    with launch() as browser:
        page = new_page(browser.new_context(viewport=WIDE, locale="ja-JP"))
        page.set_default_timeout(PATIENCE)
        hosts, complaints = watch(page)
        page.goto(site.address)
        wait_until_open(page)
        page.click("#tab-documents-button")
        page.wait_for_selector("#library table.documents")
        yield page
        assert hosts == {"127.0.0.1"}
        assert complaints == []


def open_section(page: Any, name: str) -> Any:
    section = page.locator(f"#section-{name}")
    if section.get_attribute("open") is None:
        page.click(f"#section-{name} > summary")
    page.wait_for_selector(f"#section-{name} .loaded[data-read] > :not(.hint:only-child)")
    return section


def state_of(page: Any, state: str) -> None:
    """Wait until the document of these tests stands like that in the table."""
    page.wait_for_selector(f"#section-documents tr:has-text('{SOURCE}') .state.{state}")


def say_done(page: Any, words: str) -> None:
    """Wait until it is said what was done, and the sections that show something else now are read: what was ticked goes with them."""
    page.wait_for_selector(f"#library-notice:visible .said:has-text('{words}')")
    wait_until_quiet(page, LIBRARY)


def index(page: Any, site: Site) -> None:
    """Let an index run end that was seen: it stands still until it is."""
    site.waiting.touch()
    wait_until_quiet(page, LIBRARY)
    page.click("button:has-text('取り込みを始める')")
    page.wait_for_selector("#section-index [data-poll]")
    page.wait_for_selector("#section-index .stages li progress")
    site.waiting.unlink()
    page.wait_for_selector("#section-index .last-run .notice-box.done")


def ask(page: Any, question: str) -> str:
    page.click("#tab-ask-button")
    ask_question(page, question)
    answer = page.inner_text("#answer")
    page.click("#tab-documents-button")
    page.wait_for_selector("#library table.documents")
    return str(answer)


def test_a_file_is_dropped_indexed_before_our_eyes_and_answers(window: Any, site: Site, tmp_path: Path) -> None:
    open_section(window, "upload")
    window.evaluate(
        """([text, evil]) => {
            const bag = new DataTransfer();
            bag.items.add(new File([text], "児童クラブの利用.md"));
            bag.items.add(new File(["MZ"], evil));
            const drop = document.querySelector(".upload .drop");
            drop.dispatchEvent(new DragEvent("drop", { dataTransfer: bag, bubbles: true, cancelable: true }));
        }""",
        [TEXT, EVIL],
    )
    window.wait_for_selector(".picked:has-text('2 件')")
    window.fill(".upload [name=folder]", "子育て課")
    window.click(".upload button[type=submit]")
    window.wait_for_selector(".upload .result-of:has-text('加えた文書 1 件、加えなかったファイル 1 件')")

    assert "onerror" in window.inner_text(".upload .result-of") and window.evaluate("window.pwned") is None
    assert (site.settings.corpus / SOURCE).read_text(encoding="utf-8") == TEXT
    assert list((site.settings.data_dir / FOLDER).iterdir()) == []
    state_of(window, "new")
    window.wait_for_selector("#section-index .waiting:has-text('新規 1 件')")

    index(window, site)

    state_of(window, "indexed")
    assert SOURCE in window.locator("#section-index .last-run").text_content()
    assert "4,500円" in ask(window, "児童クラブの利用料はいくらですか")


def test_its_metadata_is_edited_in_the_table_with_the_keyboard(window: Any, site: Site) -> None:
    title = window.locator(f"#section-documents button.link:has-text('{TITLE}')")
    title.focus()
    window.keyboard.press("Enter")
    window.wait_for_selector(".editor-body")
    window.fill(".editor [name=見直し日]", "いつか")
    window.press(".editor [name=見直し日]", "Enter")
    say_done(window, "保存していません")
    window.fill(".editor [name=見直し日]", "令和2年3月31日")
    window.press(".editor [name=見直し日]", "Enter")
    say_done(window, "保存しました")

    window.wait_for_selector(".stale:has-text('児童クラブの利用')")
    state_of(window, "changed")
    assert f"{SOURCE}," in (site.settings.corpus / "metadata.csv").read_text(encoding="utf-8")


def test_it_is_replaced_deleted_and_brought_back(window: Any, site: Site, tmp_path: Path) -> None:
    file, new = site.settings.corpus / SOURCE, tmp_path / "新しい版.md"
    new.write_text(TEXT.replace("4,500", "5,000"), encoding="utf-8")
    window.click(f"#section-documents button.link:has-text('{TITLE}')")
    window.set_input_files(".editor [type=file]", str(new))
    window.click("button:has-text('このファイルで置き換える')")
    say_done(window, "置き換えました")
    assert "5,000円" in file.read_text(encoding="utf-8")

    window.check(f"#section-documents tr:has-text('{SOURCE}') .pick input")
    window.click("button:has-text('選んだ文書を削除')")
    say_done(window, "削除しました")
    assert not file.exists()
    state_of(window, "removed")

    window.click("#library-notice button:has-text('元に戻す')")
    say_done(window, "元に戻しました: 文書の削除")
    state_of(window, "changed")
    assert "5,000円" in file.read_text(encoding="utf-8")
    history = open_section(window, "history")
    assert re.findall("文書の(?:追加|情報の編集|置き換え|削除)", history.inner_text())[:4] == [
        "文書の削除",
        "文書の置き換え",
        "文書の情報の編集",
        "文書の追加",
    ]


def test_a_synonym_is_tried_at_once_and_saved(window: Any, site: Site) -> None:
    section = open_section(window, "synonyms")
    section.locator(".row.new > summary").click()
    form = section.locator(".row.new form")
    form.locator("[name=cell]").nth(0).fill("モフモフ")
    form.locator("[name=cell]").nth(1).fill("毛布")
    form.locator("[name=question]").fill("モフモフの備蓄")
    form.locator("button:has-text('この行で試す')").click()
    window.wait_for_selector(".trial:has-text('モフモフ → 毛布')")
    assert not (site.settings.corpus / "synonyms.csv").exists()

    form.locator("button:has-text('保存')").click()
    say_done(window, "保存しました")
    assert "モフモフ" in (site.settings.corpus / "synonyms.csv").read_text(encoding="utf-8")


def test_yesterdays_index_comes_back_with_a_click(window: Any, site: Site) -> None:
    open_section(window, "snapshots")
    window.click("#section-snapshots button:has-text('この索引に戻す')")
    say_done(window, "に戻しました")

    state_of(window, "new")
    assert "4,500円" not in ask(window, "児童クラブは月いくらですか")


def test_a_folder_and_a_zip_are_taken_with_all_that_is_in_them(window: Any, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "観光課"
    (folder / "案内").mkdir(parents=True)
    (folder / "案内" / "灯台.txt").write_text("緑沢灯台の見学料は、1人250円です。\n", encoding="utf-8")
    (folder / "Thumbs.db").write_bytes(b"x")
    open_section(window, "upload")
    window.fill(".upload [name=folder]", "")
    window.set_input_files(".upload input[webkitdirectory]", str(folder))
    window.wait_for_selector(".picked:has-text('観光課/案内/灯台.txt')")
    window.click(".upload button[type=submit]")
    window.wait_for_selector(".upload .result-of:has-text('加えた文書 1 件')")
    assert "プログラムが作ったファイル（1件）" in window.inner_text(".upload .result-of")
    assert (site.settings.corpus / NOTE).exists() and not (site.settings.corpus / "観光課/Thumbs.db").exists()

    archive = tmp_path / "様式集.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("減免申請書.md", "# 減免申請書\n\n減免申請書は、税務課の3番窓口に出してください。\n")
        file.writestr("../外.md", "外")
    window.set_input_files(".upload input:not([webkitdirectory])[type=file]", str(archive))
    window.click(".upload button[type=submit]")
    window.wait_for_selector(".upload .result-of:has-text('zip の中の、取り込む文書（1件）')")
    assert "zip の中で読めないもの（1件）" in window.inner_text(".upload .result-of")
    for source in (NOTE, FORM):
        window.wait_for_selector(f"#section-documents tr:has-text('{source}') .state.new")


def test_a_run_is_stopped_and_the_old_index_answers_before_and_after(window: Any, site: Site) -> None:
    site.waiting.touch()
    wait_until_quiet(window, LIBRARY)
    window.click("button:has-text('取り込みを始める')")
    window.wait_for_selector("#section-index .stages li:has-text('読み取りと索引')")
    for question, words in (("宿泊料は一夜につきいくらですか", "9,800円"), ("緑沢灯台の見学料はいくらですか", "")):
        answer = ask(window, question)
        assert words in answer and "250円" not in answer

    window.click("#section-index button:has-text('取り込みを中止')")
    window.wait_for_selector("#section-index .last-run .notice-box.warning:has-text('中止しました（索引は前のまま）')")
    said = window.inner_text("#section-index .last-run")
    assert re.search(r"止まったところ: 読み取りと索引（\d+ / \d+）", said) and "もう一度始めると" in said
    assert "新規 3 件" in window.inner_text("#section-index .waiting"), "what was stopped still waits"
    assert window.text_content("#library-said") == "取り込み: 中止しました（索引は前のまま）"
    assert "9,800円" in ask(window, "宿泊料は一夜につきいくらですか")

    index(window, site)
    for source in (NOTE, FORM):
        window.wait_for_selector(f"#section-documents tr:has-text('{source}') .state.indexed")
    assert "250円" in ask(window, "緑沢灯台の見学料はいくらですか")
    assert "3番窓口" in ask(window, "減免申請書はどこに出しますか")


def test_the_tab_needs_no_sideways_scrolling_and_has_targets_for_fingers(window: Any) -> None:
    resize(window, NARROW)
    window.click(f"#section-documents button.link:has-text('{TITLE}')")
    window.wait_for_selector(".editor-body")

    assert window.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    fields = "button, summary, select, input:not([type=checkbox], [type=file], [type=hidden]), label.pick, label.tick"
    heights = window.eval_on_selector_all(
        "#library :is(" + fields + ")",
        "all => all.filter(e => e.checkVisibility()).map(e => [e.textContent.slice(0, 20), e.getBoundingClientRect().height])",
    )
    assert len(heights) > 30 and [each for each in heights if each[1] < 44] == []
    resize(window, WIDE)


def test_at_200_percent_nothing_is_cut_or_out_of_reach(window: Any, site: Site) -> None:
    page = new_page(window.context.browser.new_context(**ZOOMED, locale="ja-JP"))
    page.set_default_timeout(PATIENCE)
    page.goto(site.address)
    wait_until_open(page)
    page.click("#tab-documents-button")
    page.wait_for_selector("#library table.documents")
    for name in ("upload", "attention", "synonyms", "snapshots", "history"):
        open_section(page, name)
    page.click(f"#section-documents button.link:has-text('{TITLE}')")
    page.wait_for_selector(".editor-body")
    check_reflow(page)
    page.context.close()


def test_axe_has_nothing_serious_to_say(window: Any) -> None:
    assert find_serious_in_both_themes(window, "#library") == {"light": [], "dark": []}
