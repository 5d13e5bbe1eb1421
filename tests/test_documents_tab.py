"""The tab 「文書の管理」 without a browser: what its sections show, what its forms do, and who may call them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from conftest import build_town
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rag.accounts.gate import Gate
from rag.accounts.opening import open_gate
from rag.accounts.visits import GATE_KEY
from rag.api import render_rag_error
from rag.assistant import Assistant, Trial
from rag.documents import Kind, Metadata, Problem
from rag.errors import LibraryError, RagError, UsageError
from rag.library.files import Added, Refusal
from rag.library.incoming import FOLDER, FORGOTTEN_SECONDS, Incoming
from rag.library.job_state import JobReport, JobState, JobStatus, StageState
from rag.library.listing import DocumentRow, State
from rag.library.metadata_table import HEADER, CellEdit
from rag.library.snapshots import SnapshotRow
from rag.library.wording_table import WordingKind, WordingTable, WordingTrial
from rag.reading.metadata import read_metadata
from rag.settings import Settings
from rag.web.documents.attention import render_attention
from rag.web.documents.editor import COLUMNS, describe_cells, read_edits, render_editor
from rag.web.documents.forms import Fields
from rag.web.documents.history import render_changes
from rag.web.documents.indexing import render_rest, render_run
from rag.web.documents.routes import build_library_router
from rag.web.documents.snapshots import render_snapshots
from rag.web.documents.table import PAGE_ROWS, Choice, choose_rows, render_table
from rag.web.documents.uploads import render_added, render_upload
from rag.web.documents.wording import edit_rows, render_trial, render_wording
from rag.web.documents_tab import SECTIONS, render_frame
from rag.web.services import Services, open_services

pytestmark = pytest.mark.timeout(900)  # the town is indexed once: on a busy machine that waits
EVIL = '"><img src=http://evil.example/x onerror=alert(1)><script>alert(1)</script>'
TODAY = date(2026, 11, 25)
API = "/api/library"


class _Elements(HTMLParser):
    """Collect what a browser would run or fetch, and the text that a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def check_inert(html: str, *, shows: str = EVIL) -> None:
    found = _Elements(html)
    assert "script" not in found.tags and found.handlers == []
    assert [address for address in found.addresses if not address.startswith("/")] == []
    assert shows in found.text


def row(source: str, **values: Any) -> DocumentRow:
    metadata = Metadata(values.pop("title", source), **values.pop("metadata", {}))
    return DocumentRow(source, metadata, values.pop("state", State.INDEXED), **values)


# --- what is shown ----------------------------------------------------------------------------------------------------


ROWS = (
    row("環境課/ごみ.md", metadata={"department": "環境課", "review_by": date(2026, 3, 31)}, pages=4, answerable=3),
    row(
        "税務課/差押え.pdf",
        metadata={"department": "税務課"},
        problems=(Problem("税務課/差押え.pdf", "x", "読めない頁", "直す"),),
    ),
    row("新しい.txt", state=State.NEW),
    row("消えた.txt", state=State.REMOVED, metadata={"review_by": date(2020, 1, 1)}),
)


def test_rows_are_chosen_by_words_department_and_state() -> None:
    def chosen(**choice: str) -> list[str]:
        return [each.source for each in choose_rows(ROWS, Choice(**choice), TODAY)]

    assert chosen(words="ごみ") == ["環境課/ごみ.md"] and chosen(words="ｺﾞﾐ") == []
    assert chosen(department="税務課", state="troubled") == ["税務課/差押え.pdf"]
    assert chosen(department="（所管課なし）") == ["新しい.txt", "消えた.txt"]
    assert chosen(state="new") == ["新しい.txt"]
    assert chosen(state="stale") == ["環境課/ごみ.md"], "what is deleted need not be looked at again"
    assert chosen(order="problems")[0] == "税務課/差押え.pdf" and chosen(order="review")[0] == "消えた.txt"


def test_the_table_tells_departments_what_they_promised_and_how_well_each_document_is_read() -> None:
    text = _Elements(render_table(ROWS, (), Choice(), TODAY)).text

    assert "見直し日を過ぎた文書が 1 件あります。" in text and "環境課（1件）" in text
    assert "3/4（75%）" in text and "2026-03-31 過ぎています" in text
    assert "4 件のうち 4 件" in text


def test_a_long_table_is_cut_into_pages() -> None:
    rows = [row(f"{number:03}.txt") for number in range(PAGE_ROWS + 1)]

    first, last = (render_table(rows, (), Choice(page=page), TODAY) for page in (1, 99))

    assert "000.txt" in first and "050.txt" not in first and "1 / 2" in first
    assert "050.txt" in last and "000.txt" not in last and "2 / 2" in last


