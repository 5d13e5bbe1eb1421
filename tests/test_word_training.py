"""The training of word vectors: questions pull the words of their texts near, captions are no questions, and twice is the same."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.indexing.pieces import DEFAULT_MODEL, TOKENIZER_FILE
from rag.indexing.word_vectors import WordVectors
from rag.models.topics import Topic
from rag.models.train_words import Asked, WordRecipe, read_asked, train_words
from rag.text import morphemes

PAIRS = {
    "財布": "遺失物",
    "蛇口": "給水栓",
    "病院": "医療機関",
    "葬式": "埋葬",
    "引越し": "転入",
    "赤ちゃん": "乳児",
    "年寄り": "高齢者",
    "犬": "鑑札",
}
ASKED = [
    Asked("手引", f"{official}である。", (f"{home}はどこですか", f"{home}のこと"), True)
    for home, official in PAIRS.items()
]
RECIPE = WordRecipe(dimension=48, batch_size=8, neighbours=2, epochs=10, topic_rounds=2, learning_rate=0.03)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(DEFAULT_MODEL / TOKENIZER_FILE))


@pytest.fixture(scope="module")
def start(tokenizer: Tokenizer) -> np.ndarray:
    return np.random.default_rng(0).random(size=(tokenizer.get_vocab_size(), 64), dtype=np.float32)


def test_the_words_of_a_question_come_near_to_those_of_its_text(tokenizer: Tokenizer, start: np.ndarray) -> None:
    learned = WordVectors(tokenizer, train_words(tokenizer, start, ASKED, RECIPE))
    assert learned.dimension == RECIPE.dimension
    texts = [learned.embed(morphemes(one.text)) for one in ASKED]
    near = np.array([[(words @ learned.embed([home])[0]).max() for words in texts] for home in PAIRS])
    assert near.argmax(axis=1).tolist() == list(range(len(PAIRS)))


def test_training_twice_gives_the_same_table(tokenizer: Tokenizer, start: np.ndarray) -> None:
    once = replace(RECIPE, epochs=1)
    np.testing.assert_array_equal(*(train_words(tokenizer, start, ASKED, once) for _ in range(2)))


def test_captions_are_no_questions_and_a_text_comes_once_with_all_of_its_own(tmp_path: Path) -> None:
    for name, queries in {"faq": ["いつ", "いくら"], "law_articles": ["（目的）"]}.items():
        rows = (
            json.dumps({"query": q, "title": "手引", "passage": f"{name}の本文"}, ensure_ascii=False) for q in queries
        )
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    topic = Topic("税の手引 ＞ 督促", "督促状を発する。", ("払い忘れたら",))
    assert read_asked(tmp_path, [topic]) == [
        Asked("手引", "faqの本文", ("いつ", "いくら"), False),
        Asked("税の手引 \n 督促", "督促状を発する。", ("払い忘れたら",), True),
    ]
