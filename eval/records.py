"""What a run leaves behind: every question with its answer, the evidence and what was found out of it; written and read as JSON.

RunRecord
├─ about: RunAbout            versions, settings, hashes of corpus and models
├─ results: QuestionRecord …  question, answer, citations, hits, outcome
├─ variants: VariantRecord …  other engines and rankings, asked the same questions
├─ labels: SetCheck           labels that do not fit the documents
└─ people: HumanComparison    what people say of the answers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from eval.calibration import ReliabilityBin, build_curve
from eval.human_judgements import HumanComparison
from eval.metrics import Figures, Outcome, compute_figures
from eval.set_check import SetCheck
from rag.documents import Locator

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A place in a document. locator: as `Locator.as_dict` gives it."""

    source: str
    locator: Mapping[str, Any]

    def describe(self) -> str:
        """Return the place as people read it.

        >>> PlaceRecord("総務課/規程.pdf", {"page": 3}).describe()
        '総務課/規程.pdf PDF 3枚目'
        """
        return f"{self.source} {Locator.from_dict(self.locator).describe(self.source)}"


@dataclass(frozen=True, slots=True)
class CitationRecord:
    """One citation. at_gold: it stands at a gold place; read_back: its quote is on the stored page, word for word."""

    number: int
    place: PlaceRecord
    title: str
    quote: str
    verified: bool
    at_gold: bool
    read_back: bool


@dataclass(frozen=True, slots=True)
class HitRecord:
    """One of the first passages that were found, with the score of each leg and its rank there."""

    rank: int
    place: PlaceRecord
    title: str
    text: str
    score: float
    legs: Mapping[str, float]
    ranks: Mapping[str, int]
    at_gold: bool


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """What was answered. status, reason: as in the JSON of answers. warnings: their Japanese sentences."""

    status: str
    reason: str | None
    text: str
    engine: str
    confidence: float
    citations: tuple[CitationRecord, ...]
    nearest: tuple[PlaceRecord, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """One question with its answer (None where asking failed, `error` says why) and what was found out of it.

    kinds: of the documents that answer it, as people call them. question_type: what kind of thing is asked for. missing: the key facts
    that the answer lacks. department: the one in charge, as the question set says.
    """

    id: str
    text: str
    category: str
    answerable: bool
    is_held_out: bool
    is_paraphrase: bool
    question_type: str
    kinds: tuple[str, ...]
    gold: tuple[PlaceRecord, ...]
    key_facts: tuple[str, ...]
    model_answer: str
    note: str
    as_of: date | None
    outcome: Outcome
    answer: AnswerRecord | None
    hits: tuple[HitRecord, ...]
    error: str | None
    missing: tuple[str, ...]
    department: str = ""

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it is wrong, in Japanese; empty where it is right."""
        outcome = self.outcome
        if outcome.correct:
            return ()
        if self.error is not None:
            return (f"エラー: {self.error}",)
        if not outcome.answerable:
            return ("回答すべきでない質問に回答",)
        if outcome.abstained:
            return ("不回答",)
        facts = (f"語の不足: {'、'.join(self.missing)}",) if self.missing else ()
        return (() if any(outcome.at_gold) else ("根拠違い",)) + facts

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents that answer it, each once."""
        return tuple(dict.fromkeys(place.source for place in self.gold))


@dataclass(frozen=True, slots=True)
class QuestionsAbout:
    """The question set of a run. sha256: of what it says, whatever the file looks like."""

    name: str
    sha256: str
    count: int


@dataclass(frozen=True, slots=True)
class SnapshotAbout:
    """The index of a run. recipe: embedder, tokenizer, chunker, reader; corpus_sha256: of the sources with their hashes."""

    id: str
    recipe: Mapping[str, Any]
    corpus_sha256: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunAbout:
    """What is needed to tell two runs apart, and to run one again; settings that are secrets are left out.

    engine: what wrote the answers. changed: the settings that are not the default. models: name -> hash of each fitted part.
    threshold: below it no answer was given, and where that value comes from.
    """

    id: str
    started_at: datetime
    seconds: float
    engine: str
    versions: Mapping[str, str]
    snapshot: SnapshotAbout
    questions: QuestionsAbout
    settings: Mapping[str, Any]
    changed: Mapping[str, Any]
    models: Mapping[str, str]
    threshold: float
    threshold_origin: str
    cores: int


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """Another engine or ranking over the same questions. outcomes: in the order of the results; answers: whether it gave any."""

    name: str
    label: str
    answers: bool
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run. unknown: gold documents that are not in the index.

    labels, people: None where nobody looked. in_history: whether later runs may be held to it; a run to try something is not.
    """

    about: RunAbout
    results: tuple[QuestionRecord, ...]
    unknown: tuple[str, ...] = ()
    variants: tuple[VariantRecord, ...] = field(default=())
    format: int = FORMAT
    labels: SetCheck | None = None
    people: HumanComparison | None = None
    in_history: bool = True

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What was found out of each question."""
        return tuple(result.outcome for result in self.results)

    @property
    def overall(self) -> Figures:
        """The figures of all questions; computed anew at each call."""
        return compute_figures(self.outcomes)

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """How often the answers of each confidence are right."""
        return build_curve(self.outcomes)
