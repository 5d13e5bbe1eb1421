"""The survey: three questions with five answers each, folded away below the answer, once in a session.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from typing import Any

from rag.accounts.visits import find_gate, find_user
from rag.activity import Activity
from rag.activity.survey import OPTIONS, QUESTIONS
from rag.errors import UsageError
from rag.web.attempts import attempt, render_done

_CHOICES = [(text, number) for number, text in enumerate(OPTIONS, start=1)]


def build_survey(gr: Any, activity: Activity) -> None:
    """Add the form; once it is sent it says thank you and goes."""
    with gr.Accordion("アンケート（3問、任意）", open=False, elem_id="survey", elem_classes="filters") as form:
        fields = [gr.Radio(_CHOICES, label=question, elem_classes="scale") for question in QUESTIONS]
        send = gr.Button("回答を送る", elem_id="send-survey", elem_classes="example")
    told = gr.HTML(js_on_load=None, apply_default_css=False, show_label=False, elem_id="surveyed")

    def answer(first: Any, second: Any, third: Any, request: gr.Request) -> tuple[Any, str]:
        def work() -> tuple[Any, str]:
            return gr.Accordion(visible=False), answer_survey(activity, (first, second, third), request)

        return attempt(work, lambda html: (gr.skip(), html))

    send.click(answer, fields, [form, told], show_progress="hidden", api_visibility="private")


def answer_survey(activity: Activity, choices: tuple[object, object, object], request: object) -> str:
    """Remember the answers of the person behind a request; return the thanks. Raises UsageError where one is missing."""
    user = find_user(request)
    first, second, third = choices
    if not (isinstance(first, int) and isinstance(second, int) and isinstance(third, int)):
        raise UsageError("選んでいない問いがあります。", f"{len(QUESTIONS)}問とも 1 つずつ選んでください。")
    activity.survey.answer((first, second, third), None if find_gate(request).is_open else user.name)
    return render_done("アンケートを受け取りました。ありがとうございます。")
