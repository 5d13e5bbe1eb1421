"""What titles and file names say once their year, day and edition are taken away: which of them name one text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.eras import ERA_YEAR
from rag.reading.dates import find_days, mask_periods, split_periods

_REVISION = r"(?:一部|全部|全面)?(?:改正|改訂|改定|修正|更新|改版|施行|適用|制定|策定|作成|発行|現在|時点)"
_NUMBERED = (
    r"第\s*(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})\s*(?:次|回)?\s*(?:改訂|改定|改正)?版(?!画)"
    r"|第\s*(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})\s*[次回]\s*(?:改訂|改定|改正|修正)版?"
    r"|(?:改訂|改定)\s*第?\s*(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})\s*版"
    r"|(?<![a-z0-9])(?:version|ver|rev|v)[.\s]?\s*[0-9]{1,3}(?:\.[0-9]{1,3})*(?![0-9])"
)
_STATE = r"(?:改正|改訂|改定|修正|更新|最新|現行|確定|決定|暫定|新|旧|初)版"
_DRAFT = re.compile(r"[(\[【]\s*(?:素|原|最終)?案\s*[)\]】]|[_\s](?:素|原|最終)?案$")
_YEAR = rf"(?:{ERA_YEAR}|(?:令和|平成|昭和)\s*[一二三四五六七八九十]{{1,3}}(?=年)|(?<![0-9])(?:19|20)[0-9]{{2}}(?![0-9]))\s*(?:年度?)?(?:版|分|用)?"
_MARKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _NUMBERED,
        _STATE,
        rf"(?<=[(\[【_\s]){_REVISION}(?:後|日|版)?(?=$|[)\]】_\s])",
        rf"(?:{_REVISION})(?:後|日|版)?$",
        r"[(\[【]\s*(?:最新|現行|新|旧)\s*[)\]】]|^(?:最新|現行|新|旧)[_\s]",
        r"[(\[]\s*(?:訓令甲?|規則|条例|規程|告示|要綱|内規)第\s*[0-9]+\s*号\s*[)\]]",
        r"[_\s-]+(?:最新|現行|新|旧|new|old|final|コピー)$",
        r"(?<![出絶])版$",
    )
)
_EMPTY_BRACKETS = re.compile(r"[(\[【「『<][\s・、,_.\-:]*[)\]】」』>]")
_FILLING = re.compile(r"[\s_・.、,:\-]+")
_EDITION_WORDS = re.compile(
    rf"{_NUMBERED}|{_STATE}|年度?版|[0-9]{{4}}版|(?:改訂|改定|修正|改版)|(?:改正|更新|施行|適用|現在|時点)(?:版|後|日)?(?=$|[)\]】_\s])|(?:改正|更新|施行|適用)(?=[\s:(]*(?:令和|平成|[rh][0-9]|[12][0-9]{{3}}))",
    re.IGNORECASE,
)
_PERIODICAL = re.compile(
    r"議事録|会議録|議事要旨|会議要旨|会議結果|広報|市報|町報|村報|だより|便り|通信|新聞|週報|月報|日報|回覧|報道|プレスリリース|記者会見|ニュース|メールマガジン|定例会|臨時会"
    r"|第\s*[0-9一二三四五六七八九十]+\s*回(?!\s*(?:改訂|改定|改正))|[0-9]{1,2}\s*月号"
)
_NOTHING_PARTICULAR = re.compile(
    r"(?:資料|様式|別紙|別添|別表|参考|添付|次第|名簿|一覧|表|目次|表紙|概要|本編|マニュアル|手引き?|手順書?|要綱|要領|規程|規則|条例|計画書?|報告書?|通知"
    r"|お知らせ|説明|会議|業務|事務|実施|研修|よくある(?:ご)?質問|q&a|faq|untitled|document|sheet|book|presentation|microsoft|word|excel|powerpoint|無題|新規|文書|テキスト"
    r"|について|[第号のその()]|[0-9]|[a-z](?![a-z]))*"
)
_MUNICIPALITY = re.compile(r"^[^の]{1,6}?[都道府県市区町村]")
_OFFICE = re.compile(r".+(?:課|室|局|部|係|役場|役所|委員会)")
_STORE_FOLDER = re.compile(
    r"旧版?|過去(?:分|の.*)?|過年度(?:分)?|最新版?|現行版?|新版?|アーカイブ|保存版?|archives?|old|new|latest",
    re.IGNORECASE,
)


def strip_marks(name: str) -> str:
    """Return what a title or file name is called in every edition: no year, day, number of the edition, state or draft.

    The numbers of plans (第6次), of forms (様式第3号) and the years of a period stay: they name another text.

    >>> [strip_marks(n) for n in ["令和6年度版 窓口事務マニュアル", "窓口事務マニュアル（令和５年度版）", "R6_窓口事務マニュアル_第3版", "窓口事務マニュアル_20240401"]]
    ['窓口事務マニュアル', '窓口事務マニュアル', '窓口事務マニュアル', '窓口事務マニュアル']
    >>> [strip_marks(n) for n in ["旅費規程(令和6年4月1日改正)", "旅費規程【改訂版】", "旅費規程 R5.10.1施行", "旅費規程（案）"]]
    ['旅費規程', '旅費規程', '旅費規程', '旅費規程']
    >>> [strip_marks(n) for n in ["第６次総合計画", "総合計画(2021-2030)", "様式第3号 令和6年度用", "出版計画"]]
    ['第6次総合計画', '総合計画(2021-2030)', '様式第3号', '出版計画']
    """
    clean = unicodedata.normalize("NFKC", name).strip()
    parts = [part if is_period else _strip_part(part) for part, is_period in split_periods(clean)]
    text = _FILLING.sub(lambda m: "-" if m[0] == "-" else " ", "".join(parts))
    while (shorter := _strip_words(text)) != text:
        text = shorter
    return re.sub(r"(?<![0-9])[\s-]+|[\s-]+(?![0-9])", "", text).casefold()


def _strip_part(part: str) -> str:
    for found in reversed(find_days(part)):
        part = part[: found.start] + " " + part[found.end :]
    return re.sub(_YEAR, " ", re.sub(_NUMBERED, " ", part, flags=re.IGNORECASE))


def _strip_words(text: str) -> str:
    text = _DRAFT.sub(" ", text)
    for pattern in _MARKS:
        text = pattern.sub(" ", text)
    return _EMPTY_BRACKETS.sub(" ", text).strip(" -")


def is_draft(name: str) -> bool:
    """Tell whether a name says that the text is a draft.

    >>> is_draft("第3次計画（素案）"), is_draft("規程_案"), is_draft("窓口のご案内"), is_draft("議案書")
    (True, True, False, False)
    """
    return bool(_DRAFT.search(unicodedata.normalize("NFKC", name).strip()))


def is_issue(name: str) -> bool:
    """Tell whether a name is that of one issue or meeting of many, each a document of its own.

    >>> is_issue("広報緑沢2022-08"), is_issue("第3回審議会資料"), is_issue("様式第3号"), is_issue("防災計画第2回改訂")
    (True, True, False, False)
    """
    return bool(_PERIODICAL.search(unicodedata.normalize("NFKC", name)))


def is_particular(key: str) -> bool:
    """Tell whether what `strip_marks` left names one text wherever it stands; 資料1, マニュアル, 緑沢町 and 総務課 do not.

    >>> [is_particular(key) for key in ["窓口事務マニュアル", "緑沢町旅費規程", "決算書"]]
    [True, True, True]
    >>> [is_particular(key) for key in ["資料1", "業務マニュアル", "緑沢町", "緑沢町総務課", "sheet1", ""]]
    [False, False, False, False, False, False]
    """
    rest = _MUNICIPALITY.sub("", key)
    return len(rest) > 2 and not _OFFICE.fullmatch(rest) and not _NOTHING_PARTICULAR.fullmatch(rest)


def says_edition(name: str) -> bool:
    """Tell whether a name calls its text an edition, and not just the text of a year.

    >>> [says_edition(name) for name in ["手引(令和6年度版)", "防災計画 第2次修正", "名簿(令和6年4月1日現在)", "旅費規程_改正R6.4.1"]]
    [True, True, True, True]
    >>> [says_edition(name) for name in ["令和6年度決算書", "R6予算", "条例改正のお知らせ", "2024統計"]]
    [False, False, False, False]
    """
    return bool(_EDITION_WORDS.search(unicodedata.normalize("NFKC", name).strip()))


def says_year(name: str) -> bool:
    """Tell whether a name gives a year or day that is no part of a period.

    >>> says_year("令和6年度決算書"), says_year("計画(2021-2030)"), says_year("決算書")
    (True, False, False)
    """
    clean = mask_periods(unicodedata.normalize("NFKC", name))
    return bool(re.search(_YEAR, clean) or find_days(clean))


def says_day(name: str) -> bool:
    """Tell whether a name gives a day or month that is no part of a period.

    >>> says_day("通知_20240401"), says_day("令和6年度予算")
    (True, False)
    """
    return bool(find_days(mask_periods(unicodedata.normalize("NFKC", name))))


def strip_folders(folders: Sequence[str]) -> tuple[str, ...]:
    """Return folders without those that only say of which year or state their files are.

    >>> strip_folders(("税務課", "令和6年度", "旧版")), strip_folders(("教育課", "緑沢小学校"))
    (('税務課',), ('教育課', '緑沢小学校'))
    """
    kept = (folder for folder in folders if not _STORE_FOLDER.fullmatch(unicodedata.normalize("NFKC", folder)))
    return tuple(key for folder in kept if (key := strip_marks(folder)))
