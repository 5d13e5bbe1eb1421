"""Changes of the corpus folder: each one whole or not at all, and reversible for as long as the trash keeps what it took away.

    data_dir/trash/<id>/record.json   what was changed; `before-0` … are the files that were there, `after-0` … those that an
                                      undo took away again

A change that was killed half-way is taken back by the next one. A file is never missing for an instant while it is replaced: an
index run may look at any time.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rag.errors import LibraryError
from rag.indexing.durable import sync_folder
from rag.library.records import Action, Change, FileChange, SavedRow, Stage, find_hash, read_record, write_record
from rag.settings import Settings

TRASH, LOCK_FILE, STAGING = "trash", "library.lock", ".shirube-incoming"
"""STAGING: where new files wait, in the corpus itself (no index run looks there), so that one rename puts them in their place."""
_LOCK_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a change: where it is or goes, and the new file (None: it goes)."""

    path: Path
    new: Path | None


class ChangeStore:
    """The changes of one corpus; one at a time, from whatever thread or process. now: for tests."""

    def __init__(self, settings: Settings, *, now: datetime | None = None) -> None:
        self._corpus, self._trash = settings.corpus, settings.data_dir / TRASH
        self._days, self._now = settings.trash_days, now

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let nobody else change the corpus by the page, and mend what was left half-done. Raises LibraryError."""
        import filelock

        with _say_what_failed("文書フォルダーか data_dir"):
            self._trash.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._trash.with_name(LOCK_FILE), timeout=_LOCK_SECONDS)
            try:
                lock.acquire()
            except filelock.Timeout as error:
                message = "ほかの人が文書フォルダーを変更しています。"
                raise LibraryError(message, "少し待ってから、もう一度操作してください。") from error
            try:
                self._recover()
                yield
            finally:
                lock.release()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Lend a folder for new files, on the disk of the corpus; what is left in it goes. Needs the lock."""
        folder = self._corpus / STAGING / self._new_id()
        with _say_what_failed(str(self._corpus)):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(self._corpus / STAGING, ignore_errors=True)

    def apply(self, action: Action, steps: Sequence[Step], *, who: str = "", rows: Sequence[SavedRow] = ()) -> Change:
        """Make a change, all of it. Needs the lock. Raises LibraryError where not all of it can be made: then none of it is."""
        id_ = self._new_id()
        files = [FileChange(self._name(s.path), find_hash(s.path), find_hash(s.new) if s.new else None) for s in steps]
        created = self._clock().astimezone().isoformat(timespec="seconds")
        corpus = str(self._corpus.resolve())
        change = Change(id_, action, who, created, corpus, tuple(files), tuple(rows))
        folder = self._folder(id_)
        with _say_what_failed("、".join(change.sources[:3])):
            folder.mkdir(parents=True)
            write_record(folder, change)
            try:
                for number, step in enumerate(steps):
                    _put(step.path, step.new, folder / f"before-{number}")
            except BaseException:
                self._take_back(change)
                raise
            write_record(folder, change.at(Stage.DONE))
        self.purge()
        return change.at(Stage.DONE)

    def find(self, id_: str) -> Change:
        """Return a change. Raises LibraryError where there is none with that id."""
        change = next((change for change in self.read_all() if change.id == id_), None)
        if change is None:
            message = f"その変更の記録は残っていません（{self._days} 日を過ぎると消えます）。"
            raise LibraryError(message, "元の文書を、もう一度加えてください。")
        return change

    def read_all(self) -> list[Change]:
        """Return the changes that are remembered, the latest first."""
        folders = sorted(self._trash.iterdir(), reverse=True) if self._trash.is_dir() else []
        return [change for change in map(read_record, folders) if change is not None]

    def undo(self, change: Change, *, left_out: Sequence[str] = ()) -> Change:
        """Bring back what a change took away. Needs the lock. left_out: sources that the caller brings back itself.

        Raises LibraryError, and brings nothing back, where something else stands there by now.
        """
        self.check_undo(change, left_out)
        files = tuple(file for file in change.files if file.source not in left_out)
        folder = self._folder(change.id)
        with _say_what_failed("、".join(change.sources[:3])):
            write_record(folder, change.at(Stage.UNDOING))
            for number, file in _last_first(change):
                if file in files:
                    self._bring_back(folder, number, file)
            write_record(folder, change.at(Stage.UNDONE))
        return change.at(Stage.UNDONE)

    def purge(self) -> list[str]:
        """Forget the changes that are older than the settings keep them, and what they took away; return their ids."""
        oldest = self._clock() - timedelta(days=self._days)
        old = [change.id for change in self.read_all() if change.day < oldest]
        for id_ in old:
            shutil.rmtree(self._folder(id_), ignore_errors=True)
        return old

    def is_as_left(self, file: FileChange) -> bool:
        """Tell whether a file is still what a change made of it."""
        return find_hash(self._corpus / file.source) == file.after

    def check_undo(self, change: Change, left_out: Sequence[str] = ()) -> None:
        """Raise LibraryError where a change cannot be taken back: see `undo`."""
        if not change.can_be_undone:
            raise LibraryError("この変更は、もう元に戻してあります。", "一覧を読み込み直してください。")
        if change.corpus != str(self._corpus.resolve()):
            message = f"この変更は別の文書フォルダーのものです: {change.corpus}"
            raise LibraryError(message, "設定 corpus を確かめてください。")
        others = [file.source for file in change.files if file.source not in left_out and not self.is_as_left(file)]
        if others:
            named = "、".join(others[:3]) + ("ほか" if len(others) > 3 else "")
            message = f"元に戻せません: {named} は、そのあとに置き換えられたか、動かされています。"
            raise LibraryError(message, "今のファイルをそのままにするか、先に別の名前に変えてください。")

    def _bring_back(self, folder: Path, number: int, file: FileChange) -> None:
        path, kept = self._corpus / file.source, folder / f"before-{number}"
        if file.before == find_hash(path):  # an undo that was killed after this file
            return
        new = None
        if file.before is not None:
            new = folder / f"back-{number}"
            _copy(kept, new)
        _put(path, new, folder / f"after-{number}")

    def _recover(self) -> None:
        shutil.rmtree(self._corpus / STAGING, ignore_errors=True)  # nobody else is at work
        for change in self.read_all():
            if change.stage is Stage.BEGUN:
                self._take_back(change)
            elif change.stage is Stage.UNDOING:
                for number, file in _last_first(change):
                    if self.is_as_left(file):
                        self._bring_back(self._folder(change.id), number, file)
                write_record(self._folder(change.id), change.at(Stage.UNDONE))

    def _take_back(self, change: Change) -> None:
        """Leave everything as it was before a change that did not come to its end."""
        folder = self._folder(change.id)
        for number, file in _last_first(change):
            path, kept = self._corpus / file.source, folder / f"before-{number}"
            if file.before is not None and find_hash(kept) == file.before and find_hash(path) in (None, file.after):
                _move(kept, path)
            elif file.before is None and file.after is not None and self.is_as_left(file):
                path.unlink()
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, id_: str) -> Path:
        return self._trash / id_

    def _name(self, path: Path) -> str:
        return path.relative_to(self._corpus).as_posix()

    def _clock(self) -> datetime:
        return self._now or datetime.now(UTC)

    def _new_id(self) -> str:
        return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _last_first(change: Change) -> list[tuple[int, FileChange]]:
    """Return the files of a change with their numbers, in the order to go back in.

    A document goes before what metadata.csv says of it, and comes back after it: it is never open to more people in between.
    """
    return list(enumerate(change.files))[::-1]


