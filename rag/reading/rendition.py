"""Where a quotation of an Office document stands in the PDF that was made of it: found by its text, as the file has no pages."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.documents import CELL_SEPARATOR, Span
from rag.reading.geometry import Box
from rag.reading.pdf import pdfium_lock
from rag.text import squeeze

_CONTEXT_CHARS = 60
_MIN_PIECE_CHARS = 6
_MIN_SHARE = 0.5
_MAX_OCCURRENCES = 500
_PIECES = re.compile(rf"[\n{CELL_SEPARATOR}]+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class PrintedText:
    """The text of a PDF without white space, in comparable form; for each character its page (from 1) and its index there."""

    text: str
    pages: tuple[int, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PrintedPlace:
    """Where a quotation is printed: page (from 1), and one box a line in points from the lower left."""

    page: int
    boxes: tuple[Box, ...]


def locate_quote(pdf: Path, page_text: str, spans: Sequence[Span], *, near: int | None = None) -> PrintedPlace | None:
    """Return where spans of a stored page's text are printed in a PDF of the same document; None where they are not found.

    Of several places, the one with the same surroundings is meant; of several of those, the one nearest to page `near`.
    """
    printed = read_printed_text(pdf)
    found = [_find_span(printed, page_text, span, near) for span in spans]
    wanted = sum(len(squeeze(page_text[slice(*span)])) for span in spans)
    ranges = [piece for pieces in found for piece in pieces]
    if not ranges or sum(end - start for start, end in ranges) < _MIN_SHARE * wanted:
        return None
    page = _choose_page(printed, page_text, spans, found)
    return PrintedPlace(page, tuple(_find_boxes(pdf, page, [r for r in ranges if _is_on(printed, r, page)], printed)))


@functools.lru_cache(maxsize=8)
def read_printed_text(pdf: Path) -> PrintedText:
    """Return the text of a PDF in the order in which it was written. The file of a name never changes."""
    import pypdfium2

    parts: list[str] = []
    pages: list[int] = []
    indices: list[int] = []
    with pdfium_lock, pypdfium2.PdfDocument(pdf) as document:
        for number in range(1, len(document) + 1):
            for index, character in enumerate(_read_characters(document[number - 1])):
                plain = _squeeze_character(character)
                parts.append(plain)
                pages += [number] * len(plain)
                indices += [index] * len(plain)
    return PrintedText("".join(parts), tuple(pages), tuple(indices))


def _read_characters(page: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    text = page.get_textpage()
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, index)
        yield chr(code) if 0x20 <= code < 0x110000 and not 0xD800 <= code <= 0xDFFF else " "


@functools.lru_cache(maxsize=10_000)
def _squeeze_character(character: str) -> str:
    return "" if character in "\ufffe\u00ad" else squeeze(character)


def _find_span(printed: PrintedText, page_text: str, span: Span, near: int | None) -> list[tuple[int, int]]:
    """Return the ranges of a span in the printed text: all of it, or else those pieces that are found."""
    whole = _find_stretch(printed, page_text, span, near)
    if whole:
        return [whole]
    pieces = [piece for piece in _split_pieces(page_text, span) if piece.end - piece.start >= _MIN_PIECE_CHARS]
    return [found for piece in pieces if (found := _find_stretch(printed, page_text, piece, near))]


def _split_pieces(page_text: str, span: Span) -> Iterator[Span]:
    start = span.start
    ends = [span.start + match.end() for match in _PIECES.finditer(page_text[slice(*span)])]
    for end in [*ends, span.end]:
        if end > start:
            yield Span(start, end)
        start = end


def _find_stretch(printed: PrintedText, page_text: str, span: Span, near: int | None) -> tuple[int, int] | None:
    """Return the range of a stretch in the printed text, of several the one that stands in the same surroundings."""
    wanted = squeeze(page_text[slice(*span)])
    before = squeeze(page_text[max(0, span.start - _CONTEXT_CHARS) : span.start])
    after = squeeze(page_text[span.end : span.end + _CONTEXT_CHARS])

    def score(start: int) -> tuple[int, int]:
        end = start + len(wanted)
        around = _shared(printed.text[max(0, start - len(before)) : start][::-1], before[::-1])
        around += _shared(printed.text[end : end + len(after)], after)
        return around, -abs(printed.pages[start] - near) if near else 0

    starts = list(_occurrences(printed.text, wanted))
    best = max(starts, key=score, default=None)
    return None if best is None else (best, best + len(wanted))


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    start = text.find(wanted) if wanted else -1
    for _ in range(_MAX_OCCURRENCES):
        if start < 0:
            return
        yield start
        start = text.find(wanted, start + 1)


def _shared(first: str, second: str) -> int:
    """Return how many characters two texts begin with alike.

    >>> _shared("手数料は", "手数料を")
    3
    """
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _choose_page(
    printed: PrintedText, page_text: str, spans: Sequence[Span], found: Sequence[Sequence[tuple[int, int]]]
) -> int:
    """Return the page to show: where a row stands rather than its header, else where most of the quotation begins."""
    if CELL_SEPARATOR in page_text[slice(*spans[-1])] and found[-1]:
        return printed.pages[found[-1][0][0]]
    counts: Counter[int] = Counter()
    for start, end in (piece for pieces in found for piece in pieces):
        counts[printed.pages[start]] += end - start
    return max(counts, key=lambda page: (counts[page], -page))


def _is_on(printed: PrintedText, stretch: tuple[int, int], page: int) -> bool:
    return printed.pages[stretch[0]] <= page <= printed.pages[stretch[1] - 1]


def _find_boxes(pdf: Path, page: int, ranges: Sequence[tuple[int, int]], printed: PrintedText) -> list[Box]:
    """Return the boxes of those characters of the ranges that stand on the page."""
    import pypdfium2

    boxes: list[Box] = []
    with pdfium_lock, pypdfium2.PdfDocument(pdf) as document:
        text = document[page - 1].get_textpage()
        for start, end in sorted(set(ranges)):
            indices = [printed.indices[i] for i in range(start, end) if printed.pages[i] == page]
            count = text.count_rects(indices[0], indices[-1] + 1 - indices[0])
            boxes += _join_lines(Box(*text.get_rect(i)) for i in range(count))
    return boxes


def _join_lines(boxes: Iterator[Box]) -> list[Box]:
    """Join boxes that stand side by side: PDFium gives one for each change of font."""
    lines: list[Box] = []
    for box in boxes:
        last = lines[-1] if lines else None
        level = last and min(last.top, box.top) - max(last.bottom, box.bottom) > 0.3 * min(last.height, box.height)
        if last and level and box.left - last.right < 3 * box.height:
            lines[-1] = Box(*map(min, last[:2], box[:2]), *map(max, last[2:], box[2:]))
        else:
            lines.append(box)
    return lines
