"""The page itself: its head, and one tab for each thing that people come for. A tab is a module with `build_tab(gr, services)`.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rag.accounts.opening import account_notice
from rag.accounts.user import Role, User
from rag.accounts.visits import find_user
from rag.settings import Settings
from rag.web import ask_tab, documents_tab, examples_tab, judging_panel, search_tab
from rag.web.accuracy import tab as accuracy_tab
from rag.web.assets import STYLES
from rag.web.use import gaps_tab
from rag.web.use import tab as use_tab

if TYPE_CHECKING:
    from rag.web.services import Services

HEAD = (
    "".join(f'<link rel="stylesheet" href="/web/{name}">' for name in STYLES)
    + '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
)
"""What Gradio adds last, so that our styles come after its own; the scripts stand in the page from the start (`early_scripts`)."""
_SIGNED_IN = '<nav class="account" aria-label="利用者"><a href="/password">パスワードの変更</a><a href="/sign-out">サインアウト</a></nav>'


@dataclass(frozen=True, slots=True)
class TabPlan:
    """One tab: its id, the name that people read, what fills it, and whose role it is for (everyone's without any)."""

    id: str
    label: str
    build: Callable[[Any, "Services"], None]
    roles: tuple[Role, ...] = ()

    def is_for(self, user: User) -> bool:
        """Tell whether a user finds it on his page."""
        return not self.roles or any(user.role.covers(role) for role in self.roles)


TABS = (
    TabPlan("ask", "質問する", ask_tab.build_tab),
    TabPlan("search", "文書を探す", search_tab.build_tab),
    TabPlan("examples", "質問例", examples_tab.build_tab),
    TabPlan("documents", "文書の管理", documents_tab.build_tab, (Role.ADMIN,)),
    TabPlan("use", "利用状況", use_tab.build_tab, (Role.ADMIN,)),
    TabPlan("gaps", "回答できなかった質問", gaps_tab.build_tab, (Role.ADMIN,)),
    TabPlan("judging", "回答の評価", judging_panel.build_judging, (Role.QA,)),
    TabPlan("accuracy", "正答率", accuracy_tab.build_tab, (Role.QA,)),
)


def build_blocks(services: "Services") -> Any:
    """Return the Gradio Blocks of the page. A tab that is not for everyone is shown to whom it is for, when the page is opened."""
    import gradio as gr

    settings = services.settings
    with gr.Blocks(title=settings.page_title, analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(_render_header(settings), js_on_load=None, apply_default_css=False)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            tabs = []
            for plan in TABS:
                with gr.Tab(plan.label, id=plan.id, elem_id=f"tab-{plan.id}", visible=not plan.roles) as tab:
                    plan.build(gr, services)
                tabs.append((plan, tab))
        blocks.load(None, js="() => window.pageReady()", api_visibility="private")
        limited = [(plan, tab) for plan, tab in tabs if plan.roles]
        if limited:
            show = _build_show(gr, [plan for plan, _ in limited])
            blocks.load(show, None, [tab for _, tab in limited], api_visibility="private", show_progress="hidden")
    return blocks


def _build_show(gr: Any, plans: Sequence[TabPlan]) -> Callable[..., Any]:
    def show(request: gr.Request) -> Any:
        user = find_user(request)
        shown = [gr.Tab(visible=plan.is_for(user)) for plan in plans]
        return shown if len(shown) > 1 else shown[0]

    return show


def _render_header(settings: Settings) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in settings.notice.splitlines() if line.strip())
    notice = f'<ul class="notice" aria-label="ご利用にあたって">{lines}</ul>' if lines else ""
    banner = f'<p class="account-notice" role="note">{escape(text)}</p>' if (text := account_notice(settings)) else ""
    account = _SIGNED_IN if settings.accounts == "on" else ""
    lead = '<p class="lead">庁内文書に、出典つきで答えます</p>'
    switch = '<button type="button" id="theme" aria-pressed="false">暗い画面</button>'
    title = f"<h1>{escape(settings.page_title)}</h1>{lead}{account}{switch}"
    return f'<header class="site">{title}</header>{banner}{notice}'
