"""The registry as HTML: the list that everybody presses, and the one that administrators decide on. All texts pass `escape`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from rag.question_registry.entries import EntryKind, RegistryEntry, ReviewState
from rag.question_registry.exchange import EntryProblem
from rag.question_registry.registry import ImportReport

DECISIONS = {
    ReviewState.DRAFT: ((ReviewState.APPROVED, "承認する"), (ReviewState.REJECTED, "見送る")),
    ReviewState.APPROVED: ((ReviewState.RETIRED, "取り下げる"),),
    ReviewState.REJECTED: ((ReviewState.DRAFT, "確認待ちに戻す"),),
    ReviewState.RETIRED: ((ReviewState.DRAFT, "確認待ちに戻す"),),
}
"""State of an entry -> what can be decided of it, with the words on the button."""
SHOWN = 100
"""How many entries of each state are shown at once."""
ALL = "all"
"""Stands for all drafts that are shown, where a button belongs to more than one entry."""
_PROBLEMS_SHOWN = 50


def render_registry(entries: Sequence[RegistryEntry]) -> str:
    """Return the approved entries by category, each as a button."""
    if not entries:
        return '<p class="welcome">承認された質問の例は、まだありません。下の「提案する」から加えられます。</p>'
    find = '<label class="find-example">言葉で絞る<input type="search" id="find-example" autocomplete="off" placeholder="例: 住民票"></label>'
    groups = "".join(_render_category(name, list(of)) for name, of in groupby(entries, key=lambda e: e.category))
    return f'<p class="welcome">押すと質問できます。「ひな型」は、〔 〕を書き換えてから送信してください。</p>{find}{groups}'


def _render_category(name: str, entries: Sequence[RegistryEntry]) -> str:
    items = "".join(f"<li>{_render_button(entry)}{_render_facts(entry)}</li>" for entry in entries)
    return f'<section class="category" data-name="{escape(name)}"><h2>{escape(name)}</h2><ul class="entries">{items}</ul></section>'


def _render_button(entry: RegistryEntry) -> str:
    text = escape(entry.text)
    blanks = " data-blanks" if entry.kind is EntryKind.TEMPLATE else ""
    return f'<button type="button" class="example" data-ask="{text}" data-id="{entry.id}"{blanks}>{text}</button>'


def _render_facts(entry: RegistryEntry, *more: str) -> str:
    uses = f"{entry.uses} 回使用" if entry.uses else ""
    kind = entry.kind.label if entry.kind is EntryKind.TEMPLATE else ""
    parts = [kind, entry.department, uses, *more]
    return f'<p class="where">{"".join(f"<span>{escape(part)}</span>" for part in parts if part)}</p>'


def render_review(entries: Sequence[RegistryEntry]) -> str:
    """Return all entries for administrators: those that wait first, the others to unfold."""
    groups = [(state, [entry for entry in entries if entry.state is state]) for state in ReviewState]
    return "".join(_render_state(state, of) for state, of in groups)


def _render_state(state: ReviewState, entries: Sequence[RegistryEntry]) -> str:
    items = "".join(map(_render_decision, entries[:SHOWN]))
    more = (
        f'<p class="facts">ほか {len(entries) - SHOWN} 件（上から決めると続きが出ます）</p>'
        if len(entries) > SHOWN
        else ""
    )
    items += _render_bulk(min(len(entries), SHOWN)) if state is ReviewState.DRAFT and len(entries) > 1 else ""
    body = f'<ul class="decisions">{items}</ul>{more}' if entries else '<p class="facts">ありません。</p>'
    is_open = " open" if state is ReviewState.DRAFT else ""
    return f'<details class="fold"{is_open}><summary>{state.label}（{len(entries)}）</summary>{body}</details>'


def _render_decision(entry: RegistryEntry) -> str:
    origin = f"{entry.origin}から取り込み" if entry.origin else ""
    facts = _render_facts(entry, entry.category, f"{entry.added:%Y-%m-%d} 登録", origin)
    buttons = "".join(
        f'<button type="button" class="example" data-id="{entry.id}" data-state="{state.value}"'
        f' aria-label="{words}: {escape(entry.text)}">{words}</button>'
        for state, words in DECISIONS[entry.state]
    )
    return f'<li><p class="entry-text">{escape(entry.text)}</p>{facts}<div class="buttons">{buttons}</div></li>'


def _render_bulk(count: int) -> str:
    return (
        f'<li><p class="facts">内容を確かめてから押してください。</p><div class="buttons"><button type="button" class="example" data-id="{ALL}"'
        f' data-state="{ReviewState.APPROVED.value}">上の {count} 件をすべて承認する</button></div></li>'
    )


def render_import(report: ImportReport) -> str:
    """Return what became of an exchange file, entry by entry where it was not taken."""
    town = f"{report.town}の" if report.town else ""
    counts = (
        f"追加 {report.added} 件（確認待ち）、登録済み {len(report.known)} 件、取り込めない {len(report.problems)} 件"
    )
    return (
        f'<div class="notice-box done" role="status"><p><strong>{escape(town)}ファイルを取り込みました。</strong></p><p>{counts}</p>'
        f"{_render_problems('登録済み', report.known)}{_render_problems('取り込めない', report.problems)}</div>"
    )


def _render_problems(title: str, problems: Iterable[EntryProblem]) -> str:
    shown = [f"<li>{problem.number} 件目: {escape(problem.message)}</li>" for problem in problems]
    if not shown:
        return ""
    more = f"<li>ほか {len(shown) - _PROBLEMS_SHOWN} 件</li>" if len(shown) > _PROBLEMS_SHOWN else ""
    items = "".join(shown[:_PROBLEMS_SHOWN])
    return f'<details class="fold"><summary>{title}（{len(shown)}）</summary><ul>{items}{more}</ul></details>'