def _put(path: Path, new: Path | None, kept: Path) -> None:
    """Put a new file (None: nothing) in a place, and keep what was there."""
    if path.is_file() or path.is_symlink():
        _copy(path, kept, link=True)
    if new is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _move(new, path)
    elif path.is_file() or path.is_symlink():
        path.unlink()
    if path.parent.is_dir():
        sync_folder(path.parent)


def _copy(source: Path, target: Path, *, link: bool = False) -> None:
    """Copy a file durably; link: where the disk is the same, only its name (the file is about to lose its other one)."""
    target.unlink(missing_ok=True)
    if link and not source.is_symlink():
        try:
            os.link(source, target)
            return
        except OSError:  # another disk, or one that knows no links
            pass
    shutil.copy2(source, target)
    target.chmod(target.stat().st_mode | stat.S_IWRITE)  # Windows does not flush what is read-only
    with target.open("r+b") as stream:
        os.fsync(stream.fileno())


def _move(source: Path, target: Path) -> None:
    """Move a file over another in one step, whatever disk it comes from."""
    try:
        source.replace(target)
    except OSError:
        beside = target.with_name(f".{target.name[:50]}.incoming")
        try:
            _copy(source, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        source.unlink()


@contextmanager
def _say_what_failed(what: str) -> Iterator[None]:
    """Say in Japanese what the system refused."""
    try:
        yield
    except OSError as error:
        raise LibraryError(
            f"ファイルを読み書きできません: {error.filename or what}（{error.strerror or error}）。変更していません。",
            "ほかの人が開いていないか、書き込む権限と空き容量があるかを確かめてください。",
        ) from error
