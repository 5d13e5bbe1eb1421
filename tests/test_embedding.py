"""Embedders: the shipped static model, any sentence-transformers model, and the errors where there is none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from rag.errors import EmbedderError
from rag.indexing.embedding import (
    DEFAULT_MODEL,
    Embedder,
    StaticEmbedder,
    open_embedder,
    write_static_model,
)
from rag.text import fold

PASSAGES = [
    "転出届は、引っ越す日のおおむね14日前から提出できます。市民課の窓口で本人確認書類をお見せください。",
    "燃やせるごみは、毎週月曜日と木曜日の朝8時までに、指定の袋に入れて集積所に出してください。",
    "保育所の入所申込みは、希望する月の前月10日までに、子育て支援課へ申込書を提出してください。",
    "台風や大雨のときは、市の防災行政無線と緊急速報メールで避難所の開設をお知らせします。",
    "固定資産税は、毎年1月1日現在の土地や家屋の所有者に課税され、年4回に分けて納付していただきます。",
]
QUESTIONS = [
    "他の市へ引っ越すときの届出はどうすればよいですか",
    "燃やせるごみは何曜日に出せますか",
    "子どもを保育所に入れたいときの申込みはいつまでですか",
    "避難所が開いたことはどうやって知ることができますか",
    "土地や家屋の税金はいつの所有者が納めますか",
]
ODD_TEXTS = ["", " 　\n", "。、！", "𠮷野家", "ＡＢＣ　１２３", "a", "令和5年4月1日", "長い文。" * 2_000]


@pytest.fixture(scope="session")
def default() -> Embedder:
    return open_embedder()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse every connection, and record who tried."""
    tried: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> NoReturn:
        tried.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def test_the_package_ships_a_model_of_at_most_20_megabytes(default: Embedder) -> None:
    assert sum(file.stat().st_size for file in DEFAULT_MODEL.rglob("*") if file.is_file()) <= 20_000_000
    assert isinstance(default, StaticEmbedder)
    assert (default.name, default.dimension) == ("shirube-ja-static", 256)
    assert 0 < default.dense_weight < 1
    assert len(default.fingerprint) == 16


def test_the_numpy_runtime_equals_sentence_transformers_on_folded_text(default: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [*PASSAGES, *QUESTIONS, *ODD_TEXTS]
    folded = [fold(text) for text in texts]
    theirs = SentenceTransformer(str(DEFAULT_MODEL), local_files_only=True, device="cpu").encode(folded)
    np.testing.assert_allclose(default.embed_documents(texts), theirs, atol=1e-3)


def test_vectors_have_unit_length_and_stay_the_same(default: Embedder) -> None:
    vectors = default.embed_documents(PASSAGES)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors, open_embedder("default").embed_documents(PASSAGES))


def test_a_batch_equals_its_texts_one_by_one(default: Embedder) -> None:
    texts = (PASSAGES + ODD_TEXTS) * 50
    together = default.embed_documents(texts)
    np.testing.assert_array_equal(together, np.stack([default.embed_query(text) for text in texts]))
    assert default.embed_documents([]).shape == (0, default.dimension)


@pytest.mark.parametrize("text", ["", " 　\n", "。、！"])
def test_a_text_without_words_has_the_zero_vector(default: Embedder, text: str) -> None:
    np.testing.assert_array_equal(default.embed_query(text), np.zeros(default.dimension))


def test_full_width_and_half_width_are_the_same(default: Embedder) -> None:
    np.testing.assert_array_equal(default.embed_query("Ａ４用紙　３枚"), default.embed_query("a4用紙 3枚"))


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_a_question_is_nearest_to_the_passage_that_answers_it(default: Embedder, number: int) -> None:
    scores = default.embed_documents(PASSAGES) @ default.embed_query(QUESTIONS[number])
    assert scores.argmax() == number, dict(zip(PASSAGES, scores, strict=True))


def test_llama_index_gets_the_same_vectors(default: Embedder) -> None:
    assert default.get_text_embedding_batch(PASSAGES) == default.embed_documents(PASSAGES).tolist()
    assert default.get_text_embedding(PASSAGES[0]) == default.embed_documents(PASSAGES)[0].tolist()
    assert default.get_query_embedding(QUESTIONS[0]) == default.embed_query(QUESTIONS[0]).tolist()


def test_a_written_model_is_read_back_with_another_fingerprint(default: Embedder, tmp_path: Path) -> None:
    assert isinstance(default, StaticEmbedder)
    write_static_model(tmp_path, default.tokenizer, default.table * 2 + 0.5, name="適応済み", dense_weight=0.5)
    again = open_embedder(str(tmp_path))
    assert (again.name, again.dense_weight, again.dimension) == ("適応済み", 0.5, default.dimension)
    assert again.fingerprint != default.fingerprint


def test_the_static_embedder_imports_no_torch() -> None:
    code = (
        "import sys; from rag.indexing.embedding import open_embedder; open_embedder().embed_query('転出届');"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_model_that_is_not_here_is_named_and_nothing_is_downloaded(no_network: list[Any]) -> None:
    with pytest.raises(EmbedderError) as caught:
        open_embedder("someone/no-such-model")
    assert "someone/no-such-model" in caught.value.message
    assert "default" in caught.value.hint
    assert "フォルダー" in caught.value.hint
    assert no_network == []


def test_a_name_that_cannot_be_a_model_is_an_embedder_error() -> None:
    with pytest.raises(EmbedderError, match="見つかりません"):
        open_embedder("そんなモデルは/あり/ません")


def _break_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"broken")


def _break_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")


def _break_description(folder: Path) -> None:
    (folder / "shirube.json").write_text(json.dumps({"name": "x"}), encoding="utf-8")


@pytest.mark.parametrize("damage", [_break_weights, _break_tokenizer, _break_description])
def test_a_broken_model_folder_is_an_embedder_error(damage: Callable[[Path], None], tmp_path: Path) -> None:
    folder = shutil.copytree(DEFAULT_MODEL, tmp_path / "model")
    damage(folder)
    with pytest.raises(EmbedderError, match="読めません"):
        open_embedder(str(folder))


def test_a_folder_without_a_model_is_an_embedder_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("モデルではない", encoding="utf-8")
    with pytest.raises(EmbedderError, match="読めません"):
        open_embedder(str(tmp_path))
