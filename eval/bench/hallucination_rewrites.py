"""Say a sentence otherwise without changing what it says: politeness, notation of years and numbers, order, lead-ins, parts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from random import Random

_POLITE = (
    ("でない。", "ではありません。"), ("である。", "です。"), ("とする。", "とします。"), ("しない。", "しません。"), ("できない。", "できません。"),
    ("ならない。", "なりません。"), ("できる。", "できます。"), ("する。", "します。"), ("される。", "されます。"), ("ている。", "ています。"),
    ("がある。", "があります。"), ("なる。", "なります。"), ("行う。", "行います。"), ("という。", "といいます。"), ("いう。", "いいます。"),
    ("ける。", "けます。"), ("める。", "めます。"), ("れる。", "れます。"), ("せる。", "せます。"),
)  # fmt: skip
_PLAIN = (
    ("ではありません。", "ではない。"), ("できません。", "できない。"), ("なりません。", "ならない。"), ("しません。", "しない。"), ("できます。", "できる。"),
    ("しています。", "している。"), ("あります。", "ある。"), ("なります。", "なる。"), ("行います。", "行う。"), ("します。", "する。"), ("です。", "である。"),
)  # fmt: skip
_ERAS = (("令和", 2018, 2019), ("平成", 1988, 1989), ("昭和", 1925, 1926))
_KANJI = "〇一二三四五六七八九"
_LEADS = (
    "文書によれば、",
    "資料によると、",
    "結論から言うと、",
    "ご質問の点については、",
    "なお、",
    "また、",
    "具体的には、",
)
_WORDS = (
    ("及び", "と"),
    ("又は", "か"),
    ("当該", "その"),
    ("届出", "届け出"),
    ("行わなければ", "しなければ"),
    ("により", "によって"),
    ("ください", "下さい"),
)
_CONDITION = re.compile(r"^([^、（）]{4,40}(?:場合|とき))は、([^、].{6,})。$")
_MIDDLE = re.compile(r"^(.{2,25}?は、)[^（）]{4,40}?(?:し|り|て|き|み)、(.{8,}。)$")
_JOINED = (
    ("します。", "し、"),
    ("です。", "で、"),
    ("である。", "であり、"),
    ("あります。", "あり、"),
    ("できます。", "でき、"),
    ("する。", "し、"),
)

Rewrite = Callable[[str, Random], str]


def make_polite(sentence: str, random: Random) -> str:
    """Return 常体 as 敬体."""
    return _end(sentence, _POLITE)


def make_plain(sentence: str, random: Random) -> str:
    """Return 敬体 as 常体."""
    return _end(sentence, _PLAIN)


def write_western_years(sentence: str, random: Random) -> str:
    """Return years of the eras as western ones."""

    def western(match: re.Match[str]) -> str:
        base = next(base for era, base, _ in _ERAS if era == match[1])
        number = 1 if match[2] == "元" else int(unicodedata.normalize("NFKC", match[2]))
        return f"{base + number}年"

    return re.sub(r"(令和|平成|昭和)\s?([0-9０-９]{1,2}|元)年", western, sentence)


def write_era_years(sentence: str, random: Random) -> str:
    """Return western years as years of the eras."""

    def era(match: re.Match[str]) -> str:
        year = int(match[1])
        found = next(((name, base) for name, base, first in _ERAS if year > first), None)
        return f"{found[0]}{year - found[1]}年" if found else match[0]

    return re.sub(r"(?<![0-9（(])([12][0-9]{3})年", era, sentence)


def write_full_width(sentence: str, random: Random) -> str:
    """Return digits in full width."""
    return re.sub(r"[0-9]", lambda match: chr(ord(match[0]) + 0xFEE0), sentence)


def write_half_width(sentence: str, random: Random) -> str:
    """Return digits, letters and marks in half width."""
    return re.sub(r"[０-９Ａ-Ｚａ-ｚ％．，]", lambda match: unicodedata.normalize("NFKC", match[0]), sentence)


def write_kanji_numbers(sentence: str, random: Random) -> str:
    """Return small numbers before common units in kanji."""
    units = r"日|人|か月|週間|年間|枚|通|回|件|歳|条|項"

    def kanji(match: re.Match[str]) -> str:
        tens, ones = divmod(int(match[1]), 10)
        written = (
            ("" if tens < 2 else _KANJI[tens]) + ("十" if tens else "") + (_KANJI[ones] if ones or not tens else "")
        )
        return written + match[2]

    return re.sub(rf"(?<![0-9.,，月])([1-9][0-9]?)({units})", kanji, sentence)


def write_plain_numbers(sentence: str, random: Random) -> str:
    """Return numbers without commas, and round amounts in 万円."""
    sentence = re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", sentence)
    return re.sub(r"(?<![0-9])([1-9][0-9]?)0000円", r"\1万円", sentence)


def lead_in(sentence: str, random: Random) -> str:
    """Return the sentence behind a phrase that says nothing."""
    return random.choice(_LEADS) + sentence


def drop_brackets(sentence: str, random: Random) -> str:
    """Return the sentence without what is in round brackets."""
    return re.sub(r"[（(][^（）()]*[）)]", "", sentence)


def exchange_words(sentence: str, random: Random) -> str:
    """Return the sentence with words of the same meaning."""
    for word, other in _WORDS:
        sentence = sentence.replace(word, other)
    return sentence


def turn_around(sentence: str, random: Random) -> str:
    """Return the condition behind what follows from it."""
    return _CONDITION.sub(r"\2（\1）。", sentence)


def drop_middle(sentence: str, random: Random) -> str:
    """Return the topic with the last of several things that are said of it."""
    return _MIDDLE.sub(r"\1\2", sentence)


def report(sentence: str, random: Random) -> str:
    """Return the sentence as reported."""
    return re.sub(r"(である|する|できる|ない|る)。$", lambda match: f"{match[1]}とされています。", sentence)


def join(first: str, second: str) -> str | None:
    """Return two sentences as one, None where the first cannot run on."""
    for ending, link in _JOINED:
        if first.endswith(ending):
            return first.removesuffix(ending) + link + second
    return None


REWRITES: Sequence[Rewrite] = (
    make_polite, make_plain, write_western_years, write_era_years, write_full_width, write_half_width, write_kanji_numbers,
    write_plain_numbers, lead_in, drop_brackets, exchange_words, turn_around, drop_middle, report,
)  # fmt: skip


def rewrite(sentence: str, random: Random) -> str:
    """Return a sentence rewritten in up to three ways that change it."""
    wanted = random.randint(1, 3)
    for way in random.sample(REWRITES, len(REWRITES)):
        changed = way(sentence, random)
        if changed != sentence:
            sentence, wanted = changed, wanted - 1
        if not wanted:
            break
    return sentence


def _end(sentence: str, endings: Sequence[tuple[str, str]]) -> str:
    for ending, other in endings:
        if sentence.endswith(ending):
            return sentence.removesuffix(ending) + other
    return sentence
