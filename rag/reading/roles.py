"""What the blocks of a PDF's pages are for, seen over the whole document: headers, footers, captions, headings, page numbers.

None of this changes the text of a page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rag.documents import NOT_SEARCHED, BlockKind
from rag.reading.page_text import Draft
from rag.reading.pdf_page import Sheet
from rag.reading.structure import drop_enumerations, heading_level
from rag.text import normalize, squeeze

_ALIKE = 6  # characters: running headers that begin alike are one, whatever chapter they go on to name
_LINE_STEP = 12  # points: positions this close are one height
_MARGIN = 0.12  # share of a page's height where headers and footers stand
_DASHES = r"[-–—‐－―─ー~〜・\s]*"
_PAGE_NUMBER = re.compile(
    rf"^{_DASHES}(?:p\.?|頁|ページ)?\s*([0-9]{{1,4}}|[ivxlc]{{1,7}})\s*(?:/\s*[0-9]+|頁|ページ)?{_DASHES}$"
)
_CAPTION_CHARS = 60
_CAPTION = re.compile(
    r"(?:図表?|表|写真|グラフ|別図|別表|様式図)\s*[0-9０-９一二三四五六七八九十]+(?:[-.－．・‐–―ー−][0-9０-９]+)*(?:[\s:：.．、。]|$|(?=[「『【（(]))"
)
_CONTENTS = re.compile(r"[.．・…‥･·]{2,}|\s[0-9０-９]{1,3}$")
_WEIGHT_LEVEL = 10  # of a heading that only its font makes one
_MAX_HEAVY = 0.3
_LETTERS = re.compile(r"[^\W\d_]{2}")


def mark_margins(sheets: Sequence[Sheet]) -> None:
    """Mark as header or footer what stands at the same height in the margin of three pages or more (two, in a short document).

    Numbers do not matter, and lines that only begin alike count too: the rest may be the name of the chapter.
    """
    places: Counter[tuple[str, int]] = Counter()
    found: list[tuple[Sheet, Draft, str, int, BlockKind]] = []
    for sheet in sheets:
        for draft in sheet.page.drafts:
            kind = _margin(sheet, draft)
            if kind and draft.lines == 1:
                text = re.sub(r"\d+|^[ivxlc]+$", "#", normalize(sheet.page.text[draft.start : draft.end]))
                height = round(draft.box.bottom / _LINE_STEP)
                places[text[:_ALIKE], height] += 1
                found.append((sheet, draft, text[:_ALIKE], height, kind))
    body = _body_size(sheets)
    for sheet, draft, text, height, kind in found:
        least = 3 if len(sheets) > 5 or draft.size > 1.15 * body else 2
        if sum(places[text, height + shift] for shift in (-1, 0, 1)) >= least:
            draft.kind, draft.context = kind, ()
            _trim(draft, sheet.page.text)


def _trim(draft: Draft, text: str) -> None:
    """Leave the separators of empty cells out of a block that is no table row any more."""
    whole = text[draft.start : draft.end]
    draft.start, draft.end = draft.start + len(whole) - len(whole.lstrip()), draft.start + len(whole.rstrip())


def _margin(sheet: Sheet, draft: Draft) -> BlockKind | None:
    if draft.box.bottom > (1 - _MARGIN) * sheet.height:
        return BlockKind.HEADER
    return BlockKind.FOOTER if draft.box.top < _MARGIN * sheet.height else None


def detect_labels(sheets: Sequence[Sheet]) -> None:
    """Take the printed page numbers from the margins where the file has no page labels of its own, or such as only count the pages.

    A number counts when it keeps its distance from the physical number on three pages or more.
    """
    printed = {sheet.number: _printed_numbers(sheet) for sheet in sheets}
    steps = Counter(_value(text) - number for number, texts in printed.items() for text in texts)
    found: dict[int, str] = {}
    for sheet in sheets:
        fitting = [
            text
            for text in printed[sheet.number]
            if steps[_value(text) - sheet.number] >= _least_pages(text, len(sheets))
        ]
        if fitting:
            found[sheet.number] = max(fitting, key=lambda text: steps[_value(text) - sheet.number])
    single = [sheet for sheet in sheets if not sheet.page.labels]  # a spread says its numbers itself
    if any(sheet.label and sheet.label != str(sheet.number) for sheet in single):
        return
    for sheet in single:
        sheet.label = found.get(sheet.number) or sheet.label


def _least_pages(label: str, pages: int) -> int:
    """Return on how many pages a number must keep its distance: Roman ones hardly stand in a margin by chance."""
    return 3 if label.isdigit() and pages > 2 else 2


def _printed_numbers(sheet: Sheet) -> set[str]:
    """Return what could be the page number: a line of the margins that is one, or has one at its beginning or end."""
    texts = (normalize(sheet.page.text[d.start : d.end]) for d in sheet.page.drafts if _margin(sheet, d))
    parts = (part for text in texts for part in (text, text.partition(" ")[0], text.rpartition(" ")[2]))
    return {match[1] for part in parts if (match := _PAGE_NUMBER.match(part))}


def _value(label: str) -> int:
    if label.isdigit():
        return int(label)
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[letter] for letter in label]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)) - 100_000


def mark_captions(sheets: Sequence[Sheet]) -> None:
    """Mark as caption a line that names a figure or table, and a short one directly above a table that is no sentence."""
    for sheet in sheets:
        drafts = [d for d in sheet.page.drafts if d.kind not in NOT_SEARCHED]
        for draft, below in pairwise([*drafts, None]):
            text = sheet.page.text[draft.start : draft.end] if draft else ""
            if draft is None or draft.kind != BlockKind.PARAGRAPH or not 4 <= len(text) <= _CAPTION_CHARS:
                continue
            above_table = below is not None and below.kind in (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)
            is_line = draft.lines == 1 and text[-1] not in "。、，,"
            if (is_line and above_table) or (draft.lines <= 2 and _is_caption(text)):
                draft.kind = BlockKind.CAPTION


def _is_caption(text: str) -> bool:
    """Tell whether a line names a figure or table.

    >>> [_is_caption(text) for text in ("図１　人口の推移", "図表4-2 指標の一覧", "表1に示すとおり", "図1 組織 …… 3")]
    [True, True, False, False]
    """
    return bool(_CAPTION.match(text)) and text[-1] not in "。、，," and not _CONTENTS.search(text)


def find_headings(sheets: Sequence[Sheet], outline: Mapping[tuple[int, str], int]) -> dict[int, int]:
    """Return id of a draft -> level, for the drafts that are headings: by bookmark, numbering, size or weight.

    outline: (physical page, squeezed title) -> depth from 1, of the bookmarks.
    """
    body, weight = _body_size(sheets), _body_weight(sheets)
    levels: dict[int, int] = {}
    for sheet in sheets:
        numbered = _level_by_number(sheet)
        drafts = [d for d in sheet.page.drafts if id(d) in numbered]
        for draft, below in zip(drafts, [*drafts[1:], None], strict=False):
            text, level = sheet.page.text[draft.start : draft.end], numbered[id(draft)]
            depth = outline.get((sheet.number, squeeze(text)))
            found = heading_level(text) or depth * 2 if depth else level or _level_by_size(draft, text, body)
            if not found and weight is not None and _is_heavy(draft, text, weight, below):
                found = _WEIGHT_LEVEL
            if found:
                levels[id(draft)] = found
    return levels


def _level_by_number(sheet: Sheet) -> dict[int, int | None]:
    """Return id -> level by its numbering of each draft that may be a heading; a table between two lines keeps them apart."""
    lines = (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
    drafts = [d for d in sheet.page.drafts if d.kind in (*lines, BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)]
    guesses = [heading_level(sheet.page.text[d.start : d.end]) if d.kind in lines else None for d in drafts]
    return {id(d): level for d, level in zip(drafts, drop_enumerations(guesses), strict=True) if d.kind in lines}


def _body_weight(sheets: Sequence[Sheet]) -> int | None:
    """Return the weight of the font of most characters; None where heavier fonts are too common to mean anything."""
    weights: Counter[int] = Counter()
    for sheet in sheets:
        for draft in sheet.page.drafts:
            weights[draft.weight] += draft.end - draft.start
    body = weights.most_common(1)[0][0] if weights else 0
    heavier = sum(count for weight, count in weights.items() if weight > body)
    return body if heavier < _MAX_HEAVY * weights.total() else None


def _is_heavy(draft: Draft, text: str, body: int, below: Draft | None) -> bool:
    """Tell whether a short line in a heavier font stands above text of the body's weight."""
    is_line = draft.lines == 1 and not draft.is_row and draft.kind == BlockKind.PARAGRAPH
    is_title = 2 <= len(text) <= 40 and text[-1] not in "。、，,.）):：" and bool(_LETTERS.search(text))
    return draft.weight > body and is_line and is_title and below is not None and below.weight <= body


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
    return next((level for least, level in ((1.8, 2), (1.45, 3), (1.15, 4)) if ratio >= least), None)
