"""The printed pages of Office documents: made when somebody looks, marked where the quotation stands, gone with the original."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from rag.assistant import Assistant
from rag.documents import EVERYONE, Answer, Block, BlockKind, Citation, Content, Locator, Page, Span
from rag.indexing import renditions
from rag.indexing.renditions import RENDITIONS, Renditions
from rag.indexing.sync import sync
from rag.reading import conversion, registry
from rag.reading.conversion import find_libreoffice
from rag.reading.options import ReadingOptions
from rag.reading.plain import measure_quality
from rag.reading.rendition import locate_quote, read_printed_text
from rag.settings import Settings
from rag.web.cards import render_citation
from rag.web.links import Links
from rag.web.server import build_app

needs_soffice = pytest.mark.skipif(find_libreoffice() is None, reason="LibreOffice is not installed")
SOURCE = "総務課/旅費の手引.docx"
QUESTION = "宿泊料の上限は一夜につきいくらですか"
SENTENCE = "宿泊料の上限は、一夜につき9,800円です。"


def write_guide(path: Path) -> Path:
    """Write a Word file of some pages whose last one says what a night may cost."""
    from docx import Document

    document = Document()
    document.add_heading("旅費の手引", 1)
    for number in range(1, 70):
        document.add_paragraph(f"第{number}項　出張の前に、出張命令簿に用務先と期間を書き、所属長の承認を受けます。")
    document.add_heading("宿泊料", 2)
    document.add_paragraph(SENTENCE)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(path))
    return path


def read_paragraphs(path: Path, source: str, options: ReadingOptions) -> Content:
    """Stand in for the reader of Word files where there is none: one block for each paragraph."""
    from docx import Document

    lines = [paragraph.text for paragraph in Document(str(path)).paragraphs]
    blocks, start = [], 0
    for number, line in enumerate(lines, start=1):
        blocks.append(Block(BlockKind.PARAGRAPH, start, start + len(line), Locator(paragraph=number)))
        start += len(line) + 1
    text = "\n".join(lines)
    return Content((Page(1, text, tuple(blocks), measure_quality(text)),))


def make_word_readable(patch: pytest.MonkeyPatch) -> None:
    if find_spec("rag.reading.word") is None:
        patch.setitem(registry.READERS, ".docx", (__name__, "read_paragraphs"))  # type: ignore[arg-type]
        patch.setattr(registry, "_check_signature", lambda path, source, suffix: None)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("printed")
    settings = Settings(corpus=folder / "corpus", index=folder / "index", workers=1)
    write_guide(settings.corpus / SOURCE)
    (settings.corpus / "案内.txt").write_text("図書館は毎週月曜日に休館します。\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        make_word_readable(patch)
        sync(settings)
        yield settings


@pytest.fixture(scope="module")
def assistant(settings: Settings) -> Iterator[Assistant]:
    assistant = Assistant.open(settings)
    yield assistant
    assistant.close()


@pytest.fixture(scope="module")
def client(assistant: Assistant, settings: Settings) -> Iterator[TestClient]:
    with TestClient(build_app(assistant, settings)) as client:
        yield client


@pytest.fixture(scope="module")
def citation(assistant: Assistant) -> Citation:
    answer: Answer = assistant.ask(QUESTION)
    (citation,) = answer.citations
    assert citation.source == SOURCE and SENTENCE in citation.quote
    return citation


@needs_soffice
def test_a_cited_word_file_shows_its_page_with_the_quotation_marked(
    client: TestClient, assistant: Assistant, citation: Citation
) -> None:
    links = Links(assistant, EVERYONE)
    whole = client.get(links.page_image(SOURCE, citation.page, citation.spans) or "")
    strip = client.get(links.page_image(SOURCE, citation.page, citation.spans, strip=True) or "")

    assert (whole.status_code, strip.status_code) == (200, 200)
    assert int(whole.headers["x-printed-page"]) > 1, "the sentence stands on the last page"
    image, part = open_image(whole.content), open_image(strip.content)
    rows = yellow_rows(image)
    assert 0 < max(rows) - min(rows) < image.height / 20, "one line is marked"
    assert part.height < image.height / 3 and yellow_rows(part)


@needs_soffice
def test_the_pdf_is_made_once_and_kept_under_the_hash_of_the_file(
    client: TestClient, assistant: Assistant, citation: Citation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Links(assistant, EVERYONE).page_image(SOURCE, citation.page, citation.spans) or ""
    assert client.get(address).status_code == 200
    sha256 = next(entry.sha256 for entry in assistant.documents() if entry.source == SOURCE)
    assert [path.name for path in (settings.index / RENDITIONS).iterdir()] == [f"{sha256}.pdf"]
    monkeypatch.setattr(renditions, "open_converted", None)  # whoever converts again fails

    assert client.get(address + "&width=500").status_code == 200


@needs_soffice
def test_the_card_has_an_image_and_says_that_it_is_of_a_converted_file(
    assistant: Assistant, citation: Citation
) -> None:
    html = render_citation(citation, Links(assistant, EVERYONE))

    assert '<img class="page" data-printed src="/api/pages/' in html
    assert "変換した PDF の画像" in html


def test_without_libreoffice_there_is_no_image(
    client: TestClient, assistant: Assistant, citation: Citation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sha256 = next(entry.sha256 for entry in assistant.documents() if entry.source == SOURCE)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(conversion, "_USUAL_PLACES", ())

    assert "<img" not in render_citation(citation, Links(assistant, EVERYONE))
    address = f"/api/pages/{sha256}/1.png"
    assert client.get(address, params={"source": SOURCE, "spans": "0-5"}).status_code == 404


@needs_soffice
def test_what_is_not_printed_anywhere_has_no_image(client: TestClient, assistant: Assistant) -> None:
    sha256 = next(entry.sha256 for entry in assistant.documents() if entry.source == SOURCE)
    address = f"/api/pages/{sha256}/1.png"

    assert client.get(address, params={"source": SOURCE, "spans": ""}).status_code == 404
    assert client.get(address, params={"source": SOURCE, "spans": "900000-900009"}).status_code == 404


def test_the_pdf_goes_with_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_word_readable(monkeypatch)
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", workers=1, snapshots_kept=1)
    path = write_guide(settings.corpus / SOURCE)
    (settings.corpus / "案内.txt").write_text("図書館は毎週月曜日に休館します。\n", encoding="utf-8")
    sync(settings)
    folder = settings.index / RENDITIONS
    folder.mkdir()
    sha256 = next((settings.index / "files").glob("*.docx")).stem
    for name in (f"{sha256}.pdf", f"{sha256}.x.part", f"{'0' * 64}.pdf"):
        (folder / name).write_bytes(b"x")

    (settings.corpus / "案内.txt").write_text("図書館は毎週火曜日に休館します。\n", encoding="utf-8")
    sync(settings)
    assert sorted(left.name for left in folder.iterdir()) == [f"{sha256}.pdf", f"{sha256}.x.part"]
    path.unlink()
    for day in ("水", "木"):  # the snapshot before the current one is kept
        (settings.corpus / "案内.txt").write_text(f"図書館は毎週{day}曜日に休館します。\n", encoding="utf-8")
        sync(settings)
    assert list(folder.iterdir()) == []


def test_one_conversion_runs_at_a_time_and_a_failed_one_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, calls = 0, 0, list[str]()
    started = threading.Event()

    def fail(path: Path, source: str, target: str, **options: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        calls.append(source)
        started.wait(0.2)
        running -= 1
        raise OSError("no")

    monkeypatch.setattr(renditions, "open_converted", fail)
    monkeypatch.setattr(renditions, "find_libreoffice", lambda: Path("soffice"))
    store = Renditions(tmp_path)
    threads = [
        threading.Thread(target=store.find, args=(tmp_path, f"{name}.docx", name)) for name in ("a", "b", "a", "b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (most, sorted(calls)) == (1, ["a.docx", "b.docx"])
    assert store.find(tmp_path, "a.docx", "a") is None and len(calls) == 2
    assert store.find(tmp_path, "a.xlsx", "c") is None and len(calls) == 2


# --- finding the place ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PDF of two pages: a line of contents, and twice the same words with other words around them."""
    from weasyprint import HTML

    path = tmp_path_factory.mktemp("pdf") / "a.pdf"
    HTML(
        string='<html lang="ja"><p>目次 第1 手数料</p><p>郵送の場合の手数料は500円です。</p><p style="break-before: page">第2 '
        "窓口の場合の手数料は500円です。</p><table><tr><td>区分</td><td>金額</td></tr><tr><td>住民票</td><td>300円</td></tr></table>"
        "<p>別紙のとおりです。</p></html>"
    ).write_pdf(path)
    return path


