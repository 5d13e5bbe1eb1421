"""Characters that look like the right ones and are others: ロ座 for 口座, エ事 for 工事, as bad fonts and OCR leave them behind."""

from __future__ import annotations

import re

_KANJI = "一-鿿々"
_KANA = "ァ-ヶー"
_RULES = (
    (
        re.compile(
            rf"(?<![{_KANA}])ロ(?=[座径述頭実調外上]|腔)|(?<=[{_KANJI}])(?<![第・])ロ(?![{_KANA}])(?=[{_KANJI}ぁ-ん、。）)「」]|$)"
        ),
        "口",
    ),
    (
        re.compile(
            rf"(?<![{_KANA}])エ(?=[事業場程具学務作期費賃区法芸])|(?<=[施着竣完大加細人起商鉱電土木])エ(?![{_KANA}])"
        ),
        "工",
    ),
    (re.compile(rf"(?<=[協能努効電権有実暴勢労動火水学体全武魅迫主入出圧])カ(?![{_KANA}月所年国条村])"), "力"),
    (re.compile(r"(?<=[朝夜後前])ハ(?=時)|(?<=第)ハ(?=[条章節項号])"), "八"),
    (re.compile(r"(?<=第)ニ(?=[条章節項号次回期])|(?<=十)ニ(?=[月日人条])"), "二"),
    (re.compile(r"(?<=曜)曰|(?<=[0-9０-９一二三四五六七八九十])曰"), "日"),
)
_RECOGNIZED = (
    (re.compile(r"[全合今](?=和\s*(?:[0-9０-９]{1,2}|元)\s*年)"), "令"),
    (re.compile(r"(?<=[記加収納購導])人(?=[しすさせの、。])(?!の)"), "入"),
)
"""What only the recognition of letters leaves behind."""
_MARKS = frozenset("ロエカハニ曰")
_LEAST = 2  # on one page: a single one may be meant


def mend_look_alikes(text: str, *, is_recognized: bool = False) -> str:
    """Return a page's text with look-alike characters replaced one for one, where two or more of them show that it has this fault.

    is_recognized: it was read by OCR: there a single one is a mistake.

    >>> mend_look_alikes("窓ロでエ事の届を出す。木曜曰の朝ハ時。")
    '窓口で工事の届を出す。木曜日の朝八時。'
    >>> mend_look_alikes("エコバッグとロビー、3カ月、イロハ")
    'エコバッグとロビー、3カ月、イロハ'
    >>> mend_look_alikes("全和8年の第2エ区に記人する", is_recognized=True)
    '令和8年の第2工区に記入する'
    """
    if is_recognized:
        for pattern, right in (*_RULES, *_RECOGNIZED):
            text = pattern.sub(right, text)
        return text
    if _MARKS.isdisjoint(text):
        return text
    hits = sum(len(pattern.findall(text)) for pattern, _ in _RULES)
    if hits < _LEAST:
        return text
    for pattern, right in _RULES:
        text = pattern.sub(right, text)
    return text
