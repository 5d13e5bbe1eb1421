"""Markdown: CommonMark with tables. The page text is the file as it stands; marks (# - > |) lie between the blocks."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.documents import Block, BlockKind, Content, Locator, Span
from rag.reading.encoding import read_text_bytes
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.plain import build_text_page
from rag.reading.structure import HeadingPath, is_list_item

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_SETEXT_CHARS = 60
"""A longer text over a row of --- or === is a paragraph and a ruler, whatever CommonMark says."""

# The marks before and after the text of a leaf, by the type of its token.
_BEFORE = {
    "heading_open": re.compile(r"(?:\s|>|[-*+](?=\s)|#{1,6}(?=\s))*"),
    "tr_open": re.compile(r"[\s>]*\|?[ \t]*"),  # one bar: the next one ends an empty cell
    "fence": re.compile(r"(?:[\s>]|[-*+](?=\s))*[`~\s]*"),
    "code_block": re.compile(r"\s*"),
    "html_block": re.compile(r"[\s>]*"),
    "paragraph_open": re.compile(r"(?:\s|>|[-*+](?=\s))*"),
}
_AFTER = {
    "heading_open": re.compile(r"(?:\s+#+|\s*\n[\s>]*(?:-+|=+))?\s*$"),
    "fence": re.compile(r"(?:\s*\n[\s>]*[`~]+)?\s*$"),
}
_LAST_BAR = re.compile(r"(?<!\\)\|\Z")  # one: the bar before it ends an empty cell
_ONLY_MARKS = re.compile(r"[\s>#*+\-=|`~:]*")
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n((?:[ \t]*\n|[^\n]*:[^\n]*\n|[ \t]+[^\n]*\n|-[ \t][^\n]*\n|#[^\n]*\n)*?)---[ \t]*(?:\n|$)"
)
_TITLE_LINE = re.compile(r"^title[ \t]*:[ \t]*[\"']?(.*?)[\"']?[ \t]*$", re.MULTILINE)


def read_markdown(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a Markdown file as one page; its title is the first heading of level 1, or that of the front matter.

    Raises ReadingError (code encoding).
    """
    text, problems = read_text_bytes(path.read_bytes(), source)
    walk = _Walk(text)
    blocks = tuple(walk.blocks())
    return Content(pages=(build_text_page(text, blocks),), problems=problems, title=walk.title)


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])  # blocks and their lines are all we need
    return parser


class _Walk:
    """One pass over the tokens of a text, from which blocks and the title come."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text) + 1]
        self._headings = HeadingPath()
        self._header: tuple[Span, ...] = ()
        self._line = 0
        self.title: str | None = None

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in reading order; lines that no token claims (link definitions) become paragraphs."""
        body = self._text
        if front := _FRONT_MATTER.match(body):
            yield from self._read_front_matter(front)
            body = "\n" * front[0].count("\n") + body[front.end() :]
        inside: list[str] = []
        for token in _parser().parse(body):
            inside += [token.type] if token.nesting == 1 else []
            if token.nesting == -1:
                inside.pop()
            elif token.map and token.type in _BEFORE:
                yield from self._unclaimed(token.map[0])
                yield from self._read_leaf(token, inside)
                self._line = max(self._line, token.map[1])
        yield from self._unclaimed(len(self._starts) - 1)

    def _read_front_matter(self, front: re.Match[str]) -> Iterator[Block]:
        title = _TITLE_LINE.search(front[1])
        self.title = title[1] or None if title else None
        self._line = front[0].count("\n")
        if span := self._trim(front.start(1), front.end(1)):
            yield Block(BlockKind.HEADER, span.start, span.end, self._locator(span))

    def _read_leaf(self, token: Token, inside: list[str]) -> Iterator[Block]:
        first, last = token.map or (0, 0)
        if token.type == "tr_open" and "thead_open" in inside:
            self._header = ()  # that of the table before says nothing of this one, be its own empty
        span = self._trim(self._starts[max(first, self._line)], self._starts[last] - 1, token.type)
        if span is None:
            return
        if token.type == "heading_open" and not self._is_ruled_paragraph(token, span):
            yield self._read_heading(token, span)
        elif token.type == "tr_open":
            yield self._read_row(span, is_header="thead_open" in inside)
        elif token.type == "paragraph_open":
            yield from self._split_paragraph(span, is_item="list_item_open" in inside)
        else:
            yield self._build(BlockKind.PARAGRAPH, span)

    def _is_ruled_paragraph(self, token: Token, span: Span) -> bool:
        text = self._text[span.start : span.end]
        return token.markup in ("-", "=") and ("\n" in text or len(text) > MAX_SETEXT_CHARS)

    def _read_heading(self, token: Token, span: Span) -> Block:
        level, text = int(token.tag[1]), self._text[span.start : span.end]
        if level == 1 and not self._headings.path:
            self.title = self.title or text
        path = self._headings.push(level, text)
        return Block(BlockKind.HEADING, span.start, span.end, self._locator(span), headings=path[:-1], level=level)

    def _read_row(self, span: Span, *, is_header: bool) -> Block:
        if is_header:
            self._header = (span,)
        kind = BlockKind.TABLE_HEADER if is_header else BlockKind.TABLE_ROW
        return self._build(kind, span, context=() if is_header else self._header)

    def _split_paragraph(self, span: Span, *, is_item: bool) -> Iterator[Block]:
        """Yield a paragraph, or its pieces where a line begins a Japanese list item (（1） ・ ア) that CommonMark does not know."""
        cuts, start = [span.start], span.start
        for line in self._text[span.start : span.end].splitlines(keepends=True):
            cuts += [start] if start > span.start and is_list_item(line) else []
            start += len(line)
        for start, end in zip(cuts, [*cuts[1:], span.end], strict=True):
            if piece := self._trim(start, end):
                item = is_item or is_list_item(self._text[piece.start : piece.end].partition("\n")[0])
                yield self._build(BlockKind.LIST_ITEM if item else BlockKind.PARAGRAPH, piece)

    def _unclaimed(self, line: int) -> Iterator[Block]:
        """Yield what stands on lines before `line` that no token has claimed, and go there."""
        for number in range(self._line, line):
            if span := self._trim(self._starts[number], self._starts[number + 1] - 1):
                yield self._build(BlockKind.PARAGRAPH, span)
        self._line = max(self._line, line)

    def _build(self, kind: BlockKind, span: Span, context: tuple[Span, ...] = ()) -> Block:
        return Block(kind, span.start, span.end, self._locator(span), headings=self._headings.path, context=context)

    def _trim(self, start: int, end: int, token_type: str = "paragraph_open") -> Span | None:
        """Return the span without the marks and white space around it, None when nothing else is there."""
        text = self._text[start:end]
        if _ONLY_MARKS.fullmatch(text):
            return None
        before = _BEFORE[token_type].match(text)
        after = _AFTER[token_type].search(text) if token_type in _AFTER else None
        left, right = before.end() if before else 0, after.start() if after else len(text.rstrip())
        if token_type == "tr_open":
            right = len(_LAST_BAR.sub("", text.rstrip()).rstrip())
        return Span(start + left, start + right) if left < right else None

    def _locator(self, span: Span) -> Locator:
        line = bisect.bisect_right(self._starts, span.start)
        return Locator(line=line, heading=" > ".join(self._headings.path) or None)
