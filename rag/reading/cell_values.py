"""Values of cells as people read them in the sheet: numbers with their commas and units, dates in both calendars."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from rag.reading.cell_dates import show_date, shows_date

_QUOTED = re.compile(r'"([^"]*)"|\\(.)')
_ERA_DAY, _WESTERN_DAY = "[$-411]ge.m.d", 'yyyy"年"m"月"d"日"'
_ERA_LONG, _MONTH, _DAY = '[$-411]ggge"年"m"月"d"日"', 'yyyy"年"m"月"', 'm"月"d"日"'
_JAPANESE_FORMATS = {
    **dict.fromkeys((27, 36, 50, 57), _ERA_DAY),
    **dict.fromkeys((28, 29, 51, 54, 58), _ERA_LONG),
    30: "m/d/yy",
    31: _WESTERN_DAY,
    32: 'h"時"mm"分"',
    33: 'h"時"mm"分"ss"秒"',
    **dict.fromkeys((34, 52, 55), _MONTH),
    **dict.fromkeys((35, 53, 56), _DAY),
}
"""What the formats of these numbers mean in Japanese (ECMA-376 part 1, 18.8.30, ja-jp); openpyxl does not know them."""


def show_cell(cell: Any) -> str:
    """Return the value of a cell as people read it in the sheet: see the module."""
    value = cell.value
    if cell.data_type == "e" or value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _show_number_or_date(value, find_format(cell), cell.parent.parent.epoch)
    if isinstance(value, datetime | date | time | timedelta):
        return show_date(value, find_format(cell))
    return str(value).replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def find_format(cell: Any) -> str:
    """Return the number format of a cell, one of the Japanese formats that have a number only included."""
    return _JAPANESE_FORMATS.get(cell._style.numFmtId) or cell.number_format or "General"


def _show_number_or_date(value: float, number_format: str, epoch: datetime) -> str:
    from openpyxl.utils.datetime import from_excel

    if shows_date(number_format) or number_format in _JAPANESE_FORMATS.values():
        try:
            day = from_excel(value, epoch)
        except (ValueError, OverflowError):  # no day of Excel's calendar
            day = None
        if day is not None:
            return show_date(day, number_format)
    return show_number(value, number_format)


def show_number(value: float, number_format: str) -> str:
    """Return a number as its format shows it, for the formats of everyday tables; else plainly.

    >>> show_number(1234567, '#,##0"円"'), show_number(0.125, "0.0%"), show_number(7, "000"), show_number(300.0, "General")
    ('1,234,567円', '12.5%', '007', '300')
    """
    shape = number_format.split(";")[0]
    bare = re.sub(r"\[[^\]]*\]|_.|\*.", "", _QUOTED.sub("", shape))
    before, _, after = _QUOTED.sub(lambda m: m[1] or m[2] or "", re.sub(r"\[[^\]]*\]|_.|\*.", "", shape)).partition("0")
    decimals = len(match[1]) if (match := re.search(r"0\.(0+)", bare)) else 0
    if "%" in bare:
        return f"{value * 100:.{decimals}f}%"
    if not re.fullmatch(r"[¥￥]?(?:#,##)?0+(?:\.0+)?\s*", bare):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    digits = re.match(r"0*", bare.partition("0")[2].partition(".")[0])
    width = 1 + len(digits[0]) if digits and "," not in bare else 1
    number = f"{value:{',' if ',' in bare else f'0{width}'}.{decimals}f}"
    return f"{before.replace('#,##', '')}{number}{after.lstrip('0.')}"
