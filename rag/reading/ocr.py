"""Pages without usable text: rendered, set upright, read by tesseract, and given back as characters on the displayed page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.documents import Concern
from rag.reading.characters import Character
from rag.reading.geometry import Box
from rag.reading.options import ReadingOptions
from rag.reading.rules import Rule
from rag.reading.scans import erase_rules, find_drawn_rules
from rag.reading.tesseract import HORIZONTAL, VERTICAL, OcrCharacter, OcrError, Tesseract, find_tesseract
from rag.text import fix_radicals

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 300
_MAX_PIXELS = 5_200  # along the longer side: an A3 page at 300 dpi
_SURE = 0.8  # mean confidence from which on no other direction is tried
_NOISE = 0.3  # lines less sure than this are specks and pictures
_TALL = 0.7


@dataclass(frozen=True, slots=True)
class Recognition:
    """What OCR read on a page: characters and ruled lines; confidence: the mean over the characters, 0 to 1; noise: characters left out.

    turn: quarter turns counterclockwise that set the page upright. Boxes are in points on the page so turned, `printed` on the
    displayed one; width and height are of the page so turned.
    """

    characters: list[Character]
    rules: list[Rule]
    confidence: float
    noise: int
    turn: int
    width: float
    height: float


def render_page(page: Any) -> Image:
    """Return the image of a PDF page in grey, at 300 dpi or less for a very large page."""
    scale = min(DPI / 72, _MAX_PIXELS / max(page.get_size()))
    image: Image = page.render(scale=scale, grayscale=True).to_pil().convert("L")
    return image


def try_recognize(render: Callable[[], Image], *, width: float, options: ReadingOptions) -> Recognition | Concern:
    """Read the image of a page where that is possible, or return why it is not. render: makes the image; width: see `recognize`."""
    tesseract = find_tesseract() if options.ocr else None
    if tesseract is None:
        return Concern.WAITING_OCR
    try:
        return recognize(render(), width=width, tesseract=tesseract, seconds=options.ocr_page_seconds)
    except OcrError:
        return Concern.OCR_FAILED


def recognize(image: Image, *, width: float, tesseract: Tesseract, seconds: float) -> Recognition:
    """Read the image of a page; width: of the page in points. Raises OcrError.

    Read as it lies; where that is not sure, also downwards, and turned as tesseract thinks that it lies: the surest counts.
    """
    scale = width / image.width
    dpi = round(72 / scale)
    turn, upright = 0, image
    drawn = find_drawn_rules(image, dpi)
    found = tesseract.read(erase_rules(image, drawn), dpi=dpi, language=HORIZONTAL, seconds=seconds)
    if _sureness(found) < _SURE:
        turn = tesseract.find_turn(image, dpi=dpi, seconds=seconds)
        candidates = [(_sureness(found), 0, image, found)]
        upright = image.rotate(90 * turn, expand=True) if turn else image
        for language in (HORIZONTAL,) * bool(turn) + (VERTICAL,) * tesseract.vertical:
            try:
                read = tesseract.read(upright, dpi=dpi, language=language, seconds=seconds)
            except OcrError:
                continue
            candidates.append((_sureness(read), turn, upright, read))
        _, turn, upright, found = max(candidates, key=lambda candidate: candidate[0])
        drawn = find_drawn_rules(upright, dpi) if turn else drawn
    return _place(found, drawn, turn=turn, size=upright.size, scale=scale)


def _sureness(characters: Sequence[OcrCharacter]) -> float:
    """Return the mean confidence, less where there is hardly any text."""
    return mean(c.confidence for c in characters) * min(1.0, len(characters) / 20) if characters else 0.0


def _place(
    found: Sequence[OcrCharacter], drawn: Sequence[Rule], *, turn: int, size: tuple[int, int], scale: float
) -> Recognition:
    width, height = size[0] * scale, size[1] * scale
    lines: dict[int, list[OcrCharacter]] = {}
    for character in found:
        lines.setdefault(character.line, []).append(character)
    trimmed = [_trim(line) for line in lines.values()]
    kept = [line for line in trimmed if mean(c.confidence for c in line) >= _NOISE]
    characters = [
        Character(fix_radicals(text), box, max(box.width, box.height), False, turn_back(box, turn, width, height))
        for line in kept
        for text, box in _even_out(line, size[1], scale)
    ]
    sure = [c.confidence for line in kept for c in line]
    rules = [
        Rule(r.horizontal, height - r.at * scale, r.start * scale, r.end * scale)
        if r.horizontal
        else Rule(False, r.at * scale, height - r.end * scale, height - r.start * scale)
        for r in drawn
    ]
    noise = len(found) - len(sure)
    return Recognition(characters, rules, mean(sure) if sure else 0.0, noise, turn, width, height)


def _trim(line: list[OcrCharacter]) -> list[OcrCharacter]:
    """Return a line without what tesseract made of a picture or frame beside it: unsure characters, set apart from the text."""
    size = sorted(min(c.right - c.left, c.bottom - c.top) for c in line)[len(line) // 2]
    first, last = 0, len(line)
    while last - first > 1 and line[last - 1].confidence < _NOISE and _gap(line[last - 2], line[last - 1]) > size:
        last -= 1
    while last - first > 1 and line[first].confidence < _NOISE and _gap(line[first], line[first + 1]) > size:
        first += 1
    return line[first:last]


def _gap(before: OcrCharacter, after: OcrCharacter) -> float:
    return max(after.left - before.right, after.top - before.bottom)


def _even_out(line: Sequence[OcrCharacter], image_height: int, scale: float) -> Iterator[tuple[str, Box]]:
    """Yield (text, box in points) of each character, all as high as the line is and along it, however it slants."""
    down = _runs_down(line)
    across = [(c.left, c.right) if down else (c.top, c.bottom) for c in line]
    along = [(c.top + c.bottom) / 2 if down else (c.left + c.right) / 2 for c in line]
    extents = sorted(b - a for a, b in across)
    size = extents[int(len(extents) * 0.75)]
    tall = [i for i, (a, b) in enumerate(across) if b - a >= _TALL * size]
    middles = [(across[i][0] + across[i][1]) / 2 for i in tall]
    slope, start = 0.0, median(middles)
    if len(tall) >= 6:
        slope, start = (float(value) for value in np.polyfit([along[i] for i in tall], middles, 1))
    for character, position in zip(_close_gaps(line, size, down), along, strict=True):
        middle = start + slope * position
        low, high = middle - size / 2, middle + size / 2
        left, right, top, bottom = (
            (low, high, character.top, character.bottom) if down else (character.left, character.right, low, high)
        )
        box = Box(left * scale, (image_height - bottom) * scale, right * scale, (image_height - top) * scale)
        yield character.text, box


def _close_gaps(line: Sequence[OcrCharacter], size: float, down: bool) -> list[OcrCharacter]:
    """Return the characters with boxes that touch where the ink is less than a character apart, as those of a font would."""
    first, last = ("top", "bottom") if down else ("left", "right")
    closed = list(line)
    for index in range(1, len(closed)):
        before, after = closed[index - 1], closed[index]
        gap = getattr(after, first) - getattr(before, last)
        is_word_space = before.text.isascii() and after.text.isascii() and gap > 0.3 * size
        if 0 < gap < 0.95 * size and not is_word_space:
            middle = getattr(before, last) + gap / 2
            closed[index - 1] = before._replace(**{last: middle})
            closed[index] = after._replace(**{first: middle})
    return closed


def _runs_down(line: Sequence[OcrCharacter]) -> bool:
    return len(line) > 1 and max(c.bottom for c in line) - min(c.top for c in line) > max(c.right for c in line) - min(
        c.left for c in line
    )


def turn_back(box: Box, turn: int, width: float, height: float) -> Box:
    """Return where a box of a page that was turned counterclockwise stands on the displayed page; sizes are of the turned page.

    >>> turn_back(Box(1, 2, 3, 4), 1, 100, 50)
    Box(left=2, bottom=97, right=4, top=99)
    """
    left, bottom, right, top = box
    if turn == 1:
        return Box(bottom, width - right, top, width - left)
    if turn == 2:
        return Box(width - right, height - top, width - left, height - bottom)
    return Box(height - top, left, height - bottom, right) if turn == 3 else box
