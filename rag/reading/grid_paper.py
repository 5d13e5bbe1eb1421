"""Forms drawn on a fine grid of narrow columns (方眼紙) -> lines of 「項目: 内容」, characters set one to a cell joined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from rag.reading.excel_rows import (
    Area,
    Cells,
    find_areas,
    find_column_widths,
    find_hidden_columns,
    find_hidden_rows,
    read_texts,
)
from rag.reading.records import Record, is_number

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_MIN_COLUMNS = 12
_MAX_COLUMN_WIDTH = 4.5
_MIN_SHARE = 0.6
_MAX_LABEL_CHARS = 15
_MAX_UNITS = 8
_BOXES = frozenset("□■☐☑☒✓✔○●◎")
_ERAS = ("明治", "大正", "昭和", "平成", "令和", "西暦")


@dataclass(frozen=True, slots=True)
class Unit:
    """A text of a form and the columns that it covers. tall: it covers several rows, as the name of a section does."""

    text: str
    left: int
    right: int
    tall: bool = False


def is_grid_paper(sheet: Worksheet) -> bool:
    """Tell whether a sheet is a form on a fine grid: narrow columns, and texts that stand in merged cells or run over."""
    widths = find_column_widths(sheet)
    if len(widths) < _MIN_COLUMNS or median(widths.values()) > _MAX_COLUMN_WIDTH:
        return False
    areas, long, spread = find_areas(sheet), 0, 0
    for row, texts in read_texts(sheet).items():
        for column, text in texts.items():
            area = areas.get((row, column))
            long += len(text) > 1
            spread += len(text) > 1 and (
                (area is not None and area.right > area.left) or _width(text) > widths[column] + 1
            )
    return long > 0 and spread >= _MIN_SHARE * long


def _width(text: str) -> int:
    """Return the width of a text in half-width characters.

    >>> _width("緑沢A")
    5
    """
    return sum(1 + (east_asian_width(character) in "FWA") for character in text)


def read_form(sheet: Worksheet) -> Iterator[Record]:
    """Yield a record for each visible line of a form; its cells are 「項目: 内容」 or what stands there by itself."""
    values, areas = read_texts(sheet), find_areas(sheet)
    hidden_rows, hidden_columns = find_hidden_rows(sheet), find_hidden_columns(sheet)
    tall = {place: area for place, area in areas.items() if area.bottom > area.top and place[0] in values}
    for row in sorted(values.keys() - hidden_rows):
        units = [unit for unit in _read_units(row, values, areas, tall) if unit.left not in hidden_columns]
        joined = _join_characters(units)
        if joined:
            yield Record(row, tuple(_pair(joined)))


def _read_units(
    row: int, values: Cells, areas: dict[tuple[int, int], Area], tall: dict[tuple[int, int], Area]
) -> list[Unit]:
    """Return the texts of a row; what covers several rows is there in each of them that has a text of its own."""
    units = []
    for column, text in values[row].items():
        area = areas.get((row, column), Area(column, row, column, row))
        units.append(Unit(text, column, area.right, _is_section(area, values)))
    for (top, left), area in tall.items():
        name = values[top].get(left)
        if name and top < row <= area.bottom and _is_section(area, values):
            units.append(Unit(name, left, area.right, True))
    return sorted((replace(unit, text=" ".join(unit.text.split())) for unit in units), key=lambda unit: unit.left)


def _is_section(area: Area, values: Cells) -> bool:
    """Tell whether a cell covers several rows that have texts of their own beside it: the name of a section."""
    rows = [
        row for row in range(area.top, area.bottom + 1) if any(column > area.right for column in values.get(row, {}))
    ]
    return len(rows) > 1


def _join_characters(units: Sequence[Unit]) -> list[Unit]:
    """Join characters that stand one to a cell, a box with the words behind it, and an era with its year."""
    joined: list[Unit] = []
    single = False
    for unit in units:
        last = joined[-1] if joined else None
        touches = last is not None and unit.left == last.right + 1 and not (last.tall or unit.tall)
        one = len(unit.text) == 1
        if last and touches and ((single and one) or last.text in _BOXES or (last.text in _ERAS and one)):
            joined[-1] = Unit(last.text + unit.text, last.left, unit.right)
            single = one
        else:
            joined.append(unit)
            single = one
    return joined


def _pair(units: Sequence[Unit]) -> Iterator[str]:
    """Yield the units of a line, a label and the content right beside it as one.

    >>> list(_pair([Unit("申請者", 1, 2, True), Unit("氏名", 3, 5), Unit("緑沢花子", 6, 12), Unit("印", 14, 14)]))
    ['申請者', '氏名: 緑沢花子', '印']
    """
    for run in _touching_runs(units):
        if len(run) % 2 == 0 and len(run) <= _MAX_UNITS and all(map(_is_label, run[::2])):
            yield from (f"{label.text}: {content.text}" for label, content in zip(run[::2], run[1::2], strict=True))
        else:
            yield from (unit.text for unit in run)


def _touching_runs(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    run: list[Unit] = []
    for unit in units:
        if run and (unit.tall or run[-1].tall or unit.left > run[-1].right + 1):
            yield run
            run = []
        run.append(unit)
    if run:
        yield run


def _is_label(unit: Unit) -> bool:
    short = len(unit.text) <= _MAX_LABEL_CHARS and not re.search(r"[。：:]$", unit.text)
    return short and not is_number(unit.text) and unit.text[0] not in _BOXES
