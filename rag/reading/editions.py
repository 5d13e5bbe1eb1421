"""Which edition of a text a file is: its year, its day and its number, from names, the title page and supplementary provisions.

A day in running text is no day of an edition: what counts are names, short lines of the title page that say 施行, 改訂 or the
like, and 「この規程は、…から施行する」 behind 附則. The years of a plan's period are never the year of its edition.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from rag.documents import BlockKind, Kind, Page
from rag.eras import ERA_YEAR, parse_number, western_year
from rag.reading.dates import FoundDay, find_days, fiscal_year, mask_periods

MAX_LINE_CHARS = 40
_TITLE_PAGE_LINES = 12
_COVER_CHARS = 600  # a first page shorter than this is a cover: all of its lines count
_IN_FORCE = r"施行|適用"
_REVISED = r"改正|改訂|改定|修正|更新|改版|制定|策定|作成|発行"
_BASIS = r"現在|時点|基準"
_ENDS = r"(?=$|[\s()\[\]】」、,;:/_.。]|版|第|日)"
_AFTER = re.compile(
    rf"[\s)\]】]*(?:から|より|付け?|に)?\s*(?:一部|全部|全面)?(?:({_IN_FORCE})|({_REVISED}|版)|({_BASIS})){_ENDS}"
)
_RULE_NUMBER = re.compile(r"[\s)]*\S{0,8}(?:告示|規則|訓令甲?|条例|規程|要綱|内規)第\s*[0-9]+\s*号")
_BEFORE = re.compile(rf"(?:({_IN_FORCE})|({_REVISED}|版)|({_BASIS}))(?:開始)?(?:年月日|年月|日)?[\s:(\[【_・,、]*$")
_YEAR_OF_EDITION = re.compile(rf"(?:{ERA_YEAR}|(?<![0-9])([0-9]{{4}}))\s*年度?\s*版")
_COUNT = r"([0-9]{1,3}|[一二三四五六七八九十]{1,3})"
_NUMBERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"第\s*{_COUNT}\s*(?:次|回)?\s*(?:改訂|改定|改正)?版",
        rf"第\s*{_COUNT}\s*[次回]\s*(?:改訂|改定|改正|修正)",
        rf"(?:改訂|改定)\s*第?\s*{_COUNT}\s*版",
        r"(?<![A-Za-z0-9])(?:version|ver|rev|v)[.\s]?\s*([0-9]{1,3}(?:\.[0-9]{1,3})*)(?![0-9])",
    )
)
_FIRST_EDITION = re.compile(r"初版")
_SUPPLEMENT = re.compile(r"[附付]則")
_ENFORCED = re.compile(r"この[^。、]{1,20}は、?(?P<when>[^。、]{4,16}?)から(?:施行|適用)")


@dataclass(frozen=True, slots=True)
class Marks:
    """What tells editions of one text apart; None and () where nothing says. edition: (2, 1) is 2.1."""

    year: int | None = None
    effective_date: date | None = None
    edition: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """A day that a name or line gives to the text. strict: it says 施行 or 適用."""

    day: date
    strict: bool


def find_marks(
    source: str, *, title: str | None, kind: Kind, pages: Sequence[Page], said: Marks | None = None
) -> Marks:
    """Return the marks of a file. said: what metadata.csv says, which wins over the file's name, that over its title, its
    title page and the folders; a day that contradicts the year of a stronger place is left out.
    """
    path = PurePosixPath(source)
    said = said or Marks()
    names = [_clean(path.stem), _clean(title or "")]
    lines = list(_title_lines(pages[0])) if pages else []
    written = _find_on_lines(lines)
    places = [Marks(_year_of_name(name), None, find_number(name)) for name in names]
    places += [written, *(Marks(find_year(_clean(folder))) for folder in reversed(path.parts[:-1]))]
    years = [said.year, *(place.year for place in places)]
    strength = next((i for i, year in enumerate(years) if year is not None), len(years))
    days = [_find_in_name(name) for name in names]
    days.append(_latest([*_said_on_lines(lines), *_find_enforcements(kind, pages)]))
    fitting = (
        day.day
        for place, day in enumerate(days, start=1)
        if day is not None and (strength > place or _fits(day, years[strength]))
    )
    return Marks(
        year=years[strength] if strength < len(years) else None,
        effective_date=said.effective_date or next(fitting, None),
        edition=said.edition or next((place.edition for place in places if place.edition), ()),
    )


def find_year(name: str) -> int | None:
    """Return the fiscal year that a name speaks of; no part of a period, and no western year with a month or an end behind it.

    >>> find_year("R6_旅費の手引"), find_year("2024年度予算"), find_year("市報2022-08"), find_year("令和元年度")
    (2024, 2024, None, 2019)
    >>> find_year("第5次計画（令和3年度〜令和7年度）"), find_year("令和六年度版手引")
    (None, 2024)
    """
    match = _YEAR_IN_NAME.search(mask_periods(_clean(name)))
    return western_year(match["era"], match["era_year"], match["western"]) if match else None


_YEAR_IN_NAME = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|(?<![A-Za-z])[MTSHR])\s*(?P<era_year>元|[0-9]{1,2}(?![0-9])|[一二三四五六七八九十]{1,3}(?=年))(?:年度?)?"
    r"|(?<![0-9])(?<![0-9][-〜～~])(?P<western>(?:19|20)[0-9]{2})(?![0-9]|[-_.〜～~][0-9])(?:年度?)?"
)


def _year_of_name(name: str) -> int | None:
    """Return the fiscal year of a name: the one that it speaks of, else that of the day in it.

    >>> _year_of_name("令和6年度手引(令和5年3月作成)"), _year_of_name("規程_令和5年3月改訂"), _year_of_name("2022-08")
    (2024, 2022, None)
    """
    rest = name
    for found in reversed(find_days(name)):
        rest = rest[: found.start] + " " + rest[found.end :]
    said = _find_in_name(name)
    return find_year(rest) or (fiscal_year(said.day) if said else None)


def find_number(name: str) -> tuple[int, ...]:
    """Return the number of an edition that a name or line gives; 第6次計画 and 第3回 are no editions.

    >>> [find_number(name) for name in ["手引 第3版", "防災計画（第２次改訂）", "手順書 Ver.2.10", "改訂第二版", "初版"]]
    [(3,), (2,), (2, 10), (2,), (1,)]
    >>> [find_number(name) for name in ["第6次総合計画", "第3回議事録", "様式第2号", "IPv6の手引", "版画教室"]]
    [(), (), (), (), ()]
    """
    clean = _clean(name)
    for pattern in _NUMBERS:
        if match := pattern.search(clean):
            return tuple(parse_number(part) for part in match[1].split("."))
    return (1,) if _FIRST_EDITION.search(clean) else ()


def _find_in_name(name: str) -> _Said | None:
    """Return the day of a name: one that says what happened on it, else the last whole one.

    >>> _find_in_name("旅費規程(改正令和6年4月1日)"), _find_in_name("手引_20240401"), _find_in_name("2022年8月号")
    (_Said(day=datetime.date(2024, 4, 1), strict=False), _Said(day=datetime.date(2024, 4, 1), strict=False), None)
    """
    days = find_days(mask_periods(name))
    found = _latest(said for day in days if (said := _read_around(name, day, basis=True)))
    whole = [day.day for day in days if not day.is_month]
    return found or (_Said(whole[-1], strict=False) if whole else None)


def _read_around(text: str, found: FoundDay, *, basis: bool = False) -> _Said | None:
    """Return the day when the words next to it say that the text took effect or was made on it."""
    after, before = _AFTER.match(text, found.end), _BEFORE.search(text[: found.start])
    groups = [match.groups() for match in (after, before) if match]
    if any(strict for strict, _, _ in groups):
        return _Said(found.day, strict=True)
    is_made = any(made or (basis and as_of) for _, made, as_of in groups)
    return _Said(found.day, strict=False) if is_made or _RULE_NUMBER.match(text, found.end) else None


def _title_lines(page: Page) -> Iterator[str]:
    """Yield the short lines of a title page: all of a cover, else the first ones; sentences and periods of years left out.

    On a sheet only what stands above its table: its cells are content.
    """
    is_sheet = any(block.locator.row is not None for block in page.blocks)
    table = next((b.start for b in page.blocks if is_sheet and b.kind is not BlockKind.HEADING), len(page.text))
    lines = [_clean(line).strip() for line in page.text[:table].splitlines() if line.strip()]
    is_cover = any(block.locator.page is not None for block in page.blocks) and len(page.text) <= _COVER_CHARS
    for line in lines if is_cover else lines[:_TITLE_PAGE_LINES]:
        if len(line) <= MAX_LINE_CHARS and not line.endswith(("。", "、", ",")):
            yield mask_periods(line)


def _find_on_lines(lines: Sequence[str]) -> Marks:
    """Return the year and the number of the edition that the lines of a title page give; the latest of several.

    >>> _find_on_lines(["窓口事務マニュアル", "令和6年度版", "令和5年度の実績", "第3版"])
    Marks(year=2024, effective_date=None, edition=(3,))
    """
    matches = [match for line in lines for match in _YEAR_OF_EDITION.finditer(line)]
    years = [western_year(match[1], match[2], match[3]) for match in matches]
    return Marks(max(years, default=None), None, max((find_number(line) for line in lines), default=()))


def _said_on_lines(lines: Sequence[str]) -> Iterator[_Said]:
    """Yield the days on which the text took effect or was made, as the lines of a title page say.

    >>> [str(said.day) for said in _said_on_lines(["令和6年4月1日施行", "改訂 2024年10月", "令和5年3月1日に開催した会議"])]
    ['2024-04-01', '2024-10-01']
    """
    for line in lines:
        for found in find_days(line):
            if said := _read_around(line, found):
                yield said


def _find_enforcements(kind: Kind, pages: Sequence[Page]) -> Iterator[_Said]:
    """Yield the days from which a rule and its amendments are in force, as its supplementary provisions say."""
    if kind is not Kind.RULE:
        return
    text = re.sub(r"\s+", "", _clean("\n".join(page.text for page in pages)))
    if begin := _SUPPLEMENT.search(text):
        for match in _ENFORCED.finditer(text, begin.end()):
            yield from (_Said(found.day, strict=True) for found in find_days(match["when"]))


def _latest(days: Iterator[_Said] | Sequence[_Said]) -> _Said | None:
    return max(days, key=lambda said: (said.day, said.strict), default=None)


def _fits(said: _Said, year: int | None) -> bool:
    """Tell whether a day can be that of the edition of a year: it lies in it, or, before April, it says 施行."""
    return fiscal_year(said.day) == year or (said.strict and said.day.year == year)


def _clean(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
