"""The characters of a Word paragraph as they are displayed: fields, tracked changes, hidden text, ruby, symbols, notes, drawings."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from rag.reading.package import Element
from rag.reading.symbols import show_symbol
from rag.reading.word_fields import Fields
from rag.reading.word_numbering import W
from rag.reading.word_styles import Styles

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
V = "{urn:schemas-microsoft-com:vml}"
O = "{urn:schemas-microsoft-com:office:office}"  # noqa: E741
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
BOX = f"{W}txbxContent"

_MIN_PICTURE = 1_800_000 * 1_800_000  # square EMU, 5 cm by 5 cm: a smaller one is a seal or an icon
_GONE = frozenset({f"{W}del", f"{W}moveFrom"})
_NO_TEXT = frozenset(
    {f"{W}pPr", f"{W}rPr", f"{W}sdtPr", f"{W}sdtEndPr", f"{W}instrText", f"{W}delText", f"{W}delInstrText"}
)
_MARKS = {
    f"{W}tab": "　", f"{W}ptab": "　", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}softHyphen": "",
}  # fmt: skip
_NOTES = {f"{W}footnoteReference": "注", f"{W}endnoteReference": "文末注"}
_BLANKS = str.maketrans({"\xa0": " ", "\t": "　", "\u200b": "", "\ufeff": "", "\xad": ""})


@dataclass(slots=True)
class ParagraphText:
    """What a paragraph holds: its text, the readings of its ruby, the notes that it refers to as (kind, id), what is drawn in it.

    boxes: text boxes, charts and diagrams (elements), in their order. is_contents: it belongs to a table of contents.
    """

    parts: list[str] = field(default_factory=list)
    rubies: list[str] = field(default_factory=list)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    drawings: list[Element] = field(default_factory=list)
    is_contents: bool = False

    @property
    def text(self) -> str:
        """The text without outer white space."""
        return clean_text("".join(self.parts))


def clean_text(text: str) -> str:
    """Return text without outer white space in any of its lines, blank lines left out.

    >>> clean_text(" 対象\\xa0者\\t町民 \\n\\n　備考")
    '対象 者　町民\\n備考'
    """
    lines = (line.strip() for line in text.translate(_BLANKS).split("\n"))
    return "\n".join(line for line in lines if line)


class TextWalker:
    """Reads the paragraphs of one story (body, note, header) in their order: fields may run over several of them.

    left_out: how many characters or things were left out, by reason (hidden, deleted, struck, pictures, embedded).
    note_numbers: the number of each note that was referred to, by (kind, id).
    """

    def __init__(self, styles: Styles, left_out: Counter[str], note_numbers: dict[tuple[str, str], int]) -> None:
        self._styles = styles
        self._left_out = left_out
        self._note_numbers = note_numbers
        self._fields = Fields()
        self._out = ParagraphText()
        self._is_hidden = False

    def read(self, paragraph: Element, *, is_hidden: bool = False) -> ParagraphText:
        """Return what a paragraph holds. is_hidden: its style hides it."""
        self._out, self._is_hidden = ParagraphText(), is_hidden
        self._walk(paragraph)
        return self._out

    def _walk(self, parent: Element) -> None:
        for child in parent.iterchildren("*"):
            tag = child.tag
            if tag in _GONE:
                self._left_out["deleted"] += count_characters(child)
            elif tag == f"{W}r":
                self._read_run(child)
            elif tag == f"{W}fldSimple":
                self._fields.open_simple(child.get(f"{W}instr", ""))
                self._walk(child)
                self._fields.close()
            elif tag == f"{MC}AlternateContent":
                self._walk(choose(child))
            elif tag in (f"{M}oMath", f"{M}oMathPara"):
                self._emit("".join(child.itertext(f"{M}t")))
            elif tag not in _NO_TEXT:
                self._walk(child)

    def _read_run(self, run: Element) -> None:
        properties = run.find(f"{W}rPr")
        hidden = self._styles.is_run_on(properties, "vanish") or (
            self._is_hidden and (properties is None or properties.find(f"{W}vanish") is None)
        )
        struck = self._styles.is_run_on(properties, "strike") or self._styles.is_run_on(properties, "dstrike")
        for child in run.iterchildren("*"):
            if child.tag == f"{W}fldChar":
                self._emit(self._fields.mark(child))
            elif child.tag == f"{W}instrText":
                self._fields.instruct(child.text or "")
            elif hidden or struck:
                self._left_out["hidden" if hidden else "struck"] += (
                    count_characters(child) if self._fields.is_shown else 0
                )
            else:
                self._read_content(child, properties)

    def _read_content(self, child: Element, properties: Element | None) -> None:
        tag = child.tag
        if tag == f"{W}t":
            self._emit(_in_font(child.text or "", properties))
        elif tag == f"{W}br":
            self._emit("\n" if child.get(f"{W}type", "textWrapping") == "textWrapping" else "")
        elif tag in _MARKS:
            self._emit(_MARKS[tag])
        elif tag == f"{W}sym":
            code = child.get(f"{W}char", "")
            self._emit(
                show_symbol(chr(int(code, 16)), child.get(f"{W}font"))
                if re.fullmatch(r"[0-9A-Fa-f]{1,4}", code)
                else ""
            )
        elif tag == f"{W}ruby":
            self._read_ruby(child)
        elif tag in _NOTES:
            self._refer(_NOTES[tag], child)
        elif tag == f"{MC}AlternateContent":
            for inner in choose(child).iterchildren("*"):
                self._read_content(inner, properties)
        elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
            self._collect(child)

    def _emit(self, text: str) -> None:
        if text and self._fields.is_shown:
            self._out.parts.append(text)
            self._out.rubies += self._fields.take_readings()
            self._out.is_contents = self._out.is_contents or self._fields.is_contents

    def _read_ruby(self, ruby: Element) -> None:
        for base in ruby.iterchildren(f"{W}rubyBase"):
            self._walk(base)
        reading = "".join(text for rt in ruby.iterchildren(f"{W}rt") for text in rt.itertext(f"{W}t")).strip()
        self._out.rubies += [reading] if reading else []

    def _refer(self, kind: str, reference: Element) -> None:
        """Write 「（注1）」 where a note is referred to; a mark that the author typed stands in the text already."""
        key = (kind, reference.get(f"{W}id", ""))
        if reference.get(f"{W}customMarkFollows") in ("1", "true", "on"):
            self._out.notes.append((*key, ""))
            return
        counted = sum(other == kind for other, _ in self._note_numbers)
        label = f"{kind}{self._note_numbers.setdefault(key, counted + 1)}"
        self._emit(f"（{label}）")
        self._out.notes.append((*key, label))

    def _collect(self, drawing: Element) -> None:
        """Take the text boxes, charts and diagrams of a drawing, and count the pictures that text may hide in."""
        if drawing.tag == f"{W}object" or drawing.find(f".//{O}OLEObject") is not None:
            self._left_out["embedded"] += 1
            return
        if _is_picture(drawing):
            self._left_out["pictures"] += 1
        self._collect_inside(drawing)

    def _collect_inside(self, parent: Element) -> None:
        for child in parent.iterchildren("*"):
            if child.tag == f"{MC}AlternateContent":
                self._collect_inside(choose(child))
            elif child.tag in (BOX, CHART, DIAGRAM, f"{A}txBody"):
                self._out.drawings.append(child)
            elif child.tag == f"{V}textpath":
                self._emit(child.get("string", ""))
            else:
                self._collect_inside(child)


def choose(alternatives: Element) -> Element:
    """Return the one of `mc:AlternateContent` that is read: both say the same, the first for newer programs."""
    return next(alternatives.iterchildren(f"{MC}Choice", f"{MC}Fallback"), alternatives)


def count_characters(element: Element) -> int:
    """Return how many characters an element holds, deleted ones too, white space aside."""
    return sum(len("".join(text.split())) for text in element.itertext(f"{W}t", f"{W}delText"))


def _in_font(text: str, properties: Element | None) -> str:
    """Return text as the font of its run shows it: l in Wingdings is a black circle."""
    fonts = None if properties is None else properties.find(f"{W}rFonts")
    font = "" if fonts is None else fonts.get(f"{W}ascii", "")
    if font.lower() in ("wingdings", "symbol") or any("\uf000" <= character <= "\uf0ff" for character in text):
        return "".join(character if character.isspace() else show_symbol(character, font or None) for character in text)
    return text


def _is_picture(drawing: Element) -> bool:
    """Tell whether a drawing is a picture that is large enough to hold text."""
    extent = drawing.find(f".//{WP}extent")
    if extent is not None:
        is_large = int(extent.get("cx", "0")) * int(extent.get("cy", "0")) >= _MIN_PICTURE
        return is_large and next(drawing.iter(f"{A}blip"), None) is not None
    return drawing.tag == f"{W}pict" and next(drawing.iter(f"{V}imagedata"), None) is not None
