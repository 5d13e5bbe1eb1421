"""Pages without usable text: waiting while there is no tesseract, read when it is there, and an answer from them says so."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from eval.reading.fixtures import FIXTURES
from eval.reading.fixtures.fixture import Fixture
from rag.assistant import Assistant
from rag.documents import BlockKind, Concern, Content, Span, Status, WordBox
from rag.indexing.sync import SyncReport, sync
from rag.page_reports import render_pages, render_readability
from rag.reading import ocr, registry
from rag.reading.highlights import find_word_boxes
from rag.reading.options import ReadingOptions
from rag.reading.pdf import read_pdf
from rag.reading.tesseract import OcrCharacter, OcrError, Tesseract, _parse, find_tesseract
from rag.reports import collect_status, render_status, render_sync
from rag.settings import Settings

BY_NAME = {fixture.name: fixture for fixture in FIXTURES}
HOCR = """
<span class='ocr_line' id='line_1_1' title="bbox 10 20 90 40; baseline 0 0">
 <span class='ocrx_word' id='word_1_1' title='bbox 10 20 50 40; x_wconf 93'>
  <span class='ocrx_cinfo' title='x_bboxes 10 20 30 40; x_conf 99.0'>住</span>
  <span class='ocrx_cinfo' title='x_bboxes 30 20 50 40; x_conf 98.0'>民</span>
 </span>
</span>
<span class='ocr_line' id='line_1_2' title="bbox 100 20 120 60; baseline 0 0">
 <span class='ocrx_word' id='word_1_2' title='bbox 100 20 120 60; x_wconf 50'>
  <span class='ocrx_cinfo' title='x_bboxes 0 20 0 40; x_conf 99.0'>町</span>
  <span class='ocrx_cinfo' title='x_bboxes 0 20 0 40; x_conf 98.0'>&amp;</span>
 </span>
