"""Which questions are about what people say, wish or worry about."""

from __future__ import annotations

import pytest

from rag.answering.answer_type import asks_for_voices


@pytest.mark.parametrize(
    "question",
    [
        "住民が心配していることは何ですか",
        "町民の困りごとは",
        "住民から寄せられた不満は何ですか",
        "子育て世帯の不安は何ですか",
        "若者が町に望むことは",
        "利用者が求めていることは何ですか",
        "住民はなぜ不安に思っていますか",
        "困っている点を教えてください",
        "町民が思い込んでいたことは何ですか",
        "町民はどんなことに困っていますか",
    ],
)
def test_a_question_about_voices_is_one_wherever_the_question_word_stands(question: str) -> None:
    assert asks_for_voices(question)


@pytest.mark.parametrize(
    "question",
    [
        "音声読み上げに対応していますか",
        "選挙の声かけ運動",
        "主治医意見書の料金",
        "要望書の提出先",
        "どんな世話が必要ですか",
        "どんなときに相談電話を使えますか",
        "生活に困っています。どこに相談すればいいですか",
        "子どもの発達が心配です。相談できますか",
        "困ったときの相談先は",
    ],
)
def test_who_is_in_need_asks_for_what_helps_and_not_for_voices(question: str) -> None:
    assert not asks_for_voices(question)
