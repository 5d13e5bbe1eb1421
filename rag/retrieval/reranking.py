"""The seam for rerankers: what one is, and which one the settings choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.documents import Passage
from rag.settings import Settings

BUILT_IN, NONE = "default", "none"


class Reranker(Protocol):
    """Read a question together with passages, and say how well each answers it."""

    @property
    def name(self) -> str: ...

    def rerank(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """Return a score between 0 and 1 for each of the first passages: fewer than there are where the rest is not to be read."""


def open_reranker(settings: Settings) -> Reranker | None:
    """Return the cross-encoder that the settings name; None for "default" (the retriever's own reranker) and "none".

    The model itself is loaded with the first question. Raises EmbedderError where there is no such model on this machine.
    """
    if settings.reranker in (BUILT_IN, NONE):
        return None
    from rag.retrieval.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(settings.reranker, candidates=settings.reranker_candidates)
