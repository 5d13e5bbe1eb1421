"""Strong models from a local folder: the right prompts, length, weights and batches, by themselves and without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import EmbedderError
from rag.indexing.batching import MOST_AT_ONCE, Batcher, ModelSize, free_memory, texts_at_once
from rag.indexing.embedding import DEFAULT_MODEL, StaticEmbedder, open_embedder
from rag.indexing.families import FAMILIES, Prompts, find_family
from rag.indexing.model_files import describe_copying
from rag.indexing.profiles import read_profile
from rag.indexing.transformer import SentenceTransformerEmbedder
from tests.tiny_models import HIDDEN, save_embedder, save_reranker

QUESTION = "燃やせるごみは何曜日に出せますか"
PASSAGES = ["燃やせるごみは、毎週月曜と木曜の朝8時までに出してください", "宿泊料は一夜につき9円とする", "ごみ"]
RURI = {"query": "検索クエリ: ", "document": "検索文書: "}


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the same weights twice: `plain` names no prompts of its own, `own` does."""
    folder = tmp_path_factory.mktemp("models")
    save_embedder(folder / "plain")
    save_embedder(folder / "own", prompts={"query": "クエリ: ", "document": "文章: ", "topic": "トピック: "})
    return folder


def copy_as(tiny_models: Path, folder: Path, *, model: str = "plain", owner: Any = None) -> Path:
    """Copy a tiny model to a folder, whose name tells the family."""
    shutil.copytree(tiny_models / model, folder)
    if owner is not None:
        (folder / "shirube.json").write_text(json.dumps(owner, ensure_ascii=False), encoding="utf-8")
    return folder


def opened(folder: Path) -> SentenceTransformerEmbedder:
    embedder = open_embedder(str(folder))
    assert isinstance(embedder, SentenceTransformerEmbedder)
    return embedder


