"""Documents added, replaced, deleted and brought back on the page. Whatever is refused is named with the reason; the rest goes on."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rag.documents import Problem
from rag.errors import LibraryError, ReadingError
from rag.library.changes import ChangeStore, Step
from rag.library.metadata_table import put_back_rows, remove_rows
from rag.library.names import clean_source, find_file, is_left_out, place_for, show_name
from rag.library.records import Action, Change, find_hash
from rag.reading.archives import ARCHIVE_SUFFIX, list_members
from rag.reading.metadata import METADATA_FILE
from rag.reading.options import ReadingOptions
from rag.reading.registry import refuse_unknown
from rag.settings import Settings

MAX_FILES = 10_000
_PIECE, _MB = 1 << 20, 1_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody brings. name: with the folders that were dragged, / between them; content: bytes, a stream or a file."""

    name: str
    content: bytes | BinaryIO | Path


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken. exists: a document of that name is there, and may be replaced when the person says so."""

    name: str
    message: str
    remedy: str
    exists: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an upload. unchanged: what is there already, byte for byte; left_out: what programs made for themselves.

    notes: members of archives that the index will not read. change: None where nothing was taken. members: those that it will read.
    """

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[Problem, ...] = ()
    change: Change | None = None
    members: tuple[str, ...] = ()


def add_files(
    settings: Settings, uploads: Iterable[Upload], *, folder: str = "", replace: bool = False, who: str = ""
) -> Added:
    """Put files into the corpus, under a folder of it, as one change.

    replace: what to do with a document of the same name: take its place, or refuse the new one. An archive stays an archive, and is
    refused whole where it is not safe. Raises LibraryError where the upload as a whole cannot be taken.
    """
    _check_corpus(settings)
    store = ChangeStore(settings)
    with store.lock(), store.staging() as staging:
        taking = _Taking(settings, staging, folder, replace=replace)
        for number, upload in enumerate(uploads):
            if number >= MAX_FILES:
                raise LibraryError(
                    f"一度に加えられるのは {MAX_FILES:,} 件までです。", "zip にまとめるか、分けて加えてください。"
                )
            taking.take(upload)
        return taking.finish(store, who)


def replace_file(
    settings: Settings, source: str, content: bytes | BinaryIO | Path, *, name: str = "", who: str = ""
) -> Change:
    """Put another file in the place of a document; its name and its metadata stay.

    name: what the new file is called, to see that it is of the same kind. Raises LibraryError where it cannot be taken.
    """
    _check_corpus(settings)
    wanted, given = PurePosixPath(source).suffix.lower(), PurePosixPath(name).suffix.lower()
    if name and wanted != given:
        message = f"種類の違うファイルでは置き換えられません: {show_name(name)}（今の文書は {wanted or '拡張子なし'}）"
        raise LibraryError(message, "同じ種類のファイルを選ぶか、新しい文書として加え、今の文書を削除してください。")
    if find_file(settings.corpus, source) is None:
        raise LibraryError(
            f"その文書はありません: {show_name(source)}", "一覧を読み込み直すか、新しい文書として加えてください。"
        )
    done = add_files(settings, [Upload(source, content)], replace=True, who=who)
    if done.refused:
        raise LibraryError(done.refused[0].message, done.refused[0].remedy)
    if done.change is None:
        raise LibraryError(f"今の文書と同じ内容です: {source}", "新しい版のファイルを選んでください。")
    return done.change


def delete_files(settings: Settings, sources: Sequence[str], *, who: str = "") -> Change:
    """Take documents out of the corpus, with what metadata.csv says of them; `undo_change` brings both back.

    Raises LibraryError, and deletes nothing, where one of them is not there.
    """
    _check_corpus(settings)
    store, corpus = ChangeStore(settings), settings.corpus
    with store.lock(), store.staging() as staging:
        paths = {source: find_file(corpus, source) for source in sources}
        missing = [source for source, path in paths.items() if path is None]
        if missing or not paths:
            named = "、".join(map(show_name, missing[:3])) or "（指定なし）"
            raise LibraryError(f"その文書はありません: {named}", "一覧を読み込み直してください。")
        steps = [Step(path, None) for path in paths.values() if path is not None]
        if any(step.path.parent == corpus and step.path.name == METADATA_FILE for step in steps):
            raise LibraryError(f"{METADATA_FILE} は表なので、ここでは削除できません。", "表の欄で編集してください。")
        table, rows = remove_rows(corpus / METADATA_FILE, sources, staging)
        if table is not None:
            steps.append(Step(corpus / METADATA_FILE, table))
        return store.apply(Action.DELETE, steps, who=who, rows=rows)


def undo_change(settings: Settings, id: str, *, who: str = "") -> Change:
    """Bring back what a change took away, and take away what it brought (that is kept in the trash too).

    Rows of metadata.csv come back among those that were written since. Raises LibraryError, and changes nothing, where something
    else stands there by now.
    """
    _check_corpus(settings)
    store = ChangeStore(settings)
    with store.lock(), store.staging() as staging:
        change = store.find(id)
        table = next((f for f in change.files if change.rows and f.source == METADATA_FILE), None)
        if table is None or store.is_as_left(table):
            return store.undo(change)
        path = settings.corpus / METADATA_FILE
        store.check_undo(change, left_out=(METADATA_FILE,))
        if (new := put_back_rows(path, change.rows, staging)) is not None:
            store.apply(Action.METADATA, [Step(path, new)], who=who)
        return store.undo(change, left_out=(METADATA_FILE,))


