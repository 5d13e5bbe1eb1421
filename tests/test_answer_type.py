"""What kind of thing a question asks for, and where such things stand in a text."""

from __future__ import annotations

import pytest

from rag.answering.answer_type import AnswerType, find_wanted

QUESTIONS = {
    "住民票の写しはいくらですか": AnswerType.AMOUNT,
    "使用料の次の見直しはいつですか": AnswerType.TIME,  # what is asked outright goes before the subject
    "手数料を教えてください": AnswerType.AMOUNT,
    "申請は何日前までですか": AnswerType.TIME,
    "定員は何人ですか": AnswerType.COUNT,
    "どのくらいの割合ですか": AnswerType.QUANTITY,
    "届出の窓口はどこですか": AnswerType.PLACE,
    "委員長は誰ですか": AnswerType.PERSON,
    "なぜ廃止したのですか": AnswerType.REASON,
    "どのように申し込みますか": AnswerType.PROCEDURE,
    "代理人でも申請できますか": AnswerType.ABILITY,
    "有収率とは何ですか": AnswerType.DEFINITION,
    "環境課の内線を教えてください": AnswerType.CONTACT,
    "町の花を教えてください": AnswerType.THING,
}


@pytest.mark.parametrize(("question", "wanted"), QUESTIONS.items())
def test_a_question_asks_for_a_kind_of_thing(question: str, wanted: AnswerType) -> None:
    assert find_wanted(question).type is wanted


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("手数料はいくらですか", "１通３００円です。郵送は無料です。", ["３００円", "無料"]),
        ("令和6年度の手数料はいくらですか", "令和6年度は1,200円です。", ["1,200円"]),
        ("いつまでに届けますか", "転入した日から14日以内に届けます。", ["14日以内"]),
        ("受付は何時までですか", "午後5時15分まで受け付けます。", ["午後5時15分まで"]),
        ("定員は何人ですか", "定員は120人、3教室です。", ["120人"]),
        ("何文字以上にしますか", "12文字以上とします。", ["12文字"]),
        ("担当はどこですか", "担当は環境課です。", ["環境課"]),
        ("委員長は誰ですか", "委員長は佐藤花子です。", ["佐藤花子"]),
        ("内線を教えてください", "内線150へお電話ください。", ["内線150"]),
        ("代理人でもできますか", "委任状が必要です。", ["必要"]),
        ("町の花を教えてください", "町の花はリンドウです。", []),
    ],
)
def test_things_of_the_kind_are_found_where_they_stand(question: str, text: str, found: list[str]) -> None:
    spans = find_wanted(question).find(text)

    assert [word for word in found if word in [text[start:end] for start, end in spans]] == found
    assert bool(spans) == bool(found)


def test_what_the_question_says_itself_is_no_answer() -> None:
    assert find_wanted("300円の手数料はいくらに変わりますか").find("手数料は300円です。") == []
