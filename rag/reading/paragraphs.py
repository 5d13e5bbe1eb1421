"""From lines in reading order to the text of a page: paragraphs joined over line ends, table rows, a box for every character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.documents import CELL_SEPARATOR, BlockKind, Span
from rag.reading.characters import Character
from rag.reading.geometry import Box
from rag.reading.lines import Line, Table, count_columns
from rag.reading.look_alikes import mend_look_alikes
from rag.reading.reading_order import PageOrder
from rag.reading.structure import article_number, heading_level, is_article_caption, is_list_item
from rag.reading.tables import Cell

_WIDE_SPACE = "\u3000"
_SENTENCE_ENDS = "。！？!?"
_MAX_HEADER_CHARS = 30
_PARTICLE = re.compile("[のをにがはとでやへも、]$")


@dataclass(slots=True)
class Draft:
    """A block of one page before the whole document is known.

    box: of its first line as printed; size: of its characters, in points; weight: of its font; part: 1 on the second page of a spread.
    is_row: it is one line of pieces that stand apart, as a label and its value do.
    """

    kind: BlockKind
    start: int
    end: int
    box: Box
    size: float
    lines: int = 1
    context: tuple[Span, ...] = ()
    weight: int = 0
    part: int = 0
    is_row: bool = False


@dataclass(slots=True)
class PageText:
    """The text of a page, for each character its printed box (None for white space that we put in), and its blocks.

    labels: the printed numbers of both pages of a spread. columns: how many stand side by side (of upright text: above each other).
    """

    text: str = ""
    boxes: list[Box | None] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    tables: int = 0
    columns: int = 1
    vertical: bool = False
    labels: tuple[str, ...] = ()

    def append(self, text: str, box: Box | None) -> None:
        """Add printed characters that share a box, or white space."""
        self.text += text
        self.boxes += [box] * len(text)


def write_page(order: PageOrder) -> PageText:
    """Return the text of a page. It depends on nothing but the page, so that a highlight can be computed again."""
    page = PageText(labels=order.labels)
    previous: Line | None = None
    for item in order.items:
        if isinstance(item, Table):
            _write_table(page, item)
            previous = None
        else:
            _write_line(page, previous, item)
            previous = item
    for line in order.ruby:
        _write_ruby(page, line)
    page.text = mend_look_alikes(page.text)
    page.columns = count_columns([item for item in order.items if isinstance(item, Line)])
    upright = sum(len(p.characters) for i in order.items if isinstance(i, Line) and i.vertical for p in i.pieces)
    page.vertical = upright > len(page.text) / 2
    return page


# --- lines ------------------------------------------------------------------------------------------------------------


def _write_line(page: PageText, previous: Line | None, line: Line) -> None:
    text, boxes = _line_text(line)
    if previous and page.drafts and _continues(previous, line, page.text, text):
        if _is_latin(page.text[-1]) and _is_latin(text[0]):
            page.append(" ", None)
        draft = page.drafts[-1]
        draft.lines += 1
    else:
        _start_block(page)
        kind = BlockKind.LIST_ITEM if is_list_item(text) else BlockKind.PARAGRAPH
        draft = Draft(kind, len(page.text), 0, line.printed, line.size, weight=line.weight, part=line.part)
        draft.is_row = len(line.pieces) > 1 and text.count(_WIDE_SPACE) > 0
        page.drafts.append(draft)
    page.text += text
    page.boxes += boxes
    draft.end = len(page.text)


def _write_ruby(page: PageText, line: Line) -> None:
    _start_block(page)
    text, boxes = _line_text(line)
    start = len(page.text)
    page.text += text
    page.boxes += boxes
    page.drafts.append(Draft(BlockKind.RUBY, start, len(page.text), line.printed, line.size, part=line.part))


def _start_block(page: PageText) -> None:
    if page.text:
        page.append("\n", None)


def _line_text(line: Line) -> tuple[str, list[Box | None]]:
    """Return a line's text and boxes. Letters set apart are joined; other wide gaps become a full-width blank."""
    text, boxes = "", []  # type: tuple[str, list[Box | None]]
    spread = len(line.pieces) > 1 and all(len(piece.characters) == 1 for piece in line.pieces)
    for piece in line.pieces:
        if text and not spread:
            text, boxes = text + _WIDE_SPACE, [*boxes, None]
        loose = spread or _is_letter_spaced(piece.characters)
        last: Character | None = None
        for character in piece.characters:
            blank = "" if last is None or loose else _blank(last, character)
            text += blank + character.text
            boxes += [None] * len(blank) + [character.printed] * len(character.text)
            last = character
    return text, boxes


def _is_letter_spaced(characters: Sequence[Character]) -> bool:
    """Tell whether most characters stand apart from each other, as in 「目　　次」; Latin words never do."""
    if len(characters) < 3 or sum(c.text.isascii() and c.text.isalpha() for c in characters):
        return False
    gaps = [b.box.left - a.box.right for a, b in pairwise(characters)]
    em = max(c.box.width for c in characters)
    return sum(gap > 0.12 * em for gap in gaps) >= 0.6 * len(gaps) and max(gaps) < 4 * em


def _blank(before: Character, after: Character) -> str:
    """Return the white space between two characters of one line: that of the file where it shows, or a wide gap."""
    gap = after.box.left - before.box.right
    if gap <= 0:
        return ""
    em = max(before.box.width, after.box.width)
    if _is_latin(before.text) and _is_latin(after.text):
        height = max(before.size, after.size)
        return " " if gap > 0.12 * height or (after.space_before and gap > 0.05 * height) else ""
    if gap > 0.7 * em:
        return _WIDE_SPACE
    return " " if after.space_before and gap > 0.15 * em else ""


