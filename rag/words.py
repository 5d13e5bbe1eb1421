"""The words of a text by Sudachi (mode A), in one form each: numbers in digits, years as 2024年, 申し込む as 申し込み."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.numerals import read_numeral, split_counted
from rag.variants import fold_kana, write_in_katakana

if TYPE_CHECKING:
    from sudachipy import Morpheme, Tokenizer

_MAX_CHARS = 10_000  # Sudachi takes no more at once than some 49,000 bytes
_CACHED_WORDS = 1 << 16
_SHORT = 2  # こと, ため, ところ say nothing in kanji either
_NOUN, _VERB, _NUMBER = "名詞", "動詞", "数詞"
_EMPTY = frozenset({"助詞", "助動詞", "補助記号", "空白"})  # parts of speech without content
_NOMINAL = frozenset({"名詞", "接頭辞", "接尾辞"})
_YEARS = range(1868, 2200)
_PERSONS = frozenset(("1人", "2人"))  # ひとり and ふたり are words: ひとり親 must not become any 1 and any 人
_DOTTED = re.compile(r"[ァ-ヺー]+(?:・[ァ-ヺー]+)+")
_KANJI = re.compile(r"[一-鿿々]")
_OF_A_VERB = re.compile(r"[一-鿿々][ぁ-ん]*[いきぎしちにびみり]")
_TO_I = str.maketrans("うくぐすつぬぶむる", "いきぎしちにびみり")

_local = threading.local()


class Word(NamedTuple):
    """A word in its form, with its part of speech: 名詞, 動詞, …"""

    form: str
    kind: str


class Piece(NamedTuple):
    """A stretch of a text that is one morpheme: as it stands and as it is usually written, where it begins, and what it is.

    kinds: its parts of speech from the widest to the narrowest. is_known: whether the dictionary has it.
    """

    text: str
    usual: str
    start: int
    kinds: tuple[str, ...]
    is_known: bool

    @property
    def end(self) -> int:
        """The place behind its last character."""
        return self.start + len(self.text)

    @property
    def kind(self) -> str:
        """The part of speech: 名詞, 助詞, …"""
        return self.kinds[0]

    @property
    def subkind(self) -> str:
        """What kind of it: 固有名詞, 普通名詞, …"""
        return self.kinds[1]

    @property
    def is_noun(self) -> bool:
        """Tell whether it names something, by itself or in front of or behind a noun."""
        return self.kinds[0] in (_NOUN, "接尾辞", "接頭辞") and self.kinds[1] != _NUMBER

    @property
    def is_nominal(self) -> bool:
        """Tell whether it is a part of a name or compound: a noun, a number, or what stands in front of or behind one."""
        return self.kind in _NOMINAL

    @property
    def person(self) -> str:
        """姓, 名 or 一般 for the name of a person, else ""."""
        return self.kinds[3] if self.kinds[2] == "人名" else ""


def cut_words(text: str) -> list[Piece]:
    """Return every morpheme of a text as it stands, particles and marks included; text is in NFKC.

    >>> [(piece.text, piece.start, piece.subkind) for piece in cut_words("東京都の窓口")]
    [('東京', 0, '固有名詞'), ('都', 2, '普通名詞'), ('の', 3, '格助詞'), ('窓口', 4, '普通名詞')]
    >>> [piece.person for piece in cut_words("山田花子さん")]
    ['姓', '名', '']
    """
    return [
        Piece(m.surface(), m.normalized_form(), start + m.begin(), tuple(m.part_of_speech()[:4]), not m.is_oov())
        for start in range(0, len(text), _MAX_CHARS)
        for m in _tokenizer().tokenize(text[start : start + _MAX_CHARS])
    ]


def pair_nouns(pieces: Sequence[Piece]) -> list[tuple[Piece, Piece]]:
    """Return the pairs of nouns, numbers and their affixes among pieces that stand side by side."""
    return [(a, b) for a, b in pairwise(pieces) if a.is_nominal and b.is_nominal]


@functools.lru_cache(_CACHED_WORDS)
def is_common_word(text: str) -> bool:
    """Tell whether a text is one noun of the dictionary that names no person, place or organisation.

    >>> is_common_word("公民館"), is_common_word("町民課"), is_common_word("東京")
    (True, False, False)
    """
    found = list(_tokenizer().tokenize(text, _modes().C))
    return len(found) == 1 and not found[0].is_oov() and found[0].part_of_speech()[1] != "固有名詞"


@functools.lru_cache(_CACHED_WORDS)
def find_proper_kinds(word: str) -> frozenset[str]:
    """Return which names the dictionary knows a word as: 姓, 名 (of a person), 地名, 一般 (others); nothing for other words.

    >>> sorted(find_proper_kinds("林")), sorted(find_proper_kinds("松本")), sorted(find_proper_kinds("住所"))
    (['名', '姓'], ['一般', '地名', '姓'], [])
    """
    kinds = (found.part_of_speech() for found in _dictionary().lookup(word))
    return frozenset(kind[3] if kind[2] == "人名" else kind[2] for kind in kinds if kind[1] == "固有名詞")


def split_words(text: str) -> list[Word]:
    """Return the words of a text, without particles, auxiliaries and marks; text is normalised, with western years.

    >>> [word.form for word in split_words("2024年度に一人で申込む、申し込み、五千円、ごみ、フイルム")]
    ['2024年', '年度', '1人', '申し込み', '申し込み', '5000', '円', 'ゴミ', 'フイルム']
    """
    text = join_dotted(text)
    collector = _Collector()
    for start in range(0, len(text), _MAX_CHARS):
        collector.add(_tokenizer().tokenize(text[start : start + _MAX_CHARS]))
    return collector.words


def find_other_writings(text: str) -> list[tuple[str, str]]:
    """Return the names and terms of a text that the dictionary usually writes otherwise: as they stand, and as it writes them.

    >>> find_other_writings("野良ねこの相談とディジタル推進課のこと")
    [('野良ねこ', '野良猫'), ('ディジタル推進課', 'デジタル推進課')]
    """
    runs: list[tuple[str, str]] = [("", "")]
    for morpheme in _tokenizer().tokenize(text[:_MAX_CHARS]):
        kind, subkind = morpheme.part_of_speech()[:2]
        is_name = (kind == _NOUN and subkind != "数詞") or kind == "接尾辞"
        surface, usual = morpheme.surface(), morpheme.normalized_form()
        runs[-1:] = [(runs[-1][0] + surface, runs[-1][1] + usual)] if is_name else [runs[-1], ("", "")]
    return [(written, usual) for written, usual in runs if written != usual and len(written) > _SHORT]


def find_proper_names(text: str, kind: str) -> list[tuple[int, int]]:
    """Return where the dictionary's proper names of a kind (人名, 地名) stand in a text, neighbours joined.

    >>> [text[start:end] for text in ["町長は山田太郎です"] for start, end in find_proper_names(text, "人名")]
    ['山田太郎']
    """
    found: list[tuple[int, int]] = []
    for morpheme in _tokenizer().tokenize(text[:_MAX_CHARS]):
        if morpheme.part_of_speech()[2] != kind:
            continue
        start = found.pop()[0] if found and found[-1][1] == morpheme.begin() else morpheme.begin()
        found.append((start, morpheme.end()))
    return found


def is_nominal(text: str) -> bool:
    """Tell whether a text is made of nouns, with の between them, and nothing else.

    >>> is_nominal("図書館の休館日"), is_nominal("座席数の最も多い案"), is_nominal("ごみの出し方")
    (True, False, True)
    """
    parts = [(morpheme.part_of_speech()[0], morpheme.surface()) for morpheme in _tokenizer().tokenize(text)]
    ways = {place - 1 for place, (_, word) in enumerate(parts) if word == "方"}  # 出し方
    return bool(parts) and all(k in _NOMINAL or word == "の" or place in ways for place, (k, word) in enumerate(parts))


def find_words(text: str, forms: frozenset[str]) -> list[tuple[int, int]]:
    """Return where words stand in a text as it is written, neighbours joined. forms: the forms that `split_words` gives.

    >>> [text[start:end] for text in ["転入届は、住民課へ届け出る"] for start, end in find_words(text, frozenset(("転入", "届け", "住民")))]
    ['転入届', '住民']
    """
    found: list[tuple[int, int]] = []
    for morpheme in _tokenizer().tokenize(text[:_MAX_CHARS]):
        written = (morpheme.normalized_form(), fold_kana(morpheme.normalized_form()))
        if not forms.intersection(written):
            continue
        start = found.pop()[0] if found and found[-1][1] == morpheme.begin() else morpheme.begin()
        found.append((start, morpheme.end()))
    return found


class _Collector:
    """Puts words together: two verbs that make one, a number and 年. Half of all words are particles and marks: these are skipped early."""

    def __init__(self) -> None:
        self.words: list[Word] = []

    def add(self, morphemes: Iterable[Morpheme]) -> None:
        """Add the words of one stretch of text."""
        verb: Morpheme | None = None
        number = ""
        words, kinds = self.words, _kinds()
        for morpheme in morphemes:
            id_ = morpheme.part_of_speech_id()
            kind = kinds[id_]
            if verb is not None:
                compound = _find_compound(verb.surface() + morpheme.dictionary_form()) if kind == _VERB else None
                words.append(Word(compound, _VERB) if compound else _form_verb(verb))
                verb = None
                if compound:
                    continue
            if number:
                is_joined = self._add_number(number, morpheme.normalized_form())
                number = ""
                if is_joined:
                    continue
            if kind == _VERB:
                verb = morpheme
            elif kind == _NUMBER:
                number = _read_number(morpheme.normalized_form())
            elif kind is not None:
                words.extend(_form(morpheme.normalized_form(), id_))
        if verb is not None:
            words.append(_form_verb(verb))
        if number:
            words.append(Word(number, _NOUN))

    def _add_number(self, number: str, following: str) -> bool:
        """Add a number; tell whether the word behind it is in it."""
        is_year = following in ("年", "年度") and number.isdigit() and int(number) in _YEARS
        is_joined = (is_year and following == "年") or number + following in _PERSONS
        self.words.append(Word(number + following if is_joined else f"{number}年" if is_year else number, _NOUN))
        return is_joined


def _form_verb(morpheme: Morpheme) -> Word:
    return _name_known_verb(morpheme.normalized_form(), morpheme.part_of_speech_id())


@functools.lru_cache(_CACHED_WORDS)
def _name_known_verb(verb: str, part_of_speech: int) -> Word:
    return Word(_name_verb(verb, _dictionary().pos_of(part_of_speech)[4]), _VERB)


@functools.lru_cache(_CACHED_WORDS)
def _read_number(word: str) -> str:
    return word if word.isascii() else read_numeral(word) or word


@functools.lru_cache(_CACHED_WORDS)
def _form(word: str, part_of_speech: int) -> tuple[Word, ...]:
    """Return the words that a word of the dictionary stands for: mostly one, two where it counts, none for a blank."""
    kind, subkind = _dictionary().pos_of(part_of_speech)[:2]
    if word.isspace():
        return ()
    word = word.replace(" ", "_").lower()
    if kind != _NOUN:
        return (Word(fold_kana(word), kind),)
    if subkind != "固有名詞" and (counted := split_counted(word)):
        joined = "".join(counted)
        return (Word(joined, _NOUN),) if joined in _PERSONS else (Word(counted[0], _NOUN), Word(counted[1], "接尾辞"))
    if _OF_A_VERB.fullmatch(word) and (verb := _look_up(word, _VERB)):
        return (Word(verb.normalized_form(), kind),)  # 預り is a noun to Sudachi, 預かり a verb
    return (Word(fold_kana(write_in_katakana(word)), kind),)


def _name_verb(verb: str, conjugation: str) -> str:
    """Return a verb of several kanji as the noun that is made of it (支払う: 支払い): people ask in verbs, forms name in nouns."""
    if len(_KANJI.findall(verb)) < 2:
        return verb
    is_one_step = "一段" in conjugation and verb.endswith("る")
    noun = verb[:-1] if is_one_step else verb[:-1] + verb[-1].translate(_TO_I)
    found = _look_up(noun, _NOUN)
    return found.normalized_form() if found else noun


def _look_up(word: str, kind: str) -> Morpheme | None:
    """Return what the dictionary knows under a whole word if it is of this part of speech."""
    found = list(_tokenizer().tokenize(word, _modes().C))
    is_known = len(found) == 1 and not found[0].is_oov() and found[0].part_of_speech()[0] == kind
    return found[0] if is_known else None


@functools.lru_cache(_CACHED_WORDS)
def _find_compound(verb: str) -> str | None:
    """Return the noun of a verb that is one word in the dictionary; None if it is not."""
    found = _look_up(verb, _VERB)
    return _name_verb(found.normalized_form(), found.part_of_speech()[4]) if found else None


@functools.lru_cache(_CACHED_WORDS)
def join_dotted(text: str) -> str:
    """Return a text without the points in imported words that the dictionary knows as one.

    >>> join_dotted("ホーム・ページとごみ・し尿、マイ・タウン")
    'ホームページとごみ・し尿、マイ・タウン'
    """
    return _DOTTED.sub(lambda match: _join_dotted(match[0]), text) if "・" in text else text


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
def _kinds() -> dict[int, str | None]:
    """Return number of a part of speech -> its name, that of numbers for numbers, None for what has no content."""
    return _Kinds()


class _Kinds(dict[int, str | None]):
    def __missing__(self, id_: int) -> str | None:
        part = _dictionary().pos_of(id_)
        self[id_] = None if part[0] in _EMPTY else _NUMBER if part[1] == _NUMBER else part[0]
        return self[id_]


@functools.cache
def _modes() -> Any:
    from sudachipy import SplitMode

    return SplitMode
