"""Cut a document into chunks: what is found, and cited, as one.

A question and its answer are one chunk; rows of a table go together with the table's header; text is cut at headings, articles
and paragraphs into whole sentences of about `max_chars` characters. A chunk ends with its page, unless a sentence runs on, and
where the headings above it end: they hold for all of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rag.documents import NOT_SEARCHED, Block, BlockKind, Chunk, ChunkKind, Document, Page, Segment, Span
from rag.indexing.basis import find_notes
from rag.reading.structure import article_number, is_article_caption, is_list_item
from rag.text import split_sentences

CHUNKER_VERSION = "6"
_MIN_SECTION = 150  # a shorter section shares its chunk with the next one of its page, under the same headings
_ARTICLE_LEVEL = 5  # 章 to 条 always begin a chunk of their own
_SENTENCE_ENDS = "。！？!?"
_UNFINISHED = re.compile(
    r"[ぁ-ん、]$"
)  # a noun may end a line of a list or slide; a particle or comma ends no sentence
_CLAUSE = re.compile(
    r"(?:[はがをにでとも]|から|より|ため|とき|場合|際|ほか)、[^。！？!?]*\w$"
)  # … nor does a noun that a clause leads to


@dataclass(slots=True)
class _Draft:
    """Segments that will be one chunk. last: the kind of the block that its last piece is of, and the text of that piece."""

    kind: ChunkKind
    headings: tuple[str, ...]
    segments: list[Segment] = field(default_factory=list)
    context: int = 0
    question: Span | None = None
    answer: Span | None = None
    has_body: bool = False
    last: tuple[BlockKind, str] = (BlockKind.PARAGRAPH, "")

    @property
    def length(self) -> int:
        return sum(s.end - s.start + 1 for s in self.segments)


def split_document(document: Document, *, max_chars: int) -> list[Chunk]:
    """Return the chunks of a document in reading order; `max_chars` is exceeded only by Q&A pairs and single table rows."""
    drafts = [draft for draft in _split_pages(document.pages, max_chars) if draft.segments]
    texts = {page.number: page.text for page in document.pages}
    return [_build_chunk(document, ordinal, draft, texts) for ordinal, draft in enumerate(drafts)]


def _build_chunk(document: Document, ordinal: int, draft: _Draft, texts: dict[int, str]) -> Chunk:
    text = "\n".join(texts[s.page][s.start : s.end] for s in draft.segments)
    place = ";".join(f"{s.page}:{s.start}-{s.end}" for s in draft.segments)
    identity = "\0".join((document.source, place, document.title, *draft.headings, text))
    return Chunk(
        id=hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        source=document.source,
        ordinal=ordinal,
        kind=draft.kind,
        text=text,
        title=document.title,
        headings=draft.headings,
        segments=tuple(draft.segments),
        question=draft.question,
        answer=draft.answer,
        context=draft.context,
    )


def _split_pages(pages: Sequence[Page], max_chars: int) -> Iterator[_Draft]:
    current = _Draft(ChunkKind.TEXT, ())
    for page in pages:
        fresh_page, notes = True, find_notes(page)
        for block in page.blocks:
            if block.kind in NOT_SEARCHED:
                continue
            if block.kind is BlockKind.QA:
                yield from (current, _qa_draft(page, block))
                current = _Draft(ChunkKind.TEXT, block.headings)
            elif block.kind is BlockKind.TABLE_ROW:
                current = yield from _add_row(current, page, block, max_chars, notes.get(block.start))
            elif block.kind is BlockKind.TABLE_HEADER:
                current = yield from _add_header(current, page, block, max_chars)
            else:
                current = yield from _add_text(current, page, block, max_chars, fresh_page)
            fresh_page = False
    yield current


def _segment(page: Page, block: Block, start: int, end: int) -> Segment:
    return Segment(page.number, start, end, block.locator, block.kind in (BlockKind.HEADING, BlockKind.CAPTION))


def _qa_draft(page: Page, block: Block) -> _Draft:
    def within(span: Span | None) -> Span | None:
        return Span(span.start - block.start, span.end - block.start) if span else None

    segments = [_segment(page, block, block.start, block.end)]
    return _Draft(ChunkKind.QA, block.headings, segments, question=within(block.question), answer=within(block.answer))


def _add_header(current: _Draft, page: Page, block: Block, max_chars: int) -> Generator[_Draft, None, _Draft]:
    """A header's characters stand in the chunks of its rows; one without rows is text of its own."""
    rows = [b for b in page.blocks if b.kind is BlockKind.TABLE_ROW]
    if any(
        (span.start <= block.start and block.end <= span.end) or block.start <= span.start < block.end
        for b in rows
        for span in b.context
    ):
        return current
    return (yield from _add_text(current, page, block, max_chars, False))


