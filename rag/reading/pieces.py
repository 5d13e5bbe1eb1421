"""From characters to pieces: stretches of one line, horizontal or vertical, whatever order the file has them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.reading.characters import Character
from rag.reading.geometry import Box, center_x, center_y, surround, turn_box
from rag.reading.tables import Grid

_BLANK = 1.06  # ems: a gap wider than a full-width blank parts two pieces


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

    def __post_init__(self) -> None:
        sizes = sorted(c.box.width if self.vertical else c.box.height for c in self.characters)
        self.size = max(0.1, sizes[len(sizes) // 2]) if sizes else 10.0
        wide = sorted(c.box.height if self.vertical else c.box.width for c in self.characters if c.text > "\u3040")
        self.em = max(0.1, min(self.size, wide[len(wide) // 2])) if wide else self.size


def find_pieces(characters: Sequence[Character]) -> list[Piece]:
    """Return the pieces of a page, in no particular order."""
    vertical, rest = _take_vertical(characters)
    return join_pieces(_runs(rest)) + vertical


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


# --- vertical ---------------------------------------------------------------------------------------------------------


def _take_vertical(characters: Sequence[Character]) -> tuple[list[Piece], list[Character]]:
    """Split off vertical lines: three or more characters that follow each other downwards, and what stands among them."""
    seeds = [run for run in _split_runs(characters, _follows_down) if len(run) >= 3]
    if not seeds:
        return [], list(characters)
    taken = {id(c) for seed in seeds for c in seed}
    pieces = _join_columns([_vertical_piece(seed) for seed in seeds])
    return _absorb(pieces, [c for c in characters if id(c) not in taken])


def _split_runs(characters: Sequence[Character], follows: object) -> Iterator[list[Character]]:
    run = list(characters[:1])
    for before, after in pairwise(characters):
        if not follows(before, after):  # type: ignore[operator]
            yield run
            run = []
        run.append(after)
    yield run


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
    loose = [c for run in _runs(rest) if _may_stand_across(run) for c in run.characters]
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
    text = "".join(c.text for c in run.characters)
    return len(text) <= 2 or (len(text) <= 4 and text.isascii() and run.box.width < 1.6 * run.box.height)


def _in_line(character: Character, piece: Piece) -> bool:
    size = piece.size
    near_x = abs(center_x(character.box) - center_x(piece.box)) < 0.6 * size
    y = center_y(character.box)
    return near_x and character.size < 2 * size and piece.box.bottom - 1.6 * size < y < piece.box.top + 1.6 * size


# --- horizontal -------------------------------------------------------------------------------------------------------


def _runs(characters: Sequence[Character]) -> list[Piece]:
    """Return stretches that follow each other to the right in the order of the file."""
    runs = [run for run in _split_runs(characters, _follows_right) if run]
    return [Piece(run, surround([c.box for c in run])) for run in runs]


def _follows_right(before: Character, after: Character) -> bool:
    height = min(before.box.height, after.box.height)
    gap = after.box.left - before.box.right
    level = abs(center_y(before.box) - center_y(after.box)) < 0.3 * height
    return level and -0.5 * height < gap < (0.6 if after.space_before else 0.45) * height


def join_pieces(runs: list[Piece]) -> list[Piece]:
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
    return [piece for row in _put_raised(rows) for piece in _join_row(row)]


def _put_raised(rows: list[list[Piece]]) -> list[list[Piece]]:
    """Put small characters set higher or lower (注1, ², ※) into the row whose text they stand in."""
    result = [row for row in rows if len(row) > 1 or not _may_be_raised(row[0])]
    small = [row[0] for row in rows if len(row) == 1 and _may_be_raised(row[0])]
    tall = sorted(result, key=lambda row: -center_y(row[0].box))
    for run in small:
        home = next((row for row in tall if any(_is_raised(run, piece) for piece in row)), None)
        if home is None or any(_overlaps(run, piece) for piece in home):
            result.append([run])
        else:
            home.append(run)
    return result


def _may_be_raised(run: Piece) -> bool:
    return len(run.characters) <= 4


def _is_raised(run: Piece, piece: Piece) -> bool:
    """Tell whether a run is small, mostly level with a piece, and right beside it."""
    if run.size > 0.75 * piece.size or len(piece.characters) < 2:
        return False
    level = min(run.box.top, piece.box.top) - max(run.box.bottom, piece.box.bottom)
    gap = max(run.box.left - piece.box.right, piece.box.left - run.box.right)
    return level >= 0.5 * run.box.height and gap < 0.4 * piece.em


def _overlaps(run: Piece, piece: Piece) -> bool:
    return min(run.box.right, piece.box.right) - max(run.box.left, piece.box.left) > 0.3 * run.box.width


def _join_row(row: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for run in sorted(row, key=lambda piece: piece.box.left):
        last = joined[-1] if joined else None
        if last and run.box.left - last.box.right < _BLANK * min(last.em, run.em):
            joined[-1] = Piece(last.characters + run.characters, surround([last.box, run.box]))
        else:
            joined.append(run)
    return join_spread(joined)


def join_spread(row: list[Piece]) -> list[Piece]:
    """Join letters set apart in a row from the left (「申　込　期　間」): single characters that follow each other in even steps.

    Two of them make a word only where something else follows, farther off, or nothing else stands in the row.
    """
    result: list[Piece] = []
    index = 0
    while index < len(row):
        end = _spread_end(row, index)
        if end - index >= 3 or (end - index == 2 and (end < len(row) or len(row) == 2)):
            group = row[index:end]
            result.append(Piece([c for p in group for c in p.characters], surround([p.box for p in group])))
        else:
            result += row[index:end]
        index = end
    return result


def _spread_end(row: list[Piece], start: int) -> int:
    """Return where the even steps of single characters that begin at `start` end."""
    end, step = start + 1, 0.0
    while end < len(row) and _is_letter(row[end - 1]) and _is_letter(row[end]):
        gap = row[end].box.left - row[end - 1].box.right
        if gap > 4 * row[end].em or (step and not 0.6 < gap / step < 1.7):
            break
        step, end = gap, end + 1
    if end < len(row) and step and row[end].box.left - row[end - 1].box.right < step:
        return start + 1
    return end


def _is_letter(piece: Piece) -> bool:
    return len(piece.characters) == 1 and piece.characters[0].text.isalpha() and not piece.characters[0].text.isascii()
