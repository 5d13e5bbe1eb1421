"""Charts as SVG: shares with their intervals, the reliability curve, the times. Everything written into them is escaped.

They take their colours from the page's style sheet; `stand_alone` gives a chart its own, light and dark, for a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from eval.calibration import ReliabilityBin
from eval.intervals import Figure

_WIDTH, _LABEL, _NUMBER = 760, 210, 190
_ROW, _TOP, _BAR = 24, 8, 12
_PLOT = 300
_MARGIN = 40
_TIMES = 420
_BINS = 24
_STYLE = (
    "text{font:13px 'Noto Sans JP','Hiragino Sans','Yu Gothic UI',Meiryo,sans-serif;fill:#1a1a1a}.muted{fill:#595959}"
    ".bar{fill:#4a72d9}.other{fill:#8a94a6}.whisker{stroke:#1a1a1a;stroke-width:1.5}.grid{stroke:#d5d5d5;stroke-width:1}"
    ".ground{fill:#ffffff}@media(prefers-color-scheme:dark){text{fill:#f2f2f2}.muted{fill:#b3b3b3}.bar{fill:#7096f8}"
    ".whisker{stroke:#f2f2f2}.grid{stroke:#4d4d4d}.ground{fill:#1a1a1a}}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart. is_other: drawn in the colour of what stands beside the product."""

    label: str
    figure: Figure
    is_other: bool = False


def render_bars(bars: Sequence[Bar], title: str) -> str:
    """Return horizontal bars from 0 to 1, each with its interval, its value and how many questions it is of."""
    rows = [bar for bar in bars if bar.figure.value is not None]
    height = _TOP + _ROW * len(rows) + 24
    plot = _WIDTH - _LABEL - _NUMBER
    lines = [_line(_x(tick / 4, plot), _TOP, _x(tick / 4, plot), height - 20, "grid") for tick in range(5)]
    lines += [_text(_x(tick / 4, plot), height - 6, f"{tick / 4:g}", "middle", "muted") for tick in range(5)]
    lines += [_render_bar(bar, number, plot) for number, bar in enumerate(rows)]
    return _svg(_WIDTH, height, title, lines)


def _x(share: float, plot: int) -> float:
    return _LABEL + share * plot


def _render_bar(bar: Bar, number: int, plot: int) -> str:
    figure, top = bar.figure, _TOP + _ROW * number
    value, low, high = (min(1.0, max(0.0, x or 0.0)) for x in (figure.value, figure.low, figure.high))
    middle = top + _ROW / 2
    kind = "other" if bar.is_other else "bar"
    drawn = f"{figure.value:.3f} [{low:.2f}–{high:.2f}] n={figure.total:g}"
    return "".join(
        (
            _text(_LABEL - 8, middle + 4, bar.label, "end"),
            f'<rect class="{kind}" x="{_LABEL}" y="{middle - _BAR / 2:g}" width="{value * plot:.1f}" height="{_BAR}" rx="2"/>',
            _line(_x(low, plot), middle, _x(high, plot), middle, "whisker"),
            _line(_x(low, plot), middle - 4, _x(low, plot), middle + 4, "whisker"),
            _line(_x(high, plot), middle - 4, _x(high, plot), middle + 4, "whisker"),
            _text(_WIDTH - _NUMBER + 8, middle + 4, drawn, "start", "muted"),
        )
    )


def render_reliability(curve: Sequence[ReliabilityBin], title: str) -> str:
    """Return the reliability curve: how sure the answers were against the share of right ones; larger points are more answers."""

    def place(confidence: float, right: float) -> tuple[float, float]:
        return _MARGIN + confidence * _PLOT, 10 + (1 - right) * _PLOT

    most = max((part.answers for part in curve), default=1)
    points = [place(part.confidence, part.right) for part in curve]
    lines = [_line(*place(0, t / 4), *place(1, t / 4), "grid") for t in range(5)]
    lines += [_text(_MARGIN - 6, place(0, t / 4)[1] + 4, f"{t / 4:g}", "end", "muted") for t in range(5)]
    lines += [_text(place(t / 4, 0)[0], _PLOT + 28, f"{t / 4:g}", "middle", "muted") for t in range(5)]
    lines += [_line(*place(0, 0), *place(1, 1), "grid ideal")]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    lines += [f'<polyline class="curve" fill="none" points="{path}"/>'] if len(points) > 1 else []
    for part, (x, y) in zip(curve, points, strict=True):
        said = f"確信度 {part.confidence:.2f}、正解 {part.right:.2f}、{part.answers}問"
        radius = 3 + 6 * math.sqrt(part.answers / most)
        lines.append(
            f'<circle class="bar" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{escape(said)}</title></circle>'
        )
    lines.append(_text(_MARGIN + _PLOT / 2, _PLOT + 46, "確信度（答えるときに示した見込み）", "middle"))
    return _svg(_MARGIN + _PLOT + 20, _PLOT + 54, title, lines)


def render_times(milliseconds: Sequence[float], title: str) -> str:
    """Return how many questions took how long, in bins of equal width."""
    if not milliseconds:
        return ""
    counts, width = count_bins(milliseconds)
    most, step = max(counts), (_TIMES - 2 * _MARGIN) / len(counts)
    lines = []
    for number, count in enumerate(counts):
        height = 260 * count / most
        said = f"{number * width:.0f}〜{(number + 1) * width:.0f} ミリ秒: {count}問"
        x = _MARGIN + number * step
        lines.append(
            f'<rect class="bar" x="{x:.1f}" y="{270 - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}">'
            f"<title>{escape(said)}</title></rect>"
        )
    ticks = range(0, len(counts) + 1, max(1, len(counts) // 6))
    lines += [_text(_MARGIN + t * step, 288, f"{t * width:.0f}", "middle", "muted") for t in ticks]
    lines.append(_text(_TIMES / 2, 310, "1 問の所要時間（ミリ秒）", "middle"))
    return _svg(_TIMES, 318, title, lines)


def count_bins(values: Sequence[float], most: int = _BINS) -> tuple[list[int], float]:
    """Return how many values lie in each bin from 0 on, and the width of a bin: 1, 2 or 5 times a power of ten.

    >>> count_bins([1, 2, 3, 19], most=4)
    ([3, 0, 0, 1], 5.0)
    >>> count_bins([0.0])
    ([1], 1.0)
    """
    wanted = max(values) / most
    power = 10.0 ** math.floor(math.log10(wanted)) if wanted > 0 else 1.0
    width = next((power * by for by in (1, 2, 5) if power * by >= wanted), power * 10)
    counts = [0] * (int(max(values) // width) + 1)
    for value in values:
        counts[int(value // width)] += 1
    return counts, width


def stand_alone(svg: str) -> str:
    """Return a chart with its own colours and ground, as a file."""
    start = svg.index(">") + 1
    return f'{svg[:start]}<style>{_STYLE}</style><rect class="ground" width="100%" height="100%"/>{svg[start:]}\n'


def _svg(width: float, height: float, title: str, lines: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}" width="{width:g}">{"".join(lines)}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text{css} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
