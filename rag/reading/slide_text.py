"""The text of one shape of a slide: paragraphs with the bullets and numbers that PowerPoint shows, and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rag.documents import BlockKind
from rag.reading.drawings import A
from rag.reading.ordinals import show_ordinal
from rag.reading.package import Element
from rag.reading.symbols import show_bullet
from rag.reading.table_rows import Cell, Paragraph, Table
from rag.reading.word_text import clean_text

Shape = Any
"""A shape of python-pptx (the library has no types of its own)."""

_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_MASTER_STYLE = "{http://schemas.openxmlformats.org/presentationml/2006/main}bodyStyle"
_BODIES = ("BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT")
_BULLETS = {f"{A}buNone", f"{A}buChar", f"{A}buAutoNum", f"{A}buBlip"}
_SCHEMES = (
    (r"circleNum(?!WdBlack).*", "decimalEnclosedCircle"), (r"arabicDb.*", "decimalFullWidth"), (r"arabic.*", "decimal"),
    (r"alphaLc.*", "lowerLetter"), (r"alphaUc.*", "upperLetter"), (r"romanLc.*", "lowerRoman"), (r"romanUc.*", "upperRoman"),
    (r"ea1.*", "japaneseCounting"),
)  # fmt: skip


def is_placeholder(shape: Shape, names: Sequence[str]) -> bool:
    """Tell whether a shape is a placeholder of one of some types (names of PP_PLACEHOLDER)."""
    return bool(shape.is_placeholder) and getattr(shape.placeholder_format.type, "name", "") in names


def read_lines(shape: Shape, left_out: Counter[str]) -> Iterator[Paragraph]:
    """Yield the paragraphs of a shape that are not empty; struck characters are counted and left out."""
    inherited = _inherited_styles(shape) if is_placeholder(shape, _BODIES) else []
    yield from _read_body(shape.text_frame._txBody, inherited, left_out)


def _read_body(body: Element, inherited: Sequence[Element], left_out: Counter[str]) -> Iterator[Paragraph]:
    styles = [*body.iterchildren(f"{A}lstStyle"), *inherited]
    counts: dict[int, int] = {}
    for element in body.iterchildren(f"{A}p"):
        text = _text(element, left_out)
        properties = element.find(f"{A}pPr")
        depth = int(properties.get("lvl", "0")) if properties is not None else 0
        bullet = _find_bullet(properties, styles, depth) if text else None
        for deeper in [level for level in counts if level > depth]:
            del counts[deeper]
        label = _label(bullet, counts, depth)
        if not label and text:
            counts.pop(depth, None)
        if text:
            kind = BlockKind.LIST_ITEM if label else BlockKind.PARAGRAPH
            yield Paragraph(label + text, kind=kind, depth=depth, may_head=False)


def _text(paragraph: Element, left_out: Counter[str]) -> str:
    parts = []
    for child in paragraph.iterchildren("*"):
        properties = child.find(f"{A}rPr")
        text = "".join(child.itertext(f"{A}t", _MATH))
        if child.tag == f"{A}br":
            parts.append("\n")
        elif properties is not None and properties.get("strike", "noStrike") != "noStrike":
            left_out["struck"] += len("".join(text.split()))
        else:
            parts.append(text)
    return clean_text("".join(parts).replace("\v", "\n"))


def _inherited_styles(shape: Shape) -> list[Element]:
    """Return the list styles that a placeholder takes from its layout and the master, nearest first."""
    found: list[Element] = []
    base = getattr(shape, "_base_placeholder", None)
    while base is not None:
        found += base._element.iter(f"{A}lstStyle")
        base = getattr(base, "_base_placeholder", None)
    layout = getattr(shape.part, "slide_layout", None)
    if layout is not None:
        found += layout.slide_master._element.iter(_MASTER_STYLE)
    return found


def _find_bullet(properties: Element | None, styles: Sequence[Element], depth: int) -> Element | None:
    """Return the element that says which bullet a paragraph has; None when nobody says one."""
    levels = [properties, *(style.find(f"{A}lvl{depth + 1}pPr") for style in styles)]
    for level in levels:
        for child in level.iterchildren("*") if level is not None else ():
            if child.tag in _BULLETS:
                return child
    return None


def _label(bullet: Element | None, counts: dict[int, int], depth: int) -> str:
    """Return what stands in front of a paragraph, and count it when it is numbered."""
    if bullet is None or bullet.tag == f"{A}buNone":
        return ""
    if bullet.tag == f"{A}buBlip":
        return "・"
    if bullet.tag == f"{A}buChar":
        fonts = bullet.getparent().find(f"{A}buFont")
        return show_bullet(bullet.get("char", ""), None if fonts is None else fonts.get("typeface"))
    counts[depth] = counts[depth] + 1 if depth in counts else int(bullet.get("startAt", "1"))
    return show_scheme(counts[depth], bullet.get("type", ""))


def show_scheme(number: int, scheme: str) -> str:
    """Return an automatic number of PowerPoint with its frame.

    >>> [show_scheme(3, scheme) for scheme in ("arabicPeriod", "arabicParenBoth", "circleNumDbPlain", "ea1JpnKorPeriod", "alphaUcParenR")]
    ['3. ', '(3) ', '③ ', '三. ', 'C) ']
    """
    style = next((style for pattern, style in _SCHEMES if re.fullmatch(pattern, scheme)), "decimal")
    shown = show_ordinal(number, style)
    if scheme.endswith("ParenBoth"):
        return f"({shown}) "
    return shown + (") " if scheme.endswith("ParenR") else ". " if scheme.endswith("Period") else " ")


def read_table(table: Any, left_out: Counter[str]) -> Table:
    """Return a table of a slide; its first row is the header when the table says so."""
    rows = []
    for number, row in enumerate(table.rows):
        cells = []
        for column in range(len(row.cells)):
            cell = table.cell(number, column)
            if not cell.is_spanned:
                width, height = (cell.span_width, cell.span_height) if cell.is_merge_origin else (1, 1)
                lines = tuple(_read_body(cell.text_frame._txBody, (), left_out))
                cells.append(Cell(lines, column, width, height))
        rows.append(tuple(cells))
    return Table(tuple(rows), 1 if table.first_row and len(rows) > 1 else None)
