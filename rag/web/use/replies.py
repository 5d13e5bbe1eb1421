"""A department's reply on its way: written, shown with what would be masked in it, published, indexed, and pinned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action
from rag.accounts.user import Role
from rag.accounts.visits import find_gate, find_user
from rag.activity import KEEPABLE
from rag.activity.gaps import Gap
from rag.activity.reviewed import REVIEWED_FILE, Published, Reply
from rag.errors import UsageError
from rag.web.attempts import render_done
from rag.web.use.period import read_day

if TYPE_CHECKING:
    from rag.activity import Activity

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the fields of the form hold."""

    question: object
    answer: object
    department: object
    author: object
    review_by: object
    is_pinned: object


def begin_draft(gap: Gap | None, author: str, today: date) -> Draft:
    """Return what the form holds at first: the question and the department of a gap, or nothing."""
    question, department = (gap.question, gap.department or "") if gap else ("", "")
    return Draft(question, "", department, author, (today + _YEAR).isoformat(), is_pinned=gap is None)


def prepare_reply(activity: Activity, draft: Draft, request: object) -> Reply:
    """Return the reply as it would be published. Raises NotAllowedError, and UsageError for what is missing."""
    find_user(request, Role.ADMIN)
    question, answer, department, author = (
        text if isinstance(text, str) else "" for text in (draft.question, draft.answer, draft.department, draft.author)
    )
    review_by = read_day(draft.review_by, "見直し日")
    if review_by is None:
        raise UsageError("見直し日が空です。", "この回答をいつまでに見直すかを書いてください。")
    return activity.reviewed.prepare(
        question,
        answer,
        department=department,
        author=author,
        review_by=review_by,
        is_pinned=draft.is_pinned is True,
    )


def find_keepable(reply: Reply) -> list[str]:
    """Return the kinds of personal data in the answer that may stay, as they can be those of an office."""
    kinds = {kind for kind, text in reply.masked if text in reply.answer}
    return [kind for kind in KEEPABLE if kind in kinds]


def publish_reply(activity: Activity, gap: Gap | None, reply: Reply, keep: Sequence[str], request: Any) -> Published:
    """Publish a reply that its author has seen, for a gap or by itself. Raises NotAllowedError and what `publish` raises."""
    user = find_user(request, Role.ADMIN)
    if gap is None:
        published = activity.reviewed.publish(reply, was_shown=True, keep=keep)
    else:
        published = activity.close_gap(gap, reply, was_shown=True, keep=keep)
    target = f"{REVIEWED_FILE} {published.entry.row}件目"
    find_gate(request).record(request.request, Action.DOCUMENT_CHANGED, user=user, target=target)
    return published


def pin_entry(activity: Activity, row: object, is_pinned: bool, request: Any) -> Published:
    """Pin a reviewed answer to its question, or let it go. Raises NotAllowedError, and UsageError for no row."""
    user = find_user(request, Role.ADMIN)
    if not isinstance(row, int):
        raise UsageError("回答が選ばれていません。", "確認済みの回答を一覧から 1 つ選んでください。")
    published = activity.reviewed.pin(row, is_pinned=is_pinned)
    target = f"{REVIEWED_FILE} {row}件目"
    find_gate(request).record(request.request, Action.DOCUMENT_CHANGED, user=user, target=target)
    return published


def render_reply(reply: Reply) -> str:
    """Return a reply as it is shown to its author before it is published."""
    rows = (
        ("質問", reply.question),
        ("回答", reply.answer),
        ("所管課", reply.department),
        ("作成者", reply.author),
        ("見直し日", reply.review_by.isoformat()),
        ("固定", "この質問への正式な回答にする" if reply.is_pinned else "しない"),
    )
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    return f'<section class="preview" role="status" aria-label="公開する内容"><h3>公開する内容</h3><dl class="record">{cells}</dl>{_render_masked(reply)}</section>'


def _render_masked(reply: Reply) -> str:
    if not reply.masked:
        return '<p class="note">個人情報と思われる部分は見つかりませんでした。</p>'
    items = "".join(f"<li>{escape(kind)}: <s>{escape(text)}</s></li>" for kind, text in reply.masked)
    words = "次の部分は、個人情報と思われるため、公開のときに伏せます。役場の連絡先なら、下で「残す」を選んでください。"
    return f'<div class="notice-box warning"><p>{words}</p><ul>{items}</ul></div>'


def render_published(published: Published) -> str:
    """Return what became of a reply."""
    case = f"質問集の候補に {escape(published.candidate)} として加えました。" if published.candidate else ""
    if published.problem is None:
        return render_done(f"公開し、索引に入れました。次の質問から使われます。{case}")
    return (
        '<div class="notice-box warning" role="alert"><p><strong>書き込みましたが、索引はまだ前のままです。</strong></p>'
        f"<p>{escape(published.problem)}</p><p>{case}</p></div>"
    )
