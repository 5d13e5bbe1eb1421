"""Other wordings of a question: the town's synonyms, found in its words and in its text, the longest first."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.retrieval.query import Expansion, Reason
from rag.text import morphemes, normalize, nouns, squeeze

SYNONYM_WEIGHT = 0.8
"""What a synonym counts beside the word that was asked (measured: docs/architecture.md)."""
Groups = tuple[tuple[str, ...], ...]
_EDGES = ("[a-z0-9]", "[ァ-ヺー]")
_NOT = "ない"


@dataclass(frozen=True, slots=True)
class _Member:
    """A word of a group. key: as it stands in a text; terms: its words; bends: it may stand in another form or order of particles."""

    group: int
    word: str
    key: str
    terms: tuple[str, ...]
    bends: bool


class Thesaurus:
    """The synonyms, ready to be found in questions; `open_thesaurus` keeps it for the next question."""

    def __init__(self, groups: Groups) -> None:
        self._groups = [[_read(number, word) for word in group] for number, group in enumerate(groups)]
        self._by_terms: dict[tuple[str, ...], list[_Member]] = {}
        self._by_key: dict[str, _Member] = {}
        for member in (member for group in self._groups for member in group if member.terms):
            self._by_terms.setdefault(member.terms, []).append(member)
            self._by_key.setdefault(member.key, member)
        self._longest = max(map(len, self._by_terms), default=0)
        self._pattern = _any_of(self._by_key)

    def expand(self, question: str) -> tuple[Expansion, ...]:
        """Return the other wordings of a question's parts; no word of the question belongs to two parts.

        >>> thesaurus = Thesaurus((("住民基本台帳", "住基"), ("児童手当", "児手"), ("亡くなった", "死亡")))
        >>> [(e.of, e.words) for e in thesaurus.expand("住基カードは要りますか")]
        [(('住基',), ('住民', '基本', '台帳'))]
        >>> [e.meant for e in thesaurus.expand("父が亡くなりました")]
        ['死亡']
        """
        text, terms = normalize(question), morphemes(question)
        found, taken = self._match_terms(text, terms)
        found += self._match_text(text, terms, taken)
        return tuple(dict.fromkeys(found))

    def _match_terms(self, text: str, terms: Sequence[str]) -> tuple[list[Expansion], set[str]]:
        """Return what is found as a sequence of words, and the terms that it takes."""
        squeezed = squeeze(text)
        found: list[Expansion] = []
        free = [True] * len(terms)
        for length in range(min(self._longest, len(terms)), 0, -1):
            for start in range(len(terms) - length + 1):
                part = tuple(terms[start : start + length])
                if all(free[start : start + length]) and (member := self._choose(part, squeezed)):
                    free[start : start + length] = [False] * length
                    found += self._others(member, part)
        return found, {term for term, is_free in zip(terms, free, strict=True) if not is_free}

    def _choose(self, part: tuple[str, ...], text: str) -> _Member | None:
        """Return the member that stands in the text; else one that may stand there in another form."""
        members = self._by_terms.get(part, ())
        written = (member for member in members if _contains(text, member.key))
        return max(written, key=lambda m: len(m.key), default=None) or next((m for m in members if m.bends), None)

    def _match_text(self, text: str, terms: Sequence[str], taken: set[str]) -> Iterator[Expansion]:
        """Yield what stands in the text, but is cut into other words there than alone."""
        for match in self._pattern.finditer(text) if self._pattern else ():
            member = self._by_key[match[0]]
            if set(member.terms) <= set(terms) or not _stands_alone(text, match, terms):
                continue
            for other in self._groups[member.group]:
                of, words = _differ(terms, morphemes(text[: match.start()] + other.key + text[match.end() :]))
                if other is not member and of and words and not taken.intersection(of):
                    yield Expansion(of, words, SYNONYM_WEIGHT, Reason.SYNONYM, match[0], other.word)

    def _others(self, member: _Member, part: tuple[str, ...]) -> Iterator[Expansion]:
        for other in self._groups[member.group]:
            if other.terms and other.terms != part and not _lost_its_not(other):
                words = tuple(dict.fromkeys(other.terms))
                yield Expansion(
                    tuple(dict.fromkeys(part)), words, SYNONYM_WEIGHT, Reason.SYNONYM, member.word, other.word
                )


@functools.lru_cache(maxsize=4)
def open_thesaurus(groups: Groups) -> Thesaurus:
    """Return the thesaurus of a table, made once."""
    return Thesaurus(groups)


def _read(group: int, word: str) -> _Member:
    terms, named = tuple(morphemes(word)), nouns(word)
    # A verb alone may be bent (亡くなりました); in a phrase that would lose a negation (燃えないごみ). Cut into single
    # characters, an abbreviation is only what is written in one piece (年の休み is no 年休).
    bends = len(terms) == 1 or (set(terms) <= set(named) and all(len(term) > 1 for term in terms))
    return _Member(group, word, squeeze(word), terms, bends)


def _lost_its_not(member: _Member) -> bool:
    """Tell whether the words of a member say the contrary of it: 燃えないごみ is indexed as 燃える, ごみ."""
    return _NOT in member.key and not any(_NOT in term or term == "無い" for term in member.terms)


def _contains(text: str, key: str) -> bool:
    return key in text and bool(_whole(key).search(text))


@functools.lru_cache(maxsize=10_000)
def _whole(key: str) -> re.Pattern[str]:
    """Return the pattern of a word that is not the middle of a longer Latin or katakana word."""
    before = "".join(f"(?<!{edge})" for edge in _EDGES if re.match(edge, key))
    after = "".join(f"(?!{edge})" for edge in _EDGES if re.fullmatch(edge, key[-1]))
    return re.compile(before + re.escape(key) + after)


def _any_of(keys: dict[str, _Member]) -> re.Pattern[str] | None:
    ordered = sorted(keys, key=lambda key: -len(key))
    return re.compile("|".join(_whole(key).pattern for key in ordered)) if ordered else None


def _stands_alone(text: str, match: re.Match[str], terms: Sequence[str]) -> bool:
    """Tell whether a match lies between words: 全国保育 holds no 国保."""
    before, after = morphemes(text[: match.start()]), morphemes(text[match.end() :])
    return list(terms[: len(before)]) == before and list(terms[len(terms) - len(after) :]) == after


def _differ(terms: Sequence[str], others: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is between the common beginning and the common end of two sequences.

    >>> _differ(["住基", "カード", "発行"], ["住民", "基本", "台帳", "カード", "発行"])
    (('住基',), ('住民', '基本', '台帳'))
    """
    shortest = min(len(terms), len(others))
    start = next((i for i in range(shortest) if terms[i] != others[i]), shortest)
    end = next((i for i in range(shortest - start) if terms[-1 - i] != others[-1 - i]), shortest - start)
    return tuple(dict.fromkeys(terms[start : len(terms) - end])), tuple(
        dict.fromkeys(others[start : len(others) - end])
    )
