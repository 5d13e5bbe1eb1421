"""Numbers with what they count and amounts of money in folded text, each in one value: 5割 = 50%, 15名 = 15人, 15% is not 15人."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from rag.answering.facts.kinds import FactKind, Found, Rule
from rag.variants import fold_kana

_NUMBER, _AMOUNT, _UNIT = FactKind.NUMBER, FactKind.AMOUNT, FactKind.UNIT
# What means the same under several names; the first is used.
_SAME = (
    "% パーセント ％", "人 名", "歳 才", "箇所 か所 ヶ所", "km キロメートル", "m メートル", "cm センチメートル センチ", "mm ミリメートル ミリ",
    "kg キログラム", "g グラム", "mg ミリグラム", "t トン", "l リットル", "ml ミリリットル", "ha ヘクタール",
    "m2 平方メートル 平米", "km2 平方キロメートル", "m3 立方メートル 立米", "kw キロワット", "mw メガワット", "kwh キロワット時 キロワットアワー",
    "gb ギガバイト", "mb メガバイト", "kb キロバイト", "tb テラバイト", "度 ℃ °c", "ページ 頁", "km/h キロ毎時", "桁 けた ケタ", "バイト", "ポイント", "キロ",
    "ヘルツ hz", "ボルト", "ワット", "アンペア",
)  # fmt: skip
_COUNTERS = (
    "世帯 件 回 枚 通 部 冊 台 両 頭 匹 羽 個 本 棟 戸 軒 地区 局 団体 者 社 校 室 点 区画 基 袋 束 口 株 筆 文字 字 種類 種 級 倍 "
    "位 階 丁目 番地 番 号 学年 年生 開庁日 営業日 枠 夜 トン 行政区 事業 施策 項目 人槽 杯 膳 着 足 隻 機 門 票 議席 席 クラス 組 "
    "班 科目 単位 講座 教室 施設 か国 国 市町村 自治体 町村 品目 品 か年 期 次 章 節 款 編 子 条 項 句 語 言語 歩 周 行 列 段 話 幕 曲 巻 つ"
).split()
_UNITS: dict[str, str] = {fold_kana(name): group.split()[0] for group in _SAME for name in group.split()}
_UNITS |= {fold_kana(name): fold_kana(name) for name in _COUNTERS}
_KNOWN = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_MONEY = {"円": 1, "千円": 10**3, "万円": 10**4, "百万円": 10**6, "億円": 10**8}
_MONEY |= {f"{factor}円": factor for factor in _MONEY.values() if factor > 1}  # as folded: 億円 is left, 千円 is 1000円
_DECLARED_MONEY = "|".join(re.escape(unit) for unit in sorted(_MONEY, key=len, reverse=True))

# (千円), 単位:人, a cell that holds nothing but 人. Kanji multiples of 円 have been written in digits before.
_DECLARED = re.compile(
    rf"(?:単位\s?[:は]?\s?|[(\[/]\s?|(?:^|[\t|])\s?)(?P<unit>内線|{_DECLARED_MONEY}|{_KNOWN})\s?(?=[)\]\t|/、・]|$)"
)
_YEN = re.compile(
    r"(?<![0-9.])(?P<number>[0-9]+(?:\.[0-9]+)?)\s?円(?!形|周|滑|卓|満)|(?<![0-9a-z.])[¥\\](?P<signed>[0-9]+)"
)
_FRACTION = re.compile(
    r"(?<![0-9.])(?P<below>[0-9]+)\s?分の\s?(?P<above>[0-9]+)(?!\s?人)|(?<![0-9/.])(?P<top>[0-9]{1,2})/(?P<bottom>[0-9]{1,2})(?![0-9/])|半額|半分"
)
_TENTHS = re.compile(r"(?<![0-9.])(?P<tens>[0-9]+)\s?割(?!り|引|合|当)(?:(?P<ones>[0-9])分)?")
_FREQUENCY = re.compile(
    r"(?:(?<![0-9])1\s?箇?)?(?P<every>[週月年日])(?:間|度)?[にあ当]?(?:たり|つき)?\s?(?<![0-9])(?P<number>[0-9]+)\s?回(?!線|答|収|復|数|目)"
)
_ORDINAL = re.compile(rf"第\s?(?P<number>[0-9]+)(?:\s?(?P<unit>{_KNOWN}|[一-鿿]{{1,2}}))?(?!に、)")
_COUNT = re.compile(
    rf"(?<![a-z0-9.])(?P<number>[0-9]+(?:\.[0-9]+)?)(?![0-9]|次元)(?:\s?(?P<unit>{_KNOWN})(?![a-z])|(?P<other>[一-鿿ァ-ヺー]{{1,3}}(?![一-鿿ァ-ヺー])))?"
)
_EACH = re.compile(r"1人(?:ひとり|1人)|1度(?=に|で|も|だけ)")


def _read_declared(match: re.Match[str]) -> Iterator[Found]:
    unit = match["unit"]
    yield Found(
        _UNIT, unit if unit in _MONEY or unit == "内線" else _UNITS[unit], match.start("unit"), match.end("unit")
    )


def _read_yen(match: re.Match[str]) -> Iterator[Found]:
    yield Found(_AMOUNT, f"{read_plain(match['number'] or match['signed'])}円", match.start(), match.end())


def _read_fraction(match: re.Match[str]) -> Iterator[Found]:
    below, above = match["below"] or match["bottom"] or "2", match["above"] or match["top"] or "1"
    yield Found(_NUMBER, f"{int(above)}/{int(below)}", match.start(), match.end())


def _read_tenths(match: re.Match[str]) -> Iterator[Found]:
    yield Found(_NUMBER, f"{int(match['tens']) * 10 + int(match['ones'] or 0)}%", match.start(), match.end())


def _read_frequency(match: re.Match[str]) -> Iterator[Found]:
    yield Found(_NUMBER, f"{match['every']}{int(match['number'])}回", match.start(), match.end())


def _read_ordinal(match: re.Match[str]) -> Iterator[Found]:
    unit = match["unit"] or ""
    yield Found(_NUMBER, f"第{int(match['number'])}{_UNITS.get(unit, unit)}", match.start(), match.end())


def _read_count(match: re.Match[str]) -> Iterator[Found]:
    unit = _UNITS.get(match["unit"] or "", match["other"] or "")
    yield Found(_NUMBER, f"{read_plain(match['number'])}{unit}", match.start(), match.end())


def _read_nothing(match: re.Match[str]) -> Iterator[Found]:
    """Yield what is no fact though it looks like one: 一人ひとり."""
    yield Found(_UNIT, "", match.start(), match.end())


def read_plain(number: str) -> str:
    """Return a decimal number without zeros that say nothing.

    >>> read_plain("58.0"), read_plain("0.50"), read_plain("007"), read_plain("1200")
    ('58', '0.5', '7', '1200')
    """
    return f"{Decimal(number).normalize():f}"


UNITS: tuple[Rule, ...] = ((_DECLARED, _read_declared), (_FREQUENCY, _read_frequency))
"""Rules for units that stand alone, and for 週2回; they are tried first."""
QUANTITIES: tuple[Rule, ...] = (
    (_EACH, _read_nothing),
    (_YEN, _read_yen),
    (_FRACTION, _read_fraction),
    (_TENTHS, _read_tenths),
    (_ORDINAL, _read_ordinal),
    (_COUNT, _read_count),
)
"""Rules for amounts and numbers, in the order in which they must be tried."""
_SPLIT = re.compile(r"([週月年日第]?)([0-9]+(?:\.[0-9]+)?(?:/[0-9]+)?)(.*)")


def split_number(value: str) -> tuple[str, str, str]:
    """Return what stands before a number of a canonical value, the number, and its unit.

    >>> split_number("15人"), split_number("第3子"), split_number("週2回"), split_number("2/3")
    (('', '15', '人'), ('第', '3', '子'), ('週', '2', '回'), ('', '2/3', ''))
    """
    match = _SPLIT.fullmatch(value)
    return (match[1], match[2], match[3]) if match else ("", "", value)


def is_known_unit(unit: str) -> bool:
    """Tell whether a unit is one that texts write in one way, so that another one contradicts it."""
    return unit in _UNITS


def money_factor(unit: str) -> int | None:
    """Return how many yen one of a declared unit is, None for a unit of something else.

    >>> money_factor("1000円"), money_factor("人")
    (1000, None)
    """
    return _MONEY.get(unit)
