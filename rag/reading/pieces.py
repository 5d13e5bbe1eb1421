"""From characters to pieces: stretches of one line, horizontal or vertical, whatever order the file has them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.reading.characters import Box, Character
from rag.reading.tables import Grid


@dataclass(slots=True)
class Piece:
    """Characters that follow each other on one line, or a whole grid that is read at its place."""

    characters: list[Character]
    box: Box
    vertical: bool = False
    grid: Grid | None = None
    inside: list[Piece] = field(default_factory=list)
    size: float = field(init=False)
    """Median extent of a character across the line, in points."""

    def __post_init__(self) -> None:
        sizes = sorted(c.box.width if self.vertical else c.box.height for c in self.characters)
        self.size = sizes[len(sizes) // 2] if sizes else 10.0


def surround(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around some."""
    return Box(
        min(b.left for b in boxes), min(b.bottom for b in boxes), max(b.right for b in boxes), max(b.top for b in boxes)
    )


def find_pieces(characters: Sequence[Character]) -> list[Piece]:
    """Return the pieces of a page, in no particular order."""
    vertical, rest = _take_vertical(characters)
    return _join_pieces(_runs(rest)) + vertical


def center_y(box: Box) -> float:
    """Return the middle of a box along y."""
    return (box.bottom + box.top) / 2


def center_x(box: Box) -> float:
    """Return the middle of a box along x."""
    return (box.left + box.right) / 2


def _take_vertical(characters: Sequence[Character]) -> tuple[list[Piece], list[Character]]:
    """Split off vertical lines: three or more characters that follow each other downwards, and what stands among them."""
    seeds, run = [], list(characters[:1])
    for before, after in pairwise(characters):
        if not _follows_down(before, after):
            seeds += [run] if len(run) >= 3 else []
            run = []
        run.append(after)
    seeds += [run] if len(run) >= 3 else []
    if not seeds:
        return [], list(characters)
    taken = {id(c) for seed in seeds for c in seed}
    pieces = _join_vertical([_vertical_piece(seed) for seed in seeds])
    rest = [c for c in characters if id(c) not in taken]
    return _absorb(pieces, rest)


def _follows_down(before: Character, after: Character) -> bool:
    size = min(before.box.width, after.box.width)
    step = center_y(before.box) - center_y(after.box)
    same_column = abs(center_x(before.box) - center_x(after.box)) < 0.3 * size
    return same_column and 0.4 * size < step < 1.9 * max(before.box.width, after.box.width)


def _vertical_piece(characters: list[Character]) -> Piece:
    ordered = sorted(characters, key=lambda c: -center_y(c.box))
    return Piece(ordered, surround([c.box for c in ordered]), vertical=True)


def _join_vertical(pieces: list[Piece]) -> list[Piece]:
    """Join vertical pieces that continue each other in one column of characters."""
    joined: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: (-center_x(p.box), -p.box.top)):
        for index, other in enumerate(joined):
            gap = other.box.bottom - piece.box.top
            if (
                abs(center_x(other.box) - center_x(piece.box)) < 0.4 * piece.size
                and -piece.size < gap < 1.8 * piece.size
            ):
                joined[index] = _vertical_piece(other.characters + piece.characters)
                break
        else:
            joined.append(piece)
    return joined


def _absorb(pieces: list[Piece], rest: list[Character]) -> tuple[list[Piece], list[Character]]:
    """Put single characters (digits set across, marks, what a gap cut off) that stand in a vertical line back into it.

    Characters of horizontal stretches of three or more stay where they are.
    """
    loose = [c for run in _runs(rest) if len(run.characters) <= 2 for c in run.characters]
    grown = True
    while grown and loose:
        grown = False
        for character in list(loose):
            index = next((i for i, piece in enumerate(pieces) if _in_line(character, piece)), None)
            if index is not None:
                pieces[index] = _vertical_piece([*pieces[index].characters, character])
                loose.remove(character)
                grown = True
    taken = {id(c) for piece in pieces for c in piece.characters}
    return [_order_across(p) for p in _join_vertical(pieces)], [c for c in rest if id(c) not in taken]


def _in_line(character: Character, piece: Piece) -> bool:
    size = piece.size
    near_x = abs(center_x(character.box) - center_x(piece.box)) < 0.6 * size
    y = center_y(character.box)
    return near_x and character.size < 2 * size and piece.box.bottom - 1.1 * size < y < piece.box.top + 1.1 * size


def _order_across(piece: Piece) -> Piece:
    """Order the characters of a vertical line; those side by side (縦中横) from left to right."""
    ordered: list[Character] = []
    for character in piece.characters:
        last = ordered[-1] if ordered else None
        beside = last and abs(center_y(last.box) - center_y(character.box)) < 0.35 * piece.size
        if beside and character.box.left < ordered[-1].box.left:
            ordered.insert(-1, character)
        else:
            ordered.append(character)
    return Piece(ordered, piece.box, vertical=True)


def _runs(characters: Sequence[Character]) -> list[Piece]:
    """Return stretches that follow each other to the right in the order of the file."""
    runs: list[list[Character]] = []
    for character in characters:
        if runs and _follows_right(runs[-1][-1], character):
            runs[-1].append(character)
        else:
            runs.append([character])
    return [Piece(run, surround([c.box for c in run])) for run in runs]


def _follows_right(before: Character, after: Character) -> bool:
    height = min(before.box.height, after.box.height)
    gap = after.box.left - before.box.right
    level = abs(center_y(before.box) - center_y(after.box)) < 0.3 * height
    return level and -0.5 * height < gap < (0.6 if after.space_before else 0.45) * height


def _join_pieces(runs: list[Piece]) -> list[Piece]:
    """Join runs that stand side by side on one level with less than about a character between them."""
    rows: list[list[Piece]] = []
    for run in sorted(runs, key=lambda piece: -center_y(piece.box)):
        for row in reversed(rows[-12:]):
            height = min(row[0].box.height, run.box.height)
            if abs(center_y(row[0].box) - center_y(run.box)) < 0.35 * height:
                row.append(run)
                break
        else:
            rows.append([run])
    return [piece for row in rows for piece in _join_row(row)]


def _join_row(row: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for run in sorted(row, key=lambda piece: piece.box.left):
        last = joined[-1] if joined else None
        if last and run.box.left - last.box.right < 0.9 * min(last.size, run.size):
            joined[-1] = Piece(last.characters + run.characters, surround([last.box, run.box]))
        else:
            joined.append(run)
    return joined
