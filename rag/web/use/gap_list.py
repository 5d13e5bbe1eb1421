"""The questions without an answer as a list to choose from, and what is known of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.activity import GapState
from rag.activity.gaps import Gap, GapList

ALL = ("すべて", "")
STATES = [*((state.label, state.value) for state in GapState), ALL]
_SHOWN = 50
_LABEL_CHARS = 60


def choose_gaps(found: GapList, state: object) -> tuple[Gap, ...]:
    """Return the gaps of a state, all of them for the empty word."""
    return tuple(gap for gap in found.gaps if state in ("", gap.state.value))


def list_choices(gaps: Sequence[Gap]) -> list[tuple[str, int]]:
    """Return what is chosen from: the words of a gap and its place."""
    return [(name_gap(gap), place) for place, gap in enumerate(gaps[:_SHOWN])]


def name_gap(gap: Gap) -> str:
    """Return a gap in a line: its question, how often, whose it is, how far it has come."""
    question = gap.question if len(gap.question) <= _LABEL_CHARS else gap.question[: _LABEL_CHARS - 1] + "…"
    return f"{question}（{gap.count}件・{gap.department or '担当課が不明'}・{gap.state.label}）"


def find_chosen(gaps: Sequence[Gap], chosen: object) -> Gap | None:
    """Return the gap at a chosen place; None for what is no place in the list."""
    return gaps[chosen] if isinstance(chosen, int) and 0 <= chosen < len(gaps) else None


def render_count(found: GapList, gaps: Sequence[Gap]) -> str:
    """Return how many there are, and how many are not shown."""
    if not gaps:
        return '<p class="none" role="status">この状態の質問はありません。</p>'
    questions = sum(gap.count for gap in gaps)
    more = f"件数の多い {_SHOWN} 個を示します。残りは Excel にあります。" if len(gaps) > _SHOWN else ""
    left = f"古い質問 {found.left_out} 件は、まとめていません。" if found.left_out else ""
    return f'<p class="note" role="status">{len(gaps)} 個（質問 {questions} 件）。{more}{left}</p>'


def render_gap(gap: Gap) -> str:
    """Return what is known of a gap."""
    facts = (
        ("状態", gap.state.label + (f"（{gap.changed} から）" if gap.changed else "")),
        ("担当課", gap.department or "不明"),
        ("質問の数", f"{gap.count}件"),
        ("期間", f"{gap.first_day}〜{gap.last_day}"),
    )
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    examples = "".join(f"<li>{escape(text)}</li>" for text in gap.examples)
    return (
        f'<article class="card gap" aria-label="選んだ質問"><h2>{escape(gap.question)}</h2><dl class="record">{rows}</dl>'
        f"<p>実際の聞き方:</p><ul>{examples}</ul></article>"
    )
