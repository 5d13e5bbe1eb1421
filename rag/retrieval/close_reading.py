"""The first passages are read together with the question where their words alone do not tell which is right.

What the reader gives joins the sum of the learned reranker: how far it is above what has nothing to do with the question. A passage
that was not read counts as the least of those that were: it was clearly behind them already, or is of an edition that is not wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.asking import strip_politeness
from rag.documents import Passage
from rag.indexing.lexical import name_of
from rag.indexing.pieces import cut_pieces, unpack_pieces
from rag.retrieval.editions import is_wanted
from rag.retrieval.learned import READER, LinearModel
from rag.retrieval.query import Question, Reason
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
    question: Question,
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
    of_near = [entries[passages[number].chunk.id] for number in near]
    asked = cut_pieces(
        [
            ask_of(question, f"{fold(name_of(passages[n].chunk))}\n{e.folded}")
            for n, e in zip(near, of_near, strict=True)
        ]
    )
    pieces = [unpack_pieces(entry.pieces) for entry in of_near]
    texts = [Text(of_text, name, sentences) for of_text, (name, *sentences) in zip(asked, pieces, strict=True)]
    read = dict(zip(near, reader.read(texts), strict=True))
    found = [
        replace(passage, sentence_odds=tuple(read[number].sentences.tolist())) if number in read else passage
        for number, passage in enumerate(passages)
    ]
    if model is None:
        return found
    odds = {number: of_text.odds for number, of_text in read.items()}
    least = min(odds.values())
    return [_weigh(passage, odds.get(number, least), model) for number, passage in enumerate(found)]


def ask_of(question: Question, said: str) -> str:
    """Return a question as the reader reads it with a text, folded: without politeness, and in the text's own words for what is asked.

    The reader knows no town's abbreviations. said: the folded text, with its name.

    >>> from dataclasses import replace
    >>> from rag.retrieval.query import Expansion, Reason, parse_query
    >>> wording = Expansion(("国保",), ("健康", "保険"), 0.8, Reason.SYNONYM, "国保", "国民健康保険")
    >>> query = replace(parse_query("国保の届出"), expansions=(wording,))
    >>> question = Question("すみませんが、国保の届出を教えてください。", query, None)
    >>> ask_of(question, "国民健康保険に入る届出"), ask_of(question, "国保(国民健康保険)の届出")
    ('国民健康保険の届出', '国保の届出')
    """
    asked = fold(strip_politeness(question.whole or question.text)).rstrip("。 ")
    for expansion in question.query.expansions:
        if expansion.reason is Reason.EVERYDAY:
            continue  # an official word near to what was said is not what was asked
        before, after = fold(expansion.asked), fold(expansion.meant)
        if before and before not in said and after in said:
            asked = asked.replace(before, after)
    return asked


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
