"""The characters of a PDF page, by PDFium, in the coordinates that a reader sees (see `geometry`)."""

from __future__ import annotations

import ctypes
import functools
import math
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.reading.fonts import FontWeights
from rag.reading.geometry import Box, PageView
from rag.text import fix_radicals

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_BLANKS = frozenset(map(ord, " \r\n"))
_MARKS = dict(
    zip(
        "\uf06c\uf06d\uf06e\uf06f\uf071\uf075\uf076\uf09e\uf09f\uf0a7\uf0a8\uf0b7\uf0d8\uf0dc\uf0e0\uf0e8\uf0f0\uf0fc\uf0fe",
        "●❍■□❑◆❖••▪□•➢➢→➔⇨✓☑",
        strict=True,
    )
)
"""Private code points that Wingdings and Symbol give to marks of lists, and the marks."""
_UPRIGHT_FORMS = dict(
    zip("︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄︑︒︓︱", "（）｛｝〔〕【】《》〈〉「」『』、。：—", strict=True)
)
"""Forms of marks for vertical writing, and what people type."""
_REPLACEMENT = 0xFFFD
_OPENING = {ord(bracket) for bracket in "（「『【〔［｛〈《("}
_PAIRS = dict(zip("（「『【〔［｛〈《(", "）」』】〕］｝〉》)", strict=True))
_MIRRORED = {ord(a): ord(b) for pair in _PAIRS.items() for a, b in (pair, pair[::-1])}


_HIGHEST_LINE = 2.2  # of the size of the letters; fonts in good order have lines up to 1.8 high
_BELOW_BASELINE = 0.12  # share of the em box of a Japanese font
_RawBox = tuple[float, float, float, float]


class Character(NamedTuple):
    """One printed character (never white space).

    box: where it stands for the purpose of ordering, which for text that runs downwards is turned so that it runs to the right;
    printed: where it stands on the displayed page. space_before: the PDF itself has a blank in front of it.
    turn: quarter turns counterclockwise of the glyph on the displayed page. weight: 0 light or Mincho, 1 Gothic, 2 bold.
    """

    text: str
    box: Box
    size: float
    space_before: bool
    printed: Box
    turn: int = 0
    weight: int = 0


class PageCharacters(NamedTuple):
    """The characters of a page. unreadable: how many there are besides whose meaning the file does not tell."""

    characters: list[Character]
    unreadable: int


def read_characters(page: PdfPage) -> PageCharacters:
    """Return the visible characters of a page in the order of the file, printed once each.

    Radical code points are mended. A character printed again within a quarter of its width (a shadow) is left out,
    and so is one whose middle is off the page: nobody sees it.
    """
    view, found = PageView(page), list[Character]()
    wide, high, turn, last_angle = 2 * view.width, 2 * view.height, 0, 0.0
    seen: dict[tuple[str, int, int], Box] = {}
    space, unreadable = False, 0
    for code, raw, angle, weight in _raw_characters(page):
        text = _text_of(code)
        if not text:
            unreadable += code in (0, _REPLACEMENT)
            space = space or chr(max(0, code)).isspace()
            continue
        box = view.box(*raw)
        left, bottom, right, top = box
        size = max(right - left, top - bottom)
        if size <= 0 or not (0 <= left + right <= wide and 0 <= bottom + top <= high):
            continue
        is_ligature = bool(found) and text.isascii() and found[-1].box == box  # "ffi" is one glyph and three letters
        if _printed_before(seen, text, box, size) and not is_ligature:
            continue
        if angle != last_angle or not found:
            turn, last_angle = view.turn(angle), angle
        found.append(Character(text, box, size, space, box, turn, weight))
        space = False
    return PageCharacters(found, unreadable)


@functools.cache
def _text_of(code: int) -> str:
    """Return what a code point shows, "" for white space, controls and what means nothing."""
    if not 0 < code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF or code == _REPLACEMENT:
        return ""
    text = chr(code)
    if text.isspace() or unicodedata.category(text) in ("Cc", "Cf", "Cn"):
        return ""
    return _MARKS.get(text) or _UPRIGHT_FORMS.get(text) or fix_radicals(text)


def _printed_before(seen: dict[tuple[str, int, int], Box], text: str, box: Box, size: float) -> bool:
    xs, ys = _cells(box.left / size), _cells(box.bottom / size)
    for x in xs:
        for y in ys:
            other = seen.get((text, x, y))
            if other and abs(other.left - box.left) < 0.25 * box.width and abs(other.bottom - box.bottom) < size / 4:
                return True
    seen[(text, xs[0], ys[0])] = box
    return False


