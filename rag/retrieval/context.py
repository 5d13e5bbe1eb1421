"""What stands around a passage: the chunk before, the chunk after, and the section that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.documents import Chunk, Context

REACH = 30
"""Chunks on either side, of those around a chunk, that its section may reach to."""
MAX_SECTION_CHARS = 1_600


def build_context(chunk: Chunk, around: Sequence[Chunk], *, max_chars: int = MAX_SECTION_CHARS) -> Context:
    """Return the context of a chunk. around: chunks of the same document, those next to it among them.

    The section is the unbroken run of chunks with the same headings; beyond max_chars those farthest from the chunk are left out.
    """
    by_ordinal = {other.ordinal: other for other in around} | {chunk.ordinal: chunk}
    section, complete = _grow(chunk, by_ordinal, max_chars)
    return Context(
        before=by_ordinal.get(chunk.ordinal - 1),
        after=by_ordinal.get(chunk.ordinal + 1),
        section=section,
        complete=complete,
    )


def _grow(chunk: Chunk, by_ordinal: Mapping[int, Chunk], max_chars: int) -> tuple[tuple[Chunk, ...], bool]:
    """Return the run of chunks around one, taken in turn from before and after it, and whether that is all of it."""
    first = last = chunk.ordinal
    room = max_chars - len(chunk.text)
    complete = True
    open_sides = {-1, 1}
    while open_sides:
        for step in sorted(open_sides):
            other = by_ordinal.get((first if step < 0 else last) + step)
            if other is None or other.headings != chunk.headings:
                open_sides.discard(step)
                continue
            if len(other.text) > room or abs(other.ordinal - chunk.ordinal) > REACH:
                complete = False
                open_sides.discard(step)
                continue
            room -= len(other.text)
            first, last = min(first, other.ordinal), max(last, other.ordinal)
    return tuple(by_ordinal[ordinal] for ordinal in range(first, last + 1)), complete
