"""The first passages are read together with the question where their words alone do not tell which is right.

What the reader gives joins the sum of the learned reranker: how far it is above what has nothing to do with the question. A passage
that was not read counts as the least of those that were: it was clearly behind them already, or is of an edition that is not wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.documents import Passage
from rag.indexing.pieces import cut_pieces, unpack_pieces
from rag.retrieval.editions import is_wanted
from rag.retrieval.learned import READER, LinearModel
from rag.retrieval.reader import UNREAD, Reader, Text
from rag.text import fold

if TYPE_CHECKING:
    from rag.indexing.lexical import LexicalEntry

MOST = 4
"""Passages that are read at most."""
NEAR = 0.6
"""Log odds: what is further behind the first passage is not read. On no set did that come first when it was read too (up to 1.0)."""
_UNWEIGHED = 2  # passages that are read where no learned reranker says how near they are: for their sentences only


def read_closely(
    question: str,
    passages: Sequence[Passage],
    entries: Mapping[str, LexicalEntry],
    reader: Reader,
    model: LinearModel | None,
) -> list[Passage]:
    """Return passages (best first) with what the reader says of their sentences, and with the score that follows; the order stays.

    entries: what the index keeps of the first MOST at least. model: the learned reranker that gave the scores; without one they stay.
    """
    near = _choose(passages, model)
    if not near:
        return list(passages)
    pieces = [unpack_pieces(entries[passages[number].chunk.id].pieces) for number in near]
    texts = [Text(name, sentences) for name, *sentences in pieces]
    (asked,) = cut_pieces([fold(question)])
    read = dict(zip(near, reader.read(asked, texts), strict=True))
    found = [
        replace(passage, sentence_odds=tuple(read[number].sentences.tolist())) if number in read else passage
        for number, passage in enumerate(passages)
    ]
    if model is None:
        return found
    odds = {number: of_text.odds for number, of_text in read.items()}
    least = min(odds.values())
    return [_weigh(passage, odds.get(number, least), model) for number, passage in enumerate(found)]


def _choose(passages: Sequence[Passage], model: LinearModel | None) -> list[int]:
    if model is None:
        return list(range(min(_UNWEIGHED, len(passages))))
    first = passages[:MOST]
    wanted = [number for number, passage in enumerate(first) if is_wanted(passage)] or range(len(first[:1]))
    sums = [sum(first[number].contributions.values()) for number in wanted]
    return [number for number, total in zip(wanted, sums, strict=True) if total >= sums[0] - NEAR]


def _weigh(passage: Passage, odds: float, model: LinearModel) -> Passage:
    """Return a passage whose score counts what the reader says; the factor of its edition stays."""
    before = sum(passage.contributions.values()) + model.offset
    added = model.weights.get(READER, 0.0) * (odds - UNREAD)
    return replace(
        passage,
        score=passage.score * (1 + math.exp(-before)) / (1 + math.exp(-before - added)),
        features={**passage.features, READER: odds},
        contributions={**passage.contributions, READER: added},
    )
