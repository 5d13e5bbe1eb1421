"""Proof of every quotation: each span is read back from the stored page before anyone sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from rag.documents import ELLIPSIS, Citation, Span


class PageReader(Protocol):
    """Where stored page text comes from (the catalog of a snapshot)."""

    def read_span(self, source: str, page: int, start: int, end: int) -> str:
        """Return characters [start, end) of one page's text."""


def join_quote(parts: Iterable[str]) -> str:
    """Return the parts of a quotation as one, what was left out marked by 「…」.

    >>> join_quote(["指標名", "合計特殊出生率"])
    '指標名…合計特殊出生率'
    """
    return ELLIPSIS.join(parts)


def verify_citation(citation: Citation, pages: PageReader) -> Citation:
    """Return the citation with `verified` set: true when its quote is exactly its spans, read back from the page."""
    try:
        read = join_quote(pages.read_span(citation.source, citation.page, *span) for span in citation.spans)
    except KeyError:  # the page is gone: nothing proves the quote
        return replace(citation, verified=False)
    return replace(citation, verified=bool(citation.spans) and bool(read) and read == citation.quote)


def merge_spans(spans: Iterable[Span], gap: int = 1) -> tuple[Span, ...]:
    """Return spans in order, those that overlap or lie within `gap` characters joined.

    >>> merge_spans([Span(10, 20), Span(0, 5), Span(21, 30)])
    (Span(start=0, end=5), Span(start=10, end=30))
    """
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end + gap:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def all_verified(citations: Sequence[Citation]) -> bool:
    """Tell whether every citation was read back."""
    return all(citation.verified for citation in citations)
