"""The part of the tab 「質問例」 for administrators: what waits, approval, and the exchange file of towns.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action
from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.errors import RagError, UsageError
from rag.question_registry.entries import ReviewState
from rag.question_registry.registry import read_starter
from rag.web.attempts import render_done
from rag.web.examples import CLICKED, read_detail, read_id
from rag.web.files import pack_download, read_upload, script_reading
from rag.web.options import HIDDEN
from rag.web.registry_list import ALL, DECISIONS, SHOWN, render_import, render_registry, render_review
from rag.web.render import render_error

if TYPE_CHECKING:
    from rag.web.services import Services

_INPUT = '<label class="file-input">交換ファイル（JSON）<input type="file" id="registry-file" accept=".json,application/json"></label>'


def decide_entry(services: "Services", id_: int | None, state: object) -> str:
    """Approve, reject or retire an entry; return what was done. Raises UsageError for what cannot be decided of it."""
    if id_ is None:
        raise UsageError("どの質問か分かりません。", "一覧を開き直してください。")
    entry = services.registry.entry(id_)
    if state not in [wanted.value for wanted, _ in DECISIONS[entry.state]]:
        raise UsageError(f"登録番号 {id_} は、もう「{entry.state.label}」です。", "一覧を開き直してください。")
    decided = services.registry.review(id_, ReviewState(str(state)))
    return render_done(f"登録番号 {id_} を「{decided.state.label}」にしました。")


def approve_shown(services: "Services") -> str:
    """Approve the drafts that an administrator has before him; return what was done."""
    drafts = services.registry.entries(ReviewState.DRAFT)[:SHOWN]
    for entry in drafts:
        services.registry.review(entry.id, ReviewState.APPROVED)
    return render_done(f"{len(drafts)} 件を「{ReviewState.APPROVED.label}」にしました。")


class ReviewPart:
    """All entries with their state, the buttons to decide, export and import; not there for anybody else."""

    def __init__(self, gr: Any) -> None:
        self._gr = gr
        with gr.Column(visible=False, elem_id="review", elem_classes="admin-part") as self._part:
            plain: dict[str, Any] = {"apply_default_css": False, "show_label": False}
            gr.HTML("<h2>質問例の管理</h2>", js_on_load=None, **plain)
            self._said = gr.HTML("", js_on_load=None, elem_id="reviewed", **plain)
            self.list = gr.HTML("", js_on_load=CLICKED, elem_id="review-list", **plain)
            gr.HTML("<h3>ほかの町との交換</h3>", js_on_load=None, **plain)
            with gr.Row(elem_classes="exchange"):
                self._export = gr.Button(
                    "承認済みを書き出す（JSON）", elem_id="registry-export", elem_classes="example"
                )
                self._starter = gr.Button("見本の質問を取り込む", elem_id="registry-starter", elem_classes="example")
            with gr.Row(elem_classes="exchange"):
                gr.HTML(_INPUT, js_on_load=None, **plain)
                self._import = gr.Button("ファイルを取り込む", elem_id="registry-import", elem_classes="example")
            self._upload, self._file = gr.Textbox(visible=False), gr.Textbox(visible=False)

    @property
    def outputs(self) -> list[Any]:
        """The components that `load` fills."""
        return [self._part, self.list]

    def load(self, services: "Services", user: User) -> tuple[Any, ...]:
        """Return the part for a user, who sees it only as an administrator."""
        return self._gr.Column(visible=user.role is Role.ADMIN), self.show(services, user)

    def show(self, services: "Services", user: User) -> Any:
        """Return the list of all entries for an administrator, and nothing for others."""
        return render_review(services.registry.entries()) if user.role is Role.ADMIN else ""

    def connect(self, services: "Services", entries: Any) -> None:
        """Let the buttons decide, export and import. Every handler asks who it is."""
        outputs = [self._said, self.list, entries]
        self.list.click(self._decider(services), [], outputs, trigger_mode="multiple", **HIDDEN)
        self._import.click(
            self._importer(services), [self._upload], outputs, js=script_reading("#registry-file"), **HIDDEN
        )
        self._starter.click(self._starter_importer(services), [], outputs, **HIDDEN)
        saved = self._export.click(self._exporter(services), [], [self._file, self._said], **HIDDEN)
        saved.then(None, [self._file], [], js="(file) => window.saveRecord(file)", **HIDDEN)

    def _decider(self, services: "Services") -> Any:
        gr = self._gr

        def decide(request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            id_, state = read_id(event), read_detail(event, "state")
            if read_detail(event, "id") == ALL:
                return self._act(services, request, lambda: approve_shown(services), "質問例の一括承認")
            return self._act(services, request, lambda: decide_entry(services, id_, state), f"質問例 {id_}: {state}")

        return decide

    def _importer(self, services: "Services") -> Any:
        gr = self._gr

        def take(request: gr.Request, file: Any) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            def act() -> str:
                return render_import(services.registry.import_json(read_upload(file)))

            return self._act(services, request, act, "質問例の取り込み")

        return take

    def _starter_importer(self, services: "Services") -> Any:
        gr = self._gr

        def take(request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            def act() -> str:
                return render_import(services.registry.import_json(read_starter()))

            return self._act(services, request, act, "見本の質問例の取り込み")

        return take

    def _act(self, services: "Services", request: Any, act: Any, target: str) -> tuple[Any, ...]:
        """Do something as an administrator, record it, and show the lists anew."""
        try:
            user = find_user(request, Role.ADMIN)
            said = act()
            find_gate(request).record(request.request, Action.EXAMPLES_CHANGED, user=user, target=target)
        except RagError as error:
            return render_error(error.message, error.hint), self._gr.skip(), self._gr.skip()
        return said, self.show(services, user), render_registry(services.registry.entries(ReviewState.APPROVED))

    def _exporter(self, services: "Services") -> Any:
        gr = self._gr

        def export(request: gr.Request) -> tuple[str, str]:  # type: ignore[name-defined]  # Gradio reads it
            try:
                user = find_user(request, Role.ADMIN)
                text = services.registry.export_json(services.settings.page_title)
            except RagError as error:
                return "", render_error(error.message, error.hint)
            find_gate(request).record(request.request, Action.EXPORTED, user=user, target="質問例")
            name = f"質問例_{datetime.now():%Y%m%d}.json"
            return pack_download(name, "application/json", text.encode()), render_done("書き出しました。")

        return export
