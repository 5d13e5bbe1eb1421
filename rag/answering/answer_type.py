"""What kind of thing answers a question (a day, an amount, a place, a reason, …), and where such things stand in a text."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from rag.documents import Span
from rag.text import normalize
from rag.words import find_proper_names

_DIGITS = "[0-9０-９〇一二三四五六七八九十百千]"
_NUMBER = rf"(?:[0-9０-９][0-9０-９,，.．]*|{_DIGITS}+)[万億兆千]?(?:[0-9０-９,，.．]+[万億千]?)*"


class AnswerType(StrEnum):
    """Kinds of answers, by the question word."""

    AMOUNT = "amount"
    TIME = "time"
    COUNT = "count"
    QUANTITY = "quantity"
    CONTACT = "contact"
    PLACE = "place"
    PERSON = "person"
    REASON = "reason"
    PROCEDURE = "procedure"
    ABILITY = "ability"
    DEFINITION = "definition"
    THING = "thing"


_ASKS = (
    # What is asked outright …
    (AnswerType.AMOUNT, r"いくら|幾ら|何円"),
    (AnswerType.TIME, r"いつ|何[時年月日]|何曜|何世紀|何時代|何(?:週|か月|ヶ月|箇月|カ月|時間|分)"),
    (AnswerType.PERSON, r"誰|だれ|何者|どなた|何という人"),
    (AnswerType.REASON, r"なぜ|何故|どうして|なんで"),
    (AnswerType.PLACE, r"どこ|何処|どの(?:課|窓口|国|県|都市|町|地|州|島|駅|大学|学校|会社|部署|係)|何(?:県|市|国|町|村|区|州|島|大学|駅|課|係)"),
    (AnswerType.COUNT, r"何(?:[^\W\d_ぁ-ん]|つ|%|か[国所])"),
    (AnswerType.QUANTITY, r"どの(?:くらい|ぐらい|程度)|どれ(?:くらい|ぐらい|ほど|だけ)|いくつ"),
    (AnswerType.PROCEDURE, r"どのように|どうやって|どうすれば|どうしたら"),
    (AnswerType.DEFINITION, r"とは(?:何|なん|どの|どう|い[うか]|[?？。]?$)|どういう意味"),
    # … and what its subject tells.
    (AnswerType.CONTACT, r"電話番号|内線|連絡先|問い?合わせ先|メールアドレス|ファクス"),
    (AnswerType.AMOUNT, r"料金|手数料|使用料|費用|金額|予算額|価格|値段|(?:報酬|給付|支給|補助|助成|賠償|限度|上限)額"),
    (AnswerType.TIME, r"期限|期間|期日|時期|日程|締め?切|時間帯|開館時間|受付時間|生年月日"),
    (AnswerType.QUANTITY, r"割合|人口|面積|高さ|長さ|広さ|深さ|重さ|身長|体重|人数|年齢|件数|定員|目標値|基準値|実績|[率比数]は"),
    (AnswerType.PLACE, r"どちら|場所|所在地|出身地|首都|窓口は|会場"),
    (AnswerType.PERSON, r"担当者|責任者"),
    (AnswerType.REASON, r"理由|原因|目的|きっかけ|根拠"),
    (AnswerType.PROCEDURE, r"方法|手順|手続|流れ|やり方|仕方|するには"),
    (AnswerType.DEFINITION, r"意味|定義|何のこと"),
    (AnswerType.ABILITY, r"ますか|(?:いい|よい|良い|必要|可能|だめ|駄目)(?:です|でしょう)?か|てもいい"),
)  # fmt: skip
_VOICES = re.compile(
    r"(?<![音名])声(?![掛か]け|優|帯)|(?:意見|要望)(?!書|箱)|アンケート|自由記述|感想|不満|ニーズ|困りごと|思い違い|誤解"
    r"|(?:どう|どの様に|どのように|どんな|何[がを]|なぜ).{0,8}(?:思[いうっわ]|感じ|言[いうっわ]|話し?て|困[っる]|悩[みんむ]|不安|望[みんむ]|求め|考え)"
    r"|(?:思[いうっわ]|感じ|言[いうっわ]|困って|悩[みんむ]|望[みんむ]|求め|心配し|不安)[^。]{0,5}?(?:こと|点|もの|の)?[はをが](?!.*(?:ますか|べき))"
)
_COUNTER = re.compile(
    r"何(番目|[かヶカ箇]国語?|[かヶカ箇]所|箇所|[ァ-ヴー]+|%|文字|世帯|種類|団体|地区|議席|試合|言語|親等|年生|学級|平方[ァ-ヴー]+|立方[ァ-ヴー]+|[一-鿿]|つ)"
)
_NO_COUNTERS = frozenset("者故処語色型教族部系用")
_VALUES = {
    AnswerType.AMOUNT: rf"{_NUMBER}\s*(?:円|ドル|ユーロ|ポンド|元|ウォン)(?:以上|以下|以内|まで|程度)?|無料|無償|{_NUMBER}\s*[%％]|{_NUMBER}分の{_NUMBER}",
    AnswerType.TIME: (
        rf"(?:(?:令和|平成|昭和|大正|明治|西暦|紀元前|午前|午後)\s*)?(?:{_NUMBER}|元)\s*(?:年度|年代|世紀|年間|年|か月|ヶ月|カ月|箇月|月|日間|日|時間|時|分|週間)"
        rf"(?:(?:の?{_NUMBER}\s*(?:月|日|時|分))|半|末|頃|以内|まで|前|後)*|毎[年月週日][^、。]{{0,6}}|[月火水木金土日]曜日?|即日|当日|翌日|翌月|前日|\d{{1,2}}[:：]\d{{2}}|[^\W\d_ぁ-ん]{{1,4}}時代"
    ),
    AnswerType.COUNT: _NUMBER,
    AnswerType.QUANTITY: rf"(?:約|およそ)?{_NUMBER}\s*[^\W\d_ぁ-ん]{{0,6}}[%％]?|半[分数]|(?:全て|すべて|全員)",
    AnswerType.CONTACT: r"[0-9０-９]{2,5}[-－‐ー(（][0-9０-９]{1,4}[-－‐ー)）][0-9０-９]{3,4}|内線\s*[0-9０-９]+|[\w.+-]+@[\w-]+\.[\w.]+|[^\W\d_ぁ-ん]{2,}[課係室局所]",
    AnswerType.PLACE: r"[^\W\d_ぁ-ん]{2,}(?:[都道府県市町村区国州島駅課係室局館所場庁園]|学校|大学|公園|センター|ホール|庁舎|窓口|[0-9０-９]階)",
    AnswerType.PERSON: r"[^\W\d_ぁ-ん]{0,6}(?:[長員者士医官氏]|さん)(?![期所い])",
    AnswerType.REASON: r"ため|ので|から(?=[、。])|により|による|によって|理由|原因|目的|おかげ|影響",
    AnswerType.DEFINITION: r"をいう|をいいます|のことで|とは|と呼ばれ|を指[すし]|の一つ|一種|という意味",
    AnswerType.ABILITY: r"(?:できる|できます|できない|できません|必要|不要|要しない|認め|可能|不可|することがで|してはならない|なければならない|限る|限り|ありません|いりません)",
}  # fmt: skip
_NAMED = {AnswerType.PLACE: "地名", AnswerType.PERSON: "人名"}
_QUOTABLE = frozenset(
    (
        AnswerType.AMOUNT,
        AnswerType.TIME,
        AnswerType.COUNT,
        AnswerType.QUANTITY,
        AnswerType.CONTACT,
        AnswerType.PLACE,
        AnswerType.PERSON,
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What answers a question. counter: the unit that a count is asked in (人, メートル), "" for none."""

    type: AnswerType
    counter: str = ""
    question: str = ""

    @property
    def is_value(self) -> bool:
        """Whether the answer is a word or number that can be pointed at."""
        return self.type in _QUOTABLE

    @property
    def is_number(self) -> bool:
        """Whether the answer is a number, whose unit may stand elsewhere."""
        return self.type in (AnswerType.AMOUNT, AnswerType.COUNT, AnswerType.QUANTITY)

    def find(self, text: str) -> list[Span]:
        """Return where things of this kind stand in a text, those left out that the question says itself.

        >>> wanted = find_wanted("印鑑登録証の再交付の手数料はいくらですか")
        >>> [text[slice(*span)] for text in ["再交付は500円です。"] for span in wanted.find(text)]
        ['500円']
        """
        found = [span for span in self._find_all(text) if normalize(text[slice(*span)]) not in self.question]
        return list(dict.fromkeys(sorted(found)))

    def _find_all(self, text: str) -> list[Span]:
        pattern = _pattern(self.type, self.counter)
        found = [Span(*match.span()) for match in pattern.finditer(text) if match.group()] if pattern else []
        if self.type in _NAMED:
            found += [Span(start, end) for start, end in find_proper_names(text, _NAMED[self.type])]
        return found


