"""The table of documents: chosen by department, state and words, page by page, and what its departments promised to look at again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from rag.library.listing import DocumentRow, StaleDocuments, State, list_documents, list_stale, list_table_problems
from rag.text import squeeze
from rag.web.documents.forms import PREFIX, Fields, Fragment, Route, Visit, cut_page, render_options, render_pager
from rag.web.filter_bar import name_year

if TYPE_CHECKING:
    from rag.documents import Problem
    from rag.web.services import Services

PAGE_ROWS = 50
NOBODY = "（所管課なし）"
TROUBLED, STALE = "troubled", "stale"
_STATES = (
    ("", "すべて"),
    *((state.value, state.label) for state in State),
    (TROUBLED, "問題あり"),
    (STALE, "見直し日を過ぎた"),
)
_ORDERS = (
    ("name", "名前順"),
    ("problems", "問題の多い順"),
    ("review", "見直し日の早い順"),
    ("indexed", "取り込みの古い順"),
)
_COLUMNS = ("文書", "所管課", "種別", "年度", "使える頁", "問題", "取り込み", "見直し日", "状態")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are shown. state: one of State, TROUBLED or STALE; "" for every one."""

    words: str = ""
    department: str = ""
    state: str = ""
    order: str = "name"
    page: int = 1

    @classmethod
    def read(cls, fields: Fields) -> Choice:
        """Return what the form above the table holds."""
        order = fields.text("order") or "name"
        return cls(
            fields.text("words"), fields.text("department"), fields.text("state"), order, fields.number("page", 1)
        )

    @property
    def values(self) -> dict[str, str]:
        """The choice without its page, as the form holds it."""
        values = {"words": self.words, "department": self.department, "state": self.state, "order": self.order}
        return {name: value for name, value in values.items() if value}


def list_routes(services: Services) -> list[Route]:
    """Return the handler of the table."""
    settings = services.settings

    def show(visit: Visit, fields: Fields) -> Fragment:
        rows, today = list_documents(settings), date.today()
        return Fragment(render_table(rows, list_table_problems(settings), Choice.read(fields), today))

    return [Route("GET", "/documents", show)]


def choose_rows(rows: Iterable[DocumentRow], choice: Choice, today: date) -> list[DocumentRow]:
    """Return the rows of a choice, in its order."""
    words = [squeeze(word) for word in choice.words.split()]
    chosen = [row for row in rows if _is_chosen(row, words, choice, today)]
    return sorted(chosen, key=_sort_key(choice.order))


def _is_chosen(row: DocumentRow, words: Sequence[str], choice: Choice, today: date) -> bool:
    text = squeeze(f"{row.title} {row.source}")
    of_department = not choice.department or (row.metadata.department or NOBODY) == choice.department
    return of_department and all(word in text for word in words) and _has_state(row, choice.state, today)


def _has_state(row: DocumentRow, state: str, today: date) -> bool:
    if state == TROUBLED:
        return bool(row.problems)
    if state == STALE:
        return row.is_stale(today) and row.state is not State.REMOVED
    return not state or row.state.value == state


def _sort_key(order: str) -> Callable[[DocumentRow], tuple[object, ...]]:
    if order == "problems":
        return lambda row: (-len(row.problems), row.source)
    if order == "review":
        return lambda row: (row.metadata.review_by or date.max, row.source)
    if order == "indexed":
        return lambda row: (row.indexed_at or "", row.source)
    return lambda row: (row.source,)


