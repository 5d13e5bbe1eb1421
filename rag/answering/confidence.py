"""How probable it is that an answer is right: a logistic model over what the evidence looks like, and trees that correct it.

Both stand in confidence.json, fitted by `python -m eval.bench.confidence` on development questions, each asked once with its
document in the index and once without. The trees (gradient boosting, Friedman 2001) see what no sum can: that many words of a
question are there says little where no sentence holds them together.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rag.answering.compounds import Compounds, find_compounds
from rag.answering.rows import read_headings, read_row
from rag.answering.unit_features import Measured
from rag.answering.units import Unit
from rag.documents import ChunkKind, Passage
from rag.retrieval.features import SATURATION
from rag.retrieval.learned import READER
from rag.retrieval.query import Query
from rag.retrieval.reader import UNREAD
from rag.retrieval.sentences import KnownText
from rag.retrieval.trees import Tree, follow
from rag.text import fold, is_number

COEFFICIENTS_FILE = Path(__file__).with_name("confidence.json")
_FIRST = 3  # passages that are looked at
_BEST = 5  # units whose probabilities are added up
_NEAR_HEADINGS = 2  # that a unit's compounds are looked for in


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the best passages and units look like; every value is about 0 to 1, None where nobody knows.

    covered: weighted share of the question's words in the best of the first passages.
    nouns: the same for its nouns, in the passage of the best unit; lacking: rarity of the rarest noun that is not there;
    numbers: share of the question's numbers that are there. pairs: share of the question's bigrams.
    lexical: BM25 over what it could be at most. dense: cosine. margin: lead of the first passage over the next document.
    found: the score of the first passage: the probability that the reranker gives it.
    answer: the probability of the best unit, answers: that of the best five together; own, unit, cosine, news, likeness, likeness_gap,
    value, no_value, name_news, column, blank_column, is_row, is_official, asks_value: its features (see unit_features). first: it stands in the first passage.
    held: share of the question's words in the passage of the best unit; literal: of those that stand there as they were asked.
    compounds, rival, rival_number: how the compounds of the question stand in the best unit (see compounds).
    read, read_most: log odds of the best unit and the most of all, by the reader; reader_here: those of the passage of the best unit.
    words: the content words of the question, in tens. everywhere to reader: what the reranker measured of the first passage (see retrieval.features), None where it did not.
    """

    covered: float = 0.0
    nouns: float = 0.0
    lacking: float = 0.0
    numbers: float = 0.0
    pairs: float = 0.0
    lexical: float = 0.0
    dense: float = 0.0
    margin: float = 0.0
    found: float = 0.0
    answer: float = 0.0
    answers: float = 0.0
    own: float = 0.0
    unit: float = 0.0
    cosine: float = 0.0
    news: float = 0.0
    likeness: float = 0.0
    likeness_gap: float = 0.0
    value: float = 0.0
    no_value: float = 0.0
    name_news: float = 0.0
    column: float = 0.0
    blank_column: float = 0.0
    first: float = 0.0
    held: float = 0.0
    literal: float = 0.0
    compounds: float = 1.0
    rival: float = 0.0
    rival_number: float = 0.0
    read: float = 0.0
    read_most: float = UNREAD
    words: float = 0.0
    is_row: float = 0.0
    is_official: float = 0.0
    asks_value: float = 0.0
    everywhere: float | None = None
    rare: float | None = None
    sentence: float | None = None
    sentences: float | None = None
    place: float | None = None
    adjacent: float | None = None
    runs: float | None = None
    sentence_cosine: float | None = None
    heading_cosine: float | None = None
    support: float | None = None
    like_everywhere: float | None = None
    like_sentence_named: float | None = None
    like_gap: float | None = None
    title_named: float | None = None
    question_named: float | None = None
    reader: float | None = None
    reader_here: float | None = None


_OF_UNITS = {
    "own": "own",
    "unit": "coverage",
    "cosine": "cosine",
    "news": "news",
    "likeness": "likeness",
    "likeness_gap": "likeness_gap",
    "value": "value",
    "no_value": "no_value",
    "name_news": "name_news",
    "column": "column",
    "blank_column": "blank_column",
    "read": "read",
    "is_row": "is_row",
    "is_official": "is_official",
    "asks_value": "asks_value",
}
_OF_PASSAGES = ("everywhere", "rare", "sentence", "sentences", "place", "adjacent", "runs", "sentence_cosine", "heading_cosine", "support", "like_everywhere", "like_sentence_named", "like_gap", "title_named", "question_named", READER)  # fmt: skip


