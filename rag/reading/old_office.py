"""Files of old Office versions and of other office suites: made new by LibreOffice, then read by the reader of the new form."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path

from rag.documents import Content
from rag.errors import ReadingError
from rag.reading.compound import SIGNATURE, holds_office_document, is_encrypted
from rag.reading.conversion import CONVERSION_FAILED, open_converted
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions

NEW_SUFFIXES = {
    **dict.fromkeys((".doc", ".rtf", ".odt"), ".docx"),
    **dict.fromkeys((".xls", ".xlsb", ".ods"), ".xlsx"),
    **dict.fromkeys((".ppt", ".odp"), ".pptx"),
}
"""What each of these suffixes is made into."""
_READERS = {
    ".docx": ("rag.reading.word", "read_word"),
    ".xlsx": ("rag.reading.excel", "read_excel"),
    ".pptx": ("rag.reading.slides", "read_slides"),
}
_MANIFEST = "META-INF/manifest.xml"


def read_old_office(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return what the reader of the new form finds in a file; paragraph, row and slide numbers are those of the file itself.

    Raises ReadingError (codes needs_libreoffice, conversion_failed, encrypted, too_large, and those of the reader).
    """
    _check_container(path, source, options)
    target = NEW_SUFFIXES[Path(source).suffix.lower()]
    module, function = _READERS[target]
    try:
        with open_converted(
            path, source, target, timeout_seconds=options.max_seconds, max_bytes=options.max_bytes
        ) as converted:
            content: Content = getattr(importlib.import_module(module), function)(converted, source, options)
            return content
    except ReadingError as error:
        # asked only now: a workbook can be encrypted with a password that everybody has (write protection)
        if error.code == CONVERSION_FAILED and (is_encrypted(path) or _is_encrypted_open_document(path)):
            raise _refuse_encrypted(source) from error
        raise


def _check_container(path: Path, source: str, options: ReadingOptions) -> None:
    """Raise ReadingError for what is no Office file: LibreOffice would open it as text and make nonsense of it."""
    with path.open("rb") as file:
        head = file.read(len(SIGNATURE))
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            fits = bool({"mimetype", "[Content_Types].xml"} & set(archive.namelist()))
            size = sum(member.file_size for member in archive.infolist())
        if size > options.max_bytes:
            message = f"展開すると大きすぎます: {source}（上限 {options.max_bytes // 1_000_000} MB）"
            raise ReadingError(message, "文書を分けて保存し直してください。", code="too_large")
    else:
        fits = head != SIGNATURE or holds_office_document(path)
    if not fits:
        message = f"ファイルが壊れているか、Office の文書ではありません: {source}"
        raise ReadingError(message, "元のソフトで開けることを確かめ、保存し直してください。", code="broken")


def _is_encrypted_open_document(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST)


def _refuse_encrypted(source: str) -> ReadingError:
    hint = "元のソフトで開き、パスワードを外して保存し直してください。"
    return ReadingError(f"パスワードで保護されています: {source}", hint, code="encrypted")
