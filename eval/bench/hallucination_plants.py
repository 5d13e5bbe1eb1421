"""Plant one error into a true sentence: patterns of their own, not those of the checker, so that what it overlooks shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

_DIGITS = r"(?<![0-9０-９,.．第年])([1-9][0-9]*)"
_UNITS = r"人|名|件|回|枚|通|%|％|パーセント|ポイント|キロメートル|メートル|センチメートル|世帯|個|本|歳|点|か所|箇所|台|種類|時間|分間|日間|日以内|日前|日以上|か月|ヶ月|週間|年間|年以内|年以上|倍|割|頁|校|団体|者|社|区画"
_NUMBER = re.compile(rf"{_DIGITS}(?=(?:{_UNITS}))")
_UNIT_SWAPS = {
    "人": "件", "名": "件", "件": "人", "回": "人", "枚": "人", "通": "人", "％": "人", "%": "人", "か月": "日", "日以内": "か月以内", "日前": "か月前",
    "週間": "か月", "年間": "か月間", "年以内": "か月以内", "キロメートル": "メートル", "センチメートル": "メートル", "メートル": "キロメートル", "世帯": "人",
    "歳": "人", "点": "件", "時間": "日", "日間": "年間", "円": "人", "台": "人", "件数": "人", "日以上": "年以上", "年以上": "日以上",
}  # fmt: skip
_UNIT = re.compile(rf"(?<=[0-9０-９])({'|'.join(sorted(_UNIT_SWAPS, key=len, reverse=True))})(?!度|額)")
_DATES = (
    re.compile(r"(?<=令和)([0-9]{1,2})(?=年)"), re.compile(r"(?<=平成)([0-9]{1,2})(?=年)"), re.compile(r"(?<=昭和)([0-9]{1,2})(?=年)"),
    re.compile(r"(?<![0-9])([12][0-9]{3})(?=年)"), re.compile(r"(?<![0-9])([1-9]|1[0-2])(?=月[0-9末])"), re.compile(r"(?<=月)([1-9]|[12][0-9]|3[01])(?=日)"),
)  # fmt: skip
_WEEKDAY = re.compile(r"([月火水木金土日])(?=曜)")
_AMOUNT = re.compile(r"(?<![0-9,.])([1-9][0-9,]*)(?=(?:千|万|百万|億)?円)")
_ARTICLE = re.compile(r"(?<=第)([0-9]+|[一二三四五六七八九十]+)(?=[条項号])")
_FORM = re.compile(r"(?<=様式第)([0-9]+)(?=号)")
_PHONE = re.compile(r"(?<=内線)([0-9]{2,4})|(?<=[0-9]-)([0-9]{3,4})(?![0-9\-])")
_TIME = re.compile(r"(?<=午前|午後)([0-9]{1,2})(?=時)")
_NAME = re.compile(
    r"[一-鿿ァ-ヺー]{1,5}(?:課|住民係|小学校|中学校|公民館|地区|センター|町|市|村|県|省|庁|大学|税法|[護業険]法|条例|[一-鿿]{2}駅)(?![一-鿿])"
)
_COMMON = re.compile(
    r"[各同本当全他]|担当|所管|主管|市町|小中学|一部|.*方法|処分|以外|.*(?:学校|市町村|地区)$(?<![一-鿿]{3})"
)
_FLIPS: Sequence[tuple[str, str]] = (
    ("できません", "できます"), ("できます", "できません"), ("できない", "できる"), ("できる", "できない"), ("必要です", "不要です"), ("不要です", "必要です"),
    ("必要がある", "必要がない"), ("必要はありません", "必要があります"), ("必要としない", "必要とする"), ("以上", "未満"), ("以下", "以上"), ("未満", "以上"),
    ("以内", "以降"), ("を超える", "未満の"), ("有料", "無料"), ("無料", "有料"), ("増加", "減少"), ("減少", "増加"), ("義務", "任意"), ("対象となります", "対象外となります"),
    ("対象です", "対象外です"), ("該当しません", "該当します"), ("該当します", "該当しません"), ("しなければならない", "しなくてもよい"), ("てください", "ないでください"),
    ("認められません", "認められます"), ("含みます", "含みません"), ("含まれます", "含まれません"), ("除く", "含む"), ("ありません", "あります"),
    ("しません", "します"), ("なりません", "なります"), ("受け付けます", "受け付けません"), ("支給します", "支給しません"), ("課されます", "課されません"),
)  # fmt: skip
_MASU = re.compile(r"(?<!とされてい)ます。$")
INVENTED = (
    "申請はスマートフォンの専用アプリからも受け付けています。", "詳細は毎月発行の広報紙に掲載されます。", "希望者には職員が自宅を訪問して説明します。", "結果は電子メールで順次お知らせします。",
    "予約なしで来庁した方は整理券を受け取ってください。", "この制度は住民からの強い要望を受けて創設されました。", "手続の際は印鑑と預金通帳の原本が欠かせません。", "外国語の通訳を無料で手配できます。",
    "代金はクレジットカードの分割払いにも対応しています。", "近隣の自治体と共同で運営しています。", "駐車場は混雑するため公共交通機関の利用が推奨されます。", "過去の利用者からは高い評価を得ています。",
    "担当者が不在の場合は後日折り返し電話します。", "抽選に外れた方は翌年度に優先されます。", "審査には弁護士と税理士が立ち会います。", "違反者の氏名は掲示板で公表されます。",
    "議会の議決を経て知事が最終的に承認します。", "専門家による無料相談会も定期的に開催されます。", "会員登録をすると割引の特典が受けられます。", "夜間は警備会社が巡回して対応します。",
)  # fmt: skip

Plant = Callable[[str, Random], "str | None"]


def _other_number(written: str, random: Random) -> str:
    """Return another number that looks as likely: one more, a digit changed, two exchanged, ten times as much."""
    number = int(written.replace(",", ""))
    text = str(number)
    place = random.randrange(len(text))
    changed = text[:place] + random.choice([d for d in "123456789" if d != text[place]]) + text[place + 1 :]
    other = random.choice([number + 1, max(1, number - 1), number + 5, number * 2, int(changed), number * 10])
    other = other if other != number else number + 1
    return f"{other:,}" if "," in written else str(other)


def _change(pattern: re.Pattern[str]) -> Plant:
    def plant(sentence: str, random: Random) -> str | None:
        matches = list(pattern.finditer(sentence))
        if not matches:
            return None
        match = random.choice(matches)
        other = (
            _other_number(match[0], random)
            if match[0][0].isascii()
            else random.choice("二三四五六七八九".replace(match[0], ""))
        )
        return sentence[: match.start()] + other + sentence[match.end() :]

    return plant


def _plant_unit(sentence: str, random: Random) -> str | None:
    matches = list(_UNIT.finditer(sentence))
    if not matches:
        return None
    match = random.choice(matches)
    return sentence[: match.start()] + _UNIT_SWAPS[match[0]] + sentence[match.end() :]


def _plant_date(sentence: str, random: Random) -> str | None:
    matches = [match for pattern in _DATES for match in pattern.finditer(sentence)]
    days = list(_WEEKDAY.finditer(sentence))
    if days and (not matches or random.random() < 0.2):
        match = random.choice(days)
        return sentence[: match.start()] + random.choice("月火水木金".replace(match[0], "")) + sentence[match.end() :]
    if not matches:
        return None
    match = random.choice(matches)
    number, most = int(match[0]), {1: 9, 2: 28, 4: 2100}[len(match[0])] if len(match[0]) != 2 else 28
    other = random.choice(
        [n for n in (number + 1, number - 1, number + 2, number - 3) if 1 <= n <= max(most, number)] or [number - 1]
    )
    return sentence[: match.start()] + str(other) + sentence[match.end() :]


def _plant_flip(sentence: str, random: Random) -> str | None:
    flips = [(word, other) for word, other in _FLIPS if word in sentence.removesuffix("とされています。")]
    if flips and (random.random() < 0.8 or not _MASU.search(sentence)):
        word, other = random.choice(flips)
        if word == "てください":
            return (
                re.sub(r"(し|出し|付け|入れ|示し|受け)てください", r"\1ないでください", sentence, count=1)
                if "してください" in sentence
                else None
            )
        place = sentence.removesuffix("とされています。").rindex(word)
        return sentence[:place] + other + sentence[place + len(word) :]
    return _MASU.sub("ません。", sentence) if _MASU.search(sentence) else None


def find_names(text: str) -> list[str]:
    """Return names of organisations and places in a text by their endings."""
    return [match[0] for match in _NAME.finditer(text) if not _COMMON.match(match[0]) and len(match[0]) > 2]


def plant_name(sentence: str, random: Random, names: Sequence[str]) -> str | None:
    """Return the sentence with a name of another place or organisation of the same kind."""
    own = find_names(sentence)
    if not own:
        return None
    name = random.choice(own)
    others = [other for other in names if other[-1] == name[-1] and other not in name and name not in other]
    return sentence.replace(name, random.choice(others)) if others else None


_SWAPPED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![0-9,.])[1-9][0-9,]*(?:千|万|億)?円", r"(?<![0-9,.])[1-9][0-9,]*(?:人|世帯|件|%|％)", r"(?<![0-9])[0-9]{1,2}(?:日以内|か月以内|日前|年以内)",
        r"(?<![0-9])[0-9]{1,2}月[0-9]{1,2}日", r"様式第[0-9]+号", r"午[前後][0-9]{1,2}時(?:[0-9]{1,2}分)?", r"内線[0-9]+", r"(?<![0-9])[12][0-9]{3}年",
    )
)  # fmt: skip


def plant_swap(sentence: str, random: Random, passage: str, original: str) -> str | None:
    """Return the sentence with a value that its own passage states of something else."""
    choices = []
    for pattern in _SWAPPED:
        own = pattern.findall(original)
        others = [value for value in pattern.findall(passage.replace(original, "")) if value not in original]
        choices += [(value, random.choice(others)) for value in own if others and value in sentence]
    if not choices:
        return None
    value, other = random.choice(choices)
    return sentence.replace(value, other)


PLANTS: Mapping[str, Plant] = {
    "数": _change(_NUMBER),
    "単位": _plant_unit,
    "日付・年": _plant_date,
    "金額": _change(_AMOUNT),
    "条番号": _change(_ARTICLE),
    "様式番号": _change(_FORM),
    "電話番号": _change(_PHONE),
    "時刻": _change(_TIME),
    "肯定と否定": _plant_flip,
}
"""Label of a kind of error -> what plants it into a sentence; None where there is nothing to change."""
