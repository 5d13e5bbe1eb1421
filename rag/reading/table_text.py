"""Tables as text: a row is a line of cells divided by tabs, and knows its header and what is merged into it."""

from __future__ import annotations

from collections.abc import Sequence

from rag.documents import CELL_SEPARATOR, BlockKind, Span
from rag.reading.lines import Line, Table
from rag.reading.page_text import Draft, PageText, is_latin, line_text, start_block
from rag.reading.records import heads_numbers
from rag.reading.structure import is_list_item
from rag.reading.tables import Cell

_MAX_HEADER_CHARS = 30


def write_table(page: PageText, table: Table) -> None:
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
    start_block(page)
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
        text, boxes = line_text(line)
        if index and is_list_item(text):
            page.append("\n", None)
        elif index and is_latin(page.text[-1]) and is_latin(text[0]):
            page.append(" ", None)
        page.write(text, boxes)
    return len(page.text)


def _add_context(page: PageText, table: Table, header_rows: int, spans: dict[Cell, Span]) -> None:
    header = _find_header(spans, header_rows, page.text)
    rows = [draft for draft in page.drafts if draft.context and draft.context[0].end == 0]
    for draft in rows:
        row = draft.context[0].start
        merged = tuple(
            span
            for cell, span in spans.items()
            if header_rows <= cell.top < row < cell.bottom and span.start < span.end
        )
        draft.context = () if draft.kind == BlockKind.TABLE_HEADER else header + merged


def _find_header(spans: dict[Cell, Span], header_rows: int, text: str) -> tuple[Span, ...]:
    """Return the spans of the header: one line with its empty cells, or a span for each of several lines.

    Cells of several lines reach over columns and lines, so that the place of one in its line is no column.
    """
    if header_rows == 1:
        return _join_spans([span for cell, span in spans.items() if cell.top == 0], text)
    lines = ([s for cell, s in spans.items() if cell.top == row and s.start < s.end] for row in range(header_rows))
    return tuple(span for line in lines for span in _join_spans(line, text))


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
    texts = {cell: "".join(line_text(line)[0] for line in lines) for cell, lines in table.cells}
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
    label, heading = (next((t for c, t in texts.items() if c.top == 0 and c.left == column), "") for column in (0, 1))
    if heads_numbers(label, heading, [text for cell, text in texts.items() if cell.left == 1 and cell.top > 0]):
        return False
    typical = sorted(len(value) for value in values)[len(values) // 2] if values else 0
    return len(heading) > 12 or any(c.isdigit() for c in heading) or (typical > 15 and len(heading) > 8)
