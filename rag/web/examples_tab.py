"""The tab 「質問例」: questions and templates that staff share. Everybody asks with them and proposes; administrators decide.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from typing import TYPE_CHECKING, Any

from rag.accounts.user import Role, User
from rag.accounts.visits import find_user
from rag.errors import NotAllowedError, RagError
from rag.question_registry.entries import MAX_TEXT_CHARS, EntryKind, NewEntry, ReviewState
from rag.web.attempts import render_done
from rag.web.examples import CLICKED, build_counter
from rag.web.options import HIDDEN
from rag.web.registry_list import render_registry
from rag.web.registry_review import ReviewPart
from rag.web.render import render_error
from rag.web.use.opening import when_opened

if TYPE_CHECKING:
    from rag.web.services import Services

_KINDS = [(kind.label, kind.value) for kind in EntryKind]


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    entries = gr.HTML("", js_on_load=CLICKED, apply_default_css=False, elem_id="registry", show_label=False)
    entries.click(build_counter(gr, services), [], [], **HIDDEN)
    form = ProposalForm(gr)
    review = ReviewPart(gr)
    outputs = [entries, *form.choices, *review.outputs]

    def load(request: gr.Request) -> tuple[Any, ...]:
        user = find_user(request)
        return (show_entries(services), *form.load(services, user), *review.load(services, user))

    when_opened(gr, load, [], outputs)
    form.connect(services, review)
    review.connect(services, entries)


def show_entries(services: "Services") -> str:
    """Return the list that everybody sees."""
    return render_registry(services.registry.entries(ReviewState.APPROVED))


def propose_entry(services: "Services", user: User, kind: object, texts: tuple[object, object, object]) -> str:
    """Add what somebody proposes as a draft; return what was done. texts: the question, its category, the department.

    Raises UsageError for what is wrong with it, NotAllowedError for the department of others.
    """
    text, category, department = (value.strip() if isinstance(value, str) else "" for value in texts)
    if user.departments and user.role is not Role.ADMIN and department not in user.departments:
        raise NotAllowedError(
            "ほかの課の名前では登録できません。", f"課は {'・'.join(user.departments)} から選んでください。"
        )
    chosen = EntryKind.TEMPLATE if kind == EntryKind.TEMPLATE.value else EntryKind.EXAMPLE
    entry = services.registry.add(NewEntry(chosen, text, category, department))
    return render_done(f"受け付けました（登録番号 {entry.id}）。管理者が承認すると、一覧に出ます。")


class ProposalForm:
    """The fields with which staff propose an example or a template."""

    def __init__(self, gr: Any) -> None:
        self._gr = gr
        with gr.Accordion("質問の例・ひな型を提案する", open=False, elem_id="propose", elem_classes="filters"):
            self._kind = gr.Radio(_KINDS, value=EntryKind.EXAMPLE.value, label="種類", elem_id="propose-kind")
            self._text = gr.Textbox(
                label="質問の文",
                placeholder="例: 転入届に必要なものは何ですか　ひな型の例: 〔補助金の名前〕の申請の期限はいつですか",
                lines=2,
                max_lines=6,
                max_length=MAX_TEXT_CHARS,
                elem_id="propose-text",
            )
            with gr.Row():
                options = {"allow_custom_value": True, "min_width": 200}
                self._category = gr.Dropdown(
                    [], value="", label="分野（選ぶか書く）", elem_id="propose-category", **options
                )
                self._department = gr.Dropdown([], value="", label="課", elem_id="propose-department", **options)
            self._send = gr.Button("提案する", variant="primary", elem_id="propose-send", elem_classes="send")
        self._said = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="proposed", show_label=False)

    @property
    def choices(self) -> list[Any]:
        """The components that `load` fills."""
        return [self._category, self._department]

    def load(self, services: "Services", user: User) -> tuple[Any, ...]:
        """Return the categories that are in use, and the departments of the person, all where nobody knows."""
        categories = list(dict.fromkeys(entry.category for entry in services.registry.entries()))
        departments = list(user.departments or services.assistant.departments(user.asker))
        own = user.departments[0] if user.departments else ""
        return self._gr.Dropdown(choices=categories), self._gr.Dropdown(choices=departments, value=own)

    def connect(self, services: "Services", review: ReviewPart) -> None:
        """Let the button propose."""
        gr = self._gr
        inputs = [self._kind, self._text, self._category, self._department]

        def propose(request: gr.Request, kind: Any, text: Any, category: Any, department: Any) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            try:
                user = find_user(request)
                said = propose_entry(services, user, kind, (text, category, department))
                return said, "", review.show(services, user)
            except RagError as error:
                return render_error(error.message, error.hint), gr.skip(), gr.skip()

        self._send.click(propose, inputs, [self._said, self._text, review.list], trigger_mode="once", **HIDDEN)
