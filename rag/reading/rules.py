"""The ruled lines of a PDF page, by PDFium, in the coordinates of `geometry`."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.reading.geometry import Box, PageView

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_OBJECTS = 6000  # a drawing with more paths than this is a map or a chart: its lines rule no table
_THIN = 3.0  # points: a filled rectangle thinner than this is drawn as a line
_MIN_RULE = 6.0  # points: shorter strokes are ornaments
_PATH = 2  # FPDF_PAGEOBJ_PATH


class Rule(NamedTuple):
    """A straight line that is parallel to an axis: at `at`, from `start` to `end` along the other axis."""

    horizontal: bool
    at: float
    start: float
    end: float


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
