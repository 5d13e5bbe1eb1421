"""Where an answer stands, as the question set names it: a document with its page, row, record, line or paragraph."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from typing import Any

from rag.activity.place_cells import SEPARATORS, PlaceForm, form_of, write_place

PLACE_FORMS = (
    "PDF は先頭から数えた枚目（14。印刷された頁の番号ではない）、スライドは枚（14）、Excel はシート名:行（よくある質問:12）、"
    "CSV は件（12）、テキスト・Markdown・メールの本文は行（40）、Word と HTML は段落（8）"
)
MOST_OF_A_RANGE = 50
_BEFORE, _UNIT, _HEADING = (
    r"(?:pp?\.?|PDF|スライド|画像|本文)\s*",
    r"(?:ページ|頁|枚目?|行目?|件目?|段落目?)",
    r"\s*\(.*\)",
)
_NUMBER = re.compile(rf"(?:{_BEFORE})?(\d+)(?:\.0)?\s*(?:{_UNIT}(?:{_HEADING})?)?", re.IGNORECASE)
_PRINTED = re.compile(rf".*(?:頁|ページ)\s*\((?:PDF|スライド|画像)\s*(\d+)(?:枚目)?\)(?:{_HEADING})?", re.IGNORECASE)
"""How the product shows a page that has a printed number: 2頁（PDF 4枚目）."""
_CELL = re.compile(r"\$?[A-Z]{1,3}\$?(\d+)", re.IGNORECASE)
_SHEET = re.compile(r"シート「(?P<shown>.+)」(?P<row>.+)")
_OF_SHEET = re.compile(r"(?P<quote>'?)(?P<sheet>.+)(?P=quote)\s*[:：!！](?P<row>[^:：!！]+)")
_DASH = "[-‐–—−~〜ー]"
_RANGE = re.compile(
    rf"(?:{_BEFORE})?(\d+)\s*{_UNIT}?\s*{_DASH}\s*(?:{_BEFORE})?(\d+)\s*{_UNIT}?|{_CELL.pattern}{_DASH}{_CELL.pattern}",
    re.IGNORECASE,
)
_EXCEL_DAY = re.compile(r"\d{4}-(\d\d)-(\d\d) 00:00:00")


@dataclass(frozen=True, slots=True)
class Gold:
    """One place where the answer stands: a page, a row of a sheet, a record (row without sheet), a line or a paragraph."""

    source: str
    page: int | None = None
    sheet: str | None = None
    row: int | None = None
    line: int | None = None
    paragraph: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the keys that are present: the JSON form."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    @property
    def number(self) -> int:
        """The number of the page, row, line or paragraph."""
        numbers = (self.page, self.row, self.line, self.paragraph)
        return next(number for number in numbers if number is not None)

    def write(self) -> str:
        """Return it as the cell ページ／行 has it.

        >>> Gold("計画.pdf", page=14).write(), Gold("Q&A.xlsx", sheet="住民向け", row=28).write()
        ('14', '住民向け:28')
        """
        return write_place(self.source, self.as_dict()) or str(self.number)


def split_cell(cell: str) -> list[str]:
    """Return the parts of a cell with several values.

    >>> split_cell("31;35"), split_cell("3年間；毎年度見直し; "), split_cell("")
    (['31', '35'], ['3年間', '毎年度見直し'], [])
    """
    return [part.strip() for part in SEPARATORS.split(cell) if part.strip()]


def parse_place(document: str, place: str) -> Gold | None:
    """Return the gold place of one document; None where it is not understood.

    >>> parse_place("計画.pdf", "14").as_dict(), parse_place("手引.txt", "40行目").as_dict()
    ({'source': '計画.pdf', 'page': 14}, {'source': '手引.txt', 'line': 40})
    >>> parse_place("Q&A.xlsx", "住民向け:28").as_dict(), parse_place("Q&A.csv", "7").as_dict()
    ({'source': 'Q&A.xlsx', 'sheet': '住民向け', 'row': 28}, {'source': 'Q&A.csv', 'row': 7})
    >>> parse_place("様式.zip/様式1.docx", "8段落目").as_dict(), parse_place("説明会.pptx", "3枚目").as_dict()
    ({'source': '様式.zip/様式1.docx', 'paragraph': 8}, {'source': '説明会.pptx', 'page': 3})
    >>> parse_place("Q&A.xlsx", "28"), parse_place("計画.pdf", "第2章"), parse_place("計画", "2")
    (None, None, None)
    """
    form, sheet, written = _take_apart(document, place)
    match = _PRINTED.fullmatch(written) if form is PlaceForm.PAGE else None
    match = match or _NUMBER.fullmatch(written) or (_CELL.fullmatch(written) if sheet else None)
    return _make_gold(document, sheet, int(match[1])) if match else None


def parse_places(document: str, place: str) -> tuple[Gold, ...]:
    """Return the places that one entry names: one, or those of a range. Raises ValueError that says what is wrong, in Japanese.

    >>> [gold.write() for gold in parse_places("計画.pdf", "3～5頁")], parse_places("計画.pdf", "2頁（PDF 4枚目）")[0].page
    (['3', '4', '5'], 4)
    >>> [gold.write() for gold in parse_places("Q&A.xlsx", "住民向け!28-29")]
    ['住民向け:28', '住民向け:29']
    """
    if gold := parse_place(document, place):
        return (gold,)
    _, sheet, written = _take_apart(document, place)
    if found := _RANGE.fullmatch(written):
        first, last = (int(number) for number in found.groups() if number)
        _check_range(place, first, last)
        golds = [_make_gold(document, sheet, number) for number in range(first, last + 1)]
        if all(golds):
            return tuple(gold for gold in golds if gold)
    if day := _EXCEL_DAY.fullmatch(place):
        told = f"{int(day[1])}-{int(day[2])}"
        raise ValueError(f"Excel が日付に変えています。セルの書式を文字列にして、{told} のように書き直してください")
    if form_of(document) is PlaceForm.SHEET_ROW and not sheet and _NUMBER.fullmatch(written):
        raise ValueError(f"シートの名前がありません。シート名:行（よくある質問:{written}）のように書いてください")
    raise ValueError(PLACE_FORMS)


def _check_range(place: str, first: int, last: int) -> None:
    if first > last:
        raise ValueError(f"範囲の初めが終わりより後です。{last}-{first} のように、小さいほうから書いてください")
    if last - first >= MOST_OF_A_RANGE:
        raise ValueError(f"範囲が広すぎます。答えのある所だけを、{MOST_OF_A_RANGE} か所までで書いてください")


def counts_from_the_start(place: str) -> bool:
    """Tell whether a page is written as the product counts it, so that nobody can mean the printed number.

    >>> counts_from_the_start("2頁（PDF 4枚目）"), counts_from_the_start("4枚目"), counts_from_the_start("2頁")
    (True, True, False)
    """
    return "枚" in place or "PDF" in unicodedata.normalize("NFKC", place).upper()


def _take_apart(document: str, place: str) -> tuple[PlaceForm | None, str, str]:
    """Return the form of a place, its sheet ("" where it names none) and the rest, half width."""
    form, sheet, rest = form_of(document), "", place
    found = (_SHEET.fullmatch(place) or _OF_SHEET.fullmatch(place)) if form is PlaceForm.SHEET_ROW else None
    if found:
        named = found.groupdict()
        sheet, rest = (named.get("shown") or named.get("sheet") or "").strip(), found["row"]
    return form, sheet, unicodedata.normalize("NFKC", rest).strip()


def _make_gold(document: str, sheet: str, number: int) -> Gold | None:
    source = unicodedata.normalize("NFC", document).replace("\\", "/")
    form = form_of(source)
    if form is None or number < 1 or bool(sheet) != (form is PlaceForm.SHEET_ROW):
        return None
    if form is PlaceForm.SHEET_ROW:
        return Gold(source, sheet=sheet, row=number)
    numbers: dict[str, Any] = {form.value: number}
    return Gold(source, **numbers)
