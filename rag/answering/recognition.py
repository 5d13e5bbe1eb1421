"""An answer from a page that was read by OCR says so: letters may have been misread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.documents import Citation, Quality, Warning_


class QualityReader(Protocol):
    """Where it is kept how a page was read (the catalog of a snapshot)."""

    def page_quality(self, source: str, number: int) -> Quality:
        """Return what was understood of a page."""


def warn_of_ocr(citations: Sequence[Citation], pages: QualityReader) -> tuple[Warning_, ...]:
    """Return a caution where a citation stands on a page that was read by OCR, with the least confidence of such pages."""
    found = [pages.page_quality(citation.source, citation.page).ocr_confidence for citation in citations]
    read = [confidence for confidence in found if confidence is not None]
    if not read:
        return ()
    message = (
        f"文字認識（OCR）で読んだ頁からの引用です（確からしさ {min(read):.0%}）。"
        "読み違いがないか、出典の頁の画像で確かめてください。"
    )
    return (Warning_("ocr", message),)
