"""The index as it was: the kept snapshots, and going back to one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.accounts.audit import Action
from rag.library.snapshots import SnapshotRow, list_snapshots, rollback
from rag.web.documents.forms import Fields, Fragment, Route, Visit, render_button, render_note
from rag.web.documents.table import describe_moment

if TYPE_CHECKING:
    from rag.web.services import Services


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of snapshots."""
    settings = services.settings

    def show(visit: Visit, fields: Fields) -> Fragment:
        return Fragment(render_snapshots(list_snapshots(settings)))

    def go_back(visit: Visit, fields: Fields) -> Fragment:
        done = rollback(settings, fields.text("id") or None)
        visit.record(Action.ROLLED_BACK, f"{done.left} → {done.restored}")
        words = f"索引 {done.restored} に戻しました。文書フォルダーはそのままなので、次の取り込みで、その後の変更がまた入ります。"
        return Fragment(render_note(words), ("snapshots", "documents", "index", "attention"))

    return [Route("GET", "/snapshots", show), Route("POST", "/rollback", go_back)]


def render_snapshots(rows: Sequence[SnapshotRow]) -> str:
    """Return the kept snapshots, the newest first."""
    names = ("作った日時", "文書", "頁", "まとまり", "モデル", "")
    heads = "".join(f'<th scope="col" role="columnheader">{name or _HIDDEN_HEAD}</th>' for name in names)
    body = "".join(_render_row(row, names) for row in rows)
    return (
        '<p class="hint">前の索引に戻しても、文書フォルダーのファイルは変わりません。戻した後も、新しい索引にまた戻せます。</p>'
        '<table class="grid" role="table"><caption class="visually-hidden">残してある索引</caption>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


_HIDDEN_HEAD = '<span class="visually-hidden">操作</span>'


def _render_row(row: SnapshotRow, names: Sequence[str]) -> str:
    when = describe_moment(row.created_at)
    if row.is_current:
        act = '<span class="state indexed">使用中</span>'
    elif row.obstacle:
        act = f'<span class="hint">戻せません: {escape(row.obstacle)}</span>'
    else:
        act = render_button("この索引に戻す", "/rollback", say=when, id=row.id)
    first = f'{when}<span class="source">{escape(row.id)}</span>'
    cells = (first, f"{row.documents:,}", f"{row.pages:,}", f"{row.chunks:,}", escape(row.embedder), act)
    shown = "".join(f'<td role="cell" data-label="{name}">{cell}</td>' for name, cell in zip(names, cells, strict=True))
    return f'<tr role="row">{shown}</tr>'
