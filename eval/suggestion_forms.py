"""Questions that a sentence answers, in the words of someone at the counter, each with what a right answer contains.

A form is a pattern over one sentence of a document; what it puts into the question are words of that sentence, and its key fact
stands there letter by letter. A sentence that no form fits gives no question: better none than a crooked one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Asked(NamedTuple):
    """A question about a sentence. kind: what it asks for (金額, 期限, …)."""

    kind: str
    question: str
    key_facts: tuple[str, ...]


NUMBER = r"[0-9０-９一二三四五六七八九十百千万,，.]"
_THING = r"(?P<thing>[^、。はがをにでも（）()「」『』・:：\s]{2,24})"
_FORM_OF_THING = r"(?:[（(][^）)]*[）)])?"
_AMOUNT = rf"(?P<fact>{NUMBER}+円)"
_COUNTED = r"(?:人|名|台|点|個|件|か所|箇所|世帯|団体|枚|本|品)"
_WHEN = rf"(?P<fact>(?:[0-9０-９]+月[0-9０-９]+日(?:[（(][^）)]*[）)])?(?:の)?)?(?:(?:午前|午後)?{NUMBER}+時(?:{NUMBER}+分)?|{NUMBER}+(?:日|か月|箇月|ヶ月|月|週間|年|時間|分)(?:間)?(?:前|以内|後)?)?(?:まで|以内))"
_MOST_MEANING = 24
_DIGIT = re.compile(r"[0-9０-９一二三四五六七八九十末]")
_SOMEBODY = re.compile(r"(?:職員|者|人|課|長|世帯|組織|団体|方|委員)$")
_VERBS = {
    "提出": "提出すれば",
    "届け出": "届け出れば",
    "届出を": "届け出れば",
    "申請": "申請すれば",
    "申し込": "申し込めば",
    "申込み": "申し込めば",
    "報告": "報告すれば",
    "請求": "請求すれば",
    "納付": "納付すれば",
    "返却": "返却すれば",
    "返納": "返納すれば",
    "通知": "通知すれば",
    "連絡": "連絡すれば",
    "精算": "精算すれば",
}
_PER = re.compile(r"(?:[^、。はが]{1,12}(?:につき|当たり|あたり|ごとに|回))")
_LEADING = re.compile(
    r"^[\s　]*(?:第[0-9０-９]+条(?:の[0-9０-９]+)?[\s　]*|[(（][0-9０-９一-十ア-ン]{1,3}[)）]|[①-⑳]|[・●○■※*-]|[0-9０-９]{1,2}(?:[.．、]|(?=[\s　])))?[\s　]*"
    r"(?:また、|なお、|ただし、|この場合、|さらに、)?"
)
_VAGUE = re.compile(
    r"^[0-9０-９]+[月日]|^(?:つい|関する|対する|おけ|係る|かか|よる|よっ|して|これ|それ|この|その|同|当該|前項|次|以下|本|各|上記|下記|右|左|なお|また|場合|もの|こと|とき|者)|(?:場合|とき|もの|こと|ため|うち|ほか|よう|際|等)$|[0-9０-９]$"
)
_ARE = r"(?:である|です|とする|とし|となる|になる|になります|かかります|かかる|を支給|を徴収|を納め|必要)"


def ask_of_sentence(sentence: str) -> Iterator[Asked]:
    """Yield the questions that a sentence answers, the plainest first.

    >>> list(ask_of_sentence("宿泊手当の額は、1夜につき2,400円とする。"))
    [Asked(kind='金額', question='宿泊手当の額は、1夜につきいくらですか。', key_facts=('2,400円',))]
    >>> [a.question for a in ask_of_sentence("2　持出許可申請書（様式第1号）を、持ち出す日の3日前までに提出しなければならない。")]
    ['持出許可申請書はいつまでに提出すればよいですか。', '持出許可申請書の様式は何号ですか。']
    >>> [a.key_facts for a in ask_of_sentence("2　持出許可申請書（様式第1号）を、持ち出す日の3日前までに提出しなければならない。")]
    [('3日前まで',), ('様式第1号',)]
    >>> list(ask_of_sentence("これは、1点につき500円です。")), list(ask_of_sentence("委員は公募します。"))
    ([], [])
    """
    text = _LEADING.sub("", "".join(sentence.split("\n")), count=1)
    for kind, form in _FORMS:
        asked = form(text)
        if asked is not None and not _VAGUE.search(asked[0]):
            yield Asked(kind, asked[1], asked[2])


_Made = tuple[str, str, tuple[str, ...]] | None
"""(what is asked about, question, key facts)."""


def _ask_amount(text: str) -> _Made:
    match = re.match(
        rf"{_THING}{_FORM_OF_THING}は、?(?P<between>[^。]{{0,20}}?){_AMOUNT}(?!ずつ|を超え|以上|未満){_ARE}?", text
    )
    if not match or len(re.findall(r"円", text)) > 1:
        return None
    thing, between = match["thing"], match["between"]
    if (
        between
        and not _PER.fullmatch(between)
        and between not in ("総額", "一律", "年額", "月額", "日額", "1人", "上限")
    ):
        return None
    lead = f"{thing}は、{between}いくらですか。" if between else f"{thing}はいくらですか。"
    return thing, lead, (match["fact"],)


def _ask_limit(text: str) -> _Made:
    match = re.search(
        rf"{_THING}{_FORM_OF_THING}(?:は|を)、?[^、。を]{{0,14}}?(?P<fact>{NUMBER}+円)を(?:上限|限度)", text
    )
    return match and (match["thing"], f"{match['thing']}の上限はいくらですか。", (match["fact"],))


def _ask_deadline(text: str) -> _Made:
    """What must be handed in is asked about: before a comma, or what the sentence is about unless that is somebody, or any object."""
    return _find_deadline(text, "を、") or _find_deadline(text, "は、?", somebody=False) or _find_deadline(text, "を")


def _find_deadline(text: str, particle: str, *, somebody: bool = True) -> _Made:
    pattern = (
        rf"{_THING}{_FORM_OF_THING}{particle}[^。]{{0,30}}?{_WHEN}に、?[^。を]{{0,16}}?(?P<verb>{'|'.join(_VERBS)})"
    )
    match = re.search(pattern, text)
    if not match or not _DIGIT.search(match["fact"]) or (not somebody and _SOMEBODY.search(match["thing"])):
        return None
    return match["thing"], f"{match['thing']}はいつまでに{_VERBS[match['verb']]}よいですか。", (match["fact"],)


def _ask_form(text: str) -> _Made:
    match = re.search(rf"{_THING}[（(](?P<fact>(?:別記)?様式第[0-9０-９]+号(?:の[0-9０-９]+)?)[）)]", text)
    return match and (match["thing"], f"{match['thing']}の様式は何号ですか。", (match["fact"],))


def _ask_times_a_year(text: str) -> _Made:
    match = re.match(
        rf"{_THING}は、?(?P<span>毎年度|毎年|年|毎月|月|週)に?(?P<fact>{NUMBER}+回)(?:以上)?、?(?P<verb>開催|実施|行|収集)",
        text,
    )
    if not match:
        return None
    span = {"毎年度": "年度に", "毎年": "年に", "年": "年に", "毎月": "月に", "月": "月に", "週": "週に"}[match["span"]]
    verb = {"開催": "開催され", "実施": "実施され", "行": "行われ", "収集": "収集され"}[match["verb"]]
    return match["thing"], f"{match['thing']}は{span}何回{verb}ますか。", (match["fact"],)


def _ask_hours(text: str) -> _Made:
    clock = rf"(?:午前|午後)?{NUMBER}+時(?:{NUMBER}+分)?"
    match = re.match(
        rf"{_THING}{_FORM_OF_THING}は、?[^。]{{0,16}}?(?P<from>{clock})から(?P<to>(?:{clock}|正午))まで", text
    )
    if not match or re.search(clock, text[match.end() :]):
        return None
    return match["thing"], f"{match['thing']}は何時から何時までですか。", (match["from"], match["to"])


def _ask_period(text: str) -> _Made:
    match = re.match(
        rf"(?P<thing>[^、。はがをに（）()]{{0,16}}(?:期間|保存年限|有効期限))は、?[^。]{{0,20}}?(?P<fact>{NUMBER}+(?:年|か月|箇月|月|週|日)間?)(?!号)",
        text,
    )
    return match and (match["thing"], f"{match['thing']}はどのくらいですか。", (match["fact"],))


def _ask_count(text: str) -> _Made:
    match = re.match(
        rf"{_THING}は、?(?P<fact>{NUMBER}+(?P<unit>{_COUNTED}))(?:以内|以上|程度|以下|まで)?(?:で|を|と|です|である|が)",
        text,
    )
    if not match:
        return None
    unit = "何人" if match["unit"] in ("人", "名") else f"何{match['unit']}"
    return match["thing"], f"{match['thing']}は{unit}ですか。", (match["fact"],)


def _ask_who(text: str) -> _Made:
    match = re.search(
        r"(?P<thing>[^、。はがをに（）()「」\s]{3,18})は、(?P<fact>[^、。はがを（）]{2,14})をもって充て", text
    )
    if not match:
        match = re.match(
            r"(?:[^。、]{0,20}、)?[^、。]{0,12}に(?P<thing>[^、。はがをに（）()]{3,18})を置き、(?P<fact>[^、。はがを（）]{2,14})をもって充て",
            text,
        )
    return match and (match["thing"], f"{match['thing']}には誰が充てられますか。", (match["fact"],))


def _ask_meaning(text: str) -> _Made:
    match = re.match(
        r"(?:この[^、]{1,8}において、?)?[「『]?(?P<thing>[^、。「」『』は（）()]{2,16})[」』]?とは、?(?P<said>[^。「」『』]{8,120}?)(?:をいう|です|である|のことです)",
        text,
    )
    if not match:
        return None
    fact = re.split(r"[、（）()]", match["said"])[-1]
    return None if len(fact) > _MOST_MEANING else (match["thing"], f"{match['thing']}とは何ですか。", (fact,))


def _ask_extension(text: str) -> _Made:
    match = re.search(
        r"(?P<thing>[^、。はがをに（）()・:：\s]{2,10}(?:課|室|係|センター|出張所))[（(]?(?P<fact>内線[\s　]?[0-9０-９]{2,4})",
        text,
    )
    return match and (match["thing"], f"{match['thing']}の内線番号を教えてください。", (match["fact"],))


_FORMS: tuple[tuple[str, Callable[[str], _Made]], ...] = (
    ("金額", _ask_amount),
    ("金額", _ask_limit),
    ("期限", _ask_deadline),
    ("回数", _ask_times_a_year),
    ("時間", _ask_hours),
    ("期間", _ask_period),
    ("様式", _ask_form),
    ("人数・個数", _ask_count),
    ("担当", _ask_who),
    ("用語", _ask_meaning),
    ("連絡先", _ask_extension),
)
