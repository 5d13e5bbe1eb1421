"""Questions that ask for two things: each is looked for by itself, because no passage need hold both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.asking import strip_politeness
from rag.documents import Passage
from rag.retrieval.follow_ups import is_follow_up
from rag.text import normalize, nouns
from rag.words import is_nominal

MAX_PARTS = 3
_QUESTION = re.compile(
    r"(?:か|かな|かしら|でしょう|は|を?教えて(?:ください|下さい|欲しい|ほしい)?|知りたい(?:です)?|の)[。.?？]*$|[?？]$"
)
_ENDS = re.compile(r"(?<=[。？！?!])\s*")
_GOES_ON = re.compile(r"^(?:また|それと|それから|あと|ついでに|併せて|あわせて)[、,]?\s*")
_AND = re.compile(r"と、|と(?=[^、。?？]*の)|及び、?|および、?|並びに、?|ならびに、?")
_TAIL = re.compile(
    r"(?:を|について|に関して|は|が)?(?:、)?(?:それぞれ)?(?:教えて.*|知りたい.*|(?:は|が)?(?:いくら|いつ|どこ|誰|何|どの|どう).*|を?お?願い.*)?[。?？]*$"
)
_COMPARES = re.compile(r"違い|ちがい|差|関係|どちら|どっち|比べ|比較|共通|の間|合計|合わせて|両方|セット")
_LEANS = re.compile(
    r"^(?:その|それ|これ|この|同|前|原則|具体|全|一般|他|ほか)|(?:とすれば|とした場合|について(?:も|の詳細))"
)
_ASKS = r"(?:いくら|幾ら|(?:いつ|どこ|誰|だれ)(?!で?も)|何[^、。はがをに]{0,4}|ど[のれ][^、。はがを]{0,5}|どう[^、。はがを]{0,3})"
_TWICE = re.compile(
    rf"(?P<first>.*?{_ASKS}(?P<verb>[^、。]{{0,12}}?))(?P<join>で|ですか|でしょうか|か|ばよく|ばいいか|ばよいか|のか)、"
    rf"(?P<second>[^。]*(?:{_ASKS}|[はも][^、。]*(?:かかり|でき|もらえ|あり|い[りる]|要り))[^。]*)"
)
"""Two questions in one sentence: …はいくらで、…はいつですか; …いつまでに申し込めばよく、お金はかかりますか."""
_CLOSES = {"ばよく": "ばよいですか", "ばいいか": "ばよいですか", "ばよいか": "ばよいですか", "のか": "のですか"}
_MAX_CLAUSE_CHARS = 30  # of one of two things that are asked for
_MAX_CHARS = 60  # of a question that is likely to say all that it is about


def split_parts(question: str) -> tuple[str, ...]:
    """Return the questions that a question is made of; the question alone where it asks for one thing.

    A later one may follow up the one before it.

    >>> split_parts("印鑑登録証明書の手数料と、図書館の休館日を教えてください")
    ('印鑑登録証明書の手数料を教えてください', '図書館の休館日を教えてください')
    >>> split_parts("住民票はいくらですか。また、転入届はいつまでですか。")
    ('住民票はいくらですか。', '転入届はいつまでですか。')
    >>> split_parts("町内で転居すると、手数料はいくらで、証明書はいつ届きますか。")
    ('町内で転居すると、手数料はいくらですか', '町内で転居すると、証明書はいつ届きますか')
    >>> split_parts("受給者証は何色で、いつ更新しますか")
    ('受給者証は何色ですか', '受給者証はいつ更新しますか')
    >>> split_parts("手話の通訳者に来てもらいたい。何日前までに頼めばよく、お金はかかりますか。")
    ('手話の通訳者に来てもらいたい。何日前までに頼めばよいですか', '手話の通訳者に来てもらいたい。お金はかかりますか')
    >>> [len(split_parts(q)) for q in ("課税証明書と納税証明書の違いは", "町の花と木は何ですか", "転入しました。手数料はいくらですか。")]
    [1, 1, 1]
    """
    text = normalize(question)
    parts = _split_sentences(text) or _split_asked_twice(text) or _split_conjuncts(text)
    return tuple(parts[:MAX_PARTS]) if len(parts) > 1 else (question,)


def merge_passages(whole: Sequence[Passage], parts: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Return the passages of a question and of its parts as one list, each once: the first of each before the second of any."""
    merged: dict[str, Passage] = {}
    for rank in range(max(map(len, (whole, *parts)), default=0)):
        for of_one in (*parts, whole):
            for passage in of_one[rank : rank + 1]:
                merged.setdefault(passage.chunk.id, passage)
    return list(merged.values())


