"""Retrieval over a small real index: the right passage first, exact filters, closed documents closed, results that repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, EVERYONE, Asker, Filters, Kind, Passage
from rag.errors import UsageError
from rag.indexing.embedding import Embedder, open_embedder
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.retrieval.fusion import fuse_scores, rank
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

ALL = 1_000
TAX_OFFICE = Asker(departments=("税務課",))
QUESTIONS = [
    ("住民票の写しの手数料はいくらですか", "住民票の写しは1通300円"),
    ("住民票を1枚取るのにお金はいくらかかりますか", "住民票の写しは1通300円"),
    ("転出届の期限", "引っ越す日のおおむね14日前"),
    ("他の町へ引っ越すときはいつまでに届け出ますか", "引っ越す日のおおむね14日前"),
    ("マイナンバーカードをなくした", "一時停止を申し出て"),
    ("燃えるごみは何曜日に出せばいいですか", "毎週月曜日と木曜日"),
    ("自転車を捨てる手数料", "自転車"),
    ("出張でホテルに泊まると宿泊料は一晩いくら出ますか", "一夜につき9,800円"),
    ("合計特殊出生率の目標値は", "1.60"),
    ("避難所を開けるときの手順を知りたい", "施設の管理者に連絡し"),
]


@dataclass(frozen=True)
class Engine:
    """A retriever and the snapshot below it."""

    snapshot: Snapshot
    retriever: Retriever


@pytest.fixture(scope="module")
def engine(small_town: Settings) -> Iterator[Engine]:
    embedder = open_embedder(small_town.embedder)
    snapshot = SnapshotStore(small_town.index).open_current(embedder.fingerprint)
    yield Engine(snapshot, Retriever(snapshot, embedder))
    snapshot.close()


def _ids(passages: list[Passage]) -> list[str]:
    return [passage.chunk.id for passage in passages]


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_the_right_passage_comes_first(engine: Engine, question: str, expected: str) -> None:
    passages = engine.retriever.retrieve(question, limit=5)
    assert expected in passages[0].chunk.text, [(p.chunk.text[:40], round(p.score, 2), p.legs) for p in passages]


@pytest.fixture
def all_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let passages that are nothing but headings be found, as any other."""
    monkeypatch.setattr("rag.retrieval.retriever.leave_out_headings", lambda passages, _limit: passages)


@pytest.mark.usefixtures("all_headings")
def test_passages_come_with_both_legs_and_best_first(engine: Engine) -> None:
    for question, _ in QUESTIONS:
        passages = engine.retriever.retrieve(question, limit=ALL)
        assert passages and len(set(_ids(passages))) == len(passages)
        scores = [passage.score for passage in passages]
        assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
        for passage in passages:
            assert set(passage.legs) == {"lexical", "dense"}, passage.legs
        assert passages[0].legs["dense"] > 0 and passages[0].legs["lexical"] > 0
        assert {p.ranks.get("dense") for p in passages} == set(range(1, len(passages) + 1))


def test_the_score_of_a_leg_does_not_depend_on_who_else_is_shown(engine: Engine) -> None:
    long, short = (engine.retriever.retrieve(QUESTIONS[0][0], limit=limit) for limit in (ALL, 3))
    assert _ids(short) == _ids(long)[:3]
    for few, many in zip(short, long, strict=False):
        assert dict(few.legs) == pytest.approx(dict(many.legs), abs=1e-6)


class Weighted:
    """The embedder of the small town with another weight of its leg."""

    def __init__(self, embedder: Embedder, dense_weight: float) -> None:
        self.embed_query, self.dense_weight, self.dense_floor = embedder.embed_query, dense_weight, 0.0
        self.embed_documents, self.embed_words = embedder.embed_documents, embedder.embed_words
        self.embed_folded = embedder.embed_folded
        self.is_fast, self.vocabulary = True, ""


