"""The sentences of chunks as the index knows them: where each stands, its words, its pieces; nothing is read or cut anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.documents import Chunk, Span
from rag.indexing.lexical import LexicalEntry, name_of
from rag.indexing.pieces import unpack_pieces, vocabulary_of
from rag.text import fold, split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.indexing.pieces import Pieces

MOST_SENTENCES = 12  # of a chunk that are embedded: a long answer says early what it is about


def embed_sentences(
    chunks: Sequence[Chunk], entries: Sequence[LexicalEntry], embedder: Embedder
) -> tuple[NDArray[np.float32], list[int]]:
    """Return the vectors of the name of each chunk and of its first sentences, and how many vectors are of each chunk.

    The pieces that are kept with the words are summed; an embedder of another vocabulary reads the sentences.
    """
    if embedder.vocabulary == vocabulary_of():
        pieces = [unpack_pieces(entry.pieces)[: MOST_SENTENCES + 1] for entry in entries]
        return embedder.embed_pieces([text for texts in pieces for text in texts]), list(map(len, pieces))
    texts = [
        [fold(name_of(chunk)), *entry.folded.split("\n")[:MOST_SENTENCES]]
        for chunk, entry in zip(chunks, entries, strict=True)
    ]
    return embedder.embed_folded([text for of_chunk in texts for text in of_chunk]), list(map(len, texts))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence [start, end) of a chunk's text: its content words, its folded text, and its pieces of the default vocabulary."""

    start: int
    end: int
    words: frozenset[str]
    folded: str
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class KnownText:
    """What the index knows of a chunk: the words of its title, headings and question, and its sentences."""

    title: frozenset[str]
    headings: frozenset[str]
    question: frozenset[str]
    sentences: tuple[Sentence, ...]

    @classmethod
    def of(cls, chunk: Chunk, entry: LexicalEntry) -> KnownText:
        """Put together what `analyze` made of a chunk."""
        parts = zip(entry.body.split("\n"), entry.folded.split("\n"), unpack_pieces(entry.pieces)[1:], strict=False)
        sentences = [
            Sentence(start, end, frozenset(words.split()), folded, pieces)
            for (start, end), (words, folded, pieces) in zip(split_sentences(chunk.text), parts, strict=True)
        ]
        title, headings, question = (frozenset(text.split()) for text in (entry.title, entry.headings, entry.question))
        return cls(title, headings, question, tuple(sentences))

    def within(self, start: int, end: int) -> tuple[Sentence, ...]:
        """Return the sentences of a stretch [start, end) of the text, those too of which it has a part."""
        return tuple(self.sentences[number] for number in self.numbers_within(start, end))

    def numbers_within(self, start: int, end: int) -> list[int]:
        """Return the numbers of the same sentences."""
        return [n for n, sentence in enumerate(self.sentences) if sentence.start < end and start < sentence.end]

    @property
    def around(self) -> frozenset[str]:
        """The words of title, headings and question."""
        return self.title | self.headings | self.question

    @property
    def words(self) -> frozenset[str]:
        """All words."""
        return self.around.union(*(sentence.words for sentence in self.sentences))

    def words_within(self, start: int, end: int) -> frozenset[str]:
        """Return the content words of a stretch."""
        return frozenset().union(*(sentence.words for sentence in self.within(start, end)))


def embed_stretches(
    stretches: Sequence[tuple[Chunk, Sequence[Span]]], known: Mapping[str, KnownText], embedder: Embedder
) -> NDArray[np.float32]:
    """Return the vectors of stretches of chunks' texts, shape (stretches, dimension). known: chunk id -> its text.

    The pieces of whole sentences are summed; an embedder of another vocabulary reads the text.
    """
    if embedder.vocabulary != vocabulary_of():
        return embedder.embed_documents(
            ["\n".join(chunk.text[slice(*span)] for span in spans) for chunk, spans in stretches]
        )
    import numpy as np

    none = np.zeros(0, dtype=np.int64)
    parts = ([s.pieces for span in spans for s in known[chunk.id].within(*span)] for chunk, spans in stretches)
    return embedder.embed_pieces([np.concatenate([none, *pieces]) for pieces in parts])
