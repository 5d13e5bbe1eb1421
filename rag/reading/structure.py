"""How Japanese official documents number and mark their parts: headings, articles, list items. Pure functions over one line."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_HEADING_CHARS = 50
ARTICLE_LEVEL = 5
FIRST_SYMBOL_LEVEL = 11
"""From here on a level belongs to a mark (■ ◆ 【】) that authors use at any depth: see `HeadingPath`."""

_HALF_WIDTH = str.maketrans("０１２３４５６７８９（）．－‐–—―−［］　，", "0123456789().------[] ,")
_NUMBER = r"[0-9一二三四五六七八九十百千]+"
_TITLED = r"(?:\s+\S.*|[\[(].*|(?![ぁ-ん、。,第]).+|)$"
_PARTS = {"編": 1, "章": 2, "節": 3, "款": 4, "目": 4}
_PART = re.compile(rf"第{_NUMBER}(編|章|節|款|目)(?:の{_NUMBER})*{_TITLED}")
_ARTICLE_TITLE = re.compile(rf"第{_NUMBER}条(?:の{_NUMBER})*(?:\s*\([^()]+\)|\s+[^、。()]{{1,20}}|)$")
_ARTICLE = re.compile(rf"(第{_NUMBER}条(?:の{_NUMBER})*)(?=$|[\s(])")
_ANNEX = re.compile(
    r"(?:附\s*則|付\s*則|目\s*次|前\s*文|はじめに|おわりに|(?:別表|別記|別紙|別記様式|様式)(?:第?[0-9一二三四五六七八九十]+(?:号)?(?:の[0-9]+)?)?)(?:\s.*|\(.*|)$"
)
_CONTENTS = re.compile(
    r"[.・…‥]{3,}|[…‥]{2,}|^第\S+[編章節款](?:\s.*)?\s[0-9]{1,3}$|第\S{1,4}(?:編|章|節|款|目)\S*\s.*\(第\S+条.*\)$"
)
_LEADERS = r"(?:(?:[.・･·‧]\s?){4,}|(?:[…‥]\s?){2,})"
_CONTENTS_ENTRY = re.compile(rf"\S\s*{_LEADERS}\s*[-(]?\s*([0-9]{{1,4}}|[ivxlcIVXLCⅰ-ⅿⅠ-Ⅿ]{{1,6}})\s*[-)頁]?\s*$")
_CAPTION = re.compile(r"\((?![0-9０-９一二三四五六七八九十ア-ンa-zA-Z]{1,2}\))[^()]{1,30}\)$")
_UNIT = re.compile(
    r"(?:か月|箇月|ヶ月|週間|時間|[月日年人円件回時分秒歳才名台枚号条項点倍個階万億千%％割])(?=[\s0-9ぁ-ん、。,(以未間程末]|$)"
)
_NUMBERED = (
    (6, re.compile(r"[Ⅰ-Ⅻ][.\s]?\s*(?P<title>\S.*)$")),
    (6, re.compile(r"第[0-9]{1,2}\s+(?P<title>\S.*)$")),
    (7, re.compile(r"[0-9]{1,2}(?:[.、]\s*|\s+)(?P<title>(?![0-9]).+)$")),
    (8, re.compile(r"[0-9]{1,2}[-.][0-9]{1,2}\.?\s+(?P<title>(?![0-9]).+)$")),
    (9, re.compile(r"[0-9]{1,2}(?:[-.][0-9]{1,2}){2,3}\.?\s+(?P<title>(?![0-9]).+)$")),
    (9, re.compile(r"(?:\([0-9]{1,2}\)|[0-9]{1,2}\))\s*(?P<title>\S.*)$")),
    (10, re.compile(r"[①-⑳]\s*(?P<title>\S.*)$")),
)
_SYMBOLS = (
    (11, re.compile(r"[■▉█]\s*(?P<title>\S.*)$")),
    (12, re.compile(r"[◆◇❖]\s*(?P<title>\S.*)$")),
    (13, re.compile(r"(?P<title>【[^【】]+】)$")),
)
_NOT_A_TITLE = re.compile(r"(?:[。、．，,.;；:]|する|ます|です|こと|とき|ください|下さい|した|及び|又は|[をがにはで])$")
_BULLET = re.compile(r"(?![○◯●]{2})[・･●○◯◎◦•▪□☐☑▶►➢※☆★◇◆■]\s*\S|[-*+]\s+\S")
_ENUMERATED = re.compile(
    r"(?:\([0-9一二三四五六七八九十]{1,2}\)|\([ア-ンｱ-ﾝa-zA-Z]\)|[0-9]{1,2}\)|[ア-ンa-zA-Z][.)]|[①-⑳㋐-㋾⑴-⒇])\s*\S"
    r"|[ア-ンｱ-ﾝ]\s+\S|[一二三四五六七八九十]{1,3}\s+\S"
)
_ORDINAL = re.compile(r"[0-9]{1,2}(?:[.、]\s*|\s+)(?=[^\s0-9.,])(?P<rest>.+)$")


def heading_level(line: str) -> int | None:
    """Return the depth of a line that looks like a heading, from 1 (編), or None.

    編 1, 章・附則・別表 2, 節 3, 款 4, 条 5, "Ⅰ" and "第1 " 6, "1 " 7, "1-1 " 8, "1-1-1 " and "(1)" 9, "①" 10, ■ 11, ◆ 12, 【】 13.
    A line of a table of contents, a long line and one that ends like a sentence are no headings.

    >>> [heading_level(line) for line in ["第１編　総論", "第2章 総則", "第三節　手当", "第３条の２", "附　則"]]
    [1, 2, 3, 5, 2]
    >>> [heading_level(line) for line in ["１　計画の趣旨", "1-1 背景", "（１）対象者", "① 窓口", "■ 申請の流れ", "【持ち物】"]]
    [7, 8, 9, 10, 11, 13]
    >>> [heading_level(line) for line in ["第3条第1項の規定", "1 申請書を提出する。", "3 月1日", "第1章 総則 …… 3", "第2章で述べた"]]
    [None, None, None, None, None]
    >>> [heading_level(line) for line in ["第1条　この規程は、旅費に", "第1条　趣旨", "第2条（定義）", "○○市旅費規程"]]
    [None, 5, 5, None]
    """
    clean = _clean(line)
    if not clean or len(clean) > MAX_HEADING_CHARS or _CONTENTS.search(clean):
        return None
    if _ANNEX.match(clean):
        return 2
    if _NOT_A_TITLE.search(clean):
        return None
    if part := _PART.match(clean):
        return _PARTS[part[1]]
    return ARTICLE_LEVEL if _ARTICLE_TITLE.match(clean) else _mark_level(clean)


def _mark_level(clean: str) -> int | None:
    for level, pattern in (*_NUMBERED, *_SYMBOLS):
        if (match := pattern.match(clean)) and _is_title(match["title"]):
            return level
    return None


def _is_title(title: str) -> bool:
    return len(title.strip()) > 1 and not _UNIT.match(title) and bool(re.search(r"[^\W\d_]", title))


def article_number(line: str) -> str | None:
    """Return 第○条 when an article begins here, whether or not its text stands on the same line.

    >>> article_number("第１０条の２　市長は、補助金を交付する。"), article_number("第1条（目的）")
    ('第10条の2', '第1条')
    >>> article_number("第3条第1項の規定により")
    """
    match = _ARTICLE.match(_clean(line))
    return match[1] if match else None


def contents_number(line: str) -> str | None:
    """Return the page that a line leads to by a row of dots, as in a table of contents; None for another line.

    >>> [contents_number(line) for line in ["第1章　総則 ・・・・・・・ ３", "はじめに……ⅰ", "資料編.......42頁", "住民税・・・など3件"]]
    ['3', 'ⅰ', '42', None]
    """
    match = _CONTENTS_ENTRY.search(_clean(line))
    return match[1] if match else None


def is_article_caption(line: str) -> bool:
    """Tell whether a line is nothing but a caption in brackets, as it stands above an article.

    >>> is_article_caption("（補助対象者）"), is_article_caption("（1）"), is_article_caption("（目的）この規程は")
    (True, False, False)
    """
    return bool(_CAPTION.match(_clean(line)))


def is_list_item(line: str) -> bool:
    """Tell whether a line begins an item: a bullet, a number, ア, 一, or the numbered paragraph of an article.

    >>> [is_list_item(line) for line in ["・印鑑", "※ 代理人", "(1) 申請書", "①届出", "ア　世帯主", "一　氏名", "２　前項の規定は", "- 写し"]]
    [True, True, True, True, True, True, True, True]
    >>> [is_list_item(line) for line in ["3 月1日から", "12.5%", "アパート", "一般会計", "○○市"]]
    [False, False, False, False, False]
    """
    clean = _clean(line)
    if _BULLET.match(clean) or _ENUMERATED.match(clean):
        return True
    match = _ORDINAL.match(clean)
    return match is not None and not _UNIT.match(match["rest"])


def drop_enumerations(levels: Sequence[int | None]) -> list[int | None]:
    """Return the levels of successive lines without those of list items: marked lines that follow each other have no body.

    Lines of one numbering (level 7 and deeper) that stand directly one after another are items, not headings.

    >>> drop_enumerations([7, 7, 7, None, 7, None, 2, 7, 9])
    [None, None, None, None, 7, None, 2, 7, 9]
    """
    if not levels:
        return []
    near = zip(levels, [None, *levels[:-1]], [*levels[1:], None], strict=True)
    return [None if level and level > 6 and level in (before, after) else level for level, before, after in near]


class HeadingPath:
    """The headings above the place that a walk through a document has reached, outermost first.

    A heading replaces those of its own level and deeper. A mark (■ ◆ 【】) has no fixed depth: it goes below whatever
    stands when it first appears, and a numbered heading below 条 may stand under it.

    >>> walk = HeadingPath()
    >>> walk.push(2, "第1章"), walk.push(7, "1 対象"), walk.push(11, "■注意"), walk.push(7, "2 期限")
    (('第1章',), ('第1章', '1 対象'), ('第1章', '1 対象', '■注意'), ('第1章', '2 期限'))
    >>> walk.push(11, "■窓口"), walk.push(9, "(1) 本庁"), walk.push(2, "第2章")
    (('第1章', '2 期限', '■窓口'), ('第1章', '2 期限', '■窓口', '(1) 本庁'), ('第2章',))
    """

    def __init__(self) -> None:
        self._entries: list[tuple[int, str]] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The texts of the headings, outermost first."""
        return tuple(text for _, text in self._entries)

    def push(self, level: int, text: str) -> tuple[str, ...]:
        """Enter a heading and return the path with it; `[:-1]` of that is the path above the heading itself."""
        kept = next((i for i, (other, _) in enumerate(self._entries) if self._ends(other, level)), len(self._entries))
        self._entries[kept:] = [(level, " ".join(text.split()))]
        return self.path

    @staticmethod
    def _ends(other: int, level: int) -> bool:
        if other >= FIRST_SYMBOL_LEVEL:
            return level == other or level <= ARTICLE_LEVEL
        return level < FIRST_SYMBOL_LEVEL and other >= level


def _clean(line: str) -> str:
    return line.translate(_HALF_WIDTH).strip()
