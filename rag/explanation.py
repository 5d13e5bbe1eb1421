"""Why passages were found, and why in this order: frozen values that a command, the API and the page can show.

Every number is one that the search used, computed again for the passages that are explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.documents import Filters


@dataclass(frozen=True, slots=True)
class Term:
    """A word that was looked for. idf: its inverse document frequency; chunks: how many chunks have it."""

    word: str
    idf: float
    chunks: int


@dataclass(frozen=True, slots=True)
class Widening:
    """Words that were looked for beside one of the question, and why."""

    of: str
    words: tuple[str, ...]
    weight: float
    reason: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the question that was read as another one."""

    written: str
    read: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg's part in a passage. share: the score divided by the best of the leg; weight: what the leg counts.

    rank: None where the leg alone would not have found the passage among its candidates.
    """

    name: str
    score: float
    rank: int | None
    share: float
    weight: float

    @property
    def contribution(self) -> float:
        """What the leg adds to the score of the passage."""
        return self.share * self.weight


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """The words of the question that a field of the chunk has: word -> what it adds to the lexical score."""

    field: str
    score: float
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Feature:
    """A named number that the order depends on, and what it adds to the logarithm of the odds, where that is known."""

    name: str
    value: float
    contribution: float | None = None


@dataclass(frozen=True, slots=True)
class PassageExplanation:
    """How a passage came by its score: legs, then the factor of its edition, then what the features or `rest` say.

    rest: score - edition_factor × the sum of the legs' contributions, that is the support of its page; None where the learned reranker
    gave the score: the logistic function of its offset and the contributions of the features.
    """

    id: str
    score: float
    legs: tuple[Leg, ...]
    fields: tuple[FieldMatch, ...]
    edition_factor: float
    rest: float | None
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a question was understood and what its passages are ranked by.

    weights: name -> value of every weight in effect (`field.title`, `leg.dense`, …). admitted: the number of chunks that the filters
    and the asker's rights let through, of `chunks`.
    """

    question: str
    understood: str
    terms: tuple[Term, ...]
    filters: Filters
    admitted: int
    chunks: int
    weights: Mapping[str, float]
    passages: tuple[PassageExplanation, ...]
    nouns: tuple[str, ...] = ()
    expansions: tuple[Widening, ...] = ()
    corrections: tuple[Correction, ...] = ()
