"""Chunks: joining the pieces restores the document, each kind of block is cut as people would quote it, ids are stable."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.documents import (
    NOT_SEARCHED,
    Block,
    BlockKind,
    Chunk,
    ChunkKind,
    Document,
    Kind,
    Locator,
    Metadata,
    Page,
    Quality,
    Span,
)
from rag.indexing.chunks import count_excluded, find_uncovered, split_document, text_to_embed
from rag.reading.registry import CorpusFile, Listing, list_corpus, read_document
from rag.text import split_sentences

ROOT = Path(__file__).resolve().parents[1]
MAX = 60
SENTENCES = [
    "手数料は三百円です。",
    "窓口は一階です。",
    "郵送もできます（切手が要ります。）。",
    "期限は十四日以内です！",
]


class PageBuilder:
    """Write a page block by block, so that a test says what stands where."""

    def __init__(self, number: int = 1) -> None:
        self.number, self.text, self.blocks = number, "", list[Block]()
        self.headings: tuple[str, ...] = ()
        self.header: tuple[Span, ...] = ()

    def add(self, kind: BlockKind, text: str, **more: object) -> PageBuilder:
        self.text += "\n" if self.text else ""
        start = len(self.text)
        self.text += text
        locator = Locator(page=self.number)
        block = Block(kind, start, len(self.text), locator, self.headings, **more)  # type: ignore[arg-type]
        self.blocks.append(block)
        return self

    def heading(self, text: str, level: int = 2) -> PageBuilder:
        self.headings = self.headings[: level - 1]
        self.add(BlockKind.HEADING, text, level=level)
        self.headings = (*self.headings, text)
        return self

    def paragraph(self, text: str) -> PageBuilder:
        return self.add(BlockKind.PARAGRAPH, text)

    def qa(self, question: str, answer: str) -> PageBuilder:
        start = len(self.text) + bool(self.text)
        middle = start + len(question) + 1
        spans = {"question": Span(start, middle - 1), "answer": Span(middle, middle + len(answer))}
        return self.add(BlockKind.QA, f"{question}\n{answer}", **spans)

    def table(self, header: str, *rows: str) -> PageBuilder:
        self.add(BlockKind.TABLE_HEADER, header)
        context = (Span(len(self.text) - len(header), len(self.text)),)
        for row in rows:
            self.add(BlockKind.TABLE_ROW, row, context=context)
        return self

    def build(self) -> Page:
        return Page(self.number, self.text, tuple(self.blocks), Quality(characters=len(self.text)))


def document(*pages: PageBuilder | Page, source: str = "町民課/手引.pdf", title: str = "窓口の手引") -> Document:
    """Return a document of pages."""
    built = tuple(page.build() if isinstance(page, PageBuilder) else page for page in pages)
    return Document(source, hashlib.sha256(source.encode()).hexdigest(), Metadata(title, Kind.MANUAL), built)


# --- any document -----------------------------------------------------------------------------------------------------

# Words of several scripts, marks that end sentences and white space inside, none of it outside.
_TEXT = (
    st.text(alphabet="町民課手続きカナ123abc、。！（）「」第条 　\n\t", min_size=1, max_size=160)
    .map(str.strip)
    .filter(bool)
)
_LINE = st.text(alphabet="表題見出し12ab（）", min_size=1, max_size=20)
_PLAIN_KINDS = sorted(set(BlockKind) - {BlockKind.QA, BlockKind.TABLE_ROW, BlockKind.TABLE_HEADER, BlockKind.HEADING})
_STEPS = st.one_of(
    st.tuples(st.sampled_from(_PLAIN_KINDS), _TEXT),
    st.tuples(st.just(BlockKind.HEADING), _LINE, st.integers(1, 13)),
    st.tuples(st.just(BlockKind.QA), _TEXT, _TEXT),
    st.tuples(st.just(BlockKind.TABLE_HEADER), _LINE, st.lists(_TEXT, max_size=4)),
    st.tuples(st.just(BlockKind.TABLE_ROW), _TEXT),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Return a document of up to three pages with blocks of every kind."""
    pages = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        page = PageBuilder(number)
        for kind, text, *more in draw(st.lists(_STEPS, max_size=8)):
            if kind is BlockKind.HEADING:
                page.heading(text, more[0])
            elif kind is BlockKind.QA:
                page.qa(text, more[0])
            elif kind is BlockKind.TABLE_HEADER:
                page.table(text, *more[0])
            else:
                page.add(kind, text)
        pages.append(page)
    return document(*pages)


