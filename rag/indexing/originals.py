"""The very bytes that were indexed, under the name of their hash: a citation opens what was read."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

FILES = "files"
_PIECE = 1 << 20
_TEMPORARY = ".incoming-"


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stored_name(sha256: str, path: Path) -> str:
    """Return the name under which the bytes of a file are kept.

    >>> stored_name("ab12", Path("規程.PDF"))
    'ab12.pdf'
    """
    suffix = path.suffix.lower()
    return sha256 + (suffix if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix) else "")


def store_original(path: Path, *, sha256: str, files_dir: Path) -> tuple[str, Path]:
    """Keep the bytes of a file; return their hash and where they are kept.

    sha256: the hash as it was a moment ago. When the file has changed since, the bytes that were copied count.
    """
    stored = files_dir / stored_name(sha256, path)
    if stored.exists():
        return sha256, stored
    files_dir.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=files_dir, prefix=_TEMPORARY)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            digest = _copy(path, target)
        stored = files_dir / stored_name(digest, path)
        temporary.replace(stored)
    finally:
        temporary.unlink(missing_ok=True)
    return digest, stored


def _copy(path: Path, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
            target.write(piece)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def remove_unreferenced(files_dir: Path, hashes: Collection[str]) -> None:
    """Delete kept files that no snapshot refers to, and what killed runs left behind."""
    for path in files_dir.glob("*") if files_dir.is_dir() else ():
        if path.name.partition(".")[0] not in hashes:
            try:
                path.unlink()
            except PermissionError:  # Windows: someone looks at it; the next run tries again
                continue
