"""The catalog gives back what was written, and text by span exactly as Python counts characters."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents import (
    COMMAND_LINE,
    EVERYONE,
    Asker,
    Block,
    BlockKind,
    Chunk,
    ChunkKind,
    Document,
    Kind,
    Locator,
    Metadata,
    Page,
    Problem,
    Quality,
    Segment,
    Span,
)
from rag.indexing.catalog import Catalog, CatalogWriter

METADATA = Metadata("手引き", Kind.RULE, "税務課", "1234", 2026, date(2026, 4, 1), ("税務課", "市民課"))
TEXT = "第1条 目的𠮷野\n本文です。\n- 1 -"
BLOCKS = (
    Block(BlockKind.HEADING, 0, 9, Locator(page=1), level=1),
    Block(BlockKind.PARAGRAPH, 10, 15, Locator(page=1)),
    Block(BlockKind.FOOTER, 16, 21, Locator(page=1)),
)
PAGE = Page(1, TEXT, BLOCKS, Quality(21, suspicious_share=0.25, columns=2), label="i")
DOCUMENT = Document(
    "規程/手引き.pdf", "ab" * 32, METADATA, (PAGE,), (Problem("規程/手引き.pdf", "ruby", "ルビ", "不要", page=1),)
)
CHUNKS = [
    Chunk("1" * 32, DOCUMENT.source, 0, ChunkKind.TEXT, "第1条", "手引き", ("第1章", "第1条"), (Segment(1, 0, 3, Locator(page=1, label="i")),)),
    Chunk(
        "2" * 32, DOCUMENT.source, 1, ChunkKind.QA, "問\n答", "手引き", (),
        (Segment(1, 4, 5, Locator(sheet="Q&A", row=2)), Segment(1, 6, 7, Locator(line=3))),
        question=Span(0, 1), answer=Span(2, 3), context=1,
    ),
]  # fmt: skip


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    writer = CatalogWriter(tmp_path / "目録 #1?.sqlite")
    writer.add_document(DOCUMENT, CHUNKS, file="abab.pdf", metadata_hash="m1")
    writer.add_unreadable("壊れた.pdf", Problem("壊れた.pdf", "truncated", "途中まで", "置き直す"), sha256="cd")
    writer.replace_corpus_problems([Problem("metadata.csv", "metadata", "3行目", "直す", row=3)])
    writer.commit()
    return tmp_path / "目録 #1?.sqlite"


@pytest.fixture
def catalog(catalog_file: Path):  # type: ignore[no-untyped-def]
    opened = Catalog(catalog_file)
    yield opened
    opened.close()


def test_what_was_written_comes_back_equal(catalog: Catalog) -> None:
    assert catalog.chunks(["2" * 32, "0" * 32, "1" * 32]) == {c.id: (c, METADATA) for c in reversed(CHUNKS)}
    assert list(catalog.chunks(["2" * 32, "1" * 32])) == ["2" * 32, "1" * 32]
    assert catalog.chunks_of(DOCUMENT.source) == CHUNKS
    page = catalog.pages(DOCUMENT.source)[0]
    assert (page.text, page.label, page.quality) == (TEXT, "i", PAGE.quality)
    entry = catalog.document(DOCUMENT.source)
    assert entry is not None and (entry.metadata, entry.file, entry.metadata_hash) == (METADATA, "abab.pdf", "m1")
    assert catalog.document("無い.pdf") is None


def test_counts_problems_and_characters(catalog: Catalog) -> None:
    counts = catalog.counts()
    assert (counts.documents, counts.unreadable, counts.pages, counts.chunks, counts.problems) == (1, 1, 1, 2, 3)
    assert [p.code for p in catalog.problems()] == ["metadata", "truncated", "ruby"]
    assert [p.code for p in catalog.problems("壊れた.pdf")] == ["truncated"]
    assert [p.row for p in catalog.corpus_problems()] == [3]
    assert catalog.characters() == {"footer": 5, "heading": 9, "paragraph": 5}
    assert [entry.source for entry in catalog.documents()] == [DOCUMENT.source]


def test_spans_count_characters_also_beyond_the_basic_plane(catalog: Catalog) -> None:
    for start in range(len(TEXT) + 1):
        for end in range(start, len(TEXT) + 2):
            assert catalog.read_span(DOCUMENT.source, 1, start, end) == TEXT[start:end]
    with pytest.raises(KeyError):
        catalog.read_span(DOCUMENT.source, 2, 0, 1)
    with pytest.raises(KeyError):
        catalog.page_text("無い.pdf", 1)


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_text_is_read_back_by_span(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("catalog") / "c.sqlite"
    writer = CatalogWriter(file)
    writer.add_document(Document("a.txt", "00", Metadata("a"), (Page(1, text, (), Quality(len(text))),)), [])
    writer.commit()
    catalog = Catalog(file)
    middle = len(text) // 2
    assert catalog.read_span("a.txt", 1, middle, len(text)) == text[middle:]
    catalog.close()


def test_a_span_of_a_page_of_many_thousand_characters_is_read_back_wherever_it_lies(tmp_path: Path) -> None:
    text = "".join(f"{number}行目の𠮷野町\n" for number in range(1_500))
    writer = CatalogWriter(tmp_path / "c.sqlite")
    pages = (Page(1, text, (), Quality(len(text))), Page(2, "", (), Quality(0)))
    writer.add_document(Document("表.csv", "00", Metadata("表"), pages), [])
    writer.commit()
    catalog = Catalog(tmp_path / "c.sqlite")
    for start in (0, 3_990, 4_000, len(text) - 5):
        for length in (0, 1, 20, 9_000):
            assert catalog.read_span("表.csv", 1, start, start + length) == text[start : start + length]
    assert catalog.read_span("表.csv", 1, len(text) + 9_000, len(text) + 9_001) == ""
    assert [page.text for page in catalog.pages("表.csv")] == [text, ""]
    assert (catalog.page_text("表.csv", 1), catalog.page_text("表.csv", 2)) == (text, "")
    catalog.close()


def test_removing_a_document_leaves_no_row_of_it(catalog_file: Path) -> None:
    writer = CatalogWriter(catalog_file)
    assert sorted(writer.remove_document(DOCUMENT.source)) == ["1" * 32, "2" * 32]
    writer.commit()
    catalog = Catalog(catalog_file)
    assert (catalog.counts().documents, catalog.counts().pages, catalog.counts().chunks) == (0, 0, 0)
    assert catalog.characters() == {} and catalog.problems(DOCUMENT.source) == []
    with pytest.raises(KeyError):
        catalog.page_text(DOCUMENT.source, 1)
    catalog.close()


def test_what_is_not_committed_is_not_there(catalog_file: Path) -> None:
    writer = CatalogWriter(catalog_file)
    writer.remove_document(DOCUMENT.source)
    writer.close()
    catalog = Catalog(catalog_file)
    assert catalog.counts().chunks == 2
    catalog.close()


def test_audiences_that_an_asker_may_read(catalog: Catalog) -> None:
    assert catalog.readable_audiences(COMMAND_LINE) is None
    assert catalog.readable_audiences(Asker(("税務課",))) is None
    assert catalog.readable_audiences(EVERYONE) == []


def test_many_threads_read_at_once(catalog: Catalog) -> None:
    errors: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(50):
                assert len(catalog.chunks(["1" * 32, "2" * 32])) == 2
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
