"""Misspelt names: a word that no chunk has, and a name of the index that is nearly the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from rag.indexing.names import MIN_RUN_CHARS, NameFinder, find_runs
from rag.retrieval.query import Expansion, Reason
from rag.text import morphemes, normalize, squeeze

SPELLING_WEIGHT = 0.7
"""What the name that seems to be meant counts: less than a word that was asked."""
TWO_MISTAKES_FROM = 7
_MIN_NAME_CHARS = 4
_MIN_CUT_CHARS = 6  # in shorter katakana one letter makes another word: パート, パーク
_MIN_KANJI_CHARS = 5
_KANJI = re.compile("[一-鿿]")
_KATAKANA = re.compile("[ァ-ヺー]+")
_FIELDS = ("body", "title", "headings", "question")


class Words(Protocol):
    """What the words of an index are asked."""

    def document_frequency(self, field: str, term: str) -> int:
        """Return the number of chunks whose field holds a term."""

    def names_like(self, word: str) -> dict[str, int]:
        """Return the runs of one script that begin or end as a word does, and the number of chunks that hold each."""


def find_misspelt(question: str, terms: Sequence[str], words: Words, dictionary: NameFinder) -> tuple[Expansion, ...]:
    """Return the names that seem to be meant by what a question writes as no chunk does. dictionary: names that are right."""
    missing = {term for term in terms if not any(words.document_frequency(field, term) for field in _FIELDS)}
    text = normalize(question)
    found = list(_misspelt_names(squeeze(text), terms, missing, dictionary)) if missing else []
    covered = {term for expansion in found for term in expansion.of}
    for run in dict.fromkeys(find_runs(text)):
        of = tuple(term for term in dict.fromkeys(morphemes(run)) if term in terms)
        allowed = _mistakes_allowed(run, is_missing=bool(missing.intersection(of)))
        if of and allowed and not covered.intersection(of) and (meant := _closest(run, words.names_like(run), allowed)):
            found.append(_correct(of, run, meant))
    return tuple(expansion for expansion in found if expansion.words and expansion.words != expansion.of)


def _mistakes_allowed(run: str, *, is_missing: bool = True) -> int:
    """Return how many mistakes a run may have. Katakana that is cut into known words may still be a name with one mistake."""
    if is_missing:
        return 2 if len(run) >= TWO_MISTAKES_FROM else 1
    return 1 if _KATAKANA.fullmatch(run) and len(run) >= _MIN_CUT_CHARS else 0


def _misspelt_names(text: str, terms: Sequence[str], missing: set[str], dictionary: NameFinder) -> Iterator[Expansion]:
    """Yield the names of the dictionary that stand in the text with a mistake; they may mix scripts."""
    letters = set(text)
    for form, _ in dictionary.forms:
        if len(form) < _MIN_NAME_CHARS or form in text or len(set(form) - letters) > 1:
            continue
        written = _find_nearly(form, text)
        of = tuple(term for term in dict.fromkeys(morphemes(written)) if term in terms) if written else ()
        if missing.intersection(of):
            yield _correct(of, written, form)


def _find_nearly(form: str, text: str) -> str:
    """Return the part of a text that is nearly a form, "" for none; its first and last characters are those of the form."""
    letters = set(form)
    for length in (len(form), len(form) - 1, len(form) + 1):
        for start in range(len(text) - length + 1):
            part = text[start : start + length]
            has_an_end = part[0] == form[0] or part[-1] == form[-1]
            if has_an_end and len(set(part) - letters) <= 1 and count_mistakes(part, form, most=1) == 1:
                return part
    return ""


def _closest(run: str, names: Mapping[str, int], allowed: int) -> str | None:
    """Return the name with the fewest mistakes, of those the one that most chunks have; None where a run is a name itself."""
    if run in names:
        return None
    counted = ((count_mistakes(run, name, most=allowed), -count, name) for name, count in names.items())
    ranked = [found for found in counted if found[0] <= allowed and _is_likely(run, found[2])]
    return min(ranked)[2] if ranked else None


def _is_likely(run: str, name: str) -> bool:
    """Tell whether a name is likelier than another word: in a short one, an exchanged letter makes one (プール, ルール; 留学生, 就学生).

    >>> [_is_likely("コピ", "コピー"), _is_likely("プール", "ルール"), _is_likely("印艦登録", "印鑑登録")]
    [True, False, False]
    """
    if len(name) < MIN_RUN_CHARS:
        return False
    is_long = len(run) >= (_MIN_KANJI_CHARS if _KANJI.search(run) else _MIN_NAME_CHARS)
    return is_long or sorted(run.replace("ー", "")) == sorted(name.replace("ー", ""))


def _correct(of: tuple[str, ...], written: str, meant: str) -> Expansion:
    words = tuple(dict.fromkeys(morphemes(meant)))
    return Expansion(of, words, SPELLING_WEIGHT, Reason.SPELLING, written, meant)


def count_mistakes(written: str, meant: str, *, most: int) -> int:
    """Return the optimal string alignment distance: letters left out, added, exchanged, or two in the wrong order; at most most + 1.

    >>> [count_mistakes(w, "カード", most=2) for w in ("カード", "カド", "カーード", "カーボ", "カドー", "テーブル")]
    [0, 1, 1, 1, 1, 3]
    """
    if abs(len(written) - len(meant)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(meant) + 1))
    for i, letter in enumerate(written, start=1):
        row = [i]
        for j, other in enumerate(meant, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and written[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