def find_wanted(question: str) -> Wanted:
    """Return what kind of thing answers a question.

    >>> [find_wanted(q).type.value for q in ("いつまでに届けますか", "定員は何人ですか", "なぜ必要ですか", "代理人でも申請できますか", "町の花は")]
    ['time', 'count', 'reason', 'ability', 'thing']
    """
    text = normalize(question)
    for type_, asks in _patterns():
        match = asks.search(text)
        if match is None:
            continue
        if type_ is not AnswerType.COUNT:
            return Wanted(type_, question=text)
        if counter := _find_counter(text):
            return Wanted(type_, counter, text)
    return Wanted(AnswerType.THING, question=text)


def _find_counter(text: str) -> str:
    """Return the unit that a count is asked in.

    >>> [_find_counter(text) for text in ("何文字以上にしますか", "何回間違えると", "何メートルですか", "何ですか", "何色ですか")]
    ['文字', '回', 'メートル', '', '']
    """
    match = _COUNTER.search(text)
    return "" if match is None or match[1] in _NO_COUNTERS else match[1]


@functools.cache
def _patterns() -> tuple[tuple[AnswerType, re.Pattern[str]], ...]:
    return tuple((type_, re.compile(asks)) for type_, asks in _ASKS)


@functools.lru_cache(256)
def _pattern(type_: AnswerType, counter: str) -> re.Pattern[str] | None:
    if type_ is AnswerType.COUNT:
        return re.compile(rf"(?:約|およそ)?{_NUMBER}\s*(?:数)?{re.escape(counter)}")
    return re.compile(_VALUES[type_]) if type_ in _VALUES else None


def asks_for_voices(question: str) -> bool:
    """Tell whether a question is about what somebody says, wishes or worries about: only then do such sentences answer it.

    >>> asks_for_voices("町民がバスに望んでいることは何ですか"), asks_for_voices("アンケートの結果"), asks_for_voices("一人暮らしの母が心配")
    (True, True, False)
    """
    return bool(_VOICES.search(question))
