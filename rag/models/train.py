"""Train the default embedder again, from random weights: `python -m rag.models.train --data DIR --topics DIR [--output DIR]`.

--data holds `*.jsonl.gz` with {"query", "title", "passage"} a line; --topics our own texts of what people say at home and what a
town hall calls it (see rag.models.topics). Three steps, all seeded: a Unigram vocabulary, then one vector per piece, learned by
symmetric in-batch InfoNCE over the pairs (question -> passage, heading -> body, caption -> article) and over sentence pairs (one
sentence -> the rest of its passage), all folded; then the vectors of words (rag.models.train_words). The result needs numpy and
tokenizers only.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch.nn import functional
from torch.nn.utils import parametrize

from rag.indexing.embedding import DEFAULT_MODEL, write_static_model
from rag.indexing.word_vectors import WORDS_FILE, write_rows
from rag.models.pairs import BOILERPLATE_CAPTIONS, Row, read_rows
from rag.models.topics import TITLE_MARK, Topic, read_topics
from rag.models.train_words import UNKNOWN, WordRecipe, read_asked, train_words
from rag.text import fold, split_sentences

# One run of one script, or one number; what lies between (punctuation, blanks) is dropped.
WORD_PATTERN = r"[\p{Han}々〆ヶ]+|[\p{Hiragana}ー]+|[\p{Katakana}ー]+|[0-9]+|[\p{L}\p{M}]+"
IdArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the training does. max_chars: texts are cut there, about the length of a chunk. initial_scale: of the table.

    topic_repeats: how often an epoch meets the questions of the topics; they are few beside the other pairs.
    """

    vocabulary_size: int = 32_000
    vocabulary_chars: int = 12_000_000
    dimension: int = 256
    initial_scale: float = 0.3
    temperature: float = 0.08
    batch_size: int = 2_048
    learning_rate: float = 0.02
    epochs: int = 3
    max_chars: int = 400
    sentence_pairs: int = 20_000
    topic_repeats: int = 2
    dense_weight: float = 0.3
    seed: int = 0


class Pair(NamedTuple):
    """A question and the text that answers it; pairs of one `group` are no negatives of each other."""

    query: str
    passage: str
    group: int


def read_pairs(folder: Path, recipe: Recipe) -> list[Pair]:
    """Return the pairs of every file, and sentence pairs made from their passages."""
    files = sorted(folder.glob("*.jsonl.gz"))
    rows = [row for file in files for row in read_rows(file)]
    rows = [row for row in rows if not row["query"].endswith(BOILERPLATE_CAPTIONS)]
    if not rows:
        sys.exit(f"学習データ（*.jsonl.gz）がありません: {folder}")
    groups = {passage: number for number, passage in enumerate(dict.fromkeys(row["passage"] for row in rows))}
    pairs = [Pair(row["query"], _with_title(row), groups[row["passage"]]) for row in rows]
    passages = random.Random(recipe.seed).sample(list(groups.items()), len(groups))
    sentences = (pair for passage, group in passages if (pair := _take_sentence(passage, group, recipe)))
    pairs += [pair for _, pair in zip(range(recipe.sentence_pairs), sentences, strict=False)]
    return [
        Pair(fold(pair.query[: recipe.max_chars]), fold(pair.passage[: recipe.max_chars]), pair.group) for pair in pairs
    ]


def pair_topics(topics: Sequence[Topic], recipe: Recipe, first_group: int) -> list[Pair]:
    """Return each question of the topics, and its title, with the official text, as often as the recipe says."""
    pairs = []
    for group, topic in enumerate(topics, start=first_group):
        whole = f"{topic.title.replace(TITLE_MARK, chr(10))}\n{topic.passage}"[: recipe.max_chars]
        pairs += [Pair(fold(question), fold(whole), group) for question in topic.questions]
        pairs.append(Pair(fold(topic.title), fold(topic.passage), group))
    return pairs * recipe.topic_repeats


def _with_title(row: Row) -> str:
    if not row["title"] or row["title"] in row["query"]:
        return row["passage"]
    return f"{row['title']}\n{row['passage']}"


def _take_sentence(passage: str, group: int, recipe: Recipe) -> Pair | None:
    """Return one sentence of a passage as the question to the rest, None where there are fewer than three."""
    passage = passage[: recipe.max_chars]
    spans = [span for span in split_sentences(passage) if span[1] - span[0] >= 10]
    if len(spans) < 3:
        return None
    start, end = random.Random(recipe.seed + group).choice(spans)
    return Pair(passage[start:end], passage[:start] + passage[end:], group)


