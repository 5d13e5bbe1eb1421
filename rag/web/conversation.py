"""The conversation of one browser session: its turns on the server, questions to ask next, and the record to take away.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.accounts.user import User
from rag.accounts.visits import find_gate, find_user
from rag.api import MAX_TURNS, find_asker
from rag.assistant import MAX_QUESTION_CHARS
from rag.documents import Asker, Filters, Turn
from rag.errors import RagError
from rag.export.record import ExportForm
from rag.web.desk import Desk, thank
from rag.web.downloads import pack_file
from rag.web.filter_bar import read_filters
from rag.web.render import render_answer, render_error, render_progress, render_thanks, render_welcome
from rag.web.verdict_bar import VerdictBar

if TYPE_CHECKING:
    from rag.assistant import Assistant

FOLLOW_UPS = 3
PAST_TURNS = 30
_FAILED = ("回答の途中で予期しない問題が起きました。", "もう一度お試しください。続くときは管理者に知らせてください。")
_MEDIA_TYPES = {
    ExportForm.MARKDOWN: "text/markdown;charset=utf-8",
    ExportForm.WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What the page shows at one moment: the question in its box, the answer as HTML, the turns so far.

    id: under which the answer is remembered, so that it can be judged and linked to.
    """

    question: str
    html: str
    turns: tuple[Turn, ...] = ()
    id: str | None = None


@dataclass(slots=True)
class Shown:
    """The turns up to the answer that a session's page shows, () for none, and the filters that it was asked with."""

    turns: tuple[Turn, ...] = ()
    limits: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class _Visit:
    """Who asks, in which session of the page. named: he has signed in."""

    user: User
    session: str | None
    named: bool


def answer_in_steps(
    desk: Desk, text: object, turns: tuple[Turn, ...], request: Any, limits: Sequence[object] = ()
) -> Iterator[Step]:
    """Yield what to show at once, when the answer is there, and again when it is remembered.

    Errors become sentences. limits: what the fields of the filters hold, as `read_filters` takes it.
    """
    question = text.strip() if isinstance(text, str) else ""
    if not question or len(question) > MAX_QUESTION_CHARS:
        message = "質問が長すぎます。" if question else "質問が入力されていません。"
        hint = f"質問を {MAX_QUESTION_CHARS} 字以内で入力して、もう一度送信してください。"
        yield Step(question, render_error(message, hint), turns)
        return
    if thank(question, history := _history_of(turns)):
        yield Step("", render_thanks(question), turns)
        return
    yield Step(question, render_progress(question), turns)
    try:
        filters = _read_limits(limits)
        yield from _answer(desk, question, history, turns, _find_visit(request), filters)
    except RagError as error:
        yield Step(question, render_error(error.message, error.hint), turns)
    except Exception:
        _log.exception("a question on the page failed")
        yield Step(question, render_error(*_FAILED), turns)


def _answer(
    desk: Desk,
    question: str,
    history: list[tuple[str, str]],
    turns: tuple[Turn, ...],
    visit: _Visit,
    filters: Filters,
) -> Iterator[Step]:
    asker = visit.user.asker
    answer = desk.answer(question, history, filters, asker)
    turn = Turn(question, answer, datetime.now().astimezone())
    html = render_answer(answer, question, desk.links(asker), filters)
    yield Step(question, html, (*turns, turn)[-MAX_TURNS:])
    turn = replace(turn, id=desk.remember(question, answer, visit.user, visit.session, named=visit.named))
    yield Step(question, html, (*turns, turn)[-MAX_TURNS:], id=turn.id)


def find_follow_ups(desk: Desk, shown: Shown, request: Any) -> tuple[str, ...] | None:
    """Return what to ask next; None where the page shows another answer by the time that it is found."""
    turns = shown.turns
    if not turns:
        return ()
    *before, turn = turns
    try:
        asker, filters = find_asker(getattr(request, "request", None)), _read_limits(shown.limits)
    except RagError:
        return ()  # the answer has been told so
    found = desk.suggest(turn.question, turn.answer, _history_of(tuple(before)), filters, asker)
    return found[:FOLLOW_UPS] if shown.turns is turns else None


def _read_limits(limits: Sequence[object]) -> Filters:
    return read_filters(*limits) if limits else Filters()


