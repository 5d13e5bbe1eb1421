"""A line in the form in which characters are compared, with the place in the line that each character comes from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.text import fix_radicals, fold
from rag.variants import mend_characters

_VOICED = "ﾞﾟ"  # half-width marks that join the kana before them


@dataclass(frozen=True, slots=True)
class FoldedLine:
    """A line as it stands, cleaned for a dictionary (one kind of each character), and folded (numbers and days in one notation).

    Of each character of the clean text and of the folded one: where its origin in the line begins, and where it ends.
    """

    text: str
    clean: str
    folded: str
    clean_origin: tuple[tuple[int, int], ...]
    folded_origin: tuple[tuple[int, int], ...]

    def locate_clean(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of the line that [start, end) of the clean text stands for."""
        return self.clean_origin[start][0], self.clean_origin[end - 1][1]

    def locate_folded(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of the line that [start, end) of the folded text stands for."""
        return self.folded_origin[start][0], self.folded_origin[end - 1][1]


def fold_line(line: str) -> FoldedLine:
    """Return a line in its three forms.

    >>> folded = fold_line("令和６年四月一日、三千円")
    >>> folded.folded, folded.locate_folded(0, 9), folded.locate_folded(10, 15)
    ('2024年4月1日、3000円', (0, 8), (9, 12))
    """
    clean, origin = _clean(line)
    cells = clean.split("\t")
    folded_cells = [fold(cell) for cell in cells]
    folded = fold(clean)
    if folded != " ".join(folded_cells):  # what is folded reaches over more than one cell of the row
        cells, folded_cells = [clean], [folded]
    traced: list[tuple[int, int]] = []
    begin = 0
    for cell, folded_cell in zip(cells, folded_cells, strict=True):
        if begin:
            traced.append(origin[begin - 1])
        if cell:
            traced += _trace(cell, folded_cell, origin[begin : begin + len(cell)])
        begin += len(cell) + 1
    return FoldedLine(line, clean, folded, tuple(origin), tuple(traced))


def _clean(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a line in NFKC, lower case and with mended characters; the mending keeps the length."""
    parts, origin, start = [], [], 0
    while start < len(line):
        end = start + 1
        while end < len(line) and (line[end] in _VOICED or unicodedata.combining(line[end])):
            end += 1
        part = unicodedata.normalize("NFKC", fix_radicals(line[start:end])).lower()
        parts.append(part)
        origin += [(start, end)] * len(part)
        start = end
    return mend_characters("".join(parts)), origin


def _trace(clean: str, folded: str, origin: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return for each folded character where it comes from; what was left out belongs to what follows (令和 to 2024)."""
    traced: list[tuple[int, int]] = []
    begin = 0  # of the clean characters that nothing folded stands for yet
    for tag, first, last, left, right in SequenceMatcher(None, clean, folded, autojunk=False).get_opcodes():
        if tag == "equal":
            for offset in range(last - first):
                traced.append((origin[begin][0], origin[first + offset][1]))
                begin = first + offset + 1
        elif right > left:
            at = min(begin, len(origin) - 1)
            span = (origin[at][0], origin[max(last - 1, at if last > first else begin - 1)][1])
            traced += [span] * (right - left)
            begin = max(begin, last)
    return traced
