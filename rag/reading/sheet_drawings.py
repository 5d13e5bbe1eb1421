"""What lies over the cells of an Excel sheet: the words of its text boxes and shapes, and how many pictures and charts there are."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_THREADED = "{http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What lies over one sheet. texts: (row, words) of shapes; threads: cell -> the remarks of a conversation about it."""

    texts: tuple[tuple[int, str], ...] = ()
    pictures: int = 0
    charts: int = 0
    threads: dict[str, str] = field(default_factory=dict)


def read_drawings(archive: zipfile.ZipFile) -> dict[str, Drawing]:
    """Return what lies over each sheet of a workbook, by the name of the sheet."""
    book = "xl/workbook.xml"
    targets = _read_relations(archive, book)
    found = {}
    for sheet in _parse(archive, book).iter(f"{_SHEET}sheet"):
        kind, part = targets.get(sheet.get(f"{_OFFICE}id", ""), ("", ""))
        if kind == "worksheet":
            found[sheet.get("name", "")] = _read_sheet(archive, part)
    return found


def _read_sheet(archive: zipfile.ZipFile, part: str) -> Drawing:
    texts: list[tuple[int, str]] = []
    pictures = charts = 0
    threads: dict[str, str] = {}
    for kind, target in _read_relations(archive, part).values():
        if kind == "drawing":
            for row, anchor in _anchors(archive, target):
                texts += [(row, text) for text in _read_texts(archive, target, anchor)]
                pictures += sum(1 for _ in anchor.iter(f"{_DRAWING}pic"))
                charts += sum(data.get("uri") == _CHART for data in anchor.iter(f"{_TEXT}graphicData"))
        elif kind == "threadedComment":
            threads = _read_threads(archive, target)
    return Drawing(tuple(sorted(texts, key=lambda text: text[0])), pictures, charts, threads)


def _anchors(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[int, Any]]:
    """Yield (row, element) of what is anchored somewhere; 1 for what is not anchored to a cell."""
    root = _parse(archive, part)
    for fallback in list(root.iter(_FALLBACK)):  # the same once more, for programs that are older
        fallback.getparent().remove(fallback)
    for anchor in root.iter(*(f"{_DRAWING}{kind}Anchor" for kind in ("twoCell", "oneCell", "absolute"))):
        row = anchor.find(f"{_DRAWING}from/{_DRAWING}row")
        yield (int(row.text) + 1 if row is not None and row.text else 1), anchor


def _read_texts(archive: zipfile.ZipFile, part: str, anchor: Any) -> Iterator[str]:
    """Yield the words of each shape that is not hidden: its paragraphs as lines; those of a SmartArt diagram from its own part."""
    for shape in anchor.iter(f"{_DRAWING}sp", f"{_DRAWING}cxnSp"):
        properties = next(shape.iter(f"{_DRAWING}cNvPr"), None)
        if properties is not None and properties.get("hidden") in ("1", "true"):
            continue
        if text := _join_paragraphs(shape):
            yield text
    for diagram in anchor.iter(_DIAGRAM):
        _, target = _read_relations(archive, part).get(diagram.get(f"{_OFFICE}dm", ""), ("", ""))
        if target and (text := _join_paragraphs(_parse(archive, target))):
            yield text


def _join_paragraphs(element: Any) -> str:
    lines = []
    for paragraph in element.iter(f"{_TEXT}p"):
        parts = (
            part.text or "" if part.tag == f"{_TEXT}t" else "\n" for part in paragraph.iter(f"{_TEXT}t", f"{_TEXT}br")
        )
        lines.append("".join(parts).strip())
    return "\n".join(line for line in lines if line)


def _read_threads(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    threads: dict[str, str] = {}
    for comment in _parse(archive, part).iter(f"{_THREADED}threadedComment"):
        text = "".join(comment.find(f"{_THREADED}text").itertext()).strip()
        cell = comment.get("ref", "")
        threads[cell] = f"{threads[cell]}\n{text}" if cell in threads else text
    return threads


def _read_relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return id -> (kind, part) of what a part of the file refers to within the file."""
    folder, name = posixpath.split(part)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return {}
    inside = set(archive.namelist())
    return {
        relation.get("Id", ""): (relation.get("Type", "").rpartition("/")[2], target)
        for relation in _parse(archive, relations).iter(_RELATIONS)
        if (target := _resolve(folder, relation.get("Target", ""))) in inside
    }


def _resolve(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")


def _parse(archive: zipfile.ZipFile, part: str) -> Any:
    """Return the root of a part; nothing outside of it is looked up."""
    from lxml import etree

    return etree.fromstring(archive.read(part), etree.XMLParser(resolve_entities=False, no_network=True))
