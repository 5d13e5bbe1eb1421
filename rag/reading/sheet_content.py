"""From the pages of a file to its content: what their blocks are for, seen over all of them, and the heading path of each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from rag.documents import Block, BlockKind, Content, Locator, Page, Quality
from rag.reading.contents import mark_contents
from rag.reading.page_concerns import report_concerns
from rag.reading.page_text import Draft, PageText
from rag.reading.pdf_page import Sheet
from rag.reading.roles import detect_labels, find_headings, mark_captions, mark_margins
from rag.reading.structure import HeadingPath
from rag.text import fix_radicals, normalize

_NO_TITLE = re.compile(
    r"^(?:powerpoint|microsoft|無題|untitled|スライド|<[0-9a-f]+>|[\w-]+$(?<=[!-~])|.*\.(?:docx?|xlsx?|pptx?|indd|pwd|jtd|pdf|ai)$)",
    re.I,
)
_DATE = re.compile(r"^(?:令和|平成)?(?:\d+|元)年(?:度|\s*\d+月.*)?$")


def build_content(
    sheets: Sequence[Sheet], source: str, *, outline: Mapping[tuple[int, str], int], title: str = ""
) -> Content:
    """Return the content of pages that were read. outline: see `find_headings`; title: the one in the file's metadata."""
    mark_margins(sheets)
    detect_labels(sheets)
    mark_contents(sheets)
    mark_captions(sheets)
    levels = find_headings(sheets, outline)
    walk = HeadingPath()
    pages = tuple(_build_page(sheet, levels, walk) for sheet in sheets)
    return Content(pages, tuple(report_concerns(sheets, source)), _title(title, sheets))


def _build_page(sheet: Sheet, levels: dict[int, int], walk: HeadingPath) -> Page:
    labels = sheet.page.labels or (sheet.label,)
    blocks, caption = [], ""
    for draft in sheet.page.drafts:
        if draft.kind not in (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW):
            caption = sheet.page.text[draft.start : draft.end] if draft.kind is BlockKind.CAPTION else ""
        locator = Locator(page=sheet.number, label=labels[min(draft.part, len(labels) - 1)])
        blocks.append(_build_block(sheet.page, draft, levels.get(id(draft), 0), walk, locator, caption))
    text = sheet.page.text
    printed = len(re.sub(r"\s", "", text))
    quality = Quality(
        characters=printed,
        suspicious_share=sheet.suspicious_share,
        columns=sheet.page.columns,
        tables=sheet.page.tables,
        ocr_confidence=sheet.ocr_confidence,
        vertical=sheet.page.vertical,
        concerns=sheet.concerns,
    )
    return Page(sheet.number, text, tuple(blocks), quality, sheet.label, sheet.word_boxes)


def _build_block(page: PageText, draft: Draft, level: int, walk: HeadingPath, locator: Locator, caption: str) -> Block:
    if level:
        headings = walk.push(level, page.text[draft.start : draft.end])[:-1]
        return Block(BlockKind.HEADING, draft.start, draft.end, locator, headings, level)
    is_row = draft.kind in (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)
    headings = (*walk.path, " ".join(caption.split())) if caption and is_row else walk.path
    return Block(draft.kind, draft.start, draft.end, locator, headings, context=draft.context)


def _is_suspicious(character: str) -> bool:
    return character == "\ufffd" or "\ue000" <= character <= "\uf8ff"


def _title(written: str, sheets: Sequence[Sheet]) -> str | None:
    """Return the title in the file's metadata, or else the largest text of the first page."""
    written = unicodedata.normalize("NFKC", fix_radicals(written)).strip()
    if len(written) >= 4 and not _NO_TITLE.match(written) and not any(map(_is_suspicious, written)):
        return written
    first = sheets[0].page if sheets else PageText()
    drafts = [
        draft
        for draft in first.drafts
        if draft.kind == BlockKind.PARAGRAPH and 4 <= draft.end - draft.start <= 60
        if not _DATE.match(normalize(first.text[draft.start : draft.end]))
    ]
    if not drafts:
        return None
    largest = max(drafts, key=lambda d: round(d.size))
    return re.sub(r"\s+", " ", first.text[largest.start : largest.end])
