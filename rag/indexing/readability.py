"""How much of each file can be answered from, and which pages a person should look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.documents import Concern

if TYPE_CHECKING:
    from rag.indexing.catalog import Catalog


@dataclass(frozen=True, slots=True)
class DoubtfulPage:
    """A page that a person should look at, and why. ocr_confidence: None where it was not read by OCR."""

    source: str
    number: int
    label: str | None
    concerns: tuple[Concern, ...]
    ocr_confidence: float | None


@dataclass(frozen=True, slots=True)
class Readability:
    """How much of a file can be answered from. pages: those with something on them; recognized: those read by OCR."""

    source: str
    pages: int
    answerable: int
    recognized: int


def list_readability(catalog: Catalog) -> list[Readability]:
    """Return the readability of every document that was read, by source."""
    return [Readability(*row) for row in catalog.count_answerable_pages()]


def list_doubtful_pages(catalog: Catalog) -> list[DoubtfulPage]:
    """Return the pages with a concern, by source and number."""
    return [
        DoubtfulPage(source, number, label, quality.concerns, quality.ocr_confidence)
        for source, number, label, quality in catalog.pages_with_concerns()
    ]
