"""Dates and times of cells as their number format shows them, with the other calendar behind: 「令和7年4月1日（2025年4月1日）」."""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

ERAS = (
    (date(2019, 5, 1), "令和", "R"),
    (date(1989, 1, 8), "平成", "H"),
    (date(1926, 12, 25), "昭和", "S"),
    (date(1912, 7, 30), "大正", "T"),
    (date(1868, 10, 23), "明治", "M"),
)
"""The first day, the name and the letter of each era, the latest first."""
_TOKEN = re.compile(
    r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.|AM/PM|A/P|g+|e+|y+|m+|d+|a{3,4}|h+|s+(?:\.0+)?|.', re.IGNORECASE | re.DOTALL
)
_ERA_TOKEN = re.compile(r"^g+$|^e+$|^a{3,4}$", re.IGNORECASE)
_WEEKDAYS = "月火水木金土日"
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SYSTEM_DATE = {
    "mm-dd-yy": "yyyy/m/d",
    "m/d/yy h:mm": "yyyy/m/d h:mm",
    "[$-f800]": 'yyyy"年"m"月"d"日"',
    "[$-f400]": "h:mm:ss",
}
"""Formats that Excel shows in the way of the country; written as in Japan."""


def find_era(day: date) -> tuple[str, str, int] | None:
    """Return the name, letter and year of the era of a day; None before 明治.

    >>> find_era(date(2019, 4, 30)), find_era(date(2019, 5, 1))
    (('平成', 'H', 31), ('令和', 'R', 1))
    """
    number = day.toordinal()  # a datetime cannot be compared with a date
    found = ((name, letter, day.year - first.year + 1) for first, name, letter in ERAS if number >= first.toordinal())
    return next(found, None)


