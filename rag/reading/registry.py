"""The door of this room: list a corpus, and read one of its files into a Document with the reader that its suffix names."""

from __future__ import annotations

import importlib
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag.documents import NOT_SEARCHED, Content, Document, Problem
from rag.errors import ReadingError
from rag.reading import conversion
from rag.reading.metadata import METADATA_FILE, MetadataRow, read_metadata, resolve_metadata
from rag.reading.old_office import NEW_SUFFIXES
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.unreadable import find_way_out

READER_VERSION = "4"
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
    **dict.fromkeys(NEW_SUFFIXES, ("rag.reading.old_office", "read_old_office")),
}
"""The module and function that read each suffix; modules are imported when their first file comes."""

_RESERVED = frozenset({METADATA_FILE, "synonyms.csv", "dictionary.csv", "thumbs.db", "desktop.ini"})
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".webp"})
_OFFICE = frozenset({".xlsx", ".xlsm", ".docx", ".docm", ".pptx", ".pptm"})
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_SIGNATURES = {"PDF": b"%PDF-", "ZIP（Office 文書など）": b"PK\x03\x04", "古い Office 文書": _OLE}
_MAX_OFFSET_OF_PDF_SIGNATURE = 1024


@dataclass(frozen=True, slots=True, order=True)
class CorpusFile:
    """A file of the corpus: its name there (NFC, with /), and where its bytes are."""

    source: str
    path: Path


@dataclass(frozen=True, slots=True)
class Listing:
    """What a corpus holds: the files that can be read, sorted; what metadata.csv says of them; and what cannot be read and why."""

    files: tuple[CorpusFile, ...]
    metadata: Mapping[str, MetadataRow] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def list_corpus(corpus: Path) -> Listing:
    """Return the files of a corpus folder with their declared metadata; what is refused stands in the problems.

    Raises ReadingError when the folder is missing or its metadata.csv cannot be read as a whole.
    """
    if not corpus.is_dir():
        message = f"文書のフォルダーがありません: {corpus}"
        raise ReadingError(message, "フォルダーの場所を確かめてください。", code="missing_corpus")
    files: dict[str, CorpusFile] = {}
    problems: list[Problem] = []
    for file in sorted(_walk(corpus, problems)):
        problem = _refuse(file, corpus, files)
        if problem is None:
            files[file.source] = file
        else:
            problems.append(problem)
    metadata: dict[str, MetadataRow] = {}
    if (declared := corpus / METADATA_FILE).is_file():
        metadata, wrong = read_metadata(declared, files.keys())
        problems += wrong
    return Listing(tuple(files.values()), metadata, tuple(problems))


def _walk(corpus: Path, problems: list[Problem]) -> Iterator[CorpusFile]:
    """Yield the files that are neither hidden nor reserved; linked folders are not entered, and reported."""

    def report(error: OSError) -> None:
        source = _source_of(Path(error.filename or corpus), corpus)
        problems.append(
            Problem(source, "unreadable", f"開けません: {error.strerror}", "読み取りの権限を確かめてください。")
        )

    for folder, folders, names in os.walk(corpus, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (linked := Path(folder, name)).is_symlink():
                problems.append(_refuse_link(_source_of(linked, corpus)))
        for name in names:
            path = Path(folder, name)
            if not _is_reserved(name):
                yield CorpusFile(_source_of(path, corpus), path)
            elif name.lower() == METADATA_FILE and Path(folder) != corpus:
                message = f"{METADATA_FILE} は文書のフォルダーの直下にあるものだけを使います。"
                problems.append(
                    Problem(_source_of(path, corpus), "reserved_name", message, "直下に移すか、名前を変えてください。")
                )


def _source_of(path: Path, corpus: Path) -> str:
    """Return the name of a file in the corpus; macOS hands names over in NFD, and bytes that are no name become ?."""
    name = path.relative_to(corpus).as_posix().encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _is_reserved(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in _RESERVED


def _refuse(file: CorpusFile, corpus: Path, known: Mapping[str, CorpusFile]) -> Problem | None:
    """Return why a file is not taken, or None."""
    if file.path.is_symlink() and not _is_inside(file.path, corpus):
        return _refuse_link(file.source)
    if file.source in known:
        message = "同じ名前のファイルがもう一つあります（文字の組み立て方だけが違う名前）。"
        return Problem(file.source, "duplicate_name", message, "どちらかの名前を変えてください。")
    suffix = Path(file.source).suffix.lower()
    return None if suffix in READERS else _refuse_suffix(file.source, suffix)


def _is_inside(path: Path, corpus: Path) -> bool:
    target = path.resolve()
    return target.is_file() and target.is_relative_to(corpus.resolve())


def _refuse_link(source: str) -> Problem:
    message = "文書のフォルダーの外を指すリンクか、フォルダーへのリンク、または切れたリンクです。"
    return Problem(source, "symlink", message, "ファイルそのものを置いてください。")


def _refuse_suffix(source: str, suffix: str) -> Problem:
    if suffix in _IMAGES:
        message, remedy = "画像だけのファイルは読めません。", "文字を読み取った PDF にして置いてください。"
    else:
        name, remedy = find_way_out(suffix)
        message = f"{name}は読めません。"
    return Problem(source, "unknown_format", message, remedy)


def read_document(
    file: CorpusFile, *, path: Path, sha256: str, listing: Listing, options: ReadingOptions = DEFAULT_OPTIONS
) -> Document:
    """Read the bytes at `path` as the corpus file `file`; a document without searchable text says so in its problems.

    Raises ReadingError, and nothing else, whatever is in the file (codes of the readers; empty, unknown_format, unreadable, broken).
    """
    suffix = Path(file.source).suffix.lower()
    reader = _load_reader(file.source, suffix)
    try:
        _check_signature(path, file.source, suffix)
        content = reader(path, file.source, options)
    except ReadingError:
        raise
    except OSError as error:
        message = f"ファイルを開けません: {file.source}（{error.strerror or error}）"
        raise ReadingError(
            message, "読み取りの権限と、ファイルがあることを確かめてください。", code="unreadable"
        ) from error
    # Broad on purpose: parsers of foreign formats fail in ways nobody can list, and one broken file must not stop the others.
    except Exception as error:
        raise ReadingError(
            f"ファイルが壊れているようです: {file.source}（{type(error).__name__}: {error}）",
            "元のソフトで開けることを確かめ、保存し直してください。",
            code="broken",
        ) from error
    row = listing.metadata.get(file.source)
    metadata = resolve_metadata(file.source, title=content.title, kind=content.kind, row=row, pages=content.pages)
    problems = (*content.problems, *_report_no_text(content, file.source))
    return Document(file.source, sha256, metadata, content.pages, problems)


def find_mended(options: ReadingOptions) -> frozenset[str]:
    """Return the codes of problems that another reading would solve on this machine as it is now."""
    return conversion.find_mended()


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
    is_said = any(problem.code == "no_text" for problem in content.problems)
    if not is_said and not any(block.kind not in NOT_SEARCHED for page in content.pages for block in page.blocks):
        message = "検索できる文字がありません。"
        yield Problem(source, "no_text", message, "画像だけなら、文字認識（OCR）をした PDF にして置き直してください。")
