"""The tab 「正答率」: measure, look at the figures, and open any question with its evidence; for the QA team.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from eval.records import RunRecord
from rag.accounts.user import Role, User
from rag.accounts.visits import find_user
from rag.documents import Filters
from rag.errors import NotAllowedError, UsageError
from rag.search_report import render_hits
from rag.web.accuracy.figures import NOTHING, render_figures
from rag.web.accuracy.measuring import Measuring
from rag.web.accuracy.question_list import VIEWS, WRONG, find_question, render_questions
from rag.web.accuracy.question_view import render_question
from rag.web.accuracy.report_button import ReportButton
from rag.web.accuracy.set_panel import SetPanel
from rag.web.accuracy.shelf import AUTO, NONE, OpenSources, RunShelf, name_run
from rag.web.attempts import attempt
from rag.web.examples import CLICKED, read_detail
from rag.web.links import Links
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.opening import when_opened

if TYPE_CHECKING:
    from rag.web.services import Services

EXPLAINED = 5
_LOOK = """() => {
  const box = document.querySelector("#evidence");
  box.scrollIntoView({ behavior: "smooth" });
  box.querySelector("section")?.focus({ preventScroll: true });
}"""
_BACK = """element.addEventListener("click", (event) => {
  const back = event.target.closest("button[data-back]");
  if (!back) return;
  const buttons = [...document.querySelectorAll("#question-list button[data-id]")];
  const wanted = buttons.find((button) => button.dataset.id === back.dataset.back);
  wanted?.scrollIntoView({ block: "center" });
  wanted?.focus();
});"""
_COMPARED = [("前の測定", AUTO), ("比べない", NONE)]
_CONSENT = "検証用の質問も1問ずつ見る（見た結果に合わせて文書や設定を直すと、検証になりません）"


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    measuring = Measuring(gr, services)
    panel = SetPanel(gr, services)
    runs = RunView(gr, services)

    def load(request: gr.Request, run: Any) -> tuple[Any, ...]:
        user = find_user(request)
        if not user.role.covers(Role.QA):
            return tuple(gr.skip() for _ in outputs)
        shown = runs.show_newest(user) if run is None else tuple(gr.skip() for _ in runs.outputs)
        about = panel.show()
        return (*measuring.show(services.evaluations.state()), about, *shown)  # last: a run may have begun meanwhile

    outputs = [*measuring.outputs, panel.about, *runs.outputs]
    when_opened(gr, load, [runs.chosen], outputs)
    measuring.connect(runs.show_newest, runs.outputs)
    panel.connect()
    runs.connect()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which run is looked at and how, as the browser sent it."""

    run: object
    compared: object
    view: object
    with_held_out: bool


