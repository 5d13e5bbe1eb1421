"""A conversation as a Word document: A4, Japanese fonts, the citations as footnotes of the page that they stand on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.documents import Citation, Status, Turn
from rag.export.footnotes import Footnotes
from rag.export.record import (
    answer_text,
    clean,
    clean_line,
    describe_citation,
    describe_contact,
    describe_place,
    notice_lines,
    split_marks,
    title_of,
    write_day,
)

if TYPE_CHECKING:
    from docx.document import Document

BODY_FONT, HEADING_FONT = "游明朝", "游ゴシック"
_A4_MM, _MARGIN_MM = (210, 297), 25
_BODY_PT, _TITLE_PT, _HEADING_PT = 10.5, 16, 12
_AUTHOR = "しるべ"


def build_word(turns: Sequence[Turn], *, page_title: str, notice: str, written_at: datetime) -> bytes:
    """Return the bytes of a .docx of turns, the notice in front of them."""
    import docx

    document = docx.Document()
    _set_up(document, title_of(page_title), written_at)
    footnotes = Footnotes(document)
    document.add_heading(title_of(page_title), level=0)
    document.add_paragraph(f"作成: {write_day(written_at)}")
    for line in notice_lines(notice):
        document.add_paragraph(line, style="List Bullet")
    for number, turn in enumerate(turns, start=1):
        _add_turn(document, footnotes, number, turn)
    footnotes.attach()
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _set_up(document: Document, title: str, written_at: datetime) -> None:
    from docx.shared import Mm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = (Mm(side) for side in _A4_MM)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(_MARGIN_MM)
    sizes = {
        "Normal": _BODY_PT,
        "Title": _TITLE_PT,
        "Heading 1": _HEADING_PT,
        "Heading 2": _BODY_PT,
        "List Bullet": _BODY_PT,
    }
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.size = Pt(size)
        _set_font(style, HEADING_FONT if name.startswith(("Title", "Heading")) else BODY_FONT)
    properties = document.core_properties
    properties.title, properties.author, properties.language, properties.comments = title, _AUTHOR, "ja-JP", ""
    properties.created = properties.modified = written_at.replace(tzinfo=None)


def _set_font(style: Any, name: str) -> None:
    """Name a font for Latin and Japanese characters alike; without eastAsia Word takes that of the theme."""
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    style.font.name, style.font.color.rgb = name, RGBColor(0x1A, 0x1A, 0x1A)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(attribute), None)
    for attribute in ("w:ascii", "w:hAnsi", "w:eastAsia"):
        fonts.set(qn(attribute), name)


def _add_turn(document: Document, footnotes: Footnotes, number: int, turn: Turn) -> None:
    answer = turn.answer
    document.add_heading(f"質問{number}", level=1)
    document.add_paragraph(write_day(turn.asked_at))
    document.add_paragraph(clean(turn.question).strip())
    if answer.understood:
        document.add_paragraph(f"（理解した質問: {clean_line(answer.understood)}）")
    document.add_heading(f"回答{number}", level=2)
    _add_answer(document, footnotes, turn)
    if answer.status is Status.NO_ANSWER and answer.contact:
        document.add_paragraph(describe_contact(answer.contact))
    if answer.status is Status.NO_ANSWER and answer.nearest:
        document.add_paragraph("関係がありそうな箇所:")
        for place in answer.nearest:
            document.add_paragraph(describe_place(place), style="List Bullet")
    for warning in answer.warnings:
        document.add_paragraph(f"注意: {clean_line(warning.message)}")


def _add_answer(document: Document, footnotes: Footnotes, turn: Turn) -> None:
    """Add the answer, a paragraph for each of its lines; a citation that was cited before is referred to by its number."""
    paragraph = document.add_paragraph()
    numbers: dict[int, int] = {}
    for words, citation in split_marks(answer_text(turn.answer), turn.answer.citations):
        if citation is not None:
            _cite(paragraph, footnotes, citation, numbers)
            continue
        first, *others = words.split("\n")
        paragraph.add_run(first)
        for line in others:
            paragraph = document.add_paragraph(line)


def _cite(paragraph: Any, footnotes: Footnotes, citation: Citation, numbers: dict[int, int]) -> None:
    before = numbers.get(citation.number)
    text = describe_citation(citation) if before is None else f"前掲の注{before}に同じ。"
    number = footnotes.add(paragraph, text)
    numbers.setdefault(citation.number, number)