def render_table(rows: Sequence[DocumentRow], tables: Sequence[Problem], choice: Choice, today: date) -> str:
    """Return the whole section: what is promised and late, what is wrong in the tables, the choice and the rows."""
    chosen = choose_rows(rows, choice, today)
    page, pages = cut_page(len(chosen), choice.page, PAGE_ROWS)
    shown = chosen[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    pager = render_pager("/documents", page, pages, dict(choice.values))
    count = f'<p class="count" role="status">{len(rows):,} 件のうち {len(chosen):,} 件</p>'
    return (
        f"{_render_stale(list_stale(rows, today))}{_render_table_problems(tables)}{_render_choice(rows, choice)}"
        f"{count}{_render_rows(shown, today)}{pager}{_render_bulk() if shown else ''}"
    )


def row_id(source: str) -> str:
    """Return the id of the row of a document: letters and digits only, whatever it is called.

    >>> row_id("税務課/手引.pdf")
    'document-78eec59039'
    """
    return f"document-{hashlib.sha256(source.encode('utf-8', 'replace')).hexdigest()[:10]}"


def describe_moment(moment: str | None) -> str:
    """Return a moment of ISO 8601 as people write it; nothing where there is none.

    >>> describe_moment("2026-04-01T09:05:00+09:00"), describe_moment(None), describe_moment("?")
    ('2026-04-01 09:05', '', '')
    """
    try:
        return f"{datetime.fromisoformat(moment or ''):%Y-%m-%d %H:%M}"
    except ValueError:
        return ""


def _render_stale(stale: Sequence[StaleDocuments]) -> str:
    if not stale:
        return ""
    items = "".join(_render_promise(of) for of in stale)
    total = sum(len(of.rows) for of in stale)
    return f'<div class="notice-box warning"><p>見直し日を過ぎた文書が {total} 件あります。</p><ul class="stale">{items}</ul></div>'


def _render_promise(stale: StaleDocuments) -> str:
    name = stale.department or NOBODY
    address = escape(f"{PREFIX}/documents?{urlencode({'department': name, 'state': STALE, 'order': 'review'})}")
    titles = "、".join(escape(row.title) for row in stale.rows[:3]) + ("、ほか" if len(stale.rows) > 3 else "")
    return f'<li><button type="button" class="link" data-show="{address}">{escape(name)}（{len(stale.rows)}件）</button> {titles}</li>'


def _render_table_problems(problems: Sequence[Problem]) -> str:
    items = "".join(
        f"<li>{escape(p.source)}{f' {p.row}行目' if p.row else ''}: {escape(p.message)}（対処: {escape(p.remedy)}）</li>"
        for p in problems
    )
    if not items:
        return ""
    return f'<details class="notice-box warning"><summary>表の誤り（{len(problems)}件）</summary><ul>{items}</ul></details>'


def _render_choice(rows: Sequence[DocumentRow], choice: Choice) -> str:
    counts = Counter(row.metadata.department or NOBODY for row in rows)
    departments = [("", "すべて"), *((name, f"{name}（{count}）") for name, count in sorted(counts.items()))]
    return (
        f'<form class="choice" data-show="{PREFIX}/documents" role="search" aria-label="文書の絞り込み">'
        f'<label>言葉<input type="search" name="words" value="{escape(choice.words)}" maxlength="100"></label>'
        f'<label>所管課<select name="department">{render_options(departments, choice.department)}</select></label>'
        f'<label>状態<select name="state">{render_options(_STATES, choice.state)}</select></label>'
        f'<label>並び<select name="order">{render_options(_ORDERS, choice.order)}</select></label>'
        '<button type="submit" class="plain">絞り込む</button></form>'
    )


def _render_rows(rows: Sequence[DocumentRow], today: date) -> str:
    if not rows:
        return '<p class="empty">条件に合う文書はありません。</p>'
    heads = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in _COLUMNS)
    body = "".join(_render_row(row, today) for row in rows)
    return (
        '<table class="grid documents" role="table"><caption class="visually-hidden">文書の一覧</caption>'
        f'<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader"><span class="visually-hidden">選ぶ</span></th>{heads}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def _render_row(row: DocumentRow, today: date) -> str:
    metadata, source = row.metadata, escape(row.source)
    address = escape(f"{PREFIX}/document?{urlencode({'source': row.source})}")
    can_go = row.archive is None and row.state is not State.REMOVED
    pick = (
        f'<label class="pick"><input type="checkbox" name="source" value="{source}" form="bulk"><span class="visually-hidden">{escape(row.title)}を選ぶ</span></label>'
        if can_go
        else ""
    )
    title = (
        f'<button type="button" class="link" id="{row_id(row.source)}" data-open="{address}" aria-expanded="false">'
        f'{escape(row.title)}</button><span class="source">{source}</span>'
    )
    review = metadata.review_by.isoformat() if metadata.review_by else ""
    late = (
        f'<strong class="late">{review} <span class="source">過ぎています</span></strong>'
        if row.is_stale(today)
        else review
    )
    cells = (
        title,
        escape(metadata.department or ""),
        metadata.kind.label,
        name_year(metadata.year).partition("（")[0] if metadata.year is not None else "",
        _render_quality(row),
        f'<strong class="late">{len(row.problems)} 件</strong>' if row.problems else "",
        describe_moment(row.indexed_at),
        late,
        _render_state(row.state),
    )
    named = "".join(
        f'<td role="cell" data-label="{name}">{cell}</td>' for name, cell in zip(_COLUMNS, cells, strict=True)
    )
    return f'<tr role="row"><td role="cell" class="picker">{pick}</td>{named}</tr>'


def _render_state(state: State) -> str:
    label, _, more = state.label.rstrip("）").partition("（")
    below = f'<span class="source">{more}</span>' if more else ""
    return f'<span class="state {state.value}">{label}</span>{below}'


def _render_quality(row: DocumentRow) -> str:
    """Return how many of the pages questions can be answered from."""
    share = row.usable_share
    if share is None:
        return ""
    words = f"{row.answerable}/{row.pages}（{share:.0%}）"
    return words if share == 1 else f'<strong class="late">{words}</strong>'


def _render_bulk() -> str:
    return (
        f'<form id="bulk" data-send="{PREFIX}/delete"><button type="submit" class="plain danger">選んだ文書を削除</button>'
        '<span class="hint">削除した文書は、あとで元に戻せます。</span></form>'
    )
