"""Plain text: a file -> headings, articles, list items and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.documents import Block, BlockKind, Content, Locator, Page, Quality
from rag.reading.encoding import count_odd_characters, read_text_bytes
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.structure import (
    ARTICLE_LEVEL,
    HeadingPath,
    article_number,
    drop_enumerations,
    heading_level,
    is_article_caption,
    is_list_item,
)

__all__ = ["Line", "build_text_page", "measure_quality", "read_plain", "read_text_bytes", "split_blocks", "split_lines"]

MAX_TITLE_CHARS = 40
_SENTENCE_END = re.compile(r"[。！？!?][」』）)】]*$")


def read_plain(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a text file as one page; its first line is the title when it looks like one.

    Raises ReadingError (code encoding) when nobody can say which characters the bytes stand for.
    """
    text, problems = read_text_bytes(path.read_bytes(), source)
    lines = list(split_lines(text))
    blocks = tuple(split_blocks(lines))
    return Content(pages=(build_text_page(text, blocks),), problems=problems, title=_find_title(lines))


def build_text_page(text: str, blocks: tuple[Block, ...]) -> Page:
    """Return the only page of a file without pages."""
    return Page(number=1, text=text, blocks=blocks, quality=measure_quality(text))


def measure_quality(text: str, *, tables: int = 0) -> Quality:
    """Count what is written, and the share of characters that no one types (control, private use, replacement)."""
    characters = len("".join(text.split()))
    suspicious = count_odd_characters(text)
    return Quality(characters=characters, suspicious_share=suspicious / max(1, characters), tables=tables)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with something on it: number from 1, and the span of what stands between its outer white space."""

    number: int
    start: int
    end: int
    text: str
    indent: int


def split_lines(text: str) -> Iterator[Line]:
    """Yield the lines that are not blank."""
    offset = 0
    for number, raw in enumerate(text.split("\n"), start=1):
        if clean := raw.strip():
            indent = len(raw) - len(raw.lstrip())
            yield Line(number, offset + indent, offset + indent + len(clean), clean, indent)
        offset += len(raw) + 1


def split_blocks(lines: Sequence[Line], *, may_have_title: bool = True) -> Iterator[Block]:
    """Yield the headings, list items and paragraphs that lines make. may_have_title: the first of them may be the title."""
    walk, levels = HeadingPath(), _find_levels(lines, may_have_title=may_have_title)
    group: list[Line] = []
    caption = ""
    for index, line in enumerate(lines):
        level = levels[index]
        if group and (level is not None or _begins_block(line, group)):
            yield _build_block(group, walk.path)
            group = []
        if level is None:
            if not group and (number := article_number(line.text)):
                walk.push(ARTICLE_LEVEL, number + caption)
            group.append(line)
            caption = ""
            continue
        caption = line.text if is_article_caption(line.text) else ""
        yield _build_heading(line, walk.path if level == 0 else walk.push(level, line.text), is_title=level == 0)
    if group:
        yield _build_block(group, walk.path)


def _find_levels(lines: Sequence[Line], *, may_have_title: bool) -> list[int | None]:
    """Return the heading level of each line: 0 for the title, that of an article for the caption above one."""
    if not lines:
        return []
    by_number: list[int | None] = [None] * (lines[-1].number + 1)
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        above_article = after is not None and after.number == line.number + 1 and article_number(after.text) is not None
        captions = above_article and is_article_caption(line.text)
        by_number[line.number] = ARTICLE_LEVEL if captions else heading_level(line.text)
    by_number = drop_enumerations(by_number)
    if may_have_title and _find_title(lines):
        by_number[lines[0].number] = 0
    return [by_number[line.number] for line in lines]


def _begins_block(line: Line, group: Sequence[Line]) -> bool:
    """Tell whether a line is not the continuation of the hard-wrapped lines before it."""
    last, first = group[-1], group[0]
    if line.number > last.number + 1 or is_list_item(line.text) or article_number(line.text):
        return True
    if is_list_item(first.text) and not article_number(first.text):
        return bool(_SENTENCE_END.search(last.text)) and line.indent <= first.indent
    return line.indent > 0 and (first.indent > 0 or bool(_SENTENCE_END.search(last.text)))


def _build_block(group: Sequence[Line], path: tuple[str, ...]) -> Block:
    first = group[0]
    kind = BlockKind.LIST_ITEM if is_list_item(first.text) else BlockKind.PARAGRAPH
    locator = Locator(line=first.number, heading=" > ".join(path) or None)
    return Block(kind, first.start, group[-1].end, locator, headings=path)


def _build_heading(line: Line, path: tuple[str, ...], *, is_title: bool) -> Block:
    locator = Locator(line=line.number, heading=" > ".join(path) or None)
    above = path if is_title else path[:-1]
    return Block(BlockKind.HEADING, line.start, line.end, locator, headings=above, level=len(above) + 1)


def _find_title(lines: Sequence[Line]) -> str | None:
    """Return the first line when it stands apart like a title: short, no sentence, neither numbered nor a date."""
    if not lines or (len(lines) > 1 and lines[1].number == lines[0].number + 1 and not lines[0].indent):
        return None
    text = lines[0].text
    if len(text) > MAX_TITLE_CHARS or re.search(r"[。、：:]$|[0-9０-９元][日号]$", text):
        return None
    return None if heading_level(text) or is_list_item(text) or article_number(text) else text
