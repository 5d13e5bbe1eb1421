"""The words of a text by Sudachi (mode A), in one form each: numbers in digits, years as 2024年, 申し込む as 申し込み."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.numerals import read_numeral, split_counted
from rag.variants import fold_kana, write_in_katakana

if TYPE_CHECKING:
    from sudachipy import Morpheme, Tokenizer

_MAX_CHARS = 10_000  # Sudachi takes no more at once than some 49,000 bytes
_CACHED_WORDS = 1 << 16
_NOUN, _VERB, _NUMBER = "名詞", "動詞", "数詞"
_YEARS = range(1868, 2200)
_PERSONS = frozenset(("1人", "2人"))  # ひとり and ふたり are words: ひとり親 must not become any 1 and any 人
_DOTTED = re.compile(r"[ァ-ヺー]+(?:・[ァ-ヺー]+)+")
_KANJI = re.compile(r"[一-鿿々]")
_TO_I = str.maketrans("うくぐすつぬぶむる", "いきぎしちにびみり")

_local = threading.local()


def split_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield (form, part of speech) of every word and mark; text is normalised, with western years (see `rag.eras`).

    >>> [word for word, _ in split_words("2024年度に一人で申込む、申し込み、五千円、ごみ、フイルム")][:5]
    ['2024年', '年度', 'に', '1人', 'で']
    >>> [word for word, kind in split_words("申込む、申し込み、五千円、ごみ、フィルム") if kind != "補助記号"]
    ['申し込み', '申し込み', '5000', '円', 'ゴミ', 'フイルム']
    """
    if "・" in text:
        text = _DOTTED.sub(lambda match: _join_dotted(match[0]), text)
    for start in range(0, len(text), _MAX_CHARS):
        yield from _join_numbers(_join_verbs(_tokenizer().tokenize(text[start : start + _MAX_CHARS])))


def _join_verbs(morphemes: Iterator[Morpheme]) -> Iterator[tuple[str, str]]:
    """Yield forms and parts of speech, two verbs that make one as one: mode A splits 申し込む and keeps 申し込み."""
    first: Morpheme | None = None
    for morpheme in morphemes:
        kind = morpheme.part_of_speech()
        if kind[0] != _VERB:
            if first is not None:
                yield _form_verb(first)
                first = None
            yield from _form(morpheme.normalized_form(), kind[0], kind[1])
        elif first is None:
            first = morpheme
        elif compound := _find_compound(first.surface() + morpheme.dictionary_form()):
            yield compound, _VERB
            first = None
        else:
            yield _form_verb(first)
            first = morpheme
    if first is not None:
        yield _form_verb(first)


def _form_verb(morpheme: Morpheme) -> tuple[str, str]:
    return _name_verb(morpheme.normalized_form(), morpheme.part_of_speech()[4]), _VERB


@functools.lru_cache(_CACHED_WORDS)
def _form(word: str, kind: str, subkind: str) -> tuple[tuple[str, str], ...]:
    """Return the one or two words that a word of the dictionary stands for."""
    if kind != _NOUN:
        return ((fold_kana(word), kind),)
    if subkind == _NUMBER:
        return ((word if word.isascii() else read_numeral(word) or word, _NUMBER),)
    if subkind != "固有名詞" and (counted := split_counted(word)):
        return ((counted[0], _NUMBER), (counted[1], "接尾辞"))
    return ((fold_kana(write_in_katakana(word)), kind),)


def _join_numbers(words: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield words with the number of a year, and of one or two persons, joined to its counter."""
    number = ""
    for word, kind in words:
        if number:
            is_year = word in ("年", "年度") and number.isdigit() and int(number) in _YEARS
            is_joined = (is_year and word == "年") or number + word in _PERSONS
            yield (number + word if is_joined else f"{number}年" if is_year else number), _NOUN
            number = ""
            if is_joined:
                continue
        if kind == _NUMBER:
            number = word
        else:
            yield word, kind
    if number:
        yield number, _NOUN


@functools.lru_cache(_CACHED_WORDS)
def _name_verb(verb: str, conjugation: str) -> str:
    """Return a verb of several kanji as the noun that is made of it (支払う: 支払い): people ask in verbs, forms name in nouns."""
    if len(_KANJI.findall(verb)) < 2:
        return verb
    if conjugation.startswith("五段"):
        return verb[:-1] + verb[-1].translate(_TO_I)
    return verb.removesuffix("る") if "一段" in conjugation else verb


@functools.lru_cache(_CACHED_WORDS)
def _find_compound(verb: str) -> str | None:
    """Return the noun of a verb that is one word in the dictionary; None if it is not."""
    found = list(_tokenizer().tokenize(verb, _modes().C))
    if len(found) != 1 or found[0].is_oov() or found[0].part_of_speech()[0] != _VERB:
        return None
    return _name_verb(found[0].normalized_form(), found[0].part_of_speech()[4])


@functools.lru_cache(_CACHED_WORDS)
def _join_dotted(words: str) -> str:
    """Return マイ・ナンバー without its points if the dictionary knows it as one word, else as it is."""
    joined = words.replace("・", "")
    found = list(_tokenizer().tokenize(joined))
    return joined if len(found) == 1 and not found[0].is_oov() else words


def _tokenizer() -> Tokenizer:
    """Return this thread's Sudachi tokenizer (the object must not be shared: "Already borrowed")."""
    if not hasattr(_local, "tokenizer"):
        _local.tokenizer = _dictionary().create(mode=_modes().A)
    tokenizer: Tokenizer = _local.tokenizer
    return tokenizer


@functools.cache
def _dictionary() -> Any:
    from sudachipy import Dictionary

    return Dictionary(dict="core")


@functools.cache
def _modes() -> Any:
    from sudachipy import SplitMode

    return SplitMode
