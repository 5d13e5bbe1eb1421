"""The door of this room: list a corpus, and read one of its files into a Document with the reader that its suffix names."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rag.documents import NOT_SEARCHED, BlockKind, Concern, Content, Document, Page, Problem
from rag.errors import ReadingError
from rag.reading import conversion
from rag.reading.archives import check_unpacked
from rag.reading.image import IMAGE_SUFFIXES
from rag.reading.limits import check_bytes
from rag.reading.listing import CorpusFile, Listing, list_folder
from rag.reading.metadata import resolve_metadata
from rag.reading.old_office import NEW_SUFFIXES
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.tesseract import find_tesseract
from rag.reading.unreadable import find_way_out

__all__ = [
    "READERS",
    "READER_VERSION",
    "CorpusFile",
    "Listing",
    "find_mended",
    "list_corpus",
    "read_document",
    "refuse_unknown",
]

READER_VERSION = "11"
"""Part of what decides whether a file must be read again: raise it when any reader gives another result for the same bytes."""

Reader = Callable[[Path, str, ReadingOptions], Content]
"""Reads the bytes at a path as the file of that name. Raises ReadingError; anything else that it raises is taken for a broken file."""

READERS: Mapping[str, tuple[str, str]] = {
    ".pdf": ("rag.reading.pdf", "read_pdf"),
    ".xlsx": ("rag.reading.excel", "read_excel"),
    ".xlsm": ("rag.reading.excel", "read_excel"),
    ".docx": ("rag.reading.word", "read_word"),
    ".docm": ("rag.reading.word", "read_word"),
    ".pptx": ("rag.reading.slides", "read_slides"),
    ".pptm": ("rag.reading.slides", "read_slides"),
    ".html": ("rag.reading.html", "read_html"),
    ".htm": ("rag.reading.html", "read_html"),
    ".xhtml": ("rag.reading.html", "read_html"),
    ".eml": ("rag.reading.mail", "read_mail"),
    ".csv": ("rag.reading.sheets", "read_csv"),
    ".tsv": ("rag.reading.sheets", "read_csv"),
    ".md": ("rag.reading.markdown", "read_markdown"),
    ".markdown": ("rag.reading.markdown", "read_markdown"),
    ".txt": ("rag.reading.plain", "read_plain"),
    ".text": ("rag.reading.plain", "read_plain"),
    **dict.fromkeys(IMAGE_SUFFIXES, ("rag.reading.image", "read_image")),
    **dict.fromkeys(NEW_SUFFIXES, ("rag.reading.old_office", "read_old_office")),
}
"""The module and function that read each suffix; modules are imported when their first file comes."""

_IMAGES = frozenset({".gif", ".heic", ".heif"})
_OFFICE = frozenset({".xlsx", ".xlsm", ".docx", ".docm", ".pptx", ".pptm"})
_SAYS_NO_TEXT = frozenset({"no_text", *Concern})
_SURROGATE = re.compile("[\ud800-\udfff]")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNATURES = {"PDF": b"%PDF-", "ZIP（Office 文書など）": b"PK\x03\x04", "古い Office 文書": _OLE}
_MAX_OFFSET_OF_PDF_SIGNATURE = 1024
_CAUSES = {
    "BadZipFile": "ファイルの中の圧縮データが壊れています",
    "ParseError": "ファイルの中の XML が壊れています",
    "XMLSyntaxError": "ファイルの中の XML が壊れています",
    "EntitiesForbidden": "ファイルの中の XML に、ほかの内容を呼び込む宣言があり、安全でないため読みません",
    "KeyError": "ファイルの中にあるはずの部品がありません",
    "RecursionError": "ファイルの中の入れ子が深すぎます",
}
"""What the commonest exceptions of parsers mean; the others are named as they are."""
_MAX_DETAIL_CHARS = 200


def list_corpus(corpus: Path, *, options: ReadingOptions = DEFAULT_OPTIONS) -> Listing:
    """Return the files of a corpus folder and the members of its archives with their declared metadata, and what is refused.

    Raises ReadingError when the folder is missing or its metadata.csv cannot be read as a whole.
    """
    return list_folder(corpus, refuse=refuse_unknown, options=options)


def refuse_unknown(source: str) -> Problem | None:
    """Return why nobody reads files with that suffix, or None."""
    suffix = PurePosixPath(source).suffix.lower()
    return None if suffix in READERS else _refuse_suffix(source, suffix)


def _refuse_suffix(source: str, suffix: str) -> Problem:
    if suffix in _IMAGES:
        message, remedy = (
            f"この形式（{suffix}）の画像は読めません。",
            "PNG か JPEG、または PDF で保存し直してください。",
        )
    else:
        name, remedy = find_way_out(suffix)
        message = f"{name}は読めません。"
    return Problem(source, "unknown_format", message, remedy)


def read_document(
    file: CorpusFile, *, path: Path, sha256: str, listing: Listing, options: ReadingOptions = DEFAULT_OPTIONS
) -> Document:
    """Read the bytes at `path` as the corpus file `file`; a document without searchable text says so in its problems.

    Raises ReadingError, and nothing else but MemoryError, whatever is in the file (codes of the readers; empty, unknown_format,
    too_large, unreadable, broken).
    """
    suffix = PurePosixPath(file.source).suffix.lower()
    reader = _load_reader(file.source, suffix)
    try:
        check_bytes(path.stat().st_size, file.source, options)
        _check_signature(path, file.source, suffix)
        check_unpacked(path, file.source, options)
        content = _without_surrogates(reader(path, file.source, options))
    except (ReadingError, MemoryError):
        raise
    except (FileNotFoundError, PermissionError) as error:
        message = f"ファイルを開けません: {file.source}（{error.strerror or error}）"
        raise ReadingError(
            message, "読み取りの権限と、ファイルがあることを確かめてください。", code="unreadable"
        ) from error
    # Broad on purpose: parsers of foreign formats fail in ways nobody can list, and one broken file must not stop the others.
    except Exception as error:
        raise _describe_broken(error, file.source, path) from error
    row = listing.metadata.get(file.source)
    metadata = resolve_metadata(file.source, title=content.title, kind=content.kind, row=row, pages=content.pages)
    problems = (*content.problems, *_report_no_text(content, file.source))
    return Document(file.source, sha256, metadata, tuple(map(_count_searchable, content.pages)), problems)


def _without_surrogates(content: Content) -> Content:
    """Return content in which half characters, as bytes of no encoding leave them behind, are marked as unreadable (U+FFFD)."""
    if not any(_SURROGATE.search(page.text) for page in content.pages) and not _SURROGATE.search(content.title or ""):
        return content
    pages = tuple(
        replace(
            page,
            text=_SURROGATE.sub("\ufffd", page.text),
            blocks=tuple(
                replace(block, headings=tuple(_SURROGATE.sub("\ufffd", heading) for heading in block.headings))
                for block in page.blocks
            ),
        )
        for page in content.pages
    )
    return replace(content, pages=pages, title=_SURROGATE.sub("\ufffd", content.title) if content.title else None)


def _count_searchable(page: Page) -> Page:
    """Return the page with how many of its characters are searched, and how many are contents, in its quality record."""
    counts: Counter[BlockKind] = Counter()
    for block in page.blocks:
        counts[block.kind] += len("".join(page.text[block.start : block.end].split()))
    searchable = counts.total() - sum(counts[kind] for kind in NOT_SEARCHED)
    return replace(page, quality=replace(page.quality, searchable=searchable, contents=counts[BlockKind.CONTENTS]))


def _describe_broken(error: Exception, source: str, path: Path) -> ReadingError:
    """Return what is said of a file whose parser failed: the first line of the first exception, without where our copy lies."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    cause = _CAUSES.get(type(error).__name__, "ファイルが壊れているようです")
    detail = next(iter(str(error).replace(str(path), source).splitlines()), "")
    message = f"{cause}: {source}（{type(error).__name__}: {detail[:_MAX_DETAIL_CHARS]}）"
    return ReadingError(message, "元のソフトで開けることを確かめ、保存し直してください。", code="broken")


