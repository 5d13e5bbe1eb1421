"""Images of PDF pages with the quotation marked, drawn on this machine."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import RagError

MIN_WIDTH, DEFAULT_WIDTH, MAX_WIDTH = 200, 1000, 1600
MAX_HEIGHT = 5000
CACHED_IMAGES = 48
MARK_COLOUR = (255, 226, 90)
EDGE_COLOUR = (146, 114, 0)
STRIP_MARGIN_SHARE = 0.07
"""How much of a page's height is shown above and below the quotation in a strip."""

PAPER = 245
"""Grey values from here on count as empty paper."""
SIDE_MARGIN = 40

Box = tuple[float, float, float, float]
"""(left, bottom, right, top) in points from the lower left of the page as it is displayed, turned and cropped."""
Pixels = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels, origin at the top left."""


class PageImageError(RagError):
    """A page cannot be drawn: the file is no readable PDF, or has no such page."""


@dataclass(frozen=True, slots=True)
class PageView:
    """What to draw: page (from 1), boxes to mark, width in pixels; strip: only the surroundings of the boxes."""

    page: int
    boxes: tuple[Box, ...] = ()
    width: int = DEFAULT_WIDTH
    strip: bool = False


class PageImages:
    """Draw page images and keep the latest ones."""

    def __init__(self, capacity: int = CACHED_IMAGES) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[str, PageView], bytes] = OrderedDict()

    def render(self, path: Path, key: str, view: PageView) -> bytes:
        """Return the PNG of one page of the PDF at `path`, whose content is named by `key`.

        Raises PageImageError where there is nothing to draw.
        """
        with self._lock:
            if (key, view) in self._images:
                self._images.move_to_end((key, view))
                return self._images[key, view]
            image = render_page(path, view)
            self._images[key, view] = image
            while len(self._images) > self._capacity:
                self._images.popitem(last=False)
            return image


def render_page(path: Path, view: PageView) -> bytes:
    """Return the PNG of one page with its boxes marked; see `PageImages.render`."""
    import pypdfium2

    from rag.reading.pdf import pdfium_lock

    try:
        with pdfium_lock, pypdfium2.PdfDocument(path) as document:
            if not 1 <= view.page <= len(document):
                raise PageImageError(
                    f"頁がありません: {view.page}", f"1 から {len(document)} までの頁を選んでください。"
                )
            return _draw(document[view.page - 1], view)
    except pypdfium2.PdfiumError as error:
        raise PageImageError(f"頁の画像を作れません: {path.name}", "原本を開いて確かめてください。") from error


def _draw(page: Any, view: PageView) -> bytes:
    width = min(max(view.width, MIN_WIDTH), MAX_WIDTH)
    page_width, page_height = page.get_size()
    scale = min(width / page_width, MAX_HEIGHT / page_height)
    image = page.render(scale=scale).to_pil().convert("RGB")
    areas = [_to_pixels(box, page_height, scale) for box in view.boxes]
    _mark(image, areas)
    if view.strip and areas:
        image = image.crop(_strip(image, areas))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _to_pixels(box: Box, page_height: float, scale: float) -> Pixels:
    """Return where a box stands in the image.

    >>> _to_pixels((10, 20, 30, 40), 100, 2)
    (20, 120, 60, 160)
    """
    left, bottom, right, top = box
    return (
        round(left * scale),
        round((page_height - top) * scale),
        round(right * scale),
        round((page_height - bottom) * scale),
    )


def _mark(image: Any, areas: Sequence[Pixels]) -> None:
    """Colour the areas as a marker pen does: the print stays black, the paper turns yellow."""
    from PIL import Image, ImageChops, ImageDraw

    draw = ImageDraw.Draw(image)
    for left, top, right, bottom in areas:
        area = (max(left - 2, 0), max(top - 2, 0), min(right + 3, image.width), min(bottom + 3, image.height))
        if area[0] >= area[2] or area[1] >= area[3]:
            continue
        piece = image.crop(area)
        image.paste(ImageChops.multiply(piece, Image.new("RGB", piece.size, MARK_COLOUR)), area[:2])
        draw.line((area[0], area[3] - 1, area[2] - 1, area[3] - 1), fill=EDGE_COLOUR, width=2)


def _strip(image: Any, areas: Sequence[Pixels]) -> Pixels:
    """Return the surroundings of the areas, without the empty margins at the sides: legible on a telephone too."""
    margin = round(image.height * STRIP_MARGIN_SHARE)
    top = max(min(area[1] for area in areas) - margin, 0)
    bottom = min(max(area[3] for area in areas) + margin, image.height)
    if top >= bottom:
        return (0, 0, image.width, image.height)
    band = image.crop((0, top, image.width, bottom)).convert("L").point(lambda value: 255 * (value < PAPER))
    left, _, right, _ = band.getbbox() or (0, 0, image.width, 0)
    middle, half = (left + right) // 2, max(right - left + SIDE_MARGIN, image.width // 2) // 2
    return (max(middle - half, 0), top, min(middle + half, image.width), bottom)
