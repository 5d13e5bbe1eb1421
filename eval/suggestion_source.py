"""The suggestions of a whole index: every chunk of what is in force today, with the town's own synonyms.

Of a text with several editions only those in force are asked about: a question without a day is answered from them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from eval.suggestion import Suggestion, suggest_from_chunk
from eval.suggestion_choice import alternate, spread
from rag.answering.writing.llm import open_llm
from rag.documents import Chunk, Metadata, Standing
from rag.indexing.catalog import Catalog
from rag.indexing.snapshot import SnapshotStore
from rag.settings import Settings

_NOUN = re.compile(r"[一-鿿々ァ-ヶーA-Za-z0-9]{2,}")
_BESIDE = r"[一-鿿々ァ-ヶー]"


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the documents suggest, and their chunks. left_out: the documents that are not in force today, and what they are."""

    suggestions: list[Suggestion]
    chunks: list[tuple[Chunk, Metadata]]
    left_out: dict[str, Standing]


def read_suggestions(settings: Settings, today: date | None = None) -> Suggested:
    """Return what the documents of the published index suggest. Raises IndexMissingError, IndexMismatchError."""
    snapshot = SnapshotStore(settings.index).open_current()
    try:
        catalog, replace = snapshot.catalog, open_replacer(snapshot.wording.groups)
        left_out = find_not_in_force(catalog, today or date.today())
        entries = [entry for entry in catalog.documents() if entry.source not in left_out]
        chunks = [(chunk, entry.metadata) for entry in entries for chunk in catalog.chunks_of(entry.source)]
    finally:
        snapshot.close()
    suggestions = [found for chunk, metadata in chunks for found in suggest_from_chunk(chunk, metadata, replace)]
    return Suggested(suggestions, chunks, left_out)


def find_not_in_force(catalog: Catalog, today: date) -> dict[str, Standing]:
    """Return the documents of whose text another edition is in force on a day, or none yet."""
    families = catalog.families_by_source()
    standings = {source: family.judge(source, today).standing for source, family in sorted(families.items())}
    return {source: standing for source, standing in standings.items() if standing is not Standing.CURRENT}


def open_replacer(groups: Sequence[Sequence[str]]) -> Callable[[str], str]:
    """Return what puts another word of its group in place of the longest known noun of a text; nouns only, so that no grammar breaks.

    >>> replace = open_replacer([("婚姻届", "結婚届"), ("転入", "引っ越してきた")])
    >>> replace("結婚届の用紙はどこですか"), replace("転入はいつまでですか"), replace("結婚届出書の書き方")
    ('婚姻届の用紙はどこですか', '転入はいつまでですか', '結婚届出書の書き方')
    """
    others = dict(_pair_nouns(groups))
    if not others:
        return str
    longest = sorted(others, key=len, reverse=True)
    pattern = re.compile(rf"(?<!{_BESIDE})(?:{'|'.join(map(re.escape, longest))})(?!{_BESIDE})")
    return lambda text: pattern.sub(lambda match: others[match[0]], text, count=1)


def _pair_nouns(groups: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    for group in groups:
        nouns = [word for word in group if _NOUN.fullmatch(word)]
        for place, word in enumerate(nouns):
            if len(nouns) > 1:
                yield word, nouns[(place + 1) % len(nouns)]


def propose_with_llm(
    settings: Settings, chunks: Sequence[tuple[Chunk, Metadata]], *, count: int
) -> tuple[list[Suggestion], Counter[str]]:
    """Return what the LLM of the settings proposes about chunks of all documents, and what came to nothing; nothing without one.

    count: how many chunks it is shown at most. Raises SettingsError for an LLM that cannot be used.
    """
    llm = open_llm(settings)
    if llm is None:
        return [], Counter()
    from eval.suggestion_llm import suggest_with_llm

    return suggest_with_llm(llm, settings, spread_chunks(chunks)[:count])


def spread_chunks(chunks: Sequence[tuple[Chunk, Metadata]]) -> list[tuple[Chunk, Metadata]]:
    """Return chunks in turn from every document, from all its parts."""
    by_document: dict[str, list[tuple[Chunk, Metadata]]] = {}
    for chunk, metadata in chunks:
        by_document.setdefault(chunk.source, []).append((chunk, metadata))
    return list(alternate([spread(some) for some in by_document.values()]))
