"""The questions of a run as a list to open one from: those that are right, wrong, won or lost. All texts pass `escape`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from eval.comparison import Comparison
from eval.records import QuestionRecord, RunRecord
from rag.web.cards import render_badge

WRONG, ALL, LOST, WON, ABSTAINED = "wrong", "all", "lost", "won", "abstained"
VIEWS = (("誤り", WRONG), ("新たな誤り", LOST), ("新たな正解", WON), ("不回答", ABSTAINED), ("すべて", ALL))
SHOWN = 300
_NO_COMPARISON = "比べる測定がないため、変化は分かりません。"


def select_questions(
    run: RunRecord, view: object, comparison: Comparison | None, *, with_held_out: bool
) -> tuple[QuestionRecord, ...]:
    """Return the questions of a view, in the order of the set; those that only check are left out unless they are asked for."""
    return tuple(r for r in run.results if _is_in(r, view, comparison) and (with_held_out or not r.is_held_out))


def _is_in(result: QuestionRecord, view: object, comparison: Comparison | None) -> bool:
    if view == WRONG:
        return not result.outcome.correct
    if view == ABSTAINED:
        return result.outcome.abstained
    if view in (WON, LOST):
        ids = () if comparison is None else comparison.won if view == WON else comparison.lost
        return result.id in ids
    return True


def render_questions(
    run: RunRecord, view: object, comparison: Comparison | None, *, with_held_out: bool = False
) -> str:
    """Return the list of a view; each question is a button."""
    found = select_questions(run, view, comparison, with_held_out=with_held_out)
    hidden = len(select_questions(run, view, comparison, with_held_out=True)) - len(found)
    notes = "".join(f'<p class="facts">{note}</p>' for note in _write_notes(view, comparison, hidden, len(found)))
    items = "".join(_render_item(result, comparison) for result in found[:SHOWN])
    listed = f'<ul class="decisions questions">{items}</ul>' if found else ""
    return f'<p class="hit-count" role="status">{len(found)} 問</p>{notes}{listed}'


def _write_notes(view: object, comparison: Comparison | None, hidden: int, found: int) -> Iterator[str]:
    if view in (LOST, WON) and comparison is None:
        yield _NO_COMPARISON
    if hidden:
        yield f"ほかに検証用の質問が {hidden} 問あります（指標には数えています）。"
    if found > SHOWN:
        yield f"はじめの {SHOWN} 問を示します。"
    if comparison and comparison.left_out:
        yield f"{len(comparison.left_out)} 問は、どちらかの測定にしかないか、内容が変わったため、比べていません。"


def _render_item(result: QuestionRecord, comparison: Comparison | None) -> str:
    change = _write_change(result.id, comparison)
    parts = [result.category, "検証用" if result.is_held_out else "", *result.faults]
    facts = "".join(f"<span>{escape(part)}</span>" for part in parts if part)
    verdict = render_badge("正解") if result.outcome.correct else render_badge("誤り", "unverified")
    return (
        f'<li><p class="entry-text"><span class="number">{escape(result.id)}</span> {escape(result.text)}</p>'
        f'<p class="where">{verdict}{change}{facts}</p><div class="buttons"><button type="button" class="example" data-id="{escape(result.id)}"'
        f' aria-label="根拠を見る: {escape(result.text)}">根拠を見る</button></div></li>'
    )


def _write_change(id_: str, comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    if id_ in comparison.won:
        return render_badge("新たな正解")
    return render_badge("新たな誤り", "old") if id_ in comparison.lost else ""


def find_question(run: RunRecord, id_: object) -> QuestionRecord | None:
    """Return a question of a run by its number."""
    return next((result for result in run.results if result.id == id_), None)
