"""Where an answer stands, as the question set names it: a document with its page, row, record, line or paragraph."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from typing import Any

from rag.activity.place_cells import SEPARATORS, PlaceForm, form_of, write_place

PLACE_FORMS = (
    "PDF は頁（14）、スライドは枚（14）、Excel はシート名:行（よくある質問:12）、CSV は件（12）、"
    "テキスト・Markdown・メールの本文は行（40）、Word と HTML は段落（8）"
)
_NUMBER = re.compile(r"(?:p\.?\s*)?(\d+)(?:\.0)?\s*(?:ページ|頁|枚目?|行目?|件目?|段落目?)?", re.IGNORECASE)


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
    source = unicodedata.normalize("NFC", document).replace("\\", "/")
    form = form_of(source)
    sheet, _, written = place.replace("：", ":").rpartition(":")
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", written).strip())
    number = int(match[1]) if match else 0
    if form is None or number < 1 or bool(sheet) != (form is PlaceForm.SHEET_ROW):
        return None
    if form is PlaceForm.SHEET_ROW:
        return Gold(source, sheet=sheet.strip(), row=number)
    numbers: dict[str, Any] = {form.value: number}
    return Gold(source, **numbers)
