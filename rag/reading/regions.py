"""Where one table of a sheet ends and another begins: below it, or beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.reading.records import Record, find_header, is_header, is_lone, is_number
from rag.text import squeeze

_MIN_ROWS, _MIN_COLUMNS = 2, 2
Columns = tuple[int, int]
"""(first, last) column."""


@dataclass(frozen=True, slots=True)
class Region:
    """Tables that stand beside each other, and the rows above that belong to all of them."""

    above: tuple[Record, ...]
    tables: tuple[tuple[Record, ...], ...]


def split_regions(records: Sequence[Record]) -> Iterator[Region]:
    """Yield the tables of a sheet in reading order; no record is empty."""
    for group in _split_stacked(records):
        above, rest = _split_titles(group)
        sides = _split_beside(rest)
        if len(sides) > 1:
            yield Region(tuple(above), tuple(tuple(table) for side in sides for table in _split_stacked(side)))
        else:
            yield Region((), (tuple(group),))


# --- below each other ---------------------------------------------------------------------------------------------------


def _split_stacked(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the tables of rows that stand below each other: blank rows, and then a title or another header."""
    region: list[Record] = []
    for index, record in enumerate(records):
        after = records[index + 1] if index + 1 < len(records) else None
        gap = bool(region) and record.row > region[-1].row + 1
        if gap and after is not None and (_is_title(record, after) or _begins_table(record, after, region)):
            yield region
            region = []
        region.append(record)
    if region:
        yield region


def _is_title(record: Record, after: Record) -> bool:
    return is_lone(record) and not is_lone(after)


def _begins_table(record: Record, after: Record, region: Sequence[Record]) -> bool:
    """Tell whether a record after blank rows is a new header: words over numbers, set off as headers are, or over other columns."""
    if not is_header(record) or after.row > max(record.row, record.reach) + 1 or is_lone(after):
        return False
    if any(is_number(record.cells[column]) for column in record.filled):
        return False
    header = find_header(region)
    if header is not None and region[header].cells == record.cells:
        return False  # the header once more, as on every printed page
    shared = set(record.filled) & set(after.filled)
    over_numbers = any(is_number(after.cell(column)) for column in shared)
    other_columns = header is not None and not _spans_like(record, region[header]) and _spans_like(after, record)
    return over_numbers or other_columns or (record.marked and not after.marked)


def _spans_like(record: Record, other: Record) -> bool:
    return (record.filled[0], record.filled[-1]) == (other.filled[0], other.filled[-1])


# --- beside each other --------------------------------------------------------------------------------------------------


def _split_titles(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the lone rows at the beginning, and the others."""
    place = next((i for i, record in enumerate(records) if not is_lone(record)), len(records))
    return list(records[:place]), list(records[place:])


def _split_beside(records: Sequence[Record]) -> list[list[Record]]:
    """Return the tables between empty columns; columns that only seem to be a table of their own stay together."""
    found: list[Columns] = []
    for columns in _find_column_runs(records):
        if found and not _are_apart(crop(records, found[-1]), crop(records, columns)):
            found[-1] = (found[-1][0], columns[1])
        else:
            found.append(columns)
    return [crop(records, columns) for columns in found]


def _find_column_runs(records: Sequence[Record]) -> list[Columns]:
    used = sorted({column for record in records for column in record.covered})
    runs: list[Columns] = []
    for column in used:
        if runs and column == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], column)
        else:
            runs.append((column, column))
    return runs


def crop(records: Sequence[Record], columns: Columns) -> list[Record]:
    """Return the records as far as they stand in some columns, without those that are empty there."""
    first, last = columns
    cropped = [
        replace(
            record,
            cells=tuple(cell if first <= i <= last else "" for i, cell in enumerate(record.cells[: last + 1])),
            origins=tuple(o if first <= o <= i <= last else i for i, o in enumerate(record.origins[: last + 1])),
        )
        for record in records
    ]
    return [record for record in cropped if record.filled]


def _are_apart(left: Sequence[Record], right: Sequence[Record]) -> bool:
    """Tell whether two groups of columns are tables of their own: one empty column may also stand within a table."""
    if min(len(left), len(right)) < _MIN_ROWS or not (_is_wide(left) and _is_wide(right)):
        return False
    if all(_is_title(side[0], side[1]) for side in (left, right)):
        return True
    headers = [find_header(side) for side in (left, right)]
    if None in headers:
        return False
    names = [_names(side[header or 0]) for side, header in zip((left, right), headers, strict=True)]
    if len(names[0] & names[1]) * 2 >= min(map(len, names)):
        return True
    extents = [(side[0].row, side[-1].row) for side in (left, right)]
    return extents[0] != extents[1] and all(_is_dense(side) for side in (left, right))


def _is_wide(records: Sequence[Record]) -> bool:
    return len({column for record in records for column in record.filled}) >= _MIN_COLUMNS


def _names(record: Record) -> set[str]:
    return {squeeze(record.cells[column]) for column in record.filled}


def _is_dense(records: Sequence[Record]) -> bool:
    """Tell whether the rows follow one another and each is at least half full."""
    width = max(len(record.filled) for record in records)
    full = all(2 * len(record.filled) >= width for record in records)
    return full and records[-1].row - records[0].row == len(records) - 1
