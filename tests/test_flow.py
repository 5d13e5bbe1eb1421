"""Laying out paragraphs and tables: whatever they are, every character is in one block and in a chunk."""

from __future__ import annotations

import pytest
from coverage_check import check_page, quotes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.documents import BlockKind, Document, Locator, Metadata
from rag.indexing.chunks import find_uncovered, split_document
from rag.reading.flow import Flow, lay_out
from rag.reading.table_rows import Cell, Item, Pair, Paragraph, Table

TEXTS = st.lists(
    st.sampled_from(
        [
            "第1章 総則",
            "第2条",
            "（目的）",
            "・印鑑",
            "1 対象者",
            "区分",
            "300円",
            "本文です。",
            "質問",
            "回答",
            "■注意",
        ]
    ),
    min_size=1,
    max_size=3,
)
WORDS = TEXTS.map("　".join)
PARAGRAPHS = st.builds(
    Paragraph,
    text=WORDS | st.just(""),
    kind=st.sampled_from([BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.HEADER, BlockKind.CAPTION]),
    level=st.integers(0, 3),
    is_title=st.booleans(),
    rubies=st.lists(st.just("よみ"), max_size=1).map(tuple),
    notes=st.lists(st.just("注1 別に定める。"), max_size=1).map(tuple),
)
PAIRS = st.builds(Pair, question=WORDS, answer=WORDS)


def tables(inside: st.SearchStrategy[Item]) -> st.SearchStrategy[Table]:
    cells = st.builds(
        Cell,
        items=st.lists(inside, max_size=2).map(tuple),
        column=st.integers(0, 2),
        columns=st.integers(1, 3),
        rows=st.integers(1, 3),
        is_marked=st.booleans(),
    )
    rows = st.lists(st.lists(cells, max_size=3, unique_by=lambda cell: cell.column).map(tuple), max_size=4).map(tuple)
    return st.builds(Table, rows=rows, header_rows=st.none() | st.integers(0, 2))


OVERLAP = Table(((Cell((Paragraph("第1章 総則　第1章 総則"),), 1), Cell((Paragraph("第1章 総則"),), 0, columns=2)),))
"""A cell that claims to cover the column of another one, as files that merge cells wrongly have it."""
ITEMS = st.lists(st.recursive(PARAGRAPHS | PAIRS, tables, max_leaves=12), max_size=6)


def lay(items: list[Item], *, guess_headings: bool = True) -> Flow:
    return lay_out(
        items,
        locate=lambda path, number: Locator(heading=" > ".join(path) or None, paragraph=number),
        guess_headings=guess_headings,
    )


@settings(max_examples=100, deadline=None)
@given(items=ITEMS, guess_headings=st.booleans())
def test_every_character_is_in_one_block_and_in_a_chunk(items: list[Item], guess_headings: bool) -> None:
    flow = lay(items, guess_headings=guess_headings)
    check_page(flow.page)
    document = Document("a.docx", "00", Metadata("a"), (flow.page,))
    assert find_uncovered(document, split_document(document, max_chars=60)) == []


@settings(max_examples=100, deadline=None)
@given(items=ITEMS)
@example(items=[Paragraph("第1章 総則"), Paragraph(""), OVERLAP])
def test_nothing_that_was_handed_in_is_lost(items: list[Item]) -> None:
    flow = lay(items)
    for word in words_of(items) if not flow.skipped_rows else ():
        assert word in flow.page.text


def words_of(items: list[Item]) -> list[str]:
    """Return the texts of items and of the tables in them."""
    found: list[str] = []
    for item in items:
        if isinstance(item, Table):
            found += [word for row in item.rows for cell in row for word in words_of(list(cell.items))]
        elif isinstance(item, Pair):
            found += [item.question, item.answer]
        else:
            found += [item.text, *item.rubies, *item.notes]
    return found


def test_paragraphs_are_counted_without_what_hangs_on_them() -> None:
    items: list[Item] = [Paragraph("一。", rubies=("いち",), notes=("注1 別。",)), Paragraph(""), Paragraph("二。")]
    page = lay(items).page
    assert quotes(page) == ["一。", "いち", "注1 別。", "二。"]
    assert [block.locator.paragraph for block in page.blocks] == [1, 1, 1, 2]


@pytest.mark.parametrize("order", [1, -1])
def test_a_cell_that_another_one_claims_to_cover_keeps_its_text(order: int) -> None:
    wide, covered = Cell((Paragraph("大人"),), 0, columns=2), Cell((Paragraph("300円"),), 1)
    assert quotes(lay([Table(((wide, covered)[::order],))]).page) == ["大人\t300円"]
