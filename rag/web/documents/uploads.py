"""Documents that are dragged onto the page: many files, folders, ZIPs; and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rag.accounts.audit import Action
from rag.errors import UsageError
from rag.library.files import Added, Refusal, Upload, add_files
from rag.library.incoming import Incoming
from rag.library.listing import list_documents
from rag.library.names import show_name
from rag.web.documents.editor import AFTER_CHANGE
from rag.web.documents.forms import PREFIX, Fields, Fragment, Route, Visit, render_folded, render_list, render_undo

if TYPE_CHECKING:
    from rag.documents import Problem
    from rag.web.services import Services

_RECORDED = 200


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of uploads."""
    settings = services.settings
    incoming = Incoming(settings)

    def show(visit: Visit, fields: Fields) -> Fragment:
        folders = {row.source.rpartition("/")[0] for row in list_documents(settings) if row.archive is None}
        return Fragment(render_upload(sorted(filter(None, folders)), settings.max_upload_mb))

    def take(visit: Visit, fields: Fields) -> Fragment:
        ids, names = fields.all("file"), fields.all("name")
        try:
            if not ids or len(ids) != len(names):
                raise UsageError("加えるファイルが選ばれていません。", "ファイルかフォルダーを選んでください。")
            uploads = [Upload(name, incoming.find(id_)) for id_, name in zip(ids, names, strict=True)]
            folder, replace = fields.text("folder").strip("/"), fields.flag("replace")
            done = add_files(settings, uploads, folder=folder, replace=replace, who=visit.who)
        finally:
            incoming.discard(ids)
        for action, sources in ((Action.DOCUMENT_ADDED, done.added), (Action.DOCUMENT_CHANGED, done.replaced)):
            for source in sources[:_RECORDED]:
                visit.record(action, source)
            if len(sources) > _RECORDED:
                visit.record(action, f"ほか {len(sources) - _RECORDED} 件")
        return Fragment(render_added(done), AFTER_CHANGE if done.change else ())

    return [Route("GET", "/upload", show), Route("POST", "/take", take)]


def render_upload(folders: Sequence[str], max_mb: int) -> str:
    """Return the place to drag files to, with the same in fields for the keyboard."""
    options = "".join(f'<option value="{escape(folder)}"></option>' for folder in folders[:1000])
    return (
        f'<form class="upload" data-upload="{PREFIX}/take" aria-label="文書を加える">'
        '<div class="drop"><p><strong>ここにファイル、フォルダー、zip をドラッグ</strong></p>'
        '<p class="pickers"><label class="file-button">ファイルを選ぶ<input type="file" multiple></label>'
        '<label class="file-button">フォルダーを選ぶ<input type="file" webkitdirectory></label></p>'
        f'<p class="hint">一度に {max_mb:,} MB まで。使えない名前や壊れた zip は、理由を示して加えません。</p></div>'
        '<p class="picked" role="status"></p>'
        '<div class="fields"><label>入れるフォルダー<input name="folder" list="folders" maxlength="300" autocomplete="off" placeholder="例: 税務課">'
        '<span class="hint">空なら文書フォルダーの一番上</span></label>'
        f'<datalist id="folders">{options}</datalist>'
        '<label class="tick"><input type="checkbox" name="replace" value="1"><span>同じ名前の文書は置き換える</span></label></div>'
        '<button type="submit" class="primary" disabled>加える</button>'
        '<progress class="sent" max="1" value="0" hidden aria-label="送信の進み具合"></progress>'
        '<div class="result-of" role="status"></div></form>'
    )


def render_added(done: Added) -> str:
    """Return what became of an upload, file by file."""
    kind = "warning" if done.refused or done.notes else "done"
    counts = [
        ("加えた文書", done.added),
        ("置き換えた文書", done.replaced),
        ("同じ内容がすでにある文書", done.unchanged),
    ]
    words = "、".join(f"{label} {len(names)} 件" for label, names in counts if names) or "加えた文書はありません"
    undo = render_undo(done.change.id, "この追加") if done.change else ""
    following = "<p>取り込むと回答に使われます。</p>" if done.change else ""
    lists = "".join(render_folded(label, names) for label, names in counts)
    lists += render_folded("zip の中の、取り込む文書", done.members)
    left = render_folded("加えなかった、プログラムが作ったファイル", done.left_out)
    notes = render_folded("zip の中で読めないもの", [_describe_note(note) for note in done.notes])
    return (
        f'<div class="notice-box {kind}"><p><strong>{words}</strong>'
        f"{f'、加えなかったファイル {len(done.refused)} 件' if done.refused else ''}</p>"
        f"{render_list([_describe_refusal(refusal) for refusal in done.refused])}{notes}{following}{lists}{left}{undo}</div>"
    )


def _describe_refusal(refusal: Refusal) -> str:
    return f"{refusal.name}: {refusal.message}　対処: {refusal.remedy}"


def _describe_note(note: Problem) -> str:
    return f"{show_name(note.source)}: {note.message}　対処: {note.remedy}"
