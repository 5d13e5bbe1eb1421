"""Years and days as they stand in names and on title pages: 令和6年度, R6.4.1, 2024年4月, 20240401, 令和六年四月一日.

Every function takes text in NFKC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from rag.eras import ERA_YEAR, parse_number, western_year

_ERA = r"(?:(?P<era>明治|大正|昭和|平成|令和|(?<![A-Za-z])[MTSHR])\s*(?P<era_year>元|[0-9]{1,2}(?![0-9])|[一二三四五六七八九十]{1,3}))"
_WESTERN = r"(?<![0-9])(?P<western>(?:19|20)[0-9]{2})(?![0-9])"
_TWO = r"(?:[0-9]{1,2}(?![0-9])|[一二三四五六七八九十]{1,3})"
_YEAR = rf"(?:{_ERA}|{_WESTERN})"
_DAYS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}\s*年\s*(?P<month>{_TWO})\s*月(?:\s*(?P<day>{_TWO})\s*日)?",
        rf"{_YEAR}(?P<mark>[-./_])(?P<month>[0-9]{{1,2}})(?P=mark)(?P<day>[0-9]{{1,2}})(?![0-9])",
        rf"(?:{_ERA}\.|{_WESTERN}[-.])(?P<month>0[1-9]|1[0-2]|[1-9])(?![-./_]?[0-9])(?P<day>)",
        r"(?<![0-9A-Za-z])(?:(?P<western>(?:19|20)[0-9]{2})|(?P<era>[HR])(?P<era_year>[0-9]{2}))"
        r"(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])(?![0-9])",
    )
)
_ONE_END = rf"(?:{ERA_YEAR}|(?:19|20)[0-9]{{2}}(?![0-9]))\s*(?:年度?)?(?:\s*[0-9]{{1,2}}月(?:[0-9]{{1,2}}日)?)?"
_PERIOD = re.compile(
    rf"{_ONE_END}\s*(?:から|より|[〜~\-–—―ー－→])\s*(?:{_ONE_END}|[0-9]{{1,2}}\s*年(?!月))(?:\s*(?:まで|間))?"
)


@dataclass(frozen=True, slots=True)
class FoundDay:
    """A day or month at [start, end) of a text; the first of the month where only that is written."""

    start: int
    end: int
    day: date
    is_month: bool


def fiscal_year(day: date) -> int:
    """Return the year whose April begins the fiscal year of a day.

    >>> fiscal_year(date(2025, 3, 31)), fiscal_year(date(2025, 4, 1))
    (2024, 2025)
    """
    return day.year - (day.month < 4)


def mask_periods(text: str) -> str:
    """Return the text with blanks in place of every period of years: the years of a plan are not the year of its edition.

    >>> mask_periods("計画(令和6年度~令和10年度)"), mask_periods("2021-2030計画").strip(), mask_periods("令和6年度計画")
    ('計画(            )', '計画', '令和6年度計画')
    """
    return _PERIOD.sub(lambda match: " " * len(match[0]), text)


def split_periods(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text in order, each with whether it is a period of years.

    >>> list(split_periods("計画(2021-2030)第2版"))
    [('計画(', False), ('2021-2030', True), (')第2版', False)]
    """
    end = 0
    for match in _PERIOD.finditer(text):
        yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    yield text[end:], False


def join_days(text: str) -> str:
    """Return a question with its days written as documents write them.

    >>> join_days("令和7年の3月31日")
    '令和7年3月31日'
    """
    return text.replace("年の", "年")


def find_days(text: str) -> list[FoundDay]:
    """Return the days and months that are written in a text, in order; what is no day of the calendar is none.

    >>> [str(found.day) for found in find_days("令和6年4月1日施行 R5.10.1 2024年3月 R060401 20240401 令和六年四月一日 2024-05")]
    ['2024-04-01', '2023-10-01', '2024-03-01', '2024-04-01', '2024-04-01', '2024-04-01', '2024-05-01']
    >>> find_days("2024-13-01 1234567890 R6_2 第2024号 3.10")
    []
    """
    found: list[FoundDay] = []
    for pattern in _DAYS:
        for match in pattern.finditer(text):
            overlaps = any(match.start() < other.end and other.start < match.end() for other in found)
            if not overlaps and (day := _day_of(match)) is not None:
                found.append(FoundDay(match.start(), match.end(), day, not match["day"]))
    return sorted(found, key=lambda day: day.start)


def _day_of(match: re.Match[str]) -> date | None:
    year = western_year(match["era"], match["era_year"], match["western"])
    try:
        return date(year, parse_number(match["month"]), parse_number(match["day"]) if match["day"] else 1)
    except ValueError:
        return None


def find_years(text: str) -> frozenset[int]:
    """Return the years that a text names; a day counts for its fiscal year and, in January to March, for its calendar year too.

    >>> sorted(find_years("令和5年度と2024年度の違い")), sorted(find_years("R5の手数料")), sorted(find_years("令和6年2月1日"))
    ([2023, 2024], [2023], [2023, 2024])
    >>> sorted(find_years("令和6年度~令和10年度の計画")), sorted(find_years("2000円の手数料"))
    ([], [])
    """
    rest, years = mask_periods(text), set()
    for found in reversed(find_days(rest)):
        years |= {found.day.year, fiscal_year(found.day)}
        rest = rest[: found.start] + " " + rest[found.end :]
    for match in re.finditer(rf"{_ERA}|{_WESTERN}(?=\s*年)", rest):
        years.add(western_year(match["era"], match["era_year"], match["western"]))
    return frozenset(years)