def find_mended(options: ReadingOptions) -> frozenset[str]:
    """Return the codes of problems that another reading would solve on this machine as it is now."""
    ocr = {Concern.WAITING_OCR.value} if options.ocr and find_tesseract() else frozenset()
    return conversion.find_mended() | ocr


def _load_reader(source: str, suffix: str) -> Reader:
    if suffix not in READERS:
        problem = _refuse_suffix(source, suffix)
        raise ReadingError(f"{problem.message}: {source}", problem.remedy, code=problem.code)
    module, function = READERS[suffix]
    reader: Reader = getattr(importlib.import_module(module), function)
    return reader


def _check_signature(path: Path, source: str, suffix: str) -> None:
    """Raise ReadingError when a file is empty, or its first bytes are not those of its suffix."""
    with path.open("rb") as file:
        head = file.read(_MAX_OFFSET_OF_PDF_SIGNATURE + len(_SIGNATURES["PDF"]))
    if not head:
        raise ReadingError(f"中身が空（0バイト）です: {source}", "元のファイルを置き直してください。", code="empty")
    found = next((name for name, signature in _SIGNATURES.items() if head.startswith(signature)), "テキストか不明")
    if suffix == ".pdf":
        fits = _SIGNATURES["PDF"] in head
    elif suffix in _OFFICE:
        fits = head.startswith((b"PK\x03\x04", _OLE))  # the reader says which of the OLE files it is
    elif suffix in NEW_SUFFIXES:  # .doc files are RTF or HTML at times, .xls files HTML; LibreOffice looks into them
        fits = head.startswith((b"PK\x03\x04", _OLE, b"{\\rtf")) or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    else:
        fits = not head.startswith(tuple(_SIGNATURES.values()))
    if not fits:
        message = f"拡張子 {suffix} と中身が合いません: {source}（中身は{found}です）"
        raise ReadingError(message, "正しい拡張子に直すか、元のソフトで保存し直してください。", code="unknown_format")


def _report_no_text(content: Content, source: str) -> Iterator[Problem]:
    """Yield a problem when nothing in a file can be searched, unless its reader said so in better words."""
    is_said = any(problem.code in _SAYS_NO_TEXT for problem in content.problems)
    if not is_said and not any(block.kind not in NOT_SEARCHED for page in content.pages for block in page.blocks):
        message = "検索できる文字がありません。"
        yield Problem(source, "no_text", message, "画像だけなら、文字認識（OCR）をした PDF にして置き直してください。")
