"""Addresses of originals and page images: made here, understood by `rag.api`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from rag.documents import Asker, Span

if TYPE_CHECKING:
    from rag.activity.reviewed import ReviewedEntry
    from rag.assistant import Assistant

FindReviewed = Callable[[str, int | None], "ReviewedEntry | None"]
"""Called with a source and a row: who wrote its official answer; None for any other place."""
MAX_SPANS = 50
_SPANS = re.compile(r"\d{1,9}-\d{1,9}(?:,\d{1,9}-\d{1,9})*")


class Links:
    """The addresses that one asker may open. A source that is not open to the asker has none.

    find_reviewed: knows the reviewed answers, where they are shown with their authors.
    """

    def __init__(self, assistant: Assistant, asker: Asker, find_reviewed: FindReviewed = lambda *_: None) -> None:
        self._assistant, self.find_reviewed = assistant, find_reviewed
        self._asker = asker
        entries = assistant.documents(asker)
        self._sha256 = {entry.source: entry.sha256 for entry in entries}
        self._pages = {entry.source: entry.page_count for entry in entries}

    def original(self, source: str, page: int | None = None) -> str | None:
        """Return the address of the indexed file, at a page where one is given."""
        if not (sha256 := self._sha256.get(source)):
            return None
        name = quote(source.rpartition("/")[2], safe="")
        fragment = f"#page={page}" if page is not None else ""
        return f"/originals/{sha256}/{name}?{urlencode({'source': source})}{fragment}"

    def page_image(self, source: str, page: int, spans: Sequence[Span], *, strip: bool = False) -> str | None:
        """Return the address of the image of a page with the spans marked; None for files that have no such images."""
        if not (sha256 := self._sha256.get(source)) or not self._assistant.has_page_images(source, self._asker):
            return None
        query = {"source": source, "spans": format_spans(spans)} | ({"strip": "1"} if strip else {})
        return f"/api/pages/{sha256}/{page}.png?{urlencode(query)}"

    def page_count(self, source: str) -> int:
        """Return how many pages a document has; 0 for one that is not open to the asker."""
        return self._pages.get(source, 0)

    def ocr_confidence(self, source: str, page: int) -> float | None:
        """Return how sure the letters of a page are that was read by OCR; None for others."""
        return self._assistant.ocr_confidence(source, page, self._asker)


def format_spans(spans: Sequence[Span]) -> str:
    """Return spans as they stand in an address.

    >>> format_spans([Span(3, 10), Span(20, 24)])
    '3-10,20-24'
    """
    return ",".join(f"{span.start}-{span.end}" for span in spans[:MAX_SPANS])


def parse_spans(text: str) -> tuple[Span, ...]:
    """Return the spans of an address; raise ValueError where they are not written like that.

    >>> parse_spans("3-10,20-24"), parse_spans("")
    ((Span(start=3, end=10), Span(start=20, end=24)), ())
    """
    if not text:
        return ()
    if not _SPANS.fullmatch(text):
        raise ValueError(text)
    pairs = [part.split("-") for part in text.split(",")][:MAX_SPANS]
    return tuple(Span(int(start), int(end)) for start, end in pairs)
