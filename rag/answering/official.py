"""The answer of one row of a Q&A table, as its department wrote it: for a question that this row is pinned to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answering.extractive import Marker, build_extract
from rag.answering.units import split_passages
from rag.answering.verification import PageReader, all_verified, verify_citation
from rag.documents import Answer, Checks, Chunk, ChunkKind, Passage, Status
from rag.text import fold

ENGINE = "pinned"
"""What an answer says made it where a person chose the row."""


def find_row(chunks: Iterable[Chunk], row: int, question: str) -> tuple[Chunk, ...]:
    """Return the Q&A chunks of a row; none where the index holds another question there (the table was edited since)."""
    wanted = _plain(question)
    of_row = (chunk for chunk in chunks if chunk.kind is ChunkKind.QA and chunk.locator.row == row)
    return tuple(chunk for chunk in of_row if _plain(chunk.question_text) == wanted)


def answer_with_passages(passages: Sequence[Passage], pages: PageReader, mark: Marker) -> Answer | None:
    """Return the answer that Q&A passages give word for word, proved like any other; None where it cannot be proved."""
    extract = build_extract(split_passages(passages), passages, mark)
    citations = tuple(verify_citation(citation, pages) for citation in extract.citations)
    if not citations or not all_verified(citations):
        return None
    checks = Checks(quotes=len(citations))
    return Answer(Status.ANSWERED, extract.text, 1.0, ENGINE, 0.0, citations=citations, checks=checks)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text))
