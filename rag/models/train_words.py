"""Train the vectors of words (`rag.indexing.word_vectors`), the last step of `python -m rag.models.train`.

A text answers a question when each asked word has a near one in it: the score of `rag.retrieval.likeness`, over the whole text, is
learned by InfoNCE among the texts of a batch (from question to text, and by half from text to question). Neighbours in a file
(passages of one article, topics of one manual) come into a batch together, so that near misses are among the negatives. Captions of
statutes are left out: they are no questions.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional

from rag.indexing.pieces import cut_pieces
from rag.models.pairs import read_rows
from rag.models.topics import TITLE_MARK, Topic
from rag.retrieval.query import parse_query
from rag.text import is_number, morphemes

CAPTIONS = "law_articles.jsonl.gz"
"""The file whose queries are captions."""
UNKNOWN = "[UNK]"
Ids = NDArray[np.int64]
Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordRecipe:
    """What the training does. neighbours: texts that come into a batch together; topic_rounds: how often an epoch meets a topic.

    named: how much of a word's nearness counts that stands in the title, as in the reranker. max_words: of a text; max_chars: so
    much of it is read.
    """

    dimension: int = 128
    temperature: float = 0.05
    batch_size: int = 128
    neighbours: int = 8
    learning_rate: float = 0.003
    epochs: int = 2
    topic_rounds: int = 4
    named: float = 0.7
    max_words: int = 160
    max_chars: int = 600
    seed: int = 0


class Asked(NamedTuple):
    """A text under its title, and the questions that it answers. is_topic: whether it is one of our own topics."""

    title: str
    text: str
    questions: tuple[str, ...]
    is_topic: bool


class _Words(NamedTuple):
    """The same in words: numbers of words, and how much of their nearness counts."""

    ids: Ids
    factors: Table
    questions: list[Ids]
    is_topic: bool


def read_asked(data: Path, topics: Sequence[Topic]) -> list[Asked]:
    """Return the texts of every *.jsonl.gz of a folder but that of captions, and the topics, in the order of the files."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(data.glob("*.jsonl.gz")):
        if file.name != CAPTIONS:
            for row in read_rows(file):
                found.setdefault((row["title"], row["passage"]), []).append(row["query"])
    pairs = [Asked(title, text, tuple(questions), False) for (title, text), questions in found.items()]
    return pairs + [Asked(t.title.replace(TITLE_MARK, "\n"), t.passage, t.questions, True) for t in topics]


