"""Real Word footnotes for a python-docx document, which has no interface for them: the part, its styles, and the references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FIRST_ID = 1  # -1 and 0 are the lines above the notes, as Word writes them
TEXT_STYLE, REFERENCE_STYLE = "footnote text", "footnote reference"


class Footnotes:
    """The footnotes of one document. Call `attach` once, when all notes are there."""

    def __init__(self, document: Document) -> None:
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Pt

        self._document = document
        self._notes: list[Any] = []
        text = document.styles.add_style(TEXT_STYLE, WD_STYLE_TYPE.PARAGRAPH)
        text.base_style, text.font.size = document.styles["Normal"], Pt(9)
        text.paragraph_format.space_after = Pt(2)
        reference = document.styles.add_style(REFERENCE_STYLE, WD_STYLE_TYPE.CHARACTER)
        reference.font.superscript = True
        self._text_id, self._reference_id = text.style_id, reference.style_id

    def add(self, paragraph: Paragraph, text: str) -> int:
        """Put the reference to a new note at the end of a paragraph; return the number that Word will show."""
        from docx.oxml import OxmlElement

        number = len(self._notes) + _FIRST_ID
        mark = OxmlElement("w:footnoteReference")
        mark.set(_name("id"), str(number))
        paragraph.add_run("", style=REFERENCE_STYLE)._r.append(mark)
        self._notes.append(self._build_note(number, text))
        return number

    def attach(self) -> None:
        """Write the notes into the document as a part of their own."""
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from lxml import etree

        root = etree.Element(_name("footnotes"), nsmap={"w": _NAMESPACE})
        root.extend([_build_line(-1, "separator"), _build_line(0, "continuationSeparator"), *self._notes])
        blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
        main = self._document.part
        main.relate_to(Part(PackURI("/word/footnotes.xml"), _TYPE, blob, main.package), _RELATION)
        self._document.settings.element.append(_refer_to_lines())

    def _build_note(self, number: int, text: str) -> Any:
        from lxml import etree

        note = etree.Element(_name("footnote"), {_name("id"): str(number)})
        paragraph = etree.SubElement(note, _name("p"))
        _style(etree.SubElement(paragraph, _name("pPr")), "pStyle", self._text_id)
        mark = etree.SubElement(paragraph, _name("r"))
        _style(etree.SubElement(mark, _name("rPr")), "rStyle", self._reference_id)
        etree.SubElement(mark, _name("footnoteRef"))
        words = etree.SubElement(etree.SubElement(paragraph, _name("r")), _name("t"))
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        words.text = f" {text}"
        return note


def _build_line(number: int, kind: str) -> Any:
    from lxml import etree

    note = etree.Element(_name("footnote"), {_name("type"): kind, _name("id"): str(number)})
    run = etree.SubElement(etree.SubElement(note, _name("p")), _name("r"))
    etree.SubElement(run, _name(kind))
    return note


def _refer_to_lines() -> Any:
    from docx.oxml import OxmlElement

    properties = OxmlElement("w:footnotePr")
    for number in (-1, 0):
        line = OxmlElement("w:footnote")
        line.set(_name("id"), str(number))
        properties.append(line)
    return properties


def _style(properties: Any, tag: str, style_id: str) -> None:
    from lxml import etree

    etree.SubElement(properties, _name(tag)).set(_name("val"), style_id)


def _name(tag: str) -> str:
    return f"{{{_NAMESPACE}}}{tag}"
