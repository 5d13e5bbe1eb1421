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

from rag.documents import NOT_SEARCHED, Block, BlockKind, Concern, Content, Locator, Page, Problem, Quality, Span
from rag.errors import ReadingError
from rag.reading.geometry import Box
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.paragraphs import Draft, PageText
from rag.reading.pdf_page import Sheet, read_page_text, read_sheet
from rag.reading.roles import detect_labels, find_headings, mark_captions, mark_margins
from rag.reading.structure import HeadingPath
from rag.reading.tesseract import PACKAGES
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
_CONCERNS = {
    Concern.WAITING_OCR: (
        "文字認識（OCR）待ちの",
        f"文字認識のプログラム（{PACKAGES}）を導入し、設定 ocr が true であることを確かめて、もう一度 `rag index` を実行してください。"
        "文字の入った PDF に置き換えてもかまいません。",
    ),
    Concern.OCR_FAILED: (
        "文字認識（OCR）に失敗した",
        "設定 ocr_page_seconds を延ばすか、文字の入った PDF に置き換えてください。",
    ),
    Concern.GARBLED: (
        "文字の情報が壊れていて（文字化け）、検索から除いた",
        "元の文書から PDF を作り直すか、文字認識のプログラムを導入してください。",
    ),
    Concern.LOW_OCR: (
        "文字認識（OCR）の確からしさが低い",
        "原本と読み比べ、読み違いが多いときは、文字の入った PDF に置き換えてください。",
    ),
    Concern.NO_TEXT: (
        "画像だけで、検索できる文字が見つからない",
        "図や写真だけのページならそのままでかまいません。文字があるときは、文字の入った PDF に置き換えてください。",
    ),
}
"""Concern -> what is the matter with the pages, and what to do."""


def read_pdf(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Read a PDF file. Raises ReadingError when it cannot be opened (encrypted, truncated)."""
    with _open(path, source) as pdf:
        _check_length(len(pdf), source, options)
        sheets = [read_sheet(pdf, index, options) for index in range(len(pdf))]
        outline = _outline(pdf)
        title = _title(pdf.get_metadata_dict().get("Title", ""), sheets)
    mark_margins(sheets)
    detect_labels(sheets)
    mark_captions(sheets)
    levels = find_headings(sheets, outline)
    walk = HeadingPath()
    pages = tuple(_build_page(sheet, levels, walk) for sheet in sheets)
    return Content(pages, tuple(_problems(sheets, source)), title)


def _check_length(pages: int, source: str, options: ReadingOptions) -> None:
    if pages > options.max_pages:
        raise ReadingError(
            f"頁が多すぎます: {source}（{pages} 頁、上限 {options.max_pages} 頁）",
            "文書を分けるか、設定 max_file_pages を増やしてください。",
            code="too_many_pages",
        )


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


def page_boxes(path: Path, number: int, spans: Iterable[Span]) -> list[Box]:
    """Return where characters of a page's text stand: one box a printed line, in points from the displayed lower left."""
    with _open(path, path.name) as pdf:
        boxes = read_page_text(pdf[number - 1]).boxes
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
        searchable=sum(len("".join(text[b.start : b.end].split())) for b in blocks if b.kind not in NOT_SEARCHED),
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


def _problems(sheets: Sequence[Sheet], source: str) -> Iterable[Problem]:
    """Yield one problem for each concern, with the pages that it is about."""
    for concern, (message, remedy) in _CONCERNS.items():
        numbers = [sheet.number for sheet in sheets if concern in sheet.concerns]
        if numbers:
            pages = "、".join(map(str, numbers[:20])) + ("、ほか" if len(numbers) > 20 else "")
            text = f"{message}ページが{len(numbers)}枚あります（PDF {pages}枚目）: {source}"
            yield Problem(source, concern.value, text, remedy, page=numbers[0])
