"""The tab 「質問する」: a question box, examples, and the answer beside its sources.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.assistant import MAX_QUESTION_CHARS
from rag.documents import Turn
from rag.web.conversation import ConversationBar, Shown, answer_in_steps, find_follow_ups
from rag.web.desk import Desk
from rag.web.examples import build_examples
from rag.web.filter_bar import FilterBar
from rag.web.render import render_welcome
from rag.web.survey_form import build_survey

if TYPE_CHECKING:
    from rag.web.services import Services

CONCURRENT_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class AskParts:
    """The components of the tab."""

    question: Any
    send: Any
    filters: FilterBar
    answer: Any
    bar: ConversationBar


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    assistant = services.assistant
    question = _build_question_box(gr)
    send = gr.Button("送信", variant="primary", elem_id="send", elem_classes="send")
    filters = FilterBar(gr, assistant, "filters")
    build_examples(gr, services)
    answer = gr.HTML(render_welcome(), js_on_load=None, apply_default_css=False, elem_id="answer", show_label=False)
    bar = ConversationBar(gr)
    parts = AskParts(question, send, filters, answer, bar)
    _connect(gr, Desk(assistant, services.activity), parts)
    build_survey(gr, services.activity)


def _build_question_box(gr: Any) -> Any:
    return gr.Textbox(
        label="質問",
        placeholder="例: 転入届は何日以内に出す必要がありますか（Enter で送信、Shift+Enter で改行）",
        lines=2,
        max_lines=8,
        max_length=MAX_QUESTION_CHARS,
        autofocus=True,
        elem_id="question",
        container=True,
    )


def _connect(gr: Any, desk: Desk, parts: AskParts) -> None:
    """Let the button and the follow-ups ask. The handlers check who asks themselves: their addresses are no secret."""
    bar = parts.bar

    def ask(
        request: gr.Request, text: str, turns: tuple[Turn, ...], past: tuple[Turn, ...], shown: Shown, *limits: object
    ) -> Iterator[tuple[Any, ...]]:
        box = None  # is set once: by the time that an answer is there, the next question may stand in it
        shown.turns, shown.limits = (), limits
        for step in answer_in_steps(desk, text, turns, request, limits):
            yield (step.question if box is None else box, step.html, *bar.show(step, past))
            box = gr.skip()
            shown.turns = step.turns if step.turns is not turns else ()

    def suggest(request: gr.Request, shown: Shown) -> list[Any]:
        found = find_follow_ups(desk, shown, request)
        return [*([gr.skip() for _ in bar.follow_ups] if found is None else bar.offer(found)), shown]

    options: dict[str, Any] = {
        "outputs": [parts.question, parts.answer, *bar.outputs],
        "concurrency_limit": CONCURRENT_QUESTIONS,
        "concurrency_id": "ask",
        "show_progress": "hidden",
        "api_visibility": "private",
        "trigger_mode": "always_last",  # asked while an answer is still written: it waits, and is not lost
    }
    known = [bar.turns, bar.past, bar.shown, *parts.filters.inputs]
    # An event of its own: Gradio repeats the last step of an event at its end, which would undo what was said of the answer meanwhile.
    then = options | {"inputs": [bar.shown], "outputs": [*bar.follow_ups, bar.shown], "concurrency_id": "suggest"}
    for button, text in ((parts.send, parts.question), *((button, button) for button in bar.follow_ups)):
        asked = button.click(ask, inputs=[text, *known], **options)
        asked.then(suggest, **then)
    bar.connect(desk, parts.question, parts.answer)