def _history_of(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    return [(turn.question, turn.answer.text) for turn in turns[-MAX_TURNS:]]


def _find_visit(request: Any) -> _Visit:
    """Return who stands behind a request of the page. Raises NotSignedInError."""
    user = find_user(getattr(request, "request", None))
    return _Visit(user, getattr(request, "session_hash", None), named=not find_gate(request).is_open)


def pack_record(assistant: "Assistant", turns: tuple[Turn, ...], form: ExportForm, request: Any) -> str:
    """Return the record of a conversation as JSON for the page's script: name, media type, bytes in base64; "" for none."""
    if not turns:
        return ""
    try:
        content = assistant.export(turns, form, find_asker(getattr(request, "request", None)))
    except Exception:
        _log.exception("a conversation could not be exported")
        return ""
    return pack_file(f"質問と回答の記録_{datetime.now():%Y%m%d_%H%M%S}.{form}", _MEDIA_TYPES[form], content)


def show_past(desk: Desk, past: tuple[Turn, ...], chosen: object, asker: Asker) -> Step | None:
    """Return a stored answer of this session as it was given; None for what is not among its questions."""
    if not isinstance(chosen, int) or not 0 <= chosen < len(past):
        return None
    turn = past[chosen]
    html = render_answer(turn.answer, turn.question, desk.links(asker), asked_at=turn.asked_at)
    return Step(turn.question, html, id=turn.id)


def remember_turns(past: tuple[Turn, ...], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return the questions of the session with those of a conversation, the latest PAST_TURNS, oldest first."""
    known = {turn.asked_at: turn for turn in (*past, *turns)}
    return tuple(known[moment] for moment in sorted(known))[-PAST_TURNS:]


class ConversationBar:
    """The part of the page below the answer: what to ask next, a new topic, the record, and earlier questions."""

    def __init__(self, gr: Any) -> None:
        self._gr = gr
        self.turns, self.past, self.shown = gr.State(()), gr.State(()), gr.State(Shown())
        self.verdict = VerdictBar(gr)
        with gr.Row(elem_id="follow-ups"):
            self.follow_ups = [gr.Button(visible=False, elem_classes="example") for _ in range(FOLLOW_UPS)]
        with gr.Row(elem_id="conversation", visible=False) as self._tools:
            self._new_topic = gr.Button("新しい話題", elem_id="new-topic", elem_classes="example")
            self._savers = {
                ExportForm.MARKDOWN: gr.Button("記録を保存（Markdown）", elem_id="save-md", elem_classes="example"),
                ExportForm.WORD: gr.Button("記録を保存（Word）", elem_id="save-docx", elem_classes="example"),
            }
            self._record = gr.Textbox(visible=False)
        self._list = gr.Radio([], label="これまでの質問（選ぶと回答をもう一度表示）", visible=False, elem_id="past")

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` fills, in its order."""
        return [self.turns, *self.verdict.outputs, *self.follow_ups, self._tools, self.past, self._list]

    def show(self, step: Step, past: tuple[Turn, ...] = ()) -> tuple[Any, ...]:
        """Return what a step puts into `outputs`. past: the questions of the session until now."""
        known = remember_turns(past, step.turns)
        choices = [(turn.question, index) for index, turn in enumerate(known)]
        questions = self._gr.Radio(choices=choices, value=None, visible=len(known) > 1)
        tools = self._gr.Row(visible=bool(step.turns))
        return (step.turns, *self.verdict.show(step.id), *self.offer(()), tools, known, questions)

    def offer(self, follow_ups: Sequence[str]) -> list[Any]:
        """Return what puts questions to ask next on their buttons."""
        texts = [*follow_ups, *[""] * FOLLOW_UPS][:FOLLOW_UPS]
        return [self._gr.Button(value=text, visible=bool(text)) for text in texts]

    def connect(self, desk: Desk, question: Any, answer: Any) -> None:
        """Let the buttons start a new topic and save the record, and an answer be judged."""
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        start = Step("", render_welcome())
        outputs = [question, answer, *self.outputs]

        def start_anew(past: tuple[Turn, ...], shown: Shown) -> tuple[Any, ...]:
            shown.turns = ()
            return (start.question, start.html, *self.show(start, past))

        self.verdict.connect(desk)
        self._new_topic.click(start_anew, [self.past, self.shown], outputs, **hidden)
        again = [question, answer, *self.verdict.outputs]
        self._list.input(_shower(self._gr, desk, self.verdict), [self.past, self._list], again, **hidden)
        for form, button in self._savers.items():
            saved = button.click(_saver(self._gr, desk.assistant, form), [self.turns], [self._record], **hidden)
            saved.then(None, [self._record], [], js="(record) => window.saveRecord(record)", **hidden)


def _shower(gr: Any, desk: Desk, verdict: VerdictBar) -> Any:
    def show(past: tuple[Turn, ...], chosen: Any, request: gr.Request) -> tuple[Any, ...]:
        asker = find_asker(request)
        step = show_past(desk, past, chosen, asker)
        if step is None:
            return (gr.skip(), gr.skip(), *verdict.keep())
        return (step.question, step.html, *verdict.show(step.id, *desk.find_said(step.id, asker)))

    return show


def _saver(gr: Any, assistant: "Assistant", form: ExportForm) -> Any:
    def save(turns: tuple[Turn, ...], request: gr.Request) -> str:
        return pack_record(assistant, turns, form, request)

    return save
