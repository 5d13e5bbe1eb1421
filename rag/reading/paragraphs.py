"""From lines in reading order to the text of a page: paragraphs joined over line ends, table rows, a box for every character."""

from __future__ import annotations

import re

from rag.documents import BlockKind
from rag.reading.lines import Line, Table, count_columns
from rag.reading.look_alikes import mend_look_alikes
from rag.reading.page_text import WIDE_SPACE, Draft, PageText, is_latin, line_text, start_block
from rag.reading.reading_order import PageOrder
from rag.reading.structure import article_number, contents_number, heading_level, is_article_caption, is_list_item
from rag.reading.table_text import write_table

_SENTENCE_ENDS = "。！？!?"
_PARTICLE = re.compile("[のをにがはとでやへも、]$")


def write_page(order: PageOrder, *, is_recognized: bool = False) -> PageText:
    """Return the text of a page. It depends on nothing but the page, so that a highlight can be computed again.

    is_recognized: its characters were read by OCR.
    """
    page = PageText(labels=order.labels)
    previous: Line | None = None
    for item in order.items:
        if isinstance(item, Table):
            write_table(page, item)
            previous = None
        else:
            _write_line(page, previous, item)
            previous = item
    for line in order.ruby:
        _write_ruby(page, line)
    page.text = mend_look_alikes(page.text, is_recognized=is_recognized)
    page.columns = count_columns([item for item in order.items if isinstance(item, Line)])
    upright = sum(len(p.characters) for i in order.items if isinstance(i, Line) and i.vertical for p in i.pieces)
    page.vertical = upright > len(page.text) / 2
    return page


# --- lines ------------------------------------------------------------------------------------------------------------


def _write_line(page: PageText, previous: Line | None, line: Line) -> None:
    text, boxes = line_text(line)
    if previous and page.drafts and _continues(previous, line, page.text, text):
        if is_latin(page.text[-1]) and is_latin(text[0]):
            page.append(" ", None)
        draft = page.drafts[-1]
        draft.lines += 1
    else:
        start_block(page)
        kind = BlockKind.LIST_ITEM if is_list_item(text) else BlockKind.PARAGRAPH
        is_row = len(line.pieces) > 1 and WIDE_SPACE in text
        start = len(page.text)
        draft = Draft(kind, start, 0, line.printed, line.size, weight=line.weight, part=line.part, is_row=is_row)
        page.drafts.append(draft)
    page.write(text, boxes)
    draft.end = len(page.text)


def _write_ruby(page: PageText, line: Line) -> None:
    start_block(page)
    text, boxes = line_text(line)
    start = len(page.text)
    page.write(text, boxes)
    page.drafts.append(Draft(BlockKind.RUBY, start, len(page.text), line.printed, line.size, part=line.part))


def _continues(before: Line, after: Line, written: str, text: str) -> bool:
    """Tell whether a line goes on with the paragraph of the line before it."""
    if before.vertical != after.vertical or before.part != after.part or len(before.pieces + after.pieces) > 2:
        return False
    if before.column != after.column:
        return _flows_on(before, after, written, text)
    last_line = written.rpartition("\n")[2]
    if not 0.85 < before.size / after.size < 1.18 or _starts_anew(text) or contents_number(last_line):
        return False
    pitch = before.box.bottom - after.box.top
    if not -0.6 * before.size < pitch < (1.6 if before.vertical else 1.0) * before.size:
        return False
    ended = written[-1] in _SENTENCE_ENDS
    if ended and abs(after.box.left - before.box.left) > 0.6 * before.size:
        return False
    full = _reaches_end(before) or (not ended and (_end_alike(before, after) or _breaks_off(before, after)))
    return full and not (is_article_caption(last_line) or (ended and not _reaches_end(before, 0.5)))


def _end_alike(before: Line, after: Line) -> bool:
    """Tell whether two long lines end at one height though their column goes on: something stood there that is read elsewhere."""
    level = (
        abs(before.box.right - after.box.right) < 0.6 * before.size
        and abs(before.box.left - after.box.left) < before.size
    )
    return level and min(len(before.text), len(after.text)) >= 12


def _breaks_off(before: Line, after: Line) -> bool:
    """Tell whether a long line ends within a sentence, wherever its column ends, and the next one begins right below it.

    It does when it ends in a particle, or is very long and no shorter than the next one.
    """
    aligned = abs(before.box.left - after.box.left) < 0.6 * before.size and before.weight == after.weight
    long = len(before.text) >= 24 and before.box.width >= 0.9 * after.box.width and before.text[-1].isalpha()
    return aligned and (long or (len(before.text) >= 12 and bool(_PARTICLE.search(before.text))))


def _flows_on(before: Line, after: Line, written: str, text: str) -> bool:
    """Tell whether a sentence that a column ends in goes on at the top of the next one."""
    alike = 0.9 < before.size / after.size < 1.1 and abs(before.weight - after.weight) < 2
    unfinished = written[-1] not in _SENTENCE_ENDS and _reaches_end(before, 1.5) and not _starts_anew(text)
    at_left = abs(after.box.left - after.column.left) < 0.6 * after.size
    long = min(len(before.text), len(after.text)) >= 4 and before.column.width > 8 * before.size
    return alike and unfinished and at_left and long and not heading_level(written.rpartition("\n")[2])


def _starts_anew(text: str) -> bool:
    return bool(is_list_item(text) or heading_level(text) or article_number(text) or is_article_caption(text))


def _reaches_end(line: Line, slack: float = 3.0) -> bool:
    """Tell whether a line fills its column up to some characters."""
    return line.column.right - line.box.right < slack * line.size
