"""A piece: a stretch of one line, horizontal or vertical, or an area that is read at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.reading.characters import Character
from rag.reading.geometry import Box, center_x, center_y, surround, turn_box
from rag.reading.tables import Grid


@dataclass(slots=True)
class Piece:
    """Characters that follow each other on one line, or a whole area that is read at its place: a grid, an upright block.

    vertical: the characters run downwards and are still where they are printed; see `turn_piece`.
    """

    characters: list[Character]
    box: Box
    vertical: bool = False
    grid: Grid | None = None
    inside: list[Piece] = field(default_factory=list)
    size: float = field(init=False)
    """Median extent of a character across the line, in points."""
    em: float = field(init=False)
    """Median extent of a full-width character along the line, in points: fonts with high lines have a larger `size`."""

    @property
    def text(self) -> str:
        """The characters, without blanks."""
        return "".join(c.text for c in self.characters)

    def __post_init__(self) -> None:
        sizes = sorted(c.box.width if self.vertical else c.box.height for c in self.characters)
        self.size = max(0.1, sizes[len(sizes) // 2]) if sizes else 10.0
        wide = sorted(c.box.height if self.vertical else c.box.width for c in self.characters if c.text > "\u3040")
        self.em = max(0.1, min(self.size, wide[len(wide) // 2])) if wide else self.size


def turn_characters(characters: Sequence[Character], quarters: int) -> list[Character]:
    """Return characters with their boxes turned counterclockwise by quarter turns; where they are printed stays."""
    return [c._replace(box=turn_box(c.box, quarters)) for c in characters]


def turn_piece(piece: Piece) -> Piece:
    """Return a vertical piece turned so that it runs to the right, and the line to its left stands below it."""
    characters = turn_characters(piece.characters, 1)
    return Piece(_in_order(characters), surround([c.box for c in characters]))


def _in_order(characters: list[Character]) -> list[Character]:
    """Order the characters of a turned line; those that stood side by side (縦中横) from left to right."""
    ordered = sorted(characters, key=lambda c: center_x(c.box))
    result: list[Character] = []
    for character in ordered:
        size = character.printed.height
        beside = [c for c in result[-3:] if c.printed.height > 0 and _beside(c.printed, character.printed, size)]
        place = next((result.index(c) for c in beside if c.printed.left > character.printed.left), len(result))
        result.insert(place, character)
    return result


def _beside(a: Box, b: Box, size: float) -> bool:
    return abs(center_y(a) - center_y(b)) < 0.35 * size and (
        a.right <= b.left + 0.3 * size or b.right <= a.left + 0.3 * size
    )
