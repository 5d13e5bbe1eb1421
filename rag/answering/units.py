"""What an answer can be made of: the official answer, a table row, a sentence or list item; and how well each answers a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.documents import Chunk, ChunkKind, Passage
from rag.reading.structure import heading_level, is_list_item
from rag.retrieval.query import Query
from rag.text import morphemes, normalize, split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAD_IN = re.compile(r"(?:次|以下|下記|左記|右記|つぎ)の|とおり|[:：]$|手順|流れ|持ち物|必要なもの")

# Weights of a unit's score, chosen on the development questions of jaquad_dev (see docs/architecture.md).
NEAR_WEIGHT = 0.5  # a word of the question that stands in the headings or the sentence before
TITLE_WEIGHT = 0.3  # … in the document's title only
WANTED_WEIGHT = 0.2  # the unit holds a number, date or amount of the kind that was asked for
DENSE_WEIGHT = 0.3
PASSAGE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch [start, end) of a passage's text that can stand in an answer. score: about 0 to 2, comparable within one question."""

    passage: int
    start: int
    end: int
    is_heading: bool = False
    is_item: bool = False
    is_lead_in: bool = False
    score: float = 0.0
    coverage: float = 0.0


def split_units(chunk: Chunk, passage: int) -> list[Unit]:
    """Return the units of a chunk in order: one for a Q&A pair, one a row of a table, else one a sentence or item."""
    if chunk.kind is ChunkKind.QA:
        span = chunk.answer or chunk.question
        return [Unit(passage, *span)] if span else []
    bodies = [(o, o + s.end - s.start) for i, (o, s) in enumerate(chunk.segment_offsets()) if i >= chunk.context]
    if chunk.kind is ChunkKind.ROW:
        return [Unit(passage, start, end) for start, end in bodies]
    return [unit for start, end in bodies for unit in _sentence_units(chunk.text, start, end, passage)]


def _sentence_units(text: str, start: int, end: int, passage: int) -> Iterator[Unit]:
    for first, last in split_sentences(text[start:end]):
        piece = text[start + first : start + last]
        is_heading = heading_level(piece) is not None
        yield Unit(
            passage, start + first, start + last, is_heading, is_list_item(piece), bool(_LEAD_IN.search(piece))
        )


def score_units(
    query: Query,
    weights: Mapping[str, float],
    passages: Sequence[Passage],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    vector: NDArray[np.float32],
) -> list[Unit]:
    """Return the units of all passages with their scores, in reading order.

    weights: inverse document frequency of the question's words. embed: texts -> unit vectors (n, d). vector: of the question (d,).
    """
    units = [unit for number, passage in enumerate(passages) for unit in split_units(passage.chunk, number)]
    if not units:
        return []
    texts = [passages[u.passage].chunk.text[u.start : u.end] for u in units]
    similar = embed(texts) @ vector
    covered = _cover(query, weights, passages, units, texts)
    return [
        replace(unit, coverage=coverage, score=_score(query, passages[unit.passage], text, coverage, float(near)))
        for unit, text, coverage, near in zip(units, texts, covered, similar, strict=True)
    ]


def _score(query: Query, passage: Passage, text: str, coverage: float, near: float) -> float:
    wanted = bool(query.wanted and _brings_something_new(query, normalize(text)))
    return coverage + WANTED_WEIGHT * wanted + DENSE_WEIGHT * near + PASSAGE_WEIGHT * passage.score


def _brings_something_new(query: Query, text: str) -> bool:
    assert query.wanted is not None
    return any(match.group() not in query.text for match in query.wanted.finditer(text))


def _cover(
    query: Query, weights: Mapping[str, float], passages: Sequence[Passage], units: Sequence[Unit], texts: Sequence[str]
) -> list[float]:
    """Return for each unit the weighted share of the question's words in it, those around it counted in part."""
    asked = set(query.terms)
    total = sum(weights.values()) or 1.0
    found: list[float] = []
    near: set[str] = set()
    heading: set[str] = set()
    for index, (unit, text) in enumerate(zip(units, texts, strict=True)):
        chunk = passages[unit.passage].chunk
        words = asked & set(morphemes(text))
        if index == 0 or units[index - 1].passage != unit.passage:
            near, heading = set(), asked & set(morphemes(" ".join(chunk.headings) + " " + _before(chunk, unit)))
        title = asked & set(morphemes(chunk.title))
        around = (near | heading) - words
        value = sum(weights[w] for w in words) + NEAR_WEIGHT * sum(weights[w] for w in around)
        found.append((value + TITLE_WEIGHT * sum(weights[w] for w in title - around - words)) / total)
        near = words
        heading = words if unit.is_heading else heading
    return found


def _before(chunk: Chunk, unit: Unit) -> str:
    """Return what a unit is not understood without: the question of a Q&A pair, the header of a table."""
    if chunk.kind is ChunkKind.QA:
        return chunk.text[slice(*chunk.question)] if chunk.question else ""
    offsets = list(chunk.segment_offsets())[: chunk.context]
    return " ".join(chunk.text[o : o + s.end - s.start] for o, s in offsets)
