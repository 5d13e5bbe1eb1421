"""The conversation of one browser session: its turns on the server, questions to ask next, and the record to take away.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

import base64
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.api import MAX_TURNS, find_asker
from rag.asking import is_thanks
from rag.assistant import MAX_QUESTION_CHARS
from rag.documents import Answer, Asker, Filters, Turn
from rag.errors import RagError
from rag.export.record import ExportForm
from rag.web.filter_bar import read_filters
from rag.web.links import Links
from rag.web.render import render_answer, render_error, render_progress, render_thanks, render_welcome

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
    """What the page shows at one moment: the question in its box, the answer as HTML, the turns so far, what to ask next."""

    question: str
    html: str
    turns: tuple[Turn, ...] = ()
    follow_ups: tuple[str, ...] = ()


def answer_in_steps(
    assistant: "Assistant", text: object, turns: tuple[Turn, ...], request: Any, limits: Sequence[object] = ()
) -> Iterator[Step]:
    """Yield what to show at once, again when the answer is there, and last with questions to ask next; errors become sentences.

    limits: what the fields of the filters hold, as `read_filters` takes it.
    """
    question = text.strip() if isinstance(text, str) else ""
    if not question or len(question) > MAX_QUESTION_CHARS:
        message = "質問が長すぎます。" if question else "質問が入力されていません。"
        hint = f"質問を {MAX_QUESTION_CHARS} 字以内で入力して、もう一度送信してください。"
        yield Step(question, render_error(message, hint), turns)
        return
    if turns and is_thanks(question):
        yield Step("", render_thanks(question), turns)
        return
    yield Step(question, render_progress(question), turns)
    try:
        filters = read_filters(*limits) if limits else Filters()
        yield from _answer(assistant, question, turns, find_asker(getattr(request, "request", None)), filters)
    except RagError as error:
        yield Step(question, render_error(error.message, error.hint), turns)
    except Exception:
        _log.exception("a question on the page failed")
        yield Step(question, render_error(*_FAILED), turns)


def _answer(
    assistant: "Assistant", question: str, turns: tuple[Turn, ...], asker: Asker, filters: Filters
) -> Iterator[Step]:
    history = [(turn.question, turn.answer.text) for turn in turns[-MAX_TURNS:]]
    answer = assistant.ask(question, history, filters=filters, asker=asker)
    known = (*turns, Turn(question, answer, datetime.now().astimezone()))[-MAX_TURNS:]
    html = render_answer(answer, question, Links(assistant, asker), filters)
    yield Step(question, html, known)
    follow_ups = answer.follow_ups or _suggest(assistant, question, answer, history, asker, filters)
    if follow_ups:
        answered = replace(known[-1], answer=replace(answer, follow_ups=follow_ups))
        yield Step(question, html, (*known[:-1], answered), follow_ups[:FOLLOW_UPS])


def _suggest(
    assistant: "Assistant",
    question: str,
    answer: Answer,
    history: list[tuple[str, str]],
    asker: Asker,
    filters: Filters,
) -> tuple[str, ...]:
    """Return what to ask next; an answer that is shown already must not go because that fails."""
    try:
        return assistant.suggest(question, answer, history, filters=filters, asker=asker)
    except Exception:
        _log.exception("no questions could be suggested")
        return ()


def pack_record(assistant: "Assistant", turns: tuple[Turn, ...], form: ExportForm, request: Any) -> str:
    """Return the record of a conversation as JSON for the page's script: name, media type, bytes in base64; "" for none.

    It goes through no file that others could fetch.
    """
    if not turns:
        return ""
    try:
        content = assistant.export(turns, form, find_asker(getattr(request, "request", None)))
    except Exception:
        _log.exception("a conversation could not be exported")
        return ""
    name = f"質問と回答の記録_{datetime.now():%Y%m%d_%H%M%S}.{form}"
    return json.dumps({"name": name, "type": _MEDIA_TYPES[form], "data": base64.b64encode(content).decode("ascii")})


def show_past(assistant: "Assistant", past: tuple[Turn, ...], chosen: object, asker: Asker) -> Step | None:
    """Return a stored answer of this session as it was given; None for what is not among its questions."""
    if not isinstance(chosen, int) or not 0 <= chosen < len(past):
        return None
    turn = past[chosen]
    html = render_answer(turn.answer, turn.question, Links(assistant, asker), asked_at=turn.asked_at)
    return Step(turn.question, html)


def remember_turns(past: tuple[Turn, ...], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return the questions of the session with those of a conversation, the latest PAST_TURNS, oldest first."""
    known = {turn.asked_at: turn for turn in (*past, *turns)}
    return tuple(known[moment] for moment in sorted(known))[-PAST_TURNS:]


class ConversationBar:
    """The part of the page below the answer: what to ask next, a new topic, the record, and earlier questions."""

    def __init__(self, gr: Any) -> None:
        self._gr = gr
        self.turns, self.past = gr.State(()), gr.State(())
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
        return [self.turns, *self.follow_ups, self._tools, self.past, self._list]

    def show(self, step: Step, past: tuple[Turn, ...] = ()) -> tuple[Any, ...]:
        """Return what a step puts into `outputs`. past: the questions of the session until now."""
        texts = [*step.follow_ups, *[""] * FOLLOW_UPS][:FOLLOW_UPS]
        buttons = [self._gr.Button(value=text, visible=bool(text)) for text in texts]
        known = remember_turns(past, step.turns)
        choices = [(turn.question, index) for index, turn in enumerate(known)]
        questions = self._gr.Radio(choices=choices, value=None, visible=len(known) > 1)
        return (step.turns, *buttons, self._gr.Row(visible=bool(step.turns)), known, questions)

    def connect(self, assistant: "Assistant", question: Any, answer: Any) -> None:
        """Let the buttons start a new topic and save the record."""
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        start = Step("", render_welcome())
        outputs = [question, answer, *self.outputs]

        def start_anew(past: tuple[Turn, ...]) -> tuple[Any, ...]:
            return (start.question, start.html, *self.show(start, past))

        self._new_topic.click(start_anew, [self.past], outputs, **hidden)
        self._list.input(_shower(self._gr, assistant), [self.past, self._list], [question, answer], **hidden)
        for form, button in self._savers.items():
            saved = button.click(_saver(self._gr, assistant, form), [self.turns], [self._record], **hidden)
            saved.then(None, [self._record], [], js="(record) => window.saveRecord(record)", **hidden)


def _shower(gr: Any, assistant: "Assistant") -> Any:
    def show(past: tuple[Turn, ...], chosen: Any, request: gr.Request) -> tuple[Any, Any]:
        step = show_past(assistant, past, chosen, find_asker(request))
        return (step.question, step.html) if step else (gr.skip(), gr.skip())

    return show


def _saver(gr: Any, assistant: "Assistant", form: ExportForm) -> Any:
    def save(turns: tuple[Turn, ...], request: gr.Request) -> str:
        return pack_record(assistant, turns, form, request)

    return save