def list_changes(settings: Settings) -> tuple[Change, ...]:
    """Return the changes that are remembered, the latest first."""
    return tuple(ChangeStore(settings).read_all())


def purge_trash(settings: Settings) -> tuple[str, ...]:
    """Forget what is older than the settings keep it (every change does so too); return the ids."""
    store = ChangeStore(settings)
    with store.lock():
        return tuple(store.purge())


class _Taking:
    """One upload on its way: what is staged, and what is said of the rest."""

    def __init__(self, settings: Settings, staging: Path, folder: str, *, replace: bool) -> None:
        self._settings, self._staging, self._folder, self._replace = settings, staging, folder.rstrip("/"), replace
        self._options = ReadingOptions.from_settings(settings)
        self._steps: dict[str, Step] = {}
        self._done: dict[str, list[str]] = {"added": [], "replaced": [], "unchanged": [], "left_out": [], "members": []}
        self._refused: list[Refusal] = []
        self._notes: list[Problem] = []
        self._bytes = 0

    def take(self, upload: Upload) -> None:
        """Stage one file, or say why not."""
        if is_left_out(upload.name):
            self._done["left_out"].append(show_name(upload.name))
            return
        try:
            self._stage(upload)
        except ReadingError as error:
            self._refused.append(Refusal(show_name(upload.name), error.message, error.hint))
        except LibraryError as error:
            self._refused.append(Refusal(show_name(upload.name), error.message, error.hint))

    def finish(self, store: ChangeStore, who: str) -> Added:
        """Put what is staged into its place."""
        change = None
        if self._steps:
            action = Action.ADD if self._done["added"] else Action.REPLACE
            change = store.apply(action, list(self._steps.values()), who=who)
        done = {name: tuple(sources) for name, sources in self._done.items()}
        return Added(**done, refused=tuple(self._refused), notes=tuple(self._notes), change=change)

    def _stage(self, upload: Upload) -> None:
        source = clean_source(upload.name, self._folder)
        if not source.lower().endswith(ARCHIVE_SUFFIX) and (problem := refuse_unknown(source)):
            raise LibraryError(f"{problem.message}: {source}", problem.remedy)
        if source in self._steps:
            raise LibraryError(f"同じ名前のファイルが二つあります: {source}", "どちらかの名前を変えてください。")
        find_file(self._settings.corpus, source)  # refuses what lies inside an archive
        path = place_for(self._settings.corpus, source)
        new = self._staging / str(len(self._steps))
        digest = self._receive(upload, source, new)
        members = self._look_into(new, source)
        if find_hash(path) == digest:
            new.unlink()
            self._done["unchanged"].append(source)
        elif path.exists() and not self._replace:
            message = f"同じ名前の文書があります: {source}"
            self._refused.append(
                Refusal(show_name(upload.name), message, "置き換えるか、名前を変えてください。", exists=True)
            )
        else:
            self._done["replaced" if path.exists() else "added"].append(source)
            self._done["members"] += members
            self._steps[source] = Step(path, new)

    def _look_into(self, file: Path, source: str) -> list[str]:
        """Return the members of an archive that the index will read, and note those that it will not; none of another file."""
        if not source.lower().endswith(ARCHIVE_SUFFIX):
            return []
        members, problems = list_members(file, source, self._options)
        self._notes += problems
        return [f"{source}/{member.name}" for member in members]

    def _receive(self, upload: Upload, source: str, new: Path) -> str:
        """Write the bytes of an upload, not more of them than the settings allow; return their SHA-256."""
        digest, size = hashlib.sha256(), 0
        with ExitStack() as opened, new.open("wb") as target:
            content = upload.content
            stream = io.BytesIO(content) if isinstance(content, bytes) else content
            if isinstance(stream, Path):
                stream = opened.enter_context(stream.open("rb"))
            while piece := stream.read(_PIECE):
                size += len(piece)
                self._check_size(size, source)
                digest.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        if not size:
            raise LibraryError(f"中身が空（0バイト）です: {source}", "元のファイルを確かめて、もう一度加えてください。")
        self._bytes += size
        return digest.hexdigest()

    def _check_size(self, size: int, source: str) -> None:
        if size > self._options.max_bytes:
            limit = self._settings.max_file_mb
            message = f"大きすぎます: {source}（上限 {limit:,} MB）"
            raise LibraryError(message, "ファイルを分けるか、設定 max_file_mb を大きくしてください。")
        if self._bytes + size > self._settings.max_upload_mb * _MB:
            limit = self._settings.max_upload_mb
            message = f"一度に加える大きさの合計が上限（{limit:,} MB）を超えるため、加えませんでした: {source}"
            raise LibraryError(message, "何回かに分けるか、設定 max_upload_mb を大きくしてください。")


def _check_corpus(settings: Settings) -> None:
    if not settings.corpus.is_dir():
        message = f"文書フォルダーが見つかりません: {settings.corpus}"
        raise LibraryError(message, "共有フォルダーにつながっているか、設定 corpus を確かめてください。")
