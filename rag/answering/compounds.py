"""Compounds that a question names (通勤手当, 10人槽, 川瀬中学校), and whether the answer is about them or about their neighbours.

The words of a near miss are mostly there: another allowance, another size, another school. What tells it is the word beside: 手当
stands there, but 住居 and not 通勤 before it.
"""

from __future__ import annotations

import functools
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.text import fold
from rag.words import Piece, cut_words, pair_nouns

_ASKING = frozenset(("何", "幾", "幾ら"))  # 何人, いくつ: they stand for the answer, and in no text
_CACHED = 512


@dataclass(frozen=True, slots=True)
class Compounds:
    """How the pairs of adjacent nouns of a question stand in what is read; each value from 0 to 1.

    kept: weighted share of those that stand side by side there, 1 where the question has none. rival: rarity of the rarest word in
    whose place another stands. rival_number: 1 where that is a number in the place of a number.
    """

    kept: float = 1.0
    rival: float = 0.0
    rival_number: float = 0.0


def find_compounds(
    question: str, weights: Mapping[str, float], ceiling: float, unit: Sequence[str], around: Sequence[str]
) -> Compounds:
    """Return how the compounds of a question stand in a unit and around it.

    weights: inverse document frequency of the question's words; a word without one counts as much as the middle one. ceiling: that
    of a word that no chunk has. unit: what the unit says (with the header of a row, or the question of a Q&A pair); around: title
    and headings.

    >>> weights = {"通勤": 5.0, "手当": 3.0}
    >>> find_compounds("通勤手当の額", weights, 10.0, ["住居手当は月額28,000円とする。"], ["給与の手引"])
    Compounds(kept=0.0, rival=0.5, rival_number=0.0)
    >>> find_compounds("5人槽の補助", {"5": 6.0, "人": 2.0, "槽": 6.0}, 10.0, ["15人槽で83万円"], []).rival_number
    1.0
    """
    middle = statistics.median(weights.values()) if weights else ceiling
    pairs = [pair for pair in pair_nouns(_cut(question)) if pair[0].usual not in _ASKING]
    if not pairs:
        return Compounds()
    said = [_cut(text) for text in unit]
    read = [*said, *(_cut(text) for text in around)]
    there = {piece.usual for pieces in read for piece in pieces}
    together = {(a.usual, b.usual) for pieces in read for a, b in pair_nouns(pieces)}
    before, behind = _find_partners(said)

    def weigh(piece: Piece) -> float:
        return min(1.0, weights.get(piece.usual, weights.get(piece.text, middle)) / ceiling)

    total = kept = rival = 0.0
    rival_number = False
    for first, second in pairs:
        weight = max(weigh(first), weigh(second))
        total += weight
        if (first.usual, second.usual) in together:
            kept += weight
            continue
        for own, partners in ((first, before[second.usual]), (second, behind[first.usual])):
            if partners and own.usual not in there:
                rival = max(rival, weigh(own))
            rival_number = rival_number or (_is_number(own) and any(map(str.isdigit, partners)))
    return Compounds(kept / total if total else 1.0, rival, float(rival_number))


def _find_partners(said: Sequence[Sequence[Piece]]) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Return which words stand right before each word, and right behind it, within a compound."""
    before, behind = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for pieces in said:
        for first, second in pair_nouns(pieces):
            before[second.usual].add(first.usual)
            behind[first.usual].add(second.usual)
    return before, behind


@functools.lru_cache(_CACHED)
def _cut(text: str) -> tuple[Piece, ...]:
    return tuple(cut_words(fold(text)))


def _is_number(piece: Piece) -> bool:
    return piece.subkind == "数詞" or piece.text.isdigit()
