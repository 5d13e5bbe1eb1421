"""Straight lines in the image of a page: what rules the tables of a scan, and is in the way of OCR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.reading.rules import Rule

if TYPE_CHECKING:
    from PIL.Image import Image

_DARK = 140  # grey value under which a pixel is ink
_MIN_INCHES = 0.6
_MAX_THICKNESS_INCHES = 0.04


def find_drawn_rules(image: Image, dpi: int) -> list[Rule]:
    """Return the long straight lines of an image, in pixels from its upper left (`at`, `start` and `end`)."""
    ink = np.asarray(image) < _DARK
    shortest, thickest = round(_MIN_INCHES * dpi), max(3, round(_MAX_THICKNESS_INCHES * dpi))
    horizontal = [Rule(True, at, start, end) for at, start, end in _find_runs(ink, shortest, thickest)]
    vertical = [Rule(False, at, start, end) for at, start, end in _find_runs(ink.T, shortest, thickest)]
    return horizontal + vertical


def _find_runs(ink: Any, shortest: int, thickest: int) -> Iterator[tuple[float, float, float]]:
    """Yield (row, first column, last column) of each bar of ink: runs of neighbouring rows that overlap are one, if it is thin."""
    padded = np.zeros((ink.shape[0], ink.shape[1] + 2), np.int8)
    padded[:, 1:-1] = ink
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    long = ends - starts >= shortest
    bars: list[list[int]] = []  # first row, last row, start, end
    growing: list[list[int]] = []
    for row, start, end in zip(rows[long].tolist(), starts[long].tolist(), ends[long].tolist(), strict=True):
        growing = [bar for bar in growing if row - bar[1] <= 2]
        bar = next((bar for bar in growing if start < bar[3] and bar[2] < end), None)
        if bar:
            bar[1], bar[2], bar[3] = row, min(bar[2], start), max(bar[3], end)
        else:
            bars.append([row, row, start, end])
            growing.append(bars[-1])
    for first, last, start, end in bars:
        if last - first < thickest:
            yield (first + last) / 2, start, end


def erase_rules(image: Image, rules: Sequence[Rule]) -> Image:
    """Return the image with its lines painted over."""
    from PIL import ImageDraw

    if not rules:
        return image
    clean = image.copy()
    draw = ImageDraw.Draw(clean)
    for rule in rules:
        line = (rule.start, rule.at, rule.end, rule.at) if rule.horizontal else (rule.at, rule.start, rule.at, rule.end)
        draw.line(line, fill=255, width=7)
    return clean


def measure_ink(image: Image) -> float:
    """Return the share of an image that is printed, 0 for an empty page."""
    return float((np.asarray(image) < 200).mean())
