"""Reading order of a page, from the boxes of its characters alone.

Characters -> pieces (a stretch of one line) -> regions (columns, frames, tables) -> lines in reading order. The order in the
file and PDFium's own are not trusted: both are wrong on real bulletins. Regions are found by recursive cuts: a gutter that no
line crosses divides columns, lines that cross it divide the page into bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.reading.characters import Box, Character
from rag.reading.tables import Cell, Grid

_MIN_GUTTER = 1.0  # in character sizes
_MAX_CROSSING = 0.34  # share of a region's pieces that may cross a gutter (titles above two columns)


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


@dataclass(slots=True)
class Line:
    """The pieces of one line in reading order, and the column that it stands in."""

    pieces: list[Piece]
    column: Box

    @property
    def box(self) -> Box:
        """The box around all pieces."""
        return surround([piece.box for piece in self.pieces])

    @property
    def size(self) -> float:
        """Size of the longest piece."""
        return max(self.pieces, key=lambda piece: len(piece.characters)).size

    @property
    def vertical(self) -> bool:
        """Tell whether the line runs from top to bottom."""
        return self.pieces[0].vertical


@dataclass(slots=True)
class Table:
    """A ruled table: for each cell its lines in reading order."""

    grid: Grid
    cells: list[tuple[Cell, list[Line]]]


def surround(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around some."""
    return Box(
        min(b.left for b in boxes), min(b.bottom for b in boxes), max(b.right for b in boxes), max(b.top for b in boxes)
    )


def order_page(characters: Sequence[Character], grids: Sequence[Grid]) -> list[Line | Table]:
    """Return the lines and tables of a page in reading order."""
    vertical, rest = _take_vertical(characters)
    pieces = _join_pieces(_runs(rest)) + vertical
    return _read(_put_into_grids(pieces, grids))


# --- pieces -----------------------------------------------------------------------------------------------------------


def _center_y(box: Box) -> float:
    return (box.bottom + box.top) / 2


def _center_x(box: Box) -> float:
    return (box.left + box.right) / 2


def _take_vertical(characters: Sequence[Character]) -> tuple[list[Piece], list[Character]]:
    """Split off vertical lines: three or more characters that follow each other downwards, and what stands among them."""
    seeds, run = [], list(characters[:1])
    for before, after in zip(characters, characters[1:], strict=False):
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
    step = _center_y(before.box) - _center_y(after.box)
    same_column = abs(_center_x(before.box) - _center_x(after.box)) < 0.3 * size
    return same_column and 0.4 * size < step < 1.9 * max(before.box.width, after.box.width)


def _vertical_piece(characters: list[Character]) -> Piece:
    ordered = sorted(characters, key=lambda c: -_center_y(c.box))
    return Piece(ordered, surround([c.box for c in ordered]), vertical=True)


