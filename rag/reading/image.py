"""A picture of a page (a scan, a photo of a notice): read by OCR, each frame of a TIFF as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.documents import Concern, Content
from rag.errors import ReadingError
from rag.reading import ocr
from rag.reading.limits import check_pages
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.page_text import PageText
from rag.reading.pdf_page import Sheet, sheet_of_recognition
from rag.reading.sheet_content import build_content

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_DEFAULT_DPI = 200
_MIN_PIXELS = 1_600  # along the longer side: smaller letters than such a page has are not read well
_MAX_PIXELS = 100_000_000


def read_image(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a picture as pages. Raises ReadingError (broken, too_large, too_many_pages)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            check_pages(getattr(image, "n_frames", 1), source, options)
            sheets = [
                _read_frame(frame, number, options) for number, frame in enumerate(_frames(image, source), start=1)
            ]
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ReadingError(
            f"画像を開けません: {source}（{error}）",
            "画像ソフトで開けることを確かめ、保存し直してください。",
            code="broken",
        ) from error
    return build_content(sheets, source, outline={})


def _frames(image: Image, source: str) -> Iterator[Image]:
    from PIL import ImageOps, ImageSequence

    for frame in ImageSequence.Iterator(image):
        if frame.width * frame.height > _MAX_PIXELS:
            message = f"画像が大きすぎます: {source}（{frame.width}×{frame.height}）"
            raise ReadingError(message, "解像度を下げて保存し直してください。", code="too_large")
        turned = ImageOps.exif_transpose(frame) or frame  # a telephone keeps how it was held
        yield turned.convert("L")


def _read_frame(image: Image, number: int, options: ReadingOptions) -> Sheet:
    dpi = float((image.info.get("dpi") or (0, 0))[0]) or _DEFAULT_DPI
    width, height = (72 * side / dpi for side in image.size)
    found = ocr.try_recognize(lambda: _enlarge(image), width=width, options=options)
    if isinstance(found, Concern):
        return Sheet(number, height, PageText(), None, concerns=(found,))
    if not found.characters:
        return Sheet(number, height, PageText(), None, concerns=(Concern.NO_TEXT,))
    return replace(sheet_of_recognition(found, found.rules, height=height), number=number)


def _enlarge(image: Image) -> Image:
    """Return a small picture larger: tesseract wants letters of about thirty pixels."""
    factor = -(-_MIN_PIXELS // max(image.size))
    return image.resize((image.width * factor, image.height * factor)) if factor > 1 else image
