"""Word documents of the town: headings, tables, steps and forms, from a source in plain Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from eval.municipality.facts import NOON, SOURCES, Facts, fill
from eval.municipality.settled import save


@dataclass(frozen=True, slots=True)
class Paper:
    """A Word document to be made from ``<alias>.md``: how questions call it, where it goes, its title and department."""

    alias: str
    target: str
    title: str
    department: str


PAPERS = (
    Paper("privacy", "総務課/個人情報保護事務取扱要領.docx", "澄野町個人情報保護事務取扱要領", "総務課"),
    Paper("meeting", "総務課/庁内会議運営の手引き.docx", "庁内会議運営の手引き", "総務課"),
)
_STYLES = {
    "# ": "Heading 1",
    "## ": "Heading 2",
    "### ": "Heading 3",
    "- ": "List Bullet",
    "% ": "Title",
    "> ": "Quote",
}


def make_paper(paper: Paper, facts: Facts) -> None:
    """Write one Word document."""
    from docx import Document
    from docx.oxml.ns import qn

    document = Document()
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "Heading 3"):
        style = document.styles[name]
        style.font.name = "Noto Sans CJK JP"
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "Noto Sans CJK JP")
    text = fill((SOURCES / f"{paper.alias}.md").read_text(encoding="utf-8"), facts)
    for is_table, lines in _runs(text):
        if is_table:
            _add_table(document, lines)
        else:
            for line in lines:
                _add_paragraph(document, line)
    document.sections[0].footer.paragraphs[0].text = f"{paper.title}（澄野町 {paper.department}）"
    said = document.core_properties
    said.title, said.author, said.comments = paper.title, f"澄野町 {paper.department}（架空の自治体）", ""
    said.created = said.modified = NOON
    save(paper.target, document.save)


def _runs(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield the lines of tables and those between them, blank ones left out."""
    lines = (line for line in text.splitlines() if line.strip())
    for is_table, run in groupby(lines, key=lambda line: line.startswith("|")):
        yield is_table, list(run)


def _add_paragraph(document: Any, line: str) -> None:
    if line == "改頁":
        document.add_page_break()
        return
    mark = next((mark for mark in _STYLES if line.startswith(mark)), "")
    document.add_paragraph(line.removeprefix(mark), style=_STYLES.get(mark))


def _add_table(document: Any, lines: list[str]) -> None:
    """Add a table of Markdown; a cell that only repeats ``<`` belongs to the one at its left."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not set(line) <= set("|-: ")]
    table = document.add_table(rows=len(rows), cols=max(map(len, rows)), style="Table Grid")
    for number, cells in enumerate(rows):
        for column, text in enumerate(cells):
            if text == "<":
                table.cell(number, column - 1).merge(table.cell(number, column))
            else:
                table.cell(number, column).text = text
