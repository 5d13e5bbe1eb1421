"""What the reader learns from: the pairs and our topics as pieces, sequences to guess from, and questions with near wrong passages.

Every passage, with or without questions, is a document of its own: a name (title, headings) and sentences. Whole groups of documents
(a manual, an article of the encyclopedia) are kept back from all learning, to be measured by.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import IterableDataset, get_worker_info

from rag.indexing.pieces import cut_pieces
from rag.models.pairs import BOILERPLATE_CAPTIONS, read_rows
from rag.models.topics import TITLE_MARK, Topic
from rag.retrieval.reader_input import PAD, PIECES, lay_out
from rag.text import fold, split_sentences

if TYPE_CHECKING:
    from rag.indexing.pieces import Pieces

Ids = NDArray[np.int64]
Table = NDArray[np.float32]
Batch = tuple[torch.Tensor, ...]
"""The ids and the segments of some rows, int64, shape (rows, length), then what else is known of them."""

TOPICS, COUNCIL, COUNCIL_QUESTIONS, BULLETINS = "topics", "kiryu_council", "kiryu_council_questions", "bulletin"
"""Sources that are not read as a file of questions is. What is asked in a council is as long as its answer: both are documents."""
_NO_PIECES: Ids = np.zeros(0, dtype=np.int64)
_MAX_SENTENCES = 128  # of a document that are looked at; more do not fit
_COMPARED_PIECES = 220  # of a document, after its name, when near ones are looked for
_LEXICAL, _DENSE = 0.55, 0.9  # what shared pieces and vectors count
_SAME = 0.93  # the cosine from which on two documents may both be right
_QUESTIONS_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of documents. name: TOPICS, COUNCIL_QUESTIONS, or that of its file without .jsonl.gz.

    sequences: how much one of its documents weighs among those to guess from. teacher, student: the share of batches whose questions are
    its own, batch: questions a batch. general, general_batch: the same of the two networks that ship. kept_back: one group in so many
    is kept back; 0 for none.
    """

    name: str
    sequences: float
    teacher: float = 0.0
    student: float = 0.0
    batch: int = 48
    general: float = 0.0
    general_batch: int = 32
    kept_back: int = 0


class Text(NamedTuple):
    """A document as it was read. source: its place among the sources."""

    source: int
    group: str
    name: str
    body: str
    questions: tuple[str, ...]


