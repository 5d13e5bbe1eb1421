"""A question that asks for two things is answered from wherever each of them stands."""

from __future__ import annotations

import pytest

from rag.answering.combination import INCOMPLETE, combine_answers
from rag.assistant import Assistant
from rag.documents import Answer, Citation, Locator, Span, Status
from rag.retrieval.parts import split_parts


def cite(number: int, source: str) -> Citation:
    return Citation(number, source, source, Locator(line=1), 1, (Span(0, 3),), "引用文", verified=True)


def answered(text: str, *sources: str, confidence: float = 0.9) -> Answer:
    citations = tuple(cite(number, source) for number, source in enumerate(sources, start=1))
    return Answer(Status.ANSWERED, text, confidence, "extractive", 0.0, citations=citations)


NOTHING = Answer(Status.NO_ANSWER, "ありません。", 0.1, "extractive", 0.0)


def test_answers_of_two_documents_become_one_with_citations_numbered_anew() -> None:
    parts = [("甲は", answered("甲は1円です。[1]", "a")), ("乙は", answered("乙は2日です。[1]", "b", confidence=0.6))]

    answer = combine_answers(NOTHING, parts)

    assert answer.text == "甲は1円です。[1]\n乙は2日です。[2]"
    assert [(c.number, c.source) for c in answer.citations] == [(1, "a"), (2, "b")]
    assert answer.confidence == 0.6 and answer.checks.quotes == 2 and answer.warnings == ()


def test_every_part_has_a_citation_among_the_three_and_paragraphs_without_one_are_left_out() -> None:
    long = answered("一。[1]\n二。[2]\n三。[3]", "a", "b", "c")

    answer = combine_answers(NOTHING, [("甲", long), ("乙", answered("四。[1]", "d"))])

    assert answer.text == "一。[1]\n二。[2]\n四。[3]"
    assert [c.source for c in answer.citations] == ["a", "b", "d"]


def test_what_stands_in_one_place_is_said_and_cited_once() -> None:
    same = answered("甲は1円、乙は2円です。[1]", "a")

    answer = combine_answers(NOTHING, [("甲は", same), ("乙は", same)])

    assert answer.text == "甲は1円、乙は2円です。[1]" and len(answer.citations) == 1


def test_an_answer_to_the_whole_that_cites_what_the_parts_cite_stands() -> None:
    whole = answered("甲は1円です。[1]\n乙は2日です。[2]", "a", "b")

    assert combine_answers(whole, [("甲", answered("甲[1]", "a")), ("乙", answered("乙[1]", "b"))]) is whole
    assert combine_answers(NOTHING, [("甲", NOTHING), ("乙", NOTHING)]) is NOTHING


def test_a_part_without_an_answer_is_named() -> None:
    answer = combine_answers(NOTHING, [("甲は", answered("甲は1円です。[1]", "a")), ("乙は", NOTHING)])

    assert [warning.code for warning in answer.warnings] == [INCOMPLETE] and "「乙は」" in answer.warnings[0].message


def test_a_second_question_may_follow_up_the_first() -> None:
    question = "転入届の期限はいつですか。手数料も教えてください。"
    assert split_parts(question) == ("転入届の期限はいつですか。", "手数料も教えてください。")


def test_two_things_asked_of_two_documents_are_both_answered(town_assistant: Assistant) -> None:
    answer = town_assistant.ask("布団の処理手数料と、住民票の写しの手数料を教えてください")

    assert "布団" in answer.text and "1通300円" in answer.text
    assert len({citation.source for citation in answer.citations}) == 2 and all(c.verified for c in answer.citations)


@pytest.mark.parametrize(
    "question",
    [
        "課税証明書と納税証明書の手数料の違いは何ですか",
        "町の花と木は何ですか",
        "引っ越しました。どうすればよいですか。",
        "座席数の最も多い案と、その理由は",
    ],
)
def test_a_question_about_one_thing_is_left_alone(question: str) -> None:
    assert split_parts(question) == (question,)
