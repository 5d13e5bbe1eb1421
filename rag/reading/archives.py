"""ZIP archives: list what is in one, and decide from its directory what may be read. `unpacking` reads the members."""

from __future__ import annotations

import io
import itertools
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rag.documents import Problem
from rag.errors import ReadingError
from rag.reading.limits import check_bytes
from rag.reading.options import ReadingOptions
from rag.reading.unpacking import BROKEN, LOCAL_HEADER, Member, broken

ARCHIVE_SUFFIX = ".zip"
MAX_MEMBERS = 10_000
_MAX_DIRECTORY_BYTES = 400 * MAX_MEMBERS
_RATIO_FLOOR_BYTES, _MAX_RATIO = 10_000_000, 300  # text packs 5 to 50 times, deflate at most 1,032 times
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_JAPANESE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
_UNPACK = "展開し、必要なファイルをフォルダーに置いてください。"


def list_members(path: Path, source: str, options: ReadingOptions) -> tuple[list[Member], list[Problem]]:
    """Return the members of an archive that may be read, in the order of their names, and a problem for each that may not.

    Raises ReadingError (empty, unknown_format, broken, too_large, too_many_members, unsafe_archive) for the archive as a whole,
    OSError when it cannot be opened.
    """
    infos = _read_directory(path, source)
    named = [(_decode_name(info), info) for info in infos if not info.orig_filename.endswith(("/", "\\"))]
    named = [(name, info) for name, info in named if not is_hidden(name)]
    if not named:
        raise ReadingError(f"中にファイルがありません: {source}", "ファイルを入れて作り直してください。", code="empty")
    _check_whole([info for _, info in named], path, source, options)
    counts = Counter(_clean(name) for name, _ in named)
    members, problems = [], list[Problem]()
    for name, info in sorted(named, key=lambda pair: pair[0]):
        clean = _clean(name)
        problem = _refuse_member(name, info, source, options, is_twin=counts[clean] > 1)
        if problem is None:
            members.append(_build_member(clean, info))
        elif problem not in problems:
            problems.append(problem)
    return members, problems


def check_unpacked(path: Path, source: str, options: ReadingOptions) -> None:
    """Raise ReadingError (too_large, broken) for a ZIP container (docx, xlsx, …) that is too large as unpacked, or not whole."""
    with _Bounded(path) as file:
        if file.read(4) != b"PK\x03\x04":
            return
        try:
            with zipfile.ZipFile(file) as container:
                size = sum(info.file_size for info in container.infolist())
        except zipfile.LargeZipFile as error:
            raise _too_many(source) from error
        except (*BROKEN, OSError) as error:
            message = f"ファイルが壊れているか、途中で切れています: {source}（{error}）"
            remedy = "元のソフトで開けることを確かめ、保存し直すか、もう一度コピーしてください。"
            raise ReadingError(message, remedy, code="broken") from error
    check_bytes(size, source, options, unpacked=True)


def is_hidden(name: str) -> bool:
    """Tell whether a member is one that the packing program added for itself.

    >>> is_hidden("__MACOSX/様式/._様式1.docx"), is_hidden("様式/Thumbs.db"), is_hidden("../.x"), is_hidden("様式/様式1.docx")
    (True, True, False, False)
    """
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    if ".." in name.split("/") or not parts:
        return False
    in_hidden_folder = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return in_hidden_folder or parts[-1].startswith("~$") or parts[-1].lower() in ("thumbs.db", "desktop.ini")


# --- the directory ----------------------------------------------------------------------------------------------------


