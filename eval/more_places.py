"""Where else an answer stands: places that hold the key facts of a question and are not among its labels.

A label that lacks makes a right citation count as a wrong one. The places are found by the words of the documents alone: what the
system finds or answers plays no part, so that nothing is labelled because it was shown. People decide which of them answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from eval.document_places import DocumentPlaces
from eval.label_check import holds_fact
from eval.places import Gold
from eval.questions import Question
from rag.text import morphemes, nouns, squeeze

MOST = 8  # of a question: nobody reads more
_NAMED = 0.2  # the least weighted share of the question's nouns that a place with all key facts holds,
_NAMED_IN_PART = 0.5  # … and of one with a part of them: a question may ask two things


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that may answer a question too. facts: how many of its key facts stand there; share: of the question's nouns."""

    question: Question
    gold: Gold
    text: str
    facts: int
    share: float


def find_more_places(questions: Iterable[Question], places: DocumentPlaces) -> list[FoundPlace]:
    """Return for each answerable question with key facts the unlabelled places that hold them, the likeliest first."""
    read = [_Place(gold, text) for source in places.sources for gold, text in places.texts(source).items()]
    counts = Counter(word for place in read for word in place.words)
    weights = {word: math.log(1 + (len(read) - n + 0.5) / (n + 0.5)) for word, n in counts.items()}  # as in BM25
    return [found for question in questions for found in _find(question, read, weights)]


class _Place:
    """A place, ready to be looked at for many questions."""

    def __init__(self, gold: Gold, text: str) -> None:
        self.gold, self.text, self.words = gold, text, frozenset(morphemes(text))


def _find(question: Question, read: Sequence[_Place], weights: Mapping[str, float]) -> Sequence[FoundPlace]:
    asked = {word: weights.get(word, 0.0) for word in nouns(question.text)}
    total = sum(asked.values())
    if not question.answerable or not question.key_facts or not total:
        return []
    found = []
    for place in read:
        share = sum(weight for word, weight in asked.items() if word in place.words) / total
        if share < _NAMED or place.gold in question.gold:
            continue
        facts = sum(holds_fact(place.text, fact) for fact in question.key_facts)
        if facts == len(question.key_facts) or (facts and share >= _NAMED_IN_PART):
            found.append(FoundPlace(question, place.gold, place.text, facts, share))
    return sorted(found, key=lambda one: (-one.facts, -one.share))[:MOST]


def excerpt(text: str, facts: Iterable[str], *, around: int = 120) -> str:
    """Return what stands around key facts in a text, each stretch of it once.

    >>> excerpt("手数料の表です。住民票は300円です。印鑑は別です。", ["300円"], around=6)
    '…です。住民票は300円です。印鑑は…'
    """
    stretches: list[tuple[int, int]] = []
    for start, end in sorted(_find_facts(text, facts)):
        start, end = max(start - around, 0), min(end + around, len(text))
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    if not stretches:
        return text[: 2 * around]
    said = "…".join(text[start:end] for start, end in stretches)
    return "…" * (stretches[0][0] > 0) + said + "…" * (stretches[-1][1] < len(text))


def _find_facts(text: str, facts: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where facts stand, as they are written, blanks apart."""
    places = [place for place, character in enumerate(text) if not character.isspace()]
    squeezed = squeeze(text)
    if len(squeezed) != len(places):
        return  # a character that NFKC makes several of: the beginning of the text is shown
    for fact in facts:
        at = squeezed.find(squeeze(fact))
        if at >= 0 and fact:
            yield places[at], places[at + len(squeeze(fact)) - 1] + 1


def add_places(questions: Iterable[Question], accepted: Mapping[str, Sequence[Gold]]) -> list[Question]:
    """Return the questions with more places behind their labels. accepted: id of a question -> its places."""
    return [
        replace(question, gold=tuple(dict.fromkeys((*question.gold, *accepted.get(question.id, ())))))
        for question in questions
    ]
