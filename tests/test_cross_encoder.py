"""A cross-encoder of this machine as reranker: probabilities, the best passages only, in the time that there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from rag.cli import main
from rag.documents import Kind, Metadata, Passage
from rag.errors import EmbedderError
from rag.retrieval import cross_encoder
from rag.retrieval.cross_encoder import CrossEncoderReranker, find_reranker_family
from rag.retrieval.llama import ShirubeReranker
from rag.retrieval.reranking import open_reranker
from rag.settings import Settings
from tests.fakes import split_toy_document
from tests.tiny_models import save_embedder, save_reranker

QUESTION = "燃やせるごみは何曜日に出せますか"
TEXTS = [
    "燃やせるごみは、毎週月曜と木曜の朝8時までに出してください",
    "宿泊料は一夜につき9円とする",
    "固定資産税",
    "ごみ",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny cross-encoder with random weights."""
    return save_reranker(tmp_path_factory.mktemp("rerankers") / "japanese-reranker-tiny-v2")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(str(folder))


def passages_of(texts: list[str]) -> list[Passage]:
    """Return passages with these texts."""
    from rag.documents import Block, BlockKind, Document, Locator, Page, Quality

    metadata = Metadata("手引", Kind.MANUAL)
    text = "\n".join(texts)
    starts = [
        text.index(line) if number == 0 else sum(len(t) + 1 for t in texts[:number])
        for number, line in enumerate(texts)
    ]
    blocks = tuple(
        Block(BlockKind.PARAGRAPH, start, start + len(line), Locator(page=1))
        for start, line in zip(starts, texts, strict=True)
    )
    page = Page(1, text, blocks, Quality(characters=len(text)))
    chunks = split_toy_document(Document("手引.txt", "0" * 64, metadata, (page,)), max_chars=400)
    return [Passage(chunk, metadata, score=1.0) for chunk in chunks]


def test_scores_are_the_sigmoid_of_what_the_model_says(reranker: CrossEncoderReranker, folder: Path) -> None:
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    logits = model.predict([(QUESTION, text) for text in TEXTS], activation_fn=Identity())
    scores = reranker.score(QUESTION, TEXTS)

    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), atol=1e-5)
    assert scores.shape == (len(TEXTS),) and ((scores > 0) & (scores < 1)).all()
    assert len(set(scores.tolist())) == len(TEXTS)
    assert reranker.score(QUESTION, []).shape == (0,)


def test_a_text_has_the_same_score_alone_and_among_others(reranker: CrossEncoderReranker) -> None:
    alone = [float(reranker.score(QUESTION, [text])[0]) for text in TEXTS]

    np.testing.assert_allclose(reranker.score(QUESTION, TEXTS), alone, atol=1e-5)


def test_the_first_passages_are_read_with_their_title_and_no_more_than_the_candidates(folder: Path) -> None:
    passages = passages_of(TEXTS)
    reranker = CrossEncoderReranker(str(folder), candidates=3)
    scores = reranker.rerank(QUESTION, passages)

    assert len(scores) == 3
    np.testing.assert_allclose(scores, reranker.score(QUESTION, [f"手引\n{text}" for text in TEXTS[:3]]), atol=1e-5)
    assert reranker.rerank(QUESTION, []) == []


def test_reading_stops_when_the_time_is_over_but_not_before_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_encoder, "_PAIRS_AT_ONCE", 2)
    hasty = CrossEncoderReranker(str(folder), budget_seconds=0.0)
    patient = CrossEncoderReranker(str(folder), budget_seconds=600.0)
    passages = passages_of(TEXTS)

    assert len(hasty.rerank(QUESTION, passages)) == 2
    assert len(patient.rerank(QUESTION, passages)) == 4


