"""The characters of a PDF page and its ruled lines, by PDFium, in the coordinates that a reader sees.

Coordinates are PDF points with the origin at the lower left of the page as it is displayed (crop box and rotation applied).
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.text import fix_radicals

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_OBJECTS = 6000  # a drawing with more paths than this is a map or a chart: its lines rule no table
_THIN = 3.0  # points: a filled rectangle thinner than this is drawn as a line
_MIN_RULE = 6.0  # points: shorter strokes are ornaments
_BLANKS = frozenset(map(ord, " \r\n"))
_OPENING = {ord(bracket) for bracket in "（「『【〔［｛〈《("}
_PAIRS = dict(zip("（「『【〔［｛〈《(", "）」』】〕］｝〉》)", strict=True))
_MIRRORED = {ord(a): ord(b) for pair in _PAIRS.items() for a, b in (pair, pair[::-1])}
_PATH, _FORM = 2, 5  # FPDF_PAGEOBJ_PATH, FPDF_PAGEOBJ_FORM


class Box(NamedTuple):
    """A rectangle in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Extent along y."""
        return self.top - self.bottom


class Character(NamedTuple):
    """One printed character (never white space) and its box; space_before: the PDF itself has a blank in front of it."""

    text: str
    box: Box
    size: float
    space_before: bool


class Rule(NamedTuple):
    """A straight line that is parallel to an axis: at `at`, from `start` to `end` along the other axis."""

    horizontal: bool
    at: float
    start: float
    end: float


class PageView:
    """Transform from PDF user space to what is displayed; `width` and `height` of the displayed page in points."""

    def __init__(self, page: PdfPage) -> None:
        left, bottom, right, top = page.get_cropbox(fallback_ok=True)
        self._origin = (left, bottom, right, top)
        self._rotation = page.get_rotation()
        self.width, self.height = page.get_size()

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Return the displayed box of a box in user space."""
        x0, y0, x1, y1 = self._origin
        if self._rotation == 90:
            return Box(bottom - y0, x1 - right, top - y0, x1 - left)
        if self._rotation == 180:
            return Box(x1 - right, y1 - top, x1 - left, y1 - bottom)
        if self._rotation == 270:
            return Box(y1 - top, left - x0, y1 - bottom, right - x0)
        return Box(left - x0, bottom - y0, right - x0, top - y0)


def read_characters(page: PdfPage) -> list[Character]:
    """Return the visible characters of a page in the order of the file, printed once each.

    Radical code points are mended. A character printed again within a quarter of its width (a shadow) is left out.
    """
    view, found = PageView(page), []
    seen: dict[tuple[str, int, int], Box] = {}
    space = False
    for code, raw in _raw_characters(page):
        text = chr(code) if code and not 0xD800 <= code <= 0xDFFF and code <= 0x10FFFF else ""
        if not text or text.isspace() or unicodedata.category(text) in ("Cc", "Cf"):
            space = space or text.isspace()
            continue
        box = view.box(*raw)
        size = max(box.width, box.height)
        if size <= 0 or _printed_before(seen, text, box, size):
            continue
        found.append(Character(fix_radicals(text), box, size, space))
        space = False
    return found


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


def _raw_characters(page: PdfPage) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Yield (code point, loose box in user space) of each character, those that PDFium makes up included."""
    import pypdfium2.raw as pdfium

    textpage = page.get_textpage()
    raw, rect = textpage.raw, pdfium.FS_RECTF()
    pointer = ctypes.byref(rect)
    for index in range(pdfium.FPDFText_CountChars(raw)):
        pdfium.FPDFText_GetLooseCharBox(raw, index, pointer)
        code, box = pdfium.FPDFText_GetUnicode(raw, index), (rect.left, rect.bottom, rect.right, rect.top)
        if code in _BLANKS and pdfium.FPDFText_IsGenerated(raw, index):
            continue  # PDFium's guess at a blank: ours is made from the gap, by the size of the characters
        yield (_printed_bracket(raw, index, code, box) if code in _MIRRORED else code), box
    textpage.close()


def _printed_bracket(raw: Any, index: int, code: int, box: tuple[float, float, float, float]) -> int:
    """Return the code of the bracket that the ink shows: PDFium mirrors brackets in text that a file sets right to left.

    The ink of a full-width opening bracket is in the right half of its box, that of a closing one in the left half.
    """
    import pypdfium2.raw as pdfium

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium.FPDFText_GetCharBox(raw, index, left, right, bottom, top):
        return code
    width, ink = box[2] - box[0], right.value - left.value
    shift = (left.value + right.value - box[0] - box[2]) / 2
    is_upright = 0 < ink < 0.6 * width and abs(shift) > 0.12 * width
    opens = code in _OPENING
    return _MIRRORED[code] if is_upright and opens != (shift > 0) else code


def read_rules(page: PdfPage) -> list[Rule]:
    """Return the axis-parallel lines of a page: strokes, thin rectangles, and the edges of larger rectangles.

    A page with very many drawn objects gives none: it is a map or a chart.
    """
    import pypdfium2.raw as pdfium

    if pdfium.FPDFPage_CountObjects(page.raw) > _MAX_OBJECTS:
        return []
    view = PageView(page)
    rules: list[Rule] = []
    for bounds in _path_bounds(page, pdfium):
        rules.extend(_rules_of(view.box(*bounds), view))
    return rules


def _path_bounds(page: PdfPage, pdfium: Any) -> Iterator[tuple[float, float, float, float]]:
    bounds = [ctypes.c_float() for _ in range(4)]
    pointers = [ctypes.byref(value) for value in bounds]
    for item in page.get_objects(max_depth=1):
        if item.type == _PATH and pdfium.FPDFPath_CountSegments(item.raw) <= 6:
            if pdfium.FPDFPageObj_GetBounds(item.raw, *pointers):
                yield bounds[0].value, bounds[1].value, bounds[2].value, bounds[3].value
        elif item.type == _PATH:
            yield from _segments(item.raw, pdfium)


def _segments(path: Any, pdfium: Any) -> Iterator[tuple[float, float, float, float]]:
    """Yield each straight stroke of a path with many segments (a whole grid drawn at once)."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(path, matrix)
    x, y, last = ctypes.c_float(), ctypes.c_float(), None
    for index in range(min(pdfium.FPDFPath_CountSegments(path), 4000)):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if kind == pdfium.FPDF_SEGMENT_LINETO and last is not None:
            yield min(last[0], point[0]), min(last[1], point[1]), max(last[0], point[0]), max(last[1], point[1])
        last = point if kind != pdfium.FPDF_SEGMENT_BEZIERTO else None


def _rules_of(box: Box, view: PageView) -> Iterator[Rule]:
    if box.width > 0.95 * view.width and box.height > 0.95 * view.height:
        return
    if box.height <= _THIN:
        if box.width >= _MIN_RULE:
            yield Rule(True, (box.bottom + box.top) / 2, box.left, box.right)
    elif box.width <= _THIN:
        if box.height >= _MIN_RULE:
            yield Rule(False, (box.left + box.right) / 2, box.bottom, box.top)
    elif box.width >= _MIN_RULE and box.height >= _MIN_RULE:
        for at in (box.bottom, box.top):
            yield Rule(True, at, box.left, box.right)
        for at in (box.left, box.right):
            yield Rule(False, at, box.bottom, box.top)
