"""Answer with the documents' own words: the official answer, the row with its header, or the sentences that answer.

No sentence is written here. Every piece of an answer is a span of a stored page, and carries the number of its citation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from rag.answering.rows import read_row, render_rows
from rag.answering.units import Unit
from rag.answering.verification import join_quote, merge_spans
from rag.documents import ChunkKind, Citation, Passage, Segment, Span
from rag.reading.structure import is_list_item

ENGINE = "extractive"
_ENDS = tuple("。．！？」』）.!?)")  # what ends otherwise (コラム　目標人口) is no sentence
Marker = Callable[[str], Iterable[Span]]
"""Finds the decisive words of a text."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of an answer with [1] [2] marks, and the citations that they stand for (not yet verified)."""

    text: str
    citations: tuple[Citation, ...]


def build_extract(chosen: Sequence[Unit], passages: Sequence[Passage], mark: Marker = lambda _: ()) -> Extract:
    """Return the answer that the chosen units make; a passage over two pages gives two citations. mark: finds decisive words."""
    citations: list[Citation] = []
    paragraphs = []
    for number in dict.fromkeys(unit.passage for unit in chosen):
        units, passage = [unit for unit in chosen if unit.passage == number], passages[number]
        marked = [find_marks(unit, passage, mark) for unit in units]
        pieces = [mark_citation(c, marked) for c in cite_units(units, passage, len(citations) + 1)]
        citations += pieces
        marks = "".join(f"[{citation.number}]" for citation in pieces)
        paragraphs.append(_render(units, passage) + marks)
    return Extract("\n".join(paragraphs), tuple(citations))


def find_marks(unit: Unit, passage: Passage, mark: Marker) -> list[Segment]:
    """Return where the decisive words of a unit stand on pages."""
    text, chunk = passage.chunk.text[unit.start : unit.end], passage.chunk
    spans = list(mark(text))
    if unit.columns:
        cells = [cell for number, cell in enumerate(read_row(chunk, unit.start, unit.end)) if number in unit.columns]
        inside = [span for span in spans if any(cell.start <= span.start and span.end <= cell.end for cell in cells)]
        spans = inside or spans
    return [s for start, end in spans for s in chunk.locate(unit.start + start, unit.start + end)]


def mark_citation(citation: Citation, marked: Iterable[Iterable[Segment]]) -> Citation:
    """Return a citation with the decisive words that stand on its page."""
    spans = (Span(s.start, s.end) for segments in marked for s in segments if s.page == citation.page)
    return replace(citation, marks=merge_spans(spans, gap=0))


def cite_units(units: Sequence[Unit], passage: Passage, first: int) -> list[Citation]:
    """Return the citations of units of one passage, one a page, numbered from `first`; none of them is verified yet."""
    by_page: dict[int, list[Segment]] = {}
    for unit in units:
        for segment in passage.chunk.locate(unit.start, unit.end):
            by_page.setdefault(segment.page, []).append(segment)
    return [_build_citation(passage, segments, first + i) for i, segments in enumerate(by_page.values())]


def _build_citation(passage: Passage, segments: Sequence[Segment], number: int) -> Citation:
    """Cite segments of one page, with the header of a table and the question of an official answer."""
    chunk, page = passage.chunk, segments[0].page
    around = [segment for segment in chunk.segments[: chunk.context] if segment.page == page]
    if chunk.question:
        around += [segment for segment in chunk.locate(*chunk.question) if segment.page == page]
    spans = merge_spans(Span(segment.start, segment.end) for segment in [*around, *segments])
    return Citation(
        number=number,
        source=chunk.source,
        title=chunk.title,
        locator=segments[0].locator,
        page=page,
        spans=spans,
        quote=join_quote(_text_of(passage, page, span) for span in spans),
        verified=False,
        department=passage.metadata.department,
        edition=passage.edition,
    )


def _text_of(passage: Passage, page: int, span: Span) -> str:
    """Return the text of a span of a page, put together from the chunk that it was found in."""
    parts, chunk = [], passage.chunk
    for offset, segment in chunk.segment_offsets():
        first, last = max(span.start, segment.start), min(span.end, segment.end)
        if segment.page == page and first < last:
            shift = offset - segment.start
            parts.append((first, chunk.text[first + shift : last + shift]))
    return "\n".join(dict(sorted(parts)).values())


def _render(units: Sequence[Unit], passage: Passage) -> str:
    if passage.chunk.kind is ChunkKind.ROW:
        rows = [(read_row(passage.chunk, unit.start, unit.end), unit.columns) for unit in units]
        return render_rows(rows) + _basis(passage)
    texts = [passage.chunk.text[unit.start : unit.end] for unit in units]
    if passage.chunk.kind is ChunkKind.TEXT:
        texts = [text.replace("\n", "") for text in texts]  # only a page break stands within a sentence
    joined = texts[0]
    for before, text in zip(units, texts[1:], strict=False):
        is_apart = is_list_item(text) or before.is_lead_in or before.is_heading or not joined.endswith(_ENDS)
        joined += ("\n" if is_apart else "") + text
    return joined


def _basis(passage: Passage) -> str:
    """Return as of when the figures of a table are, in brackets; nothing where it does not say."""
    notes = [text.strip() for text, segment in _context(passage) if segment.heading]
    return "".join(note if note[0] in "(（[［" else f"（{note}）" for note in notes)


def _context(passage: Passage) -> list[tuple[str, Segment]]:
    chunk = passage.chunk
    found = list(chunk.segment_offsets())[: chunk.context]
    return [(chunk.text[offset : offset + s.end - s.start], s) for offset, s in found]
