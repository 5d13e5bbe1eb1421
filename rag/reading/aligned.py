"""Rows whose pieces stand in columns without lines: a table, or text set in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.reading.cell_text import is_numeric, is_running
from rag.reading.geometry import Box, center_y, surround
from rag.reading.lines import Line, Table
from rag.reading.pieces import Piece
from rag.reading.tables import Cell, Grid

_MIN_ROWS = 3
_MAX_PITCH = 3.0  # in character sizes: rows of one table follow each other closer than this
_LONG = 18  # characters: columns whose text is typically longer are columns of a page, not of a table
_CONTENTS = re.compile(r"[.．・…‥･]{3,}")
_LINE = 8  # characters: columns of a text are at least this wide


@dataclass(slots=True)
class _Run:
    """Rows that follow each other, and the columns that their pieces stand in: (left, right), from the left."""

    rows: list[list[Piece]]
    columns: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Text set in columns: the pieces of each, from the left."""

    columns: list[list[Piece]]


def find_aligned(rows: list[list[Piece]]) -> Iterator[Table | TextColumns | list[Piece]]:
    """Yield the rows of a region in order, those that stand in columns together as a table, or as columns of text."""
    place = 0
    candidates = [_is_candidate(row) for row in rows]
    while place < len(rows):
        run = _grow(rows, place, candidates)
        if run is not None and _is_table(run):
            yield _build_table(run)
            place += len(run.rows)
        elif run is not None and _is_text(run):
            yield TextColumns([_pieces_of(run, column) for column in run.columns])
            place += len(run.rows)
        else:
            yield rows[place]
            place += 1


def _grow(rows: list[list[Piece]], first: int, candidates: Sequence[bool]) -> _Run | None:
    """Return the longest run of rows from `first` on that keep to common columns."""
    if not candidates[first] or len(rows[first]) < 2:
        return None
    run = _Run([rows[first]], [(p.box.left, p.box.right) for p in rows[first]])
    for index in range(first + 1, len(rows)):
        row = rows[index]
        columns = _merge_columns(run.columns, row) if candidates[index] and _is_close(rows[index - 1], row) else None
        if columns is None:
            break
        run.rows.append(row)
        run.columns = columns
    while len(run.rows) > 1 and len(run.rows[-1]) < 2 and not _continues(run.rows[-2], run.rows[-1], run):
        run.rows.pop()
    return run


def _is_candidate(row: list[Piece]) -> bool:
    return not any(p.inside or p.vertical or _CONTENTS.search(p.text) for p in row)


def _is_close(above: list[Piece], row: list[Piece]) -> bool:
    size = max(row[0].size, above[0].size)
    return (
        abs(center_y(above[0].box) - center_y(row[0].box)) < _MAX_PITCH * size
        and 0.6 < above[0].size / row[0].size < 1.7
    )


def _merge_columns(columns: list[tuple[float, float]], row: list[Piece]) -> list[tuple[float, float]] | None:
    """Return the columns with a row put in; None where a piece of it would make two columns one, or leave a single one."""
    merged = list(columns)
    for piece in row:
        left, right = piece.box.left, piece.box.right
        touched = [c for c in merged if c[0] < right and left < c[1]]
        if len(touched) > 1:
            return None
        for column in touched:
            merged.remove(column)
            left, right = min(left, column[0]), max(right, column[1])
        merged.append((left, right))
    merged.sort()
    return merged if all(a[1] < b[0] for a, b in pairwise(merged)) else None


def _cells_of(run: _Run, column: tuple[float, float]) -> list[str]:
    return [p.text for p in _pieces_of(run, column)]


