"""How probable it is that an answer is right: a logistic model over what the evidence looks like.

The coefficients stand in confidence.json, fitted by `python -m eval.bench.confidence` on development questions, each asked once
with its document in the index and once without.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.answering.units import Unit
from rag.documents import Passage
from rag.retrieval.features import SATURATION
from rag.retrieval.query import Query
from rag.text import fold, is_number, morphemes

COEFFICIENTS_FILE = Path(__file__).with_name("confidence.json")
_FIRST = 3  # passages that are looked at


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the best passages and units look like; every value is about 0 to 1.

    covered: weighted share of the question's words in the best of the first passages.
    nouns: the same for its nouns, in the passage of the best unit; lacking: rarity of the rarest noun that is not there;
    numbers: share of the question's numbers that are there.
    unit: share for the best unit, words around it counted in part. pairs: share of the question's bigrams.
    lexical: BM25 over what it could be at most. dense: cosine. margin: lead of the first passage over the next document.
    found: the score of the first passage: the probability that the reranker gives it.
    """

    covered: float
    nouns: float
    lacking: float
    numbers: float
    unit: float
    pairs: float
    lexical: float
    dense: float
    margin: float
    found: float


def weigh_evidence(
    query: Query, weights: Mapping[str, float], ceiling: float, passages: Sequence[Passage], units: Sequence[Unit]
) -> Evidence:
    """Return what the passages (best first) and their scored units look like for a question.

    weights: inverse document frequency of the question's words; ceiling: that of a word that no chunk has.
    """
    if not passages:
        return Evidence(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    total = sum(weights.values()) or 1.0
    best = max(units, key=lambda unit: unit.score, default=None)
    looked_at = {*range(min(_FIRST, len(passages))), *([best.passage] if best else [])}
    held = {number: query.held_in(_words(passages[number])) for number in looked_at}
    shares = [sum(weights[word] for word in words) / total for number, words in held.items() if number < _FIRST]
    named = held[best.passage] if best else frozenset()
    missing = [weights[noun] for noun in query.nouns if noun not in named]
    asked = sum(weights[noun] for noun in query.nouns)
    numbers = [noun for noun in query.nouns if is_number(noun)]
    other = next((p.score for p in passages if p.chunk.source != passages[0].chunk.source), 0.0)
    return Evidence(
        covered=max(shares),
        nouns=1 - sum(missing) / asked if asked else 1.0,
        lacking=max(missing, default=0.0) / ceiling,
        numbers=sum(number in named for number in numbers) / len(numbers) if numbers else 1.0,
        unit=max((unit.coverage for unit in units), default=0.0),
        pairs=max(_share_of_bigrams(query, passage) for passage in passages[:_FIRST]),
        lexical=min(1.0, max(p.legs.get("lexical", 0.0) for p in passages[:_FIRST]) / (SATURATION * total)),
        dense=max(p.legs.get("dense", 0.0) for p in passages[:_FIRST]),
        margin=passages[0].score - other,
        found=passages[0].score,
    )


def _words(passage: Passage) -> set[str]:
    chunk = passage.chunk
    return set(morphemes("\n".join((chunk.title, *chunk.headings, chunk.text))))


def _share_of_bigrams(query: Query, passage: Passage) -> float:
    chunk = passage.chunk
    text = fold("\n".join((chunk.title, *chunk.headings, chunk.text)))
    return sum(pair in text for pair in query.bigrams) / max(1, len(query.bigrams))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted model: probability = 1 / (1 + exp(-(intercept + sum of coefficient × feature))); threshold to answer."""

    intercept: float
    coefficients: Mapping[str, float]
    threshold: float

    def probability(self, evidence: Evidence) -> float:
        """Return the estimated probability that the answer is right."""
        values = asdict(evidence)
        return 1 / (1 + math.exp(-self.intercept - sum(c * values[name] for name, c in self.coefficients.items())))


@functools.cache
def read_calibration(file: Path = COEFFICIENTS_FILE) -> Calibration:
    """Return the calibration that comes with the package."""
    values = json.loads(file.read_text(encoding="utf-8"))
    return Calibration(values["intercept"], values["coefficients"], values["threshold"])
