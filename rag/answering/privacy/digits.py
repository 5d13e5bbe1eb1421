"""Personal data that is a number: マイナンバー, telephone, card, licence, passport, insurance, and the day of birth; and e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answering.privacy.kinds import PersonalKind, ReadableText

Found = tuple[PersonalKind, int, int]
_CONTEXT_CHARS = 30

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]*(?:@|[(\[]at[)\]])[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"
)
_PHONE = re.compile(
    r"(?<![0-9A-Za-z+\-])(?<![0-9]\.)(?:"
    r"\+[1-9][0-9]{0,2}[-. ]?(?:\(0\))?[-. ]?[0-9]{1,4}(?:[-. ][0-9]{2,4}){1,3}"
    r"|\(0[0-9]{1,4}\) ?[0-9]{1,4}[-. ][0-9]{4}"
    r"|0[0-9]{1,4} ?\([0-9]{1,4}\) ?[0-9]{4}"
    r"|0[0-9]{1,4}[-.][0-9]{1,4}[-. ][0-9]{3,4}|(?<![0-9,] )0[0-9]{1,4} [0-9]{1,4} [0-9]{4}(?! [0-9])"
    r"|0[5789]0[0-9]{8}|0800[0-9]{7}|(?:0120|0570)[0-9]{6}"
    r")(?![0-9A-Za-z]|[-.][0-9])"
)
_PHONE_DIGITS = (10, 11)  # of a number in Japan, with its area code
_PHONE_LABEL = re.compile(
    r"(?:電話(?:番号)?|℡|☎|TEL|Tel|tel|携帯(?:電話)?|連絡先|FAX|Fax|fax|ファ[クッ]クス|ファクシミリ)[^0-9\n。、]{0,8}"
    r"(?P<number>[0-9]{2,4}-[0-9]{4}|0[0-9]{9})(?![-0-9A-Za-z])"
)
_TWELVE = re.compile(r"(?<![0-9A-Za-z\-])[0-9](?:[- ]?[0-9]){11}(?![0-9A-Za-z]|-[0-9])")
_GROUPED = re.compile(r"[0-9]{12}|[0-9]{4}([- ])[0-9]{4}\1[0-9]{4}")
_IN_A_ROW = re.compile(r"[0-9,] ?$")  # of numbers, in a table
_MY_NUMBER_LABEL = re.compile(r"マイナンバー|個人番号|通知カード|(?:12|十二)(?:桁|けた)")
_LICENCE_LABEL = re.compile(r"免許")
_OTHER_NUMBER = re.compile(
    r"(?:(?:管理|文書|伝票|契約|工事|受付|整理|法人|登録|会計|物品|予約|会員|議案)(?:番号)?|コード|ISBN|JAN|ID)"
    r"[^0-9。]{0,6}$"
)
_CARD = re.compile(
    r"(?<![0-9A-Za-z\-])(?:[0-9]{4}([- ])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}([- ])[0-9]{6}\2[0-9]{4,5}|[0-9]{14,16})"
    r"(?![0-9A-Za-z]|-[0-9])"
)
_PASSPORT = re.compile(r"(?<![0-9A-Za-z])[A-Z]{1,2}[0-9]{7}(?![0-9A-Za-z])")
_RESIDENCE_CARD = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{8}[A-Z]{2}(?![0-9A-Za-z])")
_INSURED = re.compile(r"(?:被保険者番号|保険証の?番号|受給者番号)[^0-9\n。]{0,4}(?P<number>[0-9]{6,12})(?![0-9])")
_SYMBOL = re.compile(
    r"記号(?:[・及びと ]{0,3}番号)?[ :]*[一-鿿A-Z]?[0-9][0-9\-]*(?:[ 、,・]*番号[ :]*[0-9]{1,10})?(?![0-9])"
)
_INSURANCE_LABEL = re.compile(r"保険|国保|共済")
_PENSION = re.compile(r"年金(?:手帳の)?番号[^0-9\n。]{0,6}(?P<number>[0-9]{4}-?[0-9]{6})(?![-0-9])")

_KANJI_NUMBER = "[〇一二三四五六七八九十]"
_ERA = r"(?:明治|大正|昭和|平成|令和|[明大昭平令MTSHR])"
_BIRTH_DAY = re.compile(
    rf"(?:{_ERA} ?(?:[0-9]{{1,2}}|元|{_KANJI_NUMBER}{{1,3}})|(?<![0-9])(?:18|19|20)[0-9]{{2}}|{_KANJI_NUMBER}{{4}})"
    rf" ?[年./\-] ?(?:[0-9]{{1,2}}|{_KANJI_NUMBER}{{1,3}}) ?[月./\-] ?(?:[0-9]{{1,2}}|{_KANJI_NUMBER}{{1,3}})(?![0-9]) ?日?"
)
_BIRTH_BEFORE = re.compile(r"(?:生年月日|誕生日|出生日|生まれた日)[^0-9。、]{0,6}$")
_BIRTH_BEHIND = re.compile(r"(?:\([^)]{0,8}\))? ?(?:生まれ(?!た)|生(?=[)、。 ]|の[方者人子]|$))")


def find_numbers(text: ReadableText) -> Iterator[Found]:
    """Yield (kind, start, end) of what is found; one place may be found twice."""
    yield from _whole(PersonalKind.EMAIL, _EMAIL, text)
    for kind, start, end in _whole(PersonalKind.PHONE, _PHONE, text):
        if text.folded[start] == "+" or sum(map(str.isdigit, text.folded[start:end])) in _PHONE_DIGITS:
            yield kind, start, end
    yield from _labelled(PersonalKind.PHONE, _PHONE_LABEL, text)
    yield from _find_twelve_digits(text)
    yield from _find_cards(text)
    yield from _whole(PersonalKind.RESIDENCE_CARD, _RESIDENCE_CARD, text)
    yield from _near(PersonalKind.PASSPORT, _PASSPORT, re.compile("旅券|パスポート"), text)
    yield from _labelled(PersonalKind.INSURANCE, _INSURED, text)
    yield from _labelled(PersonalKind.INSURANCE, _PENSION, text)
    yield from _near(PersonalKind.INSURANCE, _SYMBOL, _INSURANCE_LABEL, text)
    for match in _BIRTH_DAY.finditer(text.folded):
        if _BIRTH_BEFORE.search(text.before(match.start(), 16)) or _BIRTH_BEHIND.match(text.folded, match.end()):
            yield PersonalKind.BIRTH, match.start(), match.end()


def _whole(kind: PersonalKind, pattern: re.Pattern[str], text: ReadableText) -> Iterator[Found]:
    for match in pattern.finditer(text.folded):
        yield kind, match.start(), match.end()


def _labelled(kind: PersonalKind, pattern: re.Pattern[str], text: ReadableText) -> Iterator[Found]:
    for match in pattern.finditer(text.folded):
        yield kind, match.start("number"), match.end("number")


def _near(kind: PersonalKind, pattern: re.Pattern[str], label: re.Pattern[str], text: ReadableText) -> Iterator[Found]:
    for match in pattern.finditer(text.folded):
        if label.search(text.before(match.start(), _CONTEXT_CHARS)):
            yield kind, match.start(), match.end()


def _find_twelve_digits(text: ReadableText) -> Iterator[Found]:
    """Yield numbers of 12 digits: by what is said of them, else by their check digit where they are written as one number."""
    for match in _TWELVE.finditer(text.folded):
        before = text.before(match.start(), _CONTEXT_CHARS)
        labels = {PersonalKind.LICENCE: _LICENCE_LABEL, PersonalKind.MY_NUMBER: _MY_NUMBER_LABEL}
        named = [
            (max(m.end() for m in found), kind) for kind, p in labels.items() if (found := list(p.finditer(before)))
        ]
        if named:
            yield max(named)[1], match.start(), match.end()
        elif _GROUPED.fullmatch(match[0]) and not (_OTHER_NUMBER.search(before) or _IN_A_ROW.search(before)):
            digits = re.sub("[^0-9]", "", match[0])
            if is_my_number(digits):
                yield PersonalKind.MY_NUMBER, match.start(), match.end()
            elif is_licence(digits):
                yield PersonalKind.LICENCE, match.start(), match.end()


def _find_cards(text: ReadableText) -> Iterator[Found]:
    for match in _CARD.finditer(text.folded):
        before = text.before(match.start(), _CONTEXT_CHARS)
        is_named = re.search(r"カード|クレジット", before)
        digits = re.sub("[^0-9]", "", match[0])
        if is_named or (is_card(digits) and not _OTHER_NUMBER.search(before)):
            yield PersonalKind.CARD, match.start(), match.end()


def is_my_number(digits: str) -> bool:
    """Tell whether 12 digits are a マイナンバー: the last one is computed from the others (平成26年総務省令第85号第5条).

    >>> is_my_number("787789328790"), is_my_number("787789328791")
    (True, False)
    """
    rest = sum(int(d) * weight for d, weight in zip(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def is_licence(digits: str) -> bool:
    """Tell whether 12 digits may be the number of a driver's licence: the code of a prefecture's police, and the 11th digit fits.

    The 11th digit is 11 minus the weighted sum of the first ten modulo 11. Where that gives 10 or 11 sources differ on the digit
    (0 or 1), and both are taken.

    >>> is_licence("306148540530"), is_licence("306148540540"), is_licence("996148540530")
    (True, False, False)
    """
    rest = sum(int(d) * weight for d, weight in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
    check = int(digits[10])
    return digits[:2] in _POLICE and (check == 11 - rest if rest > 1 else check in (0, 1))


_POLICE = frozenset(
    str(code)
    for first, last in ((10, 14), (20, 25), (30, 30), (40, 49), (50, 55), (60, 65), (70, 74), (80, 83), (90, 97))
    for code in range(first, last + 1)
)


def is_card(digits: str) -> bool:
    """Tell whether 14 to 16 digits are a payment card: a known first digit, and the check digit of ISO/IEC 7812 (Luhn) fits.

    >>> is_card("4789914330146730"), is_card("4789914330146731"), is_card("1789914330146739")
    (True, False, False)
    """
    doubled = (int(d) * (2 - i % 2) for i, d in enumerate(digits[-2::-1]))
    return digits[0] in "23456" and (sum(d - 9 * (d > 9) for d in doubled) + int(digits[-1])) % 10 == 0
