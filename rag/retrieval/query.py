"""What a question asks for: content words, other wordings of them, bigrams, and the kind of thing that would answer it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rag.asking import strip_politeness
from rag.text import bigrams, morphemes, normalize, nouns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMERALS = r"[0-9〇一二三四五六七八九十百千万億]"
_ASKING = re.compile(r"何(?!気)[^\W\d_ぁ-ん]{1,3}|どれ|どちら|如何(?:に|なる)?")
"""Words of a question that stand for its answer: 何県, 何曜日."""
_WANTED = (
    (re.compile(r"いくら|幾ら|何円|料金|手数料|費用|金額|予算|報酬|額は"), re.compile(rf"{_NUMERALS}[\d,.千万億]*\s*円|無料|%|％")),
    (re.compile(r"いつ|何時|何年|何月|何日|期限|期間|期日|時間"), re.compile(rf"{_NUMERALS}+\s*(?:年|月|日|時|分|週|か月|ヶ月)|毎[年月週日]|世紀")),
    (re.compile(r"何(?:人|名|件|%|％|パーセント|個|回|枚|メートル|キロ|歳|世帯|箇所|か所|ヶ所|番|割|倍|点|位|条)"), re.compile(_NUMERALS)),
    (re.compile(r"電話|内線|番号"), re.compile(r"\d{2,}")),
    (re.compile(r"どこ|何処|どの(?:課|窓口|場所|国|県|都市|町)|場所"), re.compile(r"[課局室館所場県市町村区国州]|窓口|センター")),
    (re.compile(r"誰|だれ|何者|どなた"), re.compile(r"[長者員氏]|さん|課")),
)  # fmt: skip


class Reason(StrEnum):
    """Why another wording is looked for: the town's synonyms say so, it seems to be misspelt, it is usually written otherwise,

    or it is how people say at home what documents call by an official word.
    """

    SYNONYM = "synonym"
    SPELLING = "spelling"
    WRITING = "writing"
    EVERYDAY = "everyday"

    @property
    def label(self) -> str:
        """The Japanese word for it."""
        return {"synonym": "同義語", "spelling": "綴り", "writing": "表記", "everyday": "くらしの言葉"}[self]


@dataclass(frozen=True, slots=True)
class Expansion:
    """Another wording of a part of a question. of: the terms of that part; words: the terms of the other wording.

    asked, meant: both as people write them; weight: how much the other wording counts beside the one that was asked.
    """

    of: tuple[str, ...]
    words: tuple[str, ...]
    weight: float
    reason: Reason
    asked: str
    meant: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the legs see it. terms: content words in order, each once; wanted: pattern of the answer, if known.

    nouns: the terms that name what is asked about; an answer that lacks one is probably about something else.
    names: the words of the user dictionary's names in it. expansions: other wordings of parts of it.
    carried: term -> weight of the terms that come from an earlier question, less than 1.
    """

    text: str
    terms: tuple[str, ...]
    nouns: tuple[str, ...]
    bigrams: tuple[str, ...]
    wanted: re.Pattern[str] | None
    names: tuple[str, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    carried: Mapping[str, float] = field(default_factory=dict)

    def held_in(self, words: Collection[str]) -> frozenset[str]:
        """Return the terms that words hold, as they were asked or in another wording.

        >>> from dataclasses import replace
        >>> asked = replace(parse_query("国保の加入"), expansions=(Expansion(("国保",), ("健康", "保険"), 0.8, Reason.SYNONYM, "", ""),))
        >>> sorted(asked.held_in({"健康", "保険", "料"})), sorted(asked.held_in({"健康"}))
        (['国保'], [])
        """
        terms = frozenset(self.terms)
        others = (e.of for e in self.expansions if all(word in words for word in e.words))
        return terms.intersection(words).union(*others) & terms

    @property
    def wordings(self) -> dict[str, float]:
        """The text of the question, and the text in each other wording, with what each counts.

        >>> from dataclasses import replace
        >>> wording = Expansion(("国保",), ("健康", "保険"), 0.8, Reason.SYNONYM, "国保", "国民健康保険")
        >>> replace(parse_query("国保の加入"), expansions=(wording,)).wordings
        {'国保の加入': 1.0, '国民健康保険の加入': 0.8}
        """
        found = {self.text: 1.0}
        hints = [e for e in self.expansions if e.reason is Reason.EVERYDAY]
        if hints:  # the sayings need not stand in one piece: what they hint at is put beside them
            found[" ".join(dict.fromkeys((self.text, *(e.meant for e in hints))))] = max(e.weight for e in hints)
        for e in self.expansions:
            if e.asked and e.reason is not Reason.EVERYDAY:
                found.setdefault(self.text.replace(normalize(e.asked), normalize(e.meant)), e.weight)
        return found

    @property
    def corrections(self) -> tuple[tuple[str, str], ...]:
        """What was asked and what seems to be meant, for each word that seems to be misspelt."""
        found = ((e.asked, e.meant) for e in self.expansions if e.reason is Reason.SPELLING)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood once, for finding and for answering: its text, its words, and its vector (d,).

    topic: the earlier question that it follows up, None where it stands alone. whole: that question with the part exchanged that
    this one names, None where it names none.
    """

    text: str
    query: Query
    vector: NDArray[np.float32]
    topic: str | None = None
    whole: str | None = None

    @property
    def understood(self) -> str:
        """The text as it was understood: with the topic of the earlier question in front, and with what seems to be meant.

        >>> Question("では費用は？", parse_query("費用は？"), None, topic="転出届はいつまでに出しますか").understood
        '「転出届」について、費用は？'
        """
        from rag.retrieval.follow_ups import strip_openings
        from rag.retrieval.topics import name_topic

        text = self.whole or (strip_openings(self.text) if self.topic else self.text)
        for asked, meant in self.query.corrections:
            text = normalize(text).replace(asked, meant)
        return f"「{name_topic(self.topic)}」について、{text}" if self.topic and not self.whole else text


def parse_query(question: str) -> Query:
    """Return what a question asks for.

    >>> query = parse_query("住民票の写しの手数料はいくらですか？")
    >>> query.terms, bool(query.wanted.search("町長"))
    (('住民', '票', '写し', '手数', '料'), False)
    >>> bool(query.wanted.search("1通300円"))
    True
    >>> parse_query("不燃ごみは何曜日ですか").terms
    ('不燃', 'ゴミ')
    """
    text = normalize(question)
    wanted = next((answer for asked, answer in _WANTED if asked.search(text)), None)
    asked_for = strip_politeness(text).replace("何曜日", "何曜")
    terms, named = (
        tuple(dict.fromkeys(word for word in words if not _ASKING.fullmatch(word)))
        for words in (morphemes(asked_for), nouns(asked_for))
    )
    return Query(text, terms, named, tuple(dict.fromkeys(bigrams(asked_for))), wanted)