def _join_vertical(pieces: list[Piece]) -> list[Piece]:
    """Join vertical pieces that continue each other in one column of characters."""
    joined: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: (-_center_x(p.box), -p.box.top)):
        for index, other in enumerate(joined):
            gap = other.box.bottom - piece.box.top
            if (
                abs(_center_x(other.box) - _center_x(piece.box)) < 0.4 * piece.size
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
    near_x = abs(_center_x(character.box) - _center_x(piece.box)) < 0.6 * size
    y = _center_y(character.box)
    return near_x and character.size < 2 * size and piece.box.bottom - 1.1 * size < y < piece.box.top + 1.1 * size


def _order_across(piece: Piece) -> Piece:
    """Order the characters of a vertical line; those side by side (縦中横) from left to right."""
    ordered: list[Character] = []
    for character in piece.characters:
        last = ordered[-1] if ordered else None
        beside = last and abs(_center_y(last.box) - _center_y(character.box)) < 0.35 * piece.size
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
    level = abs(_center_y(before.box) - _center_y(after.box)) < 0.3 * height
    return level and -0.5 * height < gap < (0.6 if after.space_before else 0.45) * height


def _join_pieces(runs: list[Piece]) -> list[Piece]:
    """Join runs that stand side by side on one level with less than about a character between them."""
    rows: list[list[Piece]] = []
    for run in sorted(runs, key=lambda piece: -_center_y(piece.box)):
        for row in reversed(rows[-12:]):
            height = min(row[0].box.height, run.box.height)
            if abs(_center_y(row[0].box) - _center_y(run.box)) < 0.35 * height:
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


# --- grids ------------------------------------------------------------------------------------------------------------


def _contains(outer: Box, inner: Box) -> bool:
    x, y = _center_x(inner), _center_y(inner)
    return outer.left <= x <= outer.right and outer.bottom <= y <= outer.top


def _put_into_grids(pieces: list[Piece], grids: Sequence[Grid]) -> list[Piece]:
    """Return the pieces outside of all grids, and one piece for each grid that holds text."""
    for grid in sorted(grids, key=lambda grid: grid.box.width * grid.box.height):
        pieces = _split_at_columns(pieces, grid)
        inside = [piece for piece in pieces if _contains(grid.box, piece.box)]
        if inside and not (grid.is_frame and len(inside) == len(pieces)):
            outside = [piece for piece in pieces if not _contains(grid.box, piece.box)]
            pieces = [*outside, Piece([], grid.box, grid=grid, inside=inside)]
    return pieces


def _split_at_columns(pieces: list[Piece], grid: Grid) -> list[Piece]:
    """Cut pieces that run over a ruled line between two cells."""
    if grid.is_frame:
        return pieces
    result = []
    for piece in pieces:
        if piece.grid or piece.vertical or not _contains(grid.box, piece.box):
            result.append(piece)
        else:
            result.extend(_cut(piece, grid))
    return result


def _cut(piece: Piece, grid: Grid) -> list[Piece]:
    parts: list[tuple[int | None, list[Character]]] = []
    for character in piece.characters:
        cell = grid.cell_at(_center_x(character.box), _center_y(character.box))
        if parts and parts[-1][0] == cell:
            parts[-1][1].append(character)
        else:
            parts.append((cell, [character]))
    return [Piece(characters, surround([c.box for c in characters])) for _, characters in parts]


def _read_grid(piece: Piece) -> list[Line | Table]:
    grid = piece.grid
    assert grid is not None
    if grid.is_frame:
        return _read(piece.inside)
    held: dict[int | None, list[Piece]] = {}
    for inner in piece.inside:
        held.setdefault(grid.cell_at(_center_x(inner.box), _center_y(inner.box)), []).append(inner)
    if len(held) < 2 or (grid.rows == 1 and len(piece.inside) > 3 * len(held)):
        return _read(piece.inside)
    cells = [(cell, _flatten(_read(held.get(index, [])))) for index, cell in enumerate(grid.cells)]
    return [Table(grid, cells)]


def _flatten(items: list[Line | Table]) -> list[Line]:
    """Return the lines of a cell; a table within a cell gives its cells' lines in order."""
    lines: list[Line] = []
    for item in items:
        lines.extend([item] if isinstance(item, Line) else [line for _, cell in item.cells for line in cell])
    return lines


# --- regions ----------------------------------------------------------------------------------------------------------


def _read(pieces: list[Piece], column: Box | None = None) -> list[Line | Table]:
    """Order one region: cut it into bands and columns, or read it line by line. column: what its lines could fill."""
    if not pieces:
        return []
    column = column or surround([piece.box for piece in pieces])
    upright = [piece for piece in pieces if piece.vertical]
    if upright:
        return _read_mixed(pieces, upright)
    gutter = _find_gutter(pieces)
    return _read_rows(pieces, column) if gutter is None else _read_bands(pieces, gutter, column)


def _read_mixed(pieces: list[Piece], upright: list[Piece]) -> list[Line | Table]:
    """Order a region with vertical lines: groups of them are read from the right, at the level where they begin."""
    groups = _group_upright(upright)
    flat = [piece for piece in pieces if not piece.vertical]
    blocks: list[tuple[Box, list[Piece]]] = [(surround([p.box for p in group]), group) for group in groups]
    above = {id(p): next((i for i, (box, _) in enumerate(blocks) if p.box.top >= box.top), len(blocks)) for p in flat}
    items: list[Line | Table] = []
    for index in range(len(blocks) + 1):
        items += _read([p for p in flat if above[id(p)] == index])
        if index < len(blocks):
            box, group = blocks[index]
            items += [Line([p], box) for p in sorted(group, key=_from_the_right)]
    return items


def _from_the_right(piece: Piece) -> tuple[int, float]:
    return -round(_center_x(piece.box) / (0.8 * piece.size)), -piece.box.top


def _group_upright(upright: list[Piece]) -> list[list[Piece]]:
    """Group vertical lines into blocks: neighbours whose extents from top to bottom overlap; from the top, then the right."""
    groups: list[list[Piece]] = []
    for piece in sorted(upright, key=lambda p: -_center_x(p.box)):
        for group in groups:
            last = group[-1]
            overlap = min(last.box.top, piece.box.top) - max(last.box.bottom, piece.box.bottom)
            near = last.box.left - piece.box.right < 2.5 * max(last.size, piece.size)
            alike = 0.6 < last.size / piece.size < 1.6
            if near and alike and overlap > 0.3 * min(last.box.height, piece.box.height):
                group.append(piece)
                break
        else:
            groups.append([piece])
    return sorted(groups, key=lambda g: (-round(surround([p.box for p in g]).top / 40), -g[0].box.right))


def _find_gutter(pieces: list[Piece]) -> float | None:
    """Return the x of the best gutter: crossed by the fewest pieces, then the widest; None where the region has none.

    A gutter is at least a character wide, and has two pieces or more on each side.
    """
    size = sorted(piece.size for piece in pieces)[len(pieces) // 2]
    edges = sorted({piece.box.right for piece in pieces})
    best: tuple[int, float, float] | None = None
    for edge in edges[:-1]:
        right = min((p.box.left for p in pieces if p.box.left > edge), default=edge)
        width = right - edge
        if width < _MIN_GUTTER * size:
            continue
        x = edge + width / 2
        crossing = sum(p.box.left < x < p.box.right for p in pieces)
        sides = sum(p.box.right <= x for p in pieces), sum(p.box.left >= x for p in pieces)
        if min(sides) >= 2 and crossing <= _MAX_CROSSING * len(pieces):
            candidate = (crossing, -width, x)
            best = min(best, candidate) if best else candidate
    return best[2] if best else None


def _read_bands(pieces: list[Piece], gutter: float, column: Box) -> list[Line | Table]:
    """Cut at the lines that cross the gutter; between them read the left column, then the right, unless rows are level."""
    bands: list[tuple[bool, list[Piece]]] = []
    for piece in sorted(pieces, key=lambda p: (-p.box.top, p.box.left)):
        crosses = piece.box.left < gutter < piece.box.right
        if bands and bands[-1][0] == crosses:
            bands[-1][1].append(piece)
        else:
            bands.append((crosses, [piece]))
    sides = _columns(pieces, gutter)
    items: list[Line | Table] = []
    for crosses, band in bands:
        left, right = [p for p in band if p.box.right <= gutter], [p for p in band if p.box.left >= gutter]
        if crosses:
            items += _read_rows(band, column) if len(bands) == 1 else _read(band, column)
        elif not left or not right:
            items += _read(band, column)
        elif _in_rows(left, right):
            items += _read_rows(band, column)
        else:
            items += _read(left, sides[0]) + _read(right, sides[1])
    return items


def _columns(pieces: list[Piece], gutter: float) -> tuple[Box, Box]:
    left = [piece.box for piece in pieces if piece.box.right <= gutter]
    right = [piece.box for piece in pieces if piece.box.left >= gutter]
    return surround(left), surround(right)


def _in_rows(left: list[Piece], right: list[Piece]) -> bool:
    """Tell whether two sides are read across, as labels and values are: level with each other, one side in short pieces."""
    level = sum(any(abs(_center_y(a.box) - _center_y(b.box)) < 0.4 * a.size for b in right) for a in left)
    level_right = sum(any(abs(_center_y(a.box) - _center_y(b.box)) < 0.4 * a.size for b in left) for a in right)
    share = max(level / len(left), level_right / len(right))
    return share >= 0.7 and min(_fill(left), _fill(right)) < 0.7


def _fill(pieces: list[Piece]) -> float:
    """Return how much of the column's width its median piece takes, and never full for pieces of under twelve characters."""
    width = max(surround([p.box for p in pieces]).width, 1.0)
    shares = sorted(p.box.width / width for p in pieces)
    lengths = sorted(len(p.characters) for p in pieces)
    return 0.0 if lengths[len(lengths) // 2] < 12 else shares[len(shares) // 2]


def _read_rows(pieces: list[Piece], column: Box) -> list[Line | Table]:
    """Read a region across: pieces on one level make one line."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-_center_y(p.box), p.box.left)):
        last = rows[-1][0] if rows else None
        level = last is not None and abs(_center_y(last.box) - _center_y(piece.box)) < 0.5 * min(last.size, piece.size)
        if last and level and not piece.grid and not last.grid:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    items: list[Line | Table] = []
    for row in rows:
        row.sort(key=lambda p: p.box.left)
        items += _read_grid(row[0]) if row[0].grid else [Line(row, column)]
    return items
