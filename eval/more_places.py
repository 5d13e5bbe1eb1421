"""Where else an answer stands: places that hold the key facts of a question and are not among its labels.

A label that lacks makes a right citation count as a wrong one. The places are found by the words of the documents alone: what the
system finds or answers plays no part, so that nothing is labelled because it was shown. People decide which of them answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from eval.document_places import DocumentPlaces
from eval.facts import holds_fact
from eval.places import Gold
from eval.questions import Question
from rag.text import morphemes, nouns, split_sentences

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
    read = [
        _Place(gold, text, frozenset(morphemes(text)))
        for source in places.sources
        for gold, text in places.texts(source).items()
    ]
    counts = Counter(word for place in read for word in place.words)
    weights = {word: math.log(1 + (len(read) - n + 0.5) / (n + 0.5)) for word, n in counts.items()}  # as in BM25
    return [found for question in questions for found in _find(question, read, weights)]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place with its content words, ready to be looked at for many questions."""

    gold: Gold
    text: str
    words: frozenset[str]

    def is_labelled(self, question: Question) -> bool:
        """Tell whether a label names the place, or a line within its paragraph."""
        return any(self.gold == gold or self._has_line(gold) for gold in question.gold)

    def _has_line(self, gold: Gold) -> bool:
        if gold.line is None or self.gold.line is None or gold.source != self.gold.source:
            return False
        return self.gold.line <= gold.line <= self.gold.line + self.text.count("\n")


def _find(question: Question, read: Sequence[_Place], weights: Mapping[str, float]) -> Sequence[FoundPlace]:
    asked = {word: weights.get(word, 0.0) for word in nouns(question.text)}
    total = sum(asked.values())
    if not question.answerable or not question.key_facts or not total:
        return []
    found = []
    for place in read:
        share = sum(weight for word, weight in asked.items() if word in place.words) / total
        if share < _NAMED or place.is_labelled(question):
            continue
        facts = sum(holds_fact(place.text, fact) for fact in question.key_facts)
        if facts == len(question.key_facts) or (facts and share >= _NAMED_IN_PART):
            found.append(FoundPlace(question, place.gold, place.text, facts, share))
    return sorted(found, key=lambda one: (-one.facts, -one.share))[:MOST]


def excerpt(text: str, facts: Iterable[str], *, most: int = 600) -> str:
    """Return the lines and sentences of a text that hold a key fact, however it is written, with those beside them; cut at `most`.

    >>> excerpt("ごみの話。休みの話。住民票は三百円です。印鑑の話。おわり。", ["300円"])
    '…休みの話。住民票は三百円です。印鑑の話。…'
    """
    sentences = list(split_sentences(text))
    holds = [any(holds_fact(text[start:end], fact) for fact in facts) for start, end in sentences]
    shown = [any(holds[max(place - 1, 0) : place + 2]) for place in range(len(sentences))]
    if not any(shown):  # a fact that goes over the end of a sentence
        shown = [True] * len(sentences)
    said = ""
    for is_shown, of_run in groupby(zip(shown, sentences, strict=True), key=lambda pair: pair[0]):
        run = [sentence for _, sentence in of_run]
        said += text[run[0][0] : run[-1][1]] if is_shown else "…"
    return said if len(said) <= most else said[:most] + "…"


def add_places(questions: Iterable[Question], accepted: Mapping[str, Sequence[Gold]]) -> list[Question]:
    """Return the questions with more places behind their labels. accepted: id of a question -> its places."""
    return [
        replace(question, gold=tuple(dict.fromkeys((*question.gold, *accepted.get(question.id, ())))))
        for question in questions
    ]
