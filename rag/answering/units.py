"""What an answer can be made of: the official answer, a table row, a sentence or list item; and how well each answers a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.documents import Chunk, ChunkKind, Passage, Segment
from rag.reading.structure import is_list_item
from rag.retrieval.query import Query
from rag.text import morphemes, normalize, split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAD_IN = re.compile(r"(?:次|以下|下記|左記|右記|つぎ)[のに]|とおり|[:：]$|手順|流れ|持ち物|必要なもの")
_CONTENTS = re.compile(r"[.．・…‥･]{3,}\s*[0-9０-９ivxlc-]*$")  # a line of a table of contents

# Weights of a unit's score, chosen on the development questions of jaquad_dev (see docs/architecture.md).
NEAR_WEIGHT = 0.5  # a word of the question that stands in the headings or the sentence before
TITLE_WEIGHT = 0.3  # … in the document's title only
WANTED_WEIGHT = 0.2  # the unit holds a number, date or amount of the kind that was asked for
DENSE_WEIGHT = 0.3
PASSAGE_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch [start, end) of a passage's text that can stand in an answer.

    score: about 0 to 2, comparable within one question. coverage: weighted share of the question's words in the unit and, in
    part, around it; own: of the words in the unit alone.
    """

    passage: int
    start: int
    end: int
    is_heading: bool = False
    is_item: bool = False
    is_lead_in: bool = False
    score: float = 0.0
    coverage: float = 0.0
    own: float = 0.0


def split_units(chunk: Chunk, passage: int) -> list[Unit]:
    """Return the units of a chunk in order: one for a Q&A pair, one a row of a table, else one a sentence or item."""
    if chunk.kind is ChunkKind.QA:
        span = chunk.answer or chunk.question
        return [Unit(passage, *span)] if span else []
    bodies = list(chunk.segment_offsets())[chunk.context :]
    if chunk.kind is ChunkKind.ROW:
        return [Unit(passage, offset, offset + s.end - s.start) for offset, s in bodies]
    return [unit for offset, segment in bodies for unit in _sentence_units(chunk.text, offset, segment, passage)]


def _sentence_units(text: str, offset: int, segment: Segment, passage: int) -> Iterator[Unit]:
    whole = text[offset : offset + segment.end - segment.start]
    is_item = is_list_item(whole)
    for first, last in split_sentences(whole):
        piece = text[offset + first : offset + last]
        is_heading = segment.heading or bool(_CONTENTS.search(piece))
        is_lead_in = bool(_LEAD_IN.search(piece))
        yield Unit(passage, offset + first, offset + last, is_heading, is_item, is_lead_in)


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
    best = max(max(passage.score for passage in passages), 1e-9)
    ratios = [passage.score / best for passage in passages]
    return [
        replace(unit, coverage=share, own=own, score=_score(query, ratios[unit.passage], text, share, float(near)))
        for unit, text, (share, own), near in zip(units, texts, covered, similar, strict=True)
    ]


def _score(query: Query, passage: float, text: str, coverage: float, near: float) -> float:
    """Return the score of a unit. passage: the score of its passage, of that of the best one."""
    wanted = bool(query.wanted and _brings_something_new(query, normalize(text)))
    return coverage + WANTED_WEIGHT * wanted + DENSE_WEIGHT * near + PASSAGE_WEIGHT * passage


def _brings_something_new(query: Query, text: str) -> bool:
    assert query.wanted is not None
    return any(match.group() not in query.text for match in query.wanted.finditer(text))


def _cover(
    query: Query, weights: Mapping[str, float], passages: Sequence[Passage], units: Sequence[Unit], texts: Sequence[str]
) -> list[tuple[float, float]]:
    """Return for each unit the weighted share of the question's words in it and, in part, around it; and in it alone.

    An official answer is read together with its question, a row with its header and caption, a heading with those above it:
    their words count in full.
    """
    total = sum(weights.values()) or 1.0
    found: list[tuple[float, float]] = []
    near: frozenset[str] = frozenset()
    heading: frozenset[str] = frozenset()
    together: frozenset[str] = frozenset()
    title: frozenset[str] = frozenset()
    for index, (unit, text) in enumerate(zip(units, texts, strict=True)):
        chunk = passages[unit.passage].chunk
        own = query.held_in(set(morphemes(text)))
        if index == 0 or units[index - 1].passage != unit.passage:
            near, heading = frozenset(), query.held_in(set(morphemes(" ".join(chunk.headings))))
            together = query.held_in(set(morphemes(_read_together(chunk))))
            title = query.held_in(set(morphemes(chunk.title)))
        words = own | together | (heading if unit.is_heading else frozenset())
        around = (near | heading) - words
        value = sum(weights[w] for w in words) + NEAR_WEIGHT * sum(weights[w] for w in around)
        value += TITLE_WEIGHT * sum(weights[w] for w in title - around - words)
        found.append((value / total, sum(weights[w] for w in own) / total))
        near = frozenset() if chunk.kind is ChunkKind.ROW else words
        heading = words if unit.is_heading else heading
    return found


def _read_together(chunk: Chunk) -> str:
    """Return what the units of a chunk say nothing without: the question of a Q&A pair; the header and caption of a table."""
    if chunk.question:
        return chunk.question_text
    if chunk.kind is not ChunkKind.ROW:
        return ""
    header = [
        chunk.text[offset : offset + s.end - s.start] for offset, s in list(chunk.segment_offsets())[: chunk.context]
    ]
    return " ".join([*header, *chunk.headings[-1:]])
