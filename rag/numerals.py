"""Numbers in kanji and in mixed notation: 三十一, 二〇二四, 1.2万, 14億2300万 -> digits, and never inside words such as 一般 or 三重."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_DIGITS = {digit: number for number, digit in enumerate("〇一二三四五六七八九")} | {"零": 0}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12}
_KANJI = "〇零一二三四五六七八九十百千万億兆"
_MOST_CHARS = 24

# Whole runs of numerals, with the digits beside them: 3万5千, 14億2300万, 二〇二四.
_RUN = re.compile(rf"(?:[0-9][0-9.]*)?[{_KANJI}](?:[{_KANJI}0-9]|\.(?=[0-9]))*")
# What is counted. A single kanji numeral behind another kanji is trusted before the first kind only (唯一人, 統一日程).
_SURE = re.compile(
    r"円|箇[月所年国条]|条(?=第|の[0-9一二三四五六七八九十])|項|号|歳|才|世[帯代]|週|時間|年度|月[0-9一二三四五六七八九十]|パーセント|[%℃]"
)
_LIKELY = re.compile(
    r"年|月|日|人|名|件|回|枚|通(?!り|常|行|学|勤|路)|冊|時|分|秒|泊|夜|階|丁目|番|棟|戸|台|頭|匹|級|割|倍|位|点|個|本|杯|袋|箱"
    r"|部|章|節|款|編|期|学[期年]|次|種|類|子|隻|社|校|室|キロ|メートル|センチ|ミリ|グラム|リットル|平方|ヘクタール|アール"
    r"|k[gm]|[cm]m|ha|㎡|m"
)
# Words that begin like a number and its unit.
_NO_NUMBER = re.compile(
    r"一(?:部|番(?!地|線|窓口|目)|度|人前|日中|年中|本化|本道|分別|位置|種独特|次元)|十分(?!間|前|後|以|程|ほど)|八百[屋万長]"
    r"|万[一年]|千[年代]"
)
_AN_HOUR = re.compile(r"一時(?!間|半|[0-9一二三四五六七八九十])")  # for a while, but not in 午後一時
_BEFORE_NUMBER = re.compile(r"(?:第|分の|[条号項]の)$")
_BEFORE_COUNT = re.compile(r"[^一-鿿]$|[約各計満全毎金他年月日時前後]$|^$")
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_UNIT_ONLY = re.compile(r"単位[:は]?\s?$")
_HAS_KANJI = re.compile(rf"[{_KANJI}]")
_COUNTED_WORD = re.compile(rf"([{_KANJI}]+)([人名歳才夜日泊戸月回])")


def read_numeral(text: str) -> str | None:
    """Return in digits a whole text that is a number in kanji, digits or both; None if it is none.

    >>> [read_numeral(text) for text in ["三十一", "二〇二四", "1.2万", "14億2300万", "百五", "620百万"]]
    ['31', '2024', '12000', '1423000000', '105', '620000000']
    >>> [read_numeral(text) for text in ["一般", "", "1.2.3万", "万"]]
    [None, None, None, None]
    """
    if not text or len(text) > _MOST_CHARS:
        return None
    if all(character in _DIGITS for character in text):
        return "".join(str(_DIGITS[character]) for character in text)
    total, part, digits = Decimal(0), Decimal(0), ""
    for character in text:
        number = _decimal(digits)
        if character in _DIGITS or character in "0123456789.":
            digits += str(_DIGITS.get(character, character))
        elif number is None:
            return None
        elif character in _SMALL:
            part, digits = part + (number if digits else 1) * _SMALL[character], ""
        elif character in _LARGE and part + number:
            # 620百万 multiplies and 二千三百万 adds up first: both are (part + number) times the large unit.
            total, part, digits = total + (part + number) * _LARGE[character], Decimal(0), ""
        else:
            return None
    rest = _decimal(digits)
    return None if rest is None else f"{(total + part + rest).normalize():f}"


def write_digits(text: str) -> str:
    """Write numbers in digits where something is counted or numbered; text is in NFKC. Commas between digits go.

    >>> write_digits("第三条の二、五千円、1.2万円、一万二千円、5,000円、十五日、二分の一、第二子")
    '第3条の2、5000円、12000円、12000円、5000円、15日、2分の1、第2子'
    >>> write_digits("一般、三重県、八百屋、千葉市、二宮、一部、十分な、統一日程、万一、一時保育、単位:千円")
    '一般、三重県、八百屋、千葉市、二宮、一部、十分な、統一日程、万一、一時保育、単位:千円'
    """
    text = _COMMA.sub("", text)
    return _RUN.sub(_write_run, text) if _HAS_KANJI.search(text) else text


def _write_run(match: re.Match[str]) -> str:
    if not _is_number(match.string, match.start(), match.end()):
        return match[0]
    return read_numeral(match[0]) or match[0]


def _is_number(text: str, start: int, end: int) -> bool:
    """Tell by what stands around a run of numerals whether it counts something."""
    before = text[max(0, start - 5) : start]
    if _BEFORE_NUMBER.search(before):
        return True
    is_hour = _AN_HOUR.match(text, start) and not before.endswith(("午前", "午後"))
    is_word = _NO_NUMBER.match(text, start) and not before.endswith("時")
    if is_word or is_hour or _UNIT_ONLY.search(before):
        return False
    if _SURE.match(text, end):
        return True
    return bool(_LIKELY.match(text, end)) and (end - start > 1 or bool(_BEFORE_COUNT.search(before)))


def split_counted(word: str) -> tuple[str, str] | None:
    """Return the number and the counter of a dictionary word that counts: Sudachi knows 一人 and 二十歳 as words.

    >>> split_counted("一人"), split_counted("二十歳"), split_counted("一般"), split_counted("人")
    (('1', '人'), ('20', '歳'), None, None)
    """
    match = _COUNTED_WORD.fullmatch(word)
    number = read_numeral(match[1]) if match else None
    return (number, match[2]) if match and number is not None else None


def _decimal(digits: str) -> Decimal | None:
    try:
        return Decimal(digits or "0")
    except InvalidOperation:
        return None
