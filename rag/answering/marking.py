"""The decisive words of a quote: the amount, day or place that was asked for; else the words of the question that stand in it."""

from __future__ import annotations

from rag.answering.answer_type import find_wanted
from rag.answering.extractive import Marker
from rag.documents import Span
from rag.retrieval.query import Query
from rag.words import find_words


def build_marker(query: Query) -> Marker:
    """Return what finds the decisive words of a text for a question."""
    wanted = find_wanted(query.text)
    terms = frozenset(query.terms)

    def mark(text: str) -> list[Span]:
        found = wanted.find(text)
        return found or [Span(start, end) for start, end in find_words(text, terms)]

    return mark
