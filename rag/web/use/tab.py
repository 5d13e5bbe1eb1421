"""The tab 「利用状況」: how much しるべ is used, how it ends, and what people say; for administrators.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action
from rag.accounts.user import Role
from rag.accounts.visits import find_gate, find_user
from rag.activity import build_usage_excel
from rag.activity.usage import UsageReport
from rag.documents import COMMAND_LINE
from rag.web.attempts import attempt, render_done
from rag.web.day_field import build_day
from rag.web.downloads import EXCEL, SAVE, pack_file
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.opening import when_opened
from rag.web.use.period import read_period
from rag.web.use.report import render_usage

if TYPE_CHECKING:
    from rag.web.services import Services


def build_tab(gr: Any, services: "Services") -> None:
    """Fill the tab."""
    with gr.Row(elem_id="use-period", elem_classes="period"):
        since = build_day(gr, "始まりの日（空欄は30日前）")
        until = build_day(gr, "終わりの日（空欄は今日）")
        show = gr.Button("表示", variant="primary", elem_id="use-show", elem_classes="send")
        save = gr.Button("Excel で保存", elem_id="use-excel", elem_classes="example")
    told = gr.HTML(elem_id="use-told", **PLAIN)
    report = gr.HTML(elem_id="use-report", **PLAIN)
    record = gr.Textbox(visible=False)

    def show_report(since: Any, until: Any, request: gr.Request) -> str:
        return attempt(lambda: render_usage(measure(services, since, until, request)), lambda html: html)

    def save_report(since: Any, until: Any, request: gr.Request) -> tuple[str, str]:
        return attempt(lambda: pack_report(services, since, until, request), lambda html: ("", html))

    when_opened(gr, show_report, [since, until], [report])
    gr.on([show.click, since.submit, until.submit], show_report, [since, until], [report], **HIDDEN)
    saved = save.click(save_report, [since, until], [record, told], **HIDDEN)
    saved.then(None, [record], [], js=SAVE, **HIDDEN)


def measure(services: "Services", since: object, until: object, request: object) -> UsageReport:
    """Return the figures of a period to an administrator. Raises NotAllowedError, and UsageError for what is no period."""
    find_user(request, Role.ADMIN)
    first, last = read_period(since, until, date.today())
    return services.activity.usage(first, last, services.assistant.departments(COMMAND_LINE))


def pack_report(services: "Services", since: object, until: object, request: Any) -> tuple[str, str]:
    """Return the figures as a packed Excel file, and what is said of it. Raises as `measure` does."""
    report = measure(services, since, until, request)
    user = find_user(request, Role.ADMIN)
    find_gate(request).record(request.request, Action.EXPORTED, user=user, target="利用状況")
    name = f"利用状況_{report.since:%Y%m%d}-{report.until:%Y%m%d}.xlsx"
    return pack_file(name, EXCEL, build_usage_excel(report)), render_done("Excel ファイルを保存しました。")
