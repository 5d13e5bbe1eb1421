"""PowerPoint slides (.pptx, .pptm) -> one page a slide: what is on it in reading order, then its notes. Hidden slides are reported."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.documents import BlockKind, Concern, Content, Locator, Page, Problem
from rag.errors import ReadingError
from rag.reading.drawings import read_chart, read_diagram
from rag.reading.flow import lay_out
from rag.reading.left_out import report_left_out
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.package import POWERPOINT, check_container
from rag.reading.slide_text import Shape, is_placeholder, read_lines, read_table
from rag.reading.table_rows import Item, Paragraph
from rag.reading.titles import choose_title
from rag.reading.word_text import MC, choose

NOTES = "ノート"
_MAX_TITLE_CHARS = 60
_SAME_ROW = 0.03  # of the slide's height: shapes whose tops are this close stand side by side
_LARGE = 0.1  # of the slide's area: a picture that text may hide in
_MARGINS = ("FOOTER", "SLIDE_NUMBER", "DATE", "HEADER")
_TITLES = ("TITLE", "CENTER_TITLE", "VERTICAL_TITLE")
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"


def read_slides(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a presentation, one page for each slide that is not hidden; the page number is the slide's place.

    Raises ReadingError (codes encrypted, unknown_format, too_large, too_many_pages, broken).
    """
    check_container(path, source, POWERPOINT, options)
    presentation = _open(path, source)
    slides = list(presentation.slides)
    if len(slides) > options.max_pages:
        message = f"スライドが多すぎます: {source}（{len(slides)} 枚、上限 {options.max_pages} 枚）"
        raise ReadingError(message, "いくつかのファイルに分けて保存し直してください。", code="too_many_pages")
    problems: list[Problem] = []
    pages: list[Page] = []
    left_out: Counter[str] = Counter()
    for number, slide in enumerate(slides, start=1):
        if slide._element.get("show") in ("0", "false"):
            problems.append(_report_hidden(source, number))
        else:
            size = (presentation.slide_width or 1, presentation.slide_height or 1)
            pages.append(_SlideReader(slide, number, size, left_out).read())
    problems += [*report_left_out(left_out, source), *_report_empty(pages, source)]
    text = "\n".join(page.text for page in pages)
    title = choose_title(presentation.core_properties.title or "", shown=_first_heading(pages), text=text)
    return Content(tuple(pages), tuple(problems), title)


def _open(path: Path, source: str) -> Any:
    from pptx import Presentation

    try:
        return Presentation(str(path))
    except ValueError as error:  # what it says of another kind of Office file
        message = f"中身が PowerPoint のスライドではありません: {source}"
        remedy = "正しい拡張子に直すか、PowerPoint で保存し直してください。"
        raise ReadingError(message, remedy, code="unknown_format") from error


def _report_hidden(source: str, number: int) -> Problem:
    message = f"非表示のスライド {number} は索引に入れていません。"
    return Problem(
        source, "hidden_slide", message, "検索させたい内容なら、再表示して保存し直してください。", page=number
    )


def _report_empty(pages: Sequence[Page], source: str) -> Iterator[Problem]:
    if empty := [page.number for page in pages if Concern.NO_TEXT in page.quality.concerns]:
        message = f"文字のないスライドが {len(empty)} 枚あります（スライド {'、'.join(map(str, empty[:20]))}）。"
        yield Problem(
            source, "no_text_page", message, "画像だけのスライドは検索できません。ノートに内容を書いてください。"
        )


def _first_heading(pages: Iterable[Page]) -> str | None:
    headings = (page.text[b.start : b.end] for page in pages for b in page.blocks if b.kind is BlockKind.HEADING)
    return next((" ".join(heading.split()) for heading in headings if heading != NOTES), None)


