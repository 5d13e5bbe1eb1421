"""What is drawn in Office files and stored as text: the numbers of charts, the words of diagrams (SmartArt) and shapes."""

from __future__ import annotations

from collections.abc import Iterator

from rag.documents import BlockKind
from rag.reading.cell_values import show_number
from rag.reading.package import Element
from rag.reading.table_rows import Cell, Item, Paragraph, Table

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_WORDS = ("cat", "xVal")
_VALUES = ("val", "yVal")


def read_chart(root: Element) -> list[Item]:
    """Return the title of a chart, and a table: a row for each category, a column for each series; none for an empty chart."""
    title = root.find(f"{_C}chart/{_C}title")
    words = "".join(title.itertext(f"{A}t")).strip() if title is not None else ""
    series = list(root.iter(f"{_C}ser"))
    columns = [_points(one, _VALUES) for one in series]
    categories = next((found for one in series if (found := _points(one, _WORDS))), {})
    rows = [["", *(_name(one) for one in series)]]
    for place in sorted({place for column in columns for place in column}):
        rows.append([categories.get(place, ""), *(column.get(place, "") for column in columns)])
    items: list[Item] = [Paragraph(words, kind=BlockKind.CAPTION)] if words else []
    return [*items, build_table(rows)] if len(rows) > 1 else items


def build_table(rows: list[list[str]]) -> Table:
    """Return a table of plain texts whose first row is the header."""
    cells = (tuple(Cell((Paragraph(text, may_head=False),), column) for column, text in enumerate(row)) for row in rows)
    return Table(tuple(cells), header_rows=1)


def _name(series: Element) -> str:
    name = series.find(f"{_C}tx")
    return " ".join("".join(name.itertext(f"{_C}v")).split()) if name is not None else ""


def _points(series: Element, tags: tuple[str, ...]) -> dict[int, str]:
    """Return the points that the file keeps of a series, as they are displayed, by their place."""
    found: dict[int, str] = {}
    for source in (child for tag in tags for child in series.iterchildren(f"{_C}{tag}")):
        form = source.findtext(f".//{_C}formatCode") or "General"
        levels = list(source.iter(f"{_C}lvl")) or [source]  # categories of several levels: the innermost comes first
        for level in reversed(levels):
            for point in level.iter(f"{_C}pt"):
                place, text = int(point.get("idx", "0")), (point.findtext(f"{_C}v") or "").strip()
                found[place] = " ".join(filter(None, (found.get(place), _shown(text, point.get("formatCode") or form))))
    return found


def _shown(text: str, form: str) -> str:
    try:
        return show_number(float(text), form)
    except ValueError:
        return text


def read_diagram(root: Element) -> list[Item]:
    """Return the words of a diagram, part by part, each below the one that it belongs to and indented under it."""
    points = {point.get("modelId"): point for point in root.iter(f"{_D}pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for link in root.iter(f"{_D}cxn"):
        if link.get("type", "parOf") == "parOf":
            below.setdefault(link.get("srcId"), []).append((int(link.get("srcOrd", "0")), link.get("destId")))
    first = next((key for key, point in points.items() if point.get("type") == "doc"), None)
    return [
        Paragraph(text, kind=BlockKind.LIST_ITEM, depth=max(0, depth - 1))
        for key, depth in _descend(first, below, 0, set())
        if (point := points.get(key)) is not None and (text := _point_text(point))
    ]


def _descend(
    key: str | None, below: dict[str, list[tuple[int, str]]], depth: int, seen: set[str]
) -> Iterator[tuple[str, int]]:
    if key is None or key in seen:
        return
    seen.add(key)
    yield key, depth
    for _, child in sorted(below.get(key, [])):
        yield from _descend(child, below, depth + 1, seen)


def _point_text(point: Element) -> str:
    body = point.find(f"{_D}t")
    return "\n".join(read_shape_lines(body)) if body is not None else ""


def read_shape_lines(body: Element) -> list[str]:
    """Return the paragraphs of a DrawingML text body that are not empty."""
    lines = ("".join(paragraph.itertext(f"{A}t")).strip() for paragraph in body.iter(f"{A}p"))
    return [line for line in lines if line]
