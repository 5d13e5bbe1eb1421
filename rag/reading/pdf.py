"""Read a PDF: PDFium gives characters, boxes, outline and page labels; the order, paragraphs and tables are ours.

pypdf is asked only for why PDFium could not open a file (its page labels cost twenty times PDFium's; see docs/architecture.md).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import Block, BlockKind, Content, Locator, Page, Problem, Quality, Span
from rag.errors import ReadingError
from rag.reading.characters import read_characters
from rag.reading.geometry import Box, PageView
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.paragraphs import Draft, PageText, write_page
from rag.reading.reading_order import order_page
from rag.reading.roles import Sheet, detect_labels, find_headings, mark_captions, mark_margins
from rag.reading.rules import read_rules
from rag.reading.structure import HeadingPath
from rag.text import fix_radicals, normalize, squeeze

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

pdfium_lock = threading.RLock()
"""PDFium is not thread-safe: whoever calls it in a process with threads holds this."""

_NO_TITLE = re.compile(
    r"^(?:powerpoint|microsoft|無題|untitled|スライド|<[0-9a-f]+>|[\w-]+$(?<=[!-~])|.*\.(?:docx?|xlsx?|pptx?|indd|pwd|jtd|pdf|ai)$)",
    re.I,
)
_DATE = re.compile(r"^(?:令和|平成)?(?:\d+|元)年(?:度|\s*\d+月.*)?$")
_MIN_CHARACTERS = 5


def read_pdf(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Read a PDF file. Raises ReadingError when it cannot be opened (encrypted, truncated)."""
    with _open(path, source) as pdf:
        sheets = [_read_sheet(pdf, index) for index in range(len(pdf))]
        outline = _outline(pdf)
        title = _title(pdf.get_metadata_dict().get("Title", ""), sheets)
    mark_margins(sheets)
    detect_labels(sheets)
    mark_captions(sheets)
    levels = find_headings(sheets, outline)
    walk = HeadingPath()
    pages = tuple(_build_page(sheet, levels, walk) for sheet in sheets)
    return Content(pages, tuple(_problems(sheets, source)), title)


@contextmanager
def _open(path: Path, source: str) -> Any:
    import pypdfium2

    with pdfium_lock:
        try:
            pdf = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise _diagnose(path, source) from error
        try:
            yield pdf
        finally:
            pdf.close()


def _diagnose(path: Path, source: str) -> ReadingError:
    """Say why PDFium could not open a file, with pypdf's second opinion."""
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it has to say is said below, in Japanese
    try:
        encrypted = pypdf.PdfReader(path).is_encrypted
    except (pypdf.errors.PyPdfError, ValueError, OSError, RecursionError):
        encrypted = False
    if encrypted:
        hint = "パスワードを外して保存し直したものを置いてください。"
        return ReadingError(f"パスワードで保護された PDF です: {source}", hint, code="encrypted")
    hint = "元のファイルから PDF を作り直すか、もう一度コピーしてください。"
    return ReadingError(f"PDF が壊れているか、途中で切れています: {source}", hint, code="truncated")


def _read_sheet(pdf: PdfDocument, index: int) -> Sheet:
    page = pdf[index]
    try:
        text = _page_text(page)
        has_objects = bool(text.text) or next(iter(page.get_objects(max_depth=1)), None) is not None
        return Sheet(index + 1, PageView(page).height, text, pdf.get_page_label(index) or None, has_objects)
    finally:
        page.close()


def _page_text(page: Any) -> PageText:
    view = PageView(page)
    return write_page(
        order_page(read_characters(page).characters, read_rules(page), width=view.width, height=view.height)
    )


def page_boxes(path: Path, number: int, spans: Iterable[Span]) -> list[Box]:
    """Return where characters of a page's text stand: one box a printed line, in points from the displayed lower left."""
    with _open(path, path.name) as pdf:
        boxes = _page_text(pdf[number - 1]).boxes
    lines: list[Box] = []
    for span in spans:
        fresh = True
        for box in (box for box in boxes[span.start : span.end] if box):
            last = lines[-1] if lines and not fresh else None
            if last and _same_line(last, box):
                lines[-1] = Box(*map(min, last[:2], box[:2]), *map(max, last[2:], box[2:]))
            else:
                lines.append(box)
            fresh = False
    return lines


def _same_line(line: Box, box: Box) -> bool:
    across = min(line.top, box.top) - max(line.bottom, box.bottom)
    along = min(line.right, box.right) - max(line.left, box.left)
    level = (
        across > 0.5 * min(line.height, box.height)
        and box.left - line.right < 3 * box.height
        and line.left - box.right < 3 * box.height
    )
    stacked = (
        along > 0.5 * min(line.width, box.width) and line.bottom - box.top < box.height and line.height >= box.height
    )
    return level or (stacked and line.width < 1.6 * box.width)


def _outline(pdf: PdfDocument) -> dict[tuple[int, str], int]:
    """Return (physical page, squeezed title) -> depth from 1, of the bookmarks."""
    found: dict[tuple[int, str], int] = {}
    for item in pdf.get_toc(max_depth=6):
        destination = item.get_dest()
        index = destination.get_index() if destination else None
        if index is not None:
            found.setdefault((index + 1, squeeze(item.get_title() or "")), item.level + 1)
    return found


# --- pages ------------------------------------------------------------------------------------------------------------


def _build_page(sheet: Sheet, levels: dict[int, int], walk: HeadingPath) -> Page:
    locator = Locator(page=sheet.number, label=sheet.label)
    blocks, caption = [], ""
    for draft in sheet.page.drafts:
        if draft.kind not in (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW):
            caption = sheet.page.text[draft.start : draft.end] if draft.kind is BlockKind.CAPTION else ""
        blocks.append(_build_block(sheet.page, draft, levels.get(id(draft), 0), walk, locator, caption))
    text = sheet.page.text
    printed = len(re.sub(r"\s", "", text))
    quality = Quality(
        characters=printed,
        suspicious_share=sum(map(_is_suspicious, text)) / max(printed, 1),
        tables=sheet.page.tables,
        vertical=sheet.page.vertical,
    )
    return Page(sheet.number, text, tuple(blocks), quality, sheet.label)


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


def _problems(sheets: Sequence[Sheet], source: str) -> Iterable[Problem]:
    empty = [sheet.number for sheet in sheets if sheet.has_objects and len(sheet.page.text) < _MIN_CHARACTERS]
    if empty:
        pages = "、".join(map(str, empty[:20])) + ("、ほか" if len(empty) > 20 else "")
        message = f"文字のないページが{len(empty)}枚あります（PDF {pages}枚目）: {source}"
        yield Problem(
            source, "no_text_page", message, "画像だけのページは検索できません。文字の入った PDF を用意してください。"
        )