def _check(doc: Document, max_chars: int) -> None:
    """Assert everything that holds for the chunks of any document."""
    chunks = split_document(doc, max_chars=max_chars)
    texts = {page.number: page.text for page in doc.pages}
    _check_coverage(doc, chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert split_document(doc, max_chars=max_chars) == chunks
    for chunk in chunks:
        assert chunk.source == doc.source and chunk.title == doc.title
        assert chunk.text == "\n".join(texts[s.page][s.start : s.end] for s in chunk.segments)
        assert chunk.text.strip() and len(chunk.segments) > chunk.context
        _check_locate(chunk, texts)


def _check_coverage(doc: Document, chunks: list[Chunk]) -> None:
    """Assert what `find_uncovered` promises, counted in another way; no character stands in two chunks but a table header."""
    assert find_uncovered(doc, chunks) == []
    body: Counter[tuple[int, int]] = Counter()
    context: set[tuple[int, int]] = set()
    for chunk in chunks:
        for index, segment in enumerate(chunk.segments):
            places = [(segment.page, i) for i in range(segment.start, segment.end)]
            context.update(places) if index < chunk.context else body.update(places)
    twice = [place for place, count in body.items() if count > 1]
    assert twice == [], twice[:5]
    found = body.keys() | context
    for page in doc.pages:
        for block in page.blocks:
            printed = {(page.number, i) for i in range(block.start, block.end) if not page.text[i].isspace()}
            if block.kind in NOT_SEARCHED:
                assert not printed & found, block
            else:
                assert printed <= found, (block, page.text[block.start : block.end])
    silent = sum(
        not page.text[i].isspace()
        for page in doc.pages
        for block in page.blocks
        if block.kind in NOT_SEARCHED
        for i in range(block.start, block.end)
    )
    assert sum(count_excluded(doc).values()) == silent


def _check_locate(chunk: Chunk, texts: dict[int, str]) -> None:
    """Assert that each offset maps to the same character on its page, and only line ends between segments to none."""
    breaks = 0
    for offset, character in enumerate(chunk.text):
        found = chunk.locate(offset, offset + 1)
        if found:
            (place,) = found
            assert texts[place.page][place.start : place.end] == character
        else:
            assert character == "\n"
            breaks += 1
    assert breaks == len(chunk.segments) - 1
    whole = chunk.locate(0, len(chunk.text))
    assert [(s.page, s.start, s.end) for s in whole] == [(s.page, s.start, s.end) for s in chunk.segments]


def _check_lengths(doc: Document, max_chars: int) -> None:
    """Assert the length that `split_document` documents."""
    for chunk in split_document(doc, max_chars=max_chars):
        single_row = chunk.kind is ChunkKind.ROW and len(chunk.segments) == chunk.context + 1
        length = sum(s.end - s.start for s in chunk.segments)
        assert chunk.kind is ChunkKind.QA or single_row or length <= max_chars, (length, max_chars, chunk.text)


def _check_sentences(doc: Document, max_chars: int) -> None:
    """Assert that no sentence is cut that would have fitted."""
    pages = {page.number: page for page in doc.pages}
    for chunk in split_document(doc, max_chars=max_chars):
        for segment in chunk.segments if chunk.kind is ChunkKind.TEXT else ():
            page = pages[segment.page]
            for block in (b for b in page.blocks if b.start < segment.end and segment.start < b.end):
                for start, end in _sentences(page, block):
                    inside = max(start, segment.start) < min(end, segment.end)
                    whole = segment.start <= start and end <= segment.end
                    assert whole or not inside or end - start > max_chars, (chunk.text, page.text[start:end])


def _sentences(page: Page, block: Block) -> Iterator[tuple[int, int]]:
    for start, end in split_sentences(page.text[block.start : block.end]):
        yield block.start + start, block.start + end


_SIZES = st.sampled_from([20, 60, 400])
_property = settings(
    derandomize=True, database=None, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@_property
@given(documents(), _SIZES)
def test_whatever_a_document_holds_is_found_once_and_where_it_stands(doc: Document, max_chars: int) -> None:
    _check(doc, max_chars)


@_property
@given(documents(), _SIZES)
def test_only_official_answers_and_single_rows_are_longer_than_a_chunk_may_be(doc: Document, max_chars: int) -> None:
    _check_lengths(doc, max_chars)


@_property
@given(documents(), _SIZES)
def test_no_sentence_is_cut_that_would_have_fitted(doc: Document, max_chars: int) -> None:
    _check_sentences(doc, max_chars)


@pytest.fixture(scope="session")
def corpus_documents() -> list[Document]:
    """Read the example corpus once."""
    listing = list_corpus(ROOT / "corpus")
    return [read_document(file, path=file.path, sha256="0" * 64, listing=listing) for file in listing.files]


def test_every_file_of_the_example_corpus_is_cut_without_loss(corpus_documents: list[Document]) -> None:
    assert len(corpus_documents) >= 6
    for doc in corpus_documents:
        _check(doc, 400)
        _check_sentences(doc, 400)
    ids = [chunk.id for doc in corpus_documents for chunk in split_document(doc, max_chars=400)]
    assert len(set(ids)) == len(ids)


def test_no_chunk_of_the_example_corpus_is_too_long(corpus_documents: list[Document]) -> None:
    for doc in corpus_documents:
        _check_lengths(doc, 400)


# --- each kind of block -----------------------------------------------------------------------------------------------


def test_a_long_paragraph_is_cut_into_whole_sentences() -> None:
    chunks = split_document(document(PageBuilder().paragraph("".join(SENTENCES * 6))), max_chars=MAX)
    assert len(chunks) > 3
    for chunk in chunks:
        assert len(chunk.text) <= MAX and chunk.text[-1] in "。！", chunk.text
    assert "".join(chunk.text.replace("\n", "") for chunk in chunks) == "".join(SENTENCES * 6)


@pytest.mark.parametrize("case", ["heading above", "many headings", "lone header"])
def test_headings_count_towards_the_length(case: str) -> None:
    page = PageBuilder()
    if case == "heading above":
        page.heading("見出し" * 5).paragraph("あ" * (MAX - 1) + "。")
    elif case == "many headings":
        for number in range(10):
            page.heading(f"第{number}の長い見出し", 9)
    else:
        page.paragraph("手数料は三百円です。" * 5).table("名称\t手数料\t課の名称")
    doc = document(page)
    _check(doc, MAX)
    _check_lengths(doc, MAX)


def test_a_sentence_that_is_too_long_is_cut_and_nothing_of_it_is_lost() -> None:
    sentence = "あ" * (3 * MAX + 5) + "。"
    chunks = split_document(document(PageBuilder().paragraph(sentence)), max_chars=MAX)
    assert [len(chunk.text) for chunk in chunks] == [MAX, MAX, MAX, 6]


def test_a_question_and_its_answer_are_one_chunk_however_long() -> None:
    answer = "".join(SENTENCES * 10)
    page = PageBuilder().heading("証明書").qa("手数料はいくらですか。", answer).qa("窓口はどこですか。", "一階です。")
    *_, first, second = split_document(document(page), max_chars=MAX)
    assert first.kind is second.kind is ChunkKind.QA
    assert first.question and first.answer and first.headings == ("証明書",)
    assert first.text[slice(*first.question)] == "手数料はいくらですか。"
    assert first.text[slice(*first.answer)] == answer and len(first.text) > MAX
    assert second.text == "窓口はどこですか。\n一階です。"


def test_a_question_that_waits_for_its_answer_is_still_found() -> None:
    block = Block(BlockKind.QA, 0, 5, Locator(row=2), question=Span(0, 5))
    (chunk,) = split_document(document(Page(1, "窓口は何時", (block,), Quality(5))), max_chars=MAX)
    assert (chunk.kind, chunk.question, chunk.answer) == (ChunkKind.QA, Span(0, 5), None)


def test_rows_stand_under_their_header_in_every_chunk() -> None:
    rows = [f"手続き{number}\t{number}00円\t町民課" for number in range(1, 9)]
    chunks = split_document(document(PageBuilder().table("名称\t手数料\t課", *rows)), max_chars=MAX)
    assert len(chunks) > 1 and {chunk.kind for chunk in chunks} == {ChunkKind.ROW}
    for chunk in chunks:
        assert chunk.text.startswith("名称\t手数料\t課\n手続き") and chunk.context == 1, chunk.text
        assert chunk.locator == chunk.segments[1].locator
    assert [line for chunk in chunks for line in chunk.text.split("\n")[1:]] == rows


def test_rows_of_different_tables_do_not_share_a_chunk() -> None:
    page = PageBuilder().table("名称\t数", "毛布\t3").table("名称\t円", "切手\t5")
    assert [chunk.text for chunk in split_document(document(page), max_chars=400)] == [
        "名称\t数\n毛布\t3",
        "名称\t円\n切手\t5",
    ]


def test_a_header_without_rows_is_text() -> None:
    page = PageBuilder().paragraph("前の文です。").table("名称\t手数料")
    texts = [chunk.text for chunk in split_document(document(page), max_chars=400)]
    assert any("名称\t手数料" in text for text in texts), texts


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_chapters_and_articles_begin_a_chunk_of_their_own(level: int) -> None:
    page = PageBuilder()
    for number in "一二三":
        page.heading(f"第{number}", level).paragraph("短い文です。")
    chunks = split_document(document(page), max_chars=400)
    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["第一", "第二", "第三"]


def test_short_sections_below_the_articles_share_a_chunk() -> None:
    page = PageBuilder()
    for number in "１２３":
        page.heading(f"（{number}）項目", 9).paragraph("短い文です。")
    assert len(split_document(document(page), max_chars=400)) == 1


def test_a_chunk_ends_where_the_headings_above_it_do() -> None:
    page, allowance = PageBuilder(), ("第7章 こども・介護", "1 児童手当")
    for above, heading in ((allowance, "(3) 注意点"), (allowance, "(4) 支払"), (allowance[:1], "2 介護保険")):
        page.headings = above
        page.heading(heading, 9).paragraph("短い文です。")

    assert [(chunk.headings, chunk.text.split("\n")) for chunk in split_document(document(page), max_chars=400)] == [
        (allowance, ["(3) 注意点", "短い文です。", "(4) 支払", "短い文です。"]),
        (allowance[:1], ["2 介護保険", "短い文です。"]),
    ]


@pytest.mark.parametrize("caption", [True, False], ids=["with captions", "without captions"])
def test_articles_of_a_rule_in_plain_text_are_one_chunk_each(tmp_path: Path, caption: bool) -> None:
    lines = ["緑沢町印鑑規程", ""]
    for number, title in enumerate(("目的", "登録", "廃止"), start=1):
        lines += [f"（{title}）"] if caption else []
        lines += [f"第{number}条　この条は、{title}について定める。", "２　前項の定めは、町長が公示する。"]
    (tmp_path / "規程.txt").write_text("\n".join(lines), encoding="utf-8")
    file = CorpusFile("規程.txt", tmp_path / "規程.txt")
    doc = read_document(file, path=file.path, sha256="0" * 64, listing=Listing((file,)))
    chunks = split_document(doc, max_chars=400)
    articles = [[n for n in (1, 2, 3) if f"第{n}条" in chunk.text] for chunk in chunks]
    assert [found for found in articles if found] == [[1], [2], [3]], [chunk.text for chunk in chunks]


def test_running_titles_are_in_no_chunk() -> None:
    page = PageBuilder().add(BlockKind.HEADER, "緑沢町の手引").paragraph("本文です。").add(BlockKind.FOOTER, "- 3 -")
    doc = document(page)
    assert [chunk.text for chunk in split_document(doc, max_chars=MAX)] == ["本文です。"]
    assert count_excluded(doc) == {BlockKind.HEADER: 6, BlockKind.FOOTER: 3}


def test_a_chunk_ends_with_its_page() -> None:
    doc = document(PageBuilder(1).paragraph("一枚目です。"), PageBuilder(2).paragraph("二枚目です。"))
    assert [chunk.text for chunk in split_document(doc, max_chars=400)] == ["一枚目です。", "二枚目です。"]


def test_a_sentence_that_runs_over_a_page_break_is_in_one_chunk_with_a_place_on_each_page() -> None:
    first = PageBuilder(1).paragraph("転入届は、住み始めた日から十四日以内に、転出証明書を")
    first.add(BlockKind.FOOTER, "- 1 -")
    second = PageBuilder(2).add(BlockKind.HEADER, "緑沢町の手引").paragraph("添えて窓口に届け出てください。")
    chunks = split_document(document(first, second), max_chars=400)
    joined = [chunk for chunk in chunks if "転出証明書を" in chunk.text and "添えて窓口に" in chunk.text]
    assert len(joined) == 1, [chunk.text for chunk in chunks]
    assert [segment.page for segment in joined[0].segments] == [1, 2] and joined[0].locator.page == 1


@pytest.mark.parametrize(
    ("kind", "end", "is_joined"),
    [
        (BlockKind.PARAGRAPH, "事業者は、災害時の役割を認識し、各事業者において災害", True),
        (BlockKind.PARAGRAPH, "届け出るときは、本人確認書類", True),
        (BlockKind.PARAGRAPH, "事業者は、役割を認識する。次の表は参考", False),
        (BlockKind.PARAGRAPH, "持ち物　届出印、通帳、本人確認書類", False),
        (BlockKind.PARAGRAPH, "緑沢町の人口の推移", False),
        (BlockKind.LIST_ITEM, "・代理人が届け出るときは、委任状", False),
    ],
)
def test_a_noun_ends_no_sentence_that_a_clause_leads_to(kind: BlockKind, end: str, is_joined: bool) -> None:
    first = PageBuilder(1).paragraph("前の文です。").add(kind, end)
    second = PageBuilder(2).paragraph("時に備えて計画を定める。")
    chunks = [chunk.text for chunk in split_document(document(first, second), max_chars=400)]
    assert (f"前の文です。\n{end}\n時に備えて計画を定める。" in chunks) == is_joined, chunks


# --- ids, and what is embedded ----------------------------------------------------------------------------------------


def _ids(doc: Document) -> list[str]:
    return [chunk.id for chunk in split_document(doc, max_chars=400)]


def test_an_id_changes_with_the_words_the_place_and_the_file_and_with_nothing_else() -> None:
    before = document(PageBuilder().paragraph("手数料は三百円です。"))
    (base,) = _ids(before)
    assert len(base) == 32 and int(base, 16) >= 0
    assert _ids(dataclasses.replace(before, sha256="f" * 64)) == [base]
    other_words = document(PageBuilder().paragraph("手数料は四百円です。"))
    other_page = document(PageBuilder(2).paragraph("手数料は三百円です。"))
    other_file = document(PageBuilder().paragraph("手数料は三百円です。"), source="税務課/手引.pdf")
    lower = _ids(
        document(PageBuilder().heading("一 概要", 2).paragraph("。").heading("二", 2).paragraph("手数料は三百円です。"))
    )
    found = [base, *_ids(other_words), *_ids(other_page), *_ids(other_file), *lower]
    assert len(set(found)) == len(found)


def test_equal_rows_of_one_table_have_ids_of_their_own() -> None:
    ids = _ids(document(PageBuilder().qa("同じ問い", "同じ答え").qa("同じ問い", "同じ答え")))
    assert len(set(ids)) == 2


def test_an_embedder_sees_title_headings_and_text() -> None:
    page = PageBuilder().heading("第1章 証明書", 2).heading("手数料", 7).paragraph("三百円です。")
    seen = text_to_embed(split_document(document(page), max_chars=400)[-1])
    assert seen.startswith("窓口の手引\n") and seen.endswith("三百円です。")
    assert seen.count("第1章 証明書") == 1 and seen.count("手数料") == 1


# --- llama-index ------------------------------------------------------------------------------------------------------


def test_the_node_parser_gives_the_same_chunks_as_nodes() -> None:
    from llama_index.core.schema import NodeRelationship, TextNode

    from rag.indexing.nodes import ChunkNodeParser, to_llama_document

    page = PageBuilder(3).heading("証明書").table("名称\t手数料", "住民票\t300円").qa("問いです。", "答えです。")
    doc = document(page.paragraph("".join(SENTENCES * 4)))
    chunks = split_document(doc, max_chars=MAX)
    nodes = ChunkNodeParser(max_chars=MAX).get_nodes_from_documents([to_llama_document(doc)])
    assert all(isinstance(node, TextNode) for node in nodes)
    assert [(node.node_id, node.get_content()) for node in nodes] == [(chunk.id, chunk.text) for chunk in chunks]
    for node in nodes:
        assert node.metadata["source"] == doc.source and node.metadata["locator_page"] == 3, node.metadata
        assert node.relationships[NodeRelationship.SOURCE].node_id == doc.source


def test_the_node_parser_refuses_documents_that_it_does_not_know() -> None:
    from llama_index.core.schema import Document as LlamaDocument

    from rag.indexing.nodes import ChunkNodeParser

    with pytest.raises(TypeError, match="to_llama_document"):
        ChunkNodeParser(max_chars=MAX).get_nodes_from_documents([LlamaDocument(text="よその文書です。")])
