"""A field for a day: written in either era, or taken from the browser's own calendar (days.js)."""

from __future__ import annotations

from html import escape
from typing import Any

from rag.web.options import PLAIN

_MAX_CHARS = 30
_ICON = (
    '<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2">'
    '<rect x="3" y="5" width="18" height="16" rx="2"/><path d="M3 10h18M8 2v5M16 2v5"/></svg>'
)


def build_day(gr: Any, label: str, *, elem_id: str | None = None) -> Any:
    """Add a text field with a button that opens a calendar; return the text field, whose words `parse_day` reads."""
    with gr.Column(elem_classes="day", min_width=200):
        field = gr.Textbox(
            label=label,
            placeholder="例: 令和8年4月1日",
            max_lines=1,
            max_length=_MAX_CHARS,
            min_width=100,
            elem_id=elem_id,
        )
        gr.HTML(render_calendar(label), **PLAIN)
    return field


def render_calendar(label: str) -> str:
    """Return the button that opens the calendar, and what the browser opens it for: no second field to those who cannot see it.

    >>> 'aria-label="基準日を暦から選ぶ"' in render_calendar("基準日")
    True
    """
    name = escape(f"{label.partition('（')[0]}を暦から選ぶ")
    return (
        f'<button type="button" class="calendar" aria-label="{name}" title="{name}">{_ICON}</button>'
        '<input type="date" tabindex="-1" aria-hidden="true">'
    )
