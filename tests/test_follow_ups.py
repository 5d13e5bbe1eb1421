"""A follow-up is understood with the last full question; a question with a topic of its own is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.conversations import (
    CONVERSATIONS,
    HELD_OUT,
    LOOKED_AT,
    Conversation,
    Outcome,
    Turning,
    read_conversations,
    render,
)
from rag.asking import is_thanks
from rag.assistant import Assistant
from rag.errors import QuestionSetError
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


class Said:
    """A corpus that is about some words, and says some others of any topic."""

    def is_about(self, words: Sequence[str]) -> bool:
        return "給食" in words

    def says_of(self, words: Sequence[str], topic: Sequence[str]) -> bool:
        return "照明" in words or "給食" in words


def test_a_short_question_follows_up_where_the_documents_say_it_of_the_topic() -> None:
    topic = "体育館を借りる料金はいくらですか"
    asked = ("照明代は別にかかりますか", "給食費はかかりますか", "火星の天気は何ですか")

    assert [is_follow_up(question, topic, Said()) for question in asked] == [True, False, False]
    assert not is_follow_up(asked[0], topic)


@pytest.mark.parametrize(
    "question",
    [
        "ところで粗大ごみの手数料はいくらですか",
        "話は変わりますが、灯籠流しはいつですか",
        "別の質問ですが、町の人口は何人ですか",
        "次に、戸籍謄本を取りたい",
    ],
)
def test_who_turns_to_something_else_is_followed_there(question: str) -> None:
    assert find_topic(question, [("転出届はどこに出しますか", "…")], Said()) is None


def test_the_first_topic_can_be_called_back() -> None:
    history = [("転出届はいつまでに出しますか", "…"), ("ごみ袋はいくらですか", "…")]

    assert find_topic("最初の質問に戻って、オンラインでもできますか", history) == "転出届はいつまでに出しますか"
    assert find_topic("オンラインでも買えますか", history) != "転出届はいつまでに出しますか"


def test_thanks_are_no_question_and_hide_none() -> None:
    history = [("粗大ごみの出し方を教えてください", "…"), ("ありがとうございます", "…")]

    assert not is_follow_up("ありがとうございます") and is_thanks("分かりました、ありがとう")
    assert find_topic("なるほど。費用は？", history) == "粗大ごみの出し方を教えてください"


def test_an_exchanged_part_is_kept_by_what_follows() -> None:
    history = [("出生届はいつまでに出しますか", "…"), ("死亡届は？", "…"), ("代理人でもできますか", "…")]

    assert find_topic("費用は？", history) == "死亡届はいつまでに出しますか"


def test_a_question_with_its_part_exchanged_is_asked_whole(town_assistant: Assistant) -> None:
    history = [("自転車の処理手数料はいくらですか", "…")]

    assert town_assistant.ask("転出届は？", [("印鑑届はいつまでに出せばよいですか", "…")]).understood == (
        "転出届はいつまでに出せばよいですか"
    )
    assert town_assistant.find_topic("その大きさは？", history) == history[0][0]
    assert town_assistant.search("布団は？", history)[0].chunk.source == "環境課/ごみの出し方.md"


# --- the conversations that are measured ------------------------------------------------------------------------------


def test_the_conversations_are_forty_or_more_of_every_kind_half_of_them_held_out() -> None:
    conversations = read_conversations(CONVERSATIONS)

    assert len(conversations) >= 40 and {c.turning for c in conversations} == set(Turning)
    parts = [sum(c.part == part for c in conversations) for part in (LOOKED_AT, HELD_OUT)]
    assert abs(parts[0] - parts[1]) <= 1
    assert all(bool(c.gold) is (c.turning is not Turning.THANKS) for c in conversations)


def test_a_mistake_in_the_sheet_of_conversations_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "会話.csv"
    file.write_text(
        "番号,種類,前の質問,質問,続き,期待する文書,ページ／行,用途\n1,省略,転出届は,費用は,たぶん,,,調整\n",
        encoding="utf-8",
    )

    with pytest.raises(QuestionSetError, match="2 行目"):
        read_conversations(file)


def test_shares_are_counted_apart_and_only_one_half_is_shown() -> None:
    looked_at, held_out = (
        Conversation("1", "省略", ("転出届は",), "費用は", Turning.FOLLOWS, (), part) for part in (LOOKED_AT, HELD_OUT)
    )
    text = render([Outcome(looked_at, None, False, False), Outcome(held_out, None, False, False)])

    assert text.count("続きの質問を続きと見た\t0/1（0.0%）") == 2
    assert text.count("× 1 転出届は → 費用は") == 1


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
    assert set(asked.query.carried.values()) <= {CARRIED_WEIGHT, CARRIED_WEIGHT / 2} and set(asked.query.carried) == {
        *topic.query.terms
    }
    assert float(np.linalg.norm(asked.vector)) == pytest.approx(1.0, abs=1e-3)
    assert float(asked.vector @ alone.vector) > float(asked.vector @ topic.vector) > float(alone.vector @ topic.vector)
