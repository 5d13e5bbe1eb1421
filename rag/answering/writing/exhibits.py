"""The passages that an LLM is given as evidence: numbered, best first, cut between sentences to a budget of characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.units import Unit, split_units
from rag.answering.writing.inert import is_instruction
from rag.documents import Passage, Span
from rag.text import split_sentences


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One passage as an LLM is given it. number: from 1, for the LLM; place: of the passage among those that were found, from 0.

    spans: what is shown of the chunk's text, in order. Nothing outside of them proves anything.
    """

    number: int
    place: int
    passage: Passage
    spans: tuple[Span, ...]

    @property
    def heading(self) -> str:
        """The title of the document and the headings above the passage, without those that give orders."""
        chunk = self.passage.chunk
        return " > ".join(name for name in (chunk.title, *chunk.headings) if not is_instruction(name))

    @property
    def body(self) -> str:
        """The text that is shown."""
        text, parts, end = self.passage.chunk.text, [], None
        for span in self.spans:
            if end is not None:
                parts.append("\n" if "\n" in text[end : span.start] else "")
            parts.append(text[span.start : span.end])
            end = span.end
        return "".join(parts)

    @property
    def source(self) -> str:
        """What statements that cite the passage are compared with."""
        return f"{self.heading}\n{self.body}"

    def units(self) -> list[Unit]:
        """Return what can be cited of the passage: the units of it that lie in what is shown."""
        shown = [unit for unit in split_units(self.passage.chunk, 0) if self._shows(unit)]
        return [unit for unit in shown if not unit.is_heading] or shown

    def _shows(self, unit: Unit) -> bool:
        """Tell whether every sentence of a unit is shown."""
        text = self.passage.chunk.text[unit.start : unit.end]
        sentences = [(unit.start + first, unit.start + last) for first, last in split_sentences(text)]
        return all(any(s.start <= first and last <= s.end for s in self.spans) for first, last in sentences)


def choose_exhibits(passages: Sequence[Passage], *, max_chars: int) -> tuple[Exhibit, ...]:
    """Return the best passages as exhibits, as many as there is room for; the last one may be cut after a sentence.

    Lines that give orders to an LLM are left out, and so are passages that consist of nothing else.
    """
    exhibits: list[Exhibit] = []
    room = max_chars
    for place, passage in enumerate(passages):
        exhibit = _exhibit(Exhibit(len(exhibits) + 1, place, passage, ()), room)
        if exhibit.spans:
            exhibits.append(exhibit)
            room -= len(exhibit.source)
        elif not find_instructions(passage.chunk.text):
            break
    return tuple(exhibits)


def find_instructions(text: str) -> list[Span]:
    """Return the lines of a text that give orders to an LLM."""
    spans, start = [], 0
    for line in text.split("\n"):
        if is_instruction(line):
            spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return spans


def _exhibit(empty: Exhibit, room: int) -> Exhibit:
    """Return an exhibit with as many sentences as there is room for, without the lines that give orders."""
    text, spans = empty.passage.chunk.text, []
    orders = find_instructions(text)
    room -= len(empty.source)
    for start, end in split_sentences(text):
        if any(line.start <= start < line.end for line in orders):
            continue
        room -= end - start + 1
        if room < 0:
            break
        spans.append(Span(start, end))
    return replace(empty, spans=tuple(spans))
