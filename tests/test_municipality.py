"""The invented town: every document is made from a source, described in metadata.csv, and holds what the questions ask of it."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import pytest

from eval.municipality import check
from eval.municipality.build import PRINTS
from eval.municipality.documents import DOCUMENTS
from eval.municipality.facts import CORPUS, NOON
from eval.municipality.places import locate, page_count, places
from eval.municipality.questions import HELD_OUT, TARGET, TUNED, read_written
from eval.municipality.scans import LEAF, SCANS, page_texts
from eval.municipality.settled import save
from eval.municipality.upright import set_upright
from rag.indexing.editions import link_editions
from rag.reading.registry import list_corpus, read_document

RULES = [DOCUMENTS["wold"], DOCUMENTS["wnew"]]


def rows_of_the_set() -> list[dict[str, str]]:
    with TARGET.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_document_is_made_from_a_source_and_every_file_is_a_document() -> None:
    files = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file()} - check.TABLES

    assert files == set(DOCUMENTS.values())
    assert len(set(DOCUMENTS.values())) == len(DOCUMENTS), "two aliases of one file"


def test_the_questions_and_the_facts_agree_with_the_built_corpus() -> None:
    facts = check.load()

    found = [*check.question_problems(rows_of_the_set()), *check.fact_problems(facts), *check.metadata_problems(facts)]
    assert found == []


def test_every_kind_of_file_is_in_the_corpus() -> None:
    suffixes = {Path(source).suffix for source in DOCUMENTS.values()}

    assert suffixes >= {".pdf", ".docx", ".xlsx", ".pptx", ".csv", ".html", ".md", ".txt"}


def test_a_question_says_whether_it_may_be_tuned_on() -> None:
    """What is held out in the sources is held out in the set, question by question."""
    written = {one.question: one.use for one in read_written()}

    assert {row["質問"]: row["用途"] for row in rows_of_the_set()} == written
    assert set(written.values()) == {TUNED, HELD_OUT}


def test_the_pages_of_a_scan_have_no_text_but_their_source_says_what_was_printed() -> None:
    import pypdfium2

    for job in SCANS:
        with pypdfium2.PdfDocument(CORPUS / job.target) as document:
            assert [page.get_textpage().get_text_range() for page in document] == [""] * page_count(job.target)
        assert len(page_texts(job)) == page_count(job.target) and not any(LEAF in text for text in page_texts(job))


def test_a_day_chooses_between_the_two_editions_of_the_rule() -> None:
    listing = list_corpus(CORPUS)
    files = [file for file in listing.files if file.source in RULES]
    documents = [read_document(file, path=CORPUS / file.source, sha256="00", listing=listing) for file in files]

    (family,) = link_editions([(document.source, document.metadata) for document in documents])
    on = [family.in_force(datetime.date(2026, month, 30))[0].source for month in (9, 10)]
    assert on == RULES


def test_the_notice_of_an_hour_that_the_faq_contradicts_is_found_in_both() -> None:
    """The contradiction on purpose is still there, whatever else is edited."""
    assert locate(DOCUMENTS["child"], ["おひさま"]) and locate(DOCUMENTS["child"], ["前日の午後5時までに電話"])
    assert locate(DOCUMENTS["xlsx"], ["おひさま", "前日の午後4時まで"])
    assert not locate(DOCUMENTS["xlsx"], ["おひさま", "午後5時"])


def test_vertical_text_runs_from_the_upper_right_in_two_tiers() -> None:
    html = set_upright(f'<div class="upright"><p>{"あ" * 25}い</p></div>')
    first, *_, last = (place for place in html.split("<i style=")[1:])

    assert html.count("<i ") == 26
    assert first.endswith("あ</i>") and 'top:11.44pt"' in first, "a paragraph is indented by one character"
    assert last.startswith('"left:429pt;top:') and "い</i>" in last
    assert float(last.split("top:")[1].split("pt")[0]) > 300, "the second line stands in the lower tier"


def test_too_much_vertical_text_is_refused() -> None:
    with pytest.raises(ValueError, match="lines of vertical text"):
        set_upright(f'<div class="upright"><p>{"あ" * 5000}</p></div>')


def test_an_office_file_saved_again_has_the_same_bytes(tmp_path: Path) -> None:
    from docx import Document

    def written(at: datetime.datetime) -> bytes:
        document = Document()
        document.core_properties.created = document.core_properties.modified = at
        path = tmp_path / "a.docx"
        save(str(path), document.save)
        return path.read_bytes()

    assert written(NOON) == written(NOON + datetime.timedelta(days=3))


def test_aliases_of_pdfs_come_from_their_sources() -> None:
    assert {job.alias: job.target for job in PRINTS}.items() <= DOCUMENTS.items()


def test_places_of_flowing_documents_are_counted_as_the_product_counts_them() -> None:
    (row,) = locate(DOCUMENTS["meeting"], ["第1会議室", "24人"])

    assert places(DOCUMENTS["meeting"])[row].startswith("第1会議室")
