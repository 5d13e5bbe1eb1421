"""Unpack one member of a ZIP archive as a stream of bytes.

Nothing is extracted: the bytes go where the caller puts them, never to a path that the archive names. What its directory says is
not believed: not a byte more than was declared comes out, and the checksum is compared. The place of a member is known from the
listing, so that a thousand members cost no thousand readings of the directory, as they would with zipfile.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag.errors import ReadingError

_PIECE = 1 << 20
LOCAL_HEADER = struct.Struct("<4s22xHH")
BROKEN = (zipfile.BadZipFile, EOFError, struct.error, zlib.error, ValueError, NotImplementedError, OverflowError)
"""What zipfile raises for an archive that is not as it should be."""


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A file in an archive: its name (NFC, with /), where its header stands, its size packed and unpacked, its checksum."""

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    deflated: bool


def read_member(path: Path, member: Member, source: str) -> Iterator[bytes]:
    """Yield the bytes of a member in pieces of about a megabyte. source: what the member is called in messages.

    Raises ReadingError (broken) when the archive does not hold what its directory said, OSError when it cannot be opened.
    """
    checksum, size = 0, 0
    with path.open("rb") as stream:
        try:
            _seek_data(stream, member)
            for piece in _inflate(stream, member) if member.deflated else _copy(stream, member.packed):
                checksum, size = zlib.crc32(piece, checksum), size + len(piece)
                if size > member.size:
                    break
                yield piece
        except BROKEN as error:
            raise broken(source, str(error)) from error
    if (size, checksum) != (member.size, member.crc):
        raise broken(source, "目録にある大きさや検査値と中身が合いません")


def _seek_data(stream: BinaryIO, member: Member) -> None:
    stream.seek(member.offset)
    signature, name_bytes, extra_bytes = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile("ファイルの見出しがありません")
    stream.seek(name_bytes + extra_bytes, io.SEEK_CUR)


def _copy(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (piece := stream.read(min(size, _PIECE))):
        size -= len(piece)
        yield piece


def _inflate(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for packed in _copy(stream, member.packed):
        piece = b""
        while not unpacker.eof and (packed or len(piece) == _PIECE):
            piece = unpacker.decompress(packed, _PIECE)
            packed = unpacker.unconsumed_tail
            yield piece
    if not unpacker.eof:
        raise zipfile.BadZipFile("途中で切れています")


def broken(source: str, what: str) -> ReadingError:
    """Return what is said of an archive, or of a member, that is not whole."""
    message = f"zip ファイルが壊れているか、途中で切れています: {source}（{what}）"
    return ReadingError(message, "zip ファイルを作り直すか、もう一度コピーしてください。", code="broken")