class PieceTexts:
    """Many texts as pieces, in one array that the processes of a loader share."""

    def __init__(self, texts: Sequence[Pieces]) -> None:
        self.lengths: Ids = np.array([len(text) for text in texts], dtype=np.int64)
        self._starts = np.concatenate([[0], self.lengths.cumsum()])
        self._pieces = np.concatenate([_NO_PIECES, *texts]).astype(np.uint16)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, text: int) -> Pieces:
        return self._pieces[self._starts[text] : self._starts[text + 1]]

    def span(self, first: int, last: int) -> Pieces:
        """Return the pieces of the texts from `first` to before `last`, one after the other."""
        return self._pieces[self._starts[first] : self._starts[last]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents and their questions. first_sentence, first_question: of each document, and behind the last one.

    sources: of each document; owners: the document of each question; is_kept_back, is_answer: of each document, whether it is for
    measuring alone, and whether it may answer anything.
    """

    names: PieceTexts
    sentences: PieceTexts
    questions: PieceTexts
    first_sentence: Ids
    first_question: Ids
    sources: Ids
    owners: Ids
    is_kept_back: NDArray[np.bool_]
    is_answer: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sources)

    def lay_out(
        self, question: int | None, document: int, *, most: int, first: int = 0, is_named: bool = True
    ) -> tuple[list[int], list[int]]:
        """Return the ids and segments of a question, or none, and a document from its sentence `first` on."""
        start, end = self.first_sentence[document] + first, self.first_sentence[document + 1]
        asked = _NO_PIECES if question is None else self.questions[question]
        sentences = [self.sentences[number] for number in range(start, min(end, start + _MAX_SENTENCES))]
        ids, segments, _ = lay_out(asked, self.names[document] if is_named else _NO_PIECES, sentences, most=most)
        return ids, segments

    def select_questions(self, source: int, *, kept_back: bool) -> Ids:
        """Return the questions of a source that are for learning, or those for measuring."""
        chosen = (self.sources == source) & (self.is_kept_back == kept_back) & self.is_answer
        return np.flatnonzero(chosen[self.owners] & (self.questions.lengths > 0))


def read_texts(data: Path, topics: Sequence[Topic], sources: Sequence[Source]) -> list[Text]:
    """Return the documents of every source: a passage comes once with all of its questions.

    The program ends with a message where a file is missing.
    """
    missing = [
        str(file) for source in sources if source.name != TOPICS and not (file := _file_of(data, source)).is_file()
    ]
    if missing:
        sys.exit(f"学習データがありません: {'、'.join(missing)}")
    return list(chain.from_iterable(_read_source(data, topics, number, one) for number, one in enumerate(sources)))


def _file_of(data: Path, source: Source) -> Path:
    return data / f"{COUNCIL if source.name == COUNCIL_QUESTIONS else source.name}.jsonl.gz"


def _read_source(data: Path, topics: Sequence[Topic], number: int, source: Source) -> Iterator[Text]:
    if source.name == TOPICS:
        for topic in topics:
            name = topic.title.replace(TITLE_MARK, "\n")
            yield Text(number, name.split("\n")[0], name, topic.passage, topic.questions)
        return
    found: dict[tuple[str, str], list[str]] = {}
    for row in read_rows(_file_of(data, source)):
        found.setdefault((row["title"], row["passage"]), []).append(row["query"])
    for (title, passage), queries in found.items():
        if source.name == COUNCIL_QUESTIONS:
            yield Text(number, "", "", queries[0], ())
        else:
            asked = () if source.name == COUNCIL else tuple(q for q in queries if not q.endswith(BOILERPLATE_CAPTIONS))
            yield Text(number, title, "" if source.name == BULLETINS else title, passage, asked)


def build_corpus(texts: Sequence[Text], sources: Sequence[Source], *, seed: int) -> Corpus:
    """Return the documents, folded and cut into pieces."""
    with multiprocessing.Pool() as pool:
        folded = pool.map(_fold_text, texts, chunksize=500)
    sentences = PieceTexts(cut_pieces([sentence for _, body, _ in folded for sentence in body]))
    firsts = np.cumsum([0, *(len(body) for _, body, _ in folded)])
    questions = np.array([len(asked) for _, _, asked in folded])
    of = np.array([text.source for text in texts])
    silent = np.array([source.name == COUNCIL_QUESTIONS for source in sources])
    has_pieces = [len(sentences.span(start, end)) > 0 for start, end in pairwise(firsts)]
    return Corpus(
        names=PieceTexts(cut_pieces([name for name, _, _ in folded])),
        sentences=sentences,
        questions=PieceTexts(cut_pieces([question for _, _, asked in folded for question in asked])),
        first_sentence=firsts,
        first_question=np.cumsum([0, *questions]),
        sources=of,
        owners=np.repeat(np.arange(len(texts)), questions),
        is_kept_back=_keep_back(texts, sources, np.random.default_rng(seed)),
        is_answer=np.array(has_pieces) & ~silent[of],
    )


def _fold_text(text: Text) -> tuple[str, list[str], list[str]]:
    sentences = [fold(text.body[start:end]) for start, end in split_sentences(text.body)]
    return fold(text.name), [one for one in sentences if one.strip()], [fold(question) for question in text.questions]


def _keep_back(texts: Sequence[Text], sources: Sequence[Source], generator: np.random.Generator) -> NDArray[np.bool_]:
    kept: set[tuple[int, str]] = set()
    for number, source in enumerate(sources):
        if source.kept_back:
            groups = list(dict.fromkeys(text.group for text in texts if text.source == number))
            chosen = generator.permutation(len(groups))[: len(groups) // source.kept_back]
            kept |= {(number, groups[group]) for group in chosen}
    return np.array([(text.source, text.group) in kept for text in texts])


def find_near(corpus: Corpus, table: Table, *, count: int, device: str) -> NDArray[np.int32]:
    """Return for each question the wrong documents that look most like right ones, nearest first, shape (questions, count).

    They share rare pieces (as BM25 counts them) and are near by the static embedder. table: its vectors of pieces. -1 fills up where
    there are no more. Neither the right document nor what says about the same is among them.
    """
    search = _Search(corpus, torch.from_numpy(table).to(device))
    near = np.full((len(corpus.questions), count), -1, dtype=np.int32)
    asked = np.flatnonzero(corpus.questions.lengths)
    for start in range(0, len(asked), _QUESTIONS_AT_ONCE):
        part = asked[start : start + _QUESTIONS_AT_ONCE]
        found = search.find([corpus.questions[question] for question in part], corpus.owners[part], count)
        near[part, : found.shape[1]] = found
    return near


class _Search:
    """All documents as vectors and as sets of pieces."""

    def __init__(self, corpus: Corpus, table: torch.Tensor) -> None:
        firsts = corpus.first_sentence
        texts = [
            np.concatenate([corpus.names[n], corpus.sentences.span(firsts[n], firsts[n + 1])[:_COMPARED_PIECES]])
            for n in range(len(corpus))
        ]
        self._table, self._device = table, table.device
        self._vectors = self._embed(texts)
        held, lengths = [np.unique(text) for text in texts], np.array([len(text) for text in texts])
        counts = np.bincount(np.concatenate(held), minlength=PIECES)
        self._rarity = self._send(np.log(1 + (len(texts) - counts + 0.5) / (counts + 0.5)).astype(np.float32))
        places = np.stack([np.repeat(np.arange(len(texts)), [len(one) for one in held]), np.concatenate(held)])
        weights = (2.2 / (1 + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))).astype(np.float32)
        size = (len(texts), PIECES)
        self._held = torch.sparse_coo_tensor(
            self._send(places), self._send(weights[places[0]]), size, check_invariants=True
        ).coalesce()
        self._is_answer = self._send(corpus.is_answer)

    def find(self, questions: Sequence[Pieces], owners: Ids, count: int) -> Ids:
        own = self._send(owners)
        lexical = torch.sparse.mm(self._held, self._weigh(questions).T).T
        lexical = lexical / lexical.amax(dim=1, keepdim=True).clamp(min=1e-6)
        scores = _LEXICAL * lexical + _DENSE * self._embed(questions) @ self._vectors.T
        scores[:, ~self._is_answer] = -torch.inf
        scores[self._vectors[own] @ self._vectors.T > _SAME] = -torch.inf
        scores[torch.arange(len(own), device=self._device), own] = -torch.inf
        best, found = scores.topk(min(count, scores.shape[1]), dim=1)
        documents: Ids = found.masked_fill(best.isinf(), -1).cpu().numpy()
        return documents

    def _weigh(self, questions: Sequence[Pieces]) -> torch.Tensor:
        weights = torch.zeros(len(questions), PIECES, device=self._device)
        rows = np.repeat(np.arange(len(questions)), [len(question) for question in questions])
        weights[self._send(rows), self._send(np.concatenate(questions).astype(np.int64))] = 1.0
        return weights * self._rarity

    def _embed(self, texts: Sequence[Pieces]) -> torch.Tensor:
        starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
        pieces = self._send(np.concatenate(texts).astype(np.int64))
        return functional.normalize(functional.embedding_bag(pieces, self._table, self._send(starts), mode="sum"))

    def _send(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)


class Sequences(IterableDataset[Batch]):
    """Full rows of questions and documents, one after the other, for guessing masked pieces. Never ends."""

    def __init__(self, corpus: Corpus, sources: Sequence[Source], *, rows: int, length: int, seed: int) -> None:
        self._corpus, self._rows, self._length, self._seed = corpus, rows, length, seed
        firsts = corpus.first_sentence
        pieces = np.array([len(corpus.sentences.span(firsts[n], firsts[n + 1])) for n in range(len(corpus))])
        weights = np.sqrt(pieces.clip(1, 2_000)) * np.array([source.sequences for source in sources])[corpus.sources]
        weights = weights * (firsts[1:] > firsts[:-1]) * ~corpus.is_kept_back
        self._shares = np.cumsum(weights / weights.sum())

    def __iter__(self) -> Iterator[Batch]:
        generator = worker_generator(self._seed)
        while True:
            yield pad_rows([self._fill_row(generator) for _ in range(self._rows)])

    def _fill_row(self, generator: np.random.Generator) -> tuple[list[int], list[int]]:
        ids: list[int] = []
        segments: list[int] = []
        while len(ids) < self._length:
            document = min(int(np.searchsorted(self._shares, generator.random())), len(self._corpus) - 1)
            more, theirs = self._take(document, self._length - len(ids), generator)
            ids, segments = ids + more, segments + theirs
        return ids[: self._length], segments[: self._length]

    def _take(self, document: int, most: int, generator: np.random.Generator) -> tuple[list[int], list[int]]:
        """Return a document, seven times of ten under one of its questions; a long one mostly from somewhere within."""
        corpus = self._corpus
        question, end = (int(corpus.first_question[n]) for n in (document, document + 1))
        asks = end > question and generator.random() < 0.7
        sentences = int(corpus.first_sentence[document + 1] - corpus.first_sentence[document])
        first = int(generator.integers(sentences)) if sentences > 6 and generator.random() < 0.8 else 0
        asked = int(generator.integers(question, end)) if asks else None
        return corpus.lay_out(asked, document, most=most, first=first)


class QuestionLists(IterableDataset[Batch]):
    """Questions of one source at a time, each with `choices` documents in as many rows, the right one first. Never ends.

    All but one of the wrong ones are drawn from the nearest `deep` ones, the last from all documents, as are all of those of the
    questions which have no near ones; one question in ten comes without the names of the documents.
    """

    def __init__(
        self,
        corpus: Corpus,
        near: NDArray[np.int32],
        sources: Sequence[Source],
        shares: Sequence[float],
        *,
        choices: int,
        deep: int,
        most: int,
        seed: int,
    ) -> None:
        self._corpus, self._near, self._sources = corpus, near[:, :deep], sources
        self._shares = np.array(shares) / np.sum(shares)
        self._choices, self._most, self._seed = choices, most, seed
        self._questions = [corpus.select_questions(number, kept_back=False) for number in range(len(sources))]
        self._answers = np.flatnonzero(corpus.is_answer)

    def __iter__(self) -> Iterator[Batch]:
        generator = worker_generator(self._seed)
        while True:
            source = int(generator.choice(len(self._sources), p=self._shares))
            rows = []
            for question in generator.choice(self._questions[source], self._sources[source].batch):
                is_named = generator.random() >= 0.1
                documents = [int(self._corpus.owners[question]), *self.draw_wrong(int(question), generator)]
                rows += [self._corpus.lay_out(question, n, most=self._most, is_named=is_named) for n in documents]
            yield pad_rows(rows)

    def draw_wrong(self, question: int, generator: np.random.Generator) -> list[int]:
        """Return `choices` - 1 documents that do not answer a question."""
        near = self._near[question]
        near = near[near >= 0]
        wrong: list[int] = generator.choice(near, min(self._choices - 2, len(near)), replace=False).tolist()
        while len(wrong) < self._choices - 1:
            other = int(generator.choice(self._answers))
            if other != self._corpus.owners[question]:
                wrong.append(other)
        return wrong


def worker_generator(seed: int) -> np.random.Generator:
    """Return a generator that draws otherwise in each process of a loader."""
    info = get_worker_info()
    return np.random.default_rng([seed, info.id if info else 0])


def pad_rows(rows: Sequence[tuple[list[int], list[int]]]) -> Batch:
    """Return rows of ids and segments as tensors, filled up to the longest one.

    >>> pad_rows([([7, 8], [0, 2]), ([9], [0])])[0].tolist()
    [[7, 8], [9, 32000]]
    """
    length = max(len(ids) for ids, _ in rows)
    ids, segments = np.full((len(rows), length), PAD, np.int64), np.zeros((len(rows), length), np.int64)
    for row, (theirs, of) in enumerate(rows):
        ids[row, : len(theirs)], segments[row, : len(of)] = theirs, of
    return torch.from_numpy(ids), torch.from_numpy(segments)
