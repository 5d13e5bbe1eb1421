"""Answer with the documents' own words: the official answer, the row with its header, or the sentences that answer.

No sentence is written here. Every piece of an answer is a span of a stored page, and carries the number of its citation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.answering.units import Unit
from rag.answering.verification import join_quote, merge_spans
from rag.documents import CELL_SEPARATOR, ChunkKind, Citation, Passage, Segment, Span
from rag.indexing.basis import is_note
from rag.reading.structure import is_list_item

ENGINE = "extractive"
MAX_CITATIONS = 3
_KEEP = 0.75  # a unit scoring less than this share of the best one is left out


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of an answer with [1] [2] marks, and the citations that they stand for (not yet verified)."""

    text: str
    citations: tuple[Citation, ...]


def choose_units(units: Sequence[Unit], passages: Sequence[Passage], *, max_chars: int) -> list[Unit]:
    """Return the units to answer with, the best passage first and each passage in reading order.

    An official answer stands alone and whole, however long it is.
    """
    leads = [before for before, after in pairwise(units) if _leads(before, after)]
    ranked = sorted((u for u in units if not u.is_heading or u in leads), key=lambda u: -u.score) or list(units[:1])
    if not ranked:
        return []
    best = ranked[0]
    if passages[best.passage].chunk.kind is ChunkKind.QA:
        return [best]
    chosen = _with_items(best, units, max_chars) if best in leads else [best]
    for unit in ranked[1:] if not best.is_heading else ():
        if unit.score < _KEEP * best.score:
            break
        known = unit in chosen or unit.is_heading or _is_lesser_row(unit, units, passages)
        if not known and _fits(unit, chosen, passages, max_chars):
            chosen.append(unit)
    chosen += [note for unit in chosen if (note := _note_beside(unit, units, passages)) and note not in chosen]
    order = list(dict.fromkeys(unit.passage for unit in chosen))
    return sorted(chosen, key=lambda unit: (order.index(unit.passage), unit.start))


def _note_beside(unit: Unit, units: Sequence[Unit], passages: Sequence[Passage]) -> Unit | None:
    """Return the line next to a unit that says as of when its figures are: they are not given without it."""
    if passages[unit.passage].chunk.kind is not ChunkKind.TEXT:
        return None
    place = units.index(unit)
    beside = (*units[place + 1 : place + 2], *units[max(place - 1, 0) : place])
    text = passages[unit.passage].chunk.text
    return next((o for o in beside if o.passage == unit.passage and is_note(text[o.start : o.end])), None)


def _leads(before: Unit, after: Unit) -> bool:
    """Tell whether a unit ("次のとおり", or the heading of a list) is answered by the items that begin with the next."""
    return (before.is_lead_in or before.is_heading) and after.is_item and after.passage == before.passage


def _with_items(lead: Unit, units: Sequence[Unit], max_chars: int) -> list[Unit]:
    """Return a lead-in or heading with the items that follow it, as many as there is room for."""
    index, chosen, length = units.index(lead), [lead], lead.end - lead.start
    for unit in units[index + 1 :]:
        length += unit.end - unit.start
        if unit.passage != lead.passage or not unit.is_item or length > max_chars:
            break
        chosen.append(unit)
    return chosen


def is_partial(chosen: Sequence[Unit], units: Sequence[Unit]) -> bool:
    """Tell whether steps or items that follow those of the answer had to be left out."""
    pairs = [(before, after) for before, after in pairwise(units) if before in chosen and after.is_item]
    begun = any(_leads(before, after) for before, after in pairs)
    return begun and any(after not in chosen and after.passage == before.passage for before, after in pairs)


def _is_lesser_row(unit: Unit, units: Sequence[Unit], passages: Sequence[Passage]) -> bool:
    """Tell whether another row of the same table has more of the question's words: then this one is not asked for."""
    if passages[unit.passage].chunk.kind is not ChunkKind.ROW:
        return False
    return any(other.passage == unit.passage and other.own > unit.own for other in units)


def _fits(unit: Unit, chosen: Sequence[Unit], passages: Sequence[Passage], max_chars: int) -> bool:
    length = sum(u.end - u.start for u in [*chosen, unit])
    others = {u.passage for u in [*chosen, unit]}
    official = passages[unit.passage].chunk.kind is ChunkKind.QA
    return length <= max_chars and len(others) <= MAX_CITATIONS and not official


def build_extract(chosen: Sequence[Unit], passages: Sequence[Passage]) -> Extract:
    """Return the answer that the chosen units make; a passage over two pages gives two citations."""
    citations: list[Citation] = []
    paragraphs = []
    for number in dict.fromkeys(unit.passage for unit in chosen):
        units, passage = [unit for unit in chosen if unit.passage == number], passages[number]
        pieces = _cite(units, passage, len(citations) + 1)
        citations += pieces
        marks = "".join(f"[{citation.number}]" for citation in pieces)
        paragraphs.append(_render(units, passage) + marks)
    return Extract("\n".join(paragraphs), tuple(citations))


def _cite(units: Sequence[Unit], passage: Passage, first: int) -> list[Citation]:
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
    texts = [passage.chunk.text[unit.start : unit.end] for unit in units]
    if passage.chunk.kind is ChunkKind.ROW:
        header = _header(passage)
        return "\n".join(_render_row(header, text) for text in texts) + _basis(passage)
    joined = texts[0]
    for before, text in zip(units, texts[1:], strict=False):
        joined += ("\n" if is_list_item(text) or before.is_lead_in or before.is_heading else "") + text
    return joined


def _header(passage: Passage) -> list[str]:
    cells = [text for text, segment in _context(passage) if not segment.heading]
    return _split_cells(cells[0]) if len(cells) == 1 else []


def _basis(passage: Passage) -> str:
    """Return as of when the figures of a table are, in brackets; nothing where it does not say."""
    notes = [text.strip() for text, segment in _context(passage) if segment.heading]
    return "".join(note if note[0] in "(（[［" else f"（{note}）" for note in notes)


def _context(passage: Passage) -> list[tuple[str, Segment]]:
    chunk = passage.chunk
    found = list(chunk.segment_offsets())[: chunk.context]
    return [(chunk.text[offset : offset + s.end - s.start], s) for offset, s in found]


def _split_cells(row: str) -> list[str]:
    """Return the cells of a row: divided by tabs, or by the bars of a Markdown table."""
    parts = row.split(CELL_SEPARATOR) if CELL_SEPARATOR in row else row.split("|")
    return [" ".join(cell.split()) for cell in parts]


def _render_row(header: Sequence[str], row: str) -> str:
    """Return a row as 「見出し：値」 pairs where every cell has its heading, else its cells.

    >>> _render_row(["指標名", "目標値"], "合計特殊出生率\\t1.60")
    '指標名：合計特殊出生率、目標値：1.60'
    """
    cells = _split_cells(row)
    if len(header) != len(cells):
        return "　".join(cell for cell in cells if cell)
    return "、".join(f"{name}：{cell}" if name else cell for name, cell in zip(header, cells, strict=True) if cell)
