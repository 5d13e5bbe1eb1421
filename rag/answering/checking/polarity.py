"""What a sentence affirms or denies, and which side of a number it means: できる/できない, 必要/不要, 有料/無料, 以内/以降, 以上/未満."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from rag.answering.facts.kinds import Fact, FactKind
from rag.words import Piece, cut_words

AXES = {
    "可否": ("出来る 可能 可 認める 許可", "不可 不可能 禁止 禁ずる 禁じる 断る"),
    "要否": ("必要 要する 要る 義務 必須 求める", "不要 任意 省略"),
    "料金": ("有料 有償 徴収", "無料 無償 無税"),
    "増減": ("増える 増加 増 増やす 上昇 上がる 上回る 拡大 引き上げる 増大 加算", "減る 減少 減 減らす 低下 下がる 下回る 縮小 引き下げる 減額"),
    "包含": ("含む 含める 加える", "除く 除外"),
    "対象": ("対象", "対象外"),
    "開閉": ("開始 始まる 始める 開く 開場 開館 開庁", "終了 終わる 終える 閉じる 閉場 閉館 閉庁 締め切る 締切"),
    "有無": ("有る", "無い なし"),
    "頻度": ("毎日", "毎週"),
    "全部": ("全部 全て 全額 全員 全域 全世帯", "一部 半額"),
    "新旧": ("最新 新しい", "旧 古い"),
    "早遅": ("早い", "遅い"),
    "多少": ("多い 最大 最多 高い 最高 長い 大きい", "少ない 最小 最少 低い 最低 短い 小さい"),
    "前後": ("直前 前日 前月 前年", "翌 直後 翌日 翌月 翌年"),
    "奇偶": ("偶数 偶数月", "奇数 奇数月"),
    "実施": ("実施 決行 開催 継続", "中止 延期 休止 中断"),
    "公開": ("公開", "非公開"),
    "課税": ("課税", "非課税"),
}  # fmt: skip
"""Words of one axis, those that affirm it and those that deny it; another verb is an axis of its own."""
_SIDES: dict[str, tuple[str, bool]] = {
    word: (axis, side == 0)
    for axis, sides in AXES.items()
    for side, words in enumerate(sides)
    for word in words.split()
}
ENDING = "文末"
"""The axis of what a clause ends in, whatever word it is."""
_NEGATIONS = frozenset("無い ない ぬ ず まい".split())
_LINKS = frozenset(
    "為る 有る 居る 成る 下さる 置く 致す 頂く 行う 事 こと 物 もの 訳".split()
)  # between a word and its negation
_LIGHT = frozenset("為る 出来る 致す 下さる 頂く 成さる".split())  # make a verb of a noun
_NOT_VERBS = frozenset(
    "為る 有る 居る 成る 下さる 置く 致す 頂く 言う よる 因る 就く 関する 係る 於く 対する 伴う 基づく 沿う".split()
)
_MOST_LINKS = 8
_CONDITION = re.compile(r"(?:なければ|ないと|なくては)(?:なら|いけ|だめ)")
_REPORT = re.compile(
    r"(?:(?:こと)?[とに](?:(?:定め|規定|記載|説明|明記)?(?:さ|ら|書か)?れて)|こと[とに]なって)い(?:ます|る)"
)
_STOPS = frozenset("、。,「」()・\n\t|")


class Stance(NamedTuple):
    """That a text affirms or denies something: the axis, and where the word begins and ends."""

    axis: str
    affirms: bool
    start: int
    end: int


def find_stances(clean: str) -> Iterator[Stance]:
    """Yield what a text affirms and denies, word by word; the text is clean: NFKC, lower case.

    >>> [(s.axis, s.affirms) for s in find_stances("申請できません。予約は不要で、写しを提出しなければならない。") if s.axis != ENDING]
    [('申請', False), ('可否', False), ('要否', False), ('提出', True), ('要否', True)]
    >>> [(s.axis, s.affirms) for s in find_stances("届け出る必要はありません。対象外です。") if s.axis != ENDING]
    [('届ける出る', True), ('要否', False), ('対象', False)]
    """
    pieces = cut_words(_REPORT.sub(lambda match: "。" * len(match[0]), clean))
    yield from _find_endings(pieces)
    for index, piece in enumerate(pieces):
        known = _side_of(pieces, index)
        if known is None:
            continue
        axis, affirms = known
        denied = _count_negations(pieces, index) % 2 == 1
        yield Stance(axis, affirms != denied, piece.start, piece.start + len(piece.text))
        if axis not in AXES:
            following = clean[piece.start + len(piece.text) :][:12]
            if (must := _CONDITION.search(following)) and not _STOPS & set(following[: must.start()]):
                yield Stance("要否", True, piece.start, piece.start + len(piece.text))


def _find_endings(pieces: Sequence[Piece]) -> Iterator[Stance]:
    """Yield for each clause whether it ends in a denial."""
    clause: list[Piece] = []
    for piece in (*pieces, None):
        if piece is not None and piece.text not in _STOPS:
            clause.append(piece)
            continue
        if clause and clause[-1].kind in ("助動詞", "動詞", "形容詞"):
            tail = list(takewhile(_may_end, reversed(clause)))
            denials = sum(p.usual in _NEGATIONS and p.kind in ("助動詞", "形容詞") for p in tail)
            yield Stance(ENDING, denials % 2 == 0, clause[-1].start, clause[-1].start + len(clause[-1].text))
        clause = []


def _may_end(piece: Piece) -> bool:
    return piece.kind in ("助動詞", "助詞", "動詞", "形容詞") or piece.usual in _LINKS


def _side_of(pieces: Sequence[Piece], index: int) -> tuple[str, bool] | None:
    """Return the axis of a word and whether it is on its affirming side; None for what affirms nothing."""
    piece = pieces[index]
    following = pieces[index + 1] if index + 1 < len(pieces) else None
    if piece.usual == "対象":
        return "対象", not (following and following.text == "外")
    if piece.usual in _SIDES and not (following and following.text == "外"):
        if piece.usual == "無い" and piece.kind != "形容詞":
            return None
        if piece.usual in ("無い", "有る") and _belongs_to_another(pieces, index):
            return None
        return _SIDES[piece.usual]
    if piece.kind == "動詞" and piece.usual not in _NOT_VERBS:
        if following and following.kind == "動詞" and following.usual not in _NOT_VERBS | _LIGHT:
            return None  # 受け|付ける: the second of the two is asked
        before = pieces[index - 1] if index else None
        return (before.usual if before and before.kind == "動詞" else "") + piece.usual, True
    after = pieces[index + 2] if index + 2 < len(pieces) else None
    is_verb = piece.kind == "名詞" and following is not None and following.usual in _LIGHT
    is_verb |= bool(
        piece.kind == "名詞" and following and following.text == "を" and after and after.usual in ("行う", "為る")
    )
    is_verb |= bool(
        piece.kind == "名詞"
        and following
        and following.text in ("と", "に")
        and after
        and after.usual in ("成る", "為る")
    )
    return (piece.usual, True) if is_verb else None


def _belongs_to_another(pieces: Sequence[Piece], index: int) -> bool:
    """Tell whether 有る or 無い only ends what was said before: 必要がある, しなければならない."""
    before = [piece.usual for piece in pieces[max(0, index - 4) : index]]
    return any(word in _SIDES or word in ("事", "て", "で") for word in before) or bool(
        index and pieces[index - 1].kind in ("動詞", "助動詞")
    )


def _count_negations(pieces: Sequence[Piece], index: int) -> int:
    """Return how often what follows a word denies it: one in できません, two in しなければならない."""
    count = 0
    for piece in pieces[index + 1 : index + 1 + _MOST_LINKS]:
        if piece.text in _STOPS:
            break
        if piece.usual in _NEGATIONS and piece.kind in ("助動詞", "形容詞"):
            count += 1
        elif piece.kind not in ("助動詞", "助詞", "接尾辞") and piece.usual not in _LINKS | _LIGHT:
            break
    return count


_LIMITS = {
    "以内": r"以内|以下|まで|を?上限|を?限度|が限度|が上限",
    "未満": r"未満|に満たない|を?下回",
    "以上": r"以上|以降|以後|から|より後|を?下限",
    "超": r"を?超|より多|を?過ぎ|を?上回",
    "前": r"以?前",
    "後": r"後(?!期|半|見)",
}
_LIMIT = re.compile(r"[\s)）]*(?:の日)?(?:" + "|".join(f"(?P<l{i}>{p})" for i, p in enumerate(_LIMITS.values())) + ")")
_BEFORE = re.compile(r"(?:(?P<l0>最大|最長|上限|限度額?は?|最高)|(?P<l2>最低|最短|下限|少なくとも))[はを、]?\s?$")
# What may stand for one another: 14日前まで, 4月1日以後 and 4月1日から are one.
_AGREE = (frozenset(("以内", "前")),)
LIMITED = frozenset((FactKind.NUMBER, FactKind.DATE, FactKind.PERIOD, FactKind.AMOUNT, FactKind.TIME))
"""Kinds of facts that have a side."""


class Side(NamedTuple):
    """On which side of a word something lies, and where the word ends: 準半壊以上, 中学生以下, 限度額を超える; word: "" for 以下の者."""

    word: str
    side: str
    end: int


_LIMIT_WORD = re.compile(
    r"以[上下内降後前]|未満|に満たない|まで|を?(?:超え|下回|上回)(?![^、。]{0,4}(?:な[いけ]|ず|ません))"
)
_SIDED = frozenset(("名詞", "接尾辞", "動詞"))


def find_sides(clean: str) -> Iterator[Side]:
    """Yield the sides of words, and where 以上 and 以下 point in the text; the text is clean.

    What is not beyond a limit may be many things, and has no side.

    >>> [(s.word, s.side) for s in find_sides("準半壊以上の住家。中学生以下は利用できない。限度額を超えない額。以上のとおり。")]
    [('半壊', '以上'), ('生', '以内'), ('', '以上')]
    """
    found = list(_LIMIT_WORD.finditer(clean))
    ends = {piece.start + len(piece.text): piece for piece in cut_words(clean)} if found else {}
    for match in found:
        piece, limit = ends.get(match.start()), _LIMIT.match(clean, match.start())
        if piece and limit and piece.kind in _SIDED:
            yield Side(piece.usual, _name_limit(limit), match.start())
        elif limit and match[0] in ("以上", "以下") and (piece is None or piece.kind not in _SIDED):
            yield Side("", _name_limit(limit), match.end())


def _name_limit(match: re.Match[str]) -> str:
    number = next(int(key[1:]) for key, value in match.groupdict().items() if value)
    return tuple(_LIMITS)[number]


def find_limit(text: str, fact: Fact) -> str:
    """Return on which side of a number what is meant lies, "" where that is not said.

    >>> from rag.answering.facts.finding import find_facts
    >>> text = "14日以内に、18歳以上の人が、上限3,000円で、4月1日以後の分を"
    >>> [find_limit(text, fact) for fact in find_facts(text)]
    ['以内', '以上', '以内', '以上']
    """
    stated = text[fact.start : fact.end]
    for name, pattern in zip(_LIMITS, _LIMITS.values(), strict=True):
        if re.search(rf"(?:{pattern})$", stated):
            return name
    match = _LIMIT.match(text, fact.end) or _BEFORE.search(text[max(0, fact.start - 8) : fact.start])
    return _name_limit(match) if match else ""


def agree_on_limit(one: str, other: str) -> bool:
    """Tell whether two sides of a number can both be right; a side that was not said agrees with each.

    >>> agree_on_limit("以内", "以上"), agree_on_limit("以内", "未満"), agree_on_limit("", "以上"), agree_on_limit("以内", "前")
    (False, False, True, True)
    """
    return not one or not other or one == other or frozenset((one, other)) in _AGREE
