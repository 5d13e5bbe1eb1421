"""Reading order of a page, from the boxes of its characters alone.

Characters -> pieces (a stretch of one line) -> regions (columns, frames, tables) -> lines in reading order. The order in the
file and PDFium's own are not trusted: both are wrong on real bulletins. Regions are found by recursive cuts: a gutter that no
line crosses divides columns, lines that cross it divide the page into bands. Text that runs downwards is turned first, and
then read in the same way: its tiers are columns, its lines are rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.reading.aligned import TextColumns, find_aligned
from rag.reading.cell_text import is_running
from rag.reading.characters import Character
from rag.reading.geometry import Box, center_x, center_y, surround
from rag.reading.horizontal import join_spread
from rag.reading.lines import Line, Table
from rag.reading.pdf_rows import read_table
from rag.reading.pieces import Piece
from rag.reading.tables import Grid
from rag.reading.upright import arrange, group_upright, turn_block

_MIN_GUTTER = 1.0  # in character sizes
_MAX_CROSSING = 0.34  # share of a region's pieces that may cross a gutter (titles above two columns)
_MIN_FILLED = 0.15  # share of the cells of a table
_MOSTLY = 0.6  # share of characters from which on a region counts as written downwards


def read_region(pieces: Sequence[Piece], grids: Sequence[Grid]) -> list[Line | Table]:
    """Return the lines and tables of a region in reading order."""
    return _read(put_into_grids(list(pieces), grids))


# --- grids ------------------------------------------------------------------------------------------------------------


def _contains(outer: Box, inner: Box) -> bool:
    x, y = center_x(inner), center_y(inner)
    return outer.left <= x <= outer.right and outer.bottom <= y <= outer.top


def put_into_grids(pieces: list[Piece], grids: Sequence[Grid]) -> list[Piece]:
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
        if piece.inside or not _contains(grid.box, piece.box):
            result.append(piece)
        else:
            result.extend(_cut(piece, grid))
    return result


def _cut(piece: Piece, grid: Grid) -> list[Piece]:
    parts: list[tuple[int | None, list[Character]]] = []
    for character in piece.characters:
        cell = grid.cell_at(center_x(character.box), center_y(character.box))
        if parts and parts[-1][0] == cell:
            parts[-1][1].append(character)
        else:
            parts.append((cell, [character]))
    return [Piece(characters, surround([c.box for c in characters]), piece.vertical) for _, characters in parts]


def _read_grid(piece: Piece) -> list[Line | Table]:
    grid = piece.grid
    if grid is None or grid.is_frame:  # an upright block, or a box
        return _read(piece.inside)
    held: dict[int | None, list[Piece]] = {}
    for inner in piece.inside:
        held.setdefault(grid.cell_at(center_x(inner.box), center_y(inner.box)), []).append(inner)
    if len(held) < 2:
        return _read(piece.inside)
    table = read_table(grid, [(cell, _flatten(_read(held.get(i, [])))) for i, cell in enumerate(grid.cells)])
    filled = sum(1 for _, lines in table.cells if lines)
    if (table.grid.rows == 1 and len(piece.inside) > 3 * len(held)) or filled < _MIN_FILLED * len(table.cells):
        return _read(piece.inside)  # a frame with a text, or the lines of a chart
    return [table]


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
    """Order a region with vertical lines: blocks of them are areas of their own, each turned and read by itself."""
    flat = [piece for piece in pieces if not piece.vertical]
    blocks = [turn_block(group) for group in group_upright(upright)]
    written = sum(len(p.characters) for p in upright)
    if written >= _MOSTLY * (written + sum(_count(p) for p in flat)):
        return [item for group in arrange(blocks, flat) for item in _read_block(group)]
    items: list[Line | Table] = []
    blocks.sort(key=lambda block: (-round(block.box.top / 40), -block.box.right))
    level = {id(p): next((i for i, b in enumerate(blocks) if p.box.top >= b.box.top), len(blocks)) for p in flat}
    for index in range(len(blocks) + 1):
        items += _read([p for p in flat if level[id(p)] == index])
        items += _read_block(blocks[index : index + 1])
    return items


def _count(piece: Piece) -> int:
    return len(piece.characters) + sum(_count(inner) for inner in piece.inside)


def _read_block(group: list[Piece]) -> list[Line | Table]:
    """Read one upright block, or a group of horizontal pieces."""
    if len(group) == 1 and group[0].inside and group[0].grid is None:
        items = _read(group[0].inside)
        for item in items:
            if isinstance(item, Line):
                item.vertical = True
        return items
    return _read(group)


def _find_gutter(pieces: list[Piece]) -> float | None:
    """Return the x of the best gutter: crossed by the fewest pieces, then the widest; None where the region has none.

    A gutter is at least a character wide, and has two pieces or more on each side.
    """
    size = sorted(piece.em for piece in pieces)[len(pieces) // 2]
    edges = sorted({piece.box.right for piece in pieces})
    best: tuple[int, float, float] | None = None
    for edge in edges[:-1]:
        right = min((p.box.left for p in pieces if p.box.left > edge), default=edge)
        width = right - edge
        if width < _MIN_GUTTER * size:
            continue
        x = edge + width / 2
        crossing = sum(p.box.left < x < p.box.right for p in pieces)
        sides = (
            sum(len(p.inside) or 1 for p in pieces if p.box.right <= x),
            sum(len(p.inside) or 1 for p in pieces if p.box.left >= x),
        )
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
        elif _is_above(right, left):
            items += _read(right, column) + _read(left, column)
        elif _in_rows(left, right):
            items += _read_rows(band, column)
        else:
            items += _read(left, sides[0]) + _read(right, sides[1])
    return items


def _is_above(upper: list[Piece], lower: list[Piece]) -> bool:
    """Tell whether all of one side stands above all of the other, as a title does that is set at the right."""
    return min(p.box.bottom for p in upper) >= max(p.box.top for p in lower) - 1


def _columns(pieces: list[Piece], gutter: float) -> tuple[Box, Box]:
    left = [piece.box for piece in pieces if piece.box.right <= gutter]
    right = [piece.box for piece in pieces if piece.box.left >= gutter]
    return surround(left), surround(right)


def _in_rows(left: list[Piece], right: list[Piece]) -> bool:
    """Tell whether two sides are read across, as labels and values are: level with each other, one side in short pieces."""
    left, right = [p for p in left if not p.inside], [p for p in right if not p.inside]
    if not left or not right:
        return False
    if is_running([p.text for p in left]) and is_running([p.text for p in right]):
        return False
    level = sum(any(abs(center_y(a.box) - center_y(b.box)) < 0.4 * a.size for b in right) for a in left)
    level_right = sum(any(abs(center_y(a.box) - center_y(b.box)) < 0.4 * a.size for b in left) for a in right)
    share = max(level / len(left), level_right / len(right))
    return share >= 0.7 and min(_fill(left), _fill(right)) < 0.7


def _fill(pieces: list[Piece]) -> float:
    """Return how much of the column's width its median piece takes, and never full for pieces of under eight characters."""
    width = max(surround([p.box for p in pieces]).width, 1.0)
    shares = sorted(p.box.width / width for p in pieces)
    lengths = sorted(len(p.characters) for p in pieces)
    return 0.0 if lengths[len(lengths) // 2] < 8 else shares[len(shares) // 2]


def _read_rows(pieces: list[Piece], column: Box) -> list[Line | Table]:
    """Read a region across: pieces on one level make one line; lines whose pieces stand in columns make a table."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-center_y(p.box), p.box.left)):
        last = rows[-1][0] if rows else None
        level = last is not None and abs(center_y(last.box) - center_y(piece.box)) < 0.5 * min(last.size, piece.size)
        if last and level and not piece.inside and not last.inside:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    rows = [join_spread(sorted(row, key=lambda p: p.box.left)) for row in rows]
    items: list[Line | Table] = []
    for found in find_aligned(rows):
        if isinstance(found, Table):
            items.append(found)
        elif isinstance(found, TextColumns):
            for part in found.columns:
                items += _read(part)
        else:
            items += _read_grid(found[0]) if found[0].inside else [Line(found, column)]
    return items
