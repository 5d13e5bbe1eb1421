"""Slides of the town: a title, points or a table, and what the speaker says, from a source in plain Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eval.municipality.facts import NOON, SOURCES, Facts, fill
from eval.municipality.settled import save


@dataclass(frozen=True, slots=True)
class Deck:
    """A deck to be made from ``<alias>.md``: ``# `` begins a slide, ``> `` is a line of its notes."""

    alias: str
    target: str
    title: str
    department: str


DECKS = (
    Deck("newcomers", "総務課/新規採用職員研修_窓口と電話の応対.pptx", "新規採用職員研修　窓口と電話の応対", "総務課"),
)
_TITLE_SLIDE, _POINTS, _TITLE_ONLY = 0, 1, 5


def make_deck(deck: Deck, facts: Facts) -> int:
    """Write one deck; return its number of slides."""
    from pptx import Presentation

    show = Presentation()
    text = fill((SOURCES / f"{deck.alias}.md").read_text(encoding="utf-8"), facts)
    slides = [part.splitlines() for part in text.split("\n# ")]
    for number, (title, *lines) in enumerate(slides):
        _add_slide(show, title.removeprefix("# "), [line for line in lines if line.strip()], is_first=number == 0)
    said = show.core_properties
    said.title, said.author = deck.title, f"澄野町 {deck.department}（架空の自治体）"
    said.created = said.modified = NOON
    said.revision = 1
    save(deck.target, show.save)
    return len(slides)


def _add_slide(show: Any, title: str, lines: list[str], *, is_first: bool) -> None:
    notes = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
    cells = [line for line in lines if line.startswith("|") and not set(line) <= set("|-: ")]
    points = [line.removeprefix("- ") for line in lines if not line.startswith(("> ", "|"))]
    slide = show.slides.add_slide(show.slide_layouts[_TITLE_SLIDE if is_first else _TITLE_ONLY if cells else _POINTS])
    slide.shapes.title.text = title
    if points and not cells:
        slide.placeholders[1].text = "\n".join(points)
    if cells:
        _add_table(slide, [[cell.strip() for cell in line.strip("|").split("|")] for line in cells])
    if notes:
        slide.notes_slide.notes_text_frame.text = "\n".join(notes)


def _add_table(slide: Any, rows: list[list[str]]) -> None:
    from pptx.util import Cm, Pt

    frame = slide.shapes.add_table(len(rows), len(rows[0]), Cm(1.5), Cm(4.5), Cm(22.4), Cm(1.1 * len(rows)))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            cell = frame.table.cell(row, column)
            cell.text = text
            cell.text_frame.paragraphs[0].font.size = Pt(14)
