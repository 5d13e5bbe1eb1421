"""How near words come to those of a question."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from tokenizers import Tokenizer

from rag.errors import EmbedderError
from rag.indexing import word_vectors
from rag.indexing.embedding import Embedder, open_embedder
from rag.indexing.pieces import DEFAULT_MODEL, TOKENIZER_FILE, cut_pieces
from rag.indexing.word_vectors import WORDS_FILE, WordVectors, read_rows, write_rows
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


def test_the_gap_is_the_weight_of_what_lacks_most() -> None:
    likeness = likeness_of(asked("病院", "申請"), 病院=3.0, 申請=1.0)

    gaps = likeness.find_gap(likeness.compare([{"病院", "申請"}, {"病院"}, {"診療", "申請"}, {"申請"}, set()]))

    assert gaps.tolist() == pytest.approx([0.0, 0.25, 0.375, 0.75, 0.75], abs=1e-6)


def test_a_number_is_near_no_other() -> None:
    class Same(Compass):
        def embed_words(self, words: Sequence[str]) -> np.ndarray:
            return np.ones((len(words), 1), dtype=np.float32)

    likeness = Likeness(asked("14", "日"), {"14": 1.0, "日": 1.0}, cast(Embedder, Same()))

    by_text = [sorted(row) for row in likeness.compare([{"15"}, {"14"}, {"届"}]).tolist()]

    assert by_text == [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]  # 届 is as near to 日 as everything is here, and not to 14


def test_a_question_without_words_is_like_nothing() -> None:
    likeness = likeness_of(asked())

    near = likeness.compare([{"病院"}, set()])
    assert likeness.share(near).tolist() == likeness.find_gap(near).tolist() == [0.0, 0.0]


TOKENIZER = Tokenizer.from_file(str(DEFAULT_MODEL / TOKENIZER_FILE))


TABLE = np.random.default_rng(0).normal(size=(TOKENIZER.get_vocab_size(), 16)).astype(np.float32)


def test_a_word_is_the_sum_of_its_pieces_of_length_1_and_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []

    def watch(words: Sequence[str], tokenizer: Tokenizer) -> list[np.ndarray]:
        cut.extend(words)
        return cut_pieces(words, tokenizer)

    monkeypatch.setattr(word_vectors, "cut_pieces", watch)
    vectors = WordVectors(TOKENIZER, TABLE)
    first, again = vectors.embed(["国民", "国民病院", "国民", "😀"]), vectors.embed(["国民病院"])

    summed = TABLE[cut_pieces(["国民病院"], TOKENIZER)[0]].sum(axis=0)
    assert first[1] == pytest.approx(summed / np.linalg.norm(summed), abs=1e-6)
    assert np.array_equal(first[1], again[0]) and np.array_equal(first[0], first[2]) and not first[3].any()
    assert cut == ["国民", "国民病院", "😀"]
    assert vectors.embed([]).shape == (0, 16)


def test_no_more_words_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_vectors, "_MAX_WORDS", 3)
    vectors = WordVectors(TOKENIZER, TABLE)

    vectors.embed(["国民", "健康", "保険"])
    again = vectors.embed(["国民", "年金"])

    assert len(vectors._rows) == 2
    assert np.array_equal(again, WordVectors(TOKENIZER, TABLE).embed(["国民", "年金"]))


def test_characters_that_the_default_model_does_not_know_are_near_nothing() -> None:
    unknown, known = open_embedder().embed_words(["蝮", "国民"])
    assert not unknown.any() and known.any()


def test_a_table_comes_back_as_it_was_written_but_for_its_rounding(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    write_rows(tmp_path / "rows", table)
    np.testing.assert_allclose(read_rows(tmp_path / "rows"), table, atol=np.abs(table).max() / 127)


def test_a_model_with_words_of_its_own_reads_them_and_says_what_is_wrong_with_them(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFAULT_MODEL, tmp_path / "model")
    size = TOKENIZER.get_vocab_size()
    write_rows(folder / WORDS_FILE, np.ones((size, 3), dtype=np.float32))
    assert open_embedder(str(folder)).embed_words(["国民"]).shape == (1, 3)
    folder = folder.rename(tmp_path / "broken")
    write_rows(folder / WORDS_FILE, np.ones((size - 1, 3), dtype=np.float32))
    with pytest.raises(EmbedderError, match=WORDS_FILE):
        open_embedder(str(folder))


class Sentences(Embedder):
    """An embedder that knows whole sentences only."""

    def embed_many(self, texts: Sequence[str]) -> np.ndarray:
        return np.zeros((len(texts), 1), dtype=np.float32)

    def embed_query(self, text: str) -> np.ndarray:
        return np.zeros(1, dtype=np.float32)


def test_an_embedder_of_sentences_lends_the_words_of_the_default_model() -> None:
    words = ["国民", "健康"]

    lent = Sentences(model_name="sentences").embed_words(words)

    assert np.array_equal(lent, open_embedder().embed_words(words))


def test_likelier_words_are_nearer_in_the_default_model() -> None:
    likeness = Likeness(asked("病院"), {"病院": 1.0}, open_embedder())

    hospital, airport = likeness.share(likeness.compare([{"医療", "診察"}, {"空港", "滑走"}])).tolist()

    assert hospital > airport