def shows_date(number_format: str) -> bool:
    """Tell whether a format shows a number as a date although it has no day, month or hour in it.

    >>> shows_date('ggge"年"'), shows_date("aaa"), shows_date("General"), shows_date('0"age"')
    (True, True, False, False)
    """
    shape = number_format.split(";")[0]
    if shape.lower() == "general" or re.search(r"[0#?@]", re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", shape)):
        return False
    return any(_ERA_TOKEN.match(token) for token in _TOKEN.findall(shape))


@functools.lru_cache(maxsize=4096)
def show_date(value: date | time | timedelta, number_format: str = "") -> str:
    """Return a date or time as its format shows it; a date with its year in the other calendar behind.

    >>> day = datetime(2025, 4, 1, 9, 5)
    >>> show_date(day, '[$-411]ggge"年"m"月"d"日"'), show_date(day, "yyyy/m/d"), show_date(day, "[$-411]ge.m.d")
    ('令和7年4月1日（2025年4月1日）', '2025/4/1（令和7年4月1日）', 'R7.4.1（2025年4月1日）')
    >>> show_date(day, 'm"月"d"日"'), show_date(day, 'ggge"年度"'), show_date(day, "yyyy/m/d h:mm"), show_date(time(17, 15), "h:mm")
    ('4月1日', '令和7年度（2025年度）', '2025/4/1 9:05（令和7年4月1日）', '17:15')
    """
    if isinstance(value, timedelta):
        return _show_duration(value)
    tokens = _split_format(number_format)
    if not any(_is_part(token) for token in tokens):
        return _show_plainly(value)
    if isinstance(value, time):
        value = datetime.combine(date(1900, 1, 1), value)
        tokens = [token for token in tokens if not re.fullmatch(r"[yged]+", token, re.IGNORECASE)]
    shown = _tidy("".join(_show_tokens(value, tokens)))
    return shown + _other_calendar(value, tokens)


def _split_format(number_format: str) -> list[str]:
    shape = number_format.split(";")[0].strip()
    if shape.lower() == "general":
        return []
    code = next((way for mark, way in _SYSTEM_DATE.items() if shape.lower().startswith(mark)), shape)
    return _TOKEN.findall(code)


def _show_duration(value: timedelta) -> str:
    minutes = int(value.total_seconds() // 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def _show_plainly(value: date | time) -> str:
    clock = f"{value.hour}:{value.minute:02}" if isinstance(value, datetime | time) else ""
    if not isinstance(value, date):
        return clock
    day = f"{value.year}年{value.month}月{value.day}日"
    return (day if clock in ("", "0:00") else f"{day} {clock}") + _other_calendar(value, ["y", "m", "d"])


def _is_part(token: str) -> bool:
    """Tell whether a token of a format stands for a part of a date or time.

    >>> [token for token in ("ggg", "yyyy", "年", "m", "[$-411]", "aaa", '"d"') if _is_part(token)]
    ['ggg', 'yyyy', 'm', 'aaa']
    """
    return bool(re.fullmatch(r"g+|e+|y+|m+|d+|a{3,4}|h+|s+(\.0+)?|AM/PM|A/P", token, re.IGNORECASE))


def _show_tokens(value: date, tokens: Sequence[str]) -> Iterator[str]:
    parts = [token.lower() if _is_part(token) else token for token in tokens]
    twelve = any(part in ("am/pm", "a/p") for part in parts)
    for place, part in enumerate(parts):
        if part.startswith('"'):
            yield part[1:-1]
        elif part.startswith("\\"):
            yield part[1:]
        elif part[0] in "_*" and len(part) == 2:
            yield " " if part[0] == "_" else ""
        elif part.startswith("[") and len(part) > 1:
            yield ""
        elif not _is_part(part):
            yield part
        elif part[0] == "m" and _is_minute(parts, place):
            yield f"{_clock(value)[1]:0{min(len(part), 2)}}"
        else:
            yield _show_part(value, part, twelve=twelve, before_year=_literal(parts, place + 1).startswith("年"))


def _literal(parts: Sequence[str], place: int) -> str:
    return parts[place].strip('"\\') if place < len(parts) else ""


def _is_minute(parts: Sequence[str], place: int) -> bool:
    """Tell whether an m means minutes: the part before it is an hour, or the one after it a second."""
    before = next((part for part in reversed(parts[:place]) if _is_part(part)), "")
    after = next((part for part in parts[place + 1 :] if _is_part(part)), "")
    return before.startswith("h") or after.startswith("s")


def _clock(value: date) -> tuple[int, int, int]:
    return (value.hour, value.minute, value.second) if isinstance(value, datetime) else (0, 0, 0)


def _show_part(value: date, part: str, *, twelve: bool, before_year: bool) -> str:
    hour, _, second = _clock(value)
    era = find_era(value)
    match part[0]:
        case "g":
            name, letter, _ = era or ("", "", 0)
            return letter if len(part) == 1 else name[:1] if len(part) == 2 else name
        case "e":
            year = era[2] if era else value.year
            return "元" if year == 1 and before_year else f"{year:0{len(part)}}"
        case "y":
            return f"{value.year % 100:02}" if len(part) <= 2 else str(value.year)
        case "m":
            english = calendar.month_name[value.month]
            return [str(value.month), f"{value.month:02}", english[:3], english][min(len(part), 4) - 1]
        case "d":
            day = _ENGLISH_DAYS[value.weekday()]
            return [str(value.day), f"{value.day:02}", day[:3], day][min(len(part), 4) - 1]
        case "a" if "/" in part:
            return ("PM" if hour >= 12 else "AM")[: 2 if len(part) == 5 else 1]
        case "a":
            return _WEEKDAYS[value.weekday()] + ("曜日" if len(part) == 4 else "")
        case "h":
            return f"{(hour % 12 or 12) if twelve else hour:0{min(len(part), 2)}}"
        case _:
            return f"{second:0{min(len(part.partition('.')[0]), 2)}}"


def _tidy(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text).strip(" ;@")


def _other_calendar(value: date, tokens: Sequence[str]) -> str:
    """Return the year, month and day of what is shown in the other calendar, in brackets; nothing where no year is shown."""
    shown = {token[0].lower() for token in tokens if _is_part(token) and "/" not in token}
    era = find_era(value)
    if era is None or not shown & {"y", "e"} or value.year < 1900:
        return ""
    year = str(value.year) if "e" in shown else f"{era[0]}{'元' if era[2] == 1 else era[2]}"
    fiscal = any("年度" in token for token in tokens)
    months = _shows_month(tokens)
    month = f"{value.month}月" if months else ""
    day = f"{value.day}日" if months and any(re.fullmatch("d{1,2}", token, re.IGNORECASE) for token in tokens) else ""
    return f"（{year}{'年度' if fiscal else '年'}{month}{day}）"


def _shows_month(tokens: Sequence[str]) -> bool:
    parts = [token.lower() for token in tokens]
    return any(part[0] == "m" and _is_part(part) and not _is_minute(parts, i) for i, part in enumerate(parts))
