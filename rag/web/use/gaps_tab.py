"""The tab 「回答できなかった質問」: what people asked in vain, and how departments reply to it; for administrators.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action
from rag.accounts.user import Role
from rag.accounts.visits import find_gate, find_user
from rag.activity import GapState, build_gaps_excel
from rag.activity.gaps import Gap, GapList
from rag.errors import UsageError
from rag.web.attempts import attempt, render_done
from rag.web.downloads import EXCEL, SAVE, pack_file
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.gap_list import STATES, choose_gaps, find_chosen, list_choices, render_count, render_gap
from rag.web.use.opening import when_opened
from rag.web.use.reply_form import ReplyForm
from rag.web.use.reviewed_panel import ReviewedPanel

if TYPE_CHECKING:
    from rag.activity import Activity
    from rag.web.services import Services

_ACTIONS = {
    GapState.ASKED: ("照会中にする", "gap-asked", "照会中にしました。"),
    GapState.CLOSED: ("見送る（完了にする）", "gap-dismiss", "完了にしました。"),
    GapState.OPEN: ("未対応に戻す", "gap-reopen", "未対応に戻しました。"),
}


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    GapsTab(gr, services.activity).connect()


class GapsTab:
    """The parts of the tab: the list, what is done with the chosen one, the reply, and the replies that there are."""

    def __init__(self, gr: Any, activity: "Activity") -> None:
        self._gr, self._activity = gr, activity
        self._gaps = gr.State(())
        with gr.Row(elem_classes="period"):
            self._state = gr.Radio(STATES, value=GapState.OPEN.value, label="状態", elem_id="gap-state")
            self._show = gr.Button("一覧を更新", elem_id="gaps-show", elem_classes="example")
            self._save = gr.Button("Excel で保存", elem_id="gaps-excel", elem_classes="example")
            self._new = gr.Button("一覧にない質問に回答を登録", elem_id="gap-new", elem_classes="example")
        self._count = gr.HTML(elem_id="gaps-count", **PLAIN)
        self._list = gr.Radio([], label="質問のまとまり（件数の多い順）", visible=False, elem_id="gaps")
        self._detail = gr.HTML(elem_id="gap", **PLAIN)
        with gr.Row(visible=False, elem_id="gap-actions", elem_classes="actions") as self._actions:
            self._reply = gr.Button("回答を登録する", elem_id="gap-reply", elem_classes="example")
            self._marks = {
                state: gr.Button(label, elem_id=id_, elem_classes="example")
                for state, (label, id_, _) in _ACTIONS.items()
            }
        self._told = gr.HTML(elem_id="gap-told", **PLAIN)
        self._form = ReplyForm(gr, activity)
        self._reviewed = ReviewedPanel(gr, activity)
        self._record = gr.Textbox(visible=False)

    @property
    def _listed(self) -> list[Any]:
        return [self._gaps, self._list, self._count, self._detail, self._actions, self._told]

    def connect(self) -> None:
        """Connect the buttons. Every handler asks for the role itself."""
        gr = self._gr

        def show(state: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return self._show_gaps(state, request)

        def show_anew(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return (*self._show_gaps(GapState.OPEN.value, request), GapState.OPEN.value, *self._reviewed.fill(request))

        def choose(gaps: tuple[Gap, ...], chosen: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self._choose(gaps, chosen, request), lambda html: (html, gr.skip()))

        everything = [*self._listed, self._state, *self._reviewed.outputs]
        when_opened(gr, show_anew, [], everything)
        gr.on([self._show.click, self._state.input], show, [self._state], self._listed, **HIDDEN)
        self._list.input(choose, [self._gaps, self._list], [self._detail, self._actions], **HIDDEN)
        for state, button in self._marks.items():
            inputs = [self._gaps, self._list, self._state]
            button.click(self._marker(state), inputs, self._listed, **HIDDEN)
        self._connect_form(show_anew, everything)
        saved = self._save.click(self._saver(), [self._state], [self._record, self._told], **HIDDEN)
        saved.then(None, [self._record], [], js=SAVE, **HIDDEN)
        self._reviewed.connect()

    def _connect_form(self, refresh: Any, refreshed: list[Any]) -> None:
        gr = self._gr

        def begin(gaps: tuple[Gap, ...], chosen: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self._form.begin(require_chosen(gaps, chosen), request), self._form.close)

        def begin_new(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self._form.begin(None, request), self._form.close)

        self._reply.click(begin, [self._gaps, self._list], self._form.outputs, **HIDDEN)
        self._new.click(begin_new, [], self._form.outputs, **HIDDEN)
        self._form.connect(refresh, refreshed)

    def _show_gaps(self, state: Any, request: Any, told: str = "") -> tuple[Any, ...]:
        gr = self._gr

        def work() -> tuple[Any, ...]:
            found = find_gaps(self._activity, request)
            gaps = choose_gaps(found, state)
            chooser = gr.Radio(choices=list_choices(gaps), value=None, visible=bool(gaps))
            return gaps, chooser, render_count(found, gaps), "", gr.Row(visible=False), told

        empty = ((), gr.Radio(choices=[], value=None, visible=False), "", "", gr.Row(visible=False))
        return attempt(work, lambda html: (*empty, html))

    def _choose(self, gaps: tuple[Gap, ...], chosen: Any, request: Any) -> tuple[Any, ...]:
        find_user(request, Role.ADMIN)
        return render_gap(require_chosen(gaps, chosen)), self._gr.Row(visible=True)

    def _marker(self, state: GapState) -> Any:
        gr = self._gr

        def mark(gaps: tuple[Gap, ...], chosen: Any, shown: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[Any, ...]:
                find_user(request, Role.ADMIN)
                self._activity.gaps.mark(require_chosen(gaps, chosen), state)
                return self._show_gaps(shown, request, render_done(_ACTIONS[state][2]))

            return attempt(work, lambda html: (*(gr.skip() for _ in self._listed[:-1]), html))

        return mark

    def _saver(self) -> Any:
        gr = self._gr

        def save(state: Any, request: gr.Request) -> tuple[str, str]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: pack_gaps(self._activity, state, request), lambda html: ("", html))

        return save


def find_gaps(activity: "Activity", request: object) -> GapList:
    """Return the gaps to an administrator. Raises NotAllowedError, and IndexError_ where there is no index to put them together."""
    find_user(request, Role.ADMIN)
    return activity.gaps.list()


def require_chosen(gaps: tuple[Gap, ...], chosen: object) -> Gap:
    """Return the chosen gap. Raises UsageError where none is."""
    gap = find_chosen(gaps, chosen)
    if gap is None:
        raise UsageError("質問が選ばれていません。", "一覧から 1 つ選んでください。")
    return gap


def pack_gaps(activity: "Activity", state: object, request: Any) -> tuple[str, str]:
    """Return the gaps of a state as a packed Excel file, and what is said of it. Raises as `find_gaps` does."""
    gaps = choose_gaps(find_gaps(activity, request), state)
    user = find_user(request, Role.ADMIN)
    find_gate(request).record(request.request, Action.EXPORTED, user=user, target="回答できなかった質問")
    name = f"回答できなかった質問_{date.today():%Y%m%d}.xlsx"
    return pack_file(name, EXCEL, build_gaps_excel(gaps)), render_done("Excel ファイルを保存しました。")
