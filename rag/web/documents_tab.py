"""The tab 「文書の管理」: an empty frame of sections, each of which documents.js fills from its own route when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.web.services import Services

PREFIX = "/api/library"


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the tab. is_open: shown at once; the others are read when somebody opens them."""

    id: str
    label: str
    path: str
    is_open: bool = False


SECTIONS = (
    Section("index", "取り込み", "/index", is_open=True),
    Section("upload", "文書を加える", "/upload"),
    Section("documents", "文書の一覧", "/documents", is_open=True),
    Section("attention", "要確認の頁", "/attention"),
    Section("synonyms", "同義語", "/wording?kind=synonyms"),
    Section("dictionary", "辞書", "/wording?kind=dictionary"),
    Section("snapshots", "前の索引に戻す", "/snapshots"),
    Section("history", "変更の記録", "/changes"),
)


def build_tab(gr: Any, services: Services) -> None:
    """Fill the tab. Nothing of a document is in it: what is shown comes from routes that ask for the role themselves."""
    gr.HTML(render_frame(), js_on_load=None, apply_default_css=False, elem_id="documents-tab", show_label=False)


def render_frame() -> str:
    """Return the sections, empty, and the place where it is said what became of an action."""
    sections = "".join(map(_render_section, SECTIONS))
    return (
        f'<div id="library">{sections}<p class="visually-hidden" id="library-said" role="status"></p>'
        '<div id="library-notice" hidden><div class="said" role="status"></div>'
        '<button type="button" class="plain" data-close>閉じる</button></div></div>'
    )


def _render_section(section: Section) -> str:
    opened = " open" if section.is_open else ""
    return (
        f'<details class="section" id="section-{section.id}"{opened}><summary><h2>{escape(section.label)}</h2></summary>'
        f'<div class="loaded" data-section="{section.id}" data-load="{PREFIX}{escape(section.path)}"><p class="hint">読み込んでいます…</p></div></details>'
    )
