"""The proof of a generated sentence: the sentences of the cited passages that say it, as verified citations with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rag.answering.extractive import Marker, cite_units, find_marks, mark_citation
from rag.answering.selection import MAX_CITATIONS
from rag.answering.units import Unit
from rag.answering.verification import PageReader, verify_citation
from rag.answering.writing.exhibits import Exhibit
from rag.documents import Citation
from rag.text import morphemes

_MAX_UNITS = 3  # of one passage, for one sentence
_LEAST_GAIN = 2.0  # a further unit brings a number, or two words
_NUMBER_WEIGHT = 3.0  # of a word with a digit in it


@dataclass(frozen=True, slots=True)
class _Candidate:
    unit: Unit
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What proves a statement. marks: the numbers of its citations; places: of the passages among those that were found, from 0."""

    marks: tuple[int, ...]
    places: tuple[int, ...]


class CitationBook:
    """Number the proofs of an answer's sentences by their first appearance: one citation for each page of a passage.

    mark: finds the decisive words of a quotation.
    """

    def __init__(
        self,
        exhibits: Sequence[Exhibit],
        pages: PageReader,
        *,
        max_citations: int = MAX_CITATIONS,
        mark: Marker = lambda _: (),
    ) -> None:
        self._exhibits = {exhibit.number: exhibit for exhibit in exhibits}
        self._pages, self._max_citations, self._mark = pages, max_citations, mark
        self._candidates: dict[int, list[_Candidate]] = {}
        self._units: dict[int, list[Unit]] = {}
        self._numbers: dict[tuple[int, int], int] = {}  # (exhibit, page) -> number of the citation

    def enter(self, statement: str, cited: Sequence[int]) -> Entry | None:
        """Return what proves a statement; None where nothing does, or no further citation may be shown.

        cited: numbers of exhibits. A citation that cannot be read back from its page proves nothing.
        """
        words = frozenset(morphemes(statement))
        marks: list[int] = []
        places: list[int] = []
        for name in dict.fromkeys(cited):
            if name in self._exhibits and (found := self._enter_units(name, self._choose(words, name))):
                marks += found
                places.append(self._exhibits[name].place)
        return Entry(tuple(dict.fromkeys(marks)), tuple(places)) if marks else None

    def citations(self) -> tuple[Citation, ...]:
        """Return the citations of all statements that were entered, verified, by number."""
        found = []
        for (name, page), number in self._numbers.items():
            units = sorted(self._units[name], key=lambda unit: unit.start)
            passage = self._exhibits[name].passage
            marked = [find_marks(unit, passage, self._mark) for unit in units]
            pieces = [
                mark_citation(piece, marked) for piece in cite_units(units, passage, number) if piece.page == page
            ]
            found += [verify_citation(replace(piece, number=number), self._pages) for piece in pieces]
        return tuple(sorted(found, key=lambda citation: citation.number))

    def _enter_units(self, name: int, units: Sequence[Unit]) -> list[int]:
        pieces = cite_units(units, self._exhibits[name].passage, 1) if units else []
        if not pieces or not all(verify_citation(piece, self._pages).verified for piece in pieces):
            return []
        keys = [(name, piece.page) for piece in pieces]
        new = [key for key in keys if key not in self._numbers]
        if len(self._numbers) + len(new) > self._max_citations:
            return []
        for key in new:
            self._numbers[key] = len(self._numbers) + 1
        known = self._units.setdefault(name, [])
        known += [unit for unit in units if unit not in known]
        return [self._numbers[key] for key in keys]

    def _choose(self, words: frozenset[str], name: int) -> list[Unit]:
        """Return the few units of a passage that hold most of a statement's words, numbers above all, with their exceptions."""
        chosen: list[Unit] = []
        missing = words
        candidates = self._read(name)
        while candidates and len(chosen) < _MAX_UNITS:
            best = max(candidates, key=lambda candidate: _weigh(candidate.words & missing))
            gain = _weigh(best.words & missing)
            if gain == 0 or (chosen and gain < _LEAST_GAIN):
                break
            chosen.append(best.unit)
            missing -= best.words
        units = [candidate.unit for candidate in candidates]
        limits = [after for before, after in pairwise(units) if before in chosen and after.is_exception]
        chosen += [unit for unit in limits if unit not in chosen]
        return sorted(chosen, key=lambda unit: unit.start)

    def _read(self, name: int) -> list[_Candidate]:
        if name not in self._candidates:
            exhibit = self._exhibits[name]
            text = exhibit.passage.chunk.text
            self._candidates[name] = [
                _Candidate(unit, frozenset(morphemes(text[unit.start : unit.end]))) for unit in exhibit.units()
            ]
        return self._candidates[name]


def _weigh(words: frozenset[str]) -> float:
    return sum(_NUMBER_WEIGHT if any(c.isdigit() for c in word) else 1.0 for word in words)
