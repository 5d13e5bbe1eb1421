"""Find personal data in a text: numbers, addresses, accounts and names, each place once."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from rag.answering.privacy.addresses import find_accounts, find_addresses
from rag.answering.privacy.digits import find_numbers
from rag.answering.privacy.kinds import PersonalDatum, PersonalKind, ReadableText
from rag.answering.privacy.names import find_names

_CACHED_TEXTS = (
    256  # a text is looked through before it is masked, and when it is; passages come again with other questions
)
_ORDER = {kind: place for place, kind in enumerate(PersonalKind)}


@functools.lru_cache(_CACHED_TEXTS)
def find_personal_data(text: str) -> tuple[PersonalDatum, ...]:
    """Return the personal data in a text, in order; no two overlap.

    >>> [(found.kind.label, found.text) for found in find_personal_data("佐藤さん（０９０ー１２３４ー５６７８）")]
    [('氏名', '佐藤'), ('電話', '０９０ー１２３４ー５６７８')]
    >>> find_personal_data("様式第3号は、内線111の町民課長に出してください。")
    ()
    """
    readable = ReadableText(text)
    found = [*find_numbers(readable), *find_accounts(readable), *find_addresses(readable), *find_names(readable)]
    return tuple(PersonalDatum(kind, start, end, text[start:end]) for kind, start, end in _choose(found))


def _choose(found: Iterable[tuple[PersonalKind, int, int]]) -> list[tuple[PersonalKind, int, int]]:
    """Return what does not overlap, in order: the kinds in front win, then the longer ones."""
    chosen: list[tuple[PersonalKind, int, int]] = []
    for kind, start, end in sorted(found, key=lambda f: (_ORDER[f[0]], f[1] - f[2], f[1])):
        if all(end <= other_start or start >= other_end for _, other_start, other_end in chosen):
            chosen.append((kind, start, end))
    return sorted(chosen, key=lambda f: f[1])
