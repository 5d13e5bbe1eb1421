"""Ranges of numbers in a text (320万円以上420万円未満, 50人以下, 40～64歳), and whether what a question names lies in them.

A table of brackets has the same words in every row: only the number of the question tells which of them is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.text import fold

_NUMBER = r"(?<![0-9.])(?P<number>[0-9]+(?:\.[0-9]+)?)\s?"
_UNITS = (
    "円 人 名 歳 才 % パーセント 割 時間 分 点 倍 世帯 件 回 枚 台 頭 個 箇月 か月 ヶ月 週間 日間 年 "
    "メートル センチメートル センチ ミリメートル ミリ キロメートル キロ 平方メートル ヘクタール キログラム トン リットル 立方メートル 度"
).split()
_SAME = {
    "名": "人",
    "才": "歳",
    "パーセント": "%",
    "か月": "箇月",
    "ヶ月": "箇月",
    "センチ": "センチメートル",
    "ミリ": "ミリメートル",
}
_UNIT = "(?P<unit>" + "|".join(sorted(_UNITS, key=len, reverse=True)) + ")"
_BOUND = re.compile(rf"{_NUMBER}{_UNIT}?\s?(?P<bound>以上|以下|以内|未満|を超え|超|から|まで|[~〜～])")
_VALUE = re.compile(_NUMBER + _UNIT)
_LAST = re.compile(_NUMBER + _UNIT)  # of 40～64歳
_LOWER, _OPEN = ("以上", "を超え", "超", "から"), ("未満", "を超え", "超")
_LOOSE = ("から", "まで")  # of days and hours too: these are no brackets
_CLOCK = ("年", "分", "時間", "回", "")
_JOINT = 4  # characters between the two ends of one range (える金額, の者で)
_FIRST_CALENDAR_YEAR = 1800


@dataclass(frozen=True, slots=True)
class Range:
    """What lies between two numbers of one unit. is_low_open, is_high_open: the end itself does not belong to it."""

    unit: str
    low: float = -math.inf
    high: float = math.inf
    is_low_open: bool = False
    is_high_open: bool = False

    def holds(self, number: float) -> bool:
        """Tell whether a number lies in it."""
        above = number > self.low if self.is_low_open else number >= self.low
        return above and (number < self.high if self.is_high_open else number <= self.high)

    @property
    def inside(self) -> float:
        """A number that lies in it: its middle, or beside its only end."""
        if math.isinf(self.low) or math.isinf(self.high):
            end = self.high if math.isinf(self.low) else self.low
            step = (abs(end) or 1.0) * 1e-6
            return end - step if math.isinf(self.low) else end + step
        return (self.low + self.high) / 2


def find_ranges(folded: str) -> list[Range]:
    """Return the ranges of a folded text, in their order.

    >>> [(r.low, r.high, r.unit) for r in find_ranges(fold("320万円以上420万円未満の者、40～64歳、50人以下"))]
    [(3200000.0, 4200000.0, '円'), (40.0, 64.0, '歳'), (-inf, 50.0, '人')]
    """
    return [found for found, _, _ in _scan(folded)]


def _scan(folded: str) -> Iterator[tuple[Range, int, int]]:
    """Yield each range with where it begins and ends."""
    place = 0
    while match := _BOUND.search(folded, place):
        place = match.end()
        unit, bound, number = _unit_of(match), match["bound"], float(match["number"])
        if bound in "~〜～":
            if last := _LAST.match(folded, match.end()):
                place = last.end()
                if (named := _unit_of(last)) not in _CLOCK:
                    yield Range(named, number, float(last["number"])), match.start(), last.end()
            continue
        if bound not in _LOWER:
            if unit and not (bound in _LOOSE and unit in _CLOCK):
                yield Range(unit, high=number, is_high_open=bound in _OPEN), match.start(), match.end()
            continue
        upper = _BOUND.search(folded, match.end())
        if upper and upper.start() - match.end() <= _JOINT and _closes(upper, unit):
            place, unit = upper.end(), _unit_of(upper)
            if not (bound in _LOOSE and unit in _CLOCK):
                ends = {"is_low_open": bound in _OPEN, "is_high_open": upper["bound"] in _OPEN}
                yield Range(unit, number, float(upper["number"]), **ends), match.start(), upper.end()
        elif unit and bound not in _LOOSE:
            yield Range(unit, low=number, is_low_open=bound in _OPEN), match.start(), match.end()


def _closes(upper: re.Match[str], unit: str) -> bool:
    return upper["bound"] not in (*_LOWER, "~", "〜", "～") and (not unit or _unit_of(upper) == unit)


def _unit_of(match: re.Match[str]) -> str:
    unit = match["unit"] or ""
    return _SAME.get(unit, unit)


@dataclass(frozen=True, slots=True)
class NamedNumbers:
    """The numbers with units that a question names: (unit, number); for a range that it names, one that lies in it."""

    numbers: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, question: str) -> NamedNumbers:
        """Return those of a question.

        >>> NamedNumbers.of("合計所得金額が300万円で、70歳です。令和8年度").numbers
        (('円', 3000000.0), ('歳', 70.0))
        """
        folded = fold(question)
        ranges = list(_scan(folded))
        for _, start, end in ranges:
            folded = folded[:start] + "、" * (end - start) + folded[end:]
        values = [(_unit_of(match), float(match["number"])) for match in _VALUE.finditer(folded)]
        named = [(unit, number) for unit, number in values if unit != "年" or number < _FIRST_CALENDAR_YEAR]
        return cls((*((found.unit, found.inside) for found, _, _ in ranges), *named))

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def fit(self, ranges: Sequence[Range]) -> float:
        """Tell whether ranges are those of the numbers: 1 where one lies in them and none outside, -1 where one does, 0 without any.

        >>> rows = [find_ranges(fold(text)) for text in ("200万円以上320万円未満", "320万円以上420万円未満", "世帯の全員が非課税")]
        >>> [NamedNumbers.of("所得が300万円なら").fit(row) for row in rows]
        [1.0, -1.0, 0.0]
        """
        compared = [
            any(found.holds(number) for found in same)
            for unit, number in self.numbers
            if (same := [found for found in ranges if found.unit == unit])
        ]
        return (1.0 if all(compared) else -1.0) if compared else 0.0
