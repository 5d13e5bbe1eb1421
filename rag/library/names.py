"""Names of files that people bring: taken only if they mean the same file on every machine that the corpus may stand on.

A name that is not clean is refused with the reason, never mended in silence: two files must not become one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from rag.errors import LibraryError
from rag.reading.archives import ARCHIVE_SUFFIX, is_hidden
from rag.reading.metadata import METADATA_FILE
from rag.reading.wording import DICTIONARY_FILE, SYNONYMS_FILE

TABLES = (METADATA_FILE, SYNONYMS_FILE, DICTIONARY_FILE)
MAX_PART_BYTES, MAX_NAME_BYTES, MAX_DEPTH = 255, 1_000, 20
"""The longest name of a file or folder on Linux file systems; a whole name that still fits with the corpus in front; its folders."""
_WINDOWS_PATH_CHARS = 259
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_FORMULA_STARTS = ("=", "+", "-", "@")
_RENAME = "名前を変えて、もう一度加えてください。"
_INVISIBLE = {"Cc": "制御文字", "Cf": "見えない文字（文字の向きを変えるものなど）", "Cs": "文字として読めない部分"}
_INVISIBLE |= {"Zl": "改行の文字", "Zp": "改行の文字"}


def clean_source(name: str, folder: str = "") -> str:
    r"""Return what a file that people call `name` is called in the corpus, in a folder of it; NFC, with /.

    Raises LibraryError for a name that leads out of the corpus, or that some system or program would not take as it is.

    >>> clean_source("様式\\申請書.docx", "税務課")
    '税務課/様式/申請書.docx'
    """
    source = unicodedata.normalize("NFC", f"{folder}/{name}" if folder else name).replace("\\", "/")
    parts = source.split("/")
    for part in parts:
        if fault := next(_find_faults(part), None):
            raise LibraryError(f"使えない名前です: {show_name(name)}（{fault}）", _RENAME)
    if len(parts) > MAX_DEPTH or len(source.encode()) > MAX_NAME_BYTES:
        message = f"フォルダーが深すぎるか、名前が長すぎます: {show_name(name)}"
        raise LibraryError(
            message, f"全体で {MAX_NAME_BYTES} バイト（日本語で約 {MAX_NAME_BYTES // 3} 字）までにしてください。"
        )
    if parts[-1].lower() in TABLES:
        message = f"{parts[-1].lower()} は表のための名前で、文書には使えません: {source}"
        raise LibraryError(message, "表は画面の表の欄で直すか、文書の名前を変えてください。")
    return source


def is_left_out(name: str) -> bool:
    """Tell whether a file is one that a program made for itself (.DS_Store, Thumbs.db, ~$様式.docx): nobody misses it.

    >>> is_left_out("様式/~$申請書.docx"), is_left_out("様式/.DS_Store"), is_left_out("様式/申請書.docx"), is_left_out("../.x")
    (True, True, False, False)
    """
    return is_hidden(name.replace("\\", "/"))


def show_name(name: str) -> str:
    """Return a name so that it can be shown: what cannot be seen, or turns the text around, as �; cut where it is very long.

    >>> show_name("請求書\u202efdp.exe")
    '請求書�fdp.exe'
    """
    shown = "".join("\ufffd" if unicodedata.category(letter) in _INVISIBLE else letter for letter in name)
    return shown if len(shown) <= 100 else f"{shown[:60]}…{shown[-30:]}"


def find_file(corpus: Path, source: str) -> Path | None:
    """Return where a file of the corpus is, None where there is none; macOS may have written the name in NFD.

    Raises LibraryError for a name that leads out of the corpus, by a link too, and for a file inside an archive.
    """
    path = corpus
    parts = clean_parts(source)
    for place, part in enumerate(parts):
        if path.is_file() and path.suffix.lower() == ARCHIVE_SUFFIX:
            archive = "/".join(parts[:place])
            message = f"zip の中のファイルは、1 件ずつ変えられません: {source}"
            raise LibraryError(message, f"zip ごと（{archive}）置き換えるか削除してください。")
        found = _find_entry(path, part)
        if found is None:
            return None
        path = found
    if not path.parent.resolve().is_relative_to(corpus.resolve()):
        message = f"文書フォルダーの外を指すリンクの中にあります: {show_name(source)}"
        raise LibraryError(message, "リンクでなく、ファイルそのものを置いてください。")
    return path if path.is_file() or path.is_symlink() else None


def place_for(corpus: Path, source: str) -> Path:
    """Return where a new file of the corpus goes: into the folders that are there, whatever way their names are written.

    Raises LibraryError where a file stands in the place of a folder, a folder in its own, or where that is not inside the corpus.
    """
    path, parts = corpus, clean_parts(source)
    for part in parts[:-1]:
        path = _find_entry(path, part) or path / part
        if path.exists() and not path.is_dir():
            raise _occupied(source, f"{part} という名前のファイルがあり、フォルダーを作れません")
        if path.exists() and not path.resolve().is_relative_to(corpus.resolve()):
            raise _occupied(source, f"{part} は文書フォルダーの外を指すリンクです")
    target = _find_entry(path, parts[-1]) or path / parts[-1]
    if target.is_dir():
        raise _occupied(source, "同じ名前のフォルダーがあります")
    if not target.exists() and (twin := _find_twin(path, parts[-1])):
        raise _occupied(source, f"大文字と小文字だけが違う {twin} があります")
    if os.name == "nt" and len(str(target.absolute())) > _WINDOWS_PATH_CHARS:
        raise _occupied(source, "Windows で使える長さを超えます")
    return target


def clean_parts(source: str) -> list[str]:
    """Return the names of the folders and of the file. Raises LibraryError for a source that no corpus can have."""
    parts = unicodedata.normalize("NFC", source).split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise LibraryError(
            f"文書フォルダーの中の名前ではありません: {show_name(source)}", "一覧から文書を選び直してください。"
        )
    return parts


def _find_faults(part: str) -> Iterator[str]:
    """Yield what is wrong with the name of one file or folder."""
    if part in ("", ".", "..") or re.match("[A-Za-z]:", part):
        yield "文書フォルダーの外を指します"
    for letter in part:
        if kind := _INVISIBLE.get(unicodedata.category(letter)):
            yield f"{kind}があります"
    if found := _FORBIDDEN.search(part):
        yield f"Windows で使えない文字 {found[0]} があります"
    if part != part.strip() or part.endswith("."):
        yield "前後に空白があるか、ピリオドで終わっています"
    if _DEVICE.fullmatch(part.partition(".")[0].strip()):
        yield "Windows が装置の名前として使っています"
    if part.startswith((".", "~$")) or part.lower() in ("thumbs.db", "desktop.ini"):
        yield "索引にしない名前（. や ~$ で始まるものなど）です"
    if part.startswith(_FORMULA_STARTS):
        yield "表計算ソフトが式と見なす文字（= + - @）で始まります"
    if len(part.encode("utf-8", "replace")) > MAX_PART_BYTES:
        yield f"長すぎます（{MAX_PART_BYTES} バイト、日本語で約 {MAX_PART_BYTES // 3} 字まで）"


def _find_entry(folder: Path, part: str) -> Path | None:
    """Return what a folder has under a name in any composition of its characters."""
    if (folder / part).exists() or (folder / part).is_symlink():
        return folder / part
    if part.isascii() or not folder.is_dir():
        return None
    return next((path for path in folder.iterdir() if unicodedata.normalize("NFC", path.name) == part), None)


def _find_twin(folder: Path, part: str) -> str | None:
    key = _fold(part)
    return next((path.name for path in folder.iterdir() if _fold(path.name) == key), None) if folder.is_dir() else None


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _occupied(source: str, why: str) -> LibraryError:
    return LibraryError(f"ここには置けません: {source}（{why}）", "名前かフォルダーを変えてください。")