class _Bounded(io.FileIO):
    """A file of which nobody reads more at once than the directory of an honest archive takes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY_BYTES:
            raise zipfile.LargeZipFile
        return super().read(size) or b""


def _read_directory(path: Path, source: str) -> list[zipfile.ZipInfo]:
    with _Bounded(path) as file:
        head = file.read(4)
        if not head:
            raise ReadingError(f"中身が空（0バイト）です: {source}", "元のファイルを置き直してください。", code="empty")
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
        except zipfile.LargeZipFile as error:
            raise _too_many(source) from error
        except (*BROKEN, OSError) as error:  # OSError: a place before the beginning of the file
            if not head.startswith(b"PK"):
                message = f"拡張子 {ARCHIVE_SUFFIX} と中身が合いません: {source}"
                remedy = "正しい拡張子に直すか、zip 形式で作り直してください。"
                raise ReadingError(message, remedy, code="unknown_format") from error
            raise broken(source, str(error)) from error
    if len(infos) > MAX_MEMBERS:
        raise _too_many(source)
    return infos


def _decode_name(info: zipfile.ZipInfo) -> str:
    r"""Return the name of a member, with /. Without the flag for UTF-8 it is CP932, or the UTF-8 that macOS writes without it.

    >>> _decode_name(zipfile.ZipInfo("表紙\\予算.txt".encode("cp932").decode("cp437")))
    '表紙/予算.txt'
    >>> _decode_name(zipfile.ZipInfo("がの様式.txt".encode().decode("cp437")))
    'がの様式.txt'
    """
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME:
        name = _decode_bytes(name.encode("cp437", "replace"))
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def _decode_bytes(name: bytes) -> str:
    if name.isascii():
        return name.decode()
    try:
        if _JAPANESE.search(text := name.decode("utf-8")):
            return text
    except UnicodeDecodeError:
        pass
    return name.decode("cp932", "replace")


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _build_member(name: str, info: zipfile.ZipInfo) -> Member:
    deflated = info.compress_type == zipfile.ZIP_DEFLATED
    return Member(name, info.header_offset, info.compress_size, info.file_size, info.CRC, deflated)


# --- what is refused --------------------------------------------------------------------------------------------------


def _check_whole(infos: Sequence[zipfile.ZipInfo], path: Path, source: str, options: ReadingOptions) -> None:
    """Raise ReadingError when an archive is too large as unpacked, or made to become so."""
    check_bytes(sum(info.file_size for info in infos), source, options, unpacked=True)
    ends = sorted((info.header_offset, info.header_offset + LOCAL_HEADER.size + info.compress_size) for info in infos)
    overlap = any(end > start for (_, end), (start, _) in itertools.pairwise(ends))
    outside = ends[0][0] < 0 or max(end for _, end in ends) > path.stat().st_size
    swollen = any(
        info.file_size > _RATIO_FLOOR_BYTES and info.file_size > _MAX_RATIO * info.compress_size for info in infos
    )
    if overlap or outside or swollen:
        what = (
            "異常な割合で圧縮されたファイルがあります"
            if swollen
            else "中のファイルの位置が重なっているか、範囲の外です"
        )
        message = f"安全でない zip ファイルのため、開きません: {source}（{what}）"
        raise ReadingError(message, f"入手元を確かめてください。信用できるものなら、{_UNPACK}", code="unsafe_archive")


def _refuse_member(
    name: str, info: zipfile.ZipInfo, source: str, options: ReadingOptions, *, is_twin: bool
) -> Problem | None:
    """Return why a member is not taken, or None."""
    code, what, remedy = _find_fault(name, info, is_twin=is_twin)
    if not code:
        return None
    shown = re.sub(r"[\x00-\x1f\x7f]", "\ufffd", name)
    return Problem(f"{source}/{shown.lstrip('/')}", code, f"{what}: {source} の中の「{shown}」", remedy)


def _find_fault(name: str, info: zipfile.ZipInfo, *, is_twin: bool) -> tuple[str, str, str]:
    """Return the code of what is wrong with a member, or "", with message and remedy."""
    mode = stat.S_IFMT(info.external_attr >> 16)
    if ".." in name.split("/") or name.startswith("/") or re.match("[A-Za-z]:", name):
        return "unsafe_name", "フォルダーの外を指す名前です", f"入手元を確かめ、信用できるものなら、{_UNPACK}"
    if "\ufffd" in name or re.search(r"[\x00-\x1f\x7f]", name):
        return "unreadable_name", "名前の文字が読み取れません", _UNPACK
    if mode not in (0, stat.S_IFREG):
        return "symlink", "ファイルではなく、リンクなどです", "ファイルそのものを入れて作り直してください。"
    if is_twin:
        return "duplicate_name", "同じ名前のファイルが複数あり、どれも読みません", "名前を変えて作り直してください。"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted", "パスワードで保護されています", f"パスワードを入れて{_UNPACK}"
    if name.lower().endswith(ARCHIVE_SUFFIX):
        return "nested_archive", "zip の中の zip は読みません", "外側を展開し、中の zip をフォルダーに置いてください。"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "unknown_format", "この圧縮方式は読めません", _UNPACK
    return "", "", ""


def _too_many(source: str) -> ReadingError:
    message = f"中のファイルが多すぎます: {source}（上限 {MAX_MEMBERS:,} 件）"
    return ReadingError(message, "いくつかの zip ファイルに分けるか、" + _UNPACK, code="too_many_members")
