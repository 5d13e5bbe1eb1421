"""Is a passage or a citation at a gold place, is its quote on the page, and does an answer hold its key facts?

Pages and rows are compared by number. In text and Markdown the gold is the line where the answering paragraph starts: it runs
to the next blank line, and whatever covers one of its lines is at the place. Lines of an e-mail count from its body, paragraphs
of Word and HTML through the whole document, whatever heading they are under.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from eval.places import Gold
from rag.activity.place_cells import MAIL_BODY
from rag.documents import Citation, Locator, Passage, Span
from rag.text import squeeze

ELLIPSIS = "…"  # between the spans of a quote; written here again, so that the evaluation proves it by itself
_MAIL_HEAD = re.compile("".join(rf"(?:{name}: .*\n)?" for name in ("件名", "差出人", "日時", "宛先", "Cc")))
ReadPage = Callable[[str, int], str | None]
"""Called with (source, page number): the stored text of the page, None where there is none."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands: spans of one page's text, and the locator that people are shown."""

    source: str
    locator: Locator
    page: int
    spans: tuple[Span, ...]


def spot_of(citation: Citation) -> Spot:
    """Return where a citation stands."""
    return Spot(citation.source, citation.locator, citation.page, citation.spans)


def spots_of_citation(citation: Citation, passages: Iterable[Passage]) -> tuple[Spot, ...]:
    """Return where a citation stands, with every numbered paragraph that it quotes of the passages it was taken from.

    A citation shows the number of its first paragraph only; pages, rows and lines need no more than that.
    """
    quoted = (
        spot
        for passage in passages
        if passage.chunk.source == citation.source
        for spot in spots_of(passage)
        if spot.locator.paragraph is not None
        and spot.page == citation.page
        and any(span.start < other.end and other.start < span.end for span in citation.spans for other in spot.spans)
    )
    return (spot_of(citation), *quoted)


def spots_of(passage: Passage) -> tuple[Spot, ...]:
    """Return where a passage stands, segment by segment; the header cells of a table row stand elsewhere and are left out."""
    chunk = passage.chunk
    segments = chunk.segments[chunk.context :] or chunk.segments
    return tuple(Spot(chunk.source, s.locator, s.page, (Span(s.start, s.end),)) for s in segments)


def place_of(spot: Spot) -> tuple[str, Locator]:
    """Return the place that passages share: the source and its page, row or line, whatever heading it is under."""
    locator = spot.locator
    numbers = (locator.page, locator.row, locator.line, locator.paragraph)
    has_number = any(number is not None for number in numbers)
    return spot.source, replace(locator, heading=None, label=None) if has_number else locator


def rank_places(passages: Iterable[Passage], gold: Sequence[Gold], read_page: ReadPage) -> tuple[bool, ...]:
    """Return, best first, whether each distinct place is gold; a passage that brings no new place takes no rank."""
    seen: set[tuple[str, Locator]] = set()
    ranked = []
    for passage in passages:
        spots = spots_of(passage)
        places = {place_of(spot) for spot in spots}
        if places <= seen:
            continue
        seen |= places
        ranked.append(any(is_at_gold(spot, gold, read_page) for spot in spots))
    return tuple(ranked)


def is_at_gold(spot: Spot, gold: Sequence[Gold], read_page: ReadPage) -> bool:
    """Tell whether something stands at one of the gold places."""
    return any(_is_at(spot, place, read_page) for place in gold)


def _is_at(spot: Spot, gold: Gold, read_page: ReadPage) -> bool:
    locator = spot.locator
    if unicodedata.normalize("NFC", spot.source) != gold.source:
        return False
    if gold.page is not None:
        return locator.page == gold.page
    if gold.row is not None:
        return (locator.sheet, locator.row) == (gold.sheet, gold.row)
    if gold.paragraph is not None:
        return locator.paragraph == gold.paragraph
    text = read_page(spot.source, spot.page)
    if text is None or gold.line is None or (locator.part or MAIL_BODY) != MAIL_BODY:
        return False
    first = gold.line + (count_head_lines(text) if locator.part else 0)
    return bool(set(paragraph_lines(text, first)) & {n for span in spot.spans for n in covered_lines(text, span)})


def count_head_lines(text: str) -> int:
    """Return how many lines of an e-mail's page stand before its body: subject, sender, day, receivers.

    >>> count_head_lines("件名: 照会\\n差出人: 総務課\\n宛先: 町民課\\n\\n回答期限は6月末です。")
    3
    """
    return len(_MAIL_HEAD.match(text)[0].split("\n")) - 1  # type: ignore[index]


def paragraph_lines(text: str, first: int) -> range:
    """Return the line numbers from `first` to the next blank line, which is left out.

    >>> paragraph_lines("表題\\n\\n一\\n二\\n\\n三", 3)
    range(3, 5)
    >>> paragraph_lines("表題", 9)
    range(9, 9)
    """
    lines = text.split("\n")
    end = first
    while end <= len(lines) and lines[end - 1].strip():
        end += 1
    return range(first, end)


def covered_lines(text: str, span: Span) -> range:
    """Return the numbers of the lines that a span of a text has characters on, outer white space aside.

    >>> covered_lines("一\\n二\\n三", Span(2, 5))
    range(2, 4)
    >>> covered_lines("一\\n二\\n三", Span(1, 3))
    range(2, 3)
    """
    piece = text[span.start : span.end]
    if not piece.strip():
        return range(0)
    start = span.start + len(piece) - len(piece.lstrip())
    end = span.start + len(piece.rstrip())
    return range(text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 2)


def is_read_back(citation: Citation, read_page: ReadPage) -> bool:
    """Tell whether the quote is exactly what the stored page says at the spans; `verified` is not looked at."""
    text = read_page(citation.source, citation.page)
    if text is None or not citation.spans:
        return False
    if not all(0 <= span.start < span.end <= len(text) for span in citation.spans):
        return False
    return citation.quote == ELLIPSIS.join(text[span.start : span.end] for span in citation.spans)


def missing_facts(answer: str, key_facts: Sequence[str]) -> tuple[str, ...]:
    """Return the key facts that an answer lacks, 全角 = 半角 and white space aside.

    >>> missing_facts("手数料は、１通 300円です。", ["300円", "様式第3号"])
    ('様式第3号',)
    """
    text = squeeze(answer)
    return tuple(fact for fact in key_facts if squeeze(fact) not in text)
