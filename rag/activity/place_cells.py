"""How the question set names a place of a document: the form of its 「ページ／行」 cell depends on what the document is.

A PDF, a slide and a picture have pages, a sheet rows, a CSV records, text and e-mail lines, Word and HTML paragraphs. A member of
an archive (様式.zip/様式1.docx) is named like a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

SEPARATORS = re.compile("[;；]")
"""Stand between several values of a cell, so that a value cannot hold one."""
MAIL_BODY = "本文"
"""The part of an e-mail whose lines are counted; the names and days above it are no place of an answer."""


class PlaceForm(StrEnum):
    """What the number in the cell counts; the value is the key of a `Locator`."""

    PAGE = "page"
    SHEET_ROW = "sheet"
    RECORD = "row"
    LINE = "line"
    PARAGRAPH = "paragraph"


_SUFFIXES = {
    PlaceForm.PAGE: ".pdf .pptx .pptm .ppt .odp .png .jpg .jpeg .tif .tiff .bmp .webp",
    PlaceForm.SHEET_ROW: ".xlsx .xlsm .xls .xlsb .ods",
    PlaceForm.RECORD: ".csv .tsv",
    PlaceForm.LINE: ".txt .text .md .markdown .eml",
    PlaceForm.PARAGRAPH: ".docx .docm .doc .rtf .odt .html .htm .xhtml",
}
_FORMS = {suffix: form for form, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def form_of(source: str) -> PlaceForm | None:
    """Return how places of a document are written; None for a kind of file that nobody reads.

    >>> form_of("計画.PDF"), form_of("様式.zip/様式1.docx"), form_of("計画")
    (<PlaceForm.PAGE: 'page'>, <PlaceForm.PARAGRAPH: 'paragraph'>, None)
    """
    return _FORMS.get(PurePosixPath(source).suffix.lower())


def write_place(source: str, locator: Mapping[str, Any]) -> str | None:
    """Return a place as the question set writes it; None where it has no way to (the head of an e-mail, a name with `;`).

    >>> write_place("計画.pdf", {"page": 14, "label": "12"}), write_place("手引.txt", {"line": 40})
    ('14', '40')
    >>> write_place("Q&A.xlsx", {"sheet": "住民向け", "row": 28}), write_place("様式.docx", {"paragraph": 3, "heading": "記入例"})
    ('住民向け:28', '3')
    >>> write_place("照会.eml", {"part": "本文", "line": 2}), write_place("照会.eml", {"part": "差出人など", "line": 1})
    ('2', None)
    """
    form = form_of(source)
    if form is None or SEPARATORS.search(source) or locator.get("part", MAIL_BODY) != MAIL_BODY:
        return None
    if form is PlaceForm.SHEET_ROW:
        sheet = str(locator.get("sheet", ""))
        return f"{sheet}:{locator['row']}" if "row" in locator and sheet and not SEPARATORS.search(sheet) else None
    return str(locator[form.value]) if form.value in locator else None
