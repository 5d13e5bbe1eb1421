"""What to ask next: questions near an answer that the documents answer elsewhere, each tried before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from rag.answering.question_forms import questions_of
from rag.documents import Chunk, ChunkKind, Citation, Passage
from rag.retrieval.aspects import own_words
from rag.text import bigrams, nouns, squeeze

SUGGESTIONS = 3
REACH = 8  # chunks on either side of a cited one that a question may come from
_TRIED = 12  # questions that are tried at most: each is a search
_AKIN = 0.4  # share of a question's names, by their rarity, that another one has too when both are about the same thing
_ALIKE = 0.7  # share of common character bigrams from which on two questions ask the same


class Neighbourhood(Protocol):
    """Where the chunks beside a chunk are kept."""

    def neighbours(self, ids: Sequence[str], reach: int = 1) -> dict[str, list[Chunk]]:
        """Return, for each chunk that is there, the chunks of its document at most `reach` places away, in order."""


Weighs = Callable[[Sequence[str]], Mapping[str, float]]
"""Called with words: how rare each is among the documents."""
Finds = Callable[[str], Chunk | None]
"""Called with a question: the chunk that answers it, None where nothing does."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and the chunk that it was made of."""

    question: str
    chunk: Chunk


def suggest_questions(
    asked: Sequence[str],
    passages: Sequence[Passage],
    citations: Sequence[Citation],
    neighbourhood: Neighbourhood,
    finds: Finds,
    weighs: Weighs,
    *,
    limit: int = SUGGESTIONS,
) -> tuple[str, ...]:
    """Return up to `limit` questions that are answered at the place that they were made of.

    asked: the question and the earlier ones of its conversation, as they were understood, the last one first. passages: found for it,
    best first. citations: what its answer stands on; nothing that those places answer is suggested.
    """
    cited = [
        passage.chunk for passage in passages if any(_stands_in(citation, passage.chunk) for citation in citations)
    ]
    chosen: dict[str, str] = {}
    for candidate in list(_drop_alike(_propose(asked[0], cited, passages, neighbourhood, weighs), asked))[:_TRIED]:
        if candidate.chunk.id in chosen or any(is_alike(candidate.question, other) for other in chosen.values()):
            continue
        found = finds(candidate.question)
        if found is not None and found.id == candidate.chunk.id:
            chosen[found.id] = candidate.question
        if len(chosen) == limit:
            break
    return tuple(chosen.values())


def _stands_in(citation: Citation, chunk: Chunk) -> bool:
    if citation.source != chunk.source:
        return False
    return any(
        segment.page == citation.page and span.start < segment.end and segment.start < span.end
        for segment in chunk.segments[chunk.context :]
        for span in citation.spans
    )


def _propose(
    question: str,
    cited: Sequence[Chunk],
    passages: Sequence[Passage],
    neighbourhood: Neighbourhood,
    weighs: Weighs,
) -> Iterator[Candidate]:
    """Yield candidates in turn: found by the question and about the same thing, and beside what was cited."""
    known = {chunk.id for chunk in cited}
    kin = _Kin([question, *map(_naming, cited)], weighs)
    found = [passage.chunk for passage in passages if passage.chunk.id not in known]
    near = [chunk for chunk in _around(cited, neighbourhood) if chunk.id not in known]
    about = (candidate for candidate in _make(found) if kin.has(candidate.question))
    beside = (c for c in _make(near) if c.chunk.kind is not ChunkKind.ROW or kin.has(c.question))
    for pair in zip_longest(about, beside):
        yield from (candidate for candidate in pair if candidate is not None)


class _Kin:
    """What is about the same thing as one of some texts: it has enough of the names in it, the rare ones counting most."""

    def __init__(self, texts: Sequence[str], weighs: Weighs) -> None:
        self._topics = [topic for text in texts if (topic := _names(text))]
        self._weights = weighs(sorted(set().union(*self._topics)))

    def has(self, question: str) -> bool:
        """Tell whether a question is about the same thing."""
        names = _names(question)
        return any(self._weigh(topic & names) >= _AKIN * self._weigh(topic) > 0 for topic in self._topics)

    def _weigh(self, names: Iterable[str]) -> float:
        return sum(self._weights.get(name, 0.0) for name in names)


def _around(cited: Sequence[Chunk], neighbourhood: Neighbourhood) -> list[Chunk]:
    """Return the chunks beside the cited ones that stand under the same heading as they, or are sections beside theirs; the nearest first."""
    around: dict[str, tuple[int, Chunk]] = {}
    for place in cited:
        for chunk in neighbourhood.neighbours([place.id], REACH).get(place.id, []):
            if _is_beside(chunk, place):
                around.setdefault(chunk.id, (abs(chunk.ordinal - place.ordinal), chunk))
    return [chunk for _, chunk in sorted(around.values(), key=lambda pair: (pair[0], pair[1].ordinal))]


def _is_beside(chunk: Chunk, cited: Chunk) -> bool:
    if ChunkKind.QA in (chunk.kind, cited.kind):
        return chunk.kind is cited.kind and chunk.headings == cited.headings
    depth = max(1, len(cited.headings) - 1)
    return chunk.headings[:depth] == cited.headings[:depth]


def _naming(chunk: Chunk) -> str:
    return chunk.question_text or "".join(chunk.headings[-1:])


def _names(text: str) -> set[str]:
    """Return the words that name a topic; one of a single character (税, 町) makes nothing akin."""
    return {word for word in set(nouns(text)) & set(own_words(text)) if len(word) > 1}


def _make(chunks: Iterable[Chunk]) -> Iterator[Candidate]:
    """Yield the first question of each chunk, then the second, and so on: one table must not take all the places."""
    questions = [(chunk, iter(list(dict.fromkeys(questions_of(chunk))))) for chunk in chunks]
    while questions:
        left = []
        for chunk, iterator in questions:
            if (question := next(iterator, None)) is not None:
                yield Candidate(question, chunk)
                left.append((chunk, iterator))
        questions = left


def _drop_alike(candidates: Iterable[Candidate], asked: Sequence[str]) -> Iterator[Candidate]:
    seen: set[str] = set()
    for candidate in candidates:
        if candidate.question not in seen and not any(is_alike(candidate.question, other) for other in asked):
            seen.add(candidate.question)
            yield candidate


def is_alike(one: str, other: str) -> bool:
    """Tell whether two questions ask the same in nearly the same words.

    >>> is_alike("転出届の期限は？", "転出届の期限はいつですか"), is_alike("転出届の期限は？", "転出届の手数料は？")
    (True, False)
    """
    words = set(own_words(one)), set(own_words(other))
    first, second = set(bigrams(one)), set(bigrams(other))
    shared = len(first & second) / max(1, min(len(first), len(second)))
    return squeeze(one) == squeeze(other) or (shared >= _ALIKE and words[0] == words[1])
