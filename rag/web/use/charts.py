"""Charts as inline SVG of our own, without text in them, so that they fit any width; the same numbers stand in a table behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 1000, 160
_GAP = 0.2  # of the room of one column


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its number, and what stands beside it."""

    label: str
    value: float
    words: str


def render_columns(title: str, columns: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> str:
    """Return columns of stacked counts, one for each label in order. names: of the stacked parts, from below.

    >>> '<rect class="part-1" x="500' not in render_columns("質問", [("1日", (2, 1)), ("2日", (0, 0))], ("回答", "なし"))
    True
    """
    highest = max([sum(counts) for _, counts in columns], default=0)
    room = _WIDTH / max(1, len(columns))
    rects = "".join(
        _render_column(place * room, room, counts, highest) for place, (_, counts) in enumerate(columns) if any(counts)
    )
    legend = "".join(f'<li class="part-{number}">{escape(name)}</li>' for number, name in enumerate(names))
    ends = f"<span>{escape(columns[0][0])}</span><span>{escape(columns[-1][0])}</span>" if columns else ""
    words = escape(f"{title}。いちばん多い所で {highest} 件。数は下の表にあります。")
    return (
        f'<ul class="legend">{legend}<li class="highest">縦の上端: {highest} 件</li></ul>'
        f'<svg class="columns-chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{words}">{rects}</svg><p class="ends">{ends}</p>'
    )


def _render_column(left: float, room: float, counts: Sequence[int], highest: int) -> str:
    bottom, rects = float(_HEIGHT), ""
    for number, count in enumerate(counts):
        height = _HEIGHT * count / highest
        bottom -= height
        if count:
            x, width = left + room * _GAP / 2, room * (1 - _GAP)
            rects += (
                f'<rect class="part-{number}" x="{x:.1f}" y="{bottom:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            )
    return rects


def render_bars(title: str, bars: Sequence[Bar]) -> str:
    """Return horizontal bars, each with its name and its words.

    >>> 'width="50.0"' in render_bars("課", [Bar("町民課", 4, "4件"), Bar("税務課", 2, "2件")])
    True
    """
    longest = max([bar.value for bar in bars], default=0)
    items = "".join(
        f'<li><span class="bar-name">{escape(bar.label)}</span><span class="bar-words">{escape(bar.words)}</span>'
        f"{_render_share(bar.value / longest if longest else 0.0)}</li>"
        for bar in bars
    )
    return f'<ul class="bars" aria-label="{escape(title)}">{items}</ul>'


def render_share(name: str, words: str, share: float | None, interval: tuple[float, float] | None) -> str:
    """Return a share of 1 as a bar, with its interval as a line over it."""
    return (
        f'<li><span class="bar-name">{escape(name)}</span><span class="bar-words">{escape(words)}</span>'
        f"{_render_share(share or 0.0, interval)}</li>"
    )


def _render_share(share: float, interval: tuple[float, float] | None = None) -> str:
    line = ""
    if interval:
        low, high = (100 * bound for bound in interval)
        ends = f'x1="{low:.1f}" x2="{high:.1f}" y1="5" y2="5"'
        line = f'<line {ends}/><line class="interval" {ends}/>'
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="whole" width="100" height="10"/><rect class="part-0" width="{100 * share:.1f}" height="10"/>{line}</svg>'
    )


def render_stack(parts: Sequence[float]) -> str:
    """Return percentages side by side in one bar.

    >>> render_stack([75.0, 25.0]).count("<rect")
    2
    """
    left, rects = 0.0, ""
    for number, part in enumerate(parts):
        rects += f'<rect class="step-{number}" x="{left:.1f}" width="{part:.1f}" height="10"/>' if part else ""
        left += part
    return f'<svg class="bar stack" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{rects}</svg>'


def render_table(summary: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table that unfolds; the first cell of a row is its heading.

    >>> "&lt;b&gt;" in render_table("表で見る", ("課",), [("<b>",)])
    True
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>{"".join(f"<td>{escape(_write(cell))}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    table = f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<details class="behind"><summary>{escape(summary)}</summary><div class="wide" tabindex="0" role="group" aria-label="{escape(summary)}">{table}</div></details>'


def _write(cell: object) -> str:
    return "—" if cell is None else str(cell)