def _is_latin(text: str) -> bool:
    return text.isascii() and (text.isalnum() or text in ",.;:()%&'\"/-")


def _continues(before: Line, after: Line, written: str, text: str) -> bool:
    """Tell whether a line goes on with the paragraph of the line before it."""
    if before.vertical != after.vertical or before.part != after.part or len(before.pieces + after.pieces) > 2:
        return False
    if before.column != after.column:
        return _flows_on(before, after, written, text)
    if not 0.85 < before.size / after.size < 1.18 or _starts_anew(text):
        return False
    last_line = written.rpartition("\n")[2]
    start_before, start_after, pitch = _geometry(before, after)
    if not -0.6 * before.size < pitch < (1.6 if before.vertical else 1.0) * before.size:
        return False
    ended = written[-1] in _SENTENCE_ENDS
    if ended and abs(start_after - start_before) > 0.6 * before.size:
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


def _geometry(before: Line, after: Line) -> tuple[float, float, float]:
    """Return where both lines start along the line, and the white space between them across it."""
    a, b = before.box, after.box
    return a.left, b.left, a.bottom - b.top


def _reaches_end(line: Line, slack: float = 3.0) -> bool:
    """Tell whether a line fills its column up to some characters."""
    return line.column.right - line.box.right < slack * line.size


# --- tables -----------------------------------------------------------------------------------------------------------


def _write_table(page: PageText, table: Table) -> None:
    """Write a table row by row, cells divided by tabs; each body row knows the header and what is merged into it."""
    page.tables += 1
    header_rows = _count_header_rows(table)
    spans: dict[Cell, Span] = {}
    for row in range(table.grid.rows):
        cells = [(cell, lines) for cell, lines in table.cells if cell.top == row]
        if any(lines for _, lines in cells):
            _write_row(page, sorted(cells, key=lambda item: item[0].left), row < header_rows, spans)
    _add_context(page, table, header_rows, spans)


def _write_row(page: PageText, cells: list[tuple[Cell, list[Line]]], is_header: bool, spans: dict[Cell, Span]) -> None:
    _start_block(page)
    start, first = len(page.text), next(line for _, lines in cells for line in lines)
    for index, (cell, lines) in enumerate(cells):
        if index:
            page.append(CELL_SEPARATOR, None)
        spans[cell] = Span(len(page.text), _write_cell(page, lines))
    kind = BlockKind.TABLE_HEADER if is_header else BlockKind.TABLE_ROW
    context = (Span(cells[0][0].top, 0),)
    page.drafts.append(Draft(kind, start, len(page.text), first.printed, first.size, context=context, part=first.part))


def _write_cell(page: PageText, lines: list[Line]) -> int:
    """Write the lines of a cell as one text (items on lines of their own) and return where it ends."""
    for index, line in enumerate(lines):
        text, boxes = _line_text(line)
        if index and is_list_item(text):
            page.append("\n", None)
        elif index and _is_latin(page.text[-1]) and _is_latin(text[0]):
            page.append(" ", None)
        page.text += text
        page.boxes += boxes
    return len(page.text)


def _add_context(page: PageText, table: Table, header_rows: int, spans: dict[Cell, Span]) -> None:
    header = tuple(span for cell, span in spans.items() if cell.top < header_rows and span.start < span.end)
    rows = [draft for draft in page.drafts if draft.context and draft.context[0].end == 0]
    for draft in rows:
        row = draft.context[0].start
        merged = tuple(
            span
            for cell, span in spans.items()
            if header_rows <= cell.top < row < cell.bottom and span.start < span.end
        )
        draft.context = () if draft.kind == BlockKind.TABLE_HEADER else _join_spans(header, page.text) + merged


def _join_spans(spans: Sequence[Span], text: str) -> tuple[Span, ...]:
    """Join spans with nothing but white space between them."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and not text[joined[-1].end : span.start].strip():
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return tuple(joined)


def _count_header_rows(table: Table) -> int:
    """Return how many rows at the top are headings: those that the cells of the first row reach, if they are short labels."""
    texts = {cell: "".join(_line_text(line)[0] for line in lines) for cell, lines in table.cells}
    first = [cell for cell in texts if cell.top == 0]
    labels = [texts[cell] for cell in first]
    too_long = any(len(label) > _MAX_HEADER_CHARS for label in labels)
    if table.grid.rows < 2 or len(first) < 2 or too_long or _is_pair_table(table, texts):
        return 0
    depth = max(cell.bottom for cell in first)
    spread = any(cell.right - cell.left > 1 for cell in first)
    return min(max(depth, 2 if spread and table.grid.rows > 2 else 1), table.grid.rows - 1)


def _is_pair_table(table: Table, texts: dict[Cell, str]) -> bool:
    """Tell whether a table of two columns has a label on the left of each value, and so no header row."""
    if table.grid.columns != 2:
        return False
    values = [text for cell, text in texts.items() if cell.left == 1]
    heading = next((text for cell, text in texts.items() if cell.top == 0 and cell.left == 1), "")
    typical = sorted(len(value) for value in values)[len(values) // 2] if values else 0
    return len(heading) > 12 or any(c.isdigit() for c in heading) or (typical > 15 and len(heading) > 8)
