"""The page itself: its head, and one tab for each thing that people come for. A tab is a module with `build_tab`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from rag.accounts.opening import account_notice
from rag.settings import Settings
from rag.web import ask_tab, search_tab

if TYPE_CHECKING:
    from rag.assistant import Assistant

STYLES = ("tokens.css", "style.css", "cards.css", "print.css")
HEAD = (
    '<script src="/web/theme.js"></script>'
    + "".join(f'<link rel="stylesheet" href="/web/{name}">' for name in STYLES)
    + '<script src="/web/page.js" defer></script><script src="/web/viewer.js" defer></script>'
    '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
)
_SIGNED_IN = '<nav class="account" aria-label="利用者"><a href="/password">パスワードの変更</a><a href="/sign-out">サインアウト</a></nav>'
TABS = (("質問する", "ask", ask_tab.build_tab), ("文書を探す", "search", search_tab.build_tab))
"""The name that people read, the id, and what fills the tab."""


def build_blocks(assistant: Assistant, settings: Settings) -> Any:
    """Return the Gradio Blocks of the page."""
    import gradio as gr

    with gr.Blocks(title=settings.page_title, analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(_render_header(settings), js_on_load=None, apply_default_css=False)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for label, name, build_tab in TABS:
                with gr.Tab(label, id=name, elem_id=f"tab-{name}"):
                    build_tab(gr, assistant, settings)
    return blocks


def _render_header(settings: Settings) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in settings.notice.splitlines() if line.strip())
    notice = f'<ul class="notice" aria-label="ご利用にあたって">{lines}</ul>' if lines else ""
    banner = f'<p class="account-notice" role="note">{escape(text)}</p>' if (text := account_notice(settings)) else ""
    account = _SIGNED_IN if settings.accounts == "on" else ""
    lead = '<p class="lead">庁内文書に、出典つきで答えます</p>'
    switch = '<button type="button" id="theme" aria-pressed="false">暗い画面</button>'
    title = f"<h1>{escape(settings.page_title)}</h1>{lead}{account}{switch}"
    return f'<header class="site">{title}</header>{banner}{notice}'
