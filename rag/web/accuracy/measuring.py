"""Start, watch and stop a run. The page asks how far it is only while it goes on; the run itself needs no page.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from eval.jobs import RunState, RunStatus
from rag.accounts.audit import Action
from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.web.attempts import attempt, render_done
from rag.web.options import HIDDEN, PLAIN
from rag.web.render import render_error

if TYPE_CHECKING:
    from rag.web.services import Services

POLL_SECONDS = 1.5


def render_state(state: RunState) -> str:
    """Return how far a run is, or how it ended; nothing before the first."""
    if state.is_running:
        return _render_progress(state)
    if state.status is RunStatus.FAILED:
        return render_error(f"{state.status.label}: {state.message}", state.hint)
    return "" if state.status is RunStatus.IDLE else render_done(f"{state.status.label}。")


def _render_progress(state: RunState) -> str:
    who = f"{escape(state.started_by)}が開始" if state.started_by else ""
    when = f"{state.started_at:%H:%M} から" if state.started_at else ""
    stopping = "　中止しています…" if state.is_stopping else ""
    words = f"{state.done} / {state.total} 問{stopping}"
    return (
        f'<div class="run-progress"><p role="status">測定中です。この画面を閉じても続きます。<span class="where">{who} {when}</span></p>'
        f'<progress max="{state.total}" value="{state.done}" aria-label="測定の進み">{words}</progress><p>{words}</p></div>'
    )


class Measuring:
    """The buttons to start and to stop, and how far it is."""

    def __init__(self, gr: Any, services: "Services") -> None:
        self._gr, self._services, self._jobs = gr, services, services.evaluations
        with gr.Row(elem_classes="exchange"):
            self._start = gr.Button("測定を始める", variant="primary", elem_id="evaluate", elem_classes="send")
            self._stop = gr.Button("中止する", visible=False, elem_id="stop-evaluation", elem_classes="example")
        self._shown = gr.HTML("", elem_id="evaluation-state", **PLAIN)
        self._timer = gr.Timer(POLL_SECONDS, active=False)

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` fills."""
        return [self._shown, self._start, self._stop, self._timer]

    def show(self, state: RunState) -> tuple[Any, ...]:
        """Return what a state looks like: the clock of the page runs only while a run does."""
        gr, on = self._gr, state.is_running
        buttons = gr.Button(interactive=not on), gr.Button(visible=on, interactive=not state.is_stopping)
        return (render_state(state), *buttons, gr.Timer(active=on))

    def connect(self, refresh: Callable[[User], tuple[Any, ...]], refreshed: list[Any]) -> None:
        """Let the buttons work. refresh: what the end of a run changes elsewhere, in the components `refreshed`."""
        gr = self._gr

        def skipped() -> tuple[Any, ...]:
            return tuple(gr.skip() for _ in refreshed)

        def start(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self.show(self._begin(request)), self._say_error)

        def stop(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self.show(self._end(request)), self._say_error)

        def poll(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[Any, ...]:
                user = find_user(request, Role.QA)
                state = self._jobs.state()
                return (*self.show(state), *(skipped() if state.is_running else refresh(user)))

            return attempt(work, lambda html: (html, gr.skip(), gr.skip(), gr.Timer(active=False), *skipped()))

        self._start.click(start, [], self.outputs, trigger_mode="once", **HIDDEN)
        self._stop.click(stop, [], self.outputs, trigger_mode="once", **HIDDEN)
        self._timer.tick(poll, [], [*self.outputs, *refreshed], trigger_mode="once", **HIDDEN)

    def _begin(self, request: Any) -> RunState:
        user, shelf = find_user(request, Role.QA), self._services.question_set
        name = "同梱の質問集" if shelf.is_packaged else "町の質問集"
        state = self._jobs.start(shelf.path, name=name, started_by=user.display_name)
        find_gate(request).record(request.request, Action.EVALUATED, user=user, target=name)
        return state

    def _end(self, request: Any) -> RunState:
        user = find_user(request, Role.QA)
        state = self._jobs.cancel()
        find_gate(request).record(request.request, Action.EVALUATED, user=user, target="中止")
        return state

    def _say_error(self, html: str) -> tuple[Any, ...]:
        return (html, *(self._gr.skip() for _ in range(3)))