def test_hostile_names_and_texts_stay_text_in_every_section() -> None:
    problem = Problem(EVIL, "x", EVIL, EVIL, row=3)
    evil = row(EVIL, title=EVIL, metadata={"department": EVIL, "audience": (EVIL,)}, problems=(problem,), archive=EVIL)
    report = JobReport(added=(EVIL,), failed=(problem,), renamed=((EVIL, EVIL),), notices=(EVIL,), gate=EVIL)
    stages = (StageState(EVIL, 1, 2),)
    state = JobState(JobStatus.DONE, EVIL, "2026-01-01T00:00:00", stages=stages, message=EVIL, hint=EVIL, report=report)
    table = WordingTable(WordingKind.SYNONYMS, ("代表語", EVIL), ((EVIL, EVIL),), (problem,))
    added = Added((EVIL,), (EVIL,), (EVIL,), (Refusal(EVIL, EVIL, EVIL),), (EVIL,), (problem,), members=(EVIL,))
    snapshot = SnapshotRow(EVIL, EVIL, 1, 1, 1, EVIL, is_current=False, obstacle=EVIL)

    for html in (
        render_table([evil], [problem], Choice(words=EVIL), TODAY),
        render_table([evil], [problem], Choice(), TODAY),
        render_editor(evil, "/originals/a"),
        render_added(added),
        render_rest(state, {}, (EVIL,)),
        render_run(replace(state, status=JobStatus.RUNNING)),
        render_wording(table),
        render_snapshots([snapshot]),
    ):
        check_inert(html)
    check_inert(render_upload([EVIL], 1), shows="フォルダー")
    check_inert(render_frame(), shows="文書の一覧")


def test_a_run_shows_a_bar_for_each_stage_and_says_which_began() -> None:
    state = JobState(JobStatus.RUNNING, "山田", None, stages=(StageState("scan", 9, 9), StageState("read", 3, 9)))

    html = render_run(state)

    assert re.findall(r'<progress max="9" value="(\d)"', html) == ["9", "3"]
    assert "data-poll" in html and 'data-say="取り込み中: 読み取りと索引"' in html and "取り込みを中止" in html
    assert "取り込みを中止" not in render_run(replace(state, status=JobStatus.CANCELLING))


def test_a_finished_run_tells_what_changed_and_is_not_asked_again() -> None:
    report = JobReport(
        added=("新.txt",), removed=("旧.txt",), documents=5, pages=7, published=True, gate="変わりません。"
    )
    html = render_rest(JobState(JobStatus.DONE, report=report), {State.NEW: 2}, ())

    text = _Elements(html).text
    assert "data-poll" not in html and "取り込み待ち: 新規 2 件" in text
    assert "新しい文書（1件）新.txt" in text and "除いた文書（1件）旧.txt" in text and "変わりません。" in text


def test_a_stopped_run_tells_where_it_stopped_and_a_finished_one_does_not() -> None:
    stages = (StageState("scan", 9, 9), StageState("read", 3, 9))

    stopped, done = (render_rest(JobState(s, stages=stages), {}, ()) for s in (JobStatus.CANCELLED, JobStatus.DONE))

    assert "止まったところ: 読み取りと索引（3 / 9）" in stopped and "止まったところ" not in done


def test_a_run_that_would_remove_much_asks_before_it_goes_on() -> None:
    asking = JobState(
        JobStatus.FAILED, message="4 件のうち 3 件がなくなっています。", hint="確かめる", asks_for_removal=True
    )

    assert "allow_removal" in render_rest(asking, {}, ())
    assert "allow_removal" not in render_rest(replace(asking, asks_for_removal=False), {}, ())


def test_empty_sections_say_so() -> None:
    assert "まだありません" in render_changes((), 30)
    assert "要確認の頁はありません" in render_attention((), None)  # type: ignore[arg-type]
    assert "条件に合う文書はありません" in render_table(ROWS, (), Choice(words="どこにもない"), TODAY)


# --- what forms say ---------------------------------------------------------------------------------------------------


def test_a_form_of_metadata_has_every_column_and_changes_only_what_was_changed() -> None:
    metadata = Metadata("手引", Kind.MANUAL, "税務課", year=2026, review_by=date(2027, 3, 31))
    cells = describe_cells(metadata)
    assert tuple(cells) == COLUMNS == HEADER[1:]
    assert (cells["年度"], cells["見直し日"], cells["種別"]) == ("令和8年度", "2027-03-31", "マニュアル")
    shown = [pair for name, text in cells.items() for pair in ((f"was-{name}", text), (name, text))]

    fields = Fields((("source", "手引.txt"), *shown, ("所管課", " 町民課 ")))

    assert read_edits(Fields((("source", "手引.txt"), *shown))) == []
    assert read_edits(fields) == [CellEdit("手引.txt", "所管課", "町民課")]