def train_tokenizer(texts: Sequence[str], recipe: Recipe) -> Tokenizer:
    """Return a Unigram tokenizer of the first `vocabulary_chars` characters of the shuffled texts."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="removed", invert=True)
    trainer = trainers.UnigramTrainer(
        vocab_size=recipe.vocabulary_size,
        max_piece_length=8,
        unk_token=UNKNOWN,
        special_tokens=[UNKNOWN],
        show_progress=False,
    )
    shuffled = random.Random(recipe.seed).sample(list(dict.fromkeys(texts)), len(dict.fromkeys(texts)))
    tokenizer.train_from_iterator(_take_chars(shuffled, recipe.vocabulary_chars), trainer)
    return tokenizer


def _take_chars(texts: Sequence[str], limit: int) -> Iterator[str]:
    for text in texts:
        if limit <= 0:
            return
        limit -= len(text)
        yield text


class PieceWeight(torch.nn.Module):
    """Multiply each row of the table by a learned weight; folded into the table when it is read."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(pieces, 1))

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return table * self.weight


def train_table(tokenizer: Tokenizer, pairs: Sequence[Pair], recipe: Recipe) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the learned table, shape (pieces, dimension), the row of the unknown piece zero."""
    torch.manual_seed(recipe.seed)
    table = torch.randn(tokenizer.get_vocab_size(), recipe.dimension) * recipe.initial_scale
    static = StaticEmbedding(tokenizer, embedding_weights=table)
    parametrize.register_parametrization(static.embedding, "weight", PieceWeight(tokenizer.get_vocab_size()))
    model = SentenceTransformer(modules=[static, Normalize()], device="cpu")
    queries, passages = (_encode(tokenizer, texts) for texts in ([p.query for p in pairs], [p.passage for p in pairs]))
    groups = torch.tensor([pair.group for pair in pairs])
    steps = recipe.epochs * (len(pairs) // recipe.batch_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
    for step, batch in enumerate(_batches(len(pairs), recipe)):
        loss = _loss(
            model, [queries[i] for i in batch], [passages[i] for i in batch], groups[batch], recipe.temperature
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            print(f"{step}/{steps} loss {loss.item():.3f}", file=sys.stderr)
    learned = static.embedding.weight.detach().numpy().copy()
    learned[tokenizer.token_to_id(UNKNOWN)] = 0.0
    return learned


def _encode(tokenizer: Tokenizer, texts: list[str]) -> list[IdArray]:
    return [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch_fast(texts)]


def _batches(count: int, recipe: Recipe) -> Iterator[torch.Tensor]:
    for _ in range(recipe.epochs):
        whole = count - count % recipe.batch_size
        yield from torch.randperm(count)[:whole].reshape(-1, recipe.batch_size)


def _loss(
    model: SentenceTransformer,
    queries: list[IdArray],
    passages: list[IdArray],
    groups: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Return symmetric InfoNCE; other pairs of the same passage are masked."""
    scores = _embed(model, queries) @ _embed(model, passages).T / temperature
    same = (groups[:, None] == groups[None, :]) & ~torch.eye(len(groups), dtype=torch.bool)
    scores = scores.masked_fill(same, -torch.inf)
    target = torch.arange(len(groups))
    return (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2


def _embed(model: SentenceTransformer, texts: list[IdArray]) -> torch.Tensor:
    starts = np.cumsum([0] + [len(ids) for ids in texts[:-1]])
    features = {"input_ids": torch.from_numpy(np.concatenate(texts)), "offsets": torch.from_numpy(starts)}
    vectors: torch.Tensor = model(features)["sentence_embedding"]
    return vectors


def main() -> None:
    """Train and write the model; the tokenizer of `--tokenizer` is used where one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="学習データ（*.jsonl.gz）のフォルダー")
    parser.add_argument("--topics", type=Path, required=True, help="話題の文（*.txt）のフォルダー")
    parser.add_argument("--output", type=Path, default=DEFAULT_MODEL, help="モデルを書き込むフォルダー")
    parser.add_argument("--tokenizer", type=Path, help="作成済みの tokenizer.json（語彙の学習を省く）")
    arguments = parser.parse_args()
    started, recipe = time.monotonic(), Recipe()
    pairs = read_pairs(arguments.data, recipe)
    topics = read_topics(arguments.topics)
    pairs += pair_topics(topics, recipe, 1 + max(pair.group for pair in pairs))
    if arguments.tokenizer:
        tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    else:
        tokenizer = train_tokenizer([text for pair in pairs for text in pair[:2]], recipe)
    print(f"{len(pairs)} pairs, vocabulary after {time.monotonic() - started:.0f} s", file=sys.stderr)
    table = train_table(tokenizer, pairs, recipe)
    print(f"texts after {time.monotonic() - started:.0f} s", file=sys.stderr)
    words = train_words(tokenizer, table, read_asked(arguments.data, topics), WordRecipe())
    write_static_model(arguments.output, tokenizer, table, name="shirube-ja-static", dense_weight=recipe.dense_weight)
    write_rows(arguments.output / WORDS_FILE, words)
    print(f"{arguments.output}: {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
