"""A question, ready to be compared with the units of many passages: its words by their weights, its runs, its numbers, its kind."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.answering.answer_type import Wanted, find_wanted
from rag.answering.rows import Cell, words_of
from rag.answering.units import Unit
from rag.documents import ChunkKind, Passage
from rag.retrieval.query import Query
from rag.retrieval.ranges import NamedNumbers
from rag.retrieval.sentences import KnownText
from rag.text import fold, is_number, normalize

NEAR_WEIGHT = 0.5  # of an asked word that stands in the unit before
HEADING_WEIGHT = 0.75  # … in the headings
TITLE_WEIGHT = 0.3  # … in the document's title only
_RUN = 3
_INSIDE = re.compile("[一-鿿々ァ-ヴーa-z0-9]")
_NUMBER = re.compile("[0-9０-９]")
_CACHED = 16_384
_AS_MUCH = 0.5  # of the share of the question that the best named column has: another one is asked for too


@dataclass(frozen=True, slots=True)
class AskedRow:
    """What was asked for of a row of a table.

    columns: those that the question names by their headings, and those that name the row, its first words always; () where it names
    none. column_share: weighted share of the question that the heading of a named column with something in it holds; is_blank: a
    column is named, and nothing stands in any such.
    names_cell: the question has a cell of the row as a word of its own; name_news: share of the words of a cell that names the row
    which the question does not have, the least of them. has_value: what was asked for stands in a named column, or anywhere where
    none is named.
    """

    columns: tuple[int, ...]
    column_share: float
    is_blank: bool
    names_cell: bool
    name_news: float
    has_value: bool


class Asked:
    """A question, ready to be compared with many units."""

    def __init__(self, query: Query, weights: Mapping[str, float]) -> None:
        self._query, self._weights = query, weights
        self._total = sum(weights.values()) or 1.0
        self._held: dict[frozenset[str], frozenset[str]] = {}
        self.terms = frozenset(query.terms)
        self.wanted: Wanted = find_wanted(query.text)
        folded = fold(query.text)
        self._folded = folded
        self.numbers = NamedNumbers.of(query.text)
        self._runs = frozenset(folded[i : i + _RUN] for i in range(len(folded) - _RUN + 1))

    def held(self, words: frozenset[str]) -> frozenset[str]:
        """Return the asked words that some words hold, another wording of one counting as it."""
        if words not in self._held:  # a heading stands over many rows
            self._held[words] = self._query.held_in(words)
        return self._held[words]

    def share(self, words: frozenset[str]) -> float:
        """Return the weighted share of the question that some of its words make up."""
        return sum(self._weights[word] for word in words) / self._total

    def share_of_runs(self, folded: str) -> float:
        """Return the share of the question's runs of three characters that stand in a folded text."""
        return sum(run in folded for run in self._runs) / max(1, len(self._runs))

    def finds_value(self, text: str) -> bool:
        """Tell whether a text holds the kind of thing that was asked for."""
        return self.wanted.is_value and bool(self.wanted.find(text))

    def read_row(self, cells: Sequence[Cell], words: frozenset[str], caption: str) -> AskedRow:
        """Return what was asked for of a row of a table that stands under a caption. words: of the row, as the index knows them."""
        nothing: frozenset[str] = frozenset()
        is_named = bool(self.held(words))  # else no cell needs to be cut: most rows of a table are not the asked one
        held = [self.held(words_of(cell.text)) if is_named else nothing for cell in cells]
        in_row = frozenset[str]().union(*held)
        shares = [self.share(self.held(words_of(cell.heading)) - in_row) for cell in cells]
        most = max(shares, default=0.0)
        named = [number for number, share in enumerate(shares) if share > 0 and share >= _AS_MUCH * most]
        filled = [number for number in named if not cells[number].is_blank]
        values = [n for n, cell in enumerate(cells) if self.wanted.is_value and self._is_value(cell, caption)]
        if filled and values and not set(filled) & set(values):
            named = filled = []  # 会場の使用料: the heading 会場 tells of what, and the value stands elsewhere
        naming = [number for number, words in enumerate(held) if words and number not in named]
        news = (1 - self._share_held(words_of(cells[number].name)) for number in naming)
        return AskedRow(
            columns=tuple(sorted({*named, *naming, *_find_name(cells)})) if named else (),
            column_share=max((shares[number] for number in filled), default=0.0),
            is_blank=bool(named) and not filled,
            names_cell=any(self._names(cell.text) for cell in cells),
            name_news=min(news, default=1.0),
            has_value=bool(set(filled) & set(values)) if named else bool(values),
        )

    def _share_held(self, words: frozenset[str]) -> float:
        """Return the share of some words that are asked for, by themselves or as another wording."""
        return sum(bool(self.held(frozenset((word,)))) for word in words) / max(1, len(words))

    def _names(self, cell: str) -> bool:
        """Tell whether the question names a cell: no letter of the same word goes on before or behind it."""
        folded = _fold_cell(cell)
        return len(folded) > 1 and _stands_alone(folded, self._folded)

    def _is_value(self, cell: Cell, caption: str) -> bool:
        """Tell whether a cell holds what was asked for; the unit of its number may stand in the heading or the caption."""
        if self.wanted.find(cell.text):
            return True
        if not self.wanted.is_number or _NUMBER.match(cell.text) is None:
            return False
        return not self.wanted.counter or any(self._is_counted(text) for text in (cell.heading, caption))

    def _is_counted(self, heading: str) -> bool:
        """Tell whether a heading says that its numbers are of the asked unit: 定員（人）, 人数, 単位：人."""
        unit = re.escape(self.wanted.counter)
        return re.search(rf"[(:、・]\s*{unit}\s*[)、・]|{unit}数|{unit}$", normalize(heading)) is not None

    def cover(
        self,
        passages: Sequence[Passage],
        units: Sequence[Unit],
        own: Sequence[frozenset[str]],
        known: Mapping[str, KnownText],
        read_together: Sequence[frozenset[str]],
    ) -> list[float]:
        """Return for each unit the weighted share of the asked words in it and, in part, around it.

        An official answer is read together with its question, a row with its caption and headings, a heading with those above it:
        their words count in full.
        """
        found: list[float] = []
        nothing: frozenset[str] = frozenset()
        near = heading = title = nothing
        for index, unit in enumerate(units):
            chunk = passages[unit.passage].chunk
            if index == 0 or units[index - 1].passage != unit.passage:
                text = known[chunk.id]
                near, heading, title = nothing, self.held(text.headings), self.held(text.title)
            words = own[index] | self.held(read_together[index]) | (heading if unit.is_heading else nothing)
            above, before = heading - words, near - heading - words
            rest = title - above - before - words
            around = HEADING_WEIGHT * self.share(above) + NEAR_WEIGHT * self.share(before)
            found.append(self.share(words) + around + TITLE_WEIGHT * self.share(rest))
            near = nothing if chunk.kind is ChunkKind.ROW else words
            heading = words if unit.is_heading else heading
        return found


def _find_name(cells: Sequence[Cell]) -> list[int]:
    """Return the first cell that can name a row: neither blank nor a number."""
    names = (number for number, cell in enumerate(cells) if not cell.is_blank and not is_number(normalize(cell.text)))
    return list(names)[:1]


@functools.lru_cache(_CACHED)
def _fold_cell(text: str) -> str:
    return fold(text).strip()


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
