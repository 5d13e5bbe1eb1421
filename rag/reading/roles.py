"""What the blocks of a PDF's pages are for, seen over the whole document: headers, footers, captions, headings, page numbers.

None of this changes the text of a page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rag.documents import BlockKind
from rag.reading.paragraphs import Draft
from rag.reading.pdf_page import Sheet
from rag.reading.structure import drop_enumerations, heading_level
from rag.text import normalize, squeeze

_ALIKE = 6  # characters: running headers that begin alike are one, whatever chapter they go on to name
_LINE_STEP = 12  # points: positions this close are one height
_MARGIN = 0.12  # share of a page's height where headers and footers stand
_PAGE_NUMBER = re.compile(
    r"^[-–—‐－~・\s]*(?:p\.?|頁|ページ)?\s*([0-9]{1,4}|[ivxlc]{1,7})\s*(?:/\s*[0-9]+|頁|ページ)?[-–—‐－~・\s]*$"
)
_CAPTION_CHARS = 60
_LETTERS = re.compile(r"[^\W\d_]{2}")


def mark_margins(sheets: Sequence[Sheet]) -> None:
    """Mark as header or footer what stands at the same height in the margin of three pages or more.

    Numbers do not matter, and lines that only begin alike count too: the rest may be the name of the chapter.
    """
    places: Counter[tuple[str, int]] = Counter()
    found: list[tuple[Draft, str, int, BlockKind]] = []
    texts_of: dict[int, str] = {}
    for sheet in sheets:
        for draft in sheet.page.drafts:
            kind = _margin(sheet, draft)
            if kind and draft.lines == 1:
                text = re.sub(r"\d+|^[ivxlc]+$", "#", normalize(sheet.page.text[draft.start : draft.end]))
                height = round(draft.box.bottom / _LINE_STEP)
                places[text[:_ALIKE], height] += 1
                texts_of[id(draft)] = sheet.page.text
                found.append((draft, text[:_ALIKE], height, kind))
    for draft, text, height, kind in found:
        if sum(places[text, height + shift] for shift in (-1, 0, 1)) >= 3:
            draft.kind, draft.context = kind, ()
            _trim(draft, texts_of[id(draft)])


def _trim(draft: Draft, text: str) -> None:
    """Leave the separators of empty cells out of a block that is no table row any more."""
    whole = text[draft.start : draft.end]
    draft.start, draft.end = draft.start + len(whole) - len(whole.lstrip()), draft.start + len(whole.rstrip())


def _margin(sheet: Sheet, draft: Draft) -> BlockKind | None:
    if draft.box.bottom > (1 - _MARGIN) * sheet.height:
        return BlockKind.HEADER
    return BlockKind.FOOTER if draft.box.top < _MARGIN * sheet.height else None


def detect_labels(sheets: Sequence[Sheet]) -> None:
    """Take the printed page numbers from the margins where the file has no page labels of its own.

    A number counts when it keeps its distance from the physical number on three pages or more.
    """
    if any(sheet.label for sheet in sheets):
        return
    printed = {sheet.number: _printed_numbers(sheet) for sheet in sheets}
    steps = Counter(_value(text) - number for number, texts in printed.items() for text in texts)
    for sheet in sheets:
        fitting = [text for text in printed[sheet.number] if steps[_value(text) - sheet.number] >= 3]
        if fitting:
            sheet.label = max(fitting, key=lambda text: steps[_value(text) - sheet.number])


def _printed_numbers(sheet: Sheet) -> set[str]:
    texts = (normalize(sheet.page.text[d.start : d.end]) for d in sheet.page.drafts if _margin(sheet, d))
    return {match[1] for text in texts if (match := _PAGE_NUMBER.match(text))}


def _value(label: str) -> int:
    if label.isdigit():
        return int(label)
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[letter] for letter in label]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)) - 100_000


def mark_captions(sheets: Sequence[Sheet]) -> None:
    """Mark as caption a short line directly above a table that is no sentence: the table's rows are found by it."""
    for sheet in sheets:
        drafts = [d for d in sheet.page.drafts if d.kind not in (BlockKind.HEADER, BlockKind.FOOTER)]
        for draft, below in pairwise(drafts):
            text = sheet.page.text[draft.start : draft.end]
            is_line = draft.kind == BlockKind.PARAGRAPH and draft.lines == 1 and 4 <= len(text) <= _CAPTION_CHARS
            is_table = below.kind in (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)
            if is_line and is_table and text[-1] not in "。、，,":
                draft.kind = BlockKind.CAPTION


def find_headings(sheets: Sequence[Sheet], outline: Mapping[tuple[int, str], int]) -> dict[int, int]:
    """Return id of a draft -> level, for the drafts that are headings: by bookmark, numbering, or size."""
    body = _body_size(sheets)
    levels: dict[int, int] = {}
    for sheet in sheets:
        drafts = [d for d in sheet.page.drafts if d.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)]
        texts = [sheet.page.text[d.start : d.end] for d in drafts]
        numbered = drop_enumerations([heading_level(text) for text in texts]) if texts else []
        for draft, text, level in zip(drafts, texts, numbered, strict=True):
            depth = outline.get((sheet.number, squeeze(text)))
            found = heading_level(text) or depth * 2 if depth else level or _level_by_size(draft, text, body)
            if found:
                levels[id(draft)] = found
    return levels


def _body_size(sheets: Sequence[Sheet]) -> float:
    """Return the size in which most characters are set."""
    sizes: Counter[float] = Counter()
    for sheet in sheets:
        for draft in sheet.page.drafts:
            sizes[round(draft.size * 2) / 2] += draft.end - draft.start
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _level_by_size(draft: Draft, text: str, body: float) -> int | None:
    if (
        draft.is_row
        or draft.lines > 2
        or not 2 <= len(text) <= 50
        or text[-1] in "。、，,.）)"
        or not _LETTERS.search(text)
    ):
        return None
    ratio = draft.size / body
    return next((level for least, level in ((1.8, 2), (1.45, 3), (1.2, 4)) if ratio >= least), None)
