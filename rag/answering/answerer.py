"""From ranked passages to an answer that is proved, or an honest no."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from rag.answering import extractive
from rag.answering.answer_type import asks_for_voices
from rag.answering.confidence import Calibration, Evidence, weigh_evidence
from rag.answering.contradictions import Contradiction, find_contradiction
from rag.answering.marking import build_marker
from rag.answering.recognition import QualityReader, warn_of_ocr
from rag.answering.scope import find_scope
from rag.answering.selection import choose_units, is_partial, put_first
from rag.answering.unit_features import Measured, measure_units
from rag.answering.unit_model import score_units
from rag.answering.units import Unit, leave_out_voices, split_passages
from rag.answering.verification import PageReader, all_verified, verify_citation
from rag.answering.versions import warn_of_editions
from rag.answering.writing.engine import ENGINE as GENERATIVE
from rag.answering.years import lacks_year
from rag.documents import Answer, Checks, Citation, Contact, Passage, Place, Reason, Status, Warning_
from rag.retrieval.editions import keep_one_edition
from rag.words import find_words

if TYPE_CHECKING:
    from rag.answering.writing.engine import GenerativeEngine
    from rag.answering.writing.generation import Generation
    from rag.indexing.embedding import Embedder
    from rag.retrieval.query import Question
    from rag.retrieval.retriever import Retriever
    from rag.retrieval.sentences import KnownText

PASSAGES = 5  # that an answer is put together from
_NEAREST = 3
_PLACE_CHARS = 80
NO_ANSWER = "お探しの内容は、登録されている文書では確かめられませんでした。"
NO_DOCUMENTS = "検索できる文書がありません。"
PARTIAL = Warning_("partial", "長いため、手順や項目の一部だけを示しています。続きは出典の頁で確かめてください。")


class Pages(PageReader, QualityReader, Protocol):
    """Where the text of pages is kept, and how it was read."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """What an engine made: text, verified citations, its own cautions, what it checked. passages: that are quoted."""

    engine: str
    text: str
    citations: tuple[Citation, ...]
    warnings: tuple[Warning_, ...]
    checks: Checks
    passages: tuple[int, ...] = ()


class Answerer:
    """Answer questions over one retriever. max_chars: the longest answer; threshold: the least probability to answer.

    engine: writes answers with an LLM; where it fails, and without one, they are quoted.
    """

    def __init__(
        self,
        retriever: Retriever,
        embedder: Embedder,
        pages: Pages,
        *,
        calibration: Calibration,
        max_chars: int,
        threshold: float | None = None,
        contact: Contact,
        engine: GenerativeEngine | None = None,
    ) -> None:
        self._engine = engine
        self._retriever, self._embedder, self._pages = retriever, embedder, pages
        self._calibration, self._contact = calibration, contact
        self._max_chars = max_chars
        self._threshold = calibration.threshold if threshold is None else threshold

    def decline_outright(self, question: str) -> Answer | None:
        """Return the refusal of a question that no document answers, or that asks for somebody's data; None for any other."""
        scope = find_scope(question)
        if scope is None:
            return None
        return Answer(
            Status.NO_ANSWER, scope.message, 0.0, extractive.ENGINE, 0.0, reason=scope.reason, contact=self._contact
        )

    def answer(
        self, question: Question, passages: Sequence[Passage], on_token: Callable[[str], None] | None = None
    ) -> Answer:
        """Return the answer that the passages (best first) support; elapsed_ms is left at 0.

        on_token: called with each proved sentence of a generated answer as it comes; the answer that is returned replaces them.
        """
        if not passages:
            return self._decline(question, Reason.NO_DOCUMENTS, (), 0.0)
        passages = keep_one_edition(passages)
        units, evidence = self.examine(question, passages)
        confidence = self._calibration.probability(evidence)
        if confidence < self._threshold or not units:
            return self._decline(question, Reason.WEAK_EVIDENCE, passages, confidence)
        contradiction = find_contradiction(question.query, units, passages)
        said = [contradiction.warn(passages)] if contradiction else []
        generation = self._generate(question, passages, on_token)
        if generation and generation.failure is None:
            checks = replace(generation.checks, quotes=len(generation.citations))
            draft = _Draft(GENERATIVE, generation.text, generation.citations, (*said, *generation.warnings), checks)
            return self._finish(question, draft, confidence)
        draft = self._extract(question, passages, units, contradiction)
        cited = [passages[number] for number in draft.passages]
        if not draft.citations or not all_verified(draft.citations) or lacks_year(question.understood, cited):
            return self._decline(question, Reason.WEAK_EVIDENCE, passages, 0.0)
        instead = generation.warnings if generation else ()
        return self._finish(question, replace(draft, warnings=(*instead, *said, *draft.warnings)), confidence)

    def _generate(
        self, question: Question, passages: Sequence[Passage], on_token: Callable[[str], None] | None
    ) -> Generation | None:
        if self._engine is None:
            return None
        return self._engine.generate(question, passages, self._pages, on_token, build_marker(question.query))

    def _extract(
        self,
        question: Question,
        passages: Sequence[Passage],
        units: Sequence[Unit],
        contradiction: Contradiction | None,
    ) -> _Draft:
        chosen = choose_units(units, passages, max_chars=self._max_chars)
        if contradiction:
            chosen = put_first(contradiction.units, chosen)
        extract = extractive.build_extract(chosen, passages, build_marker(question.query))
        citations = tuple(verify_citation(citation, self._pages) for citation in extract.citations)
        warnings = (PARTIAL,) if is_partial(chosen, units) else ()
        quoted = tuple(dict.fromkeys(unit.passage for unit in chosen))
        return _Draft(extractive.ENGINE, extract.text, citations, warnings, Checks(quotes=len(citations)), quoted)

    def _finish(self, question: Question, draft: _Draft, confidence: float) -> Answer:
        """Return the answer of a draft with the cautions that its sources call for."""
        cautions = (*warn_of_editions(draft.citations), *warn_of_ocr(draft.citations, self._pages))
        return Answer(
            Status.ANSWERED,
            draft.text,
            confidence,
            draft.engine,
            0.0,
            citations=draft.citations,
            warnings=(*draft.warnings, *cautions),
            checks=draft.checks,
            understood=_understood(question),
        )

    def examine(self, question: Question, passages: Sequence[Passage]) -> tuple[list[Unit], Evidence]:
        """Return the scored units of the best passages and what the evidence looks like."""
        query = question.query
        known = self._retriever.read_texts(passages[:PASSAGES])
        weights, ceiling = self._retriever.term_weights(query.terms), self._retriever.highest_weight()
        measured = self._measure(question, passages[:PASSAGES], known)
        units = score_units(measured)
        return units, weigh_evidence(query, weights, ceiling, passages, known, units, measured)

    def measure(self, question: Question, passages: Sequence[Passage]) -> Measured:
        """Return the units of the best passages with their features."""
        return self._measure(question, passages[:PASSAGES], self._retriever.read_texts(passages[:PASSAGES]))

    def _measure(self, question: Question, passages: Sequence[Passage], known: Mapping[str, KnownText]) -> Measured:
        weights = self._retriever.term_weights(question.query.terms)
        units = split_passages(passages)
        if not asks_for_voices(question.query.text):
            units = leave_out_voices(units, passages)
        return measure_units(question, weights, passages, units, known, self._embedder)

    def _decline(self, question: Question, reason: Reason, passages: Sequence[Passage], confidence: float) -> Answer:
        text = NO_DOCUMENTS if reason is Reason.NO_DOCUMENTS else NO_ANSWER
        return Answer(
            Status.NO_ANSWER,
            text,
            confidence,
            extractive.ENGINE,
            0.0,
            reason=reason,
            nearest=_nearest_places(passages),
            contact=self._find_contact(passages),
            understood=_understood(question),
            sought=find_sought(question),
        )

    def _find_contact(self, passages: Sequence[Passage]) -> Contact:
        """Return the department of the nearest passage that has one, else the one in the settings."""
        for passage in passages[:_NEAREST]:
            if passage.metadata.department:
                return Contact(passage.metadata.department, passage.metadata.extension)
        return self._contact


def find_sought(question: Question) -> tuple[str, ...]:
    """Return what was looked for, in the words of the question and, for a follow-up, of the earlier one."""
    texts = (question.text, question.topic or "")
    terms = frozenset(question.query.terms)
    return tuple(dict.fromkeys(text[start:end] for text in texts for start, end in find_words(text, terms)))


def _understood(question: Question) -> str | None:
    return None if question.understood == question.text else question.understood


def _nearest_places(passages: Sequence[Passage]) -> tuple[Place, ...]:
    """Return up to three different places, best first, each with the beginning of its text."""
    places: dict[tuple[object, ...], Place] = {}
    for passage in passages:
        chunk = passage.chunk
        locator = replace(chunk.locator, heading=None)
        text = " ".join(chunk.text.split())
        short = text if len(text) <= _PLACE_CHARS else text[: _PLACE_CHARS - 1] + "…"
        places.setdefault(
            (chunk.source, locator), Place(chunk.source, chunk.title, chunk.locator, short, passage.edition)
        )
        if len(places) == _NEAREST:
            break
    return tuple(places.values())
