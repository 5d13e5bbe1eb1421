"""Where a label that no longer fits may go: the place that holds its key facts now, of the same text, a new edition or a new name.

Nothing is changed by itself. A place of another sheet or an unrelated document is proposed only where the rest of the row fits too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import PurePosixPath

from eval.document_places import DocumentPlaces
from eval.facts import find_missing
from eval.places import Gold
from eval.questions import Question
from rag.activity.place_cells import form_of
from rag.text import is_number, morphemes, nouns, squeeze

_NAMED = 0.5  # the least share of the question's nouns in a place of another sheet
_ALIKE = 0.8  # the least likeness of two names, or of two pages, that are taken for the same without a key fact


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another place for a broken label of a row: `old` is the place that does not fit, None where one is added."""

    row: int
    old: Gold | None
    new: Gold

    def describe(self) -> str:
        """Return it for people.

        >>> Proposal(5, Gold("計画.pdf", page=14), Gold("計画.pdf", page=15)).describe()
        '提案: 14 → 15'
        >>> Proposal(5, Gold("計画R7.pdf", page=14), Gold("計画R8.pdf", page=15)).describe()
        '提案: 14 → 計画R8.pdf の 15'
        """
        new = self.new.write()
        if self.old is None or self.new.source != self.old.source:
            new = f"{self.new.source} の {new}"
        return f"提案: {self.old.write()} → {new}" if self.old else f"提案: {new} を加える"


def propose_place(question: Question, row: int, places: DocumentPlaces) -> Proposal | None:
    """Return the one place that holds the key facts which the labelled places lack; None where there is none or more than one.

    It is looked for in the labelled documents, then in other editions of them, the newest first.
    """
    said = {gold: places.read(gold) if gold.source in places.sources else None for gold in question.gold}
    missing = find_missing((text for text in said.values() if text), question.key_facts)
    if not missing:
        return None
    broken = [
        gold
        for gold, text in said.items()
        if not text or find_missing([text], question.key_facts) == question.key_facts
    ]
    old = broken[0] if broken else None
    own = dict.fromkeys(gold.source for gold in ([old] if old else question.gold))
    sheets = {(gold.source, gold.sheet) for gold in question.gold}
    others = dict.fromkeys(edition for source in own for edition in places.editions(source))
    for source in (*own, *others):
        found = [
            place
            for place, text in places.texts(source).items()
            if not find_missing([text], missing)
            and (source in others or (source, place.sheet) in sheets or _fits(question, text))
        ]
        if found:
            return Proposal(row, old, found[0]) if len(found) == 1 else None
    return None


def _fits(question: Question, text: str) -> bool:
    """Tell whether a place holds all that a row says: every key fact, and half of what the question names."""
    asked = {noun for noun in nouns(question.text) if not is_number(noun)}
    said = asked & set(morphemes(text))
    return bool(said) and len(said) >= _NAMED * len(asked) and not find_missing([text], question.key_facts)


def propose_renamed(question: Question, row: int, gold: Gold, places: DocumentPlaces) -> Proposal | None:
    """Return the place of the same number in the document that one not in the index is called now.

    That is the document whose place says the same as the one of the old name did in an earlier index; else the first of the nearest
    names whose place holds the key facts which no other label holds; without any such fact, a name nearly the same.
    """
    if same := places.find_same(gold):
        return Proposal(row, gold, same)
    others = (places.read(other) for other in question.gold if other != gold and other.source in places.sources)
    facts = find_missing((text for text in others if text), question.key_facts)
    for source in places.nearest(gold.source):
        new = replace(gold, source=source)
        text = places.read(new) if form_of(source) is form_of(gold.source) else None
        if text and not find_missing([text], facts) and (facts or _is_nearly(source, gold.source, places)):
            return Proposal(row, gold, new)
    return None


def _is_nearly(source: str, unknown: str, places: DocumentPlaces) -> bool:
    likeness = SequenceMatcher(None, PurePosixPath(source).stem, PurePosixPath(unknown).stem).ratio()
    return source in places.editions(unknown) or likeness >= _ALIKE


def propose_in_force(
    question: Question, row: int, gold: Gold, sources: Iterable[str], places: DocumentPlaces
) -> Proposal | None:
    """Return the place in the edition in force for one of another edition: with the same key facts, else with the same text.

    sources: the documents of the edition in force. Where several places hold the facts, it is the one whose text is nearest.
    """
    old = places.read(gold) or ""
    facts = [fact for fact in question.key_facts if not find_missing([old], [fact])]
    texts = {place: text for source in sources for place, text in places.texts(source).items()}
    if facts:
        found = [place for place, text in texts.items() if not find_missing([text], facts)]
    else:
        found = [place for place in texts if place.number == gold.number and place.sheet == gold.sheet]
        found += [place for place, text in texts.items() if squeeze(text) == squeeze(old)]
    likeness = {place: _compare(old, texts[place]) for place in found}
    best = max(likeness, key=lambda place: likeness[place], default=None)
    is_sure = best is not None and (likeness[best] >= _ALIKE or (bool(facts) and len(found) == 1))
    return Proposal(row, gold, best) if best and is_sure else None


def _compare(one: str, other: str) -> float:
    """Return the share of the pairs of characters that two texts have in common (Dice), 0 to 1."""
    first, second = (set(pairwise(text)) for text in (squeeze(one), squeeze(other)))
    return 2 * len(first & second) / max(len(first) + len(second), 1)


def propose_printed_page(question: Question, row: int, gold: Gold, places: DocumentPlaces) -> Proposal | None:
    """Return the page that has the number of a label printed on it, where the key facts stand there and not on the labelled one."""
    printed = places.find_printed_page(gold)
    if printed is None or not question.key_facts:
        return None
    facts = find_missing((places.read(other) or "" for other in question.gold), question.key_facts)
    return Proposal(row, gold, printed) if facts and not find_missing([places.read(printed) or ""], facts) else None


def apply_proposals(question: Question, proposals: Sequence[Proposal]) -> tuple[Gold, ...]:
    """Return the places of a question as they are with the proposals."""
    gold = list(question.gold)
    for proposal in proposals:
        gold = [proposal.new if place == proposal.old else place for place in gold]
        gold += [] if proposal.old else [proposal.new]
    return tuple(dict.fromkeys(gold))
