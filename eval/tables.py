"""Figures as text for a terminal: columns that line up, full-width characters counting two."""

from __future__ import annotations

import unicodedata

from eval.intervals import Figure

NONE = "—"


def pad(text: str, width: int) -> str:
    """Return text filled up to a width in columns, one space at least.

    >>> pad("分類", 6) + "|", pad("a", 3) + "|", pad("長い名前", 4) + "|"
    ('分類  |', 'a  |', '長い名前 |')
    """
    return text + " " * max(1, width - sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text))


def render_number(value: float | None, digits: int = 3) -> str:
    """Return a number, a dash for None.

    >>> render_number(0.5), render_number(None), render_number(81.25, 0)
    ('0.500', '—', '81')
    """
    return NONE if value is None else f"{value:.{digits}f}"


def render_interval(figure: Figure, digits: int = 3) -> str:
    """Return a figure with its interval.

    >>> render_interval(Figure(0.5, 0.25, 0.75, 4)), render_interval(Figure(None, None, None, 0))
    ('0.500 [0.250, 0.750]', '—')
    """
    if figure.value is None:
        return NONE
    value, low, high = (render_number(number, digits) for number in (figure.value, figure.low, figure.high))
    return f"{value} [{low}, {high}]"


def mark_change(change: Figure) -> str:
    """Return the mark of a difference that is beyond chance, nothing for one that is not.

    >>> mark_change(Figure(-0.1, -0.2, -0.05, 9)), mark_change(Figure(-0.1, -0.2, 0.05, 9)), mark_change(Figure(0.1, 0.05, 0.2, 9))
    ('▼', '', '▲')
    """
    return "▲" if change.is_above else "▼" if change.is_below else ""