def test_a_row_of_a_table_is_added_changed_and_taken_out_but_not_over_somebody_elses_change() -> None:
    table = WordingTable(WordingKind.SYNONYMS, ("代表語", "同義語1"), (("国保", "国民健康保険"), ("ごみ", "廃棄物")))

    def edit(was: str, *cells: str) -> Any:
        return edit_rows(table, Fields((("was", was), *(("cell", cell) for cell in cells))))

    known = json.dumps(["国保", "国民健康保険"])
    assert edit("", "児クラ", "学童 ")[0] == [*table.rows, ("児クラ", "学童")]
    assert edit(known, "国保", "健保") == ([("国保", "健保"), ("ごみ", "廃棄物")], 0)
    assert edit(known, "", " ")[0] == [("ごみ", "廃棄物")]
    for was, cells in (("", ("", "")), (json.dumps(["国保", "古い"]), ("国保", "健保")), ("{", ("a", "b"))):
        with pytest.raises(UsageError):
            edit(was, *cells)


def test_a_trial_that_changes_nothing_says_so() -> None:
    trial = Trial(("料金",), (), (), ())
    assert "結果は変わりません" in render_trial(WordingTrial(trial, trial))


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "９", "x" * 20])
def test_a_page_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Fields((("page", text),)).number("page", 1)


# --- files on their way -----------------------------------------------------------------------------------------------


def test_what_waits_is_limited_found_by_its_id_only_and_forgotten(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_upload_mb=1)
    incoming = Incoming(settings)
    receiving = incoming.receive()
    with receiving.stream:
        receiving.write(b"x" * 600_000)
    second = incoming.receive()
    with second.stream, pytest.raises(LibraryError, match="上限（1 MB）"):
        second.write(b"x" * 600_000)

    assert incoming.find(receiving.id).stat().st_size == 600_000
    for wrong in ("", "../incoming", "0" * 32, receiving.id.upper() + "/"):
        with pytest.raises(LibraryError):
            incoming.find(wrong)
    incoming.discard([second.id, "../x"])
    late = Incoming(settings, now=incoming.find(receiving.id).stat().st_mtime + FORGOTTEN_SECONDS + 1)
    late.forget()
    assert list((tmp_path / FOLDER).iterdir()) == []


# --- the real thing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """The routes over a small town, called from the machine itself."""

    client: TestClient
    settings: Settings

    def get(self, path: str, **fields: str) -> Any:
        return self.client.get(f"{API}{path}", params=fields)

    def post(self, path: str, *pairs: tuple[str, str]) -> Any:
        return self.client.post(f"{API}{path}", content=encode(pairs))

    def send(self, content: bytes) -> str:
        return str(self.client.post(f"{API}/incoming", content=content).json()["id"])

    def waiting(self) -> list[Path]:
        folder = self.settings.data_dir / FOLDER
        return list(folder.iterdir()) if folder.is_dir() else []


def encode(pairs: tuple[tuple[str, str], ...]) -> bytes:
    return urlencode(pairs).encode()


def open_client(services: Services, gate: Gate) -> TestClient:
    """Return a client of the routes alone, at the machine itself."""
    app = FastAPI()
    app.add_exception_handler(RagError, render_rag_error)
    app.include_router(build_library_router(services))

    async def with_gate(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, GATE_KEY: gate}, receive, send)

    return TestClient(with_gate, base_url="http://127.0.0.1", client=("127.0.0.1", 1))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = build_town(tmp_path_factory.mktemp("documents"))
    with closing(Assistant.open(settings)) as assistant, closing(open_services(settings, assistant)) as services:
        yield services


@pytest.fixture(scope="module")
def site(services: Services) -> Iterator[Site]:
    with closing(open_gate(services.settings)) as gate:
        yield Site(open_client(services, gate), services.settings)


def test_every_section_of_the_frame_has_its_route(site: Site) -> None:
    for section in SECTIONS:
        response = site.client.get(f"{API}{section.path}")
        assert response.status_code == 200 and response.headers["cache-control"] == "private, no-store", section.id
        assert "<" in response.text


