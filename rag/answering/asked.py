"""A question, ready to be compared with the units of many passages: its words by their weights, its runs, its numbers, its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rag.answering.answer_type import Wanted, find_wanted
from rag.answering.units import Unit, split_cells
from rag.documents import ChunkKind, Passage
from rag.retrieval.query import Query
from rag.retrieval.ranges import NamedNumbers
from rag.retrieval.sentences import KnownText
from rag.text import fold

NEAR_WEIGHT = 0.5  # of an asked word that stands in the unit before
HEADING_WEIGHT = 0.75  # … in the headings
TITLE_WEIGHT = 0.3  # … in the document's title only
_RUN = 3
_INSIDE = re.compile("[一-鿿々ァ-ヴーa-z0-9]")
_NUMBER_CELL = re.compile(r"(?:^|\t|\|)\s*[0-9０-９]")


class Asked:
    """A question, ready to be compared with many units."""

    def __init__(self, query: Query, weights: Mapping[str, float]) -> None:
        self._query, self._weights = query, weights
        self._total = sum(weights.values()) or 1.0
        self.terms = frozenset(query.terms)
        self.wanted: Wanted = find_wanted(query.text)
        folded = fold(query.text)
        self._folded = folded
        self.numbers = NamedNumbers.of(query.text)
        self._runs = frozenset(folded[i : i + _RUN] for i in range(len(folded) - _RUN + 1))

    def held(self, words: frozenset[str]) -> frozenset[str]:
        """Return the asked words that some words hold, another wording of one counting as it."""
        return self._query.held_in(words)

    def share(self, words: frozenset[str]) -> float:
        """Return the weighted share of the question that some of its words make up."""
        return sum(self._weights[word] for word in words) / self._total

    def share_of_runs(self, folded: str) -> float:
        """Return the share of the question's runs of three characters that stand in a folded text."""
        return sum(run in folded for run in self._runs) / max(1, len(self._runs))

    def names_cell(self, row: str) -> bool:
        """Tell whether the question names a cell of a row: no letter of the same word goes on before or behind it."""
        cells = (fold(cell).strip() for cell in split_cells(row))
        return any(len(cell) > 1 and _stands_alone(cell, self._folded) for cell in cells)

    def finds_value(self, unit: Unit, passages: Sequence[Passage]) -> bool:
        """Tell whether a unit holds what was asked for; in a table, the unit of a number stands in the header."""
        text = unit.text(passages)
        if not self.wanted.is_value:
            return False
        is_row = passages[unit.passage].chunk.kind is ChunkKind.ROW
        return bool(self.wanted.find(text) or (is_row and self.wanted.is_number and _NUMBER_CELL.search(text)))

    def cover(
        self,
        passages: Sequence[Passage],
        units: Sequence[Unit],
        own: Sequence[frozenset[str]],
        known: Mapping[str, KnownText],
        read_together: Mapping[int, frozenset[str]],
    ) -> list[float]:
        """Return for each unit the weighted share of the asked words in it and, in part, around it.

        An official answer is read together with its question, a row with its header and caption, a heading with those above it:
        their words count in full.
        """
        found: list[float] = []
        nothing: frozenset[str] = frozenset()
        near = heading = together = title = nothing
        for index, unit in enumerate(units):
            chunk = passages[unit.passage].chunk
            if index == 0 or units[index - 1].passage != unit.passage:
                text = known[chunk.id]
                near, heading, title = nothing, self.held(text.headings), self.held(text.title)
                together = self.held(read_together[unit.passage])
            words = own[index] | together | (heading if unit.is_heading else nothing)
            above, before = heading - words, near - heading - words
            rest = title - above - before - words
            around = HEADING_WEIGHT * self.share(above) + NEAR_WEIGHT * self.share(before)
            found.append(self.share(words) + around + TITLE_WEIGHT * self.share(rest))
            near = nothing if chunk.kind is ChunkKind.ROW else words
            heading = words if unit.is_heading else heading
        return found


def _stands_alone(word: str, text: str) -> bool:
    """Tell whether a word stands in a text with no kanji, katakana, letter or digit next to it.

    >>> _stands_alone("会長", "審議会の会長は"), _stands_alone("会長", "副会長は"), _stands_alone("川瀬", "川瀬出張所")
    (True, False, False)
    """
    at = text.find(word)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(word) : at + len(word) + 1]
        if not _INSIDE.search(around):
            return True
        at = text.find(word, at + 1)
    return False
