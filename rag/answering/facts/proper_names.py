"""Proper names in a line: organisations and their parts, places, people, laws, quoted labels, and words that no dictionary knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rag.text import fold
from rag.words import Piece, cut_words, is_common_word

# What a name of an organisation, place or law ends with; what stands before it must make it a name.
_ENDINGS = frozenset(
    "課 係 局 部 室 省 庁 町 市 村 県 府 都 区 郡 署 館 園 院 校 学校 大学 高校 公民館 図書館 保育所 保育園 幼稚園 病院 診療所 出張所 支所 事務所 "
    "センター 委員会 審議会 協議会 委員 組合 協会 財団 機構 会社 銀行 公社 条例 規則 規程 要綱 要領 法 令 川 山 駅 線 橋 地区 公園 霊園 斎苑 所".split()
)
# 担当課, 同課, 他市: they point to something and name nothing.
_POINTERS = frozenset(
    "担当 所管 主管 関係 該当 各 同 当 本 全 他 別 両 前 後 元 旧 新 所属 受付 原 利用 使用 処理 連絡 計算 支払 申請 提出 届出 交付 手続 請求 確認 "
    "市町 市区町 都道府 県内 町内 市内 貴 その他 一 大 小 中 上 下 関連 相談 担任 問い合わせ 問合せ 最寄り 地元 自 私 公 国 住所 居住 在住 転出 転入 前住 子 と".split()
)
_RULES = frozenset("法 条例 規則 規程 要綱 要領".split())
_RULE_WORD = re.compile(r"[民刑商憲税]法|.+[税政][令法]|[省府]令|.{2,}法")
_METHODS = frozenset(
    "方法 手法 文法 作法 療法 寸法 用法 違法 合法 司法 立法 技法 不法 適法 製法 語法 話法 魔法 論法 算法 解法 兵法 仏法 説法 無法".split()
)
_CUT_HERE = frozenset("課 係 局 部 町 市 村 県 府 都 省 庁".split())
_CONJUNCTION = frozenset("又及並")  # 日又 of 休日又は is a name to Sudachi
_QUOTED = re.compile(r"[「『]([^「」『』。\n]{1,20})[」』]")
_ADDRESS = re.compile(
    r"https?://[a-z0-9./?=&_%#~:+\-]+|[a-z0-9._+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+|(?<![a-z0-9])(?:[a-z0-9\-]+\.)+(?:jp|com|org|net)(?![a-z0-9])"
)
_LABEL = re.compile(r"[一-鿿]{2}[a-z](?![a-z0-9])")
_CODE = re.compile(r"(?<![a-z0-9\-])[a-z]{1,4}-?[0-9]{1,6}(?:-[a-z0-9]{1,6})*(?![a-z0-9])")
_LATIN = re.compile(r"[a-z][a-z0-9+&.\-]*[a-z0-9+]")
_UNITS = frozenset("km cm mm kg mg ml ha kw mw kwh gb mb kb tb am pm dpi hz db m2 m3 km2 fy vs".split())
_KATAKANA = re.compile(r"[ァ-ヺー・]{3,}")
_EVERYDAY = frozenset("web pc ok no id q&a faq url".split())


def find_names(clean: str) -> Iterator[tuple[str, int, int]]:
    """Yield (canonical name, start, end) of each proper name of a line; the line is clean: NFKC, lower case.

    >>> [name for name, _, _ in find_names("澄野町環境課は、田中一郎が担当課で「すみっこ」を定める。")]
    ['すみっこ', '澄野町', '環境課', '田中一郎']
    >>> [name for name, _, _ in find_names("職員旅費規程により、csirtへ連絡し、ホームページでお知らせします。")]
    ['csirt', '職員旅費規程']
    """
    for match in _QUOTED.finditer(clean):
        yield name_value(match[1]), match.start(1), match.end(1)
    for pattern in (_ADDRESS, _CODE, _LABEL):
        for match in pattern.finditer(clean):
            yield match[0], match.start(), match.end()
    for match in _LATIN.finditer(_ADDRESS.sub(lambda m: " " * len(m[0]), clean)):
        if match[0] not in _UNITS and match[0] not in _EVERYDAY and not _CODE.fullmatch(match[0]):
            yield match[0], match.start(), match.end()
    is_counted = False
    for is_noun, run in groupby(cut_words(clean), _is_noun):
        pieces = list(run)
        if is_noun:
            yield from _names_of_run(pieces[1:] if is_counted else pieces)  # 3|階|大|会議|室
        is_counted = not is_noun and pieces[-1].subkind == "数詞"


def name_value(name: str) -> str:
    """Return a name in the form in which names are compared: folded, without blanks and points.

    >>> name_value("ヴィオラ・センター"), name_value("Ｃ Ｓ Ｉ Ｒ Ｔ")
    ('ビオラセンタ', 'csirt')
    """
    return re.sub(r"[\s・]", "", fold(name))


def _is_noun(piece: Piece) -> bool:
    is_word = piece.kind in ("名詞", "接頭辞", "接尾辞") or (piece.kind == "形状詞" and piece.text not in ("的", "様"))
    return is_word and piece.subkind != "数詞" and piece.text != "第"


def _names_of_run(pieces: Sequence[Piece]) -> Iterator[tuple[str, int, int]]:
    """Yield the names in a run of nouns: 澄野|町|環境|課 are two, and each 固有名詞 that is in no other."""
    begin = 0
    for index, piece in enumerate(pieces):
        is_last = index + 1 == len(pieces)
        if (piece.text in _ENDINGS or _is_rule(piece.text)) and (
            is_last or piece.text in _CUT_HERE or pieces[index + 1].kind == "接尾辞"
        ):
            part = pieces[begin : index + 1]
            begin = index + 1
            if _is_name(part):
                yield _name(part)
            elif len(part) > 1:
                yield from _marked(part)
    yield from _marked(pieces[begin:])


def _is_name(part: Sequence[Piece]) -> bool:
    """Tell whether pieces that end like an organisation name one: not 担当課, 公民館."""
    if len(part) == 1:
        return _is_rule(part[0].text)
    if part[0].text in _POINTERS or "".join(p.text for p in part[:-1]) in _POINTERS:
        return False
    text, ending = "".join(piece.text for piece in part), part[-1].text
    # 総務課, 厚生労働省 and 個人情報保護法 are words of the dictionary too, and still each names one of several.
    is_sure = ending in ("課", "係", "省", "庁") or _is_rule(ending) or (ending in _RULES and len(text) > 3)
    return is_sure or not is_common_word(text)


def _is_rule(word: str) -> bool:
    """Tell whether one word of the dictionary names a rule: 相続|税法, 厚生|労働|省令; but not 方法."""
    return bool(_RULE_WORD.fullmatch(word)) and word not in _METHODS


def _marked(pieces: Sequence[Piece]) -> Iterator[tuple[str, int, int]]:
    """Yield the runs of pieces that the dictionary has as 固有名詞, and katakana that it does not have."""
    for is_proper, run in groupby(pieces, lambda piece: piece.subkind == "固有名詞"):
        part = list(run)
        if is_proper and len("".join(piece.text for piece in part)) > 1 and not _CONJUNCTION & set(part[-1].text):
            yield _name(part)
        elif not is_proper:
            yield from (_name([piece]) for piece in part if not piece.is_known and _KATAKANA.fullmatch(piece.text))


def _name(part: Sequence[Piece]) -> tuple[str, int, int]:
    text = "".join(piece.text for piece in part)
    return name_value(text), part[0].start, part[-1].start + len(part[-1].text)
