"""A follow-up is understood with the last full question; a question with a topic of its own is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from rag.assistant import Assistant
from rag.retrieval.follow_ups import CARRIED_WEIGHT, find_topic, is_follow_up

FOLLOW_UPS = [
    "では費用は？",
    "その期限は？",
    "代理人の場合は？",
    "電話でもできますか",
    "いくらかかりますか",
    "必要な書類は何ですか",
    "郵送で請求できますか",
    "じゃあ土日は？",
    "それはいつまでですか",
    "その場合の持ち物を教えてください",
    "オンラインで申請できますか",
    "手数料は無料ですか？",
    "あと、窓口はどこですか",
    "遅れたらどうなりますか",
    "では、家族が代わりに行くときは？",
    "期限を過ぎた場合はどうすればよいですか",
    "ほかに条件はありますか",
    "外国人の場合は？",
    "じゃあ冷蔵庫は？",
    "印鑑は必要ですか",
    "何日前までに申し込めばいいですか",
    "ちなみに予約は要りますか",
    "同じ手続きで大丈夫ですか",
    "本人確認書類は何が要りますか",
    "なぜですか",
]
FULL_QUESTIONS = [
    "転出届はいつまでに出せばよいですか",
    "粗大ごみの手数料はいくらですか",
    "それでは、住民票の写しの手数料はいくらですか",
    "あと、犬の登録はどこでできますか",
    "この町の人口は何人ですか",
    "その他のごみの出し方を教えてください",
    "出張の日当はいくらですか",
    "引っ越したらどうすればいいですか",
    "マイナンバーカードとは何ですか",
    "保育所の申込みの期限は？",
    "避難指示が出る水位は何メートルですか",
    "では次に、消防団員の報酬を教えてください",
    "総合計画の計画期間は何年ですか",
    "子どもが生まれたときの手続きは？",
    "年次有給休暇は何日もらえますか",
    "水道が止まったときの連絡先を教えてください",
    "パスワードは何文字以上にしますか",
    "町長の任期は",
]


@pytest.mark.parametrize("question", FOLLOW_UPS)
def test_a_question_without_a_topic_of_its_own_follows_up(question: str) -> None:
    assert is_follow_up(question)
    assert find_topic(question, [("転出届はどこに出しますか", "町民課です。")]) == "転出届はどこに出しますか"


@pytest.mark.parametrize("question", FULL_QUESTIONS)
def test_a_full_question_is_left_alone(question: str) -> None:
    assert not is_follow_up(question)
    assert find_topic(question, [("転出届はどこに出しますか", "町民課です。")]) is None


def test_without_an_earlier_question_nothing_is_followed_up() -> None:
    assert find_topic("では費用は？", []) is None


def test_a_chain_of_follow_ups_keeps_the_last_full_question() -> None:
    history = [
        (question, "…")
        for question in ("ごみ袋の値段は", "粗大ごみの出し方を教えてください", "では費用は？", "その期限は？")
    ]
    assert find_topic("電話でもできますか", history) == "粗大ごみの出し方を教えてください"


def test_a_follow_up_finds_what_it_finds_with_its_topic(town_assistant: Assistant) -> None:
    history = [("印鑑登録について教えてください", "…"), ("住民票の写しはどこで取れますか", "…")]
    answer = town_assistant.ask("その手数料は？", history)
    assert "300円" in answer.text and answer.citations[0].source == "町民課/窓口のよくある質問.csv"
    alone = town_assistant.ask("旅費の請求は何日以内ですか", history)
    assert alone.text == town_assistant.ask("旅費の請求は何日以内ですか").text


def test_what_was_carried_on_is_told_and_counts_less(town_assistant: Assistant) -> None:
    from rag.indexing.embedding import open_embedder
    from rag.retrieval.retriever import Retriever

    with town_assistant._snapshot() as snapshot:
        retriever = Retriever(snapshot, open_embedder())
        asked = retriever.understand("では費用は？", [("粗大ごみの出し方", "…")])
        alone, topic = retriever.understand("では費用は？"), retriever.understand("粗大ごみの出し方")
    assert asked.topic == "粗大ごみの出し方" and asked.understood == "「粗大ごみの出し方」について、費用は？"
    assert set(asked.query.terms) == {*alone.query.terms, *topic.query.terms}
    assert set(asked.query.carried.values()) == {CARRIED_WEIGHT} and set(asked.query.carried) == {*topic.query.terms}
    assert float(np.linalg.norm(asked.vector)) == pytest.approx(1.0, abs=1e-3)
    assert float(asked.vector @ alone.vector) > float(asked.vector @ topic.vector) > float(alone.vector @ topic.vector)
