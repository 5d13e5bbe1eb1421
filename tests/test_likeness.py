"""How near words come to those of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from fakes import BigramEmbedder

import rag.indexing.embedding as embedding
from rag.indexing.embedding import Embedder, StaticEmbedder, open_embedder
from rag.indexing.pieces import DEFAULT_MODEL
from rag.retrieval.likeness import Likeness
from rag.retrieval.query import Expansion, Query, Reason, parse_query

ANGLES: Mapping[str, float] = {"病院": 0, "病院代": 20, "診療": 60, "空港": 170}


class Compass:
    """Words are directions in a plane: their cosine is that of the angle between them. All others have no direction."""

    def embed_words(self, words: Sequence[str]) -> np.ndarray:
        angles = np.radians([ANGLES.get(word, 0) for word in words])
        known = np.array([word in ANGLES for word in words])
        return np.stack([np.cos(angles) * known, np.sin(angles) * known], axis=1).astype(np.float32)


def likeness_of(query: Query, **weights: float) -> Likeness:
    return Likeness(query, weights, cast(Embedder, Compass()))


def asked(*terms: str) -> Query:
    return replace(parse_query(""), terms=terms, nouns=terms)


def test_each_asked_word_takes_the_nearest_word_of_a_text() -> None:
    likeness = likeness_of(asked("病院"), 病院=3.0)

    near = likeness.compare([{"診療", "病院代"}, {"診療"}, {"病院", "空港"}, {"空港"}, set()])

    assert near[:, 0].tolist() == pytest.approx([np.cos(np.radians(20)), 0.5, 1.0, 0.0, 0.0], abs=1e-6)


def test_a_rare_word_counts_more() -> None:
    likeness = likeness_of(asked("病院", "申請"), 病院=3.0, 申請=1.0)

    near = likeness.compare([{"診療", "申請"}])

    assert likeness.share(near).tolist() == pytest.approx([(3.0 * 0.5 + 1.0) / 4.0], abs=1e-6)


def test_another_wording_is_as_good_as_the_word_where_all_of_it_is_there() -> None:
    wording = Expansion(("病院",), ("医療", "機関"), 0.8, Reason.SYNONYM, "病院", "医療機関")
    likeness = likeness_of(replace(asked("病院", "申請"), expansions=(wording,)), 病院=1.0, 申請=1.0)

    near = likeness.compare([{"医療", "機関"}, {"機関"}])

    assert sorted(near[0].tolist()) == [0.0, 1.0] and near[1].tolist() == [0.0, 0.0]


def test_a_number_is_near_no_other() -> None:
    class Same(Compass):
        def embed_words(self, words: Sequence[str]) -> np.ndarray:
            return np.ones((len(words), 1), dtype=np.float32)

    likeness = Likeness(asked("14", "日"), {"14": 1.0, "日": 1.0}, cast(Embedder, Same()))

    by_text = [sorted(row) for row in likeness.compare([{"15"}, {"14"}, {"届"}]).tolist()]

    assert by_text == [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]  # 届 is as near to 日 as everything is here, and not to 14


def test_a_question_without_words_is_like_nothing() -> None:
    likeness = likeness_of(asked())

    assert likeness.share(likeness.compare([{"病院"}, set()])).tolist() == [0.0, 0.0]


def test_words_have_the_vectors_of_texts_and_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = StaticEmbedder(DEFAULT_MODEL)
    expected = embedder.embed_folded(["国民", "健康", "国民"])
    read: list[str] = []
    plain = StaticEmbedder.embed_folded

    def watch(self: StaticEmbedder, texts: Sequence[str]) -> np.ndarray:
        read.extend(texts)
        return plain(self, texts)

    monkeypatch.setattr(StaticEmbedder, "embed_folded", watch)
    first, again = embedder.embed_words(["国民", "健康", "国民"]), embedder.embed_words(["健康"])

    assert np.array_equal(first, expected) and np.array_equal(again[0], expected[1])
    assert read == ["国民", "健康"]
    assert embedder.embed_words([]).shape == (0, embedder.dimension)


def test_no_more_words_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_MOST_WORDS", 3)
    embedder = StaticEmbedder(DEFAULT_MODEL)

    embedder.embed_words(["国民", "健康", "保険"])
    vectors = embedder.embed_words(["国民", "年金"])

    assert len(embedder._words) == 2
    assert np.array_equal(vectors, embedder.embed_folded(["国民", "年金"]))


def test_an_embedder_of_sentences_lends_the_words_of_the_default_model() -> None:
    words = ["国民", "健康"]

    lent = Embedder.embed_words(cast(Embedder, BigramEmbedder()), words)

    assert np.array_equal(lent, open_embedder().embed_words(words))


def test_likelier_words_are_nearer_in_the_default_model() -> None:
    likeness = Likeness(asked("病院"), {"病院": 1.0}, open_embedder())

    hospital, airport = likeness.share(likeness.compare([{"医療", "診察"}, {"空港", "滑走"}])).tolist()

    assert hospital > airport
