"""Pieces of horizontal lines: runs of characters joined over small gaps, letters set apart, small characters set higher."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from rag.reading.characters import Character
from rag.reading.geometry import center_y, surround
from rag.reading.pieces import Piece

Follows = Callable[[Character, Character], bool]
_BLANK = 1.06  # ems: a gap wider than a full-width blank parts two pieces


def split_runs(characters: Sequence[Character], follows: Follows) -> Iterator[list[Character]]:
    """Yield stretches of characters each of which follows the one before it in the order of the file."""
    run = list(characters[:1])
    for before, after in pairwise(characters):
        if not follows(before, after):
            yield run
            run = []
        run.append(after)
    yield run


def find_runs(characters: Sequence[Character]) -> list[Piece]:
    """Return stretches that follow each other to the right in the order of the file."""
    runs = [run for run in split_runs(characters, _follows_right) if run]
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
