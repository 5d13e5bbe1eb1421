"""The learned reranker: features that can be checked by eye, a score that is a sum, and a training that learns what it should."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.bench.reranker import Sample, fit, hit_rate
from eval.bench.reranker_sets import FIXED, build_collections, build_training_pipeline, write_rest
from rag.documents import Chunk, ChunkKind, Locator, Passage, Segment, Span
from rag.indexing.embedding import Embedder, open_embedder
from rag.indexing.lexical import analyze
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import sync
from rag.models.topics import Topic
from rag.retrieval.features import FEATURES, Candidate, Rarity, measure
from rag.retrieval.learned import READER, LinearModel, read_model
from rag.retrieval.query import Expansion, Question, Reason, parse_query
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

QUESTION = "住民票の写しの手数料はいくらですか"
ANSWER = "住民票の写しの手数料は1通300円です。"
SCATTERED = "住民票は町民課で扱います。写しは郵送できます。手数料は下の表のとおりです。"
FOREIGN = "野球場は毎年11月に芝を養生します。使えるのは3月からです。"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder()


def chunk_of(text: str, *, title: str = "町民課のしごと", question: str = "", number: int = 0) -> Chunk:
    whole = f"{question}\n{text}" if question else text
    return Chunk(
        id=f"{number:032x}",
        source=f"{number}.md",
        ordinal=number,
        kind=ChunkKind.QA if question else ChunkKind.TEXT,
        text=whole,
        title=title,
        headings=(),
        segments=(Segment(1, 0, len(whole), Locator(line=1)),),
        question=Span(0, len(question)) if question else None,
        answer=Span(len(question) + 1, len(whole)) if question else None,
    )


def ask(text: str, embedder: Embedder, *expansions: Expansion) -> Question:
    return Question(text, replace(parse_query(text), expansions=expansions), embedder.embed_query(text))


def features_of(question: Question, embedder: Embedder, *chunks: Chunk) -> list[Mapping[str, float]]:
    """Return the features of chunks; every word is equally rare, and the legs think the same of all."""
    candidates = [Candidate(chunk, analyze(chunk), chunk.source, 0.5, 2.0, 0.3) for chunk in chunks]
    rarity = Rarity(dict.fromkeys(question.query.terms, 2.0), 4.0)
    rows = measure(question, candidates, rarity, embedder)
    assert rows.shape == (len(chunks), len(FEATURES)) and rows.dtype == np.float32
    return [dict(zip(FEATURES, row.tolist(), strict=True)) for row in rows]


def test_what_answers_looks_better_than_what_only_has_the_words(embedder: Embedder) -> None:
    answer, scattered, foreign = features_of(
        ask(QUESTION, embedder), embedder, *(chunk_of(t, number=n) for n, t in enumerate((ANSWER, SCATTERED, FOREIGN)))
    )
    assert answer["body"] == scattered["body"] == 1.0 and foreign["body"] == 0.0
    assert answer["sentence"] == 1.0 > scattered["sentences"] > scattered["sentence"] > 0.0
    assert answer["adjacent"] == 1.0 > scattered["adjacent"] > foreign["adjacent"] == 0.0
    assert answer["like_gap"] == scattered["like_gap"] == 0.0 < foreign["like_gap"] <= 1.0
    assert answer["runs"] > scattered["runs"] > foreign["runs"] == 0.0
    assert (answer["wanted"], answer["unwanted"]) == (1.0, 0.0) and (scattered["wanted"], scattered["unwanted"]) == (
        0.0,
        1.0,
    )
    assert answer["lacking"] == 0.0 and foreign["lacking"] == 0.5
    assert answer["sentence_cosine"] > foreign["sentence_cosine"]


def test_no_feature_of_the_words_depends_on_how_long_a_text_is(embedder: Embedder) -> None:
    short, long = features_of(
        ask(QUESTION, embedder), embedder, chunk_of(ANSWER, number=1), chunk_of(ANSWER + FOREIGN * 12, number=2)
    )
    assert long == pytest.approx(short, abs=1e-5)


def test_features_are_shares(embedder: Embedder) -> None:
    texts = [ANSWER, SCATTERED, FOREIGN, "", "。", "第3条", "300円" * 200]
    for text in (QUESTION, "は", "令和6年度の予算は何円", "？！"):
        for row in features_of(ask(text, embedder), embedder, *(chunk_of(t, number=n) for n, t in enumerate(texts))):
            outside = {name: value for name, value in row.items() if not -1.0 <= value <= 1.0 + 1e-5}
            assert outside == {}, (text, outside)


def test_another_wording_counts_as_the_asked_words(embedder: Embedder) -> None:
    chunk = chunk_of("国民健康保険に加入します。")
    plain = ask("国保の加入", embedder)
    asked = next(term for term in plain.query.terms if term != "加入")
    wording = Expansion((asked,), ("健康", "保険"), 0.8, Reason.SYNONYM, "国保", "国民健康保険")
    (without,), (with_it,) = (features_of(q, embedder, chunk) for q in (plain, ask("国保の加入", embedder, wording)))
    assert (without["body"], with_it["body"]) == (0.5, 1.0)
    assert (without["lacking"], with_it["lacking"]) == (0.5, 0.0)


def test_a_compound_stands_in_one_piece_in_the_text_or_its_headings(embedder: Embedder) -> None:
    asked = ask("児童手当の額", embedder)
    same, another, apart = "児童手当は月額15,000円です。", "児童扶養手当は月額46,700円です。", "児童に手当てをします。"
    rows = features_of(asked, embedder, *(chunk_of(text, number=n) for n, text in enumerate((same, another, apart))))
    named = features_of(asked, embedder, chunk_of("月額15,000円です。", title="児童手当の手引"))
    none = features_of(ask("手当の額", embedder), embedder, chunk_of(FOREIGN))
    assert [row["compounds"] for row in (*rows, *named, *none)] == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_a_compound_with_another_wording_need_not_stand_as_it_is_asked(embedder: Embedder) -> None:
    plain = ask("国保加入の期限", embedder)
    wording = Expansion(("国保",), ("健康", "保険"), 0.8, Reason.SYNONYM, "国保", "国民健康保険")
    chunk = chunk_of("国民健康保険に加入します。")
    rows = [row for q in (plain, ask("国保加入の期限", embedder, wording)) for row in features_of(q, embedder, chunk)]
    assert [row["compounds"] for row in rows] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("asked", "named", "opposite"),
    [
        ("燃えるごみの日はいつですか", "燃えないごみの収集日を教えてください", 1.0),
        ("燃えないゴミはいつ出せますか", "燃えるごみは何曜日ですか", 1.0),
        ("燃えるごみの日はいつですか", "燃えるごみは何曜日ですか", 0.0),
        ("燃えるごみの日はいつですか", "燃えるごみと燃えないごみの分け方", 0.0),
        ("予約できる日はいつですか", "利用できない日", 0.0),
        ("ごみの日はいつですか", "燃えないごみの収集日を教えてください", 0.0),
    ],
)
def test_what_is_named_after_the_opposite_comes_behind(
    asked: str, named: str, opposite: float, embedder: Embedder
) -> None:
    official = chunk_of("月1回です。", question=named, number=1)
    section = replace(chunk_of("月1回です。", number=2), headings=("くらし", named))
    row = replace(chunk_of(named, number=3), kind=ChunkKind.ROW)
    found = features_of(ask(asked, embedder), embedder, official, section, row)
    assert [features["opposite"] for features in found] == [opposite] * 3
    assert read_model().weights["opposite"] < 0


def test_candidates_of_one_place_support_each_other(embedder: Embedder) -> None:
    first, second = chunk_of("住民票の写し", number=1), chunk_of("手数料は300円", number=2)
    question = ask(QUESTION, embedder)
    apart = features_of(question, embedder, first, second)
    together = features_of(question, embedder, first, replace(second, source=first.source))
    assert [row["support"] for row in apart] == [0.0, 0.0] and [row["support"] for row in together] == [1.0, 1.0]
    assert all(row["place"] < 1.0 for row in apart) and all(row["place"] == 1.0 for row in together)


def test_the_question_of_an_official_answer_is_compared_with_the_question(embedder: Embedder) -> None:
    same, other = features_of(
        ask(QUESTION, embedder),
        embedder,
        chunk_of("300円です。", question=QUESTION, number=1),
        chunk_of("300円です。", question="印鑑登録証の再交付", number=2),
    )
    assert same["question"] == same["question_named"] == 1.0 and other["question_named"] == 0.0
    assert same["heading_cosine"] == pytest.approx(1.0, abs=1e-3) and other["heading_cosine"] < 0.9


def test_a_score_is_the_sum_of_what_its_features_add() -> None:
    model = LinearModel({"fused": 2.0, "sentence": 1.0}, {"fused": 0.5, "sentence": 0.0}, scale=0.5, offset=-1.0)
    row = np.zeros((1, len(FEATURES)), dtype=np.float32)
    row[0, FEATURES.index("fused")], row[0, FEATURES.index("sentence")] = 1.0, 0.5
    parts = model.contributions(row)
    assert parts[0, FEATURES.index("fused")] == 0.5 and parts[0, FEATURES.index("sentence")] == 0.25
    assert np.count_nonzero(parts) == 2
    assert model.score(parts)[0] == pytest.approx(1 / (1 + np.exp(0.25)))


def test_the_model_of_the_package_knows_its_features_and_keeps_the_fused_score() -> None:
    model = read_model()
    assert set(model.weights) - {READER} == set(model.means) <= set(FEATURES) and model.weights[READER] > 0
    assert model.weights["fused"] > 0 and model.scale > 0


def test_the_retriever_explains_its_order(small_town: Settings, embedder: Embedder) -> None:
    snapshot = SnapshotStore(small_town.index).open_current(embedder.fingerprint)
    passages = Retriever(snapshot, embedder).retrieve(QUESTION, limit=10)
    offset = read_model().offset
    for passage in passages:
        assert set(passage.features) == set(passage.contributions) == {*FEATURES, READER}
        logit = offset + sum(passage.contributions.values())
        assert passage.score == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)
    fused = Retriever(snapshot, embedder, rerank=False).retrieve(QUESTION, limit=10)
    assert not fused[0].features and ANSWER[:6] in passages[0].chunk.text
    snapshot.close()


class Backwards:
    """A cross-encoder that likes what was worst, and reads three passages only."""

    name = "backwards"

    def rerank(self, question: str, passages: list[Passage]) -> list[float]:
        return [0.2, 0.4, 0.6][: len(passages)]


def test_a_cross_encoder_has_the_last_word_over_what_it_read(small_town: Settings, embedder: Embedder) -> None:
    snapshot = SnapshotStore(small_town.index).open_current(embedder.fingerprint)
    first = [p.chunk.id for p in Retriever(snapshot, embedder).retrieve(QUESTION, limit=8)]
    again = Retriever(snapshot, embedder, cross_encoder=Backwards()).retrieve(QUESTION, limit=8)  # type: ignore[arg-type]
    assert [p.chunk.id for p in again] == [*reversed(first[:3]), *first[3:]]
    assert [p.score for p in again] == sorted((p.score for p in again), reverse=True)
    snapshot.close()


# --- the training -----------------------------------------------------------------------------------------------------


def sample_of(informative: str, random: np.random.Generator) -> Sample:
    """Return questions whose right candidate is the one with the highest value of one feature."""
    features: NDArray[np.float32] = random.random((600, 10, len(FEATURES)), dtype=np.float32)
    features[:, :, [FEATURES.index(name) for name in FIXED]] = 0.0
    right = np.zeros((600, 10), dtype=np.float32)
    right[np.arange(600), features[:, :, FEATURES.index(informative)].argmax(axis=1)] = 1.0
    return Sample("toy", features, right)


def test_the_fit_finds_the_feature_that_tells_right_from_wrong() -> None:
    sample = sample_of("sentence", np.random.default_rng(1))
    model = fit([sample])
    others = [weight for name, weight in model.weights.items() if name not in ("fused", "sentence", *FIXED)]
    assert {name: model.weights[name] for name in FIXED} == FIXED, "these are set, and not learned"
    assert model.weights["sentence"] > 3 * max(map(abs, others)), "it starts from the fused score alone"
    assert hit_rate(sample, model) > 2 * hit_rate(sample, None)
    scores = [model.score(model.contributions(rows)) for rows in sample.features]
    assert np.mean(scores) == pytest.approx(0.1, abs=0.02), (
        "one of ten candidates is right: the scores are probabilities"
    )


TOPICS = [
    Topic("税の手引 ＞ 督促", "納期限を過ぎたときは、督促状を発する。", ("払い忘れたらどうなる",)),
    Topic("税の手引 ＞ 減免", "災害のときは、申請により減免する。", ("火事で家が焼けた",)),
]


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Path]:
    """Lend a folder of training pairs about an invented town."""
    articles = [
        {"query": f"{name}の面積は", "title": name, "passage": f"{name}は{n}丁目にあり、面積は{n}00平方メートルです。"}
        for n, name in enumerate(("中央公園", "図書館", "体育館", "児童館"), start=1)
    ]
    replies = [
        {"query": f"{n}番の手続を教えてください", "title": f"手続{n}", "passage": f"手続{n}は{n}番窓口で受け付けます。"}
        for n in range(6)
    ]
    for name, rows in {"jaquad": articles, "nta_shitsugi": replies}.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    yield tmp_path


def test_no_asked_passage_is_left_for_the_embedder_of_the_training(pairs: Path, tmp_path: Path) -> None:
    collections, unseen = build_collections(pairs, TOPICS)
    write_rest(pairs, unseen, tmp_path / "rest")
    left = [
        json.loads(line)
        for f in (tmp_path / "rest").glob("*.gz")
        for line in gzip.decompress(f.read_bytes()).splitlines()
    ]
    asked = {question for collection in collections for question, _ in collection.questions}
    assert len(left) == 3 and asked.isdisjoint(row["query"] for row in left)
    assert len(asked) == 4 + 3 + 2


def test_every_question_of_a_collection_has_its_passage_at_its_place(pairs: Path, tmp_path: Path) -> None:
    collections, _ = build_collections(pairs, TOPICS)
    for collection in collections:
        root = tmp_path / collection.name
        collection.write(root / "corpus")
        settings = Settings(corpus=root / "corpus", index=root / "index", workers=1)
        report = sync(settings, pipeline=build_training_pipeline())
        assert report.problems == ()
        snapshot = SnapshotStore(settings.index).open_current(open_embedder().fingerprint)
        known = snapshot.catalog.chunks(snapshot.catalog.chunk_ids()).values()
        places = {(chunk.source, chunk.locator.page or chunk.locator.row) for chunk, _ in known}
        assert {place for _, place in collection.questions} <= places, collection.name
        snapshot.close()
