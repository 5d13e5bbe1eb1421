"""The questions by what they have in common: purpose, category, department, kind and document, what is asked, answerable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval.metrics import Figures, Outcome, compute_figures
from eval.questions import HELD_OUT, TUNING
from eval.records import QuestionRecord
from rag.answering.answer_type import AnswerType

PURPOSE, CATEGORY, DEPARTMENT, ANSWERABLE, WORDING, KIND, TYPE, DOCUMENT = (
    "用途",
    "分類",
    "担当課",
    "回答可否",
    "言い方",
    "種別",
    "問い",
    "文書",
)
_TYPE_LABELS: Mapping[AnswerType, str] = {
    AnswerType.AMOUNT: "金額",
    AnswerType.TIME: "日時・期間",
    AnswerType.COUNT: "数",
    AnswerType.QUANTITY: "量・割合",
    AnswerType.CONTACT: "連絡先",
    AnswerType.PLACE: "場所",
    AnswerType.PERSON: "人",
    AnswerType.REASON: "理由",
    AnswerType.PROCEDURE: "手順",
    AnswerType.ABILITY: "可否",
    AnswerType.DEFINITION: "意味",
    AnswerType.THING: "もの・こと",
}


def label_type(type_: AnswerType) -> str:
    """Return what people call a kind of question."""
    return _TYPE_LABELS[type_]


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the questions and their figures. axis: what they have in common; name: its value."""

    axis: str
    name: str
    figures: Figures


AXES: Mapping[str, Callable[[QuestionRecord], Sequence[str]]] = {
    PURPOSE: lambda r: [HELD_OUT if r.is_held_out else TUNING],
    CATEGORY: lambda r: [r.category or "なし"],
    DEPARTMENT: lambda r: [r.department or "なし"],
    ANSWERABLE: lambda r: ["回答可" if r.answerable else "回答不可"],
    WORDING: lambda r: ["言い換え" if r.is_paraphrase else "文書の言葉"],
    KIND: lambda r: r.kinds,
    TYPE: lambda r: [r.question_type],
    DOCUMENT: lambda r: r.documents,
}
"""What the questions are grouped by: axis -> the groups that a question is in."""


def split_results(results: Iterable[QuestionRecord], axis: str) -> dict[str, list[QuestionRecord]]:
    """Return group -> its questions, in the order of the question set; a question with several values is in several groups."""
    groups: dict[str, list[QuestionRecord]] = {}
    for result in results:
        for name in AXES[axis](result):
            groups.setdefault(name, []).append(result)
    return groups


def build_groups(results: Sequence[QuestionRecord], axes: Iterable[str] = tuple(AXES)) -> tuple[Group, ...]:
    """Return the groups of each axis with their figures; an axis that does not tell the questions apart is left out."""
    found = []
    for axis in axes:
        groups = split_results(results, axis)
        if len(groups) > 1:
            found += [Group(axis, name, compute_figures(_outcomes(members))) for name, members in groups.items()]
    return tuple(found)


def _outcomes(results: Sequence[QuestionRecord]) -> list[Outcome]:
    return [result.outcome for result in results]
