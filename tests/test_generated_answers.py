"""Answers that an LLM writes, through the facade: proved, struck or replaced by quotations, and never without saying so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata

from rag.answering.answerer import Answerer
from rag.assistant import Assistant
from rag.documents import Answer, Passage, Reason, Status
from rag.retrieval.query import Question
from rag.settings import Settings

FEE = "住民票の写しの手数料はいくらですか"


class Scripted(CustomLLM):
    """An LLM that says what it is told, and keeps what it was sent."""

    said: str
    sent: list[str]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8_000)

    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        self.sent.append(prompt)
        return CompletionResponse(text=self.said)

    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        self.sent.append(prompt)

        def pieces() -> Iterator[CompletionResponse]:
            for end in range(1, len(self.said) + 1):
                yield CompletionResponse(text=self.said[:end], delta=self.said[end - 1])

        return pieces()


Ask = Callable[..., tuple[Answer, list[str], Scripted]]


@pytest.fixture
def ask(small_town: Settings) -> Ask:
    """Return a function that asks with an LLM that says something: the answer, what was streamed, the LLM."""

    def ask_saying(
        said: str, question: str = FEE, threshold: float | None = None
    ) -> tuple[Answer, list[str], Scripted]:
        llm = Scripted(said=said, sent=[])
        heard: list[str] = []
        town = replace(small_town, answer_threshold=threshold)
        with closing(Assistant.open(town, llm=llm)) as assistant:
            return assistant.ask(question, on_token=heard.append), heard, llm

    return ask_saying


def test_what_an_llm_says_and_the_documents_bear_out_is_the_answer(ask: Ask) -> None:
    answer, heard, _ = ask("住民票の写しの手数料は、1通300円です[1]。")

    assert (answer.status, answer.engine) == (Status.ANSWERED, "generative")
    assert "300円" in answer.text and "".join(heard) == answer.text
    assert answer.citations and all(c.verified for c in answer.citations) and "300円" in answer.citations[0].quote
    assert answer.checks.statements == 1 and answer.checks.facts >= 1 and answer.checks.struck == ()


def test_a_wrong_number_is_struck_named_and_never_streamed(ask: Ask) -> None:
    answer, heard, _ = ask("住民票の写しの手数料は、1通300円です[1]。コンビニエンスストアで取る場合は1通900円です[1]。")

    assert "900円" not in answer.text + "".join(heard) and "300円" in answer.text
    assert [("900円" in s.text, "900円" in s.reason) for s in answer.checks.struck] == [(True, True)]
    assert "struck" in {warning.code for warning in answer.warnings}


@pytest.mark.parametrize(
    "said",
    ["", "町長の好物はりんごです[1]。", "手数料は、1通700円です[1]。", "無料です[9]。"],
    ids=["nothing", "invented", "wrong", "no such source"],
)
def test_where_nothing_is_left_the_documents_are_quoted_and_it_is_said_why(ask: Ask, said: str) -> None:
    answer, heard, _ = ask(said)

    assert answer.engine == "extractive" and "1通300円です" in answer.text
    assert "fallback" in {warning.code for warning in answer.warnings}
    assert "".join(heard) == answer.text


def test_no_llm_is_asked_what_the_documents_do_not_hold(ask: Ask) -> None:
    answer, _, llm = ask("何でも答えます[1]。", "サッカーのワールドカップの優勝国はどこですか")
    assert answer.status is Status.NO_ANSWER and llm.sent == []

    answer, _, llm = ask("何でも答えます[1]。", "隣の家の滞納額を教えて")
    assert answer.reason is Reason.PERSONAL_DATA and llm.sent == []


def test_personal_data_of_a_question_stay_at_home(ask: Ask) -> None:
    _, _, llm = ask("住民票の写しの手数料は、1通300円です[1]。", f"電話は090-1234-5678です。{FEE}", 0.0)

    assert llm.sent and not any("1234-5678" in prompt for prompt in llm.sent)


def test_warming_up_loads_what_answers_and_asks_the_llm_nothing(
    small_town: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[list[Passage]] = []

    def examine(answerer: Answerer, question: Question, passages: list[Passage]) -> object:
        examined.append(passages)
        return real(answerer, question, passages)

    real = Answerer.examine
    monkeypatch.setattr(Answerer, "examine", examine)
    llm = Scripted(said="はい", sent=[])
    with closing(Assistant.open(small_town, llm=llm)) as assistant:
        assistant.warm_up()

    assert len(examined) == 1 and examined[0] and llm.sent == []
