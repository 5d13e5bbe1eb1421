"""Tables of contents: their lines are told from lists that look alike, and are in no chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_catalog import build_catalog, make_pdf

from rag.documents import BlockKind, Content, Document, Kind, Metadata, Quality
from rag.indexing.chunks import count_excluded, find_uncovered, split_document
from rag.reading.geometry import Box
from rag.reading.page_text import Draft, PageText
from rag.reading.pdf_page import Sheet
from rag.reading.sheet_content import build_content

DOTS = "・" * 20


def build_sheets(pages: Sequence[Sequence[str]]) -> list[Sheet]:
    """Return pages whose lines are a paragraph each, one below the other in the middle of the page."""
    sheets = []
    for number, lines in enumerate(pages, start=1):
        page = PageText()
        for place, line in enumerate(lines):
            start = len(page.text) + bool(page.text)
            page.text += ("\n" if page.text else "") + line
            top = 600.0 - 20 * place
            page.drafts.append(Draft(BlockKind.PARAGRAPH, start, len(page.text), Box(90, top - 10, 500, top), 10.0))
        sheets.append(Sheet(number, 842.0, page, None))
    return sheets


def contents_of(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the lines of each page that were told to be contents."""
    content: Content = build_content(build_sheets(pages), "a.pdf", outline={})
    return [
        [page.text[block.start : block.end] for block in page.blocks if block.kind is BlockKind.CONTENTS]
        for page in content.pages
    ]


def entries(*numbers: int) -> list[str]:
    return [f"{number}番めの題名{DOTS}{number}" for number in numbers]


@pytest.mark.parametrize("title", ["目次", "目　次", "〔目次〕", "図表目次", "もくじ"])
def test_a_page_that_says_so_is_one_wherever_its_numbers_lead(title: str) -> None:
    lines = [title, f"はじめに{DOTS}ⅱ", f"総則{DOTS}3", f"資料{DOTS}140頁"]
    assert contents_of([lines, ["本文です。"]]) == [lines, []]


def test_it_goes_on_over_pages_and_ends_with_them() -> None:
    pages = [["目次", *entries(1, 2)], entries(3), ["3番めの題名", "本文です。"], entries(2)]
    assert contents_of(pages) == [pages[0], pages[1], [], []]


def test_without_a_title_three_lines_are_one_whose_numbers_rise_within_the_file() -> None:
    body = [["本文です。"]] * 3
    assert contents_of([entries(1, 2, 3), *body]) == [entries(1, 2, 3), [], [], []]
    assert contents_of([entries(2, 3), *body]) == [[], [], [], []]
    assert contents_of([entries(1, 3, 2), *body]) == [[], [], [], []]


@pytest.mark.parametrize(
    "lines", [[f"総務課{DOTS}110", f"税務課{DOTS}130", f"福祉課{DOTS}140"], ["目次を付ける。", f"大人{DOTS}300円"]]
)
def test_extensions_and_prices_behind_dots_stay_text(lines: list[str]) -> None:
    assert contents_of([lines, ["目次", *entries(1, 2)], lines]) == [[], ["目次", *entries(1, 2)], []]


def test_its_lines_are_counted_and_in_no_chunk_and_name_nothing_below() -> None:
    content = build_content(build_sheets([["目次", *entries(1, 2)], ["窓口は九時に開きます。"]]), "a.pdf", outline={})
    document = Document("a.pdf", "0" * 64, Metadata(title="手引", kind=Kind.MANUAL), content.pages)
    chunks = split_document(document, max_chars=400)
    assert [(chunk.text, chunk.headings) for chunk in chunks] == [("窓口は九時に開きます。", ())]
    assert count_excluded(document) == {BlockKind.CONTENTS: sum(len(line) for line in ["目次", *entries(1, 2)])}
    assert find_uncovered(document, chunks) == []


def test_a_page_of_contents_is_no_page_that_lacks_answers(tmp_path: Path) -> None:
    document = make_pdf("a.pdf", ["目次", "本文", "柱だけ"], title="手引")
    qualities = (Quality(120, contents=110), Quality(80, searchable=80), Quality(5))
    pages = tuple(replace(page, quality=quality) for page, quality in zip(document.pages, qualities, strict=True))
    catalog = build_catalog(tmp_path, {}, [replace(document, pages=pages)])
    assert catalog.count_answerable_pages() == [("a.pdf", 2, 1, 0)]