def _split_sentences(text: str) -> list[str]:
    """Return the questions, each with what is told before them; the first stands alone, later ones may follow it up."""
    sentences = [_GOES_ON.sub("", piece) for piece in _ENDS.split(text) if piece.strip()]
    first = next((place for place, sentence in enumerate(sentences) if _QUESTION.search(sentence)), len(sentences))
    told, asked = "".join(sentences[:first]), sentences[first:]
    if len(asked) < 2 or len(told) > _MAX_CHARS or not all(map(_asks, asked[1:])):
        return []
    if told:
        return [told + sentence for sentence in asked] if _asks(asked[0]) else []
    return asked if _stands_alone(asked[0]) else []


def _asks(sentence: str) -> bool:
    is_question = len(sentence) <= _MAX_CHARS and bool(_QUESTION.search(sentence))
    return is_question and bool(nouns(strip_politeness(sentence)))


def _stands_alone(sentence: str) -> bool:
    return _asks(sentence) and not _LEANS.search(sentence) and not is_follow_up(sentence)


def _split_asked_twice(text: str) -> list[str]:
    """Return the two questions of the last sentence with what is told before; the second keeps condition and topic of the first."""
    told, stop, asked = text.removesuffix("。").rpartition("。")
    match = _TWICE.fullmatch(asked)
    if match is None or _COMPARES.search(text) or len(told) > _MAX_CHARS:
        return []
    first, second = match["first"], _GOES_ON.sub("", match["second"])
    before, is_topic, _ = first.rpartition("は")
    if not told and not (is_topic and nouns(before)):
        return []
    names_own = re.match(r"[^、]*?は", second)
    condition = f"{before.rpartition('、')[0]}、" if "、" in before else ""
    topic = f"{before}は" if is_topic and not told else ""
    second = f"{condition}{second}" if names_own else f"{topic}{second}"
    return [told + stop + first + _close(match["verb"], match["join"]), told + stop + second]


def _close(verb: str, join: str) -> str:
    """Return how the first question ends: …にありますか, …になるのですか, いくらですか."""
    if join in _CLOSES:
        return _CLOSES[join]
    if verb.endswith("ます"):
        return "か"
    return "のですか" if verb.endswith("る") else "ですか"


def _split_conjuncts(text: str) -> list[str]:
    """Return 「AのBと、CのDを教えて」 as two questions; A and B, C and D must all name something."""
    if _COMPARES.search(text):
        return []
    tail = _TAIL.search(text)
    body, rest = (text[: tail.start()], text[tail.start() :]) if tail else (text, "")
    conjuncts = [piece.strip() for piece in _AND.split(body)]
    if len(conjuncts) < 2 or not all(map(_names_aspect, conjuncts)):
        conjuncts = re.split("(?<=[一-鿿ァ-ヶー])と、", body)
        if len(conjuncts) < 2 or not all(map(_names_with_clause, conjuncts)):
            return []
    return [conjunct + rest for conjunct in conjuncts]


def _names_aspect(conjunct: str) -> bool:
    """Tell whether a phrase is nothing but 「AのB」 with content on both sides."""
    of, _, aspect = conjunct.rpartition("の")
    return len(of) > 1 and is_nominal(conjunct) and bool(nouns(of)) and bool(nouns(aspect))


def _names_with_clause(conjunct: str) -> bool:
    """Tell the same where A may be a clause: 町があっせんする機器の値段, 町外で受けるときの手続."""
    of, _, aspect = conjunct.rpartition("の")
    is_short = len(of) > 1 and len(conjunct) <= _MAX_CLAUSE_CHARS and not re.search("[は、]", conjunct)
    return is_short and is_nominal(aspect) and bool(nouns(of)) and bool(nouns(aspect))
