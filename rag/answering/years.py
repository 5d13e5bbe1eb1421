"""The years that a question names: what is said of another year answers another question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.answering.facts.finding import find_facts
from rag.answering.facts.kinds import FactKind
from rag.documents import Passage
from rag.reading.dates import join_days

_YEAR = re.compile(r"(\d{4})年度?")


def find_bare_years(text: str) -> Iterator[int]:
    """Yield the years and fiscal years of a text that are written without a day, as years of the Christian era.

    `rag.reading.dates.find_years` counts days too: that a day lies in a year does not make a question one about the year.

    >>> list(find_bare_years("令和9年度の訓練と2024年の人口、令和6年4月1日の届"))
    [2027, 2024]
    """
    for fact in find_facts(text):
        if fact.kind is FactKind.DATE and (match := _YEAR.fullmatch(fact.value)):
            yield int(match[1])


def lacks_year(question: str, passages: Iterable[Passage]) -> bool:
    """Tell whether a question names a year that none of the passages speaks of, nor lies between two that one of them names.

    A document's own year, its day of force and its title speak for each of its passages.
    """
    asked = set(find_bare_years(join_days(question)))
    if not asked:
        return False
    for passage in passages:
        held = _years_of(passage)
        if held and any(min(held) <= year <= max(held) for year in asked):
            return False
    return True


def _years_of(passage: Passage) -> set[int]:
    chunk, metadata = passage.chunk, passage.metadata
    texts = (chunk.text, chunk.title, *chunk.headings)
    held = {
        int(match[1]) for text in texts for fact in find_facts(text) if (match := re.match(r"(\d{4})年", fact.value))
    }
    if metadata.year is not None:
        held.add(metadata.year)
    if metadata.effective_date is not None:
        held.add(metadata.effective_date.year)
    return held
