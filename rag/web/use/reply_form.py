"""The form of a reply: written, checked for personal data, then published.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from rag.accounts.user import Role
from rag.accounts.visits import find_user
from rag.activity import Activity
from rag.activity.gaps import Gap
from rag.activity.reviewed import MAX_ANSWER_CHARS, Reply
from rag.errors import UsageError
from rag.web.attempts import attempt
from rag.web.day_field import build_day
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.replies import (
    Draft,
    begin_draft,
    find_keepable,
    prepare_reply,
    publish_reply,
    render_published,
    render_reply,
)

_BUSY = '<p class="progress" role="status"><span class="spinner" aria-hidden="true"></span>公開して、索引に入れています…</p>'


class ReplyForm:
    """The fields, the preview and its two steps. The reply that is published is the one that was shown, kept on the server."""

    def __init__(self, gr: Any, activity: Activity) -> None:
        self._gr, self._activity = gr, activity
        self._gap, self._reply = gr.State(None), gr.State(None)
        with gr.Column(visible=False, elem_id="reply") as self._box:
            gr.HTML("<h2>所管課の回答を登録する</h2>", **PLAIN)
            self._question = gr.Textbox(label="質問", max_lines=4, max_length=2_000, elem_id="reply-question")
            self._answer = gr.Textbox(
                label=f"回答（{MAX_ANSWER_CHARS:,}字まで）", lines=4, max_lines=20, elem_id="reply-answer"
            )
            with gr.Row():
                self._department = gr.Textbox(label="所管課", max_length=60, elem_id="reply-department", min_width=160)
                self._author = gr.Textbox(label="作成者", max_length=60, elem_id="reply-author", min_width=160)
                self._review_by = build_day(gr, "見直し日", elem_id="reply-review")
            self._pin = gr.Checkbox(label="この質問への正式な回答として固定する", elem_id="reply-pin")
            self._check = gr.Button("公開する内容を確かめる", elem_id="reply-check", elem_classes="example")
            self._preview = gr.HTML(elem_id="reply-preview", **PLAIN)
            self._keep = gr.CheckboxGroup([], label="残す（役場の連絡先）", visible=False, elem_id="reply-keep")
            self._publish = gr.Button(
                "公開する", variant="primary", visible=False, elem_id="reply-publish", elem_classes="send"
            )
        self.told = gr.HTML(elem_id="reply-told", **PLAIN)

    @property
    def _fields(self) -> list[Any]:
        return [self._question, self._answer, self._department, self._author, self._review_by, self._pin]

    @property
    def outputs(self) -> list[Any]:
        """The components that `begin` and `close` fill, in their order."""
        return [self._box, self._gap, *self._fields, *self._preview_outputs, self.told]

    @property
    def _preview_outputs(self) -> list[Any]:
        return [self._reply, self._preview, self._keep, self._publish]

    def begin(self, gap: Gap | None, request: Any) -> tuple[Any, ...]:
        """Return the open form for a gap, or for a question that is in no list. Raises NotAllowedError."""
        user = find_user(request, Role.ADMIN)
        draft = begin_draft(gap, user.display_name, date.today())
        values = (draft.question, draft.answer, draft.department, draft.author, draft.review_by, draft.is_pinned)
        return (self._gr.Column(visible=True), gap, *values, *self._no_preview(), "")

    def close(self, told: str = "") -> tuple[Any, ...]:
        """Return the closed form."""
        return (self._gr.Column(visible=False), None, *("",) * 5, False, *self._no_preview(), told)

    def connect(self, refresh: Any, refreshed: list[Any]) -> None:
        """Let the form be checked and published. refresh: what is called afterwards, without inputs, to fill `refreshed`."""
        gr = self._gr

        def check(  # one for each field, as Gradio calls it
            question: Any,
            answer: Any,
            department: Any,
            author: Any,
            day: Any,
            pin: Any,
            request: gr.Request,  # type: ignore[name-defined]  # Gradio reads it
        ) -> tuple[Any, ...]:
            return self._show_preview(Draft(question, answer, department, author, day, pin), request)

        def publish(
            gap: Gap | None,
            reply: Reply | None,
            keep: Any,
            request: gr.Request,  # type: ignore[name-defined]  # Gradio reads it
        ) -> Iterator[tuple[Any, ...]]:
            yield (*(gr.skip() for _ in self.outputs[:-1]), _BUSY)
            yield self._publish_reply(gap, reply, keep, request)

        self._check.click(check, self._fields, [*self._preview_outputs, self.told], **HIDDEN)
        for field in self._fields:
            field.input(self._no_preview, [], self._preview_outputs, **HIDDEN)
        given = [self._gap, self._reply, self._keep]
        published = self._publish.click(publish, given, self.outputs, trigger_mode="once", **HIDDEN)
        published.then(refresh, [], refreshed, **HIDDEN)

    def _show_preview(self, draft: Draft, request: Any) -> tuple[Any, ...]:
        gr = self._gr

        def work() -> tuple[Any, ...]:
            reply = prepare_reply(self._activity, draft, request)
            kinds = find_keepable(reply)
            keep = gr.CheckboxGroup(choices=kinds, value=[], visible=bool(kinds))
            return reply, render_reply(reply), keep, gr.Button(visible=True), ""

        return attempt(work, lambda html: (*self._no_preview(), html))

    def _publish_reply(self, gap: Gap | None, reply: Reply | None, keep: Any, request: Any) -> tuple[Any, ...]:
        def work() -> tuple[Any, ...]:
            if not isinstance(reply, Reply):
                raise UsageError("公開する内容がありません。", "先に「公開する内容を確かめる」を押してください。")
            kinds = [kind for kind in keep if isinstance(kind, str)] if isinstance(keep, list) else []
            return self.close(render_published(publish_reply(self._activity, gap, reply, kinds, request)))

        return attempt(work, lambda html: (*(self._gr.skip() for _ in self.outputs[:-1]), html))

    def _no_preview(self) -> tuple[Any, ...]:
        return None, "", self._gr.CheckboxGroup(choices=[], value=[], visible=False), self._gr.Button(visible=False)