@pytest.mark.usefixtures("all_headings")
@pytest.mark.parametrize("dense_weight", [0.0, 1.0])
def test_a_candidate_of_one_leg_alone_gets_its_score_in_the_other(
    engine: Engine, small_town: Settings, monkeypatch: pytest.MonkeyPatch, dense_weight: float
) -> None:
    monkeypatch.setattr("rag.retrieval.retriever.CANDIDATES", 2)
    one_leg = Retriever(engine.snapshot, Weighted(open_embedder(small_town.embedder), dense_weight))  # type: ignore[arg-type]
    for question, _ in QUESTIONS:
        expected = {p.chunk.id: dict(p.legs) for p in engine.retriever.retrieve(question, limit=ALL)}
        for passage in one_leg.retrieve(question, limit=2):
            assert dict(passage.legs) == pytest.approx(expected[passage.chunk.id], abs=1e-5), question


@pytest.mark.parametrize("found", [3, 10])
def test_what_cannot_come_near_is_not_scored_and_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    scored: list[int] = []
    exact = engine.snapshot.lexical.scores

    def count_scored(terms: object, ids: list[str], **more: object) -> dict[str, float]:
        scored.append(len(ids))
        return exact(terms, ids, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("rag.retrieval.retriever.CANDIDATES", found)
    monkeypatch.setattr("rag.retrieval.retriever.RERANKED", 2)
    monkeypatch.setattr("rag.retrieval.retriever._MARGIN", 1)
    monkeypatch.setattr(engine.snapshot.lexical, "scores", count_scored)
    pruned = [engine.retriever.retrieve(question, limit=1) for question, _ in QUESTIONS]
    few = sum(scored)
    scored.clear()
    monkeypatch.setattr("rag.retrieval.retriever._find_hopeful", lambda ids, *_: ids)
    assert pruned == [engine.retriever.retrieve(question, limit=1) for question, _ in QUESTIONS]
    assert few < sum(scored)


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_no_more_than_the_limit(engine: Engine, limit: int) -> None:
    assert len(engine.retriever.retrieve("手数料", limit=limit)) == limit


def test_a_search_repeats_itself(engine: Engine) -> None:
    for question, _ in QUESTIONS:
        first, second = (engine.retriever.retrieve(question, limit=ALL) for _ in range(2))
        assert first == second


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "sources"),
    [
        (Filters(department="町民課"), {"町民課/窓口のよくある質問.csv"}),
        (Filters(department="環境課"), {"環境課/ごみの出し方.md"}),
        (Filters(kind=Kind.MANUAL), {"税務課/滞納整理の手引.txt", "防災課/避難所開設手順.md"}),
        (Filters(kind=Kind.RULE), {"総務課/職員旅費規程.txt"}),
        (Filters(year=2025), {"総務課/職員旅費規程.txt"}),
        (Filters(kind=Kind.MANUAL, department="防災課", year=2026), {"防災課/避難所開設手順.md"}),
        (Filters(kind=Kind.RULE, year=2026), set()),
        (Filters(department="無い課"), set()),
    ],
)
def test_filters_let_through_exactly_what_they_say(engine: Engine, filters: Filters, sources: set[str]) -> None:
    everything = engine.retriever.retrieve("手数料と手続き", limit=ALL)
    expected = {p.chunk.id for p in everything if p.chunk.source in sources}
    assert {p.chunk.source for p in everything} >= sources
    assert set(_ids(engine.retriever.retrieve("手数料と手続き", filters=filters, limit=ALL))) == expected


@pytest.mark.parametrize(
    ("day", "hidden"),
    [
        (date(2025, 3, 31), {"職員旅費規程", "第3次緑沢町総合計画", "避難所開設手順"}),
        (date(2025, 4, 1), {"第3次緑沢町総合計画", "避難所開設手順"}),
        (date(2026, 4, 1), {"避難所開設手順"}),
        (date(2027, 4, 1), set()),
    ],
)
def test_a_day_shows_what_was_in_force_then(engine: Engine, day: date, hidden: set[str]) -> None:
    def stems(filters: Filters | None) -> set[str]:
        passages = engine.retriever.retrieve("町の決まり", filters=filters, limit=ALL)
        return {p.chunk.source.rpartition("/")[2].partition(".")[0] for p in passages}

    assert stems(None) - stems(Filters(as_of=day)) == hidden


