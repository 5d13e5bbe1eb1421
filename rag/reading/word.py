"""Word documents (.docx, .docm) -> one page: what is displayed, with the numbers that Word counts. Macros are never run."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rag.documents import BlockKind, Content, Locator
from rag.errors import ReadingError
from rag.reading.drawings import read_chart, read_diagram, read_shape_lines
from rag.reading.flow import lay_out
from rag.reading.flow_headings import promote_only_heading
from rag.reading.left_out import report_left_out
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.package import WORD, Element, Package, check_container
from rag.reading.table_rows import Item, Paragraph
from rag.reading.titles import choose_title
from rag.reading.word_numbering import Numbering, W, is_on
from rag.reading.word_styles import Role, Styles
from rag.reading.word_tables import read_table
from rag.reading.word_text import (
    BOX,
    CHART,
    DIAGRAM,
    MC,
    ParagraphText,
    R,
    TextWalker,
    choose,
    clean_text,
    count_characters,
)

_GONE = frozenset({f"{W}del", f"{W}moveFrom"})
_MAX_TITLE_CHARS = 60
_TITLE_PARAGRAPHS = 5


def read_word(path: Path, source: str, options: ReadingOptions = DEFAULT_OPTIONS) -> Content:
    """Return a Word document as one page; its title is the one in its properties if it is in the text too, or its first heading.

    Raises ReadingError (codes encrypted, unknown_format, too_large, broken).
    """
    check_container(path, source, WORD, options)
    with zipfile.ZipFile(path) as archive:
        package = Package(archive)
        body = _find_body(package, source)
        reader = _Reader(package)
        items = list(reader.read_document(body))
        written = package.related("", "core-properties")
    flow = lay_out(promote_only_heading(items), locate=_locate)
    named = "" if written is None else written.findtext("{http://purl.org/dc/elements/1.1/}title") or ""
    title = choose_title(named, shown=flow.title, text=flow.page.text)
    counts = reader.left_out | Counter(skipped_rows=flow.skipped_rows)
    return Content((flow.page,), tuple(report_left_out(counts, source)), title)


def _find_body(package: Package, source: str) -> Element:
    root = package.read_xml(package.main)
    body = None if root is None else root.find(f"{W}body")
    if body is None:
        message = f"中身が Word 文書ではありません: {source}"
        raise ReadingError(message, "正しい拡張子に直すか、Word で保存し直してください。", code="unknown_format")
    return body


def _locate(headings: tuple[str, ...], paragraph: int) -> Locator:
    return Locator(heading=" > ".join(headings) or None, paragraph=paragraph)


class _Reader:
    """Walks through the parts of a document, and counts on the way what is left out."""

    def __init__(self, package: Package) -> None:
        self.left_out: Counter[str] = Counter()
        self._package = package
        self._part = package.main
        self._styles = Styles(package.related(self._part, "styles"))
        self._numbering = Numbering(package.related(self._part, "numbering"), self._styles.lists)
        self._note_numbers: dict[tuple[str, str], int] = {}
        self._walker = self._new_walker()
        self._notes = {
            (kind, note.get(f"{W}id", "")): note
            for kind, part, tag in (("注", "footnotes", "footnote"), ("文末注", "endnotes", "endnote"))
            if (root := package.related(self._part, part)) is not None
            for note in root.iterchildren(f"{W}{tag}")
        }

    def _new_walker(self) -> TextWalker:
        return TextWalker(self._styles, self.left_out, self._note_numbers)

    def read_document(self, body: Element) -> Iterator[Item]:
        """Yield headers, the body, and footers."""
        comments = self._package.related(self._part, "comments")
        self.left_out["comments"] += 0 if comments is None else len(comments)
        yield from self._read_margins(body, "header", BlockKind.HEADER, "ヘッダー")
        yield from _mark_title(self._read_blocks(body))
        yield from self._read_margins(body, "footer", BlockKind.FOOTER, "フッター")

    def _read_margins(self, body: Element, kind: str, block: BlockKind, name: str) -> Iterator[Item]:
        """Yield the headers or footers of all sections, each text once."""
        seen: set[str] = set()
        relations = self._package.relations(self._part)
        for reference in body.iter(f"{W}{kind}Reference"):
            relation = relations.get(reference.get(f"{R}id", ""))
            root = self._package.read_xml(relation.target) if relation else None
            text = clean_text("\n".join(self._plain_lines(root))) if root is not None else ""
            if text and text not in seen:
                seen.add(text)
                yield Paragraph(text, kind=block, locator=Locator(part=name), counts=False)

    def _plain_lines(self, root: Element) -> Iterator[str]:
        """Yield the lines of a header, footer or note, those of its text boxes after the line that holds them."""
        walker = self._new_walker()
        for paragraph in _outer_paragraphs(root):
            out = walker.read(paragraph)
            yield out.text
            for drawing in out.drawings:
                yield from self._plain_lines(drawing) if drawing.tag == BOX else ()

    def _read_blocks(self, parent: Element, *, is_contents: bool = False) -> Iterator[Item]:
        """Yield the paragraphs and tables of a body, cell or text box."""
        for child in parent.iterchildren("*"):
            if child.tag in _GONE:
                self.left_out["deleted"] += count_characters(child)
            elif child.tag == f"{W}p":
                yield from self._read_paragraph(child, is_contents=is_contents)
            elif child.tag == f"{W}tbl":
                yield read_table(child, self._read_blocks)
            elif child.tag == f"{W}altChunk":
                self.left_out["embedded"] += 1
            elif child.tag == f"{W}sdt":
                yield from self._read_blocks(child, is_contents=is_contents or _is_contents(child))
            elif child.tag in (f"{W}sdtContent", f"{W}customXml", f"{W}ins", f"{W}moveTo"):
                yield from self._read_blocks(child, is_contents=is_contents)
            elif child.tag == f"{MC}AlternateContent":
                yield from self._read_blocks(choose(child), is_contents=is_contents)

    def _read_paragraph(self, paragraph: Element, *, is_contents: bool) -> Iterator[Item]:
        role = self._styles.role(paragraph)
        out = self._walker.read(paragraph, is_hidden=role.is_hidden)
        text = out.text
        is_gone = not text and paragraph.find(f"{W}pPr/{W}rPr/{W}del") is not None
        label = "" if is_gone else self._label(paragraph, role)  # an empty paragraph counts too
        kind = BlockKind.LIST_ITEM if label else BlockKind.PARAGRAPH
        if is_contents or role.is_contents or out.is_contents:
            kind, role = BlockKind.CONTENTS, replace(role, level=0, is_title=False)
        elif role.is_caption:
            kind = BlockKind.CAPTION
        yield Paragraph(
            clean_text(label + text) if text else "",
            kind=kind,
            level=role.level,
            is_title=role.is_title or (role.is_centred and not role.level and not label and _is_title(text)),
            depth=(role.depth or 0) if label and not role.level else 0,
            sequence=f"{role.list_id}/{role.depth or 0}" if label else "",
            rubies=tuple(out.rubies),
            notes=tuple(self._read_notes(out)),
        )
        for drawing in out.drawings:
            yield from self._read_drawing(drawing)

    def _label(self, paragraph: Element, role: Role) -> str:
        if role.list_id is None or is_on(paragraph.find(f"{W}pPr/{W}rPr/{W}vanish")):
            return ""
        depth = role.depth
        if depth is None:
            depth = self._numbering.find_level(role.list_id, role.style_id) or 0
        return self._numbering.next_label(role.list_id, depth)

    def _read_notes(self, out: ParagraphText) -> Iterator[str]:
        for kind, identity, label in out.notes:
            note = self._notes.get((kind, identity))
            text = clean_text("\n".join(self._plain_lines(note))) if note is not None else ""
            if text:
                yield f"{label} {text}".strip()

    def _read_drawing(self, drawing: Element) -> Iterable[Item]:
        if drawing.tag == BOX:
            return self._read_box(drawing)
        if drawing.tag not in (CHART, DIAGRAM):
            return [Paragraph(line) for line in read_shape_lines(drawing)]
        identity = drawing.get(f"{R}id") if drawing.tag == CHART else drawing.get(f"{R}dm")
        relation = self._package.relations(self._part).get(identity or "")
        root = self._package.read_xml(relation.target) if relation else None
        if root is None:
            return []
        return read_chart(root) if drawing.tag == CHART else read_diagram(root)

    def _read_box(self, box: Element) -> list[Item]:
        before, self._numbering.story = self._numbering.story, "box"
        items = list(self._read_blocks(box))
        self._numbering.story = before
        return items


def _outer_paragraphs(root: Element) -> Iterator[Element]:
    """Yield the paragraphs of a story, also those in tables, but not those in the drawings of other paragraphs."""
    for child in root.iterchildren("*"):
        if child.tag == f"{W}p":
            yield child
        elif child.tag not in _GONE:
            yield from _outer_paragraphs(child)


def _is_contents(control: Element) -> bool:
    gallery = control.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(f"{W}val") == "Table of Contents"


def _is_title(text: str) -> bool:
    return 4 <= len(text) <= _MAX_TITLE_CHARS and "\n" not in text and text[-1] not in "。、，,"


def _mark_title(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; of those that look like a title only the first one at the beginning of the document is."""
    seen, titled = 0, False
    for item in items:
        if isinstance(item, Paragraph) and item.is_title:
            item = item if not titled and seen < _TITLE_PARAGRAPHS else replace(item, is_title=False)
            titled = titled or item.is_title
        seen += not isinstance(item, Paragraph) or bool(item.text)
        yield item