def encode(folder: Path, texts: list[str]) -> Any:
    """Return the vectors that sentence-transformers itself gives, without any prompt but those in the texts."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(texts, prompt="", normalize_embeddings=True)


# --- families and profiles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "family", "query", "document"),
    [
        ("cl-nagoya/ruri-v3-30m", "ruri-v3", "検索クエリ: ", "検索文書: "),
        ("models/ruri-v3-310m", "ruri-v3", "検索クエリ: ", "検索文書: "),
        ("cl-nagoya/ruri-large-v2", "ruri v1・v2", "クエリ: ", "文章: "),
        ("cl-nagoya/ruri-small", "ruri v1・v2", "クエリ: ", "文章: "),
        ("intfloat/multilingual-e5-small", "multilingual-e5", "query: ", "passage: "),
        ("pkshatech/GLuCoSE-base-ja-v2", "GLuCoSE v2", "query: ", "passage: "),
        ("BAAI/bge-m3", "bge-m3", "", ""),
        ("sbintuitions/sarashina-embedding-v1-1b", "sarashina-embedding v1", "", ""),
        ("sentence-transformers/static-similarity-mrl-multilingual-v1", "静的モデル", "", ""),
    ],
)
def test_a_family_is_known_by_the_name_of_a_model(name: str, family: str, query: str, document: str) -> None:
    found = find_family(name)

    assert found is not None
    assert (found.name, found.prompts, found.refusal) == (family, Prompts(query, document), None)


def test_instructions_stand_before_the_question_only() -> None:
    e5, sarashina = find_family("multilingual-e5-large-instruct"), find_family("sarashina-embedding-v2-1b")

    assert e5 is not None and sarashina is not None
    assert e5.prompts.query.startswith("Instruct: ") and e5.prompts.query.endswith("\nQuery: ")
    assert e5.prompts.document == ""
    assert (sarashina.prompts.query[-8:], sarashina.prompts.document) == ("\nquery: ", "text: ")


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "aperiodic-5", "yururi-base", "my-base5-model"])
def test_a_name_that_only_looks_like_a_family_is_unknown(name: str) -> None:
    assert find_family(name) is None


def test_every_weight_is_a_share_and_says_where_it_comes_from() -> None:
    assert [f.name for f in FAMILIES if not (0 < f.dense_weight < 1 and f.weight_source)] == []
    assert next(f for f in FAMILIES if f.name == "ruri-v3").dense_weight > 0.7


def test_the_prompts_that_a_model_names_win_over_its_family(tiny_models: Path, tmp_path: Path) -> None:
    by_table = read_profile(copy_as(tiny_models, tmp_path / "ruri-v3-a"))
    by_itself = read_profile(copy_as(tiny_models, tmp_path / "ruri-v3-b", model="own"))

    assert (by_table.prompts, by_table.family) == (Prompts(**RURI), "ruri-v3")
    assert (by_itself.prompts, by_itself.family) == (Prompts("クエリ: ", "文章: "), "ruri-v3")
    assert by_table.prompts_source != by_itself.prompts_source


def test_what_the_owner_wrote_wins_over_everything(tiny_models: Path, tmp_path: Path) -> None:
    owner = {"fusion": {"dense_weight": 0.55}, "prompts": {"query": "検索: "}}
    profile = read_profile(copy_as(tiny_models, tmp_path / "ruri-v3-a", model="own", owner=owner))

    assert profile.prompts == Prompts("検索: ", "文章: ")
    assert (profile.dense_weight, profile.weight_source, profile.prompts_source) == (
        0.55,
        "shirube.json",
        "shirube.json",
    )


@pytest.mark.parametrize(
    ("owner", "named"),
    [
        ({"fusion": {"dense_weight": 1.5}}, "fusion.dense_weight"),
        ({"fusion": {"weight": 0.5}}, "fusion.weight"),
        ({"prompts": {"query": 3}}, "prompts.query"),
        ({"prompt": {}}, "prompt"),
        ({"fusion": 0.5}, "fusion"),
    ],
)
def test_a_mistake_of_the_owner_is_named(tiny_models: Path, tmp_path: Path, owner: Any, named: str) -> None:
    with pytest.raises(EmbedderError) as caught:
        open_embedder(str(copy_as(tiny_models, tmp_path / "model", owner=owner)))

    assert f"{named} が" in caught.value.message
    assert "dense_weight" in caught.value.hint


def test_an_unknown_model_is_used_as_it_says_with_a_note(tiny_models: Path) -> None:
    profile = read_profile(tiny_models / "own")

    assert (profile.family, profile.prompts, profile.dense_weight) == (None, Prompts("クエリ: ", "文章: "), 0.7)
    assert len(profile.notices) == 1 and "知らない系列" in profile.notices[0]


def test_the_model_that_another_was_made_from_tells_the_family(tiny_models: Path, tmp_path: Path) -> None:
    folder = copy_as(tiny_models, tmp_path / "our-model")
    (folder / "README.md").write_text("---\nbase_model:\n- cl-nagoya/ruri-v3-30m\n---\n", encoding="utf-8")

    assert read_profile(folder).prompts == Prompts(**RURI)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("JaColBERTv2", "ColBERT"), ("plamo-embedding-1b", "trust_remote_code"), ("splade-japanese-v3", "疎な")],
)
def test_a_model_that_is_no_embedder_is_refused_with_the_reason(
    tiny_models: Path, tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(EmbedderError, match=reason):
        open_embedder(str(copy_as(tiny_models, tmp_path / name)))


def test_a_cross_encoder_is_sent_to_its_own_setting(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="設定 reranker"):
        open_embedder(str(save_reranker(tmp_path / "scores")))


def test_the_programs_of_a_model_are_not_run(tiny_models: Path, tmp_path: Path) -> None:
    folder = copy_as(tiny_models, tmp_path / "model")
    modules = (folder / "modules.json").read_text(encoding="utf-8")
    proof = tmp_path / "was-run"
    (folder / "custom.py").write_text(f"open({str(proof)!r}, 'w').close()\n", encoding="utf-8")
    (folder / "modules.json").write_text(
        modules.replace("sentence_transformers.base.modules.transformer.Transformer", "custom.Mine"), encoding="utf-8"
    )

    with pytest.raises(EmbedderError, match=r"custom\.Mine.*trust_remote_code"):
        open_embedder(str(folder))
    assert not proof.exists()


def test_a_shirube_json_that_names_a_model_is_a_static_model(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFAULT_MODEL, tmp_path / "ruri-v3-not-really")

    assert isinstance(open_embedder(str(folder)), StaticEmbedder)


# --- vectors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model", "query", "document"),
    [
        ("ruri-v3-tiny", "plain", "検索クエリ: ", "検索文書: "),
        ("multilingual-e5-tiny", "plain", "query: ", "passage: "),
        ("unknown", "own", "クエリ: ", "文章: "),
        ("unknown", "plain", "", ""),
    ],
)
def test_vectors_are_those_of_the_text_behind_its_prompt(
    tiny_models: Path, tmp_path: Path, name: str, model: str, query: str, document: str
) -> None:
    folder = copy_as(tiny_models, tmp_path / name, model=model)
    embedder = opened(folder)

    np.testing.assert_allclose(embedder.embed_query(QUESTION), encode(folder, [query + QUESTION])[0], atol=1e-5)
    np.testing.assert_allclose(
        embedder.embed_documents(PASSAGES), encode(folder, [document + text for text in PASSAGES]), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(embedder.embed_documents(PASSAGES), axis=1), 1, atol=1e-5)
    assert embedder.dimension == HIDDEN
    bare = encode(folder, [QUESTION])[0]
    assert (np.abs(embedder.embed_query(QUESTION) - bare).max() > 1e-3) == bool(query)


def test_llama_index_gets_the_same_vectors_with_their_prompts(tiny_models: Path, tmp_path: Path) -> None:
    embedder = opened(copy_as(tiny_models, tmp_path / "ruri-v3-tiny"))

    assert embedder.get_query_embedding(QUESTION) == embedder.embed_query(QUESTION).tolist()
    np.testing.assert_allclose(
        embedder.get_text_embedding_batch(PASSAGES), embedder.embed_documents(PASSAGES), atol=1e-5
    )


def test_the_fingerprint_follows_the_vectors_and_not_the_fusion(tiny_models: Path, tmp_path: Path) -> None:
    plain = opened(copy_as(tiny_models, tmp_path / "ruri-v3-tiny")).fingerprint
    weighted = {"fusion": {"dense_weight": 0.3, "dense_floor": 0.5}}
    prompted = {"prompts": {"document": "文書: "}}

    assert opened(copy_as(tiny_models, tmp_path / "again" / "ruri-v3-tiny")).fingerprint == plain
    assert opened(copy_as(tiny_models, tmp_path / "b" / "ruri-v3-tiny", owner=weighted)).fingerprint == plain
    assert opened(copy_as(tiny_models, tmp_path / "c" / "ruri-v3-tiny", owner=prompted)).fingerprint != plain
    assert opened(copy_as(tiny_models, tmp_path / "multilingual-e5-tiny")).fingerprint != plain


def test_long_texts_are_cut_where_the_model_ends_and_counted(tiny_models: Path) -> None:
    embedder = opened(tiny_models / "plain")
    before = embedder.notices

    long, cut, other_end = embedder.embed_documents(["ごみ。" * 300, "ごみ。" * 400, "ごみ。"])

    assert embedder.max_tokens == 128
    np.testing.assert_allclose(long, cut, atol=1e-5)
    assert np.abs(long - other_end).max() > 1e-3
    assert embedder.cut_texts == 2
    assert len(embedder.notices) == len(before) + 1
    assert "2 件" in embedder.notices[-1] and "128 トークン" in embedder.notices[-1]


def test_a_family_shortens_a_model_that_says_more_than_it_can(tmp_path: Path) -> None:
    folder = save_embedder(tmp_path / "multilingual-e5-tiny", positions=600)

    assert opened(folder).max_tokens == 512


def test_the_floor_is_what_unrelated_texts_have_in_common(tiny_models: Path, tmp_path: Path) -> None:
    embedder = opened(tiny_models / "plain")
    set_by_owner = opened(copy_as(tiny_models, tmp_path / "model", owner={"fusion": {"dense_floor": 0.25}}))

    assert 0.3 < embedder.dense_floor <= 0.95, "random BERTs give every text nearly the same vector"
    assert set_by_owner.dense_floor == 0.25
    assert embedder.cut_texts == 0
    assert open_embedder().dense_floor == 0.0


# --- batches ----------------------------------------------------------------------------------------------------------


def test_batches_shrink_with_the_text_and_the_memory_and_grow_with_neither_beyond_the_most() -> None:
    large = ModelSize(hidden=1024, layers=24, heads=16)
    by_length = [texts_at_once(large, tokens, 2_000_000_000) for tokens in (10, 100, 500, 2_000, 8_000)]
    by_memory = [texts_at_once(large, 500, free) for free in (0, 10**8, 10**9, 10**10, 10**11)]

    assert by_length == sorted(by_length, reverse=True) and by_memory == sorted(by_memory)
    assert (by_length[0], by_length[-1], by_memory[0], by_memory[-1]) == (MOST_AT_ONCE, 1, 1, MOST_AT_ONCE)
    assert free_memory() > 10_000_000


def test_the_longest_go_first_and_results_come_back_in_order() -> None:
    seen: list[list[str]] = []

    def call(batch: list[str]) -> list[int]:
        seen.append(batch)
        return [len(text) for text in batch]

    texts = ["a", "aaaa", "aa", "aaaaa", "aaa"]
    result = Batcher(lambda _: 2, name="m").run(texts, [len(text) for text in texts], call)

    assert result == [1, 4, 2, 5, 3]
    assert seen == [["aaaaa", "aaaa"], ["aaa", "aa"], ["a"]]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 10 GB")])
def test_batches_are_halved_when_memory_runs_out_and_the_work_goes_on(error: Exception) -> None:
    sizes: list[int] = []

    def call(batch: list[int]) -> list[int]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise error
        return [number * 10 for number in batch]

    batcher = Batcher(lambda _: 8, name="m")

    assert batcher.run(list(range(10)), [1] * 10, call) == [number * 10 for number in range(10)]
    assert sizes == [8, 4, 2, 2, 2, 2, 2]
    assert batcher.most_at_once == 2


def test_a_text_that_does_not_fit_alone_is_an_error_that_says_what_to_do() -> None:
    def call(batch: list[int]) -> list[int]:
        raise MemoryError

    with pytest.raises(EmbedderError, match="メモリーが足りず") as caught:
        Batcher(lambda _: 8, name="m").run([1, 2, 3], [1, 1, 1], call)
    assert "max_chunk_chars" in caught.value.hint


def test_another_error_of_a_model_is_not_taken_for_a_lack_of_memory() -> None:
    def call(batch: list[int]) -> list[int]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Batcher(lambda _: 8, name="m").run([1], [1], call)


def test_a_model_that_runs_out_of_memory_gives_the_same_vectors(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = opened(tiny_models / "plain")
    expected = embedder.embed_documents(PASSAGES * 4)
    original = embedder._model.encode_document

    def scarce(texts: list[str], **options: Any) -> Any:
        if len(texts) > 2:
            raise MemoryError
        return original(texts, **options)

    monkeypatch.setattr(embedder._model, "encode_document", scarce)

    np.testing.assert_allclose(embedder.embed_documents(PASSAGES * 4), expected, atol=1e-5)


# --- what is missing --------------------------------------------------------------------------------------------------


def test_a_missing_package_is_named(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    def fail(*_: object, **__: object) -> Any:
        raise ModuleNotFoundError("You need to install fugashi to use MecabTokenizer.")

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", fail)
    with pytest.raises(EmbedderError, match="fugashi") as caught:
        open_embedder(str(tiny_models / "plain"))
    assert "持ち込み" in caught.value.hint


def test_the_way_of_a_model_to_a_closed_network_is_told() -> None:
    told = describe_copying("ruri-v3-30m")

    assert "hf download cl-nagoya/ruri-v3-30m --local-dir ruri-v3-30m" in told
    assert 'embedder = "models/ruri-v3-30m"' in told
    assert "sentencepiece" in told and "rag index" in told
    assert "hf download someone/their-model --local-dir their-model" in describe_copying("someone/their-model")
    assert 'reranker = "models/x"' in describe_copying("hotchpotch/x", setting="reranker")


# --- end to end -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strong_town(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return what indexing and asking with a tiny model did, in a process of its own that may open no connection."""
    from tests.conftest import write_town
    from tests.test_offline import run_guarded

    folder = tmp_path_factory.mktemp("strong")
    copy_as(tiny_models, folder / "models" / "ruri-v3-tiny")
    write_town(folder / "corpus")
    yield run_guarded(STRONG_PATH, folder, timeout_seconds=280)


