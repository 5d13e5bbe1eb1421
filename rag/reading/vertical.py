"""Pieces of a page: vertical lines first, with what stands among their characters, then the horizontal rest."""

from __future__ import annotations

from collections.abc import Sequence

from rag.reading.characters import Character
from rag.reading.geometry import center_x, center_y, surround
from rag.reading.horizontal import find_runs, join_pieces, split_runs
from rag.reading.pieces import Piece


def find_pieces(characters: Sequence[Character]) -> list[Piece]:
    """Return the pieces of a page, in no particular order."""
    vertical, rest = _take_vertical(characters)
    return join_pieces(find_runs(rest)) + vertical


def _take_vertical(characters: Sequence[Character]) -> tuple[list[Piece], list[Character]]:
    """Split off vertical lines: three or more characters that follow each other downwards, and what stands among them."""
    seeds = [run for run in split_runs(characters, _follows_down) if len(run) >= 3]
    if not seeds:
        return [], list(characters)
    taken = {id(c) for seed in seeds for c in seed}
    pieces = _join_columns([_vertical_piece(seed) for seed in seeds])
    return _absorb(pieces, [c for c in characters if id(c) not in taken])


def _follows_down(before: Character, after: Character) -> bool:
    if after.box.left >= before.box.right or after.box.bottom >= before.box.bottom:
        return False
    size = max(before.box.width, after.box.width)
    gap = before.box.bottom - after.box.top
    same_column = abs(center_x(before.box) - center_x(after.box)) < 0.3 * min(before.box.width, after.box.width)
    lower = center_y(before.box) - center_y(after.box) > 0.2 * size
    return same_column and lower and -0.6 * size < gap < 0.9 * size


def _vertical_piece(characters: list[Character]) -> Piece:
    ordered = sorted(characters, key=lambda c: -center_y(c.box))
    return Piece(ordered, surround([c.box for c in ordered]), vertical=True)


def _join_columns(pieces: list[Piece]) -> list[Piece]:
    """Join vertical pieces that continue each other in one column of characters with less than a character between them."""
    columns: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: -len(p.characters)):
        for column in columns:
            if abs(center_x(column[0].box) - center_x(piece.box)) < 0.4 * max(column[0].size, piece.size):
                column.append(piece)
                break
        else:
            columns.append([piece])
    return [piece for column in columns for piece in _join_column(column)]


def _join_column(column: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in sorted(column, key=lambda p: -p.box.top):
        last = joined[-1] if joined else None
        if last and last.box.bottom - piece.box.top < 1.3 * min(last.size, piece.size) and _alike(last, piece):
            joined[-1] = _vertical_piece(last.characters + piece.characters)
        else:
            joined.append(piece)
    return joined


def _alike(a: Piece, b: Piece) -> bool:
    return 0.55 < a.size / b.size < 1.8


def _absorb(pieces: list[Piece], rest: list[Character]) -> tuple[list[Piece], list[Character]]:
    """Put single characters (digits set across, marks, what a gap cut off) that stand in a vertical line back into it.

    Characters of longer horizontal stretches stay where they are.
    """
    loose = [c for run in find_runs(rest) if _may_stand_across(run) for c in run.characters]
    _take_in(pieces, loose)
    alone = [c for c in loose if any(_is_beside(c, piece) for piece in pieces)]
    pieces += [_vertical_piece([c]) for c in alone]
    _take_in(pieces, [c for c in loose if c not in alone])
    taken = {id(c) for piece in pieces for c in piece.characters}
    return _join_columns(pieces), [c for c in rest if id(c) not in taken]


def _take_in(pieces: list[Piece], loose: list[Character]) -> None:
    """Move the characters that stand in a vertical line from `loose` into its piece, again and again while lines grow."""
    grown = True
    while grown and loose:
        grown = False
        for character in list(loose):
            index = next((i for i, piece in enumerate(pieces) if _in_line(character, piece)), None)
            if index is not None:
                pieces[index] = _vertical_piece([*pieces[index].characters, character])
                loose.remove(character)
                grown = True


def _is_beside(character: Character, piece: Piece) -> bool:
    """Tell whether a character that is alone in its column stands on the left of a vertical line, level with its beginning."""
    size, gap = piece.size, piece.box.left - character.box.right
    level = abs(character.box.top - piece.box.top) < 1.2 * size
    return level and -0.1 * size < gap < 1.6 * size and 0.7 < character.size / size < 1.4 and len(piece.characters) >= 4


def _may_stand_across(run: Piece) -> bool:
    text = run.text
    return len(text) <= 2 or (len(text) <= 4 and text.isascii() and run.box.width < 1.6 * run.box.height)


def _in_line(character: Character, piece: Piece) -> bool:
    size = piece.size
    near_x = abs(center_x(character.box) - center_x(piece.box)) < 0.6 * size
    y = center_y(character.box)
    return near_x and character.size < 2 * size and piece.box.bottom - 1.6 * size < y < piece.box.top + 1.6 * size