class _SlideReader:
    """Reads one slide, and counts what is left out of it. size: width and height of the slide."""

    def __init__(self, slide: Any, number: int, size: tuple[int, int], left_out: Counter[str]) -> None:
        self._slide = slide
        self._number = number
        self._width, self._height = size
        self._left_out = left_out
        self._has_picture = False

    def read(self) -> Page:
        """Return the slide as a page."""
        _unwrap(self._slide._element)
        shapes = self._order(self._slide.shapes)
        title = next(
            (shape for shape in shapes if is_placeholder(shape, _TITLES) and shape.text_frame.text.strip()), None
        )
        items = list(
            self._read_shapes([shape for shape in shapes if shape is not title and not is_placeholder(shape, _MARGINS)])
        )
        heads, items = ([self._heading(title)], items) if title is not None else _take_title(items)
        margins = [shape for shape in shapes if is_placeholder(shape, _MARGINS)]
        feet = [replace(line, kind=BlockKind.FOOTER) for shape in margins for line in read_lines(shape, self._left_out)]
        flow = lay_out(
            [*heads, *items, *self._read_notes(), *feet], locate=self._locate, number=self._number, guess_headings=False
        )
        self._left_out["comments"] += self._count_comments()
        self._left_out["skipped_rows"] += flow.skipped_rows
        if self._has_picture and not flow.page.blocks:
            return replace(flow.page, quality=replace(flow.page.quality, concerns=(Concern.NO_TEXT,)))
        return flow.page

    def _count_comments(self) -> int:
        """Return how many comments hang on the slide: one `cm` each, in the old form and in the new one."""
        parts = [r.target_part for r in self._slide.part.rels.values() if r.reltype.endswith("/comments")]
        return sum(len(re.findall(rb"<(?:\w+:)?cm\b", part.blob)) for part in parts)

    def _locate(self, headings: tuple[str, ...], paragraph: int) -> Locator:
        return Locator(page=self._number, heading=NOTES if NOTES in headings[1:] or headings == (NOTES,) else None)

    def _order(self, shapes: Iterable[Shape]) -> list[Shape]:
        """Return shapes from top to bottom, those side by side from left to right."""
        ordered: list[Shape] = []
        row: list[Shape] = []
        for shape in sorted(shapes, key=lambda shape: shape.top or 0):
            if row and (shape.top or 0) - (row[0].top or 0) > _SAME_ROW * self._height:
                ordered += sorted(row, key=lambda shape: shape.left or 0)
                row = []
            row.append(shape)
        return ordered + sorted(row, key=lambda shape: shape.left or 0)

    def _heading(self, shape: Shape) -> Paragraph:
        return Paragraph("\n".join(line.text for line in read_lines(shape, self._left_out)), level=1)

    def _read_shapes(self, shapes: Iterable[Shape]) -> Iterator[Item]:
        from pptx.enum.shapes import MSO_SHAPE_TYPE

        for shape in shapes:
            kind = _shape_type(shape)
            if kind == MSO_SHAPE_TYPE.GROUP:
                yield from self._read_shapes(self._order(shape.shapes))
            elif getattr(shape, "has_table", False):
                yield read_table(shape.table, self._left_out)
            elif shape.has_text_frame:
                yield from read_lines(shape, self._left_out)
            elif kind == MSO_SHAPE_TYPE.PICTURE or hasattr(shape, "image"):
                self._count_picture(shape)
            elif kind in (MSO_SHAPE_TYPE.EMBEDDED_OLE_OBJECT, MSO_SHAPE_TYPE.LINKED_OLE_OBJECT):
                self._left_out["embedded"] += 1
            else:
                yield from self._read_graphic(shape)

    def _count_picture(self, shape: Shape) -> None:
        if (shape.width or 0) * (shape.height or 0) >= _LARGE * self._width * self._height:
            self._left_out["pictures"] += 1
            self._has_picture = True

    def _read_graphic(self, shape: Shape) -> Iterator[Item]:
        """Yield what the parts behind a chart or diagram store."""
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        is_known = not shape._element.tag.endswith("}graphicFrame")
        for element in itertools.chain(shape._element.iter(_CHART), shape._element.iter(_DIAGRAM)):
            identity = element.get(f"{_RELATIONS}id") or element.get(f"{_RELATIONS}dm")
            is_known = is_known or identity in self._slide.part.rels
            if identity in self._slide.part.rels:
                root = etree.fromstring(self._slide.part.related_part(identity).blob, parser)
                yield from read_chart(root) if element.tag == _CHART else read_diagram(root)
        self._left_out["pictures"] += not is_known  # a chart of a newer kind, a model: only its picture is there

    def _read_notes(self) -> Iterator[Item]:
        notes = self._slide.notes_slide.notes_placeholder if self._slide.has_notes_slide else None
        lines = list(read_lines(notes, self._left_out)) if notes is not None else []
        if lines:
            yield Paragraph(NOTES, level=2)
            yield from lines


def _unwrap(slide: Any) -> None:
    """Put what newer programs see in place of `mc:AlternateContent`, which python-pptx passes over (boxes with equations)."""
    for alternatives in list(slide.iter(f"{MC}AlternateContent")):
        parent = alternatives.getparent()
        for child in list(choose(alternatives)):
            parent.insert(parent.index(alternatives), child)
        parent.remove(alternatives)


def _shape_type(shape: Shape) -> Any:
    """Return the type of a shape; None where python-pptx has no name for it."""
    try:
        return shape.shape_type
    except NotImplementedError:
        return None


def _take_title(items: list[Item]) -> tuple[list[Paragraph], list[Item]]:
    """Return the first line as the heading of a slide without a title, when it is short and something follows it."""
    first = items[0] if len(items) > 1 else None
    if not isinstance(first, Paragraph) or first.kind is not BlockKind.PARAGRAPH or not first.text:
        return [], items
    is_title = len(first.text) <= _MAX_TITLE_CHARS and "\n" not in first.text and first.text[-1] not in "。、，,"
    return ([Paragraph(first.text, level=1)], items[1:]) if is_title else ([], items)
