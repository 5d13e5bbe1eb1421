"""Synonyms and dictionary: rows that are edited in place, and tried on a question before they are saved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from rag.accounts.audit import Action
from rag.assistant import MAX_QUESTION_CHARS, Trial
from rag.errors import UsageError
from rag.library.metadata_table import CellProblem, TableEdit
from rag.library.wording_table import (
    WordingKind,
    WordingTable,
    WordingTrial,
    edit_wording,
    read_wording_table,
    try_wording,
)
from rag.text import squeeze
from rag.web.documents.forms import (
    PREFIX,
    Fields,
    Fragment,
    Route,
    Visit,
    cut_page,
    render_note,
    render_pager,
    render_undo,
)

if TYPE_CHECKING:
    from rag.web.services import Services

PAGE_ROWS = 30
Row = tuple[str, ...]


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of the two tables."""
    settings, assistant = services.settings, services.assistant

    def show(visit: Visit, fields: Fields) -> Fragment:
        table = read_wording_table(settings, _read_kind(fields))
        return Fragment(render_wording(table, fields.text("words"), fields.number("page", 1)))

    def save(visit: Visit, fields: Fields) -> Fragment:
        kind = _read_kind(fields)
        table = read_wording_table(settings, kind)
        rows, place = edit_rows(table, fields)
        edit = edit_wording(settings, kind, rows, who=visit.who)
        if edit.change is not None:
            visit.record(Action.DOCUMENT_CHANGED, kind.file)
        return render_edit(edit, kind, place)

    def attempt(visit: Visit, fields: Fields) -> Fragment:
        kind = _read_kind(fields)
        rows, place = edit_rows(read_wording_table(settings, kind), fields)
        trial = try_wording(assistant, settings, fields.text("question"), kind, rows, asker=visit.asker)
        own = tuple(problem for problem in trial.problems if problem.row == place + 1)
        return Fragment(render_trial(replace(trial, problems=own)))

    return [
        Route("GET", "/wording", show),
        Route("POST", "/wording", save),
        Route("POST", "/wording/try", attempt),
    ]


def edit_rows(table: WordingTable, fields: Fields) -> tuple[list[Row], int]:
    """Return the rows of a table with the one that a form edits, and its place (from 0). was: the row as it was shown, "" for a new one.

    A row without any cell goes. Raises UsageError where somebody else has changed the row since.
    """
    cells = tuple(" ".join(cell.split()) for cell in fields.all("cell"))
    rows, was = list(table.rows), fields.text("was")
    if not was:
        if not any(cells):
            raise UsageError("どの欄も空です。", "語を書いてから、試すか保存してください。")
        if _trim(cells) in map(_trim, rows):
            raise UsageError("同じ行がもうあります。", "その行を一覧で探して、編集してください。")
        return [*rows, cells], len(rows)
    shown = _read_row(was)
    if shown not in rows:
        raise UsageError("この行は、ほかの人が先に変えました。", "表を読み込み直して、もう一度編集してください。")
    place = rows.index(shown)
    return [*rows[:place], *([cells] if any(cells) else []), *rows[place + 1 :]], place


def _trim(cells: Row) -> Row:
    """Return a row without the empty cells at its end.

    >>> _trim(("国保", "", "健保", ""))
    ('国保', '', '健保')
    """
    filled = [place for place, cell in enumerate(cells, start=1) if cell]
    return cells[: max(filled, default=0)]


def _read_row(text: str) -> Row:
    try:
        cells = json.loads(text)
    except ValueError:
        return ()
    return tuple(map(str, cells)) if isinstance(cells, list) else ()


def _read_kind(fields: Fields) -> WordingKind:
    try:
        return WordingKind(fields.text("kind"))
    except ValueError as error:
        raise UsageError("その表はありません。", "画面を読み込み直してください。") from error


def render_edit(edit: TableEdit, kind: WordingKind, place: int) -> Fragment:
    """Return what became of an edit; the table is shown anew where it was written."""
    if edit.problems:
        return Fragment(
            f'<div class="notice-box error" role="alert"><p>保存していません。</p>{_list_problems(edit.problems)}</div>'
        )
    if edit.change is None:
        return Fragment(render_note("変わったところはありません。"))
    words = f"{kind.label}の表を保存しました。取り込むと検索に使われます。"
    note = render_note(words, extra=render_undo(edit.change.id))
    return Fragment(note, (kind.value, "index", "history"))


def _list_problems(problems: Sequence[CellProblem]) -> str:
    items = "".join(
        f"<li>{escape(p.column)}{'：' if p.column else ''}{escape(p.message)}　対処: {escape(p.remedy)}</li>"
        for p in problems
    )
    return f"<ul>{items}</ul>" if items else ""


