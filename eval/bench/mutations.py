"""Damage files the way disks, networks, programs and attackers do: the same file and random numbers give the same damage.

Some damage knows what it damages: members inside a ZIP container that stays whole, streams inside a PDF that stays readable.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random, bytes], bytes]
"""Returns what becomes of bytes; the last argument is another file, for those that splice."""

_NUMBERS = [b"0", b"-1", b"1", b"255", b"65536", b"2147483647", b"2147483648", b"-2147483649", b"99999999999999999999"]
_NUMBERS += [b"1e308", b"0.0000001", b"NaN"]
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_ODD = ["\0", "\ud7ff", "\u202e", "\ufffe", "\x1b[2J", "<", "&", "]]>", '"', "'", "\\", "\n", "％", "🏢", "\u3099"]


def flip_bytes(data: bytes, random: Random, other: bytes) -> bytes:
    """Change up to sixteen bytes."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 16)):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    return bytes(damaged)


def truncate(data: bytes, random: Random, other: bytes) -> bytes:
    """Cut the end off."""
    return data[: random.randrange(len(data))]


def duplicate_block(data: bytes, random: Random, other: bytes) -> bytes:
    """Repeat a part, up to a hundred times."""
    start, end = _block(data, random)
    return data[:end] + data[start:end] * random.choice([1, 1, 2, 100]) + data[end:]


def delete_block(data: bytes, random: Random, other: bytes) -> bytes:
    """Take a part out."""
    start, end = _block(data, random)
    return data[:start] + data[end:]


def splice(data: bytes, random: Random, other: bytes) -> bytes:
    """Put the end of another file behind the beginning of this one."""
    return data[: random.randrange(len(data))] + other[random.randrange(max(1, len(other))) :]


def change_number(data: bytes, random: Random, other: bytes) -> bytes:
    """Put other numbers in the place of some that are written out."""
    return _replace_some(rb"-?\d+(?:\.\d+)?", data, random, lambda match: random.choice(_NUMBERS))


def insert_odd_text(data: bytes, random: Random, other: bytes) -> bytes:
    """Put a character that has a meaning somewhere into the text, up to a thousand times."""
    place = random.randrange(len(data))
    odd = random.choice(_ODD).encode("utf-8", "surrogatepass") * random.choice([1, 1, 1, 1000])
    return data[:place] + odd + data[place:]


def damage_member(data: bytes, random: Random, other: bytes) -> bytes:
    """Damage one or two files inside a ZIP container, and pack it whole again; another kind of file is flipped."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            parts = {info.filename: container.read(info) for info in container.infolist() if info.file_size}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return flip_bytes(data, random, other)
    for name in random.sample(sorted(parts), min(len(parts), random.randint(1, 2))):
        parts[name] = random.choice(PLAIN)(parts[name], random, other) or b"x"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as container:
        for name, part in parts.items():
            container.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)  # without the time of day
    return packed.getvalue()


def damage_pdf_stream(data: bytes, random: Random, other: bytes) -> bytes:
    """Damage what is inside a compressed stream, and compress it again; places behind it move, as after a careless edit."""
    streams = [match for match in _STREAM.finditer(data) if _inflate(match[1])]
    if not streams:
        return flip_bytes(data, random, other)
    match = random.choice(streams)
    damaged = random.choice(PLAIN)(_inflate(match[1]), random, other)
    packed = zlib.compress(damaged)
    return data[: match.start(1)] + packed + data[match.end(1) :]


def swap_references(data: bytes, random: Random, other: bytes) -> bytes:
    """Let references of a PDF point to other objects."""
    numbers = re.findall(rb"(\d+) 0 R", data) or [b"1"]
    return _replace_some(rb"\d+(?= 0 R)", data, random, lambda match: random.choice(numbers))


PLAIN: Sequence[Mutation] = (
    flip_bytes, truncate, duplicate_block, delete_block, splice, change_number, insert_odd_text,
)  # fmt: skip
ARCHIVE: Sequence[Mutation] = (damage_member, damage_member, *PLAIN)
PDF: Sequence[Mutation] = (damage_pdf_stream, damage_pdf_stream, swap_references, *PLAIN)


def mutate(data: bytes, random: Random, other: bytes) -> tuple[str, bytes]:
    """Return the name of a kind of damage that fits a file, and the damaged bytes."""
    kinds = PDF if data.startswith(b"%PDF") else ARCHIVE if data.startswith(b"PK") else PLAIN
    mutation = random.choice(kinds)
    return mutation.__name__, mutation(data, random, other)


def _block(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data))
    return start, min(len(data), start + random.choice([1, 16, 256, 4096]))


def _replace_some(pattern: bytes, data: bytes, random: Random, choose: Callable[[re.Match[bytes]], bytes]) -> bytes:
    found = list(re.finditer(pattern, data))
    for match in sorted(random.sample(found, min(len(found), random.randint(1, 4))), key=lambda m: -m.start()):
        data = data[: match.start()] + choose(match) + data[match.end() :]
    return data


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return b""