def test_files_are_added_replaced_deleted_and_brought_back_and_nothing_is_left_behind(site: Site) -> None:
    corpus, source = site.settings.corpus, "子育て課/児童クラブ.md"
    added = site.post(
        "/take",
        ("folder", "子育て課"),
        ("file", site.send(b"# a\n")),
        ("name", "児童クラブ.md"),
        ("file", site.send(b"MZ")),
        ("name", EVIL),
    )
    assert (corpus / source).read_bytes() == b"# a\n" and "加えなかったファイル 1 件" in added.text
    check_inert(added.text, shows="<script>")
    assert set(added.headers["x-reload"].split()) == {"documents", "index", "history"}

    replaced = site.post("/replace", ("source", source), ("file", site.send(b"# b\n")), ("name", "別名.md"))
    assert replaced.status_code == 200 and (corpus / source).read_bytes() == b"# b\n"
    wrong = site.post("/replace", ("source", source), ("file", site.send(b"# c\n")), ("name", "別名.pdf"))
    assert wrong.status_code == 400 and "種類の違うファイル" in wrong.json()["error"]["message"]

    deleted = site.post("/delete", ("source", source))
    assert not (corpus / source).exists()
    (id_,) = re.findall(r"&quot;id&quot;: &quot;([^&]+)&quot;", deleted.text)
    assert site.post("/undo", ("id", id_)).status_code == 200 and (corpus / source).read_bytes() == b"# b\n"
    assert site.waiting() == []
    assert "児童クラブ.md" in site.get("/changes").text
    site.post("/delete", ("source", source))


def test_an_upload_of_nothing_or_of_what_is_gone_is_refused(site: Site) -> None:
    for pairs in ((), (("file", "0" * 32), ("name", "a.txt")), (("file", "0" * 32),)):
        response = site.post("/take", *pairs)
        assert response.status_code == 400 and response.json()["error"]["hint"]
    assert site.post("/delete").status_code == 400


def test_more_than_may_be_uploaded_is_stopped_on_its_way(services: Services, tmp_path: Path) -> None:
    settings = replace(services.settings, data_dir=tmp_path / "data", max_upload_mb=1)
    with closing(open_gate(settings)) as gate:
        client = open_client(replace(services, settings=settings), gate)
        response = client.post(f"{API}/incoming", content=b"x" * 2_500_000)

    assert response.status_code == 400 and "上限（1 MB）" in response.json()["error"]["message"]
    assert list((settings.data_dir / FOLDER).iterdir()) == []


def test_metadata_is_edited_and_a_wrong_cell_writes_nothing(site: Site) -> None:
    path, source = site.settings.corpus / "metadata.csv", "総務課/職員旅費規程.txt"
    before = path.read_bytes()
    wrong = site.post("/document", ("source", source), ("was-見直し日", ""), ("見直し日", "いつか"))
    assert "保存していません" in wrong.text and path.read_bytes() == before

    site.post("/document", ("source", source), ("was-見直し日", ""), ("見直し日", "令和9年3月31日"))
    rows, problems = read_metadata_of(site.settings)
    assert rows[source].review_by == date(2027, 3, 31) and problems == []
    assert 'value="2027-03-31"' in site.get("/document", source=source).text
    assert site.get("/document", source="ない.txt").status_code == 400


def read_metadata_of(settings: Settings) -> Any:
    sources = [path.relative_to(settings.corpus).as_posix() for path in settings.corpus.rglob("*") if path.is_file()]
    return read_metadata(settings.corpus / "metadata.csv", sources)


def test_a_synonym_is_tried_before_it_is_saved(site: Site) -> None:
    row = (("kind", "synonyms"), ("was", ""), ("cell", "モフモフ"), ("cell", "毛布"))
    tried = site.post("/wording/try", *row, ("question", "モフモフの備蓄"))
    assert "モフモフ → 毛布" in tried.text and not (site.settings.corpus / "synonyms.csv").exists()

    saved = site.post("/wording", *row)
    assert "保存しました" in saved.text and "モフモフ" in (site.settings.corpus / "synonyms.csv").read_text("utf-8-sig")
    assert "synonyms" in saved.headers["x-reload"]
    again = site.post("/wording", *row)
    assert again.status_code == 400 and "同じ行がもうあります" in again.json()["error"]["message"]
    alike = site.post("/wording", *row, ("cell", "毛ふとん"))
    assert "保存していません" in alike.text and "同じ語" in alike.text
    assert site.get("/wording", kind="secrets").status_code == 400


def test_a_question_set_that_is_not_listed_is_no_gate(site: Site) -> None:
    response = site.post("/index", ("gate", "../../etc/passwd"))
    assert response.status_code == 400 and "質問集" in response.json()["error"]["message"]


def test_the_present_index_is_nothing_to_go_back_to(site: Site) -> None:
    (id_,) = re.findall(r'<span class="source">([^<]+)</span>', site.get("/snapshots").text)
    response = site.post("/rollback", ("id", id_))
    assert response.status_code == 400 and "今使っている索引" in response.json()["error"]["message"]


def test_a_form_that_is_larger_than_a_form_is_refused(site: Site) -> None:
    assert site.post("/delete", ("source", "x" * 9_000_000)).status_code == 400
    assert site.post("/delete", *[("source", "x")] * 30_001).status_code == 400
