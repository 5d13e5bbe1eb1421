"""Pure functions over Japanese text: normal forms, sentences, morphemes and character bigrams."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator

from rag.codes import find_codes
from rag.eras import write_western
from rag.numerals import write_digits
from rag.variants import fold_kana, mend_characters
from rag.words import Word, cut_words, join_dotted, pair_nouns, split_words

# CJK Radicals Supplement characters that stand for whole characters in broken PDF text layers; NFKC leaves them alone.
_TYPED_RADICALS = {
    "⻑": "長",
    "⻄": "西",
    "⻘": "青",
    "⻝": "食",
    "⻭": "歯",
    "⻯": "竜",
    "⻲": "亀",
    "⺟": "母",
    "⺠": "民",
    "⻆": "角",
    "⻩": "黄",
    "⻨": "麦",
    "⻤": "鬼",
    "⻁": "虎",
    "⻣": "骨",
    "⻫": "斉",
}
_RADICAL = re.compile("[\u2e80-\u2fdf]")
_SENTENCE_END = re.compile(r"(?<=[。！？!?])(?![」』）)】\]。！？!?])|\n+")
_SPACE_BETWEEN_JAPANESE = re.compile(r"(?<=[^\x00-\x7f])[ \t\u3000]+(?=[^\x00-\x7f])")
# What only asks or is polite.
_EMPTY_WORDS = frozenset(
    "為る 有る 居る 成る 事 物 者 其の 此の 何の 下さる 下さい 御 教える 知る 言う どう いつ どこ 何 誰 何れ 幾つ 幾ら どの 何故 よう 様 ます です 良い 良い".split()
)

_ASKING_NOUNS = frozenset(
    "方法 理由 場合 種類 名称 名前 意味 違い 目的 内容 手順 時 所 場所 必要 仕方 遣り方 為 際 人 方 今 予定 どれくらい 位 程度 全部 一番 他".split()
)


def fix_radicals(text: str) -> str:
    """Replace radical code points of broken text layers by the characters that people type.

    >>> fix_radicals("⻑野県の⽇程と⻄⼝")
    '長野県の日程と西口'
    """
    if not _RADICAL.search(text):
        return text
    return "".join(
        unicodedata.normalize("NFKC", c) if "\u2f00" <= c <= "\u2fdf" else _TYPED_RADICALS.get(c, c) for c in text
    )


def normalize(text: str) -> str:
    """Return the form in which text is compared: radicals mended, NFKC, lower case, one blank for white space.

    >>> normalize("Ａ４　用紙　３枚")
    'a4 用紙 3枚'
    """
    return " ".join(unicodedata.normalize("NFKC", fix_radicals(text)).lower().split())


def squeeze(text: str) -> str:
    """Return the normal form without any white space, for equality of printed text.

    >>> squeeze("第 ３ 条\\n 目的")
    '第3条目的'
    """
    return normalize(text).replace(" ", "")


def split_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence: up to 。！？ outside of closing brackets, or a line break; no outer white space.

    >>> [t[a:b] for t in ["届出が必要です。14日以内（休日は除く。）に行う。\\n手数料"] for a, b in split_sentences(t)]
    ['届出が必要です。', '14日以内（休日は除く。）に行う。', '手数料']
    """
    start = 0
    for end in [*(m.end() for m in _SENTENCE_END.finditer(text)), len(text)]:
        piece = text[start:end]
        left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
        if left < right:
            yield start + left, start + right
        start = end


def morphemes(text: str) -> list[str]:
    """Return the content words of a text: Sudachi mode A, normalised forms, without particles, politeness and question words.

    >>> morphemes("転出届はいつまでに出せばよいですか")
    ['転出', '届け', '出す']
    """
    return [word.form for word in _analyze(text)]


def nouns(text: str) -> list[str]:
    """Return the content words that name things or numbers, without those that only ask for something (方法, 理由, …).

    >>> nouns("令和13年度のプールの利用料金を払う方法は何ですか")
    ['2031年', '年度', 'プール', '利用', '料金']
    """
    return [word.form for word in _analyze(text) if word.kind == "名詞" and word.form not in _ASKING_NOUNS]


def compounds(text: str) -> list[tuple[str, str]]:
    """Return the pairs of content words that stand side by side within a compound, each once; what has a number is left out.

    >>> compounds("児童手当の額と、3枚の粗大ごみ処理券")
    [('児童', '手当'), ('粗大', 'ゴミ'), ('ゴミ', '処理'), ('処理', '券')]
    """
    pairs = pair_nouns(cut_words(fold(text)))
    forms = ((morphemes(a.usual), morphemes(b.usual)) for a, b in pairs)
    words = ((a[0], b[0]) for a, b in forms if len(a) == len(b) == 1)
    return list(dict.fromkeys(pair for pair in words if not any(map(is_number, pair))))


def is_number(word: str) -> bool:
    """Tell whether a content word is a number or a year.

    >>> is_number("13"), is_number("2024年"), is_number("年度"), is_number("万一")
    (True, True, False, False)
    """
    return word.removesuffix("年").isdigit()  # 万一 is "numeric"


def _analyze(text: str) -> list[Word]:
    """Return the content words in their forms, and last the codes that stand in the text, each as one word."""
    clean, with_digits = _write_forms(text)
    words = [word for word in split_words(clean) if word.form not in _EMPTY_WORDS]
    words.extend(Word(code, "名詞") for code in find_codes(with_digits))
    return words


@functools.lru_cache(16)
def _write_forms(text: str) -> tuple[str, str]:
    """Return a text for Sudachi, which reads kanji numbers itself and better, and for characters. One text is split twice."""
    clean = write_western(mend_characters(normalize(text)))
    return clean, write_digits(clean)


def fold(text: str) -> str:
    """Return the form in which characters are compared: one notation for days, numbers, kanji and imported words.

    >>> fold("令和６年四月一日、髙橋ヴィオラ教室、参加費五千円（3ヶ月）")
    '2024年4月1日、高橋ビオラ教室、参加費5000円(3箇月)'
    """
    return fold_kana(join_dotted(_write_forms(text)[1]))


def bigrams(text: str) -> list[str]:
    """Return the character bigrams of the words of a text, for names and codes that no dictionary knows.

    >>> bigrams("様式第3号, ABC")
    ['様式', '式第', '第3', '3号', 'ab', 'bc']
    """
    runs = re.findall(r"[^\W_]+", fold(text))
    return [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
