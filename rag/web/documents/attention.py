"""The pages that need a person: each with its reason and its image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.library.attention import AttentionPage, ImageKind, list_attention
from rag.web.documents.forms import PREFIX, Fields, Fragment, Route, Visit, cut_page, render_options, render_pager
from rag.web.links import Links

if TYPE_CHECKING:
    from rag.web.services import Services

PAGE_CARDS = 12
_IMAGE_WIDTH = 600


def list_routes(services: Services) -> list[Route]:
    """Return the handler of the pages that need a person."""
    settings, assistant = services.settings, services.assistant

    def show(visit: Visit, fields: Fields) -> Fragment:
        links = Links(assistant, visit.asker)
        pages = list_attention(settings)
        return Fragment(render_attention(pages, links, fields.text("reason"), fields.number("page", 1)))

    return [Route("GET", "/attention", show)]


def render_attention(pages: Sequence[AttentionPage], links: Links, reason: str = "", page: int = 1) -> str:
    """Return the pages with one reason (all without one), a dozen at a time."""
    if not pages:
        return '<p class="empty">要確認の頁はありません。</p>'
    chosen = [each for each in pages if not reason or reason in each.reasons]
    page, count = cut_page(len(chosen), page, PAGE_CARDS)
    cards = "".join(_render_page(each, links) for each in chosen[(page - 1) * PAGE_CARDS : page * PAGE_CARDS])
    pager = render_pager("/attention", page, count, {"reason": reason} if reason else {})
    return (
        f'{_render_choice(pages, reason)}<p class="count" role="status">{len(chosen):,} 頁</p>'
        f'<ul class="attention">{cards}</ul>{pager}'
    )


def _render_choice(pages: Sequence[AttentionPage], reason: str) -> str:
    counts = Counter(reason for page in pages for reason in page.reasons)
    options = [("", f"すべて（{len(pages)}）"), *((name, f"{name}（{count}）") for name, count in counts.most_common())]
    return (
        f'<form class="choice" data-show="{PREFIX}/attention" aria-label="要確認の頁の絞り込み">'
        f'<label>理由<select name="reason">{render_options(options, reason)}</select></label></form>'
    )


def _render_page(page: AttentionPage, links: Links) -> str:
    original = links.original(page.source, page.page if page.image is ImageKind.PAGE else None)
    open_it = (
        f'<a class="original" href="{escape(original)}" target="_blank" rel="noopener">原本を開く<span class="visually-hidden">（{escape(page.title)} {escape(page.place)}、新しいタブ）</span></a>'
        if original
        else ""
    )
    return (
        f'<li class="card"><h3>{escape(page.title)}　{escape(page.place)}</h3>'
        f'<p class="where"><span>{escape(page.department or "")}</span><span>{escape(page.source)}</span></p>'
        f"<p><strong>{escape(page.reason)}</strong></p>{_render_image(page, links)}{open_it}</li>"
    )


def _render_image(page: AttentionPage, links: Links) -> str:
    """Return the image, small; nothing where there is none, or where the document is closed to who looks."""
    address = None
    if page.image is ImageKind.PAGE:
        address = links.page_image(page.source, page.page, ())
        address = f"{address}&width={_IMAGE_WIDTH}" if address else None
    elif page.image is ImageKind.PICTURE:
        address = links.original(page.source)
    if not address:
        return ""
    alt = escape(f"{page.title} {page.place}の画像")
    return f'<img class="page" src="{escape(address)}" alt="{alt}" loading="lazy">'
