"""What a fact is: a number, date, amount, article, form, phone number or name, in a form in which equal things are equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class FactKind(StrEnum):
    """What kind of thing a fact states."""

    NUMBER = "number"
    DATE = "date"
    PERIOD = "period"
    AMOUNT = "amount"
    ARTICLE = "article"
    FORM = "form"
    PHONE = "phone"
    TIME = "time"
    NAME = "name"
    UNIT = "unit"
    """A unit that a text declares for its bare numbers: （千円）, 単位：人. It supports facts and is none itself."""

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _LABELS[self]


_LABELS = {
    FactKind.NUMBER: "数",
    FactKind.DATE: "日付",
    FactKind.PERIOD: "期間",
    FactKind.AMOUNT: "金額",
    FactKind.ARTICLE: "条番号",
    FactKind.FORM: "様式番号",
    FactKind.PHONE: "電話番号",
    FactKind.TIME: "時刻",
    FactKind.NAME: "名称",
    FactKind.UNIT: "単位",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in a text: its kind, its canonical value, and the characters [start, end) of the text that state it."""

    kind: FactKind
    value: str
    start: int
    end: int


class Found(NamedTuple):
    """A fact in a line in the form in which characters are compared."""

    kind: FactKind
    value: str
    start: int
    end: int


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], Iterable[Found]]]
"""A pattern over folded text, and what its matches state; characters of an earlier rule's facts are gone for a later one."""
