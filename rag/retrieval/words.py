"""From a question's words to what the lexical leg looks for: each word in each field, and choices where there are other wordings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.indexing.stores import Choice
from rag.retrieval.fusion import FIELD_WEIGHTS
from rag.retrieval.query import Expansion, Query
from rag.text import bigrams

_BIGRAMS = "bigrams"
Ways = tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class LexicalQuestion:
    """What the lexical leg looks for. terms: field -> word -> weight; choices: the ways to say one thing, of which the best counts."""

    terms: Mapping[str, Mapping[str, float]]
    choices: Sequence[Choice] = ()


def build_lexical_question(query: Query, rarity: Mapping[str, float], ceiling: float) -> LexicalQuestion:
    """Return what is looked for: the words as they stand, and the choices between wordings.

    rarity: inverse document frequency of the words of the expansions; ceiling: that of a word that no chunk has.
    """
    own = {term: query.carried.get(term, 1.0) for term in query.terms}
    other = [e for e in query.expansions if e.words != e.of and own.keys() >= set(e.of)]
    usable = [e for e in other if all(rarity[word] < ceiling for word in e.words)]
    parts = _join_parts(usable)
    chosen = {term for part in parts for e in part for term in e.of}
    plain = {term: weight for term, weight in own.items() if term not in chosen} | dict.fromkeys(query.names, 1.0)
    all_ways = [_ways(part, own, rarity) for part in parts]
    terms = {f: _scale(plain, weight) for f, weight in FIELD_WEIGHTS.items() if f != _BIGRAMS}
    fields = {f: weight for f, weight in FIELD_WEIGHTS.items() if f != _BIGRAMS}
    choices = [{f: [_scale(way, w) for way in ways] for f, w in fields.items()} for ways in all_ways]
    pairs = [_ways_of_pairs(part, query.bigrams) for part in parts]
    chosen_pairs = {pair for ways in pairs for pair in ways[0]}
    plain_pairs = dict.fromkeys((pair for pair in query.bigrams if pair not in chosen_pairs), 1.0)
    terms[_BIGRAMS] = _scale(plain_pairs, FIELD_WEIGHTS[_BIGRAMS])
    for choice, ways in zip(choices, pairs, strict=True):
        if ways[0]:
            choice[_BIGRAMS] = [_scale(way, FIELD_WEIGHTS[_BIGRAMS]) for way in ways]
    return LexicalQuestion(terms, choices)


def _join_parts(expansions: Iterable[Expansion]) -> list[list[Expansion]]:
    """Return the expansions by the part of the question that they stand for; what shares a word is one part."""
    parts: list[list[Expansion]] = []
    for expansion in expansions:
        shared = [part for part in parts if any(set(e.of) & set(expansion.of) for e in part)]
        parts = [part for part in parts if part not in shared]
        parts.append([*(e for part in shared for e in part), expansion])
    return parts


def _ways(part: Sequence[Expansion], own: Mapping[str, float], rarity: Mapping[str, float]) -> Ways:
    """Return the wordings of a part: as it was asked, and each other one beside the words that it does not stand for.

    A longer wording, or one of rarer words, is scaled down to what the asked words could score at best.
    """
    asked = {term: own[term] for e in part for term in e.of}
    ways: list[Mapping[str, float]] = [asked]
    for e in part:
        best = sum(rarity[term] * own[term] for term in e.of)
        scale = min(1.0, best / max(sum(rarity[word] for word in e.words), 1e-9))
        rest = {term: weight for term, weight in asked.items() if term not in e.of}
        ways.append(rest | dict.fromkeys(e.words, e.weight * scale))
    return tuple(ways)


def _ways_of_pairs(part: Sequence[Expansion], asked: Collection[str]) -> Ways:
    """Return the wordings of a part as pairs of characters; a longer wording counts no more than the asked one."""
    own = dict.fromkeys((pair for e in part for pair in bigrams(e.asked) if pair in asked), 1.0)
    ways: list[Mapping[str, float]] = [own]
    for e in part:
        before, after = set(bigrams(e.asked)), dict.fromkeys(bigrams(e.meant))
        weight = e.weight * min(1.0, len(before) / max(1, len(after)))
        ways.append({pair: 1.0 for pair in own if pair not in before} | dict.fromkeys(after, weight))
    return tuple(ways)


def _scale(words: Mapping[str, float], factor: float) -> dict[str, float]:
    return {word: weight * factor for word, weight in words.items()}
