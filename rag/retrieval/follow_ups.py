"""Follow-up questions: 「では費用は？」 names no topic of its own and is understood with the last full question.

A question follows up when it points back (その、それ), or is short and names nothing but an aspect that any topic has (費用, 期限),
or only exchanges a part of the last question (「じゃあ土日は？」). A short question that names something else follows up where no
document is about that, but the documents say it of the topic (「領収書は要りますか」). A question with a topic of its own is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from rag.asking import strip_thanks
from rag.retrieval.aspects import aspects, own_words
from rag.retrieval.topics import exchange_part
from rag.text import morphemes, normalize, nouns

CARRIED_WEIGHT = 0.6
"""What a word of the earlier question counts beside one of the follow-up, and its vector beside that of the follow-up."""
MAX_CHARS = 40
_MAX_EXCHANGE_CHARS = 16
_MAX_UNSURE_CHARS, _MAX_UNSURE_WORDS = 25, 3
_POINTS_BACK = re.compile(
    r"(?:それ(?!ぞれ|なら|では|と|で[、,\s])|そ(?:の(?!他|ほか|まま)|こ|ちら|れら)|これ(?!から|まで)|この(?!町|市|村|たび|度)|こちら)"
)
_RECALLS = re.compile(r"(?:上記|先ほど|さっき|同じ)")
_GOES_ON = re.compile(
    r"(?:それでは|それなら|それと|では|でしたら|じゃあ?|なら|あと|また|ちなみに|ほかに|他に|さらに|逆に)[、,\s]*"
)
_TURNS_AWAY = re.compile(
    r"(?:ところで|話(?:は|が)変わ(?:り|る)[^、,]*|(?:別|ほか|他)の(?:質問|話|件)(?:です|になり)?[^、,]*|次(?:に|は)|それから)[、,\s]*"
)
_EARLIER = re.compile(r"(?:(?:さっき|先ほど)の)")
_FIRST = re.compile(r"(?:最初|はじめ|初め)の(?:質問|話|件)[^、,]*[、,\s]*")
_CASE = re.compile(r"の(?:場合|とき|時|方|人)は")
_EXCHANGE = re.compile(r"(?:は|なら|だと|だったら|では)$")
_PLAIN_EXCHANGE = re.compile(r"は$")
_DEFINITION = re.compile(r"と(?:は|いうのは)(?:何)?")


class Corpus(Protocol):
    """What the documents say of words; see `is_follow_up`."""

    def is_about(self, words: Sequence[str]) -> bool:
        """Tell whether a place has all of the words in its title, its headings or its official question."""

    def says_of(self, words: Sequence[str], topic: Sequence[str]) -> bool:
        """Tell whether a place has all of the words, and most of those of a topic."""


def find_topic(question: str, history: Sequence[tuple[str, str]], corpus: Corpus | None = None) -> str | None:
    """Return the last full question, when the question follows it up. history: earlier (question, answer) pairs, oldest first.

    Where a part of it was exchanged since, that stands in it.

    >>> history = [("転出届はいつまでに出しますか", "…"), ("代理人でもできますか", "…")]
    >>> find_topic("では費用は？", history), find_topic("粗大ごみの出し方を教えてください", history)
    ('転出届はいつまでに出しますか', None)
    >>> find_topic("代理人でもできますか", [("出生届はいつまでに出しますか", "…"), ("死亡届は？", "…")])
    '死亡届はいつまでに出しますか'
    """
    topics: list[str] = []
    for earlier, _ in history:
        if not strip_thanks(normalize(earlier)):
            continue
        if topics and is_follow_up(earlier, topics[-1], corpus):
            topics[-1] = exchange_part(earlier, topics[-1]) or topics[-1]
        else:
            topics.append(earlier)
    if not topics or not is_follow_up(question, topics[-1], corpus):
        return None
    return topics[0] if _FIRST.match(strip_thanks(normalize(question))) else topics[-1]


def strip_openings(question: str) -> str:
    """Return a question without thanks and the words that only join it to what was said before; unchanged if nothing is left.

    >>> strip_openings("ありがとうございます。では費用は？"), strip_openings("あと、犬の登録は"), strip_openings("では")
    ('費用は？', '犬の登録は', 'では')
    """
    text = strip_thanks(question.strip())
    for opening in (_TURNS_AWAY, _FIRST, _GOES_ON, _EARLIER):
        if (found := opening.match(text)) and found.end() < len(text):
            text = text[found.end() :]
    return text or question


def is_follow_up(question: str, topic: str = "", corpus: Corpus | None = None) -> bool:
    """Tell whether a question cannot be understood without an earlier one. topic: that one; corpus: asked where words do not tell.

    >>> [is_follow_up(q) for q in ("その期限は？", "電話でもできますか", "じゃあ外国人の場合は？", "それでは住民票の手数料はいくらですか")]
    [True, True, True, False]
    """
    text = strip_thanks(normalize(question))
    rest = normalize(strip_openings(question))
    if not text or len(rest) > MAX_CHARS:
        return False
    own = own_words(rest)
    if not own or _POINTS_BACK.match(rest):
        return True
    if _TURNS_AWAY.match(text):
        return False
    if _RECALLS.match(rest):
        return len(own) <= 1
    if _is_exchange(rest) and (_GOES_ON.match(text) or _names_only_a_part(rest)):
        return True
    return corpus is not None and _is_said_of(rest, own, topic, corpus)


def _is_exchange(text: str) -> bool:
    """Tell whether a text is a mere part of a question, with nothing said of it: 「土日は？」「大人の場合は」."""
    bare = text.rstrip("?？。 ")
    return len(text) <= _MAX_EXCHANGE_CHARS and bool(_EXCHANGE.search(bare)) and not _DEFINITION.search(bare)


def _names_only_a_part(text: str) -> bool:
    """Tell whether a text does not ask for an aspect of what it names, as 「保育所の申込みの期限は？」 does."""
    if _CASE.search(text) or not _PLAIN_EXCHANGE.search(text.rstrip("?？。 ")):
        return True
    named = set(nouns(text))
    return "の" not in text and not any(term in aspects() and term in named for term in morphemes(text))


def _is_said_of(text: str, own: Sequence[str], topic: str, corpus: Corpus) -> bool:
    if len(text) > _MAX_UNSURE_CHARS or len(own) > _MAX_UNSURE_WORDS or corpus.is_about(own):
        return False
    return corpus.says_of(own, own_words(topic))