TEXT = "第2\n窓口の場合の手数料は５００円です。\n区分\t金額\n住民票\t300円\n印字されない文です。"


def spans_of(*parts: str) -> list[Span]:
    return [Span(TEXT.index(part), TEXT.index(part) + len(part)) for part in parts]


def test_of_several_places_the_one_with_the_same_surroundings_is_meant(printed: Path) -> None:
    place = locate_quote(printed, TEXT, spans_of("手数料は５００円です。"))

    assert place is not None and (place.page, len(place.boxes)) == (2, 1)


def test_of_places_with_the_same_surroundings_the_nearest_is_meant(printed: Path) -> None:
    text, span = "手数料は500円です。", Span(0, 11)

    found = [locate_quote(printed, text, [span], near=near) for near in (1, 2)]
    assert [place and place.page for place in found] == [1, 2]


def test_a_row_is_found_cell_by_cell(printed: Path) -> None:
    place = locate_quote(printed, TEXT, spans_of("区分\t金額", "住民票\t300円"))

    assert place is not None and place.page == 2
    assert len(place.boxes) >= 2
    header, row = place.boxes[0], place.boxes[-1]
    assert header.bottom > row.top, "the row stands below its header"


def test_what_is_not_printed_is_not_found(printed: Path) -> None:
    assert locate_quote(printed, TEXT, spans_of("印字されない文です。")) is None
    assert locate_quote(printed, TEXT, []) is None


def test_a_quotation_of_which_half_is_printed_is_shown_as_far_as_it_goes(printed: Path) -> None:
    text = "窓口の場合の手数料は500円です。ない文。"

    place = locate_quote(printed, text, [Span(0, len(text))])
    assert place is not None and (place.page, len(place.boxes)) == (2, 1)


def test_the_printed_text_knows_its_pages(printed: Path) -> None:
    text = read_printed_text(printed)

    assert text.text.startswith("目次第1手数料郵送の場合の手数料は500円です。第2窓口")
    assert {page: text.pages.count(page) for page in (1, 2)} == {
        1: len("目次第1手数料郵送の場合の手数料は500円です。"),
        2: len("第2窓口の場合の手数料は500円です。区分金額住民票300円別紙のとおりです。"),
    }


def open_image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def yellow_rows(image: Image.Image) -> set[int]:
    data = image.tobytes()
    pixels = (tuple(data[i : i + 3]) for i in range(0, len(data), 3))
    return {i // image.width for i, (r, g, b) in enumerate(pixels) if r > 200 and g > 180 and b < 130}