STRONG_PATH = """
import io, os
from contextlib import redirect_stdout
os.environ |= {"RAG_EMBEDDER": "models/ruri-v3-tiny", "RAG_WORKERS": "1"}
from rag.cli import main

def run(*arguments):
    out = io.StringIO()
    with redirect_stdout(out):
        status = main(list(arguments))
    return [status, out.getvalue()]

print(json.dumps({
    "index": run("index", "corpus", "--index", "index"),
    "search": run("search", "宿泊料は一夜につきいくらですか", "--index", "index", "--json"),
    "again": run("index", "corpus", "--index", "index"),
    "models": run("models", "--index", "index", "--json"),
    "check": run("models", "--check", "models/ruri-v3-tiny", "--index", "index", "--json"),
    "attempts": attempts,
}))
"""


def test_a_town_is_indexed_and_searched_with_a_model_of_the_settings(strong_town: dict[str, Any]) -> None:
    (indexed, told), (found, hits), (again, _) = (strong_town[name] for name in ("index", "search", "again"))
    sources = [hit["source"] for hit in json.loads(hits)["hits"]]

    assert (indexed, found, again) == (0, 0, 0), told
    assert "新しい索引を公開しました" in told
    assert "総務課/職員旅費規程.txt" in sources
    assert strong_town["attempts"] == []


def test_rag_models_shows_the_model_that_is_chosen_and_built_the_index(strong_town: dict[str, Any]) -> None:
    status, out = strong_town["models"]
    models = {model["name"]: model for model in json.loads(out)["models"]}
    strong, default = models["models/ruri-v3-tiny"], models["default"]

    assert status == 0
    assert (strong["is_chosen"], strong["built_index"], strong["family"]) == (True, True, "ruri-v3")
    assert (strong["dimension"], strong["dense_weight"]) == (HIDDEN, 0.8)
    assert (default["is_chosen"], default["built_index"], default["dimension"]) == (False, False, 256)


def test_a_check_measures_what_would_be_used(strong_town: dict[str, Any]) -> None:
    _, out = strong_town["check"]
    check = json.loads(out)

    assert (check["kind"], check["dimension"], check["max_tokens"]) == ("embedder", HIDDEN, 128)
    assert (check["query_prompt"], check["document_prompt"]) == ("検索クエリ: ", "検索文書: ")
    assert check["built_index"] is True
    assert abs(check["norm"] - 1) < 1e-3 and check["speed"] > 0
    assert check["passed"] == (check["near"] > check["far"])
