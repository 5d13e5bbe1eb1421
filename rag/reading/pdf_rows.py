"""Rows of tables that lines do not rule: text that stands in columns, and several rows between two ruled lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.reading.geometry import Box, center_y, surround
from rag.reading.lines import Line, Table
from rag.reading.pieces import Piece
from rag.reading.tables import Cell, Grid

_MIN_ROWS = 3
_MAX_PITCH = 3.0  # in character sizes: rows of one table follow each other closer than this
_LONG = 18  # characters: columns whose text is typically longer are columns of a page, not of a table
_CONTENTS = re.compile(r"[.．・…‥･]{3,}")
_UNFINISHED = re.compile(r"[のをにがはとでやもへ、，てしきりるれいっ]$")
_RUNNING = 0.35
_LINE = 8  # characters: columns of a text are at least this wide
_NUMERIC = re.compile(r"[△▲+\-－−±約]?[\d０-９][\d０-９,，.．]*[^\d\s]{0,4}|[-－‐―─…*＊×○●]|[（(][\d.,△▲-]+[）)]")


def is_numeric(text: str) -> bool:
    """Tell whether a cell holds a number with at most a short unit, or a mark for none.

    >>> [is_numeric(text) for text in ("1,234", "△0.5", "12.5％", "3人", "－", "令和6年度", "第3条")]
    [True, True, True, True, True, False, False]
    """
    return bool(_NUMERIC.fullmatch(text))


def is_running(texts: Sequence[str]) -> bool:
    """Tell whether lines below each other are one text: many of them end within a sentence.

    >>> is_running(["危険な場所から全員避難", "しましょう。これは災害の", "おそれがあるときに、"]), is_running(["転入届", "住民票の写し", "印鑑登録"])
    (True, False)
    """
    return len(texts) >= 3 and sum(bool(_UNFINISHED.search(text)) for text in texts) >= _RUNNING * len(texts)


# --- columns without lines --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """Rows from `first` on, and the columns that their pieces stand in: (left, right), from the left."""

    first: int
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
    run = _Run(first, [rows[first]], [(p.box.left, p.box.right) for p in rows[first]])
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
    return not any(p.inside or p.vertical or _CONTENTS.search("".join(c.text for c in p.characters)) for p in row)


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


def _text(piece: Piece) -> str:
    return "".join(c.text for c in piece.characters)


def _cells_of(run: _Run, column: tuple[float, float]) -> list[str]:
    return [_text(p) for p in _pieces_of(run, column)]


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
    return full >= 0.6 * len(pieces) and not all(is_numeric(_text(p)) for p in pieces)


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2]


def _continues(above: list[Piece], row: list[Piece], run: _Run) -> bool:
    """Tell whether a row only goes on with cells of the row above: nothing in the first column, no number, set closer."""
    if len(row) > 1 or row[0].box.left < run.columns[0][1] or is_numeric(_text(row[0])):
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
    return build_table(xs, ys, pieces, ruled=False)


def _bounds(boxes: Sequence[Box]) -> list[float]:
    """Return the lines above, between and below rows, from the top."""
    return [boxes[0].top, *((a.bottom + b.top) / 2 for a, b in pairwise(boxes)), boxes[-1].bottom]


def build_table(xs: Sequence[float], ys: Sequence[float], rows: Sequence[Sequence[Piece]], *, ruled: bool) -> Table:
    """Return a table with one cell for each row and column. xs from the left, ys from the top; rows: the pieces of each row."""
    cells: list[tuple[Cell, list[Line]]] = []
    for i, pieces in enumerate(rows):
        for j in range(len(xs) - 1):
            box = Box(xs[j], ys[i + 1], xs[j + 1], ys[i])
            own = [p for p in pieces if xs[j] <= (p.box.left + p.box.right) / 2 <= xs[j + 1]]
            own.sort(key=lambda p: -center_y(p.box))
            cells.append((Cell(i, i + 1, j, j + 1, box), [Line([p], box) for p in own]))
    owner = tuple(tuple(i * (len(xs) - 1) + j for j in range(len(xs) - 1)) for i in range(len(rows)))
    return Table(Grid(tuple(xs), tuple(ys), tuple(cell for cell, _ in cells), owner), cells, ruled)


# --- several rows between two lines -----------------------------------------------------------------------------------


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
