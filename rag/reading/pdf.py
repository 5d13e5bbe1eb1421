"""Read a PDF: PDFium gives characters, boxes, outline and page labels; the order, paragraphs and tables are ours.

pypdf is asked only for why PDFium could not open a file (its page labels cost twenty times PDFium's; see docs/architecture.md).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import Content
from rag.errors import ReadingError
from rag.reading.limits import check_pages
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.pdf_page import read_sheet
from rag.reading.sheet_content import build_content
from rag.text import squeeze

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

pdfium_lock = threading.RLock()
"""PDFium is not thread-safe: whoever calls it in a process with threads holds this."""


def read_pdf(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Read a PDF file. Raises ReadingError when it cannot be opened (encrypted, truncated)."""
    with open_pdf(path, source) as pdf:
        check_pages(len(pdf), source, options)
        sheets = [read_sheet(pdf, index, options) for index in range(len(pdf))]
        outline = _outline(pdf)
        title = pdf.get_metadata_dict().get("Title", "")
    return build_content(sheets, source, outline=outline, title=title)


@contextmanager
def open_pdf(path: Path, source: str) -> Any:
    """Open a PDF under the lock. Raises ReadingError (encrypted, truncated)."""
    import pypdfium2

    with pdfium_lock:
        try:
            pdf = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise _diagnose(path, source) from error
        try:
            yield pdf
        finally:
            pdf.close()


def _diagnose(path: Path, source: str) -> ReadingError:
    """Say why PDFium could not open a file, with pypdf's second opinion."""
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it has to say is said below, in Japanese
    try:
        encrypted = pypdf.PdfReader(path).is_encrypted
    except (pypdf.errors.PyPdfError, ValueError, OSError, RecursionError):
        encrypted = False
    if encrypted:
        hint = "パスワードを外して保存し直したものを置いてください。"
        return ReadingError(f"パスワードで保護された PDF です: {source}", hint, code="encrypted")
    hint = "元のファイルから PDF を作り直すか、もう一度コピーしてください。"
    return ReadingError(f"PDF が壊れているか、途中で切れています: {source}", hint, code="truncated")


def _outline(pdf: PdfDocument) -> dict[tuple[int, str], int]:
    """Return (physical page, squeezed title) -> depth from 1, of the bookmarks."""
    found: dict[tuple[int, str], int] = {}
    for item in pdf.get_toc(max_depth=6):
        destination = item.get_dest()
        index = destination.get_index() if destination else None
        if index is not None:
            found.setdefault((index + 1, squeeze(item.get_title() or "")), item.level + 1)
    return found
