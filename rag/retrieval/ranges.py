"""Ranges of numbers in a text (320万円以上420万円未満, 50人以下, 40～64歳), and whether what a question names lies in them.

A table of brackets has the same words in every row: only the number of the question tells which of them is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.text import fold

_NUMBER = r"(?<![第0-9.])(?P<number>[0-9]+(?:\.[0-9]+)?)\s?"
_WHOLE = "円 人 歳 世帯 件 回 枚 台 頭 個 箇月".split()
_UNITS = [
    *_WHOLE,
    *"% 割 時間 分 点 倍 週間 日間 年 メートル センチメートル ミリメートル キロメートル キロ 平方メートル 立方メートル ヘクタール トン 度".split(),
]
_OTHER_NAMES = (
    "名=人 才=歳 パーセント=% センチ=センチメートル ミリ=ミリメートル m=メートル cm=センチメートル mm=ミリメートル "
    "km=キロメートル m2=平方メートル m3=立方メートル ha=ヘクタール t=トン"
)
_SAME = dict(pair.split("=") for pair in _OTHER_NAMES.split())
_NO_UNIT = r"(?!目|生|度|次|の[0-9]|[a-z0-9])"
"""What follows other things than an amount: 2人目, 3年生, 8年度, 3分の2."""
_UNIT = "(?P<unit>" + "|".join(sorted([*_UNITS, *_SAME], key=len, reverse=True)) + f"){_NO_UNIT}"
_BOUND = re.compile(
    rf"{_NUMBER}(?:{_UNIT})?\s?(?P<bound>以上|以下|以内|未満|を超え(?:ない|ません)|を超え|超|から|まで|~\s?)"
)
_VALUE = re.compile(_NUMBER + _UNIT)
_LOWER, _OPEN = ("以上", "を超え", "超", "から"), ("未満", "を超え", "超")
_LOOSE = ("から", "まで")
_CLOCK = ("年", "分", "時間", "回")
"""Units of which 「から…まで」 says a period, or how often, and no bracket."""
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
        """A number that lies in it: an end, or what lies beside an open one."""
        step = 1.0 if self.unit in _WHOLE else 1e-6 * (abs(self.low if math.isinf(self.high) else self.high) or 1.0)
        if math.isinf(self.low):
            return self.high - step * self.is_high_open
        return self.low + step * self.is_low_open


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
        if match["bound"].startswith("~"):
            if last := _VALUE.match(folded, place):
                place = last.end()
                found = Range(_unit_of(last), float(match["number"]), float(last["number"]))
                is_one_unit = (
                    not found.low or found.low >= found.high / 1_000
                )  # in 1~2万円 the first is no amount of 円
                if is_one_unit and found.unit not in _CLOCK:
                    yield found, match.start(), place
            continue
        other = _find_other_end(folded, match)
        if other is not None:
            place = other.end()
        if (read := _read(match, other)) is not None:
            yield read, match.start(), place


def _find_other_end(folded: str, match: re.Match[str]) -> re.Match[str] | None:
    """Return the bound that closes a range with another one, whichever of them is the lower; None where it stands alone."""
    other = _BOUND.search(folded, match.end())
    if other is None or other["bound"].startswith("~") or (_is_lower(other) == _is_lower(match)):
        return None
    between = folded[match.end() : other.start()]
    return other if len(between) <= _JOINT and not re.search("又|また|か", between) else None


def _read(match: re.Match[str], other: re.Match[str] | None) -> Range | None:
    """Return the range of one bound or of two; None for what is no bracket, or has ends of two units (30分以上1時間未満)."""
    ends = [match] if other is None else [match, other]
    units = {unit for end in ends if (unit := _unit_of(end))}
    is_loose = any(end["bound"] in _LOOSE for end in ends)
    if len(units) != 1 or (is_loose and units.intersection(_CLOCK)) or (other is None and match["bound"] == "から"):
        return None
    values: dict[str, float] = {}
    for end in ends:
        side = "low" if _is_lower(end) else "high"
        values |= {side: float(end["number"]), f"is_{side}_open": end["bound"] in _OPEN}
    found = Range(units.pop(), **values)  # type: ignore[arg-type]
    return found if found.low <= found.high else None  # 70歳以上、6歳未満 are two


def _is_lower(match: re.Match[str]) -> bool:
    return match["bound"] in _LOWER


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
        found = [match for match in _VALUE.finditer(folded) if not _is_composite(folded, match)]
        values = [(_unit_of(match), float(match["number"])) for match in found]
        named = [(unit, number) for unit, number in values if unit != "年" or number < _FIRST_CALENDAR_YEAR]
        return cls((*((found.unit, found.inside) for found, _, _ in ranges), *named))

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def fit_text(self, text: str) -> float:
        """Return what `fit` says of the ranges of a text, which is read only where there is a number to compare."""
        return self.fit(find_ranges(fold(text))) if self.numbers else 0.0

    def fit(self, ranges: Sequence[Range]) -> float:
        """Tell whether ranges are those of the numbers: 1 where all lie in them, -1 where one lies outside, 0 without any to compare.

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


def _is_composite(folded: str, match: re.Match[str]) -> bool:
    """Tell whether a number goes on in another unit, as 1時間30分 and 1歳6か月 do; neither part is the amount."""
    return bool(_VALUE.match(folded, match.end())) or bool(re.search(r"[0-9](?:時間|歳)$", folded[: match.start()]))