def train_words(tokenizer: Tokenizer, start: Table, asked: Sequence[Asked], recipe: WordRecipe) -> Table:
    """Return the learned table, shape (pieces, dimension). start: the table of the text vectors, which it begins from."""
    torch.manual_seed(recipe.seed)
    texts, words = _number_texts(asked, recipe)
    learner = _Learner(
        words, _weigh(texts, len(words)), tokenizer, _reduce(start, recipe.dimension), recipe.temperature
    )
    batches = [batch for _ in range(recipe.epochs) for batch in _draw(texts, recipe)]
    optimizer = torch.optim.Adam(learner.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=len(batches))
    for step, batch in enumerate(batches):
        loss = learner.loss([texts[text] for text, _ in batch], [texts[text].questions[q] for text, q in batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"words {step}/{len(batches)} loss {loss.item():.3f}", file=sys.stderr)
    return np.asarray(learner.table.detach().numpy(), dtype=np.float32)


def _number_texts(asked: Sequence[Asked], recipe: WordRecipe) -> tuple[list[_Words], list[str]]:
    """Return the texts as numbers of words, those without words left out, and the words by their numbers."""
    with multiprocessing.Pool() as pool:
        found = pool.starmap(_analyze, [(one, recipe.max_chars) for one in asked], chunksize=500)
    numbers: dict[str, int] = {}
    texts = []
    for one, (title, body, questions) in zip(asked, found, strict=True):
        named = [word for word in title if word not in body]
        ids = _number([*body, *named], numbers)[: recipe.max_words]
        factors = np.array([1.0] * len(body) + [recipe.named] * len(named), dtype=np.float32)[: recipe.max_words]
        known = [_number(words, numbers) for words in questions if words]
        if len(ids) and known:
            texts.append(_Words(ids, factors, known, one.is_topic))
    return texts, list(numbers)


def _analyze(one: Asked, max_chars: int) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    title, body = (list(dict.fromkeys(morphemes(text))) for text in (one.title, one.text[:max_chars]))
    return title, body, [parse_query(question[: max_chars // 2]).terms for question in one.questions]


def _number(words: Sequence[str], numbers: dict[str, int]) -> Ids:
    return np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)


def _weigh(texts: Sequence[_Words], words: int) -> Table:
    """Return the inverse document frequency of each word, as in BM25."""
    counts: Mapping[int, int] = Counter(chain.from_iterable(text.ids.tolist() for text in texts))
    held = np.array([counts.get(word, 0) for word in range(words)])
    return np.log(1 + (len(texts) - held + 0.5) / (held + 0.5)).astype(np.float32)


def _reduce(table: Table, dimension: int) -> torch.Tensor:
    """Return a table turned to its main directions and cut to a dimension, of mean length 1."""
    rows = torch.from_numpy(table.copy())
    if dimension < rows.shape[1]:
        rows = rows @ torch.linalg.svd(rows, full_matrices=False)[2][:dimension].T
    reduced: torch.Tensor = rows / rows.norm(dim=1).mean()
    return reduced


def _draw(texts: Sequence[_Words], recipe: WordRecipe) -> Iterator[list[tuple[int, int]]]:
    """Yield the batches of an epoch: texts, each once in a batch, and one question of each."""
    generator = np.random.default_rng(int(torch.randint(2**31, ()).item()))
    order = [n for turn in range(recipe.topic_rounds) for n, text in enumerate(texts) if turn == 0 or text.is_topic]
    first = int(generator.integers(recipe.neighbours))
    groups = [order[:first], *(order[n : n + recipe.neighbours] for n in range(first, len(order), recipe.neighbours))]
    shuffled = [groups[n] for n in generator.permutation(len(groups))]
    together = recipe.batch_size // recipe.neighbours
    for start in range(0, len(shuffled) - together + 1, together):
        chosen = dict.fromkeys(chain.from_iterable(shuffled[start : start + together]))
        yield [(text, int(generator.integers(len(texts[text].questions)))) for text in chosen]


class _Learner(torch.nn.Module):
    """The table that is learned. weights: of the words, by their rarity."""

    def __init__(
        self, words: Sequence[str], weights: Table, tokenizer: Tokenizer, table: torch.Tensor, temperature: float
    ) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(table)
        self.sharpness = torch.nn.Parameter(torch.tensor(-np.log(temperature)).float())
        self._weights = torch.from_numpy(weights)
        self._pieces: Sequence[NDArray[np.integer[Any]]] = cut_pieces(words, tokenizer)
        self._unknown = tokenizer.token_to_id(UNKNOWN)  # its row stays as it began: zero
        self._is_number = torch.tensor([is_number(word) for word in words])

    def loss(self, texts: Sequence[_Words], questions: Sequence[Ids]) -> torch.Tensor:
        """Return InfoNCE, that of the texts counting half: each question belongs to the text at its place."""
        used = np.unique(np.concatenate([*(text.ids for text in texts), *questions]))
        terms = torch.from_numpy(np.searchsorted(used, np.concatenate(questions)))
        owners = torch.from_numpy(np.repeat(np.arange(len(questions)), [len(question) for question in questions]))
        near = self._find_nearest(self._compare(used, terms), [np.searchsorted(used, t.ids) for t in texts], texts)
        weights = self._weights[torch.from_numpy(used)][terms]
        totals = torch.zeros(len(questions)).index_add(0, owners, weights)
        shares = (weights / totals[owners])[:, None]
        scores = torch.zeros(len(questions), len(texts)).index_add(0, owners, near * shares) * self.sharpness.exp()
        target = torch.arange(len(texts))
        return functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target) / 2

    def _compare(self, used: Ids, terms: torch.Tensor) -> torch.Tensor:
        """Return how near each used word comes to each term, shape (terms, used): as `Likeness` does."""
        pieces = [self._pieces[word] for word in used]
        starts = np.cumsum([0, *map(len, pieces)])[:-1]
        sums = functional.embedding_bag(
            torch.from_numpy(np.concatenate(pieces)),
            self.table,
            torch.from_numpy(starts),
            mode="sum",
            padding_idx=self._unknown,
        )
        vectors, numbers = functional.normalize(sums, dim=1), self._is_number[torch.from_numpy(used)]
        near = (vectors[terms] @ vectors.T).clamp(min=0).masked_fill(numbers[None, :] | numbers[terms][:, None], 0.0)
        return near.masked_fill(terms[:, None] == torch.arange(len(used))[None, :], 1.0)

    def _find_nearest(self, near: torch.Tensor, places: Sequence[Ids], texts: Sequence[_Words]) -> torch.Tensor:
        """Return how near the nearest word of each text comes to each term, shape (terms, texts)."""
        longest = max(map(len, places))
        words = torch.from_numpy(np.stack([np.pad(place, (0, longest - len(place))) for place in places]))
        factors = torch.from_numpy(np.stack([np.pad(t.factors, (0, longest - len(t.factors))) for t in texts]))
        with torch.no_grad():
            best = (near[:, words.flatten()].reshape(len(near), *words.shape) * factors).argmax(dim=2)
        rows = torch.arange(len(texts))[None, :]
        return torch.gather(near, 1, words[rows, best]) * factors[rows, best]
