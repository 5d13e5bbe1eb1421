"""The contract of a page, for the tests of every reader: its blocks hold every character, in order, once."""

from __future__ import annotations

from rag.documents import CELL_SEPARATOR, BlockKind, Page

MARKDOWN_MARKS = "#>*+-=|`~:\\"


def check_page(page: Page, *, marks: str = "") -> None:
    """Assert that blocks do not overlap, start and end on a character, and leave out only white space and marks."""
    position = 0
    for block in page.blocks:
        assert position <= block.start < block.end <= len(page.text), (block, position)
        _check_gap(page.text[position : block.start], marks)
        quote = page.text[block.start : block.end]
        cells = CELL_SEPARATOR if block.kind in (BlockKind.TABLE_ROW, BlockKind.TABLE_HEADER) else ""  # of empty cells
        bare = quote.strip(cells) if cells else quote
        assert bare == bare.strip(), f"outer white space in {block}: {quote!r}"
        for span in (*block.context, *(s for s in (block.question, block.answer) if s)):
            assert 0 <= span.start < span.end <= len(page.text), (block, span)
        for span in (s for s in (block.question, block.answer) if s):
            assert block.start <= span.start and span.end <= block.end, (block, span)
        assert block.locator.as_dict(), block
        position = block.end
    _check_gap(page.text[position:], marks)


def _check_gap(gap: str, marks: str) -> None:
    left_out = [c for c in gap if not c.isspace() and c not in marks]
    assert not left_out, f"characters in no block: {gap!r}"


def quotes(page: Page) -> list[str]:
    """Return the text of each block."""
    return [page.text[block.start : block.end] for block in page.blocks]
