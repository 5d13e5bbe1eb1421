"""Whether the text layer of a page says what is printed: files with missing or wrong character maps show one text and hold another."""

from __future__ import annotations

import functools
import re
from collections import Counter

_CID = re.compile(r"\(cid:\d+\)")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ一-鿿]")
_HIRAGANA = re.compile("[ぁ-ゖ]")
_READING_IN_BRACKETS = re.compile("[（(][ぁ-ゖ]+[）)]")
_KANJI = re.compile("[㐀-鿿]")
_LATIN_1 = re.compile("[À-ÖØ-öø-ÿŒœŠšŸŽžƒˆ˜‚„†‡‰‹›¢£§¨©ª«¬®¯°±²³´µ¶¸¹º»¼½¾¿]")
_COMMON_HIRAGANA = frozenset("のにはをたがでてとしれさるいすまなっらりこもかよあ")
"""The hiragana that make up about nine tenths of any Japanese text."""
_MAX_SUSPICIOUS = 0.12
_MIN_CHARACTERS = 40


def measure_suspicion(text: str, unreadable: int = 0) -> float:
    """Return the share of characters that mean nothing or stand in no Japanese text; unreadable: how many more had no code at all.

    >>> measure_suspicion("住民票"), measure_suspicion("", unreadable=3), measure_suspicion("住\\ue001\\ue002票")
    (0.0, 1.0, 0.5)
    """
    printed = "".join(text.split())
    total = len(printed) + unreadable
    if not total:
        return 0.0
    cids = sum(len(match) for match in _CID.findall(printed)) if "(cid:" in printed else 0
    foreign = sum(count for character, count in Counter(printed).items() if not _is_japanese_or_latin(character))
    return min(1.0, (unreadable + cids + foreign + _count_mojibake(printed)) / total)


@functools.cache
def _is_japanese_or_latin(character: str) -> bool:
    """Tell whether a character belongs to the repertoire of Japanese texts (JIS X 0213, CP932 and their compatibility forms)."""
    if character.isascii():
        return True
    if _PRIVATE.match(character) or character == "\ufffd":
        return False
    for encoding in ("cp932", "euc_jis_2004"):
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            continue
        return True
    return bool(
        re.match("[\u2000-\u2bff\u3000-\u33ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001d400-\U0001d7ff]", character)
    )


def _count_mojibake(text: str) -> int:
    """Return how many letters of Western code pages there are, where they stand in place of Japanese."""
    letters = len(_LATIN_1.findall(text))
    return letters if letters > 0.1 * len(text) and len(_JAPANESE.findall(text)) < letters else 0


def is_garbled(text: str, unreadable: int = 0) -> bool:
    """Tell whether a page's text layer is wrong: too much that means nothing, or kana and kanji as no one writes them.

    >>> is_garbled("このたび、転入の届出をされた方には、窓口で手続の案内をお渡ししています。必要なものを確かめてください。")
    False
    >>> shifted = "".join(chr(ord(c) + 3) for c in "このたびてんにゅうのとどけをされたかたにはまどぐちであんないをおわたししています" * 2)
    >>> is_garbled(shifted), is_garbled("", unreadable=50)
    (True, True)
    """
    printed = "".join(text.split())
    if len(printed) + unreadable < _MIN_CHARACTERS:
        return unreadable > len(printed)
    if measure_suspicion(text, unreadable) > _MAX_SUSPICIOUS:
        return True
    return _has_odd_kana(printed) or _has_odd_kanji(printed) or _has_no_words(printed)


def _has_odd_kana(text: str) -> bool:
    kana = Counter(_HIRAGANA.findall(_READING_IN_BRACKETS.sub("", text)))
    common = sum(count for character, count in kana.items() if character in _COMMON_HIRAGANA)
    return kana.total() >= 60 and common < 0.45 * kana.total()


def _has_odd_kanji(text: str) -> bool:
    """Tell whether much of the kanji is rare: not of the 2,965 of JIS level 1."""
    kanji = _KANJI.findall(text)
    return len(kanji) >= 40 and sum(not _is_level_1(c) for c in kanji) > 0.35 * len(kanji)


def _is_level_1(kanji: str) -> bool:
    try:
        code = kanji.encode("cp932")
    except UnicodeEncodeError:
        return False
    return b"\x88\x9f" <= code <= b"\x98\x72"


def _has_no_words(text: str) -> bool:
    """Tell whether Latin letters stand where no language has them: marks and capitals within words, hardly a vowel between."""
    if len(_JAPANESE.findall(text)) > 0.02 * len(text):
        return False
    letters = re.findall("[A-Za-z]", text)
    marks = re.findall(r"[!-/:-@\[-`{-~\u0080-\u00ff]", text)
    vowels = sum(c in "aeiouAEIOU" for c in letters)
    return len(letters) >= 40 and (vowels < 0.22 * len(letters) or len(marks) > 0.6 * len(letters))
