"""Pairs for adapting an embedder, from the corpus itself: something like a question, and the text that answers it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from rag.documents import Chunk, ChunkKind
from rag.reading.structure import is_article_caption
from rag.text import split_sentences

_MIN_SENTENCE = 10
_MIN_BODY = 10
_MOST_SENTENCES, _SENTENCE_PAIRS = 3, 3_000  # of one chunk; in all, where it is to be more than one of each
_MOST_SHARING = 10  # a heading that stands over more chunks tells none of them from the others


class PairKind(StrEnum):
    """What stands for the question of a pair."""

    QUESTION = "question"  # of a Q&A entry -> its answer
    DROPPED = "dropped"  # the same, a third of its words dropped -> question and answer
    HEADING = "heading"  # or the caption of an article -> what stands under it
    ROW = "row"  # header and first cell -> the row
    SENTENCE = "sentence"  # -> the rest of its chunk
    JUDGED = "judged"  # a question of staff -> the text that they found helpful


HARD_KINDS = (PairKind.JUDGED, PairKind.QUESTION, PairKind.SENTENCE, PairKind.HEADING)
"""Kinds whose passage does not hold the query itself: these measure."""


class Pair(NamedTuple):
    """A query and its passage. entry: the chunk that both are of; pairs of one entry are no negatives of each other."""

    query: str
    passage: str
    entry: int
    kind: PairKind


def make_pairs(chunks: Sequence[Chunk], judged: Sequence[tuple[str, str]] = (), *, seed: int = 0) -> list[Pair]:
    """Return the pairs of chunks, the same for the same seed; `entry` is the place of the chunk among them.

    judged: (question, text of the chunk) that staff found helpful; a text that is no chunk any more is left out.
    """
    sentences = max(1, min(_MOST_SENTENCES, _SENTENCE_PAIRS // max(1, len(chunks))))
    found = [
        pair for entry, c in enumerate(chunks) for pair in _pairs_of(c, entry, sentences, random.Random(seed + entry))
    ]
    found = _leave_out_shared(found)
    entries = {chunk.text: entry for entry, chunk in enumerate(chunks)}
    found += [
        Pair(question, text, entries[text], PairKind.JUDGED)
        for question, text in judged
        if question and text in entries
    ]
    return found


def _leave_out_shared(pairs: Sequence[Pair]) -> list[Pair]:
    shared = Counter(pair.query for pair in pairs if pair.kind is PairKind.HEADING)
    return [pair for pair in pairs if pair.kind is not PairKind.HEADING or shared[pair.query] <= _MOST_SHARING]


def _pairs_of(chunk: Chunk, entry: int, sentences: int, chance: random.Random) -> Iterator[Pair]:
    above = "\n".join((chunk.title, *chunk.headings))
    if chunk.kind is ChunkKind.QA and chunk.question and chunk.answer:
        question, answer = chunk.text[slice(*chunk.question)], chunk.text[slice(*chunk.answer)]
        if question.strip() and answer.strip():
            yield Pair(question, answer, entry, PairKind.QUESTION)
            yield Pair(question, f"{question}\n{answer}", entry, PairKind.DROPPED)
        body = answer
    elif chunk.kind is ChunkKind.ROW:
        header, rows = _split_rows(chunk)
        row = chance.choice(rows)
        yield Pair(f"{header}\n{row.partition(chr(9))[0]}", f"{above}\n{row}", entry, PairKind.ROW)
        return
    else:
        caption, body = _split_caption(chunk)
        if caption and len(body) >= _MIN_BODY:
            yield Pair(caption, body, entry, PairKind.HEADING)
    yield from _sentence_pairs(body, entry, sentences, chance)


def _sentence_pairs(body: str, entry: int, sentences: int, chance: random.Random) -> Iterator[Pair]:
    """Yield up to that many sentences with the rest of the text."""
    spans = [span for span in split_sentences(body) if span[1] - span[0] >= _MIN_SENTENCE]
    chosen = chance.sample(spans, min(sentences, len(spans)))
    for start, end in chosen if len(spans) >= 2 else ():
        yield Pair(body[start:end], f"{body[:start]}{body[end:]}", entry, PairKind.SENTENCE)


def _split_caption(chunk: Chunk) -> tuple[str, str]:
    """Return what stands above a text (its headings, the caption of an article; may be empty), and the text without it."""
    parts = [(s.heading, chunk.text[at : at + s.end - s.start]) for at, s in chunk.segment_offsets()]
    captions = [text for heading, text in parts if heading or is_article_caption(text)]
    body = "\n".join(text for heading, text in parts if not (heading or is_article_caption(text)))
    return "\n".join(captions) or "".join(chunk.headings[-1:]), body


def _split_rows(chunk: Chunk) -> tuple[str, list[str]]:
    """Return the header cells of a chunk of table rows, and its rows."""
    parts = [chunk.text[at : at + s.end - s.start] for at, s in chunk.segment_offsets()]
    return "\n".join(parts[: chunk.context]), parts[chunk.context :] or parts


def count_kinds(pairs: Iterable[Pair]) -> dict[str, int]:
    """Return kind -> number of pairs."""
    kinds = [pair.kind for pair in pairs]
    return {str(kind): kinds.count(kind) for kind in PairKind if kind in kinds}