</span>
"""


def build(name: str, folder: Path) -> Path:
    """Make a file of a fixture, whatever can read it later."""
    fixture: Fixture = BY_NAME[name]
    folder.mkdir(parents=True, exist_ok=True)
    if obstacle := dataclasses.replace(
        fixture, needs=tuple(n for n in fixture.needs if "tesseract" not in n.value)
    ).find_obstacle():
        pytest.skip(obstacle)
    return fixture.build(folder)


def without_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ocr, registry):
        monkeypatch.setattr(module, "find_tesseract", lambda: None)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return build("scan", tmp_path / "made")


@pytest.fixture
def town(tmp_path: Path, scan: Path) -> Settings:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data", workers=1)
    settings.corpus.mkdir()
    shutil.copy(scan, settings.corpus / "お知らせ.pdf")
    (settings.corpus / "窓口.txt").write_text("窓口は平日の8時30分から17時15分まで開いています。\n", encoding="utf-8")
    return settings


def concerns(content: Content) -> list[tuple[Concern, ...]]:
    return [page.quality.concerns for page in content.pages]


def test_the_boxes_and_confidences_of_hocr_are_those_of_its_words() -> None:
    assert list(_parse(HOCR)) == [
        OcrCharacter("住", 10, 20, 30, 40, 0.93, 0),
        OcrCharacter("民", 30, 20, 50, 40, 0.93, 0),
        OcrCharacter("町", 100, 20, 120, 40, 0.5, 1),
        OcrCharacter("&", 100, 40, 120, 60, 0.5, 1),
    ]


def test_without_tesseract_a_scan_waits_and_the_message_names_the_packages(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tesseract(monkeypatch)
    content = read_pdf(scan, "お知らせ.pdf")
    assert concerns(content) == [(Concern.WAITING_OCR,)]
    (problem,) = content.problems
    assert problem.code == "waiting_ocr" and "PDF 1枚目" in problem.message
    assert "tesseract-ocr-jpn" in problem.remedy and "tesseract-ocr-jpn-vert" in problem.remedy


def test_ocr_can_be_switched_off(scan: Path) -> None:
    assert concerns(read_pdf(scan, "お知らせ.pdf", ReadingOptions(ocr=False))) == [(Concern.WAITING_OCR,)]


def test_an_ocr_that_fails_is_said_of_its_page(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OcrError("60 秒以内に終わりませんでした")

    monkeypatch.setattr(ocr, "find_tesseract", lambda: Tesseract("tesseract", vertical=True, orientation=True))
    monkeypatch.setattr(ocr, "recognize", fail)
    content = read_pdf(scan, "お知らせ.pdf")
    assert concerns(content) == [(Concern.OCR_FAILED,)] and content.problems[0].code == "ocr_failed"


def test_a_wrong_text_layer_is_not_searched_while_nothing_can_read_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tesseract(monkeypatch)
    content = read_pdf(build("no_unicode", tmp_path), "文字化け.pdf")
    page = content.pages[1]
    assert content.pages[0].quality.concerns == ()
    assert {Concern.GARBLED, Concern.WAITING_OCR} <= set(page.quality.concerns)
    assert page.text and {block.kind for block in page.blocks} == {BlockKind.UNREADABLE}
    assert {problem.code for problem in content.problems} == {"garbled", "waiting_ocr"}


def test_the_word_boxes_of_a_span_are_joined_to_one_box_a_line() -> None:
    words = [WordBox(0, 1, 10, 50, 20, 60), WordBox(1, 2, 20, 50, 30, 60), WordBox(3, 4, 10, 30, 20, 40)]
    assert [tuple(box) for box in find_word_boxes(words, [Span(0, 4)])] == [(10, 50, 30, 60), (10, 30, 20, 40)]
    assert [tuple(box) for box in find_word_boxes(words, [Span(1, 2)])] == [(20, 50, 30, 60)]


@pytest.mark.skipif(find_tesseract() is None, reason="tesseract is not installed")
def test_a_scan_is_read_again_once_tesseract_is_there_and_its_answer_says_so(
    town: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        without_tesseract(patch)
        waiting = sync(town)
        again = sync(town)
    assert "waiting_ocr" in {problem.code for problem in waiting.problems} and not again.published
    assert readable(waiting) == {"お知らせ.pdf": (0, 1), "窓口.txt": (1, 1)}
    report = sync(town)
    assert report.changed == ("お知らせ.pdf",) and report.problems == ()
    assert readable(report) == {"お知らせ.pdf": (1, 1), "窓口.txt": (1, 1)}
    assert not sync(town).published
    assistant = Assistant.open(dataclasses.replace(town, answer_threshold=0.0))
    try:
        answer = assistant.ask("大雨で避難するときはどこを目指しますか")
        assert answer.status is Status.ANSWERED and answer.citations[0].source == "お知らせ.pdf", answer
        (warning,) = [warning for warning in answer.warnings if warning.code == "ocr"]
        assert "文字認識" in warning.message and "%" in warning.message
        citation = answer.citations[0]
        boxes = assistant.page_boxes(citation.source, citation.page, citation.spans)
        assert boxes and all(
            0 <= left < right <= 600 and 0 <= bottom < top <= 850 for left, bottom, right, top in boxes
        )
        assert "ocr" not in {warning.code for warning in assistant.ask("窓口は何時まで開いていますか").warnings}
    finally:
        assistant.close()


def readable(report: SyncReport) -> dict[str, tuple[int, int]]:
    return {file.source: (file.answerable, file.pages) for file in report.readability}


def test_the_reports_list_the_pages_that_need_a_person(town: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    without_tesseract(monkeypatch)
    shown = render_sync(sync(town))
    status = collect_status(town, pages=True)
    for text in (shown, render_status(status)):
        assert "回答に使える頁: 1/2（50.0%）" in text and "要確認ページ一覧: 1 頁" in text
        assert "お知らせ.pdf　PDF 1枚目　文字認識（OCR）待ち" in text
    assert "お知らせ.pdf 1/1　0字（検索 0字）" in render_status(status)
    assert "要確認ページ一覧" not in render_status({**status, "doubtful_pages": []})


def test_a_page_line_says_how_the_page_was_read() -> None:
    row = {
        "source": "計画.pdf", "page": 14, "label": "12", "characters": 900, "searchable": 880, "suspicious_share": 0.015,
        "columns": 2, "tables": 1, "ocr_confidence": 0.87, "vertical": True, "concerns": ["low_ocr"],
    }  # fmt: skip
    (_, _, line) = render_pages([row])
    assert line == (
        "  計画.pdf 12頁 14/1　900字（検索 880字）　1.5%　表1　2段　縦書き　OCR 87%　文字認識の確からしさが低い"
    )


def test_a_corpus_without_doubts_says_how_much_can_be_answered_from() -> None:
    files = [{"source": "a.txt", "pages": 3, "answerable": 3, "recognized": 0}]
    assert render_readability(files, []) == ["", "回答に使える頁: 3/3（100.0%）"]
    assert render_readability([], []) == []
