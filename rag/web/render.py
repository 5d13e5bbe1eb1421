"""Answers and errors as HTML. Whatever comes from a file, a name, a question or a model passes `escape` on its way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from html import escape

from rag.assistant import PINNED
from rag.documents import Answer, Contact, Filters, Reason, Status, Warning_
from rag.web.cards import render_badge, render_citation, render_place
from rag.web.desk import THANKS
from rag.web.filter_bar import render_chips
from rag.web.links import Links

REASONS = {
    Reason.WEAK_EVIDENCE: "登録された文書の中に、確かな根拠を見つけられませんでした。",
    Reason.OUT_OF_SCOPE: "登録された文書では扱っていない内容のようです。",
    Reason.PERSONAL_DATA: "個人に関する情報を尋ねる質問のため、お答えしません。",
    Reason.NO_DOCUMENTS: "条件に合う文書が登録されていません。",
}
CONFIRMED = "確認済み"
MARKS = {"contradiction": "文書により記載が違います", "ocr": "文字認識（OCR）", "superseded": "旧版"}
"""What a warning says in a word beside the heading, by its code."""
_NO_LIMITS = Filters()
_MARK = re.compile(r"\[(\d{1,3})\]")


def render_answer(
    answer: Answer, question: str, links: Links, filters: Filters = _NO_LIMITS, asked_at: datetime | None = None
) -> str:
    """Return one answer as HTML: text and sources side by side, or why there is no answer and where to turn."""
    body = _render_answered(answer, links) if answer.status is Status.ANSWERED else _render_no_answer(answer, links)
    head = f"{_render_question(question)}{render_chips(filters)}{_render_understood(answer)}"
    return f'<div class="result">{head}{body}<p class="print-only printed-on">{_describe_moment(asked_at or datetime.now())}に回答</p></div>'


def render_thanks(question: str) -> str:
    """Return what is said to somebody who only said thank you."""
    words = f'<p class="thanks" role="status">{THANKS}</p>'
    return f'<div class="result">{_render_question(question)}{words}</div>'


def render_welcome() -> str:
    """Return what stands in the place of the answer before the first question."""
    return '<p class="welcome">質問を送ると、庁内文書から見つけた回答と、その出典をここに示します。</p>'


def render_progress(question: str) -> str:
    """Return what is shown while an answer is being looked for."""
    status = '<p class="progress" role="status"><span class="spinner" aria-hidden="true"></span>文書を調べています…</p>'
    return f'<div class="result" aria-busy="true">{_render_question(question)}{status}</div>'


def render_error(message: str, hint: str) -> str:
    """Return an error as a message and what to do about it."""
    return (
        f'<div class="notice-box error" role="alert"><p><strong>{escape(message)}</strong></p>'
        f"<p>対処: {escape(hint)}</p></div>"
    )


def _describe_moment(moment: datetime) -> str:
    return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M} "


def _render_question(question: str) -> str:
    return (
        f'<p class="asked"><span class="asked-label">質問</span><span class="asked-text">{escape(question)}</span></p>'
    )


def _render_understood(answer: Answer) -> str:
    if not answer.understood:
        return ""
    return f'<p class="understood"><span class="asked-label">理解した質問</span>{escape(answer.understood)}</p>'


def _render_answered(answer: Answer, links: Links) -> str:
    cards = "".join(render_citation(citation, links) for citation in answer.citations)
    text = _link_marks(escape(answer.text), {citation.number for citation in answer.citations})
    return (
        f'<div class="columns"><section class="answer" aria-label="回答"><h2>回答{_render_marks(answer)}</h2>'
        f'<div class="answer-text">{text}</div>{_render_warnings(answer.warnings)}'
        f"{_render_struck(answer)}{_render_facts(answer)}{_render_copy(answer)}</section>"
        f'<section class="sources" aria-label="出典"><h2>出典</h2>{cards}</section></div>'
    )


def _render_marks(answer: Answer) -> str:
    codes = {warning.code for warning in answer.warnings}
    confirmed = f" {render_badge(CONFIRMED)}" if answer.engine == PINNED else ""
    return confirmed + "".join(f" {render_badge(words, 'old')}" for code, words in MARKS.items() if code in codes)


def _render_copy(answer: Answer) -> str:
    return (
        f'<button type="button" class="copy" data-copy="{escape(write_answer(answer))}">回答を出典つきでコピー</button>'
    )


def write_answer(answer: Answer) -> str:
    """Return an answer with its sources as plain text, as it is pasted into a letter."""
    sources = [
        f"[{citation.number}] {citation.title}　{citation.locator.describe(citation.source)}（{citation.source}）"
        for citation in answer.citations
    ]
    return "\n".join([answer.text, "", "出典", *sources])


def _render_struck(answer: Answer) -> str:
    """Return what was taken out of a generated answer, to unfold."""
    items = "".join(f"<li><s>{escape(s.text)}</s>（{escape(s.reason)}）</li>" for s in answer.checks.struck)
    if not items:
        return ""
    count = len(answer.checks.struck)
    return f'<details class="struck"><summary>取り除いた文（{count}件）</summary><ul>{items}</ul></details>'


def _link_marks(text: str, numbers: set[int]) -> str:
    """Turn the marks of citations that exist into links to their cards; the text is escaped already.

    >>> _link_marks("届け出ます。[1][7]", {1})
    '届け出ます。<a class="mark" href="#citation-1" aria-label="出典1">[1]</a>[7]'
    """

    def link(match: re.Match[str]) -> str:
        number = int(match[1])
        if number not in numbers:
            return match[0]
        return f'<a class="mark" href="#citation-{number}" aria-label="出典{number}">[{number}]</a>'

    return _MARK.sub(link, text)


def _render_facts(answer: Answer) -> str:
    proved = f"引用 {answer.checks.quotes} 件を原本と照合済み　" if answer.checks.quotes else ""
    certainty = "所管課が確認した回答" if answer.engine == PINNED else f"確からしさの目安 {answer.confidence:.0%}"
    return f'<p class="facts">{proved}{certainty}　所要 {answer.elapsed_ms / 1000:.2f} 秒</p>'


def _render_no_answer(answer: Answer, links: Links) -> str:
    reason = REASONS[answer.reason] if answer.reason else REASONS[Reason.WEAK_EVIDENCE]
    said = f'<p class="answer-text">{escape(answer.text)}</p>' if answer.text.strip() else ""
    return (
        f'<section class="no-answer" aria-label="回答できません"><h2>お答えできません</h2>{said}<p>理由: {reason}</p>'
        f"{_render_sought(answer)}{_render_contact(answer.contact)}{_render_warnings(answer.warnings)}</section>{_render_nearest(answer, links)}"
    )


def _render_sought(answer: Answer) -> str:
    words = "、".join(map(escape, answer.sought))
    return f'<p class="sought">探した語: {words}</p>' if words else ""


def _render_contact(contact: Contact | None) -> str:
    if contact is None:
        return ""
    extension = f"（内線 {escape(contact.extension)}）" if contact.extension else ""
    return f'<p class="contact">お問い合わせ先: <strong>{escape(contact.department)}</strong>{extension}</p>'


def _render_nearest(answer: Answer, links: Links) -> str:
    if not answer.nearest:
        return ""
    cards = "".join(render_place(place, links) for place in answer.nearest)
    heading = "<h2>関係がありそうな箇所</h2><p>答えは確かめられませんでしたが、近い内容の箇所です。</p>"
    return f'<section class="nearest" aria-label="関係がありそうな箇所">{heading}<div class="places">{cards}</div></section>'


def _render_warnings(warnings: Iterable[Warning_]) -> str:
    items = "".join(f"<li>{escape(warning.message)}</li>" for warning in warnings)
    return f'<ul class="notice-box warning" aria-label="注意">{items}</ul>' if items else ""
