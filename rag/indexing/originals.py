"""The very bytes that were indexed, under the name of their hash: a citation opens what was read."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rag.errors import IndexBuildError, ReadingError
from rag.indexing.pipeline import CorpusFile
from rag.reading.limits import check_bytes
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.unpacking import read_member

FILES = "files"
_PIECE = 1 << 20
_TEMPORARY = ".incoming-"


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_member(file: CorpusFile) -> str:
    """Return the SHA-256 of the bytes of an archive's member, in hex. Raises ReadingError (inaccessible, broken)."""
    digest = hashlib.sha256()
    for piece in _read_pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def stored_name(sha256: str, source: str) -> str:
    """Return the name under which the bytes of a file are kept.

    >>> stored_name("ab12", "総務課/様式.zip/規程.PDF")
    'ab12.pdf'
    """
    suffix = PurePosixPath(source).suffix.lower()
    return sha256 + (suffix if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix) else "")


def store_original(
    file: CorpusFile, *, sha256: str, files_dir: Path, options: ReadingOptions = DEFAULT_OPTIONS
) -> tuple[str, Path]:
    """Keep the bytes of a file or of an archive's member; return their hash and where they are kept.

    sha256: the hash as it was a moment ago. When the file has changed since, the bytes that were copied count.
    Raises ReadingError (inaccessible, broken, too_large) for a file that cannot be copied, IndexBuildError when it cannot be kept.
    """
    stored = files_dir / stored_name(sha256, file.source)
    if stored.exists():
        return sha256, stored
    try:
        return _store(file, files_dir, options)
    except OSError as error:
        raise IndexBuildError(
            f"文書の控えを保存できません: {files_dir}（{error.strerror or error}）",
            "ディスクの空きと、索引のフォルダーに書き込む権限を確かめてください。",
        ) from error


def _store(file: CorpusFile, files_dir: Path, options: ReadingOptions) -> tuple[str, Path]:
    files_dir.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=files_dir, prefix=_TEMPORARY)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            digest = _copy(file, target, options)
        stored = files_dir / stored_name(digest, file.source)
        temporary.replace(stored)
    finally:
        temporary.unlink(missing_ok=True)
    return digest, stored


def _copy(file: CorpusFile, target: BinaryIO, options: ReadingOptions) -> str:
    digest, size = hashlib.sha256(), 0
    for piece in _read_pieces(file):
        size += len(piece)
        check_bytes(size, file.source, options)  # it may grow while it is read
        digest.update(piece)
        target.write(piece)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def _read_pieces(file: CorpusFile) -> Iterator[bytes]:
    """Yield the bytes of a file or member; what goes wrong is the file's problem, never the disk's that it is copied to."""
    try:
        if file.member is not None:
            yield from read_member(file.path, file.member, file.source)
            return
        with file.path.open("rb") as source:
            while piece := source.read(_PIECE):
                yield piece
    except OSError as error:
        raise inaccessible(file.source, error) from error


def inaccessible(source: str, error: OSError) -> ReadingError:
    """Return what is said of a file that cannot be opened at the moment: open in Excel on a share, or just gone."""
    return ReadingError(
        f"ファイルを開けません: {source}（{error.strerror or error}）",
        "ほかの人が開いていないか、読み取りの権限があるかを確かめて、もう一度 `rag index` を実行してください。",
        code="inaccessible",
    )


def remove_unreferenced(files_dir: Path, hashes: Collection[str]) -> None:
    """Delete kept files that no snapshot refers to, and what killed runs left behind."""
    for path in files_dir.glob("*") if files_dir.is_dir() else ():
        if path.name.partition(".")[0] not in hashes:
            try:
                path.unlink()
            except PermissionError:  # Windows: someone looks at it; the next run tries again
                continue
