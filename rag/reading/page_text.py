"""The text of a page in the making: blocks, a box for every character, and the text of one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.documents import BlockKind, Span
from rag.reading.characters import Character
from rag.reading.geometry import Box
from rag.reading.lines import Line

WIDE_SPACE = "\u3000"


@dataclass(slots=True)
class Draft:
    """A block of one page before the whole document is known.

    box: of its first line as printed; size: of its characters, in points; weight: of its font; part: 1 on the second page of a spread.
    is_row: it is one line of pieces that stand apart, as a label and its value do.
    """

    kind: BlockKind
    start: int
    end: int
    box: Box
    size: float
    lines: int = 1
    context: tuple[Span, ...] = ()
    weight: int = 0
    part: int = 0
    is_row: bool = False


@dataclass(slots=True)
class PageText:
    """The text of a page, for each character its printed box (None for white space that we put in), and its blocks.

    labels: the printed numbers of both pages of a spread. columns: how many stand side by side (of upright text: above each other).
    """

    text: str = ""
    boxes: list[Box | None] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    tables: int = 0
    columns: int = 1
    vertical: bool = False
    labels: tuple[str, ...] = ()

    def write(self, text: str, boxes: Sequence[Box | None]) -> None:
        """Add text with the box of each character."""
        self.text += text
        self.boxes += boxes

    def append(self, text: str, box: Box | None) -> None:
        """Add printed characters that share a box, or white space."""
        self.text += text
        self.boxes += [box] * len(text)


def start_block(page: PageText) -> None:
    """Begin a line of its own for the next block."""
    if page.text:
        page.append("\n", None)


def line_text(line: Line) -> tuple[str, list[Box | None]]:
    """Return a line's text and boxes. Letters set apart are joined; other wide gaps become a full-width blank."""
    text, boxes = "", []  # type: tuple[str, list[Box | None]]
    spread = len(line.pieces) > 1 and all(len(piece.characters) == 1 for piece in line.pieces)
    for piece in line.pieces:
        if text and not spread:
            text, boxes = text + WIDE_SPACE, [*boxes, None]
        loose = spread or _is_letter_spaced(piece.characters)
        last: Character | None = None
        for character in piece.characters:
            blank = "" if last is None or loose else _blank(last, character)
            text += blank + character.text
            boxes += [None] * len(blank) + [character.printed] * len(character.text)
            last = character
    return text, boxes


def _is_letter_spaced(characters: Sequence[Character]) -> bool:
    """Tell whether most characters stand apart from each other, as in 「目　　次」; Latin words never do."""
    if len(characters) < 3 or sum(c.text.isascii() and c.text.isalpha() for c in characters):
        return False
    gaps = [b.box.left - a.box.right for a, b in pairwise(characters)]
    em = max(c.box.width for c in characters)
    return sum(gap > 0.12 * em for gap in gaps) >= 0.6 * len(gaps) and max(gaps) < 4 * em


def _blank(before: Character, after: Character) -> str:
    """Return the white space between two characters of one line: that of the file where it shows, or a wide gap."""
    gap = after.box.left - before.box.right
    if gap <= 0:
        return ""
    em = max(before.box.width, after.box.width)
    if is_latin(before.text) and is_latin(after.text):
        height = max(before.size, after.size)
        return " " if gap > 0.12 * height or (after.space_before and gap > 0.05 * height) else ""
    if gap > 0.7 * em:
        return WIDE_SPACE
    return " " if after.space_before and gap > 0.15 * em else ""


def is_latin(text: str) -> bool:
    """Tell whether a character is written with blanks between words: a Latin letter, digit or mark of such text."""
    return text.isascii() and (text.isalnum() or text in ",.;:()%&'\"/-")
