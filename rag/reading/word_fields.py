"""The fields of a Word document (page numbers, references, tables of contents): what they show is read, what they say is not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.reading.package import Element
from rag.reading.word_numbering import W, is_on

CHECKS = ("☐", "☑")
"""A check box, by whether it is checked."""
_EQ_READING = re.compile(r"\\s\s*\\up\s*[\d.]+\s*\((?P<reading>[^()]*)\)\s*[,;]\s*(?P<base>[^()]*)\)")
_EQ_OVER = re.compile(
    r"\\o(?:\\a[lcrd])?\s*\(\s*[^,;()]+[,;]\s*(?:\\s\s*\\(?:up|do)\s*[\d.]+\s*\()?(?P<base>[^()\\]+)\)"
)


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    shows: bool = False
    form: str = ""


class Fields:
    """The fields that are open at a place of a document, outermost first."""

    def __init__(self) -> None:
        self._open: list[_Field] = []
        self._readings: list[str] = []

    @property
    def is_shown(self) -> bool:
        """Tell whether text at this place is displayed: the result of a field is, its instruction is not."""
        return all(field.shows for field in self._open)

    @property
    def is_contents(self) -> bool:
        """Tell whether this place is in a table of contents."""
        return any(field.instruction.strip().upper().startswith("TOC") for field in self._open)

    def open_simple(self, instruction: str) -> None:
        """Enter a field whose instruction is known and whose result follows."""
        self._open.append(_Field(instruction, shows=True))

    def close(self) -> str:
        """Leave the innermost field; return what it shows although it has no result: a form's state, an equation (EQ)."""
        if not self._open:
            return ""
        field = self._open.pop()
        if field.shows or not field.instruction.strip().upper().startswith("EQ"):
            return "" if field.shows and field.form not in CHECKS else field.form
        return self._show_equation(field.instruction)

    def mark(self, element: Element) -> str:
        """Take in a `w:fldChar` (begin, separate, end); return what a field that ends here shows by itself."""
        kind = element.get(f"{W}fldCharType")
        if kind == "begin":
            self._open.append(_Field(form=_show_form(element)))
        elif kind == "separate" and self._open:
            self._open[-1].shows = True
        return self.close() if kind == "end" else ""

    def instruct(self, text: str) -> None:
        """Take in a part of the instruction of the innermost field."""
        if self._open and not self._open[-1].shows:
            self._open[-1].instruction += text

    def take_readings(self) -> list[str]:
        """Return the readings of the equations since the last call."""
        readings, self._readings = self._readings, []
        return readings

    def _show_equation(self, instruction: str) -> str:
        """Return the characters of an EQ field: ruby of older versions \\o\\ad(\\s\\up 9(みどり),緑), a letter in a circle."""
        if match := _EQ_READING.search(instruction):
            self._readings.append(match["reading"].strip())
            return match["base"].strip()
        match = _EQ_OVER.search(instruction)
        return match["base"].strip() if match else ""


def _show_form(element: Element) -> str:
    box = element.find(f"{W}ffData/{W}checkBox")
    if box is not None:
        state = box.find(f"{W}checked")
        return CHECKS[is_on(state if state is not None else box.find(f"{W}default"))]
    choices = element.find(f"{W}ffData/{W}ddList")
    if choices is None:
        return ""
    chosen = choices.find(f"{W}result")
    entries = [entry.get(f"{W}val", "") for entry in choices.iterchildren(f"{W}listEntry")]
    number = int(chosen.get(f"{W}val", "0")) if chosen is not None else 0
    return entries[number] if number < len(entries) else ""