def _add_row(
    current: _Draft, page: Page, block: Block, max_chars: int, note: Span | None
) -> Generator[_Draft, None, _Draft]:
    """Put a row with the rows before it when they share their header and there is room. note: as of when its figures are."""
    context = [replace(_segment(page, block, *note), heading=True)] if note else []
    context += [_segment(page, block, *span) for span in block.context]
    row = _segment(page, block, block.start, block.end)
    same_table = current.kind is ChunkKind.ROW and current.segments[: current.context] == context
    same_place = same_table and current.segments[-1].page == page.number and current.headings == block.headings
    if same_place and current.length + row.end - row.start <= max_chars:
        current.segments.append(row)
        return current
    yield current
    return _Draft(ChunkKind.ROW, block.headings, [*context, row], context=len(context), has_body=True)


def _add_text(
    current: _Draft, page: Page, block: Block, max_chars: int, fresh_page: bool
) -> Generator[_Draft, None, _Draft]:
    pieces = list(_pieces(page.text, block, max_chars))
    if fresh_page and _runs_on(current, page, block):
        start, end = next(split_sentences(page.text[block.start : block.end]))
        current.segments.append(_segment(page, block, block.start + start, block.start + end))
        pieces = list(_pieces(page.text, replace(block, start=block.start + end), max_chars))
    if _must_break(current, block, page):
        yield current
        current = _Draft(ChunkKind.TEXT, block.headings)
    if not current.segments:
        current.headings = block.headings
    for start, end in pieces:
        if current.segments and current.length + end - start > max_chars:
            yield current
            current = _Draft(ChunkKind.TEXT, block.headings)
        _append(current, page, block, start, end)
    return current


def _append(current: _Draft, page: Page, block: Block, start: int, end: int) -> None:
    """Add a piece of a block; what follows a piece of the same block directly grows with it."""
    last = current.segments[-1] if current.segments else None
    if last and last.page == page.number and block.start <= last.start and not page.text[last.end : start].strip():
        current.segments[-1] = _segment(page, block, last.start, end)
    else:
        current.segments.append(_segment(page, block, start, end))
    current.last = block.kind, page.text[start:end]
    opens = block.kind is BlockKind.HEADING or is_article_caption(page.text[block.start : block.end])
    current.has_body = current.has_body or not opens


def _runs_on(current: _Draft, page: Page, block: Block) -> bool:
    """Tell whether the page before ended within a sentence that this block goes on with."""
    if current.kind is not ChunkKind.TEXT or not current.has_body or block.kind is not BlockKind.PARAGRAPH:
        return False
    text = page.text[block.start : block.end]
    kind, ending = current.last
    unfinished = _UNFINISHED.search(ending) or (kind is BlockKind.PARAGRAPH and _CLAUSE.search(ending))
    if not unfinished or current.segments[-1].page != page.number - 1:
        return False
    return any(end in text for end in _SENTENCE_ENDS) and not is_list_item(text)


def _must_break(current: _Draft, block: Block, page: Page) -> bool:
    if current.kind is not ChunkKind.TEXT:
        return True
    if not current.segments:
        return False
    if current.segments[-1].page != page.number or len({segment.page for segment in current.segments}) > 1:
        return True
    text = page.text[block.start : block.end]
    if current.has_body and (article_number(text) or is_article_caption(text)):
        return True
    if block.kind is not BlockKind.HEADING:
        return False
    if block.headings[: len(current.headings)] != current.headings:
        return True
    return current.has_body and (0 < block.level <= _ARTICLE_LEVEL or current.length >= _MIN_SECTION)


def _pieces(text: str, block: Block, max_chars: int) -> Iterator[tuple[int, int]]:
    """Yield the whole block, or its sentences when it is long; a sentence longer than max_chars is cut at that length."""
    if block.end - block.start <= max_chars // 2:
        yield block.start, block.end
        return
    for start, end in split_sentences(text[block.start : block.end]):
        for cut in range(start, end, max_chars):
            yield block.start + cut, block.start + min(cut + max_chars, end)


# --- what the index makes of a chunk ----------------------------------------------------------------------------------


def text_to_embed(chunk: Chunk) -> str:
    """Return what an embedder sees of a chunk: its title, the headings above it, and its text."""
    above = [heading for heading in chunk.headings if heading not in chunk.text]
    return "\n".join([chunk.title, *above, chunk.text])


def count_excluded(document: Document) -> dict[BlockKind, int]:
    """Return how many characters (white space aside) stand in no chunk on purpose, by kind of block."""
    counts: Counter[BlockKind] = Counter()
    for page in document.pages:
        for block in page.blocks:
            if block.kind in NOT_SEARCHED:
                counts[block.kind] += len("".join(page.text[block.start : block.end].split()))
    return dict(counts)


def find_uncovered(document: Document, chunks: Sequence[Chunk]) -> list[tuple[int, Span]]:
    """Return (page, span) of every character that is in no chunk and in no block that says why; it should be empty.

    White space does not count, nor do marks between blocks that a reader leaves out of all blocks (`#` of Markdown).
    """
    missing = []
    for page in document.pages:
        wanted = {i for b in page.blocks if b.kind not in NOT_SEARCHED for i in range(b.start, b.end)}
        for chunk in chunks:
            for segment in chunk.segments:
                if segment.page == page.number:
                    wanted.difference_update(range(segment.start, segment.end))
        missing += [(page.number, Span(i, i + 1)) for i in sorted(wanted) if not page.text[i].isspace()]
    return missing
