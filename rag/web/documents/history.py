"""What was changed on the page, by whom, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.library.files import list_changes
from rag.library.records import Change
from rag.web.documents.forms import Fields, Fragment, Route, Visit, name_some, render_undo

if TYPE_CHECKING:
    from rag.web.services import Services

MOST = 100


def list_routes(services: Services) -> list[Route]:
    """Return the handler of the changes."""

    def show(visit: Visit, fields: Fields) -> Fragment:
        return Fragment(render_changes(list_changes(services.settings), services.settings.trash_days))

    return [Route("GET", "/changes", show)]


def render_changes(changes: Sequence[Change], days: int) -> str:
    """Return the changes, the latest first. days: how long they can be taken back."""
    if not changes:
        return '<p class="empty">この画面からの変更はまだありません。</p>'
    items = "".join(map(_render_change, changes[:MOST]))
    return f'<p class="hint">{days} 日の間、元に戻せます。</p><ul class="changes">{items}</ul>'


def _render_change(change: Change) -> str:
    what = f"{change.action.label}（{name_some(change.sources)}）"
    undo = render_undo(change.id, what) if change.can_be_undone else '<span class="hint">元に戻しました</span>'
    return (
        f'<li><span class="when">{change.day:%Y-%m-%d %H:%M}</span><span class="what">{escape(what)}</span>'
        f"<span>{escape(change.who)}</span>{undo}</li>"
    )
