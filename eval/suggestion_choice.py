"""Which suggested questions are worth a person's time: not asked yet, not trivially found, spread over documents and kinds."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from eval.label_check import find_missing
from eval.matching import ReadPage, is_at_gold, place_of, spots_of
from eval.questions import Question
from eval.suggestion import Suggestion
from rag.activity.question_form import normalize_question
from rag.documents import Passage
from rag.text import bigrams, morphemes, squeeze

Search = Callable[[str], Sequence[Passage]]
"""Called with a question: the passages that are found, best first."""
ALREADY_ASKED, ALIKE, TRIVIAL = "質問集にある", "ほかの候補と似ている", "検索が難なく見つける"
TOO_MANY_EXTENSIONS = "内線番号の質問が候補の5分の1を超える"
ELSEWHERE = "同じ答えがほかの場所にもある"
BIG_MARGIN = 0.3
"""Of the first place before the next one, in the score from 0 to 1."""
NEARLY_ALL = 0.85
"""Share of a question's words that stand in the passage it was made of."""
_ALIKE = 0.75
"""Share of common character bigrams from which on two questions are near duplicates."""
_MOST_OF_PLACE, _MOST_OF_SECTION = 2, 3
"""Suggestions of one place, and of one kind under one heading."""
_ONE_EXTENSION_IN = 5
_GOLDEN = 0.6180339887
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, how many were made by origin, and how many were left out by reason. untried: more than were asked for."""

    chosen: tuple[Suggestion, ...]
    made: Counter[str]
    dropped: Counter[str]
    untried: int


@dataclass(slots=True)
class AskedBefore:
    """Questions that are there already; tells whether another one asks the same."""

    _forms: set[str] = field(default_factory=set)
    _pairs: list[frozenset[str]] = field(default_factory=list)
    _facts: set[tuple[object, str]] = field(default_factory=set)

    def add(self, text: str, gold: Iterable[object] = (), key_facts: Iterable[str] = ()) -> None:
        """Remember a question, and the facts that are asked for at its places."""
        self._forms.add(normalize_question(text))
        self._pairs.append(frozenset(bigrams(text)))
        facts = [squeeze(fact) for fact in key_facts]
        self._facts |= {(place, fact) for place in gold for fact in facts}

    def has(self, text: str) -> bool:
        """Tell whether a question is asked already in nearly the same words."""
        pairs = frozenset(bigrams(text))
        return normalize_question(text) in self._forms or any(
            len(pairs & other) >= _ALIKE * len(pairs | other) for other in self._pairs
        )

    def asks_for(self, place: object, key_facts: Iterable[str]) -> bool:
        """Tell whether a question asks already for these facts at this place."""
        return all((place, squeeze(fact)) in self._facts for fact in key_facts)


def choose_suggestions(
    made: Iterable[Suggestion], questions: Sequence[Question], search: Search, read_page: ReadPage, *, count: int
) -> Choice:
    """Return up to `count` suggestions, taken in turn from the documents and, within one, from what they were made of.

    questions: the present question set. What is searched trivially or asked already is left out, and counted.
    """
    everything = list(made)
    asked, near = AskedBefore(), AskedBefore()
    for question in questions:
        asked.add(question.text, question.gold, question.key_facts)
    chosen: list[Suggestion] = []
    dropped: Counter[str] = Counter()
    waiting = deque(take_in_turn(everything))
    while waiting and len(chosen) < count:
        suggestion = waiting.popleft()
        reason = _find_reason(suggestion, asked, near) or _find_crowd(suggestion, chosen)
        found = None if reason else look_up(suggestion, search, read_page)
        reason = found.reason if found else reason
        if found is None or reason is not None:
            dropped[reason or ALIKE] += 1
            continue
        chosen.append(replace(suggestion, rank=found.rank))
        near.add(suggestion.question)
    return Choice(tuple(chosen), Counter(s.origin for s in everything), dropped, len(waiting))


def _find_crowd(suggestion: Suggestion, chosen: Sequence[Suggestion]) -> str | None:
    """Return the reason to leave out one more of what the chosen ones have enough of already."""
    of_place = sum(other.gold == suggestion.gold for other in chosen)
    of_section = sum(_section_of(other) == _section_of(suggestion) for other in chosen)
    if of_place >= _MOST_OF_PLACE or of_section >= _MOST_OF_SECTION:
        return ALIKE
    extensions = sum(map(asks_for_extension, (*chosen, suggestion)))
    is_too_many = asks_for_extension(suggestion) and extensions * _ONE_EXTENSION_IN > len(chosen) + 1
    return TOO_MANY_EXTENSIONS if is_too_many else None


def _section_of(suggestion: Suggestion) -> tuple[object, ...]:
    return suggestion.gold.source, suggestion.chunk.headings, suggestion.origin


def asks_for_extension(suggestion: Suggestion) -> bool:
    """Tell whether a question asks for a telephone number within the town hall: lists of them would make half a question set."""
    return "内線" in suggestion.question or any("内線" in fact for fact in suggestion.key_facts)


def _find_reason(suggestion: Suggestion, asked: AskedBefore, near: AskedBefore) -> str | None:
    if asked.has(suggestion.question) or asked.asks_for(suggestion.gold, suggestion.key_facts):
        return ALREADY_ASKED
    return ALIKE if near.has(suggestion.question) else None


def take_in_turn(suggestions: Iterable[Suggestion]) -> Iterator[Suggestion]:
    """Yield suggestions in turn: one of each document, each time of another origin, from all parts of the document."""
    by_document: dict[str, dict[str, list[Suggestion]]] = defaultdict(lambda: defaultdict(list))
    for suggestion in suggestions:
        by_document[suggestion.gold.source][suggestion.origin].append(suggestion)
    turns = [alternate([spread(some) for some in origins.values()]) for origins in by_document.values()]
    yield from alternate(turns)


def alternate(iterators: Iterable[Iterator[_Item]]) -> Iterator[_Item]:
    """Yield the first item of each iterator, then the second ones, and so on.

    >>> list(alternate([iter("ab"), iter("c"), iter("def")]))
    ['a', 'c', 'd', 'b', 'e', 'f']
    """
    waiting = deque(iterators)
    while waiting:
        iterator = waiting.popleft()
        for item in iterator:
            yield item
            waiting.append(iterator)
            break


def spread(items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield all items, far apart first: by the golden section, which leaves no stretch out for long.

    >>> list(spread("abcde"))
    ['a', 'c', 'e', 'b', 'd']
    """
    order = sorted(range(len(items)), key=lambda place: (place * _GOLDEN) % 1)
    return (items[place] for place in order)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What came of searching a suggested question. rank: of its place, None where it is not found; reason: to leave it out."""

    rank: int | None
    reason: str | None = None


def look_up(suggestion: Suggestion, search: Search, read_page: ReadPage) -> LookUp:
    """Search a suggested question and look where its place stands.

    It is trivial where that is first by a big margin and nearly all its words stand in the passage; and no good where a place before
    it says the key facts too: then nobody can tell which of them is right.
    """
    best: dict[object, tuple[float, bool, str]] = {}
    for passage in search(suggestion.question):
        spots = spots_of(passage)
        is_gold = any(is_at_gold(spot, [suggestion.gold], read_page) for spot in spots)
        best.setdefault(place_of(spots[0]), (passage.score, is_gold, passage.chunk.text))
    ranked = list(best.values())
    rank = next((number for number, (_, is_gold, _) in enumerate(ranked, start=1) if is_gold), None)
    before = ranked if rank is None else ranked[: rank - 1]
    if any(not find_missing([text], suggestion.key_facts) for _, _, text in before):
        return LookUp(rank, ELSEWHERE)
    margin = ranked[0][0] - ranked[1][0] if len(ranked) > 1 else 1.0
    is_trivial = rank == 1 and margin >= BIG_MARGIN and share_of_words(suggestion) >= NEARLY_ALL
    return LookUp(rank, TRIVIAL if is_trivial else None)


def share_of_words(suggestion: Suggestion) -> float:
    """Return the share of the question's content words that its passage, title and headings have."""
    chunk = suggestion.chunk
    words = set(morphemes(suggestion.question))
    held = set(morphemes("\n".join((chunk.title, *chunk.headings, chunk.text))))
    return len(words & held) / max(1, len(words))