class RunView:
    """The figures of a chosen run, its questions, and one of them."""

    def __init__(self, gr: Any, services: "Services") -> None:
        self._gr, self._services = gr, services
        self._shelf = RunShelf(services.evaluations.folder)
        with gr.Row():
            self._run = gr.Dropdown([], label="測定", filterable=False, elem_id="run", min_width=200)
            self._compared = gr.Dropdown(
                _COMPARED, value=AUTO, label="比べる測定", filterable=False, elem_id="compared", min_width=200
            )
        clicked = PLAIN | {"js_on_load": CLICKED}
        self._figures = gr.HTML("", elem_id="figures", **PLAIN)
        with gr.Column(visible=False, elem_classes="admin-part") as self._questions:
            self._report = ReportButton(gr, services, self._shelf)
            gr.HTML("<h2>質問</h2>", **PLAIN)
            self._view = gr.Radio(list(VIEWS), value=WRONG, label="表示する質問", elem_id="question-view")
            self._consent = gr.Checkbox(value=False, label=_CONSENT, elem_id="held-out")
            self._list = gr.HTML("", elem_id="question-list", **clicked)
            self._evidence = gr.HTML("", elem_id="evidence", **PLAIN | {"js_on_load": CLICKED + _BACK})
            self._reasons = gr.HTML("", elem_id="reasons", **PLAIN)

    @property
    def chosen(self) -> Any:
        """The list of runs: what it holds is the run that is looked at, None before the first time."""
        return self._run

    @property
    def outputs(self) -> list[Any]:
        """The components that `show_newest` fills."""
        return [self._run, self._compared, self._figures, self._questions, self._list]

    def show_newest(self, user: User) -> tuple[Any, ...]:
        """Return the newest run, with the list of all of them."""
        gr, runs = self._gr, self._shelf.runs()
        names = [(name_run(run), run.about.id) for run in runs]
        newest = runs[0].about.id if runs else None
        lists = gr.Dropdown(choices=names, value=newest), gr.Dropdown(choices=[*_COMPARED, *names], value=AUTO)
        return (*lists, *self._show(Choice(newest, AUTO, WRONG, with_held_out=False)))

    def connect(self) -> None:
        """Let the choices and the buttons work. Every handler asks who it is."""
        gr = self._gr
        choices = [self._run, self._compared, self._view, self._consent]

        def show(request: gr.Request, run: Any, compared: Any, view: Any, consent: Any) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[Any, ...]:
                find_user(request, Role.QA)
                return (*self._show(Choice(run, compared, view, consent is True)), "", "")

            return attempt(work, lambda html: (html, gr.skip(), "", "", ""))

        def open_one(request: gr.Request, event: gr.EventData, run: Any, consent: Any) -> tuple[str, str]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> str:
                user = find_user(request, Role.QA)
                return self._open(user, run, read_detail(event, "id"), consent is True)

            return attempt(work, lambda html: html), ""

        def explain(request: gr.Request, event: gr.EventData, run: Any, consent: Any) -> str:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> str:
                user = find_user(request, Role.QA)
                return self._explain(user, run, read_detail(event, "id"), consent is True)

            return attempt(work, lambda html: html)

        shown = [self._figures, self._questions, self._list, self._evidence, self._reasons]
        gr.on([part.input for part in choices], show, choices, shown, trigger_mode="always_last", **HIDDEN)
        self._report.connect([self._run, self._compared, self._consent])
        asked = [self._run, self._consent]
        opened = self._list.click(open_one, asked, [self._evidence, self._reasons], trigger_mode="multiple", **HIDDEN)
        opened.then(
            None,
            [],
            [],
            js=_LOOK,
            **HIDDEN,
        )
        self._evidence.click(explain, asked, [self._reasons], **HIDDEN)

    def _show(self, choice: Choice) -> tuple[Any, ...]:
        gr = self._gr
        if choice.run is None:
            return NOTHING, gr.Column(visible=False), ""
        run = self._shelf.find(choice.run)
        comparison = self._shelf.compare(run, choice.compared)
        listed = render_questions(run, choice.view, comparison, with_held_out=choice.with_held_out)
        return render_figures(run, comparison), gr.Column(visible=True), listed

    def _open(self, user: User, run: object, id_: object, consent: bool) -> str:
        result = self._find(self._shelf.find(run), id_, consent)
        assistant = self._services.assistant
        return render_question(result, OpenSources.of(assistant, user), Links(assistant, user.asker))

    def _explain(self, user: User, run: object, id_: object, consent: bool) -> str:
        """Return what the present index finds for a question, and why, as far as the person may read it."""
        result = self._find(self._shelf.find(run), id_, consent)
        filters = Filters(as_of=result.as_of) if result.as_of else None
        passages, explanation = self._services.assistant.explain(
            result.text, filters=filters, asker=user.asker, limit=EXPLAINED
        )
        text = escape(render_hits(passages, explanation=explanation))
        return f'<h4>今の索引での得点の内訳</h4><pre class="reasons" tabindex="0" role="status">{text}</pre>'

    def _find(self, run: RunRecord, id_: object, consent: bool) -> Any:
        result = find_question(run, id_)
        if result is None:
            raise UsageError("その質問はこの測定にありません。", "一覧を開き直してください。")
        if result.is_held_out and not consent:
            raise NotAllowedError(
                "検証用の質問です。", f"見るときは「{_CONSENT.partition('（')[0]}」に印を付けてください。"
            )
        return result