def _is_table(run: _Run) -> bool:
    """Tell rows of a table from text in columns and from lines with a gap: enough rows, and columns of short or like cells."""
    full = [row for row in run.rows if len(row) >= 2]
    if len(full) < _MIN_ROWS or len(full) < 0.6 * len(run.rows):
        return False
    columns = [cells for c in run.columns if (cells := _cells_of(run, c))]
    lasting = [cells for cells in columns if len(cells) >= 0.5 * len(full)]
    if len(lasting) < 2:
        return False
    if sum(is_running(cells) for cells in lasting) >= 2 or sum(_is_justified(run, c) for c in run.columns) >= 2:
        return False
    typical = sorted(_median([len(cell) for cell in cells]) for cells in lasting)
    return typical[0] <= _LONG and typical[-2] <= 2 * _LONG


def _is_text(run: _Run) -> bool:
    """Tell whether a run is text in columns: enough rows, and lines of a text in two columns or more."""
    texts = [c for c in run.columns if _is_justified(run, c) or is_running(_cells_of(run, c))]
    return len(run.rows) > _MIN_ROWS and len(texts) >= 2


def _pieces_of(run: _Run, column: tuple[float, float]) -> list[Piece]:
    return [p for row in run.rows for p in row if column[0] <= p.box.left <= column[1]]


def _is_justified(run: _Run, column: tuple[float, float]) -> bool:
    """Tell whether most of a column's cells are as wide as it is, and no labels: lines of a text."""
    pieces = _pieces_of(run, column)
    if len(pieces) < _MIN_ROWS or _median([len(p.characters) for p in pieces]) < _LINE:
        return False
    full = sum(p.box.width >= 0.85 * (column[1] - column[0]) for p in pieces)
    return full >= 0.6 * len(pieces) and not all(is_numeric(p.text) for p in pieces)


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2]


def _continues(above: list[Piece], row: list[Piece], run: _Run) -> bool:
    """Tell whether a row only goes on with cells of the row above: nothing in the first column, no number, set closer."""
    if len(row) > 1 or row[0].box.left < run.columns[0][1] or is_numeric(row[0].text):
        return False
    gap = min(p.box.bottom for p in above) - max(p.box.top for p in row)
    return gap < 0.8 * row[0].size and any(
        p.box.left < row[0].box.right and row[0].box.left < p.box.right for p in above
    )


def _build_table(run: _Run) -> Table:
    groups: list[list[list[Piece]]] = []
    for row in run.rows:
        if groups and _continues(groups[-1][-1], row, run):
            groups[-1].append(row)
        else:
            groups.append([row])
    ys = _bounds([surround([p.box for row in group for p in row]) for group in groups])
    xs = [run.columns[0][0], *((a[1] + b[0]) / 2 for a, b in pairwise(run.columns)), run.columns[-1][1]]
    pieces = [[p for row in group for p in row] for group in groups]
    return _fill_table(xs, ys, pieces)


def _bounds(boxes: Sequence[Box]) -> list[float]:
    """Return the lines above, between and below rows, from the top."""
    return [boxes[0].top, *((a.bottom + b.top) / 2 for a, b in pairwise(boxes)), boxes[-1].bottom]


def _fill_table(xs: Sequence[float], ys: Sequence[float], rows: Sequence[Sequence[Piece]]) -> Table:
    """Return a table with one cell for each row and column. xs from the left, ys from the top; rows: the pieces of each row."""
    cells: list[tuple[Cell, list[Line]]] = []
    for i, pieces in enumerate(rows):
        for j in range(len(xs) - 1):
            box = Box(xs[j], ys[i + 1], xs[j + 1], ys[i])
            own = [p for p in pieces if xs[j] <= (p.box.left + p.box.right) / 2 <= xs[j + 1]]
            own.sort(key=lambda p: -center_y(p.box))
            cells.append((Cell(i, i + 1, j, j + 1, box), [Line([p], box) for p in own]))
    owner = tuple(tuple(i * (len(xs) - 1) + j for j in range(len(xs) - 1)) for i in range(len(rows)))
    return Table(Grid(tuple(xs), tuple(ys), tuple(cell for cell, _ in cells), owner), cells)
