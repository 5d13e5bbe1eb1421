"""See why: recompute, for passages that were found, what each word, leg and factor gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.documents import Filters, Passage
from rag.explanation import Correction, Explanation, Feature, FieldMatch, Leg, PassageExplanation, Term, Widening
from rag.indexing.limits import Limits
from rag.retrieval.editions import OTHER_EDITION_WEIGHT, edition_weight
from rag.retrieval.fusion import FIELD_WEIGHTS, PAGE_SUPPORT
from rag.retrieval.words import LexicalQuestion

if TYPE_CHECKING:
    from rag.indexing.snapshot import Snapshot
    from rag.retrieval.query import Question

_WORD_BY_WORD = 60  # words of a field that are scored one by one; beyond, only those of the greatest weight
WordsByField = Mapping[str, Mapping[str, float]]


class TermWeights(Protocol):
    """Knows how rare words are."""

    def term_weights(self, terms: Sequence[str]) -> dict[str, float]:
        """Return term -> inverse document frequency."""


def explain(
    question: Question,
    passages: Sequence[Passage],
    snapshot: Snapshot,
    rarity: TermWeights,
    *,
    words: LexicalQuestion,
    dense_weight: float,
    filters: Filters | None = None,
    limits: Limits | None = None,
) -> Explanation:
    """Return why passages were found. words: what the lexical leg looked for; limits: what it was limited to."""
    query = question.query
    idf = rarity.term_weights(query.terms)
    frequency = snapshot.lexical.document_frequency
    best = _best_scores(question, snapshot, words, limits)
    matches = _match_fields(snapshot, _all_words(words), [passage.chunk.id for passage in passages])
    leg_weights = {"lexical": 1.0 - dense_weight, "dense": dense_weight}
    return Explanation(
        question=question.text,
        understood=question.understood,
        terms=tuple(Term(term, idf[term], frequency("body", term)) for term in query.terms),
        filters=filters or Filters(),
        admitted=snapshot.vectors.count_admitted(limits),
        chunks=snapshot.vectors.count(),
        weights={
            **{f"field.{name}": weight for name, weight in FIELD_WEIGHTS.items()},
            **{f"leg.{name}": weight for name, weight in leg_weights.items()},
            "page_support": PAGE_SUPPORT,
            "other_edition": OTHER_EDITION_WEIGHT,
        },
        passages=tuple(_explain_passage(passage, best, leg_weights, matches[passage.chunk.id]) for passage in passages),
        nouns=query.nouns,
        expansions=tuple(Widening(e.asked, e.words, e.weight, e.reason.label) for e in query.expansions),
        corrections=tuple(Correction(asked, meant) for asked, meant in query.corrections),
    )


def _best_scores(
    question: Question, snapshot: Snapshot, words: LexicalQuestion, limits: Limits | None
) -> dict[str, float]:
    """Return the best score of each leg, by which the scores of the leg are divided."""
    hits = {
        "lexical": snapshot.lexical.search(words.terms, 1, limits, choices=words.choices),
        "dense": snapshot.vectors.search(question.vector, 1, limits),
    }
    return {leg: found[0][1] if found else 0.0 for leg, found in hits.items()}


def _all_words(words: LexicalQuestion) -> WordsByField:
    """Return the words of every wording by field, each with the greatest of its weights."""
    found = {field: dict(weights) for field, weights in words.terms.items()}
    for field, ways in (item for choice in words.choices for item in choice.items()):
        for word, weight in (item for way in ways for item in way.items()):
            found.setdefault(field, {})[word] = max(weight, found.get(field, {}).get(word, 0.0))
    return found


def _match_fields(snapshot: Snapshot, words: WordsByField, ids: Sequence[str]) -> dict[str, tuple[FieldMatch, ...]]:
    """Return, for each chunk, the fields in which it has words of the question, the most important field and word first."""
    found: dict[str, list[FieldMatch]] = {id_: [] for id_ in ids}
    for field, weights in words.items():
        totals = snapshot.lexical.scores({field: weights}, ids)
        chosen = sorted(weights, key=lambda word: -weights[word])[:_WORD_BY_WORD]
        by_word = {word: snapshot.lexical.scores({field: {word: weights[word]}}, ids) for word in chosen}
        for id_ in ids:
            if totals.get(id_, 0.0) > 0:
                given = {word: scores[id_] for word, scores in by_word.items() if scores.get(id_, 0.0) > 0}
                ordered = dict(sorted(given.items(), key=lambda item: -item[1]))
                found[id_].append(FieldMatch(field, totals[id_], ordered))
    return {id_: tuple(sorted(matches, key=lambda match: -match.score)) for id_, matches in found.items()}


def _explain_passage(
    passage: Passage,
    best: Mapping[str, float],
    leg_weights: Mapping[str, float],
    matches: tuple[FieldMatch, ...],
) -> PassageExplanation:
    legs = tuple(
        Leg(name, score, passage.ranks.get(name), _share(score, best.get(name, 0.0)), leg_weights.get(name, 0.0))
        for name, score in passage.legs.items()
    )
    factor = edition_weight(passage)
    return PassageExplanation(
        id=passage.chunk.id,
        score=passage.score,
        legs=legs,
        fields=matches,
        edition_factor=factor,
        rest=None if passage.contributions else passage.score - factor * sum(leg.contribution for leg in legs),
        features=tuple(Feature(n, value, passage.contributions.get(n)) for n, value in passage.features.items()),
    )


def _share(score: float, best: float) -> float:
    return max(score, 0.0) / best if best > 0 else 0.0
