"""What a layout is made of: lines of pieces, and tables of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rag.reading.geometry import Box, surround
from rag.reading.pieces import Piece
from rag.reading.tables import Cell, Grid


@dataclass(slots=True)
class Line:
    """The pieces of one line in reading order, and the column that it stands in.

    vertical: it is printed from top to bottom (its boxes are turned all the same). part: 1 on the second page of a spread.
    """

    pieces: list[Piece]
    column: Box
    vertical: bool = False
    part: int = 0

    @property
    def box(self) -> Box:
        """The box around all pieces, in the coordinates of the order."""
        return surround([piece.box for piece in self.pieces])

    @property
    def printed(self) -> Box:
        """The box around all characters as they are printed."""
        return surround([c.printed for piece in self.pieces for c in piece.characters])

    @property
    def size(self) -> float:
        """Size of the longest piece."""
        return max(self.pieces, key=lambda piece: len(piece.characters)).size

    @property
    def weight(self) -> int:
        """Weight of the font that the line is set in, where it is one; 0 where fonts are mixed. See `Character`."""
        return min(c.weight for piece in self.pieces for c in piece.characters)

    @property
    def text(self) -> str:
        """The characters, without blanks."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(slots=True)
class Table:
    """A table: for each cell its lines in reading order. part: as of a line."""

    grid: Grid
    cells: list[tuple[Cell, list[Line]]]
    part: int = 0


def count_columns(lines: Sequence[Line]) -> int:
    """Return how many columns of text stand side by side, at most: those of three lines or more whose lines are no mere labels."""
    held: dict[Box, list[Line]] = {}
    for line in lines:
        held.setdefault(line.column, []).append(line)
    boxes = [box for box, own in held.items() if len(own) >= 3 and median(len(line.text) for line in own) >= 8]
    return max((sum(_is_beside(box, other) for other in boxes) + 1 for box in boxes), default=1)


def _is_beside(box: Box, other: Box) -> bool:
    apart = other.left >= box.right or other.right <= box.left
    shared = min(box.top, other.top) - max(box.bottom, other.bottom)
    return apart and shared > 0.3 * min(box.height, other.height)
