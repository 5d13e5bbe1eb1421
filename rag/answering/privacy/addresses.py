"""Postal addresses and bank accounts: a place or a bank in words, and behind it a number of a form that only these have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answering.privacy.kinds import PersonalKind, ReadableText

Found = tuple[PersonalKind, int, int]

PREFECTURES = (
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県"
    " 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 佐賀県"
    " 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"
).split()
_PREFECTURE = re.compile("|".join(PREFECTURES))
_N = r"(?:[0-9]{1,5}|[〇一二三四五六七八九十百千]{1,5})"
_HOUSE = re.compile(
    rf"(?<![0-9a-zA-Z第〇一二三四五六七八九十百千])(?:"
    rf"(?P<sure>(?:{_N} ?丁目 ?)?(?:{_N}番地(?: ?[のノ\-]? ?{_N}(?:-{_N})*(?:号(?!線))?)?|{_N}番(?: ?{_N}(?:-{_N})*号?|-{_N}(?:-{_N})*号?))"
    rf"|{_N}丁目 ?{_N}(?:-{_N})*号?|無番地)"
    rf"|(?P<lines>[0-9]{{1,5}}(?:-[0-9]{{1,5}}){{1,4}}(?:号(?!線|議案))?)"
    rf"|(?P<lone>[0-9]{{1,5}}(?! ?[番丁号から~]))"
    rf")(?![0-9A-Za-z]|-[0-9]| ?(?:年|月|日|時|人|円|%|号線|項|条|階|班|組|名|件|歳|番窓口|km|m|ページ|頁|款|節|章|丁目|番))"
)
_LETTERS = "[一-鿿々ぁ-んァ-ヶーノ]"
_PLACE = re.compile(rf"{_LETTERS}{{1,30}}(?:(?<=[都道府県市区町村郡目字]) {_LETTERS}{{1,20}}){{0,3}} ?$")
_TOWN_END = re.compile(r"(?:[町村区字]|丁目) ?$")
_INSIDE = re.compile(r"[都道府県市区町村郡].*|字.")
_AREA = re.compile(r"(?:大字|字|小字)[一-鿿ぁ-んァ-ヶーノ]{1,10} ?$")
_LABEL = re.compile(
    r"(?:現住所|旧住所|新住所|住所|所在地|所在|本籍地|本籍|居所|自宅|実家|転居先|転出先|転入先|送付先|届け先|宛先|連絡先|あて先|場所|現場|避難先|所有地)[ :]*$"
)
_ADDRESS_NEAR = re.compile(
    r"住所|所在|本籍|住んで|住まい|居住|自宅|実家|転居|転出|転入|引っ?越|送付先|宛|あて|在住|うちは|家は|宅"
)
_HOME_NEAR = re.compile(r"住所[は:がを ]|所在地|本籍|住んで|お住まい|居住|実家|引っ?越")
_NO_PLACE = re.compile(
    r"(?:基通|措通|通達|法|令|規則|図|表|式|様|料|目標|施策|項目|番号|議案|課題|方針|計画|事業|指標|章|節|条|約|第|全|各|計|合計|面積|区間|コード|令和|平成|昭和|資料|別紙|別添|写真|問|例|注"
    r"|数|率|額|量|長|幅|高さ|寸法|比率|得点|結果|スコア|路線|号|電話|内線|窓口|型|版|年度|期|回) ?$"
)
_BUILDING = re.compile(
    r" ?(?:[一-鿿々ぁ-んァ-ヶーA-Za-z]{0,10}(?:ハイツ|マンション|アパート|荘|コーポ|ビル|レジデンス|メゾン|ハウス|団地|住宅|寮|役場)"
    r"(?:[一-鿿々ァ-ヶーA-Z]{1,6})??(?: ?[0-9A-Z]{1,3}棟)?(?: ?[0-9]{1,5}(?:号室|号|室)?(?![0-9])|[0-9]{1,2}階)?)(?![一-鿿])"
)
_ROOM = re.compile(r" ?[0-9]{1,4}号室")
_POSTAL = re.compile(r"〒 ?[0-9]{3}-?[0-9]{4}(?![0-9])|(?<=郵便番号)[ :は]{0,3}(?P<bare>[0-9]{3}-?[0-9]{4})(?![-0-9])")
_BETWEEN = re.compile(r"[ \n]{0,3}")
_KYOTO = frozenset("上る 下る 入る 東入 西入 ノ ヶ ケ".split())

_BANK = re.compile(r"銀行|信用金庫|信金|信用組合|農業協同組合|農協|労働金庫|労金|漁業協同組合")
_BRANCH = re.compile(
    r" ?(?:[一-鿿々ぁ-んァ-ヶー]{1,10} ?)?(?:[(]?(?:普通|当座|貯蓄|総合)[)]?(?:預金|貯金)?)[ ]*(?:口座)?(?:番号)?[ :は]*(?:No\.? ?)?"
    r"[0-9]{6,8}(?![0-9,]|円|千円|人|件)"
)
_KIND_NUMBER = re.compile(
    r"[(]?(?:普通|当座|貯蓄)[)]?(?:預金|貯金)?[ :]*(?:No\.? ?)?[0-9]{6,8}(?![0-9,]|円|千円|人|件)"
)
_ACCOUNT_NUMBER = re.compile(
    r"(?:口座(?:の)?番号|(?:普通|当座|貯蓄)(?:預金|貯金)(?:口座)?の(?:口座)?番号)[^0-9\n。]{0,6}(?P<number>[0-9]{6,8})(?![0-9,])"
)
_POST_OFFICE = re.compile(
    r"(?:ゆうちょ銀行 ?|郵便局 ?)?記号[ :]*[01][0-9]{4}(?:-?[0-9])?[ 、,・]*番号[ :]*[0-9]{1,8}(?![0-9])"
    r"|(?<![0-9\-])0[0-9]{4}-[0-9]-[0-9]{1,6}(?![-0-9])"
)


def find_addresses(text: ReadableText) -> Iterator[Found]:
    """Yield (kind, start, end) of each address with a number of a house, a postal code in front and a building behind included."""
    last = None
    for start, end in sorted((*_find_postal_codes(text.folded), *_find_streets(text))):
        if last and _BETWEEN.fullmatch(text.folded[last[1] : start]):
            last = (last[0], end)
            continue
        if last:
            yield PersonalKind.ADDRESS, *last
        last = (start, end)
    if last:
        yield PersonalKind.ADDRESS, *last


def find_accounts(text: ReadableText) -> Iterator[Found]:
    """Yield (kind, start, end) of each bank account, with the names of bank and branch where they stand in front."""
    folded = text.folded
    for match in _BANK.finditer(folded):
        if branch := _BRANCH.match(folded, match.end()):
            start = _find_start(text, match.end())
            yield PersonalKind.ACCOUNT, match.start() if start is None else start, branch.end()
    for pattern in (_POST_OFFICE, _KIND_NUMBER):
        for match in pattern.finditer(folded):
            yield PersonalKind.ACCOUNT, match.start(), match.end()
    for match in _ACCOUNT_NUMBER.finditer(folded):
        yield PersonalKind.ACCOUNT, match.start("number"), match.end("number")


def _find_postal_codes(folded: str) -> Iterator[tuple[int, int]]:
    for match in _POSTAL.finditer(folded):
        yield match.span("bare") if match["bare"] else match.span()


def _find_streets(text: ReadableText) -> Iterator[tuple[int, int]]:
    for match in _HOUSE.finditer(text.folded):
        start = _find_place(text, match.start())
        if start is not None and _is_address(text, match, text.folded[start : match.start()]):
            yield start, _find_end(text.folded, match.end())


def _find_place(text: ReadableText, end: int) -> int | None:
    """Return where the words of a place begin that end in front of a number; None where there are none."""
    line = text.before(end, 40)
    run = _PLACE.search(line)
    if not run:
        return None
    floor = end - len(line) + run.start()
    prefectures = list(_PREFECTURE.finditer(text.folded, floor, end))
    if prefectures:
        return prefectures[-1].start()
    return _find_start(text, end, floor=floor)


def _find_start(text: ReadableText, end: int, floor: int = 0) -> int | None:
    """Return where the nouns begin that end at a place, without what only announces an address."""
    if text.folded[end - 1] == " ":
        end -= 1
    place, start = text.part_before.get(end), None
    while place is not None and place >= 0 and (part := text.parts[place]).start >= floor:
        is_blank = part.text == " " and start is not None and place and text.parts[place - 1].text[-1] in "県市区町村郡"
        if not (part.is_noun or part.text in _KYOTO or is_blank) or _LABEL.search(text.folded[floor : part.end]):
            break
        start, place = part.start, place - 1
    return start


def _is_address(text: ReadableText, match: re.Match[str], place: str) -> bool:
    """Tell by the form of the number and the words in front of it whether they are an address."""
    if not place.strip() or _NO_PLACE.search(place):
        return False
    if match["sure"]:
        return True
    if match["lone"]:
        return bool(_AREA.search(place))
    near = text.before(match.start(), 40) + text.folded[match.end() : match.end() + 24].partition("。")[0]
    is_town = bool(_TOWN_END.search(place) or _INSIDE.search(place))
    is_three = match["lines"].count("-") > 1
    return is_town or bool((_ADDRESS_NEAR if is_three else _HOME_NEAR).search(near))


def _find_end(folded: str, end: int) -> int:
    for pattern in (_BUILDING, _ROOM):
        if match := pattern.match(folded, end):
            return match.end()
    return end