def render_wording(table: WordingTable, words: str = "", page: int = 1) -> str:
    """Return a table: a form for a new row, and its rows, each of which unfolds into its form."""
    wanted = [squeeze(word) for word in words.split()]
    rows = [row for row in table.rows if all(word in squeeze(" ".join(row)) for word in wanted)]
    page, pages = cut_page(len(rows), page, PAGE_ROWS)
    shown = rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    kind = table.kind
    values = {"kind": kind.value} | ({"words": words} if words else {})
    items = "".join(_render_row(table, row) for row in shown)
    return (
        f'{_render_head(table)}<details class="row new"><summary>新しい行を加える</summary>{_render_form(table, ())}</details>'
        f'<form class="choice" data-show="{PREFIX}/wording" role="search" aria-label="{kind.label}の表の絞り込み">'
        f'<input type="hidden" name="kind" value="{kind.value}">'
        f'<label>言葉<input type="search" name="words" value="{escape(words)}" maxlength="100"></label>'
        '<button type="submit" class="plain">絞り込む</button></form>'
        f'<p class="count" role="status">{len(table.rows):,} 行のうち {len(rows):,} 行</p>'
        f'<div class="rows">{items}</div>{render_pager("/wording", page, pages, values)}'
    )


def _render_head(table: WordingTable) -> str:
    starter = "付属の表です。保存すると、町の表として文書フォルダーに写します。" if table.is_starter else ""
    about = (
        "同じ意味の語を 1 行に書くと、質問のどの語からも、ほかの語で書いた文書が見つかります。"
        if table.kind is WordingKind.SYNONYMS
        else "町の施設や制度の名前を書くと、一つの語として探せます。文書の側では、次の取り込みから一つの語になります。"
    )
    problems = "".join(
        f"<li>{f'{p.row}行目: ' if p.row else ''}{escape(p.message)}　対処: {escape(p.remedy)}</li>"
        for p in table.problems
    )
    wrong = f'<div class="notice-box warning"><p>表の誤り</p><ul>{problems}</ul></div>' if problems else ""
    return f'<p class="hint">{about}{starter}</p>{wrong}'


def _render_row(table: WordingTable, row: Row) -> str:
    first, *others = (cell for cell in row if cell)
    rest = f'<span class="others">{escape("、".join(others))}</span>' if others else ""
    return f'<details class="row"><summary><strong>{escape(first)}</strong>{rest}</summary>{_render_form(table, row)}</details>'


def _render_form(table: WordingTable, row: Row) -> str:
    """Return the form of one row (() for a new one): its cells, one more for another word, and a question to try it on."""
    kind, cells = table.kind, row or ("",) * len(table.columns)
    labels = [*table.columns, f"{kind.others}（追加）"]
    inputs = "".join(
        f'<label>{escape(label)}<input name="cell" value="{escape(cell)}" maxlength="100" autocomplete="off"></label>'
        for label, cell in zip(labels, [*cells, ""], strict=True)
    )
    was = escape(json.dumps(row, ensure_ascii=False)) if row else ""
    erase = '<button type="button" class="plain danger" data-erase>この行を消す</button>' if row else ""
    return (
        f'<form class="fields" data-send="{PREFIX}/wording" aria-label="{kind.label}の行">'
        f'<input type="hidden" name="kind" value="{kind.value}"><input type="hidden" name="was" value="{was}">{inputs}'
        f'<label class="wide">試す質問<input name="question" maxlength="{MAX_QUESTION_CHARS}" autocomplete="off" placeholder="例: 児クラの申込みはいつまでですか">'
        '<span class="hint">保存する前に、この行でどう変わるかを確かめられます。</span></label>'
        f'<div class="wide"><button type="submit" class="plain" formaction="{PREFIX}/wording/try" data-into="next">この行で試す</button>'
        f'<button type="submit" class="primary">保存</button>{erase}</div><div class="result-of wide" role="status"></div></form>'
    )


def render_trial(trial: WordingTrial) -> str:
    """Return how the question is understood, and what is found, now and with the edited row."""
    problems = (
        f'<div class="notice-box warning"><p>この行はこのままでは使えません。</p>{_list_problems(trial.problems)}</div>'
        if trial.problems
        else ""
    )
    note = f'<p class="hint">{escape(trial.note)}</p>' if trial.note else ""
    same = _places(trial.before) == _places(trial.after) and trial.before.others == trial.after.others
    verdict = "この行があっても、結果は変わりません。" if same else "この行で、結果が変わります。"
    return (
        f'{problems}<p><strong>{verdict}</strong></p><div class="trial">{_render_side("今", trial.before, trial.before)}'
        f"{_render_side('この行があると', trial.after, trial.before)}</div>{note}"
    )


def _places(trial: Trial) -> list[tuple[str, str]]:
    chunks = (passage.chunk for passage in trial.passages)
    return [(chunk.title, chunk.locator.describe(chunk.source)) for chunk in chunks]


def _render_side(label: str, trial: Trial, before: Trial) -> str:
    others = "".join(
        f"<li>{escape(other.asked)} → {escape(other.meant)}（{escape(other.reason)}）</li>" for other in trial.others
    )
    known = _places(before)
    places = "".join(
        f"<li>{escape(title)}　{escape(where)}{'' if (title, where) in known else ' <strong>新しく入った</strong>'}</li>"
        for title, where in _places(trial)
    )
    return (
        f"<section><h3>{label}</h3><p>言い換え</p><ul>{others or '<li>なし</li>'}</ul>"
        f"<p>見つかる箇所</p><ol>{places or '<li>なし</li>'}</ol></section>"
    )
