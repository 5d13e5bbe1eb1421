"""Years of the Japanese eras, and one notation for every day and year: 令和6年4月1日 = R6.4.1 = 2024/4/1 -> 2024年4月1日."""

from __future__ import annotations

import re

_ERA_BEGINS = {"明治": 1868, "大正": 1912, "昭和": 1926, "平成": 1989, "令和": 2019}
_ERA_LETTERS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_ERA_HEADS = {"昭": "昭和", "平": "平成", "令": "令和"}
_KANJI = {digit: number for number, digit in enumerate("一二三四五六七八九", start=1)}
ERA_YEAR = r"(明治|大正|昭和|平成|令和|(?<![A-Za-z])[MTSHR])\s*(元|[0-9]{1,2}(?![0-9]))"

# Plans that were written before an era ended go on counting in it (平成32年), so no era ends early here.
_LAST_YEAR = {"明治": 45, "大正": 15, "昭和": 64, "平成": 45, "令和": 60}
_NAMED = r"(?:明治|大正|昭和|平成|令和|(?<![一-鿿])[昭平令](?=\s?(?:[0-9]|元年)))"
_LETTER = r"(?<![a-z0-9_.\-])[mtshr](?=\.?\s?(?:[0-9]|元))"
_COUNT = r"(?:元|[0-9]{1,2}(?![0-9])|[一二三四五六七八九十]{1,3})"
_ERA = rf"(?P<era>{_NAMED}|{_LETTER})\.?\s?(?P<count>{_COUNT})"
_UNIT = r"(?:年度|年(?![間生目以前後未ごか]))"
_AND = r"\s?(?:[~・,、\-]|から|及び|又は|と)\s?"
_MORE = re.compile(r"[0-9]+")
_DIGITS_END = r"(?![0-9])"

_ERA_DAY = re.compile(
    rf"{_ERA}\s?(?P<mark>[./\-])\s?(?P<month>[0-9]{{1,2}})(?:(?P=mark)\s?(?P<day>[0-9]{{1,2}}))?(?![0-9a-z.\-/])"
)
_WESTERN_DAY = re.compile(
    r"(?<![0-9a-z./\-])(?P<year>(?:19|20)[0-9]{2})(?:(?P<mark>[./\-])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"|/(?P<only>[0-9]{1,2})|-(?P<two>0[1-9]|1[0-2]))(?![0-9a-z./\-])"
)
_PACKED_DAY = re.compile(
    r"(?<![0-9a-z])(?:(?P<year>(?:19|20)[0-9]{2})|(?P<era>[hr])(?P<count>[0-9]{2}))"
    r"(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])(?![0-9a-z])"
)
_ERA_NAME = re.compile(rf"{_ERA}(?P<unit>\s?年度?)?(?P<more>(?:(?:{_AND}[0-9]{{1,2}}{_DIGITS_END})+\s?{_UNIT})*)")
_WESTERN_PERIOD = re.compile(
    r"(?<![0-9a-z./\-])(?P<first>(?:19|20)[0-9]{2})(?P<unit>年度?)?\s?(?P<mark>[~\-])\s?"
    r"(?P<last>(?:19|20)?[0-9]{2})(?![0-9a-z./\-])(?!月|日)"
)
_FISCAL = re.compile(r"(?<![a-z])fy\s?(?P<year>(?:19|20)[0-9]{2})(?![0-9])(?:\s?年度)?")
_LEADING_ZERO = re.compile(r"0(?=[1-9][月日時分])(?<![0-9.]0)")
_CLOCK = re.compile(r"(?<![0-9:])(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?![0-9:])")
_WEEKDAY = re.compile(r"(?<![0-9/])(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})(?=\s?\([月火水木金土日][・)])")
_HAS_WESTERN = re.compile(r"[12][90][0-9]{2}(?:[./~0-9\-]|年度?\s?[~\-]|(?<=fy....)|(?<=fy\s....))")
_HAS_ERA = re.compile(r"[明大昭平令][治正和成0-9\s元]|[mtshr]\.?\s?[0-9元]")


def western_year(era: str | None, era_year: str | None, western: str | None = None) -> int:
    """Return the western year of a Japanese one.

    >>> western_year("令和", "元"), western_year("H", "31"), western_year("令和", "十二"), western_year(None, None, "2024")
    (2019, 2019, 2030, 2024)
    """
    if western:
        return int(western)
    return _ERA_BEGINS[_era_of(era or "")] + parse_number(era_year or "") - 1


def parse_number(text: str) -> int:
    """Return a whole number below 100 that is written in digits or kanji.

    >>> [parse_number(text) for text in ["元", "3", "十", "二十", "十二", "三十一", "06"]]
    [1, 3, 10, 20, 12, 31, 6]
    """
    if text.isdigit() and text.isascii():
        return int(text)
    if text == "元":
        return 1
    tens, ten, ones = text.rpartition("十")
    return (_KANJI.get(tens, 1) * 10 if ten else 0) + _KANJI.get(ones, 0)


