"""An LLM's opinion: an extra that counts what it could judge, changes no other figure, and sees no personal data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback
from pydantic import Field

from eval.llm_judge import judge_answers, open_judge
from eval.metrics import JUDGED
from eval.run import EvaluationStoppedError
from rag.errors import UsageError
from rag.settings import Settings
from tests.eval_records import REFUSED, RIGHT, SILENT, WRONG, make_result, make_run


class Judge(CustomLLM):
    """Say the next of some verdicts, and keep what was asked."""

    verdicts: list[str] = Field(default_factory=list)
    asked: list[str] = Field(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def _next(self, prompt: str) -> str:
        self.asked.append(prompt)
        verdict = self.verdicts.pop(0)
        if verdict == "故障":
            raise ConnectionError("down")
        return verdict

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self._next(prompt))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Iterator[CompletionResponse]:
        text = self._next(prompt)
        yield CompletionResponse(text=text, delta=text)


def test_what_could_be_judged_is_counted_and_nothing_else_changes() -> None:
    outcomes = (RIGHT, WRONG, RIGHT, RIGHT, SILENT, REFUSED)
    run = make_run([make_result(str(number), outcome) for number, outcome in enumerate(outcomes)])
    judged = judge_answers(run, Judge(verdicts=["正", "誤", "故障", "分かりません"]), Settings())

    assert [outcome.judged for outcome in judged.outcomes] == [True, False, None, None, None, None]
    before, after = run.overall.shares, judged.overall.shares
    assert (after[JUDGED].value, after[JUDGED].total) == (1 / 2, 2) and before[JUDGED].value is None
    assert all(after[name] == before[name] for name in after if name != JUDGED)


def test_the_judge_sees_question_model_answer_and_answer_without_personal_data() -> None:
    judge = Judge(verdicts=["正"])
    result = make_result("1", text="電話 0123-45-6789 の人の手数料は", model_answer="500円です。")
    judge_answers(make_run([result]), judge, Settings())
    (asked,) = judge.asked
    assert "0123-45-6789" not in asked and "【電話1】" in asked
    assert "模範解答: 500円です。" in asked and "回答: 手数料は500円です。\n" in asked


def test_it_can_be_stopped_and_needs_a_server() -> None:
    with pytest.raises(EvaluationStoppedError):
        judge_answers(make_run([make_result("1")]), Judge(), Settings(), cancel=lambda: True)
    with pytest.raises(UsageError, match="llm_url"):
        open_judge(replace(Settings(), llm_url=None))
