"""Which paragraphs of flowing text are headings: those that the file says are, and those whose numbering says so (第1章, 1-1, ■)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag.documents import BlockKind
from rag.reading.structure import (
    ARTICLE_LEVEL,
    article_number,
    drop_enumerations,
    heading_level,
    is_article_caption,
)
from rag.reading.table_rows import Item, Paragraph, Table

MAX_HEADING_CHARS = 100
BODY_KINDS = (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)


def promote_only_heading(items: Sequence[Item]) -> list[Item]:
    """Return the items, with the only heading of level 1 as the title when no other heading stands above it."""
    headings = [item for item in items if isinstance(item, Paragraph) and (item.level or item.is_title)]
    first = [item for item in headings if item.level == 1 or item.is_title]
    if len(first) != 1 or first[0] is not headings[0]:
        return list(items)
    return [replace(first[0], is_title=True, level=0) if item is first[0] else item for item in items]


def find_levels(items: Sequence[Item]) -> list[int]:
    """Return the level of each item, 0 for no heading: what the file says, else what the numbering says.

    A numbering (第○章) that the file's own headings use has their level where an author forgot the style.
    """
    followers = [*items[1:], None][: len(items)]
    heading_lists = _find_heading_lists(items, followers)
    guesses = drop_enumerations([_guess_level(*pair, heading_lists) for pair in zip(items, followers, strict=True)])
    said = {
        kind: level
        for item in items
        if (level := said_level(item)) and isinstance(item, Paragraph) and (kind := heading_level(item.text))
    }
    return [said_level(item) or said.get(guess or 0, guess) or 0 for item, guess in zip(items, guesses, strict=True)]


def said_level(item: Item) -> int:
    """Return the level of the heading that the file says an item is, 0 for none; a long text is none, whatever it says."""
    if not isinstance(item, Paragraph) or item.is_title or len(item.text) > MAX_HEADING_CHARS:
        return 0
    return item.level


def _find_heading_lists(items: Sequence[Item], followers: Sequence[Item | None]) -> set[str]:
    """Return the automatic lists that number headings: at least half of their paragraphs have text or a table below them."""
    with_body: Counter[str] = Counter()
    for item, after in zip(items, followers, strict=True):
        if isinstance(item, Paragraph) and item.sequence:
            is_body = isinstance(after, Table) or (isinstance(after, Paragraph) and not after.sequence)
            with_body[item.sequence] += 1 if is_body else -1
    return {sequence for sequence, balance in with_body.items() if balance >= 0}


def _guess_level(item: Item, after: Item | None, heading_lists: set[str]) -> int | None:
    if not isinstance(item, Paragraph) or not item.may_head or item.is_title or item.kind not in BODY_KINDS:
        return None
    if item.sequence and item.sequence not in heading_lists:
        return None
    if isinstance(after, Paragraph) and is_article_caption(item.text) and article_number(after.text):
        return ARTICLE_LEVEL
    return heading_level(item.text)
