"""Boxes on a page, in PDF points with the origin at the lower left of the page as it is displayed (crop box and rotation applied)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pypdfium2 import PdfPage


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


class PageView:
    """Transform from PDF user space to what is displayed; `width` and `height` of the displayed page in points."""

    def __init__(self, page: PdfPage) -> None:
        left, bottom, right, top = page.get_cropbox(fallback_ok=True)
        self._origin = (left, bottom, right, top)
        self._rotation = page.get_rotation()
        self.width, self.height = page.get_size()

    def turn(self, angle: float) -> int:
        """Return the quarter turns counterclockwise of a glyph as displayed; angle: PDFium's, clockwise in user space, in radians."""
        return -int(round(angle / (math.pi / 2)) + self._rotation // 90) % 4

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


def surround(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around some."""
    return Box(
        min(b.left for b in boxes), min(b.bottom for b in boxes), max(b.right for b in boxes), max(b.top for b in boxes)
    )


def center_y(box: Box) -> float:
    """Return the middle of a box along y."""
    return (box.bottom + box.top) / 2


def center_x(box: Box) -> float:
    """Return the middle of a box along x."""
    return (box.left + box.right) / 2


def turn_box(box: Box, quarters: int) -> Box:
    """Return a box after quarter turns counterclockwise of the plane around its origin.

    >>> turn_box(Box(1, 2, 3, 5), 1), turn_box(Box(1, 2, 3, 5), 3)
    (Box(left=-5, bottom=1, right=-2, top=3), Box(left=2, bottom=-3, right=5, top=-1))
    """
    left, bottom, right, top = box
    if quarters % 4 == 1:
        return Box(-top, left, -bottom, right)
    if quarters % 4 == 2:
        return Box(-right, -top, -left, -bottom)
    return Box(bottom, -right, top, -left) if quarters % 4 == 3 else box
