"""The topic of a conversation: as a short phrase, and with a part of it exchanged: 「死亡届は？」 after 「出生届はいつまでですか」."""

from __future__ import annotations

import re
import unicodedata

from rag.asking import strip_politeness
from rag.retrieval.aspects import own_words

MAX_PART_CHARS = 16
_TOPIC_MARK = re.compile(r"(?:とは|については?|に関して|は)")
_CLAUSE = re.compile(r"[をがにで](?=[一-鿿々ァ-ヴーA-Za-z0-9])")
_FORMAL_NOUN = re.compile(r"(?:とき|時|場合|こと|もの|人|方)$")
_END = "?？。. 　"
_ASPECT = re.compile(
    r"(?<=.{2})の(?:必要)?(?:手数料|料金|費用|値段|金額|額|期限|期間|期日|締め?切り?|日時|時間|書類|持ち物|手続き?|申請|方法|仕方|やり方|流れ|"
    r"手順|場所|窓口|連絡先|条件|要件|対象|対象者|理由|内容)$"
)
_PART_END = re.compile(r"(?:(?:の)?(?:場合|とき|時|方|ほう))?(?:だと|だったら|なら|では|は)$")
_STOP = re.compile(r"[のはがをにでともへや、。,「」『』()（）\s]")
_SHARED_KANJI = re.compile(r"[一-鿿々]")


def name_topic(question: str) -> str:
    """Return what a question is about as a short phrase, where it can be cut safely; else the question without its politeness.

    A cut is safe where what is left out names nothing of its own: いつまでに出しますか, and the aspect before it.

    >>> [name_topic(q) for q in ("転出届はいつまでに出しますか", "印鑑登録の手数料はいくらですか", "USBメモリを使いたいときはどうしますか")]
    ['転出届', '印鑑登録', 'USBメモリを使いたいとき']
    >>> [name_topic(q) for q in ("粗大ごみの出し方を教えてください。", "住民票の写しをコンビニで取れますか", "町の花は何ですか")]
    ['粗大ごみの出し方', '住民票の写しをコンビニで取れますか', '町の花']
    """
    text = strip_politeness(unicodedata.normalize("NFKC", question).strip()).strip(_END)
    for mark in _TOPIC_MARK.finditer(text):
        head, rest = text[: mark.start()], text[mark.end() :]
        if len(head) > 1 and not own_words(rest) and _is_noun_phrase(head):
            return _ASPECT.sub("", head.rstrip("、, "))
    return _ASPECT.sub("", text)


def _is_noun_phrase(text: str) -> bool:
    """Tell whether a text names something; 「ヘルメットに補助」 before は does not."""
    return not _CLAUSE.search(text) or bool(_FORMAL_NOUN.search(text))


def exchange_part(question: str, topic: str) -> str | None:
    """Return the topic with the part exchanged that a question like 「北沢地区は？」 names; None where nothing fits it.

    The part that goes is the one that ends (or, before a number, begins) in the same way.

    >>> exchange_part("死亡届は？", "出生届はいつまでに出しますか"), exchange_part("では7人槽の場合は？", "浄化槽の補助は5人槽でいくらですか")
    ('死亡届はいつまでに出しますか', '浄化槽の補助は7人槽でいくらですか')
    >>> exchange_part("資源ごみは？", "燃えるごみは何曜日ですか"), exchange_part("震度4だったら？", "震度5強で参集するのは誰ですか")
    ('資源ごみは何曜日ですか', '震度4で参集するのは誰ですか')
    >>> exchange_part("介護は？", "年金の相談はできますか") is None
    True
    """
    part = re.sub(
        r"^(?:では|じゃあ?|でしたら|それなら|なら|あと|また)[、,\s]*",
        "",
        unicodedata.normalize("NFKC", question).strip(_END),
    )
    end = _PART_END.search(part)
    part = part[: end.start()] if end else ""
    text = unicodedata.normalize("NFKC", topic)
    if not part or len(part) > MAX_PART_CHARS or part in text:
        return None
    place = _find_like_end(part, text) or _find_like_beginning(part, text)
    return text[: place[0]] + part + text[place[1] :] if place else None


def _find_like_end(part: str, text: str) -> tuple[int, int] | None:
    """Return where a phrase stands that ends as the part does: in two characters, or in one kanji behind others."""
    for length in range(len(part) - 1, 0, -1):
        ending = part[-length:]
        if length == 1 and not _SHARED_KANJI.match(ending):
            return None
        at = text.find(ending)
        if at > 0 and not _STOP.search(ending):
            start = _reach_back(text, at)
            return (start, at + length) if start < at else None
    return None


def _find_like_beginning(part: str, text: str) -> tuple[int, int] | None:
    found = re.match(r"(\D{2,}?)[\d]", part)
    at = text.find(found[1]) if found else -1
    if not found or at < 0 or not re.match(r"\d", text[at + len(found[1]) :]):
        return None
    end = at + len(found[1])
    while end < len(text) and not _STOP.match(text[end]):
        end += 1
    return at, end


def _reach_back(text: str, at: int) -> int:
    start = at
    while start > 0 and not _STOP.match(text[start - 1]):
        start -= 1
    return start
