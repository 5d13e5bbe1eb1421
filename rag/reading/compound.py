"""Compound files, the container of Office 97 to 2003: which streams they hold, and whether a document in one is encrypted.

Layout after [MS-CFB], sections 2.2 to 2.6; the marks of encryption after [MS-XLS] 2.4.117, [MS-DOC] 2.5.2 and [MS-PPT] 2.3.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_HEADER_BYTES, _ENTRY_BYTES = 512, 128
_END = 0xFFFFFFFA  # sector numbers from here on are marks
_MINI_CUTOFF = 4096
_FILEPASS = 0x002F
_BOF = 0x0809
_DOCUMENTS = ("Workbook", "Book", "WordDocument", "PowerPoint Document", "EncryptedPackage")
_ENCRYPTED_SLIDES = 0xF3D1C4DF


@dataclass(frozen=True, slots=True)
class CompoundFile:
    """The bytes of a compound file and where its streams begin: name -> (first sector, size in bytes)."""

    data: bytes
    sector_bytes: int
    table: tuple[int, ...]
    streams: dict[str, tuple[int, int]]
    small_start: int

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the first bytes of a stream; nothing where there is no such stream, or its chain is broken."""
        start, size = self.streams.get(name, (_END, 0))
        size = min(size, max_bytes)
        if self.streams.get(name, (0, _MINI_CUTOFF))[1] >= _MINI_CUTOFF:
            return self._read_chain(start, size)
        return self._read_small(start, size)

    def _read_chain(self, start: int, size: int) -> bytes:
        parts: list[bytes] = []
        sector = start
        while sector < len(self.table) and len(parts) * self.sector_bytes < size:
            parts.append(self._sector(sector))
            sector = self.table[sector]
        return b"".join(parts)[:size]

    def _read_small(self, start: int, size: int) -> bytes:
        """Return the beginning of a stream of less than 4096 bytes: the first of its pieces is enough for every mark here."""
        small = self._read_chain(self.small_start, (start + 1) * 64 + size)
        return small[start * 64 : start * 64 + min(size, 64)]

    def _sector(self, number: int) -> bytes:
        return self.data[(number + 1) * self.sector_bytes : (number + 2) * self.sector_bytes]


def read_compound(path: Path) -> CompoundFile | None:
    """Return a compound file, or None for another or a broken one."""
    data = path.read_bytes()
    if not data.startswith(SIGNATURE) or len(data) < _HEADER_BYTES:
        return None
    (shift,) = struct.unpack_from("<H", data, 30)
    if shift not in (9, 12):
        return None
    (directory,) = struct.unpack_from("<I", data, 48)
    table = tuple(_read_table(data, 1 << shift))
    bare = CompoundFile(data, 1 << shift, table, {}, 0)
    entries = list(_read_entries(bare._read_chain(directory, len(data))))
    small = next((start for kind, _, start, _ in entries if kind == 5), 0)
    streams = {name: (start, size) for kind, name, start, size in entries if kind == 2}
    return CompoundFile(data, 1 << shift, table, streams, small)


def _read_table(data: bytes, sector_bytes: int) -> Iterator[int]:
    """Yield the sector that follows each sector."""
    for sector in _table_sectors(data, sector_bytes):
        piece = data[(sector + 1) * sector_bytes : (sector + 2) * sector_bytes] if sector < _END else b""
        if len(piece) < sector_bytes:
            return
        yield from struct.unpack(f"<{sector_bytes // 4}I", piece)


def _table_sectors(data: bytes, sector_bytes: int) -> Iterator[int]:
    """Yield the sectors that hold the table: the header names 109 of them, and a chain of sectors the others."""
    yield from struct.unpack_from("<109I", data, 76)
    following, count = struct.unpack_from("<II", data, 68)
    for _ in range(min(count, len(data) // sector_bytes)):
        piece = data[(following + 1) * sector_bytes : (following + 2) * sector_bytes] if following < _END else b""
        if len(piece) < sector_bytes:
            return
        *sectors, following = struct.unpack(f"<{sector_bytes // 4}I", piece)
        yield from sectors


def _read_entries(directory: bytes) -> Iterator[tuple[int, str, int, int]]:
    """Yield (kind, name, first sector, size) of what the directory lists; 2 is a stream, 5 the root."""
    for place in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        length, kind = struct.unpack_from("<HB", directory, place + 64)
        start, size = struct.unpack_from("<II", directory, place + 116)
        yield kind, directory[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"), start, size


def holds_office_document(path: Path) -> bool:
    """Tell whether a compound file can be listed and holds a document of Word, Excel or PowerPoint."""
    file = read_compound(path)
    return file is not None and any(name in file.streams for name in _DOCUMENTS)


def is_encrypted(path: Path) -> bool:
    """Tell whether a Word, Excel or PowerPoint file in a compound file asks for a password."""
    file = read_compound(path)
    if file is None:
        return False
    if "EncryptedPackage" in file.streams:
        return True
    sheets = file.read("Workbook", 4096) or file.read("Book", 4096)
    words = file.read("WordDocument", 32)
    slides = file.read("Current User", 20)
    return (
        _has_file_pass(sheets)
        or (len(words) > 11 and bool(words[11] & 1))
        or (len(slides) >= 16 and struct.unpack_from("<I", slides, 12)[0] == _ENCRYPTED_SLIDES)
    )


def _has_file_pass(workbook: bytes) -> bool:
    """Tell whether one of the first records, before anything that is encrypted, says that the rest is."""
    place = 0
    for _ in range(4):
        if len(workbook) < place + 4:
            return False
        kind, length = struct.unpack_from("<HH", workbook, place)
        if kind == _FILEPASS:
            return True
        place += 4 + length
    return False
