"""Statements held against the sentences and rows that they nearly repeat: what stands in the place of something else there is wrong.

Such a twin holds the words of a statement, so that what it says is said of the same thing; what the rest of the source says
of others (another row, another year, another sentence with できない) does not count beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from rag.answering.checking.content import token_of, words_of
from rag.answering.checking.grounds import Ground
from rag.answering.checking.polarity import ENDING, agree_on_limit
from rag.answering.checking.sayings import SIDE, STANCE, Saying, are_rivals, split_cells
from rag.answering.facts.finding import contains, find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.text import fold

# Chosen on the development half of `python -m eval.bench.hallucination` with other sentences than it takes by itself.
HELD = 0.9  # least weighted share of a clause's words that its twin holds
NEARER = 0.6  # what holds so much less of the twin's own words than another is no twin beside it
FEWEST = 2  # how many words tell which sentence is repeated; with fewer, its figures must tell
_END = STANCE + ENDING
_DIGITS = re.compile(r"[0-9.]+")
_KANJI = re.compile(r"[一-鿿]")


def find_twins(clause: str, grounds: Iterable[Ground], weigh: Callable[[str], float]) -> list[Ground]:
    """Return the sentences and rows that a clause nearly repeats; its names aside, which may be those of others."""
    facts = find_facts(clause)
    words = words_of(_without_names(clause, facts))
    figures = {token_of(fact) for fact in facts if fact.kind not in (FactKind.NAME, FactKind.UNIT)}
    if len(words) < FEWEST and len(figures) < FEWEST:
        return []
    least = HELD * sum(map(weigh, words))
    found = []
    for ground in grounds:
        if (
            ground.is_header
            or sum(weigh(word) for word in words if word in ground.words or word in ground.around) < least
        ):
            continue
        if len(words) >= FEWEST or len(figures - ground.words - ground.around) < min(2, len(figures)):
            found.append(ground)
    shares = [(len(figures & (ground.words | ground.around)), _share_of(ground, words, weigh)) for ground in found]
    return [
        ground
        for ground, (held, share) in zip(found, shares, strict=True)
        if all(share >= NEARER * other for as_many, other in shares if as_many >= held)
    ]


def _share_of(ground: Ground, words: Collection[str], weigh: Callable[[str], float]) -> float:
    own = [word for word in ground.words if not word.startswith("=")]
    total = sum(map(weigh, own))
    return sum(weigh(word) for word in own if word in words) / total if total else 1.0


def _without_names(text: str, facts: Iterable[Fact]) -> str:
    for fact in facts:
        if fact.kind is FactKind.NAME:
            text = text[: fact.start] + "、" * (fact.end - fact.start) + text[fact.end :]
    return text


def find_replaced(
    clause: str, sayings: Sequence[Saying], twins: Iterable[Ground], units: Sequence[Fact]
) -> Saying | None:
    """Return what a clause says instead of what each of its twins says; None where one of them agrees.

    units: what the sources count their bare figures in.
    """
    found = [_find_replaced(clause, sayings, twin, units) for twin in twins]
    return found[0] if found and all(found) else None


def _find_replaced(clause: str, sayings: Sequence[Saying], twin: Ground, units: Sequence[Fact]) -> Saying | None:
    left, rest = [*twin.sayings, *twin.above], list(sayings)
    if len(split_cells(twin.text)) > 1:  # what one cell of a row ends in is not said of the others
        left, rest = ([saying for saying in some if saying.group != _END] for some in (left, rest))
    ends = sum(saying.group == _END for saying in rest)
    denies = any(held.group.startswith(STANCE) and held.value == "-" for held in left)
    for agree in (_is_equal, _agrees):
        rest = [saying for saying in rest if not _take(left, saying, agree, units)]
    for saying in rest:
        if _is_around(saying, clause, twin):
            continue
        if any(_are_exchanged(held, saying, twin.text, clause) for held in left):
            return saying
        if saying.group == _END and saying.value == "-" and ends == 1 and not denies:
            return saying
    return None


def _take(left: list[Saying], saying: Saying, agree: Callable[..., bool], units: Sequence[Fact]) -> bool:
    """Take what agrees with a saying out of what is left of its twin; each says one thing of the clause only."""
    held = next((held for held in left if agree(held, saying, units)), None)
    if held is not None:
        left.remove(held)
    return held is not None


def _is_equal(held: Saying, saying: Saying, units: Sequence[Fact]) -> bool:
    return held.group == saying.group and held.value == saying.value


def _agrees(held: Saying, saying: Saying, units: Sequence[Fact]) -> bool:
    if saying.group.startswith(SIDE):
        return held.group == saying.group and agree_on_limit(held.value, saying.value)
    if held.fact is None or saying.fact is None or held.group.startswith(SIDE):
        return False
    is_day = saying.fact.kind is FactKind.DATE and saying.value.endswith(held.value)  # its year stands in a heading
    return is_day or contains((held.fact, *units), saying.fact) or contains((saying.fact,), held.fact)


def _is_around(saying: Saying, clause: str, twin: Ground) -> bool:
    """Tell whether a fact stands in what is around its twin: the year in the title, the name in a heading."""
    if saying.fact is None or saying.group.startswith(SIDE):
        return False
    if saying.fact.kind is FactKind.NAME:
        return words_of(clause[saying.fact.start : saying.fact.end]) <= twin.words | twin.around
    return token_of(saying.fact) in twin.around


def _are_exchanged(held: Saying, saying: Saying, text: str, clause: str) -> bool:
    """Tell whether one saying can stand in the place of the other: facts of one kind, or one number in two units."""
    one, other = held.fact, saying.fact
    if one is None or other is None or SIDE in (held.group[:2], saying.group[:2]):
        return held.group == saying.group
    if FactKind.NAME in (one.kind, other.kind):
        return one.kind is other.kind and one.value[-1:] == other.value[-1:] and bool(_KANJI.match(one.value[-1:]))
    if one.kind is other.kind is FactKind.NUMBER:
        return True
    groups = (held.group.removesuffix(" 条件"), saying.group.removesuffix(" 条件"))
    return are_rivals(*groups) or _digits(text[one.start : one.end]) == _digits(clause[other.start : other.end])


def _digits(text: str) -> str:
    match = _DIGITS.search(fold(text))
    return match[0] if match else ""
