"""What counts as personal data, and the form of a text in which it is looked for."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from rag.variants import OLD_TO_NEW
from rag.words import Piece, cut_words


class PersonalKind(StrEnum):
    """A kind of personal data; the order is that in which one kind wins over another where both are found."""

    EMAIL = "email"
    ACCOUNT = "account"
    ADDRESS = "address"
    CARD = "card"
    LICENCE = "licence"
    MY_NUMBER = "my_number"
    PASSPORT = "passport"
    RESIDENCE_CARD = "residence_card"
    INSURANCE = "insurance"
    BIRTH = "birth"
    PHONE = "phone"
    NAME = "name"

    @property
    def label(self) -> str:
        """The Japanese name: it stands in the tokens, 【電話1】."""
        return _LABELS[self]


_LABELS = {
    PersonalKind.EMAIL: "メール",
    PersonalKind.ACCOUNT: "口座",
    PersonalKind.ADDRESS: "住所",
    PersonalKind.CARD: "カード",
    PersonalKind.LICENCE: "免許証",
    PersonalKind.MY_NUMBER: "マイナンバー",
    PersonalKind.PASSPORT: "旅券",
    PersonalKind.RESIDENCE_CARD: "在留カード",
    PersonalKind.INSURANCE: "保険番号",
    PersonalKind.BIRTH: "生年月日",
    PersonalKind.PHONE: "電話",
    PersonalKind.NAME: "氏名",
}


@dataclass(frozen=True, slots=True)
class PersonalDatum:
    """Characters [start, end) of a text that are personal data. text: those characters, as they stand there."""

    kind: PersonalKind
    start: int
    end: int
    text: str


class ReadableText:
    """A text in the form in which personal data is looked for: character i of `folded` stands for character i of the text."""

    def __init__(self, text: str) -> None:
        self.folded = fold_characters(text)

    @functools.cached_property
    def parts(self) -> list[Piece]:
        """The words of the folded text."""
        return cut_words(self.folded)

    @functools.cached_property
    def part_at(self) -> dict[int, int]:
        """Start of a word -> its place among `parts`."""
        return {part.start: place for place, part in enumerate(self.parts)}

    @functools.cached_property
    def part_before(self) -> dict[int, int]:
        """End of a word -> its place among `parts`."""
        return {part.end: place for place, part in enumerate(self.parts)}

    def before(self, place: int, chars: int) -> str:
        """Return up to `chars` characters in front of a place, of the same line and sentence."""
        return re.split(r"[\n。]", self.folded[max(0, place - chars) : place])[-1]


_DASHES = "‐‑‒–—―−─━➖－﹣ｰ"
_SPACES = "\u00a0\u2002\u2003\u2009\u202f\u3000"
_LONG_VOWEL = re.compile(r"(?<=[0-9)])[ー一](?=[0-9(])")


def fold_characters(text: str) -> str:
    """Return a text of the same length with half-width letters and digits, one hyphen, one blank and new forms of kanji.

    >>> fold_characters("０１２３ー４５－６７８９　髙橋ﾀﾛｳ＠")
    '0123-45-6789 高橋タロウ@'
    """
    return _LONG_VOWEL.sub("-", text.translate(_characters()))


@functools.cache
def _characters() -> dict[int, str]:
    """Return the characters that are written in another width; ① is left alone: it is no digit of a number."""
    widths = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFFEF)}
    table = {code: other for code, other in widths.items() if len(other) == 1}
    table |= {ord(old): new for old, new in OLD_TO_NEW.items()}
    return table | dict.fromkeys(map(ord, _DASHES), "-") | dict.fromkeys(map(ord, _SPACES), " ")
