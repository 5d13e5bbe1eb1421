"""The report of a run as one HTML file, for who may read all that stands in it.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from typing import TYPE_CHECKING, Any

from eval.comparison import Comparison
from eval.html_report import render_html
from eval.records import RunRecord
from rag.accounts.audit import Action
from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.errors import NotAllowedError
from rag.web.accuracy.shelf import OpenSources, RunShelf
from rag.web.attempts import attempt
from rag.web.files import pack_download
from rag.web.options import HIDDEN, PLAIN

if TYPE_CHECKING:
    from rag.web.services import Services


def pack_report(run: RunRecord, comparison: Comparison | None, sources: OpenSources, *, with_held_out: bool) -> str:
    """Return the report as a file for the page's script. Raises NotAllowedError for who may not see all of it."""
    if not sources.hold_all(run):
        raise NotAllowedError(
            "この測定には、公開範囲外の文書が含まれています。", "報告は、すべての文書を読める管理者が保存してください。"
        )
    if not with_held_out and any(result.is_held_out for result in run.results):
        raise NotAllowedError(
            "報告には検証用の質問の1問ずつの結果も入ります。",
            "保存するときは「検証用の質問も1問ずつ見る」に印を付けてください。",
        )
    name = f"正答率_{run.about.started_at:%Y%m%d_%H%M}.html"
    return pack_download(name, "text/html;charset=utf-8", render_html(run, comparison).encode())


class ReportButton:
    """The button that saves the report of the chosen run."""

    def __init__(self, gr: Any, services: "Services", shelf: RunShelf) -> None:
        self._gr, self._services, self._shelf = gr, services, shelf
        self._save = gr.Button("報告を保存（HTML）", elem_id="save-report", elem_classes="example")
        self._said = gr.HTML("", elem_id="report-said", **PLAIN)
        self._file = gr.Textbox(visible=False)

    def connect(self, choices: list[Any]) -> None:
        """Let it save. choices: the run, what it is compared with, and the consent to see what only checks."""
        gr = self._gr

        def save(request: gr.Request, run: Any, compared: Any, consent: Any) -> tuple[str, str]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[str, str]:
                user = find_user(request, Role.QA)
                packed = self._pack(user, run, compared, consent is True)
                find_gate(request).record(request.request, Action.EXPORTED, user=user, target="正答率の報告")
                return packed, ""

            return attempt(work, lambda html: ("", html))

        saved = self._save.click(save, choices, [self._file, self._said], **HIDDEN)
        saved.then(None, [self._file], [], js="(file) => window.saveRecord(file)", **HIDDEN)

    def _pack(self, user: User, id_: object, compared: object, consent: bool) -> str:
        run = self._shelf.find(id_)
        sources = OpenSources.of(self._services.assistant, user)
        return pack_report(run, self._shelf.compare(run, compared), sources, with_held_out=consent)
