"""The reviewed answers that there are: which are pinned, and which are past their review-by day.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from rag.accounts.user import Role
from rag.accounts.visits import find_user
from rag.activity import Activity
from rag.activity.reviewed import ReviewedEntry
from rag.web.attempts import attempt, render_done
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.charts import render_table
from rag.web.use.replies import pin_entry

_BUSY = '<p class="progress" role="status"><span class="spinner" aria-hidden="true"></span>索引を更新しています…</p>'
_LABEL_CHARS = 60


class ReviewedPanel:
    """The list of reviewed answers, folded away, with a pin for each; those that are overdue stand open above it."""

    def __init__(self, gr: Any, activity: Activity) -> None:
        self._gr, self._activity = gr, activity
        self._overdue = gr.HTML(elem_id="overdue", **PLAIN)
        with gr.Accordion("確認済みの回答", open=False, elem_id="reviewed", elem_classes="filters"):
            self._table = gr.HTML(elem_id="reviewed-table", **PLAIN)
            self._chosen = gr.Dropdown([], label="固定を変える回答", elem_id="reviewed-chosen", filterable=False)
            with gr.Row(elem_classes="actions"):
                self._pin = gr.Button("正式な回答として固定する", elem_id="pin", elem_classes="example")
                self._unpin = gr.Button("固定を外す", elem_id="unpin", elem_classes="example")
            self._told = gr.HTML(elem_id="reviewed-told", **PLAIN)

    @property
    def outputs(self) -> list[Any]:
        """The components that `fill` fills, in its order."""
        return [self._overdue, self._table, self._chosen, self._told]

    def fill(self, request: Any, told: str = "") -> tuple[Any, ...]:
        """Return the lists as they are now, to an administrator."""

        def work() -> tuple[Any, ...]:
            find_user(request, Role.ADMIN)
            entries = self._activity.reviewed.entries()
            chooser = self._gr.Dropdown(choices=[(_name(e), e.row) for e in entries], value=None)
            return render_overdue(self._activity.reviewed.overdue()), render_entries(entries), chooser, told

        return attempt(work, lambda html: ("", "", self._gr.Dropdown(choices=[], value=None), html))

    def connect(self) -> None:
        """Let the buttons pin an answer and let it go."""
        self._pin.click(self._pinner(is_pinned=True), [self._chosen], self.outputs, **HIDDEN)
        self._unpin.click(self._pinner(is_pinned=False), [self._chosen], self.outputs, **HIDDEN)

    def _pinner(self, *, is_pinned: bool) -> Any:
        gr = self._gr

        def pin(row: Any, request: gr.Request) -> Iterator[tuple[Any, ...]]:  # type: ignore[name-defined]  # Gradio reads it
            unchanged = tuple(gr.skip() for _ in self.outputs[:-1])
            yield (*unchanged, _BUSY)

            def work() -> tuple[Any, ...]:
                published = pin_entry(self._activity, row, is_pinned, request)
                done = "固定しました。" if is_pinned else "固定を外しました。"
                later = f"（索引の更新は後で: {published.problem}）" if published.problem else ""
                return self.fill(request, render_done(done + later))

            yield attempt(work, lambda html: (*unchanged, html))

        return pin


def render_overdue(overdue: Sequence[tuple[str, Sequence[ReviewedEntry]]]) -> str:
    """Return the answers that are past their review-by day, by department; nothing where there are none."""
    if not overdue:
        return ""
    count = sum(len(entries) for _, entries in overdue)
    groups = "".join(
        f"<li><strong>{escape(name or '課が不明')}</strong>（{len(entries)}件）<ul>{''.join(map(_render_late, entries))}</ul></li>"
        for name, entries in overdue
    )
    return (
        f'<div class="notice-box warning" role="group" aria-label="見直し日を過ぎた回答"><p><strong>見直し日を過ぎた回答が {count} 件'
        f"あります。</strong>所管課に確かめてください。</p><ul>{groups}</ul></div>"
    )


def render_entries(entries: Sequence[ReviewedEntry]) -> str:
    """Return all reviewed answers as a table."""
    if not entries:
        return '<p class="none">確認済みの回答はまだありません。</p>'
    header = ("質問", "回答", "所管課", "作成者", "確認日", "見直し日", "固定")
    rows = [
        (e.question, e.answer, e.department, e.author, e.confirmed, e.review_by, "固定" if e.is_pinned else "")
        for e in entries
    ]
    return render_table(f"一覧を見る（{len(entries)}件）", header, rows)


def _render_late(entry: ReviewedEntry) -> str:
    day = f"見直し日 {entry.review_by}" if entry.review_by else "見直し日なし"
    return f"<li>{escape(entry.question)}（{day}）</li>"


def _name(entry: ReviewedEntry) -> str:
    question = entry.question if len(entry.question) <= _LABEL_CHARS else entry.question[: _LABEL_CHARS - 1] + "…"
    return f"{question}（{entry.department}{'・固定中' if entry.is_pinned else ''}）"