def _cells(position: float) -> tuple[int, ...]:
    """Return the unit cell of a position, and its neighbour where that is within a quarter.

    >>> _cells(3.1), _cells(3.5), _cells(3.9)
    ((3, 2), (3,), (3, 4))
    """
    cell = math.floor(position)
    rest = position - cell
    return (cell, cell - 1) if rest < 0.25 else (cell, cell + 1) if rest > 0.75 else (cell,)


def _raw_characters(page: PdfPage) -> Iterator[tuple[int, _RawBox, float, int]]:
    """Yield (code, loose box in user space, angle, weight of the font) of each character; blanks that PDFium makes up are left out.

    Angle and font are asked for only where a run of characters begins: every question costs as much as a box.
    """
    import pypdfium2.raw as pdfium

    textpage = page.get_textpage()
    raw, rect = textpage.raw, pdfium.FS_RECTF()
    pointer = ctypes.byref(rect)
    weights = FontWeights(raw)
    last, angle, weight, line = (0.0, 0.0, 0.0, 0.0), 0.0, 0, None
    for index in range(pdfium.FPDFText_CountChars(raw)):
        pdfium.FPDFText_GetLooseCharBox(raw, index, pointer)
        code, box = pdfium.FPDFText_GetUnicode(raw, index), (rect.left, rect.bottom, rect.right, rect.top)
        if code in _BLANKS and pdfium.FPDFText_IsGenerated(raw, index):
            continue  # PDFium's guess at a blank: ours is made from the gap, by the size of the characters
        if code not in _BLANKS and not _goes_on(last, box):
            angle, weight = max(0.0, pdfium.FPDFText_GetCharAngle(raw, index)), weights.weigh(index)
            line = None if angle else _find_line(raw, index, box)
        last = box
        if line:
            box = box[0], box[1] + line[0], box[2], box[1] + line[1]
        yield (_printed_bracket(raw, index, code, box) if code in _MIRRORED else code), box, angle, weight
    textpage.close()


def _find_line(raw: Any, index: int, box: _RawBox) -> tuple[float, float] | None:
    """Return where the em box of a level character begins and ends above the bottom of its loose box; None where that box will do.

    The loose box is as high as the font says that its lines are. Some say three times the size of their letters; then lines of a
    headline lie in each other's boxes. Size and baseline are what the page sets.
    """
    import pypdfium2.raw as pdfium

    matrix, x, y = pdfium.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    if not pdfium.FPDFText_GetMatrix(raw, index, ctypes.byref(matrix)):
        return None
    em = pdfium.FPDFText_GetFontSize(raw, index) * math.hypot(matrix.c, matrix.d)
    if not 0 < em * _HIGHEST_LINE < box[3] - box[1] or not pdfium.FPDFText_GetCharOrigin(raw, index, x, y):
        return None
    bottom = y.value - _BELOW_BASELINE * em - box[1]
    return bottom, bottom + em


def _goes_on(last: tuple[float, float, float, float], box: tuple[float, float, float, float]) -> bool:
    """Tell whether a box continues a horizontal run: level, of one height, and right behind."""
    height = box[3] - box[1]
    slack = 0.1 * height
    return abs(last[1] - box[1]) < slack and abs(last[3] - box[3]) < slack and -slack < box[0] - last[2] < 3 * slack


def _printed_bracket(raw: Any, index: int, code: int, box: tuple[float, float, float, float]) -> int:
    """Return the code of the bracket that the ink shows: PDFium mirrors brackets in text that a file sets right to left.

    The ink of a full-width opening bracket is in the right half of its box, that of a closing one in the left half; of the
    forms for vertical writing, the lower and the upper half.
    """
    import pypdfium2.raw as pdfium

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium.FPDFText_GetCharBox(raw, index, left, right, bottom, top):
        return code
    width, height = box[2] - box[0], box[3] - box[1]
    across, down = right.value - left.value, top.value - bottom.value
    aside = (left.value + right.value - box[0] - box[2]) / 2
    above = (bottom.value + top.value - box[1] - box[3]) / 2
    if 0 < across < 0.6 * width and abs(aside) > 0.12 * width:
        is_opening = aside > 0
    elif across > down and 0 < down < 0.6 * height and abs(above) > 0.12 * height:
        is_opening = above < 0
    else:
        return code
    return code if (code in _OPENING) == is_opening else _MIRRORED[code]
