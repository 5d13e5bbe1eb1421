"""Tables of contents of a PDF: lines that lead to a page. They name what stands elsewhere and answer nothing.

Such lines hold the very words of the headings that they list, so a search that took them for text would find them first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rag.documents import BlockKind
from rag.reading.pdf_page import Sheet
from rag.reading.structure import contents_number
from rag.text import squeeze

_TITLE = re.compile(r"(?:総|図表?|表|写真|資料|別表)?(?:目次|もくじ|contents)", re.IGNORECASE)
_FEWEST = 3  # entries that a page without the title 目次 begins a table of contents with


def mark_contents(sheets: Sequence[Sheet]) -> None:
    """Mark the entries of tables of contents, and their titles.

    A row of dots also leads from a name to an extension or a price. So a page counts that says 目次, or one whose numbers rise and are no
    higher than the file has pages: three or more of them, or following such a page.
    """
    goes_on = False
    for sheet in sheets:
        lines = [
            (draft, sheet.page.text[draft.start : draft.end])
            for draft in sheet.page.drafts
            if draft.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        ]
        titles = [draft for draft, text in lines if _TITLE.fullmatch(re.sub(r"\W", "", squeeze(text)))]
        entries = [(draft, number) for draft, text in lines if (number := contents_number(text))]
        numbers = [int(number) for _, number in entries if number.isdigit()]
        rises = all(a <= b for a, b in pairwise(numbers)) and max(numbers, default=0) <= len(sheets)
        goes_on = bool(entries) and (bool(titles) or (rises and (goes_on or len(entries) >= _FEWEST)))
        for draft in [*titles, *(draft for draft, _ in entries)] if goes_on else ():
            draft.kind = BlockKind.CONTENTS
