"""The examples on the tab 「質問する」: approved ones of the registry first, then questions that the documents themselves answer.

They are chosen when the page is opened, for the person who opens it, so that they never outlive a change of the index.
No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rag.api import find_asker
from rag.documents import Asker, Status
from rag.errors import RagError
from rag.question_registry.entries import EntryKind, ReviewState

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.web.services import Services

OF_DEPARTMENT, DEPARTMENTS = 4, 6
"""How many examples are shown of one department, and of how many departments."""
CLICKED = """element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-id]");
  if (button) trigger("click", { ...button.dataset });
});"""
"""Tells the server which of our buttons was pressed; the page's script (examples.js) does what is to be seen at once."""
_MOST_KNOWN = 5_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Example:
    """A question to press. id: that of the registry, None for one that the documents ask themselves."""

    text: str
    id: int | None = None


class AnsweredExamples:
    """Remember which examples the index answers, for whom; a change of the documents is a new beginning. Safe for many threads."""

    def __init__(self, assistant: "Assistant", *, is_free: bool = True) -> None:
        """is_free: whether asking costs only milliseconds; where a language model writes the answers nothing is tried out."""
        self._assistant, self._is_free = assistant, is_free
        self._lock = threading.Lock()
        self._known: dict[tuple[Asker, int, str], bool] = {}

    def choose(self, examples: Iterable[Example], asker: Asker) -> tuple[Example, ...]:
        """Return those that the index answers to an asker."""
        if not self._is_free:
            return tuple(examples)
        index = hash(tuple((entry.source, entry.sha256) for entry in self._assistant.documents(asker)))
        return tuple(example for example in examples if self._is_answered((asker, index, example.text)))

    def _is_answered(self, key: tuple[Asker, int, str]) -> bool:
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = self._ask(key[2], key[0])
            with self._lock:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[key] = known
        return known

    def _ask(self, text: str, asker: Asker) -> bool:
        try:
            return self._assistant.ask(text, asker=asker).status is Status.ANSWERED
        except RagError:
            return False


def build_examples(gr: Any, services: "Services") -> None:
    """Add the examples to the tab; they come when the page is opened."""
    answered = AnsweredExamples(services.assistant, is_free=services.settings.llm_url is None)
    html = gr.HTML("", js_on_load=CLICKED, apply_default_css=False, elem_id="examples", show_label=False)

    def load(request: gr.Request) -> str:
        try:
            return render_fields(choose_fields(services, answered, find_asker(request)))
        except RagError as error:
            _log.warning("no examples: %s", type(error).__name__)
            return ""

    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on(None, load, [], [html], **hidden)
    html.click(build_counter(gr, services), [], [], **hidden)


def build_counter(gr: Any, services: "Services") -> Any:
    """Return the handler that counts the use of an entry."""

    def count(request: gr.Request, event: gr.EventData) -> None:
        find_asker(request)
        if (id_ := read_id(event)) is not None:
            services.registry.count_use(id_)

    return count


def read_id(event: Any) -> int | None:
    """Return the number of the entry that a button belongs to; what a browser sends is looked at again."""
    text = str(read_detail(event, "id"))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def read_detail(event: Any, name: str) -> object:
    """Return what a button of ours said of itself, "" where it did not."""
    data = getattr(event, "_data", None)
    return data.get(name, "") if isinstance(data, dict) else ""


def choose_fields(
    services: "Services", answered: AnsweredExamples, asker: Asker
) -> tuple[tuple[str, tuple[Example, ...]], ...]:
    """Return the departments with their examples: the registry's that the index answers, most used first, then the documents'."""
    found: dict[str, list[Example]] = {}
    entries = services.registry.entries(ReviewState.APPROVED, EntryKind.EXAMPLE)
    for entry in sorted(entries, key=lambda entry: (-entry.uses, entry.id)):
        found.setdefault(entry.department, []).append(Example(entry.text, entry.id))
    shown = {name: list(answered.choose(of[:OF_DEPARTMENT], asker)) for name, of in list(found.items())[:DEPARTMENTS]}
    for department, questions in services.assistant.examples_by_department(asker):
        of = shown.setdefault(department, [])
        known = {example.text for example in of}
        of += [Example(text) for text in questions if text not in known]
    chosen = [(name, tuple(of[:OF_DEPARTMENT])) for name, of in shown.items() if of]
    return tuple(chosen[:DEPARTMENTS])


def render_fields(fields: Sequence[tuple[str, Sequence[Example]]]) -> str:
    """Return the examples as buttons, department by department; nothing without any."""
    if not fields:
        return ""
    groups = "".join(
        f'<h3 class="field">{escape(department)}</h3><div class="field-examples">{"".join(map(render_example, of))}</div>'
        for department, of in fields
    )
    return f'<h2 class="examples-title">質問の例</h2>{groups}'


def render_example(example: Example) -> str:
    """Return one example as a button that asks it.

    >>> render_example(Example("<転入>", 3))
    '<button type="button" class="example" data-ask="&lt;転入&gt;" data-id="3">&lt;転入&gt;</button>'
    """
    text = escape(example.text)
    id_ = f' data-id="{example.id}"' if example.id is not None else ""
    return f'<button type="button" class="example" data-ask="{text}"{id_}>{text}</button>'
