"""Where a quotation stands on its page: the boxes of its characters, joined to one a printed line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rag.documents import Span, WordBox
from rag.reading.geometry import Box
from rag.reading.pdf import open_pdf
from rag.reading.pdf_page import read_page_text


def page_boxes(path: Path, number: int, spans: Iterable[Span]) -> list[Box]:
    """Return where characters of a page's text stand: one box a printed line, in points from the displayed lower left."""
    with open_pdf(path, path.name) as pdf:
        boxes = read_page_text(pdf[number - 1]).boxes
    return _join_boxes([[box for box in boxes[span.start : span.end] if box] for span in spans])


def find_word_boxes(words: Sequence[WordBox], spans: Iterable[Span]) -> list[Box]:
    """Return the same for a page that was read by OCR, from the boxes that were kept of it."""
    return _join_boxes([[Box(*w[2:]) for w in words if w.start < span.end and span.start < w.end] for span in spans])


def _join_boxes(spans: Iterable[Sequence[Box]]) -> list[Box]:
    lines: list[Box] = []
    for boxes in spans:
        fresh = True
        for box in boxes:
            last = lines[-1] if lines and not fresh else None
            if last and _same_line(last, box):
                lines[-1] = Box(*map(min, last[:2], box[:2]), *map(max, last[2:], box[2:]))
            else:
                lines.append(box)
            fresh = False
    return lines


def _same_line(line: Box, box: Box) -> bool:
    across = min(line.top, box.top) - max(line.bottom, box.bottom)
    along = min(line.right, box.right) - max(line.left, box.left)
    level = (
        across > 0.5 * min(line.height, box.height)
        and box.left - line.right < 3 * box.height
        and line.left - box.right < 3 * box.height
    )
    stacked = (
        along > 0.5 * min(line.width, box.width) and line.bottom - box.top < box.height and line.height >= box.height
    )
    return level or (stacked and line.width < 1.6 * box.width)
