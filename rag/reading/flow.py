"""Text that flows (Word, HTML, slides): paragraphs and tables in reading order -> one page with its blocks.

Files say what their headings are; where authors only numbered them (第1章, 1-1, ■) the numbering says it. Paragraphs are counted
from 1, those without a character left out; a table row counts as one, and what hangs on a paragraph (notes, nested tables) has its
number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.documents import CELL_SEPARATOR, Block, BlockKind, Locator, Page, Span
from rag.reading.flow_headings import BODY_KINDS, find_levels, said_level
from rag.reading.plain import measure_quality
from rag.reading.records import Record, find_qa_columns
from rag.reading.sheet_page import build_sheet_page
from rag.reading.structure import (
    ARTICLE_LEVEL,
    HeadingPath,
    article_number,
    heading_level,
    is_article_caption,
    is_list_item,
)
from rag.reading.table_rows import Item, Pair, Paragraph, Row, RowKind, Table, arrange_table, as_records

_MAX_CAPTION_CHARS = 60
_MAX_LABEL_CHARS = 40
Locate = Callable[[tuple[str, ...], int], Locator]
"""(headings, number of the paragraph) -> where a citation of it points."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A page that was laid out, and how many rows of its Q&A tables had neither question nor answer.

    title: the one that it shows, else its first heading if that is not numbered: 第1章 is the name of a part.
    """

    page: Page
    title: str | None
    skipped_rows: int


def lay_out(
    items: Sequence[Item], *, locate: Locate, number: int = 1, base: tuple[str, ...] = (), guess_headings: bool = True
) -> Flow:
    """Lay items out as the page of that number. base: headings above everything."""
    layout = _Layout(locate, base, guess_headings=guess_headings)
    layout.add_items(items)
    text = "".join(layout.parts)
    page = Page(number, text, tuple(layout.blocks), measure_quality(text, tables=layout.tables))
    return Flow(page, layout.title, layout.skipped_rows)


class _Layout:
    """A page in the making: its text in parts, its blocks, and how far the paragraphs are counted."""

    def __init__(self, locate: Locate, base: tuple[str, ...], *, guess_headings: bool) -> None:
        self.parts: list[str] = []
        self.blocks: list[Block] = []
        self.tables = 0
        self.skipped_rows = 0
        self.title: str | None = None
        self._is_untitled = True
        self._locate = locate
        self._base = base
        self._guesses = guess_headings
        self._walk = HeadingPath()
        self._caption: tuple[str, ...] = ()
        self._article = ""
        self._length = 0
        self._count = 0

    @property
    def _path(self) -> tuple[str, ...]:
        return (*self._base, *self._walk.path)

    def add_items(self, items: Sequence[Item], *, counts: bool = True) -> None:
        """Lay out paragraphs and tables in their order. counts: as paragraphs of their own."""
        levels = find_levels(items) if self._guesses else [said_level(item) for item in items]
        for item, level, after in zip(items, levels, [*items[1:], None][: len(items)], strict=True):
            if isinstance(item, Table):
                self.add_table(item, counts=counts)
            elif isinstance(item, Pair):
                self._count += counts
                self._add_pair(item)
            else:
                self._count += counts and item.counts and bool(item.text)
                self.add_paragraph(item, level, above_table=isinstance(after, Table))

    def add_paragraph(self, item: Paragraph, level: int, *, above_table: bool) -> None:
        """Lay out one paragraph with its readings and notes."""
        self._caption = ()
        if not item.text:
            self._add_asides(item)
            return
        kind = self._kind(item, level, above_table=above_table)
        if kind is BlockKind.HEADING:
            self._add_heading(item, level)
        else:
            if kind in BODY_KINDS and (number := article_number(item.text)):
                self._walk.push(ARTICLE_LEVEL, number + self._article)
            self._write(kind, item.text, locator=item.locator, indent=item.depth)
        self._article = item.text if is_article_caption(item.text) else ""
        self._caption = (" ".join(item.text.split()),) if kind is BlockKind.CAPTION else ()
        self._add_asides(item)

    def _kind(self, item: Paragraph, level: int, *, above_table: bool) -> BlockKind:
        if level or item.is_title:
            return BlockKind.HEADING
        if item.kind is not BlockKind.PARAGRAPH:
            return item.kind
        if is_list_item(item.text):
            return BlockKind.LIST_ITEM
        is_short = len(item.text) <= _MAX_CAPTION_CHARS and "\n" not in item.text and item.text[-1] not in "。、，,"
        return BlockKind.CAPTION if above_table and is_short else BlockKind.PARAGRAPH

    def _add_heading(self, item: Paragraph, level: int) -> None:
        if self._is_untitled or (item.is_title and self.title is None):
            self.title = " ".join(item.text.split()) if item.is_title or heading_level(item.text) is None else None
        self._is_untitled = False
        if item.is_title:
            self._write(BlockKind.HEADING, item.text, level=1, locator=item.locator)
            return
        above = (*self._base, *self._walk.push(level, item.text)[:-1])
        self._write(BlockKind.HEADING, item.text, headings=above, level=len(above) + 1, locator=item.locator)

    def _add_pair(self, pair: Pair) -> None:
        start = self._length
        question = Span(start, start + len(pair.question))
        answer = Span(question.end + 1, question.end + 1 + len(pair.answer))
        place = self._locate(self._path, self._count)
        block = Block(BlockKind.QA, start, answer.end, place, self._path, question=question, answer=answer)
        self.blocks.append(block)
        self._append(f"{pair.question}\n{pair.answer}\n")

    def _add_asides(self, item: Paragraph) -> None:
        if item.rubies:
            self._write(BlockKind.RUBY, " ".join(item.rubies), locator=item.locator)
        for note in item.notes:
            self._write(BlockKind.PARAGRAPH, note, locator=item.locator)

    def add_table(self, table: Table, *, outer: tuple[Span, ...] = (), counts: bool = True) -> None:
        """Lay out a table: its rows with their header; the cells of a single column one after another.

        outer: what the rows of a nested table are not understood without.
        """
        if table.columns <= 1:
            self.add_items([item for row in table.rows for cell in row for item in cell.items], counts=counts)
            return
        self.tables += 1
        rows = arrange_table(table)
        records = as_records(rows)
        if find_qa_columns(records):
            self._add_faq(records, rows)
        else:
            self._add_rows(rows, outer, counts=counts)
        self._caption = ()

    def _add_rows(self, rows: Sequence[Row], outer: tuple[Span, ...], *, counts: bool) -> None:
        above, header = (*self._path, *self._caption), list[Span]()
        section: tuple[str, ...] = ()
        for row in rows:
            self._count += counts
            path = (*above, *section)
            if row.kind is RowKind.SECTION:
                section = (" ".join(row.label.split()),)
                span = self._write(BlockKind.HEADING, row.label, headings=above, level=len(above) + 1)
            elif row.kind is RowKind.HEADER:
                span = self._write(BlockKind.TABLE_HEADER, row.text, headings=path)
                header += [span] if span else []
            else:
                span = self._write(BlockKind.TABLE_ROW, row.text, headings=path, context=(*outer, *header))
            self._add_hanging(row, span, outer)

    def _add_hanging(self, row: Row, span: Span | None, outer: tuple[Span, ...]) -> None:
        """Lay out what hangs on a row: the readings and notes of its cells, and the tables inside them."""
        for paragraph in row.paragraphs:
            self._add_asides(paragraph)
        self._caption = ()
        label = (span,) if span and span.end - span.start <= _MAX_LABEL_CHARS else ()
        for table in row.tables:
            self.add_table(table, outer=(*outer, *label), counts=False)

    def _add_faq(self, records: Sequence[Record], rows: Sequence[Row]) -> None:
        """Take over the page that a Q&A table makes, with places of our own."""
        built = build_sheet_page(records, number=1)
        page = built.page
        self.skipped_rows += built.skipped_rows
        offset, first, path = self._length, self._count, (*self._path, *self._caption)

        def shift(span: Span | None) -> Span | None:
            return Span(span.start + offset, span.end + offset) if span else None

        for block in page.blocks:
            self.blocks.append(
                replace(
                    block,
                    start=block.start + offset,
                    end=block.end + offset,
                    locator=self._locate(self._path, first + (block.locator.row or 1)),
                    headings=(*path, *block.headings),
                    context=tuple(Span(s.start + offset, s.end + offset) for s in block.context),
                    question=shift(block.question),
                    answer=shift(block.answer),
                )
            )
        self._append(page.text)
        self._count += len(rows)
        for row in rows:
            self._add_hanging(row, None, ())

    def _write(
        self,
        kind: BlockKind,
        text: str,
        *,
        headings: tuple[str, ...] | None = None,
        level: int = 0,
        context: tuple[Span, ...] = (),
        locator: Locator | None = None,
        indent: int = 0,
    ) -> Span | None:
        """Write one line and its block; return where it stands. Nothing is written of a row of empty cells."""
        if not text.strip(CELL_SEPARATOR + " \n"):
            return None
        self._append("　" * indent)
        span = Span(self._length, self._length + len(text))
        place = locator or self._locate(self._path, max(1, self._count))
        above = self._path if headings is None else headings
        self.blocks.append(Block(kind, span.start, span.end, place, above, level, context))
        self._append(text + "\n")
        return span

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)
