"""Under which headings of its own passage a unit stands: a short section is one chunk, with the headings in its text."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.units import Unit
from rag.documents import Passage
from rag.reading.structure import HeadingPath, heading_level

_DEEPEST = 99  # of a heading without a number or mark: it stands below every other


def find_words_above(
    units: Sequence[Unit], words: Sequence[frozenset[str]], passages: Sequence[Passage]
) -> list[frozenset[str]]:
    """Return for each unit the words of the headings inside its passage that it stands under.

    words: of each unit. Units of one passage come one after another, in reading order; a heading stands under those above it.
    """
    found = []
    for place, (unit, of_unit) in enumerate(zip(units, words, strict=True)):
        if place == 0 or units[place - 1].passage != unit.passage:
            path, known = HeadingPath(), dict[str, frozenset[str]]()
        above = path.path
        if unit.is_heading:
            heading = " ".join(unit.text(passages).split())
            known[heading] = of_unit
            above = path.push(heading_level(heading) or _DEEPEST, heading)[:-1]
        found.append(frozenset().union(*(known[text] for text in above)))
    return found
