"""What people say at home, and what the documents call it: a table that leads from the one to the other, never back.

Unlike synonyms, an everyday saying is several words that may stand anywhere in a question (蛇口 … 出ない), and it only hints at what is
meant: the official words are looked for beside those that were asked.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.retrieval.query import Expansion, Reason
from rag.text import morphemes

TABLE = Path(__file__).with_name("everyday.csv")
EVERYDAY_WEIGHT = 0.6
"""What an official word counts beside what was asked (measured: docs/architecture.md)."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One row: the words that a question must have, as written and as terms, and the official words, each with its terms."""

    written: str
    terms: tuple[str, ...]
    official: tuple[tuple[str, tuple[str, ...]], ...]


class Sayings:
    """The table, ready to be found in questions."""

    def __init__(self, sayings: Sequence[Saying]) -> None:
        self._by_term: dict[str, list[Saying]] = {}
        for saying in sayings:
            if saying.terms:
                self._by_term.setdefault(saying.terms[0], []).append(saying)

    def expand(self, terms: Sequence[str]) -> tuple[Expansion, ...]:
        """Return the official words that the terms of a question hint at; none whose words it has already.

        >>> sayings = Sayings([read_saying("蛇口 出る", ["凍結"])])
        >>> [(e.of, e.words) for e in sayings.expand(["朝", "蛇口", "水", "出る"])], sayings.expand(["蛇口", "交換"])
        ([(('蛇口', '出る'), ('凍結',))], ())
        """
        return tuple(self._find(frozenset(terms), terms))

    def _find(self, asked: frozenset[str], terms: Sequence[str]) -> Iterator[Expansion]:
        found = [s for term in dict.fromkeys(terms) for s in self._by_term.get(term, ()) if asked.issuperset(s.terms)]
        for saying in found:
            if any(set(saying.terms) < set(other.terms) for other in found):
                continue  # a longer saying says it better
            for written, words in saying.official:
                if not asked.issuperset(words):
                    yield Expansion(saying.terms, words, EVERYDAY_WEIGHT, Reason.EVERYDAY, saying.written, written)


def read_saying(written: str, official: Sequence[str]) -> Saying:
    """Return a row as it is looked for."""
    terms = tuple(dict.fromkeys(term for part in written.split() for term in morphemes(part)))
    words = ((word, tuple(dict.fromkeys(morphemes(word)))) for word in official)
    return Saying(written, terms, tuple((word, terms) for word, terms in words if terms))


@functools.lru_cache(maxsize=1)
def open_sayings(table: Path = TABLE) -> Sayings:
    """Return the packaged table, read once."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Sayings([read_saying(row[0], [cell for cell in row[1:] if cell]) for row in rows if row])