def write_western(text: str) -> str:
    """Rewrite every year and day in one notation; text is in NFKC and lower case. What is no day of a calendar stays.

    >>> write_western("令和六年4月1日 r6.4.1 2024/04/01 2024-04-01 20240401")
    '2024年4月1日 2024年4月1日 2024年4月1日 2024年4月1日 2024年4月1日'
    >>> write_western("令和6年度、r6年度、令6、平成31年と令和元年"), write_western("令和6~8年度"), write_western("2024-2026")
    ('2024年度、2024年度、2024年、2019年と2019年', '2024年度~2026年度', '2024年~2026年')
    >>> write_western("法令6条 a-r6 h2o 電話0120-2024-2026 令和6年から3年間")
    '法令6条 a-r6 h2o 電話0120-2024-2026 2024年から3年間'
    """
    # Most texts hold few of these: looking for a mark first is what keeps this quick.
    if _HAS_WESTERN.search(text):
        text = _WESTERN_PERIOD.sub(_write_period, _WESTERN_DAY.sub(_write_day, _PACKED_DAY.sub(_write_day, text)))
        text = _FISCAL.sub(r"\g<year>年度", text)
    if _HAS_ERA.search(text):
        text = _ERA_NAME.sub(_write_years, _ERA_DAY.sub(_write_day, _PACKED_DAY.sub(_write_day, text)))
    if "/" in text:
        text = _WEEKDAY.sub(_write_month_and_day, text)
    if ":" in text:
        text = _CLOCK.sub(_write_time, text)
    return _LEADING_ZERO.sub("", text) if "0" in text else text


def _era_of(name: str) -> str:
    return _ERA_LETTERS.get(name.upper()) or _ERA_HEADS.get(name, name)


def _year_of(era: str, count: str) -> int | None:
    number = parse_number(count)
    return western_year(era, count) if 1 <= number <= _LAST_YEAR[_era_of(era)] else None


def _write_day(match: re.Match[str]) -> str:
    groups = match.groupdict()
    year = int(groups["year"]) if groups.get("year") else _year_of(groups["era"], groups["count"])
    month = int(groups["month"] or groups.get("only") or groups["two"])
    day = int(groups["day"]) if groups["day"] else None
    # A letter and two numbers are a month only with a point: R6-4 and R6/4 may be a code or a fraction.
    is_code = groups["day"] is None and groups.get("mark") in ("-", "/") and (groups.get("era") or "").isascii()
    if year is None or is_code or not 1 <= month <= 12 or not (day is None or 1 <= day <= 31):
        return match[0]
    return f"{year}年{month}月" + (f"{day}日" if day else "")


def _write_years(match: re.Match[str]) -> str:
    era, count = match["era"], match["count"]
    year, unit, more = _year_of(era, count), (match["unit"] or "").strip(), match["more"]
    if year is None or not (unit or more or _needs_no_unit(match)):
        return match[0]
    last = parse_number(count)
    later = [int(number) for number in _MORE.findall(more)]
    if later != sorted(later) or (later and later[0] <= last):
        return f"{year}{unit or '年'}{more}"  # 令和6年、3年: no list of years
    final = "年度" if more.endswith("年度") else "年"
    more = re.sub(r"[0-9]+(\s?年度?)?", lambda n: f"{western_year(era, _MORE.match(n[0])[0])}{final}", more)  # type: ignore[index]
    return f"{year}{final if more else unit or '年'}{more.replace(' ', '')}"


def _needs_no_unit(match: re.Match[str]) -> bool:
    """Tell whether an era and a number are a year with no 年 behind: 令和6, 令6, R6, S63; but neither M3, T5 nor S3."""
    following = match.string[match.end() : match.end() + 1]
    if not match["era"].isascii():
        return match["count"].isascii() or match["count"] == "元"
    is_bare = not re.match(r"[0-9a-z_.%/:\-]", following)
    return is_bare and (match["era"] in "rh" or (match["era"] == "s" and len(match["count"]) == 2))


def _write_period(match: re.Match[str]) -> str:
    first, last = match["first"], match["last"]
    last = last if len(last) == 4 else first[:2] + last
    is_month = match["mark"] == "-" and len(match["last"]) == 2 and int(match["last"]) <= 12
    if is_month or int(last) <= int(first):
        return match[0]
    following = match.string[match.end() :]
    final = "年度" if following.startswith("年度") or match["unit"] == "年度" else "年"
    return f"{first}{final}~{last}" + ("" if following.startswith("年") else final)


def _write_month_and_day(match: re.Match[str]) -> str:
    month, day = int(match["month"]), int(match["day"])
    return f"{month}月{day}日" if 1 <= month <= 12 and 1 <= day <= 31 else match[0]


def _write_time(match: re.Match[str]) -> str:
    minute = int(match["minute"])
    return f"{int(match['hour'])}時" + (f"{minute}分" if minute else "")
