"""Names of people: in front of a title, behind 氏名 and the like, and family and given name side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from rag.answering.privacy.kinds import PersonalKind, ReadableText
from rag.words import Piece, find_proper_kinds

Found = tuple[PersonalKind, int, int]
Place = tuple[int, int]

_HONORIFICS = frozenset("さん 様 さま 氏 殿 くん 君 ちゃん 先生".split())
_OFFICES = (
    "町長 副町長 市長 副市長 村長 副村長 知事 教育長 課長 課長補佐 係長 主任 主事 主査 主幹 部長 局長 室長 次長 参事 技師 議員 議長 会長 区長 教諭 校長 園長"
    " 所長 館長 医師 保健師 委員 委員長 理事長 理事 社長 代表取締役 監査委員 座長 班長 組長 団長"
).split()
_OFFICE = re.compile("|".join(sorted(_OFFICES, key=len, reverse=True)))
_OF_A_PLACE = re.compile(r"副?[町市村]長|知事")

_LABEL = r"(?:氏名|お?名前|姓名|フリガナ|ふりがな|名義人?)"
_ROLE = (
    r"(?:申請者|届出人|届出者|世帯主|被保険者|請求者|代理人|保護者|納税義務者|所有者|担当者?|差出人|受取人|宛名|相続人|連絡者|相談者|申出人|申立人"
    r"|依頼者|使用者|申込者|申込人|受給者|対象者|代表者?|責任者|委任者|受任者|後見人|配偶者|父|母|夫|妻|長男|長女|次男|次女)"
)
_NOTE = r"(?:\([^)]{0,8}\))?"
_BEHIND = re.compile(
    rf"{_LABEL}{_NOTE}(?:[ \t]*[:=][ \t]*|[ \t]+|[(「『]|は、?)"
    rf"|{_ROLE}{_NOTE}(?:[ \t]*[:=][ \t]*|[ \t]+|[(「『])"
    rf"|(?:{_OFFICE.pattern}|[課係室局部])[ \t・:]+"
)
_LATIN = r"[A-Z][A-Za-z'\-]*(?: [A-Z][A-Za-z'\-]*){0,4}"
_LATIN_BEFORE_TITLE = re.compile(rf"(?<![A-Za-z])(?P<name>(?=[A-Za-z]{{2}}){_LATIN})(?= ?(?:さん|様|氏|殿))")
_LATIN_BEHIND_LABEL = re.compile(
    rf"(?:{_LABEL}|{_ROLE})[ \t]*[: \t][ \t]*(?P<name>(?=[A-Za-z]{{2}}){_LATIN})(?![A-Za-z])"
)
_READING = re.compile(
    r"(?:フリガナ|ふりがな|よみがな|読み仮名)[): \t]+(?P<name>[ぁ-んー]{1,8} [ぁ-んー]{1,8})(?![ぁ-ん])"
)
_LETTER = re.compile("[A-Za-z]")
_KATAKANA = re.compile(r"[ァ-ヶー]{2,}")
_SAYS_SO = re.compile(r"(?:です(?:が|けど|けれど|。|、)|と申し|と名乗|と(?:いい|言い)ます)")
_TO_REACH = re.compile(r"[( ]{1,2}(?:(?:電話|携帯|TEL)(?:番号)?[ :]*)?(?:0[0-9]{1,3}[-( 0-9]|\+[0-9]|[A-Za-z0-9._]+@)")
_ERA = re.compile("明治|大正|昭和|平成|令和")
_BETWEEN = frozenset((" ", "・", "="))
_NO_NAME = frozenset(
    "印 様 本人 代表 同上 殿 大家 奥 業者 農家 客 皆 子 母 父 兄 姉 弟 妹 娘 嫁 孫 仕 同 両 某 貴 役 何 先 彼 源 赤 番 方 者 甲 乙 丙 丁 町 村 市 区 県"
    " 電話 町民 住民 市民 村民 区民 担当 職員 住所 年齢 性別 続柄 学年".split()
)
_MOST_PARTS = 5
_NOT_OF_A_PERSON = re.compile(
    r"[都道府県市区町村郡駅川橋港山島](?!長)|団地|地区|記念|学校|神社|通り|という地名|線|法|[苑園院館]"
)


class _Nameness(IntEnum):
    """How much a word looks like a name: not at all, standing in no dictionary, among other meanings, here."""

    NONE = 0
    UNKNOWN = 1
    MAYBE = 2
    SURE = 3


def find_names(text: ReadableText) -> Iterator[Found]:
    """Yield (kind, start, end) of each name, without its title or label; one place may be found twice."""
    for finder in (_before_titles, _behind_labels, _full_names, _said_names, _names_by_letters):
        for start, end in finder(text):
            yield PersonalKind.NAME, start, end


def _before_titles(text: ReadableText) -> Iterator[Place]:
    """Yield names in front of さん, 様, 課長 and other titles."""
    for place, part in enumerate(text.parts):
        office = _OFFICE.match(text.folded, part.start)
        if part.text in _HONORIFICS and part.kinds[0] != "名詞":
            last = place - 2 if place and text.parts[place - 1].text == " " else place - 1
            is_idiom = part.text in ("様", "さま") and text.parts[last].text in ("神", "王")
            found = None if is_idiom else _name_that_ends(text.parts, last)
        elif (office and part.is_noun and office.end() >= part.end) or part.text == "先生":
            found = _name_that_ends(text.parts, place - 1)
            is_place = office and _OF_A_PLACE.match(office[0])
            if found and not _is_officer(text.parts[slice(*found)], may_be_place=bool(is_place)):
                found = None
        else:
            continue
        if found:
            yield text.parts[found[0]].start, text.parts[found[1] - 1].end


def _behind_labels(text: ReadableText) -> Iterator[Place]:
    """Yield names behind 氏名：, 世帯主, 町長 and other labels; 印鑑 behind 申請者は is none."""
    for match in _BEHIND.finditer(text.folded):
        place = text.part_at.get(match.end())
        if place is None:
            continue
        end = _name_that_begins(text.parts, place)
        if end and not _NOT_OF_A_PERSON.match(text.folded, text.parts[end - 1].end):
            yield match.end(), text.parts[end - 1].end


def _full_names(text: ReadableText) -> Iterator[Place]:
    """Yield family and given name side by side, wherever they stand."""
    parts = text.parts
    for place, part in enumerate(parts):
        if part.person != "姓" and not (part.kinds[1] == "固有名詞" and "姓" in find_proper_kinds(part.text)):
            continue
        given = place + 2 if place + 2 < len(parts) and parts[place + 1].text == " " else place + 1
        if given < len(parts) and parts[given].person == "名" and parts[given].text not in _NO_NAME:
            end = parts[given].end
            is_set_wide = (
                end - part.start == 3 and given == place + 2
            )  # 目 標 is a heading with blanks between its letters
            if not (is_set_wide or _ERA.match(text.folded, part.start) or _NOT_OF_A_PERSON.match(text.folded, end)):
                yield part.start, end


def _said_names(text: ReadableText) -> Iterator[Place]:
    """Yield family names that stand alone before です, と申します, or a telephone number or e-mail address."""
    for place, part in enumerate(text.parts):
        if part.person != "姓" or _is_noun(text.parts, place - 1):
            continue
        if _SAYS_SO.match(text.folded, part.end) or _TO_REACH.match(text.folded, part.end):
            yield part.start, part.end


def _names_by_letters(text: ReadableText) -> Iterator[Place]:
    """Yield names in Latin letters, and readings in hiragana: no dictionary helps with them."""
    for pattern in (_LATIN_BEFORE_TITLE, _LATIN_BEHIND_LABEL, _READING):
        for match in pattern.finditer(text.folded):
            yield match.span("name")


def _name_that_ends(parts: list[Piece], last: int) -> Place | None:
    """Return [first, end) of the words of the name whose last word is at a place; None where there is no name."""
    if last < 0 or not _judge(parts[last]):
        return None
    first = last
    while last - first < _MOST_PARTS:
        is_spaced = first > 1 and parts[first - 1].text in _BETWEEN
        ahead = first - 2 if is_spaced or _is_bridge(parts, first - 1) else first - 1
        if ahead < 0 or not _belong_together(parts[ahead], parts[first], spaced=is_spaced):
            break
        first = ahead
    return (first, last + 1) if _is_name(parts, first, last + 1) else None


def _is_bridge(parts: list[Piece], place: int) -> bool:
    """Tell whether a single character stands between a family and a given name: the dictionary does not know 鬼頭院."""
    if place < 1 or place + 1 >= len(parts) or len(parts[place].text) != 1 or not parts[place].is_noun:
        return False
    return parts[place - 1].person == "姓" and parts[place + 1].person == "名"


def _name_that_begins(parts: list[Piece], first: int) -> int | None:
    """Return the end, among the words, of the name that begins at a place; None where there is no name."""
    if first >= len(parts) or not _judge(parts[first]):
        return None
    end = first + 1
    while end - first < _MOST_PARTS:
        is_spaced = end + 1 < len(parts) and parts[end].text in _BETWEEN
        following = end + 1 if is_spaced else end
        if following >= len(parts) or not _belong_together(parts[end - 1], parts[following], spaced=is_spaced):
            break
        end = following + 1
    name = [part for part in parts[first:end] if part.text not in _BETWEEN]
    is_single = len(name) == 1 and _judge(name[0]) < _Nameness.SURE and name[0].kinds[1] != "固有名詞"
    return None if is_single or not _is_name(parts, first, end) else end


def _judge(part: Piece) -> _Nameness:
    if part.text in _NO_NAME or not part.is_noun or _LETTER.fullmatch(part.text):
        is_given = part.text not in _NO_NAME and "名" in find_proper_kinds(part.text)
        is_word = len(part.text) > 1 or part.kinds[1] == "数詞"
        return _Nameness.MAYBE if is_given and is_word else _Nameness.NONE
    if part.person:
        return _Nameness.SURE
    if find_proper_kinds(part.text) & {"姓", "名"}:
        return _Nameness.MAYBE
    return _Nameness.NONE if part.is_known or len(part.text) < 2 else _Nameness.UNKNOWN


def _belong_together(one: Piece, other: Piece, *, spaced: bool) -> bool:
    """Tell whether two neighbours among the words are of one name."""
    first, second = _judge(one), _judge(other)
    if not first or not second:
        return False
    if _KATAKANA.fullmatch(one.text) and _KATAKANA.fullmatch(other.text):
        return spaced or _Nameness.SURE in (first, second)
    if one.person == "名" and other.person == "姓":
        return False
    if one.person == other.person == "名":
        return not spaced  # 花乃進 is two names to the dictionary
    family = one.person == "姓" or "姓" in find_proper_kinds(one.text)
    given = other.person == "名" or "名" in find_proper_kinds(other.text)
    return family and given and (spaced or _Nameness.SURE in (first, second))


def _is_name(parts: list[Piece], first: int, end: int) -> bool:
    """Tell whether a run of words that look like a name is one: one is sure, or it stands alone."""
    if any(_judge(part) is _Nameness.SURE for part in parts[first:end]):
        return True
    return not _is_noun(parts, first - 1)


def _is_officer(name: list[Piece], *, may_be_place: bool) -> bool:
    """Tell whether words in front of an office are a name and no part of the office; 澄野町長 is the mayor of a town."""
    return any(part.person or part.kinds[1] == "固有名詞" for part in name) and (not may_be_place or len(name) > 1)


def _is_noun(parts: list[Piece], place: int) -> bool:
    return place >= 0 and parts[place].kinds[0] in ("名詞", "接頭辞")