def test_a_family_limits_the_length_and_long_texts_are_still_scored(reranker: CrossEncoderReranker) -> None:
    assert reranker.family is not None and reranker.family.name == "japanese-reranker v2"
    assert reranker.max_tokens == 128, "the model's own, which is shorter than that of its family"
    assert 0 < float(reranker.score(QUESTION, ["ごみ。" * 700])[0]) < 1


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("cl-nagoya/ruri-v3-reranker-310m", "ruri-v3-reranker"),
        ("cl-nagoya/ruri-reranker-small", "ruri-reranker"),
        ("hotchpotch/japanese-reranker-xsmall-v2", "japanese-reranker v2"),
        ("hotchpotch/japanese-reranker-cross-encoder-small-v1", "japanese-reranker v1"),
        ("BAAI/bge-reranker-v2-m3", "bge-reranker-v2-m3"),
    ],
)
def test_families_of_cross_encoders_are_known_by_name(name: str, family: str) -> None:
    found = find_reranker_family(name)

    assert found is not None and found.name == family


def test_the_settings_choose_the_reranker(folder: Path) -> None:
    settings = Settings(reranker=str(folder), reranker_candidates=2)
    opened = open_reranker(settings)

    assert opened is not None and opened.name == "japanese-reranker-tiny-v2"
    assert len(opened.rerank(QUESTION, passages_of(TEXTS))) == 2
    assert open_reranker(Settings()) is None
    assert open_reranker(replace(settings, reranker="none")) is None


def test_a_reranker_that_is_not_here_is_an_error_with_the_way_to_bring_it() -> None:
    with pytest.raises(EmbedderError, match="someone/no-reranker") as caught:
        open_reranker(Settings(reranker="someone/no-reranker"))
    assert 'reranker = "models/no-reranker"' in caught.value.hint


def test_an_embedder_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="cross-encoder"):
        CrossEncoderReranker(str(save_embedder(tmp_path / "embedder")))


def test_llama_index_gets_nodes_in_the_order_of_the_cross_encoder(reranker: CrossEncoderReranker) -> None:
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.9) for text in TEXTS]
    best = TEXTS[int(reranker.score(QUESTION, TEXTS[:3]).argmax())]

    ordered = ShirubeReranker(reranker, candidates=3).postprocess_nodes(nodes, query_str=QUESTION)
    scores = [node.score for node in ordered]

    assert ordered[0].node.get_content() == best
    assert ordered[-1].node.get_content() == TEXTS[-1], "what was not read stays behind"
    assert scores == sorted(scores, reverse=True)
    assert sorted(node.node.get_content() for node in ordered) == sorted(TEXTS)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command in an empty folder; return its status, and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        done = capsys.readouterr()
        return status, done.out, done.err

    return run


def test_a_reranker_is_listed_and_checked(
    run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_MODELS_DIR", str(folder.parent))
    monkeypatch.setenv("RAG_RERANKER", str(folder))

    listed = {model["name"]: model for model in json.loads(run("models", "--json")[1])["models"]}
    status, checked, _ = run("models", "--check", str(folder), "--json")
    check = json.loads(checked)

    assert (listed[folder.as_posix()]["kind"], listed[folder.as_posix()]["is_chosen"]) == ("reranker", True)
    assert (check["kind"], check["family"], check["dimension"]) == ("reranker", "japanese-reranker v2", None)
    assert status == (0 if check["near"] > check["far"] else 1)


def test_the_default_model_is_listed_and_passes_its_check(run: Callable[..., Any]) -> None:
    status, out, _ = run("models")
    checked, told, _ = run("models", "--check", "default")

    assert (status, checked) == (0, 0)
    assert "・default　同梱" in out and "【設定で選択中】" in out and "256 次元" in out
    assert "使えます。" in told and "次元: 256" in told


def test_a_model_that_is_not_here_exits_with_2_and_the_way_to_bring_it(run: Callable[..., Any]) -> None:
    status, out, err = run("models", "--check", "cl-nagoya/ruri-v3-30m")

    assert (status, out) == (2, "")
    assert "見つかりません" in err and "hf download cl-nagoya/ruri-v3-30m --local-dir ruri-v3-30m" in err
    assert 'embedder = "models/ruri-v3-30m"' in err


def test_a_broken_model_folder_is_listed_with_the_reason(run: Callable[..., Any], tmp_path: Path) -> None:
    broken = tmp_path / "models" / "broken"
    broken.mkdir(parents=True)
    (broken / "model.safetensors").write_bytes(b"x")
    (broken / "config.json").write_text("[", encoding="utf-8")

    status, out, _ = run("models")

    assert status == 0
    assert "・models/broken" in out and "使えません" in out