def test_a_closed_document_is_found_only_by_those_who_may_read_it(engine: Engine) -> None:
    question, closed = "督促状を送った後の差押えはいつ行いますか", "税務課/滞納整理の手引.txt"
    seen = {
        name: {p.chunk.source for p in engine.retriever.retrieve(question, asker=asker, limit=ALL)}
        for name, asker in {
            "all": COMMAND_LINE,
            "tax": TAX_OFFICE,
            "none": EVERYONE,
            "other": Asker(("町民課",)),
        }.items()
    }
    assert closed in seen["all"] and seen["tax"] == seen["all"]
    assert seen["none"] == seen["other"] == seen["all"] - {closed}
    asked = engine.retriever.retrieve(question, asker=EVERYONE, filters=Filters(department="税務課"), limit=ALL)
    assert asked == []


@pytest.mark.parametrize("question", ["", "　 \n", "あ" * 2_001])
def test_an_empty_or_endless_question_is_refused(town_assistant: Assistant, question: str) -> None:
    with pytest.raises(UsageError, match="質問が"):
        town_assistant.search(question)


@pytest.mark.parametrize("question", ["？", "ＡＢＣ", "🍙", "\u0000", "' OR 1=1 --", "+body:手数料^9 AND", "の"])
def test_odd_questions_do_not_break_the_search(engine: Engine, question: str) -> None:
    for passage in engine.retriever.retrieve(question, limit=3):
        assert 0 <= passage.score <= 1


# --- fusion -----------------------------------------------------------------------------------------------------------

_LEG = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 50, allow_nan=False, width=32), max_size=8)
_WEIGHT = st.floats(0, 1)


@hypothesis_settings(derandomize=True, database=None)
@given(_LEG, _LEG, _WEIGHT)
def test_a_fused_score_lies_between_nought_and_one_for_every_id(
    lexical: dict[str, float], dense: dict[str, float], weight: float
) -> None:
    fused = fuse_scores(lexical, dense, dense_weight=weight)
    assert fused.keys() == lexical.keys() | dense.keys()
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values()), fused


@hypothesis_settings(derandomize=True, database=None)
@given(_LEG, _LEG, _WEIGHT)
def test_who_is_ahead_in_both_legs_is_not_behind_after_fusion(
    lexical: dict[str, float], dense: dict[str, float], weight: float
) -> None:
    fused = fuse_scores(lexical, dense, dense_weight=weight)
    for one in fused:
        for other in fused:
            ahead = all(leg.get(one, 0.0) >= leg.get(other, 0.0) for leg in (lexical, dense))
            assert not ahead or fused[one] >= fused[other] - 1e-9, (one, other, fused)


def test_one_leg_alone_keeps_its_order() -> None:
    scores = {"a": 1.0, "b": 3.0, "c": 2.0}
    assert rank(fuse_scores(scores, {}, dense_weight=0.3)) == rank(scores) == {"b": 1, "c": 2, "a": 3}
    assert rank(fuse_scores({}, scores, dense_weight=0.3)) == rank(scores)
    assert fuse_scores(scores, {"a": 9.0}, dense_weight=0.0)["b"] == 1.0


# --- llama-index ------------------------------------------------------------------------------------------------------


def test_llama_index_gets_the_same_passages_in_the_same_order(engine: Engine) -> None:
    from llama_index.core.schema import NodeWithScore

    from rag.retrieval.llama import ShirubeRetriever

    question = QUESTIONS[1][0]
    nodes = ShirubeRetriever(engine.retriever, limit=4).retrieve(question)
    passages = engine.retriever.retrieve(question, limit=4)
    assert all(isinstance(node, NodeWithScore) for node in nodes)
    assert [(node.node.node_id, node.score) for node in nodes] == [(p.chunk.id, p.score) for p in passages]
    assert [node.get_content() for node in nodes] == [passage.chunk.text for passage in passages]
