"""One page of a PDF: its text from the text layer where that is usable, else from OCR, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rag.documents import BlockKind, Concern, WordBox
from rag.reading import ocr
from rag.reading.characters import PageCharacters, read_characters
from rag.reading.geometry import PageView
from rag.reading.options import ReadingOptions
from rag.reading.page_text import PageText
from rag.reading.paragraphs import write_page
from rag.reading.reading_order import order_page
from rag.reading.rules import Rule, read_rules
from rag.reading.scans import measure_ink
from rag.reading.text_layer import is_garbled, measure_suspicion

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_HARDLY_ANY = 80  # characters: a page with fewer may be a picture with a title
_PICTURE_SHARE = 0.35  # of the page's area
_BLANK_INK = 0.0005
_LOW_CONFIDENCE = 0.7
_IMAGE = 3  # FPDF_PAGEOBJ_IMAGE


@dataclass(slots=True)
class Sheet:
    """One physical page while its document is being read. height: of the displayed page, in points; see `Quality` for the rest."""

    number: int
    height: float
    page: PageText
    label: str | None
    suspicious_share: float = 0.0
    ocr_confidence: float | None = None
    concerns: tuple[Concern, ...] = ()
    word_boxes: tuple[WordBox, ...] = ()


def read_sheet(pdf: PdfDocument, index: int, options: ReadingOptions) -> Sheet:
    """Read the page at an index from 0; a broken one is empty, with that concern."""
    from pypdfium2 import PdfiumError

    try:
        page = pdf[index]
    except PdfiumError:  # one page of many: the others are worth reading
        return Sheet(index + 1, 0.0, PageText(), None, concerns=(Concern.BROKEN_PAGE,))
    try:
        sheet = _read_page(page, options)
        return replace(sheet, number=index + 1, label=_page_label(sheet.page, pdf, index))
    finally:
        page.close()


def _page_label(page: PageText, pdf: PdfDocument, index: int) -> str | None:
    return "–".join(page.labels) or pdf.get_page_label(index) or None


def read_page_text(page: Any) -> PageText:
    """Return the text of a page by its text layer, with a box for every character."""
    return _order(page, read_characters(page))


def _order(page: Any, found: PageCharacters) -> PageText:
    view = PageView(page)
    return write_page(order_page(found.characters, read_rules(page), width=view.width, height=view.height))


def _read_page(page: Any, options: ReadingOptions) -> Sheet:
    found = read_characters(page)
    text = "".join(c.text for c in found.characters)
    garbled = is_garbled(text, found.unreadable)
    if not garbled and not _is_picture(page, len(text)):
        return _from_text_layer(page, found)
    if not garbled and not text and _is_blank(page):
        return _from_text_layer(page, found)
    return _recognize(page, found, garbled, options)


def _from_text_layer(page: Any, found: PageCharacters, *concerns: Concern) -> Sheet:
    written = _order(page, found)
    if Concern.GARBLED in concerns:
        for draft in written.drafts:
            draft.kind = BlockKind.UNREADABLE
    share = measure_suspicion(written.text, found.unreadable)
    return Sheet(0, PageView(page).height, written, None, share, None, concerns)


def _is_picture(page: Any, characters: int) -> bool:
    """Tell whether a page has hardly any text and is mostly a picture, or has something drawn and no text at all."""
    if characters >= _HARDLY_ANY:
        return False
    if not characters:
        return next(iter(page.get_objects(max_depth=1)), None) is not None
    width, height = page.get_size()
    area = sum(
        max(0.0, right - left) * max(0.0, top - bottom)
        for item in page.get_objects(max_depth=2)
        if item.type == _IMAGE
        for left, bottom, right, top in [item.get_bounds()]
    )
    return bool(area >= _PICTURE_SHARE * width * height)


def _is_blank(page: Any) -> bool:
    return bool(measure_ink(page.render(scale=0.5, grayscale=True).to_pil()) < _BLANK_INK)


def _recognize(page: Any, found: PageCharacters, garbled: bool, options: ReadingOptions) -> Sheet:
    """Read a page by OCR; where that cannot be done, or gives less than the text layer, keep that with the concern."""
    doubt = (Concern.GARBLED,) if garbled else ()
    recognition = ocr.try_recognize(lambda: ocr.render_page(page), width=page.get_width(), options=options)
    if isinstance(recognition, Concern):
        return _from_text_layer(page, found, *doubt, recognition)
    if len(recognition.characters) <= (0 if garbled else len(found.characters)):
        return _from_text_layer(page, found, *doubt, *(() if found.characters else (Concern.NO_TEXT,)))
    return _from_recognition(page, recognition)


def _from_recognition(page: Any, recognition: ocr.Recognition) -> Sheet:
    drawn = read_rules(page) if not recognition.turn else []
    return sheet_of_recognition(recognition, drawn or recognition.rules, height=PageView(page).height)


def sheet_of_recognition(recognition: ocr.Recognition, rules: Sequence[Rule], *, height: float) -> Sheet:
    """Return what OCR read as a page (number 0). rules: its lines; height: of the displayed page, in points."""
    order = order_page(recognition.characters, rules, width=recognition.width, height=recognition.height)
    written = write_page(order, is_recognized=True)
    total = len(recognition.characters) + recognition.noise
    return Sheet(
        0,
        height,
        written,
        None,
        suspicious_share=recognition.noise / max(1, total),
        ocr_confidence=round(recognition.confidence, 3),
        concerns=(Concern.LOW_OCR,) if recognition.confidence < _LOW_CONFIDENCE else (),
        word_boxes=tuple(WordBox(i, i + 1, *box) for i, box in enumerate(written.boxes) if box),
    )
