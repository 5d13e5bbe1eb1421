"""One document: what is wrong with it, its metadata in a form, and what replaces, deletes or brings it back."""

from __future__ import annotations

from datetime import date
from html import escape
from typing import TYPE_CHECKING

from rag.accounts.audit import Action
from rag.documents import Kind, Metadata
from rag.errors import UsageError
from rag.library.files import delete_files, replace_file, undo_change
from rag.library.incoming import Incoming
from rag.library.listing import DocumentRow, State, list_documents
from rag.library.metadata_table import HEADER, CellEdit, TableEdit, edit_metadata
from rag.web.documents.forms import (
    PREFIX,
    Fields,
    Fragment,
    Route,
    Visit,
    name_some,
    render_note,
    render_options,
    render_undo,
)
from rag.web.filter_bar import name_year
from rag.web.links import Links

if TYPE_CHECKING:
    from rag.web.services import Services

COLUMNS = HEADER[1:]
AFTER_CHANGE = ("documents", "index", "history")
_WAS = "was-"
_HINTS = {
    "年度": "例: 令和8年度、R8、2026",
    "施行日": "例: 2026-04-01、令和8年4月1日",
    "公開範囲": "課の名前を ・ で区切る。空なら全職員",
    "文書名": "版どうしを結ぶ名前",
    "見直し日": "内容を見直す期限",
}


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of one document."""
    settings, assistant = services.settings, services.assistant
    incoming = Incoming(settings)

    def show(visit: Visit, fields: Fields) -> Fragment:
        source = fields.raw("source")
        row = next((row for row in list_documents(settings) if row.source == source), None)
        if row is None:
            raise UsageError("その文書はもうありません。", "一覧を読み込み直してください。")
        return Fragment(render_editor(row, Links(assistant, visit.asker).original(source)))

    def save(visit: Visit, fields: Fields) -> Fragment:
        edits = read_edits(fields)
        edit = edit_metadata(settings, edits, who=visit.who)
        if edit.change is not None:
            visit.record(Action.DOCUMENT_CHANGED, f"{HEADER[0]}: {fields.raw('source')}")
        return render_edit(edit)

    def replace(visit: Visit, fields: Fields) -> Fragment:
        source, id_ = fields.raw("source"), fields.text("file")
        try:
            path, name = incoming.find(id_), fields.raw("name")
            change = replace_file(settings, source, path, name=name, who=visit.who)
        finally:
            incoming.discard([id_])
        visit.record(Action.DOCUMENT_CHANGED, source)
        words = f"「{source}」を置き換えました。取り込むと回答に使われます。"
        return Fragment(render_note(words, extra=render_undo(change.id)), AFTER_CHANGE)

    def delete(visit: Visit, fields: Fields) -> Fragment:
        sources = tuple(dict.fromkeys(fields.all("source")))
        if not sources:
            raise UsageError("削除する文書が選ばれていません。", "一覧で文書を選んでください。")
        change = delete_files(settings, sources, who=visit.who)
        for source in sources:
            visit.record(Action.DOCUMENT_REMOVED, source)
        words = f"削除しました: {name_some(sources)}。取り込むと検索されなくなります。"
        return Fragment(render_note(words, extra=render_undo(change.id)), AFTER_CHANGE)

    def undo(visit: Visit, fields: Fields) -> Fragment:
        change = undo_change(settings, fields.text("id"), who=visit.who)
        visit.record(Action.DOCUMENT_CHANGED, f"元に戻す: {'、'.join(change.sources)}")
        words = f"元に戻しました: {change.action.label}（{name_some(change.sources)}）"
        return Fragment(render_note(words), (*AFTER_CHANGE, "synonyms", "dictionary"))

    return [
        Route("GET", "/document", show),
        Route("POST", "/document", save),
        Route("POST", "/replace", replace),
        Route("POST", "/delete", delete),
        Route("POST", "/undo", undo),
    ]


def describe_cells(metadata: Metadata) -> dict[str, str]:
    """Return what the cells of a document would say in metadata.csv, by column.

    >>> describe_cells(Metadata("手引", Kind.MANUAL, year=2026, audience=("税務課", "町民課")))["公開範囲"]
    '税務課・町民課'
    """
    values = (
        metadata.title,
        metadata.kind.label,
        metadata.department,
        metadata.extension,
        name_year(metadata.year).partition("（")[0] if metadata.year is not None else None,
        _write_day(metadata.effective_date),
        "・".join(metadata.audience),
        metadata.work,
        _write_day(metadata.review_by),
    )
    return {column: value or "" for column, value in zip(COLUMNS, values, strict=True)}


def read_edits(fields: Fields) -> list[CellEdit]:
    """Return the cells that a form changes: those whose text is another than the one that was shown."""
    source = fields.raw("source")
    changed = (column for column in COLUMNS if fields.text(column) != fields.text(f"{_WAS}{column}"))
    return [CellEdit(source, column, fields.text(column)) for column in changed]


def render_edit(edit: TableEdit) -> Fragment:
    """Return what became of an edit of the metadata."""
    if edit.problems:
        items = "".join(f"<li>{escape(p.message)}　対処: {escape(p.remedy)}</li>" for p in edit.problems)
        return Fragment(f'<div class="notice-box error" role="alert"><p>保存していません。</p><ul>{items}</ul></div>')
    if edit.change is None:
        return Fragment(render_note("変わったところはありません。"))
    words = "文書の情報を保存しました。取り込むと回答に使われます。"
    return Fragment(render_note(words, extra=render_undo(edit.change.id)), AFTER_CHANGE)


def render_editor(row: DocumentRow, original: str | None) -> str:
    """Return the form of one document, under its row."""
    link = (
        f'<a class="original" href="{escape(original)}" target="_blank" rel="noopener">取り込んだ原本を開く<span class="visually-hidden">（新しいタブ）</span></a>'
        if original
        else ""
    )
    parts = [link, _render_problems(row)]
    if row.state is State.REMOVED:
        parts.append("<p>文書フォルダーから削除されています。次の取り込みで索引からも除きます。</p>")
    else:
        parts += [_render_form(row), _render_file(row)]
    return f'<div class="editor-body">{"".join(parts)}</div>'


def _render_problems(row: DocumentRow) -> str:
    if not row.problems:
        return ""
    items = "".join(
        f"<li>{f'{p.page}枚目: ' if p.page else ''}{escape(p.message)}（対処: {escape(p.remedy)}）</li>"
        for p in row.problems[:50]
    )
    more = f"<li>ほか {len(row.problems) - 50} 件</li>" if len(row.problems) > 50 else ""
    return f'<div class="notice-box warning"><p>この文書の問題</p><ul>{items}{more}</ul></div>'


def _render_form(row: DocumentRow) -> str:
    cells = describe_cells(row.metadata)
    inputs = "".join(_render_input(column, text) for column, text in cells.items())
    was = "".join(
        f'<input type="hidden" name="{_WAS}{column}" value="{escape(text)}">' for column, text in cells.items()
    )
    return (
        f'<form class="fields" data-send="{PREFIX}/document" aria-label="{escape(row.title)}の情報">'
        f'<input type="hidden" name="source" value="{escape(row.source)}">{was}{inputs}'
        '<p class="hint wide">変えた欄だけを metadata.csv に書きます。空にすると、文書そのものから読んだ値に戻ります。</p>'
        '<div class="wide"><button type="submit" class="primary">情報を保存</button></div></form>'
    )


def _render_input(column: str, text: str) -> str:
    hint = f'<span class="hint">{_HINTS[column]}</span>' if column in _HINTS else ""
    if column == "種別":
        options = render_options([("", "（文書から読む）"), *((kind.label, kind.label) for kind in Kind)], text)
        return f'<label>{column}<select name="{column}">{options}</select>{hint}</label>'
    return f'<label>{column}<input name="{column}" value="{escape(text)}" maxlength="500" autocomplete="off">{hint}</label>'


def _render_file(row: DocumentRow) -> str:
    target = row.archive or row.source
    inside = "<p>zip の中の文書なので、置き換えと削除は zip 全体に行います。</p>" if row.archive else ""
    source = escape(target)
    suffix = escape(target.rpartition(".")[2])
    return (
        f'<div class="file-actions">{inside}<form class="fields" data-upload="{PREFIX}/replace" data-single aria-label="置き換え">'
        f'<input type="hidden" name="source" value="{source}">'
        f'<label class="wide">新しいファイル（.{suffix}）<input type="file" accept=".{suffix}" required></label>'
        '<div class="wide"><button type="submit" class="plain">このファイルで置き換える</button></div>'
        '<progress class="sent wide" max="1" value="0" hidden aria-label="送信の進み具合"></progress></form>'
        f'<form data-send="{PREFIX}/delete"><input type="hidden" name="source" value="{source}">'
        f'<button type="submit" class="plain danger">この{"zip" if row.archive else "文書"}を削除</button></form></div>'
    )


def _write_day(day: date | None) -> str | None:
    return day.isoformat() if day else None
