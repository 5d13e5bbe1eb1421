"""When an expectation holds: one short function for each kind, over a document that was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from eval.reading.expectations import Expectation, Kind
from eval.reading.needles import Needle, Plain, comparable, find_similar, is_whole
from eval.reading.view import Piece, ReadFile
from rag.documents import BlockKind, Page, WordBox
from rag.indexing.chunks import find_uncovered

Check = Callable[[ReadFile, int, Sequence[Needle]], bool]
_APART = (BlockKind.HEADER, BlockKind.FOOTER, BlockKind.CONTENTS)
_ROWS = (BlockKind.TABLE_ROW, BlockKind.QA)
_HEADING_SLACK = 8  # a heading may bring its number along, not the paragraph below it
_BOX_SLACK = 12.0  # points


def holds(read: ReadFile, expectation: Expectation) -> bool:
    """Tell whether an expectation holds."""
    return CHECKS[expectation.kind](read, expectation.page, expectation.needles)


def in_one_block(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether one searched block of the page holds the text, or two that a chunk joins over the page break."""
    return _in_any(needles[0], [piece.text for piece in read.searched(page)] + read.joints(page))


def in_one_chunk(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether one chunk holds the text."""
    return _in_any(needles[0], read.chunk_texts(page))


def is_row(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether a table row has the texts in cells of their own, in their order; merged ones may stand in its context."""
    return any(_row_has(piece, needles) for piece in read.pieces(page) if piece.block.kind in _ROWS)


def _row_has(piece: Piece, needles: Sequence[Needle]) -> bool:
    column, own = 0, 0
    for needle in needles:
        found = next((i for i in range(column, len(piece.cells)) if needle.find(piece.cells[i]) >= 0), None)
        if found is not None:
            column, own = found + 1, own + 1
        elif not _in_any(needle, piece.around):
            return False
    return own > 0


def row_knows_labels(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether a row holds the value, and it or its context and headings both labels."""
    *names, value = needles
    rows = [piece for piece in read.pieces(page) if piece.block.kind in _ROWS and _in_any(value, piece.cells)]
    return any(all(_in_any(name, (*row.cells, *row.around)) for name in names) for row in rows)


def is_heading(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the text is a heading, with little else in the same block."""
    wanted = needles[0]
    found = [p for p in read.pieces(page) if p.block.kind is BlockKind.HEADING and wanted.find(p.text) >= 0]
    return any(len(piece.text) <= wanted.length + _HEADING_SLACK for piece in found)


def has_path(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the headings above the block of the text are exactly the others, outermost first."""
    text, *above = needles
    holders = [piece.block for piece in read.searched(page) if text.find(piece.text) >= 0]
    paths = [[comparable(heading) for heading in block.headings] for block in holders]
    return any(len(path) == len(above) and all(map(is_whole, above, path)) for path in paths)


def is_in_order(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the texts follow one another in the searched text of the page."""
    rest = "".join(piece.text for piece in read.searched(page))
    for needle in needles:
        start = needle.find(rest)
        if start < 0:
            return False
        rest = rest[start + needle.length :]
    return True


def has_label(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the printed number is that of the page, or of the block that holds the second text."""
    number, *texts = needles
    blocks = [p.block for p in read.pieces(page) if all(text.find(p.text) >= 0 for text in texts)]
    found = [block.locator.label for block in blocks]
    if not texts:
        found += [p.label for p in read.pages(page)]
    return any(is_whole(number, comparable(label)) for label in found if label)


def is_margin(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the text is in a header, footer or table of contents, and no paragraph or row of the page."""
    wanted = needles[0]
    in_margin = any(wanted.find(p.text) >= 0 for p in read.pieces(page) if p.block.kind in _APART)
    body = [p for p in read.searched(page) if p.block.kind is not BlockKind.HEADING]
    return in_margin and not any(is_whole(wanted, piece.text) for piece in body)


def is_caption(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether a caption holds the text."""
    return any(needles[0].find(p.text) >= 0 for p in read.pieces(page) if p.block.kind is BlockKind.CAPTION)


def has_ruby(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether a searched block holds the text unbroken, and ruby blocks the reading (over each character its own, perhaps)."""
    text, reading = needles
    rubies = "".join(piece.text for piece in read.pieces(page) if piece.block.kind is BlockKind.RUBY)
    return in_one_block(read, page, [text]) and reading.find(rubies) >= 0


def is_recognised(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the searched text of the page has the text, or nearly."""
    return needles[0].resembles("".join(piece.text for piece in read.searched(page)))


def is_once(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the text of the page has the text once, whatever block it is in."""
    text = comparable("".join(p.text for p in read.pages(page)))
    start = needles[0].find(text)
    return start >= 0 and needles[0].find(text[start + needles[0].length :]) < 0


def is_at_place(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether people are told this place for the searched block of the text; its heading may follow in brackets."""
    text, described = needles
    holders = [piece.block for piece in read.searched(page) if text.find(piece.text) >= 0]
    places = [block.locator.describe(read.document.source) for block in holders]
    return any(described.find(comparable(place)) == 0 for place in places)


def is_boxed(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the word boxes of the stretch that resembles a text reach where it is printed, and no farther."""
    text, numbers = needles
    assert isinstance(text, Plain) and isinstance(numbers, Plain)
    left, bottom, right, top = map(float, numbers.text.split())
    wanted = (left, bottom, right, top)
    found = [_union(_boxes_of(p, text.text)) for p in read.pages(page)]
    return any(box and all(abs(a - b) <= _BOX_SLACK for a, b in zip(box, wanted, strict=True)) for box in found)


def _boxes_of(page: Page, text: str) -> list[WordBox]:
    """Return the word boxes that overlap the stretch of page text which is most similar to a text."""
    places = [i for i, c in enumerate(page.text) if not c.isspace()]
    form = "".join(page.text[i] for i in places)
    if not form:
        return []
    _, start = find_similar("".join(text.split()), form)
    first, last = places[start], places[min(start + len("".join(text.split())), len(places)) - 1]
    return [box for box in page.word_boxes if box.start <= last and first < box.end]


def _union(boxes: Sequence[WordBox]) -> tuple[float, float, float, float] | None:
    if not boxes:
        return None
    return (
        min(b.left for b in boxes),
        min(b.bottom for b in boxes),
        max(b.right for b in boxes),
        max(b.top for b in boxes),
    )


def has_quality(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether the fact (`columns=2`, `concern=garbled`) is one of those of the page."""
    return any(needle.hint in facts_of(page_) for needle in needles for page_ in read.pages(page))


def facts_of(page: Page) -> list[str]:
    """Return the facts of a page's quality, in the form in which they are expected."""
    quality = page.quality
    flags = {
        "vertical": quality.vertical,
        "ocr": quality.ocr_confidence is not None,
        "answerable": quality.is_answerable,
        "blank": quality.is_blank,
        "word_boxes": bool(page.word_boxes),
    }
    numbers = [f"{name}={getattr(quality, name)}" for name in ("columns", "tables", "characters", "searchable")]
    concerns = [f"concern={concern}" for concern in quality.concerns or ("none",)]
    return numbers + [f"{name}={'yes' if value else 'no'}" for name, value in flags.items()] + concerns


def is_covered(read: ReadFile, page: int, needles: Sequence[Needle]) -> bool:
    """Tell whether every character stands once, in a chunk or in a block that says why not."""
    blocks = [[piece.block for piece in read.pieces(p.number)] for p in read.pages(page)]
    overlaps = any(a.end > b.start for found in blocks for a, b in pairwise(found))
    return not overlaps and not find_uncovered(read.document, read.chunks)


def _in_any(needle: Needle, texts: Iterable[str]) -> bool:
    return any(needle.find(text) >= 0 for text in texts)


CHECKS: Mapping[Kind, Check] = {
    Kind.SENTENCE: in_one_block,
    Kind.JOINED: in_one_chunk,
    Kind.ROW: is_row,
    Kind.CELL: row_knows_labels,
    Kind.HEADING: is_heading,
    Kind.PATH: has_path,
    Kind.ORDER: is_in_order,
    Kind.LABEL: has_label,
    Kind.MARGIN: is_margin,
    Kind.CAPTION: is_caption,
    Kind.RUBY: has_ruby,
    Kind.OCR: is_recognised,
    Kind.ONCE: is_once,
    Kind.PLACE: is_at_place,
    Kind.BOX: is_boxed,
    Kind.QUALITY: has_quality,
    Kind.COVERED: is_covered,
}
