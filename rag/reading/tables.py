"""Ruled tables of a PDF page: from straight lines to a grid of cells, merged cells included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rag.reading.geometry import Box
from rag.reading.rules import Rule

_TOUCH = 2.5  # points: lines this close meet
_SAME = 2.0  # points: lines this close are one
_NARROW_COLUMN, _NARROW_ROW = 6.5, 4.5  # points: no text stands in less
_MAX_RULES = 1500


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a grid: rows [top, bottom) from the top and columns [left, right) from the left, and its box."""

    top: int
    bottom: int
    left: int
    right: int
    box: Box


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled area. Cells do not overlap; xs (from the left) and ys (from the top) are the lines of the finest division.

    owner: for each row and column of that division the index of its cell.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    cells: tuple[Cell, ...]
    owner: tuple[tuple[int, ...], ...]

    @property
    def box(self) -> Box:
        """The whole area."""
        return Box(self.xs[0], self.ys[-1], self.xs[-1], self.ys[0])

    @property
    def rows(self) -> int:
        """Rows of the finest division."""
        return len(self.ys) - 1

    @property
    def columns(self) -> int:
        """Columns of the finest division."""
        return len(self.xs) - 1

    def cell_at(self, x: float, y: float) -> int | None:
        """Return the index of the cell around a point; None outside."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[-1] <= y <= self.ys[0]):
            return None
        column = min(bisect_right(self.xs, x), self.columns) - 1
        row = min(bisect_right(self.ys, -y, key=lambda value: -value), self.rows) - 1
        return self.owner[row][column]

    @property
    def is_frame(self) -> bool:
        """Tell whether the lines only surround something: one cell, or less than a table of two by two divides."""
        return len(self.cells) < 2 or self.columns < 2


def find_grids(rules: Sequence[Rule]) -> list[Grid]:
    """Return the grids that lines form where they meet, larger ones first; frames of a single cell included."""
    if not 4 <= len(rules) <= _MAX_RULES:
        return []
    horizontal = _merge(rule for rule in rules if rule.horizontal)
    vertical = _merge(rule for rule in rules if not rule.horizontal)
    if len(horizontal) < 2 or len(vertical) < 2:
        return []
    grids = [_build_grid(h, v) for h, v in _connected(horizontal, vertical)]
    return sorted((grid for grid in grids if grid), key=lambda grid: -grid.box.width * grid.box.height)


def _merge(rules: Iterable[Rule]) -> list[Rule]:
    """Join collinear lines that touch or overlap."""
    merged: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.at / _SAME), rule.start)):
        last = merged[-1] if merged else None
        if last and abs(last.at - rule.at) <= _SAME and rule.start <= last.end + _TOUCH:
            merged[-1] = Rule(rule.horizontal, last.at, last.start, max(last.end, rule.end))
        else:
            merged.append(rule)
    return merged


def _connected(horizontal: list[Rule], vertical: list[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Return the groups of lines that meet each other, directly or through others."""
    h = np.array([(r.at, r.start - _TOUCH, r.end + _TOUCH) for r in horizontal])
    v = np.array([(r.at, r.start - _TOUCH, r.end + _TOUCH) for r in vertical])
    meets = (
        (h[:, None, 1] <= v[None, :, 0])
        & (v[None, :, 0] <= h[:, None, 2])
        & (v[None, :, 1] <= h[:, None, 0])
        & (h[:, None, 0] <= v[None, :, 2])
    )
    groups, left = [], set(range(len(horizontal)))
    while left:
        rows = {left.pop()}
        columns: Any = np.zeros(len(vertical), bool)
        while True:
            columns = meets[list(rows)].any(axis=0)
            grown = set(np.flatnonzero(meets[:, columns].any(axis=1)).tolist()) if columns.any() else set()
            if grown <= rows:
                break
            rows |= grown
        left -= rows
        groups.append(([horizontal[i] for i in rows], [vertical[i] for i in np.flatnonzero(columns)]))
    return [(rows, columns) for rows, columns in groups if len(rows) >= 2 and len(columns) >= 2]


def _positions(values: Iterable[float], narrow: float) -> list[float]:
    """Return sorted positions, the middle of those that stand closer than any text fits between (double lines, edges of fills)."""
    found: list[list[float]] = []
    for value in sorted(values):
        if found and value - found[-1][0] <= narrow:
            found[-1].append(value)
        else:
            found.append([value])
    return [(group[0] + group[-1]) / 2 for group in found]


def _open_sides(xs: list[float], horizontal: list[Rule]) -> list[float]:
    """Add the left and right side of a table that is ruled across but open at its sides."""
    starts, ends = sorted(rule.start for rule in horizontal), sorted(rule.end for rule in horizontal)
    left, right = starts[len(starts) // 3], ends[-1 - len(ends) // 3]
    return [left] * (left < xs[0] - 4 * _TOUCH) + xs + [right] * (right > xs[-1] + 4 * _TOUCH)


def _build_grid(horizontal: list[Rule], vertical: list[Rule]) -> Grid | None:
    xs = _open_sides(_positions((rule.at for rule in vertical), _NARROW_COLUMN), horizontal)
    ys = _positions((rule.at for rule in horizontal), _NARROW_ROW)[::-1]
    if len(xs) < 2 or len(ys) < 2:
        return None
    labels, owner = np.unique(_join_cells(xs, ys, horizontal, vertical), return_inverse=True)
    cells = [_cell(owner == index, xs, ys) for index in range(len(labels))]
    return Grid(tuple(xs), tuple(ys), tuple(cells), tuple(map(tuple, owner.tolist())))


def _cell(mask: np.ndarray, xs: list[float], ys: list[float]) -> Cell:
    rows, columns = np.nonzero(mask)
    top, bottom, left, right = int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
    return Cell(top, bottom, left, right, Box(xs[left], ys[bottom], xs[right], ys[top]))


def _join_cells(xs: list[float], ys: list[float], horizontal: list[Rule], vertical: list[Rule]) -> np.ndarray:
    """Return for each elementary rectangle (rows × columns) the number of the cell that it belongs to."""
    rows, columns = len(ys) - 1, len(xs) - 1
    owner = np.arange(rows * columns).reshape(rows, columns)
    for j in range(1, columns):
        lines = [rule for rule in vertical if abs(rule.at - xs[j]) <= _NARROW_COLUMN / 2 + 0.1]
        for i, (top, bottom) in enumerate(pairwise(ys)):
            if not _covered(lines, bottom, top):
                owner[owner == owner[i, j]] = owner[i, j - 1]
    for i in range(1, rows):
        lines = [rule for rule in horizontal if abs(rule.at - ys[i]) <= _NARROW_ROW / 2 + 0.1]
        for j, (left, right) in enumerate(pairwise(xs)):
            if not _covered(lines, left, right):
                owner[owner == owner[i, j]] = owner[i - 1, j]
    return owner


def _covered(lines: list[Rule], start: float, end: float) -> bool:
    """Tell whether collinear lines run along most of [start, end]."""
    covered = sum(max(0.0, min(line.end, end) - max(line.start, start)) for line in lines)
    return covered >= 0.6 * (end - start)
