"""Whether a passage is named after the opposite of what was asked: 燃えないごみ is not 燃えるごみ, though both have the same words."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from rag.text import fold
from rag.variants import write_in_katakana
from rag.words import Piece, cut_words

_CACHED = 1 << 10  # titles and headings are those of many passages
_NOT = frozenset(("ない", "ず", "無い"))
_LIGHT = frozenset(("成る", "有る", "為る", "居る", "出来る", "言う", "因る"))  # 申請できる日 says what it is by 申請


class Quality(NamedTuple):
    """A verb that stands right before a noun and says which one is meant, and whether it denies."""

    verb: str
    noun: str
    is_denied: bool


@functools.lru_cache(_CACHED)
def find_qualities(text: str) -> frozenset[Quality]:
    """Return what verbs say of the nouns right behind them.

    >>> sorted(find_qualities("燃えないごみと、使えるもの"))
    [Quality(verb='使う', noun='物', is_denied=False), Quality(verb='燃える', noun='ゴミ', is_denied=True)]
    """
    return frozenset(_find(cut_words(fold(text))))


def _find(pieces: Sequence[Piece]) -> Iterator[Quality]:
    for place, piece in enumerate(pieces):
        if piece.kind != "動詞" or piece.usual in _LIGHT:
            continue
        behind = pieces[place + 1 : place + 3]
        is_denied = len(behind) > 1 and behind[0].usual in _NOT
        for noun in behind[is_denied : is_denied + 1]:
            if noun.is_noun:
                yield Quality(piece.usual, write_in_katakana(noun.usual), is_denied)


def is_opposite(asked: Collection[Quality], named: Collection[Quality]) -> bool:
    """Tell whether a name denies what was asked for, or the other way round, and does not name that too.

    >>> asked, other = find_qualities("燃えるごみの日"), find_qualities("燃えないごみの収集日")
    >>> is_opposite(asked, other), is_opposite(other, asked), is_opposite(asked, asked | other)
    (True, True, False)
    """
    opposites = {quality._replace(is_denied=not quality.is_denied) for quality in asked}
    return bool(opposites.intersection(named)) and not set(asked).intersection(named)
