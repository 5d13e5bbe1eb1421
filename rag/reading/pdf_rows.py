"""Rows of ruled tables where lines divide less than the text does: several rows between two lines, lines in some columns only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.reading.cell_text import is_numeric
from rag.reading.geometry import Box, center_y
from rag.reading.lines import Line, Table
from rag.reading.tables import Cell, Grid


def read_table(grid: Grid, cells: list[tuple[Cell, list[Line]]]) -> Table:
    """Return a ruled table; a ruled row that holds several rows of entries, level with each other, is divided into them."""
    cells = _split_merged(grid, cells)
    cuts = {row: levels for row in range(grid.rows) if len(levels := _levels(row, cells)) > 1}
    return _divide(grid, cells, cuts) if cuts else Table(grid, cells)


def _split_merged(grid: Grid, cells: list[tuple[Cell, list[Line]]]) -> list[tuple[Cell, list[Line]]]:
    """Split cells over several rows that hold an entry in each of them: lines are drawn in some columns only."""
    split = [(cell, lines) for cell, lines in cells if _has_entry_in_each_row(grid, cell, lines)]
    if len(split) < 2:
        return cells
    chosen = {id(cell) for cell, _ in split}
    result: list[tuple[Cell, list[Line]]] = []
    for cell, lines in cells:
        if id(cell) not in chosen:
            result.append((cell, lines))
            continue
        for row in range(cell.top, cell.bottom):
            box = Box(cell.box.left, grid.ys[row + 1], cell.box.right, grid.ys[row])
            own = [line for line in lines if box.bottom <= center_y(line.box) < box.top]
            result.append((Cell(row, row + 1, cell.left, cell.right, box), own))
    return result


def _has_entry_in_each_row(grid: Grid, cell: Cell, lines: Sequence[Line]) -> bool:
    rows = cell.bottom - cell.top
    if rows < 3 or len(lines) < 0.7 * rows or not _are_entries(cell, lines) or any(line.vertical for line in lines):
        return False
    held = [
        sum(grid.ys[r + 1] <= center_y(line.box) < grid.ys[r] for line in lines) for r in range(cell.top, cell.bottom)
    ]
    return sum(count == 1 for count in held) >= 0.7 * rows


def _levels(row: int, cells: list[tuple[Cell, list[Line]]]) -> list[float]:
    """Return the heights of the rows in a ruled row: those at which two cells or more have an entry; one where it is no list."""
    own = [(cell, lines) for cell, lines in cells if cell.top == row and cell.bottom == row + 1 and lines]
    if any(line.vertical for _, lines in own for line in lines):
        return []
    lists = [lines for cell, lines in own if len(lines) >= 2 and _are_entries(cell, lines)]
    if len(lists) < 2:
        return []
    longest = max(lists, key=len)
    levels = [center_y(line.box) for line in longest]
    shared = [y for y in levels if sum(_has_level(lines, y) for lines in lists) >= 2]
    numeric = sum(all(is_numeric(line.text) for line in lines) for lines in lists)
    enough = len(shared) >= 0.7 * len(levels) and (len(levels) >= 3 or numeric >= 1)
    return levels if enough else []


def _has_level(lines: Sequence[Line], y: float) -> bool:
    return any(abs(center_y(line.box) - y) < 0.4 * line.size for line in lines)


def _are_entries(cell: Cell, lines: Sequence[Line]) -> bool:
    """Tell entries from the lines of a text: numbers, or lines of which most are short in their cell."""
    if sum(is_numeric(line.text) for line in lines) >= 0.7 * len(lines):
        return True
    padding = max(0.0, min(line.box.left for line in lines) - cell.box.left)
    room = cell.box.width - 2 * padding
    short = sum(line.box.width < min(0.75 * cell.box.width, room - line.pieces[0].em) for line in lines[:-1])
    return short >= 0.7 * (len(lines) - 1)


def _divide(grid: Grid, cells: list[tuple[Cell, list[Line]]], cuts: dict[int, list[float]]) -> Table:
    ys: list[float] = [grid.ys[0]]
    first: dict[int, int] = {}
    for row in range(grid.rows):
        first[row] = len(ys) - 1
        levels = cuts.get(row, [])
        ys += [(a + b) / 2 for a, b in pairwise(levels)] + [grid.ys[row + 1]]
    first[grid.rows] = len(ys) - 1
    divided: list[tuple[Cell, list[Line]]] = []
    for cell, lines in cells:
        divided += _divide_cell(cell, lines, cuts.get(cell.top, []), first, ys)
    owner = [[0] * grid.columns for _ in range(len(ys) - 1)]
    for index, (cell, _) in enumerate(divided):
        for i in range(cell.top, cell.bottom):
            owner[i][cell.left : cell.right] = [index] * (cell.right - cell.left)
    finer = Grid(grid.xs, tuple(ys), tuple(cell for cell, _ in divided), tuple(map(tuple, owner)))
    return Table(finer, divided)


def _divide_cell(
    cell: Cell, lines: list[Line], levels: list[float], first: dict[int, int], ys: list[float]
) -> Iterator[tuple[Cell, list[Line]]]:
    """Yield a cell of the finer grid, or its parts: the lines of each level. A cell of one line stays merged over the rows."""
    top, bottom = first[cell.top], first[cell.bottom]
    if not levels or cell.bottom > cell.top + 1 or len(lines) < 2:
        yield Cell(top, bottom, cell.left, cell.right, cell.box), lines
        return
    parts: list[list[Line]] = [[] for _ in levels]
    for line in lines:
        nearest = min(range(len(levels)), key=lambda i: abs(levels[i] - center_y(line.box)))
        parts[nearest].append(line)
    for offset, part in enumerate(parts):
        box = Box(cell.box.left, ys[top + offset + 1], cell.box.right, ys[top + offset])
        yield Cell(top + offset, top + offset + 1, cell.left, cell.right, box), part
