"""Under which headings of its own passage a unit stands: a short section is one chunk, with the headings in its text."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.units import Unit
from rag.documents import Passage
from rag.reading.structure import FIRST_SYMBOL_LEVEL, HeadingPath, heading_level

_UNNUMBERED = FIRST_SYMBOL_LEVEL - 1
"""A heading without a number or mark stands under the numbered ones above it, and ends with the next of any number."""


def find_words_above(
    units: Sequence[Unit], words: Sequence[frozenset[str]], passages: Sequence[Passage]
) -> list[frozenset[str]]:
    """Return for each unit the words of the headings inside its passage that it stands under.

    words: of each unit. Units of one passage come one after another, in reading order; a heading stands under those above it. Dates
    and lines of a table of contents, which are no answers either, are no headings here.
    """
    found = []
    for place, (unit, of_unit) in enumerate(zip(units, words, strict=True)):
        if place == 0 or units[place - 1].passage != unit.passage:
            path, known = HeadingPath(), dict[str, frozenset[str]]()
            chunk = passages[unit.passage].chunk
            heads = {offset for offset, segment in chunk.segment_offsets() if segment.heading}
        above = path.path
        if unit.start in heads:
            heading = " ".join(unit.text(passages).split())
            known[heading] = of_unit
            above = path.push(heading_level(heading) or _UNNUMBERED, heading)[:-1]
        found.append(frozenset().union(*(known[text] for text in above)))
    return found
