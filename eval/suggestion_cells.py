"""Questions about the cells of a table, and official questions in other words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from eval.suggestion_forms import NUMBER, Asked

_DATE = re.compile(
    r"^(?:(?:令和|平成|昭和)[0-9０-９元]+年|[0-9０-９]{4}年)?[0-9０-９]{1,2}月(?:[0-9０-９]{1,2}日)?|^毎[週月年]"
)
_PERIOD = re.compile(rf"^{NUMBER}+(?:年|か月|箇月|月|週|日)間?(?:前|以内|後)?(?:まで)?(?:[（(]|$)")
_MONEY = re.compile(rf"^{NUMBER}+(?:円|千円|百万円|万円|億円)")
_PEOPLE = re.compile(rf"^{NUMBER}+(?:人|名)")
_NUMERIC = re.compile(r"^[▲△-]?[0-9０-９][0-9０-９,，.]*")
_BARE = re.compile(r"[▲△-]?[0-9０-９][0-9０-９,，.．]*")
_COUNTED = re.compile(r"[▲△-]?[0-9０-９][0-9０-９,，.．]*[^0-9０-９、。\s]{0,5}")
_UNIT_OF_TABLE = re.compile(r"単位\s*[：:]?\s*((?:[千万億]|百万|十億)?円)")
_UNIT_OF_COLUMN = re.compile(
    r"[（(](?:単位\s*[：:]?\s*)?((?:[千万億]|百万|十億)?円|人|名|件|世帯|戸|棟|台|回|か所|箇所|[％%])[）)]$"
)
_NO_AMOUNT = re.compile(r"(?:数|率|割合|比|人口|人員|面積|年齢)(?:[（(][^）)]*[）)])?$")
YEAR = re.compile(r"(?:令和|平成|昭和)[0-9０-９元]+年度?(?:[（(][^）)]*[）)])?")
_MONEY_COLUMN = re.compile(r"(?:額|料|費|単価|税|賃|収入|支出)$|円[）)]$")
_ENDINGS_BY_COLUMN = tuple(
    (re.compile(pattern), ending)
    for pattern, ending in (
        (r"(?:責任者|担当者|委員長|代表者|管理者)$", "誰ですか。"),
        (r"(?:担当課|所管課|担当|会場|場所|所在地|窓口|提出先|届出先|申込先)$", "どこですか。"),
        (r"(?:期限|期日|日時|時期|日程|年月|開催日|実施日|締切)$", "いつですか。"),
        (r"(?:率|割合)$", "何％ですか。"),
    )
)
_NOT_ASKED = re.compile(
    r"^(?:番号|No\.?|備考|区分|例|内容|説明|概要|出典|摘要|項目|単位|合計|計)$|[・／/]|増減|順位", re.IGNORECASE
)
_MOST_CELL = 24
_IN_BRACKETS = re.compile(r"[（(][^）)]*[）)]$")


def ask_of_cell(row: str, column: str, value: str, scope: str = "", unit: str = "") -> Asked | None:
    """Return the question for one cell of a table; None where its column or value is not asked for.

    scope: what the table is of; unit: what a bare number counts, see `find_unit`.

    >>> ask_of_cell("待機児童の数", "目標値（令和12年度）", "0人").question
    '待機児童の数の目標値（令和12年度）は何人ですか。'
    >>> ask_of_cell("北沢小学校", "責任者", "産業観光課長", "防災訓練").question, ask_of_cell("町税", "令和8年度", "2,148").question
    ('防災訓練で、北沢小学校の責任者は誰ですか。', '令和8年度の町税はいくらですか。')
    >>> ask_of_cell("戸籍謄本（1通）", "窓口", "450円").question, ask_of_cell("リサイクル率", "目標値", "26.0").question
    ('戸籍謄本（1通）は、窓口ではいくらですか。', 'リサイクル率の目標値は何％ですか。')
    >>> ask_of_cell("町税", "令和8年度", "2,148", unit="千円").question, ask_of_cell("救急", "出動（件）", "12", unit="件").question
    ('令和8年度の町税はいくらですか（単位：千円）。', '救急の出動（件）は何件ですか。')
    >>> ask_of_cell("自転車", "備考", "500円"), ask_of_cell("1", "手数料", "500円"), ask_of_cell("自転車", "色", "青いもの")
    (None, None, None)
    """
    value = " ".join(value.split())
    fits = all(2 <= len(name) <= _MOST_CELL for name in (row, column)) and 0 < len(value) <= _MOST_CELL
    if not fits or value in "－―-—同上なし" or _NOT_ASKED.search(column) or _NUMERIC.match(row) or ";" in value:
        return None
    lead = f"{scope}で、" if scope else ""
    if unit:
        return Asked("表", f"{lead}{_ask_in_unit(row, column, unit)}", (value,))
    if YEAR.fullmatch(column) and _NUMERIC.match(value):
        return Asked("表", f"{lead}{column}の{row}は{'何人' if '人口' in row + scope else 'いくら'}ですか。", (value,))
    if _MONEY.match(value) and not _MONEY_COLUMN.search(column):
        return Asked("表", f"{lead}{row}は、{column}ではいくらですか。", (value,))
    ending = _find_ending(row, column, value)
    return Asked("表", f"{lead}{row}の{column}は{ending}", (value,)) if ending else None


def _ask_in_unit(row: str, column: str, unit: str) -> str:
    name = f"{column}の{row}" if YEAR.fullmatch(column) else f"{row}の{column}"
    if not unit.endswith("円"):
        return f"{name}は何{unit}ですか。"
    return f"{name}はいくらですか{'' if unit == '円' or unit in column else f'（単位：{unit}）'}。"


def find_unit(row: str, column: str, value: str, headings: Sequence[str] = ()) -> str:
    """Return the unit of a bare number that its column says, else that of amounts that the headings of its table say; "" for none.

    >>> [find_unit("町税", column, "2,148", ["予算（単位：千円）"]) for column in ("令和8年度", "構成比", "件数", "世帯（戸）")]
    ['千円', '', '', '戸']
    >>> find_unit("町税", "令和8年度", "2,148円", ["予算（単位：千円）"]), find_unit("人口", "令和8年度", "9,120", ["統計（単位：千円）"])
    ('', '')
    """
    if not _BARE.fullmatch(value):
        return ""
    if match := _UNIT_OF_COLUMN.search(column):
        return match[1]
    if _NO_AMOUNT.search(column) or _NO_AMOUNT.search(row):
        return ""
    return next((match[1] for heading in reversed(headings) if (match := _UNIT_OF_TABLE.search(heading))), "")


def _find_ending(row: str, column: str, value: str) -> str | None:
    bare = _IN_BRACKETS.sub("", column)
    if _MONEY.match(value) or (_MONEY_COLUMN.search(column) and _NUMERIC.match(value)):
        return "いくらですか。"
    for pattern, ending in ((_PEOPLE, "何人ですか。"), (_DATE, "いつですか。"), (_PERIOD, "どのくらいですか。")):
        if pattern.match(value) and "期限" not in bare:
            return ending
    by_column = next((ending for pattern, ending in _ENDINGS_BY_COLUMN if pattern.search(bare)), None)
    if by_column:
        return by_column
    if not _COUNTED.fullmatch(value):
        return None
    return "何％ですか。" if re.search(r"(?:率|割合)$", _IN_BRACKETS.sub("", row)) else "いくつですか。"


_ASKS = r"(?:何|いつ|どこ|誰|いくら|どれ|どの|どう)"
_REWORDED = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"とは何ですか$", "の意味を教えてください"),
        (r"(料金|手数料|費用|使用料|お金|額)はいくら(?:ですか|かかりますか)$", r"\1を教えてください"),
        (r"は?いくら(?:ですか|かかりますか|必要ですか)$", "の金額を教えてください"),
        (r"はいつまでに[^、]+ばよいですか$", "の期限を教えてください"),
        (r"はいつまで(?:ですか)?$", "の期限を教えてください"),
        (r"はいつですか$", "の時期を教えてください"),
        (r"はどこですか$", "の場所を教えてください"),
        (rf"^([^は、。]+)は([^は]*{_ASKS}[^は]*?)ですか$", r"\1が\2か知りたいのですが"),
        (rf"({_ASKS}.*でき)ますか$", r"\1るか知りたいのですが"),
        (r"はどうすればよいですか$", "の手続を教えてください"),
        (r"は何ですか$", "を教えてください"),
        (r"を教えてください$", "について知りたいのですが"),
        (r"はありますか$", "があるか知りたいのですが"),
        (r"(でき)ますか$", r"\1るか知りたいのですが"),
        (r"の?ですか$", "かどうか確認したいのですが"),
    )
)


def reword_question(question: str, replace: Callable[[str], str] = str) -> str | None:
    """Return a question of the documents in other words: another ending, and words that mean the same. None where nothing changes.

    replace: puts a synonym in place of a word.

    >>> reword_question("粗大ごみの手数料はいくらですか。"), reword_question("結婚届の用紙はどこですか", lambda t: t.replace("結婚届", "婚姻届"))
    ('粗大ごみの手数料を教えてください。', '婚姻届の用紙の場所を教えてください。')
    >>> reword_question("燃えるごみは何曜日ですか"), reword_question("奨学金はありますか"), reword_question("布団の捨て方は")
    ('燃えるごみが何曜日か知りたいのですが。', '奨学金があるか知りたいのですが。', None)
    """
    bare = question.strip().rstrip("。？?")
    changed = replace(bare)
    for pattern, new in _REWORDED:
        if pattern.search(changed):
            changed = pattern.sub(new, changed)
            break
    return None if changed == bare else f"{changed}。"
