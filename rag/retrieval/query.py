"""What a question asks for: content words, bigrams, and the kind of thing that would answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.asking import strip_politeness
from rag.text import bigrams, morphemes, normalize, nouns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMERALS = r"[0-9〇一二三四五六七八九十百千万億]"
_WANTED = (
    (re.compile(r"いくら|幾ら|何円|料金|手数料|費用|金額|予算|報酬|額は"), re.compile(rf"{_NUMERALS}[\d,.千万億]*\s*円|無料|%|％")),
    (re.compile(r"いつ|何時|何年|何月|何日|期限|期間|期日|時間"), re.compile(rf"{_NUMERALS}+\s*(?:年|月|日|時|分|週|か月|ヶ月)|毎[年月週日]|世紀")),
    (re.compile(r"何(?:人|名|件|%|％|パーセント|個|回|枚|メートル|キロ|歳|世帯|箇所|か所|ヶ所|番|割|倍|点|位|条)"), re.compile(_NUMERALS)),
    (re.compile(r"電話|内線|番号"), re.compile(r"\d{2,}")),
    (re.compile(r"どこ|何処|どの(?:課|窓口|場所|国|県|都市|町)|場所"), re.compile(r"[課局室館所場県市町村区国州]|窓口|センター")),
    (re.compile(r"誰|だれ|何者|どなた"), re.compile(r"[長者員氏]|さん|課")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the legs see it. terms: content words in order, each once; wanted: pattern of the answer, if known.

    nouns: the terms that name what is asked about; an answer that lacks one is probably about something else.
    """

    text: str
    terms: tuple[str, ...]
    nouns: tuple[str, ...]
    bigrams: tuple[str, ...]
    wanted: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood once, for finding and for answering: its text, its words, and its vector (d,)."""

    text: str
    query: Query
    vector: NDArray[np.float32]


def parse_query(question: str) -> Query:
    """Return what a question asks for.

    >>> query = parse_query("住民票の写しの手数料はいくらですか？")
    >>> query.terms, bool(query.wanted.search("町長"))
    (('住民', '票', '写し', '手数', '料'), False)
    >>> bool(query.wanted.search("1通300円"))
    True
    """
    text = normalize(question)
    wanted = next((answer for asked, answer in _WANTED if asked.search(text)), None)
    asked_for = strip_politeness(text)
    terms = tuple(dict.fromkeys(morphemes(asked_for)))
    return Query(text, terms, tuple(dict.fromkeys(nouns(asked_for))), tuple(dict.fromkeys(bigrams(asked_for))), wanted)
