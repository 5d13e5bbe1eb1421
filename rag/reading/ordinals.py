"""Numbers of automatic lists as they are displayed: 1, １, ①, (1) is their frame's affair, ア, イ, 一, 壱, i, A. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_AIUEO = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
_AIUEO_HALF = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ"
_IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセスン"
_IROHA_HALF = "ｲﾛﾊﾆﾎﾍﾄﾁﾘﾇﾙｦﾜｶﾖﾀﾚｿﾂﾈﾅﾗﾑｳヰﾉｵｸﾔﾏｹﾌｺｴﾃｱｻｷﾕﾒﾐｼヱﾋﾓｾｽﾝ"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_KANJI_DIGITS = "〇一二三四五六七八九"
_LEGAL_DIGITS = "〇壱弐参四伍六七八九"
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def show_ordinal(number: int, style: str) -> str:
    """Return a number in one of the formats of WordprocessingML (`w:numFmt`); an unknown one is decimal.

    >>> [show_ordinal(3, style) for style in ("decimalEnclosedCircle", "aiueoFullWidth", "iroha", "japaneseCounting")]
    ['③', 'ウ', 'ﾊ', '三']
    >>> [show_ordinal(12, style) for style in ("decimalFullWidth", "upperRoman", "japaneseLegal", "lowerLetter", "decimalZero")]
    ['１２', 'XII', '拾弐', 'l', '12']
    >>> [show_ordinal(number, "japaneseCounting") for number in (10, 21, 105)], show_ordinal(21, "decimalEnclosedCircle")
    (['十', '二十一', '百五'], '21')
    """
    show = _STYLES.get(style)
    return show(number) if show and number > 0 else str(number)


def _letters(alphabet: str) -> Callable[[int], str]:
    """Return a way to count in letters: after the last one they are doubled (AA, BB), as Word does."""
    return lambda number: alphabet[(number - 1) % len(alphabet)] * ((number - 1) // len(alphabet) + 1)


def _enclosed(first: str, count: int) -> Callable[[int], str]:
    return lambda number: chr(ord(first) + number - 1) if number <= count else str(number)


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _counted(digits: str, units: str) -> Callable[[int], str]:
    """Return a way to count in kanji with units: 二十一; a unit's digit one is not said."""

    def show(number: int) -> str:
        if number >= 10_000:
            return str(number)
        text = ""
        for unit, name in zip((1000, 100, 10, 1), (*units, ""), strict=True):
            digit = number // unit % 10
            text += ("" if digit == 1 and name and digits is _KANJI_DIGITS else digits[digit]) + name if digit else ""
        return text if digits is _KANJI_DIGITS or not text.startswith("壱拾") else text[1:]

    return show


def _positional(number: int) -> str:
    return "".join(_KANJI_DIGITS[int(digit)] for digit in str(number))


def _english(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"


_STYLES: Mapping[str, Callable[[int], str]] = {
    "decimalFullWidth": lambda number: str(number).translate(_FULL_WIDTH),
    "decimalFullWidth2": lambda number: str(number).translate(_FULL_WIDTH),
    "decimalZero": lambda number: f"{number:02}",
    "decimalEnclosedCircle": _enclosed("①", 20),
    "decimalEnclosedCircleChinese": _enclosed("①", 20),
    "decimalEnclosedParen": _enclosed("⑴", 20),
    "decimalEnclosedFullstop": _enclosed("⒈", 20),
    "ideographEnclosedCircle": _enclosed("㊀", 10),
    "aiueo": _letters(_AIUEO_HALF),
    "aiueoFullWidth": _letters(_AIUEO),
    "hiragana": _letters("".join(chr(ord(c) - 0x60) for c in _AIUEO)),
    "iroha": _letters(_IROHA_HALF),
    "irohaFullWidth": _letters(_IROHA),
    "japaneseCounting": _counted(_KANJI_DIGITS, "千百十"),
    "japaneseLegal": _counted(_LEGAL_DIGITS, "千百拾"),
    "japaneseDigitalTenThousand": _positional,
    "ideographDigital": _positional,
    "ideographTraditional": _letters(_STEMS),
    "ideographZodiac": _letters(_BRANCHES),
    "upperRoman": _roman,
    "lowerRoman": lambda number: _roman(number).lower(),
    "upperLetter": _letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "lowerLetter": _letters("abcdefghijklmnopqrstuvwxyz"),
    "numberInDash": lambda number: f"- {number} -",
    "ordinal": _english,
    "none": lambda number: "",
}
