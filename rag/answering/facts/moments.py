"""Days, months, years, times of day and lengths of time in folded text, each in one value: 午後5時 = 17時 = 17:00, 1年 = 12箇月."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator

from rag.answering.facts.kinds import FactKind, Found, Rule

_DATE, _TIME, _PERIOD = FactKind.DATE, FactKind.TIME, FactKind.PERIOD
_YEAR = r"(?<![0-9.])(?P<year>(?:1[0-9]|20|21)[0-9]{2})年"
_PART = r"(?P<part>(?:末日?|上旬|中旬|下旬|初め|半ば)?)"
_LIMIT = (
    r"(?:以内|以上|以下|以降|以後|以前|未満|前|後|間|目|ごと|毎|おき|分|程度|ほど|くらい|ぐらい|を?超|を?過ぎ|より前)"
)
_ABOUT = r"(?:約|おおむね|概ね|およそ|最長|最大|最短|残り|連続|延べ|期間は|日数は)"

_FULL_DAY = re.compile(
    rf"(?:{_YEAR}(?P<fiscal>度)?\s?)?(?<![0-9.])(?P<month>1[0-2]|[1-9])月\s?(?P<day>3[01]|[12][0-9]|[1-9])日(?!間|以内)"
)
_MONTH = re.compile(
    rf"(?:{_YEAR}(?P<fiscal>度)?\s?)?(?<![0-9.第])(?P<month>1[0-2]|[1-9])月(?!曜|間|以内|以上|を超|未満|に[0-9]+回){_PART}"
)
_YEAR_ONLY = re.compile(rf"{_YEAR}(?!間)(?P<fiscal>度)?{_PART}")
_EVERY_OTHER = re.compile(r"[偶奇]数[月年日]")
_WEEKDAY = re.compile(
    r"(?P<nth>(?:第[1-5][・、と及び]*)*)(?P<days>[月火水木金土日](?:[・、と及び]*[月火水木金土日])*)曜(?:日)?"
    r"|(?<![一-鿿・])(?P<bare>[月火水木金土日](?:・[月火水木金土日])+)(?![一-鿿・])"
    r"|(?<=[日\0])\s?\((?P<short>[月火水木金土日])(?:[・、]?(?:祝|休))?\)"
)
_CLOCK = r"(?P<half{0}>午前|午後|am|pm)?\s?(?P<hour{0}>2[0-4]|1[0-9]|[0-9])時(?!間|点|期|代|給)(?:\s?(?P<minute{0}>[0-5]?[0-9])分(?!間|の[0-9])|(?P<thirty{0}>半))?"
_TIMES = re.compile(rf"(?<![0-9])(?:{_CLOCK.format(1)}(?:\s?(?:から|より|~|-)\s?{_CLOCK.format(2)})?|(?P<noon>正午))")
_HALVES = {"午前": 0, "am": 0, "午後": 12, "pm": 12}
_NUMBER = r"(?<![0-9.])(?P<number>[0-9]+(?:\.[0-9]+)?)"

_DAYS = re.compile(rf"(?:(?P<about>{_ABOUT})\s?)?{_NUMBER}\s?(?P<unit>日|泊)(?P<limit>{_LIMIT})?")
_WEEKS = re.compile(rf"{_NUMBER}\s?週(?:間)?(?!目)(?:{_LIMIT})?")
_MONTHS = re.compile(
    rf"(?:{_NUMBER}年(?P<halfyear>半)?\s?と?)?(?<![0-9.])(?P<months>[0-9]+)\s?(?:箇月(?:間)?|月(?=間|以内|以上|を超|未満))(?P<half>半)?(?:{_LIMIT})?"
)
_YEARS = re.compile(rf"{_NUMBER}\s?(?:箇年|年)(?!生|度|次|代|齢)(?P<half>半)?(?:{_LIMIT})?")
_HALF_YEAR = re.compile(rf"半年(?:{_LIMIT})?")
_HOURS = re.compile(
    rf"{_NUMBER}\s?時間(?:(?P<minutes>[0-9]+)\s?分|(?P<half>半))?(?:{_LIMIT})?"
    rf"|(?<![0-9.])(?P<only>[0-9]+)\s?分(?!の[0-9]|類|別|科|野|担|割)(?:{_LIMIT})?|(?<![0-9.])(?P<seconds>[0-9]+)\s?秒(?:{_LIMIT})?"
)
_PARTS = re.compile(
    r"(?:(?P<year>[0-9]{4})年(?P<fiscal>度)?)?(?:(?P<month>[0-9]+)月)?(?:(?P<day>[0-9]+)日)?(?P<part>\D*)"
)


def _read_day(match: re.Match[str]) -> Iterator[Found]:
    yield _date(match, f"{_year(match)}{match['month']}月{match['day']}日")


def _read_month(match: re.Match[str]) -> Iterator[Found]:
    yield _date(match, f"{_year(match)}{match['month']}月{_part(match)}")


def _read_year(match: re.Match[str]) -> Iterator[Found]:
    yield _date(match, f"{_year(match)}{_part(match)}")


def _year(match: re.Match[str]) -> str:
    return f"{match['year']}年{match['fiscal'] or ''}" if match["year"] else ""


def _part(match: re.Match[str]) -> str:
    return match["part"].removesuffix("日")


def _date(match: re.Match[str], value: str) -> Found:
    return Found(_DATE, value, match.start(), match.end())


def _read_every_other(match: re.Match[str]) -> Iterator[Found]:
    yield _date(match, match[0])


def _read_weekday(match: re.Match[str]) -> Iterator[Found]:
    if match["short"]:
        yield Found(_DATE, f"{match['short']}曜", match.start("short"), match.end("short"))
        return
    ordinals = re.findall(r"第[1-5]", match["nth"] or "") or [""]
    for day in re.findall(r"[月火水木金土日]", match["days"] or match["bare"]):
        for ordinal in ordinals:
            yield Found(_DATE, f"{ordinal}{day}曜", match.start(), match.end())


def _read_times(match: re.Match[str]) -> Iterator[Found]:
    if match["noon"]:
        yield Found(_TIME, "12:00", match.start(), match.end())
        return
    first = _minutes(match, "1", None)
    end = max(match.end("hour1"), match.end("minute1"), match.end("thirty1") - 1) + 1
    yield _time(first, match.start(), end)
    if match["hour2"]:
        start = match.start("half2") if match["half2"] else match.start("hour2")
        yield _time(_minutes(match, "2", first if match["half1"] else None), start, match.end())


def _minutes(match: re.Match[str], number: str, begin: int | None) -> int:
    """Return a time in minutes. begin: of the period that it ends, where that was said to be 午前 or 午後: 午後1時から4時."""
    hour = int(match[f"hour{number}"]) + _HALVES.get(match[f"half{number}"] or "", 0)
    minutes = hour * 60 + (30 if match[f"thirty{number}"] else int(match[f"minute{number}"] or 0))
    is_later = begin is not None and not match[f"half{number}"] and minutes <= begin and hour < 12
    return minutes + (12 * 60 if is_later else 0)


def _time(minutes: int, start: int, end: int) -> Found:
    return Found(_TIME, f"{minutes // 60}:{minutes % 60:02}", start, end)


def _read_days(match: re.Match[str]) -> Iterator[Found]:
    """Yield a number of days, or a day of some month where nothing says that days are counted: 支給日は10日です."""
    number = _plain(float(match["number"]))
    if match["unit"] == "泊":
        yield Found(FactKind.NUMBER, f"{number}泊", match.start(), match.end())
    elif (match["limit"] and match["limit"] not in ("以降", "以後", "以前")) or match["about"]:
        yield Found(_PERIOD, f"{number}日", match.start(), match.end())
    elif "." not in number and 1 <= int(number) <= 31:
        yield Found(_DATE, f"{number}日", match.start(), match.end())
    else:
        yield Found(_PERIOD, f"{number}日", match.start(), match.end())


def _read_weeks(match: re.Match[str]) -> Iterator[Found]:
    yield Found(_PERIOD, f"{_plain(float(match['number']) * 7)}日", match.start(), match.end())


def _read_months(match: re.Match[str]) -> Iterator[Found]:
    years = float(match["number"] or 0)
    months = years * 12 + int(match["months"])
    yield Found(_PERIOD, f"{_plain(months + (0.5 if match['half'] else 0))}箇月", match.start(), match.end())


def _read_years(match: re.Match[str]) -> Iterator[Found]:
    months = float(match["number"]) * 12 + (6 if match["half"] else 0)
    yield Found(_PERIOD, f"{_plain(months)}箇月", match.start(), match.end())


def _read_half_year(match: re.Match[str]) -> Iterator[Found]:
    yield Found(_PERIOD, "6箇月", match.start(), match.end())


def _read_hours(match: re.Match[str]) -> Iterator[Found]:
    if match["seconds"]:
        yield Found(_PERIOD, f"{int(match['seconds'])}秒", match.start(), match.end())
        return
    minutes = float(match["only"] or 0) + float(match["number"] or 0) * 60
    minutes += 30 if match["half"] else int(match["minutes"] or 0)
    yield Found(_PERIOD, f"{_plain(minutes)}分", match.start(), match.end())


def _plain(number: float) -> str:
    return f"{number:.10g}"


MOMENTS: tuple[Rule, ...] = (
    (_FULL_DAY, _read_day),
    (_TIMES, _read_times),
    (_HOURS, _read_hours),
    (_MONTHS, _read_months),
    (_MONTH, _read_month),
    (_YEAR_ONLY, _read_year),
    (_EVERY_OTHER, _read_every_other),
    (_WEEKDAY, _read_weekday),
    (_WEEKS, _read_weeks),
    (_YEARS, _read_years),
    (_HALF_YEAR, _read_half_year),
    (_DAYS, _read_days),
)
"""Rules for dates, times and periods, in the order in which they must be tried."""


def covers_date(held: str, wanted: str) -> bool:
    """Tell whether whoever knows one date knows the other, which says as much or less.

    >>> [covers_date("2024年4月1日", wanted) for wanted in ["4月1日", "2024年4月", "2024年", "2024年度", "1日", "2023年度"]]
    [True, True, True, True, True, False]
    >>> covers_date("8月31日", "8月末"), covers_date("第2月曜", "月曜"), covers_date("4月1日", "2024年4月1日")
    (True, True, False)
    """
    if "曜" in wanted or "曜" in held:
        return held.endswith(wanted)
    have, want = _PARTS.fullmatch(held), _PARTS.fullmatch(wanted)
    if have is None or want is None:
        return held == wanted
    same = all(want[part] is None or want[part] == have[part] for part in ("month", "day"))
    return same and _covers_year(have, want) and _covers_part(have, want)


def _covers_year(have: re.Match[str], want: re.Match[str]) -> bool:
    if want["year"] is None:
        return True
    if have["year"] is None:
        return False
    if bool(have["fiscal"]) == bool(want["fiscal"]):
        return have["year"] == want["year"]
    if have["fiscal"] or have["month"] is None:  # 令和6年度の4月 is no day of 令和6年 to be sure
        return False
    return int(have["year"]) - (int(have["month"]) < 4) == int(want["year"])


def _covers_part(have: re.Match[str], want: re.Match[str]) -> bool:
    if not want["part"] or want["part"] == have["part"]:
        return True
    if want["part"] != "末" or not (have["month"] and have["day"]) or not want["month"]:
        return False
    return int(have["day"]) == calendar.monthrange(int(have["year"] or 2024), int(have["month"]))[1]
