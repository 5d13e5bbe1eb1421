"""What the person who asked says of the answer, and the answer's permanent link.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from html import escape
from typing import Any

from rag.accounts.visits import find_gate, find_user
from rag.activity import Verdict
from rag.errors import UsageError
from rag.web.attempts import attempt, render_done
from rag.web.desk import Desk
from rag.web.options import PLAIN

MAX_COMMENT_CHARS = 200
_CHOICES = [(verdict.label, verdict.value) for verdict in Verdict]


class VerdictBar:
    """The row below an answer. The id of the answer stays on the server: only the page that asked can judge it."""

    def __init__(self, gr: Any) -> None:
        self._gr = gr
        self._id = gr.State(None)
        with gr.Column(elem_id="judging", visible=False) as self._box:
            self._verdict = gr.Radio(_CHOICES, label="この回答は（あとで変えられます）", elem_id="verdict")
            with gr.Row(elem_id="comment-row", visible=False) as self._line:
                self._comment = gr.Textbox(
                    label="ひとこと（任意、200字まで。個人情報は書かないでください）",
                    max_length=MAX_COMMENT_CHARS,
                    lines=1,
                    max_lines=1,
                    elem_id="comment",
                )
                self._send = gr.Button("ひとことを送る", elem_id="send-comment", elem_classes="example")
            self._said = gr.HTML(elem_id="judged", **PLAIN)
            self._link = gr.HTML(elem_id="permanent", **PLAIN)

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` fills, in its order."""
        return [self._id, self._box, self._verdict, self._line, self._comment, self._said, self._link]

    def show(self, id: str | None, verdict: Verdict | None = None, comment: str = "") -> tuple[Any, ...]:
        """Return what belongs to an answer; id None: it cannot be judged. verdict, comment: what was said of it already."""
        gr, link = self._gr, render_link(id) if id else ""
        chosen = verdict.value if verdict else None
        return (id, gr.Column(visible=bool(id)), chosen, gr.Row(visible=bool(verdict)), comment, "", link)

    def keep(self) -> tuple[Any, ...]:
        """Return what leaves all of it as it is."""
        return tuple(self._gr.skip() for _ in self.outputs)

    def connect(self, desk: Desk) -> None:
        """Let the choice and the comment be sent."""
        gr = self._gr

        def judge(id: str | None, verdict: Any, comment: Any, request: gr.Request) -> tuple[Any, str]:  # type: ignore[name-defined]  # Gradio reads it
            told = attempt(lambda: judge_answer(desk, id, verdict, comment, request), lambda html: html)
            return gr.Row(visible=True), told

        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        inputs, outputs = [self._id, self._verdict, self._comment], [self._line, self._said]
        gr.on([self._verdict.input, self._send.click, self._comment.submit], judge, inputs, outputs, **hidden)


def judge_answer(desk: Desk, id: str | None, verdict: object, comment: object, request: object) -> str:
    """Remember what the person behind a request says of the answer on his page; return what he is told.

    Raises UsageError for no answer, no choice and a comment that is too long, NotSignedInError.
    """
    user = find_user(request)
    if not isinstance(id, str) or not isinstance(verdict, str) or verdict not in list(Verdict):
        raise UsageError("評価を読み取れません。", "回答の下の 3 つから 1 つを選んでください。")
    said = comment if isinstance(comment, str) else ""
    if len(said) > MAX_COMMENT_CHARS:
        raise UsageError("ひとことが長すぎます。", f"{MAX_COMMENT_CHARS}字以内に縮めてください。")
    chosen = Verdict(verdict)
    desk.activity.store.judge(id, chosen, said, None if find_gate(request).is_open else user.name)
    with_words = "と、ひとこと" if said.strip() else ""
    return render_done(f"「{chosen.label}」{with_words}を受け取りました。")


def render_link(id: str) -> str:
    """Return the permanent link of an answer, with a button that copies its whole address.

    >>> 'href="/answers/a-b"' in render_link("a-b")
    True
    """
    address = escape(f"/answers/{id}")
    new_tab = '<span class="visually-hidden">（新しいタブ）</span>'
    return (
        f'<p class="permanent"><a class="original" href="{address}" target="_blank" rel="noopener noreferrer">'
        f'この回答のページ{new_tab}</a><button type="button" class="copy" data-link="{address}">リンクをコピー</button></p>'
    )
