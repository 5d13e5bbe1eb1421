"""The permanent link of an answer: the answer as it was given, without personal data, for whoever may read its documents."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rag.accounts.visits import find_user
from rag.answer_reading import read_answer
from rag.documents import Asker
from rag.web.render import render_answer

if TYPE_CHECKING:
    from rag.activity.records import GivenAnswer
    from rag.settings import Settings
    from rag.web.desk import Desk

_PAGE = """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{heading} - {title}</title>
<script src="/web/theme.js"></script>
{styles}
<script src="/web/page.js" defer></script><script src="/web/viewer.js" defer></script>
</head>
<body class="gradio-container answer-page">
<main class="contain">
<header class="site"><h1>{title}</h1><p class="lead">{heading}</p>
<button type="button" id="theme" aria-pressed="false">暗い画面</button></header>
{body}
<p class="back"><a class="original" href="/">質問の画面を開く</a></p>
</main>
</body>
</html>
"""
_SHEETS = ("tokens.css", "style.css", "controls.css", "cards.css", "use.css", "print.css")
_STYLES = "\n".join(f'<link rel="stylesheet" href="/web/{name}">' for name in _SHEETS)
_GONE = (
    '<div class="notice-box warning" role="status"><p><strong>この回答は表示できません。</strong></p>'
    "<p>保存の期間が過ぎたか、リンクが違うか、回答が示す文書を読む権限がありません。質問の画面で、もう一度質問してください。</p></div>"
)


def build_answer_router(desk: Desk, settings: Settings) -> APIRouter:
    """Return the route of the permanent links."""
    router = APIRouter()

    @router.get("/answers/{id}")
    def answer_page(id: str, request: Request) -> HTMLResponse:
        asker = find_user(request).asker
        given = desk.activity.store.find(id, asker)
        body = render_given(given, desk, asker) if given else _GONE
        page = _PAGE.format(heading="回答の記録", title=escape(settings.page_title), styles=_STYLES, body=body)
        return HTMLResponse(page, 200 if given else 404)

    return router


def render_given(given: GivenAnswer, desk: Desk, asker: Asker) -> str:
    """Return an answer of an earlier day as HTML, with what has changed since then."""
    asked = given.asked
    html = render_answer(read_answer(given.answer), asked.question, desk.links(asker), asked_at=asked.at)
    at = asked.at
    said = f"{at.year}年{at.month}月{at.day}日 {at:%H:%M} に答えた内容です（個人情報は伏せています）。"
    changed = "".join(f"<li>{escape(line)}</li>" for line in find_changes(given, desk))
    warning = f'<ul class="notice-box warning" aria-label="その後の変更">{changed}</ul>' if changed else ""
    return f'<p class="given">{said}</p>{warning}{html}'


def find_changes(given: GivenAnswer, desk: Desk) -> tuple[str, ...]:
    """Return what has become of the documents that an answer cited, a sentence for each that is not as it was."""
    lines = []
    for source, sha256 in dict.fromkeys((d.source, d.sha256) for d in given.documents if d.is_cited):
        entry = desk.assistant.find_document(source)
        if entry is None:
            lines.append(f"「{source}」は、その後、登録から外れました。")
        elif sha256 is not None and entry.sha256 != sha256:
            lines.append(f"「{source}」は、その後、内容が変わりました。今の原本で確かめてください。")
    return tuple(lines)