def weigh_evidence(
    query: Query,
    weights: Mapping[str, float],
    ceiling: float,
    passages: Sequence[Passage],
    known: Mapping[str, KnownText],
    units: Sequence[Unit],
    measured: Measured,
) -> Evidence:
    """Return what the passages (best first) and their scored units look like for a question.

    weights: inverse document frequency of the question's words; ceiling: that of a word that no chunk has.
    known: chunk id -> what the index knows of its text, of the first passages at least.
    """
    if not passages:
        return Evidence()
    total = sum(weights.values()) or 1.0
    best = max(range(len(units)), key=lambda i: units[i].score, default=None)
    in_passage = units[best].passage if best is not None else 0
    held = {
        number: query.held_in(known[passages[number].chunk.id].words)
        for number in {*range(min(_FIRST, len(passages))), in_passage}
    }
    shares = [sum(weights[word] for word in words) / total for number, words in held.items() if number < _FIRST]
    missing = [weights[noun] for noun in query.nouns if noun not in held[in_passage]]
    asked = sum(weights[noun] for noun in query.nouns)
    numbers = [noun for noun in query.nouns if is_number(noun)]
    other = next((p.score for p in passages if p.chunk.source != passages[0].chunk.source), 0.0)
    scores = sorted((unit.score for unit in units), reverse=True)
    compounds = _read_compounds(query, weights, ceiling, passages, units[best]) if best is not None else Compounds()
    columns = {name: float(measured.column(of)[best]) for name, of in _OF_UNITS.items()} if best is not None else {}
    return Evidence(
        covered=max(shares),
        nouns=1 - sum(missing) / asked if asked else 1.0,
        lacking=max(missing, default=0.0) / ceiling,
        numbers=sum(number in held[in_passage] for number in numbers) / len(numbers) if numbers else 1.0,
        pairs=max(_share_of_bigrams(query, passage, known[passage.chunk.id]) for passage in passages[:_FIRST]),
        lexical=min(1.0, max(p.legs.get("lexical", 0.0) for p in passages[:_FIRST]) / (SATURATION * total)),
        dense=max(p.legs.get("dense", 0.0) for p in passages[:_FIRST]),
        margin=passages[0].score - other,
        found=passages[0].score,
        answer=max(scores, default=0.0),
        answers=sum(scores[:_BEST]),
        first=float(in_passage == 0),
        held=sum(weights[word] for word in held[in_passage]) / total,
        literal=sum(weights[word] for word in held[in_passage] & known[passages[in_passage].chunk.id].words) / total,
        compounds=compounds.kept,
        rival=compounds.rival,
        rival_number=compounds.rival_number,
        read_most=float(measured.column("read").max(initial=UNREAD)),
        words=len(query.terms) / 10,
        reader_here=passages[in_passage].features.get(READER),
        **columns,
        **{name: passages[0].features[name] for name in _OF_PASSAGES if name in passages[0].features},
    )


def _read_compounds(
    query: Query, weights: Mapping[str, float], ceiling: float, passages: Sequence[Passage], unit: Unit
) -> Compounds:
    chunk = passages[unit.passage].chunk
    is_row = chunk.kind is ChunkKind.ROW
    header = "\n".join(read_headings(chunk, read_row(chunk, unit.start, unit.end))) if is_row else ""
    said = (unit.text(passages), chunk.question_text or header)
    return find_compounds(query.text, weights, ceiling, said, (*chunk.headings[-_NEAR_HEADINGS:], chunk.title))


def _share_of_bigrams(query: Query, passage: Passage, known: KnownText) -> float:
    chunk = passage.chunk
    text = "\n".join((fold("\n".join((chunk.title, *chunk.headings))), *(s.folded for s in known.sentences)))
    return sum(pair in text for pair in query.bigrams) / max(1, len(query.bigrams))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted model: log odds = intercept + Σ coefficient × (value - mean) + Σ trees; threshold: the least probability to answer.

    What is not known of the evidence is taken as its mean. slope, offset: Platt scaling of the log odds, fitted to one index.
    """

    intercept: float
    coefficients: Mapping[str, float]
    threshold: float
    means: Mapping[str, float] = field(default_factory=dict)
    trees: Sequence[Tree] = ()
    slope: float = 1.0
    offset: float = 0.0

    def probability(self, evidence: Evidence) -> float:
        """Return the estimated probability that the answer is right."""
        values = {
            name: self.means.get(name, 0.0) if value is None else value for name, value in asdict(evidence).items()
        }
        total = sum(weight * (values[name] - self.means.get(name, 0.0)) for name, weight in self.coefficients.items())
        total += sum(follow(tree, values) for tree in self.trees)
        return 1 / (1 + math.exp(-self.offset - self.slope * (self.intercept + total)))

    def write(self, file: Path = COEFFICIENTS_FILE) -> None:
        """Write the model as JSON, a tree a line."""
        *values, (_, trees) = ((name, value) for name, value in asdict(self).items() if name not in ("slope", "offset"))
        lines = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in trees)
        head = json.dumps(dict(values), indent=1).removesuffix("\n}")
        file.write_text(f'{head},\n "trees": [\n{lines}\n]\n}}\n', encoding="utf-8")


@functools.cache
def read_calibration(file: Path = COEFFICIENTS_FILE) -> Calibration:
    """Return the calibration that comes with the package."""
    values = json.loads(file.read_text(encoding="utf-8"))
    return Calibration(**values)
