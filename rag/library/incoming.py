"""Files on their way into the corpus: received one by one, taken together, and gone when they were taken, given up or forgotten."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag.errors import LibraryError
from rag.settings import Settings

FOLDER = Path("library") / "incoming"
FORGOTTEN_SECONDS = 3_600.0
"""How long a file waits to be taken; whoever brought it has closed the page."""
_ID = re.compile(r"[0-9a-f]{32}")
_MB, _SPARE_BYTES = 1_000_000, 200_000_000


@dataclass(slots=True)
class Receiving:
    """One file that is being received. Write its pieces, then close it."""

    id: str
    stream: BinaryIO
    left: int
    max_mb: int

    def write(self, piece: bytes) -> None:
        """Take some bytes. Raises LibraryError where all that waits together is more than the settings allow, or the disk is full."""
        self.left -= len(piece)
        if self.left < 0:
            message = f"一度に加える大きさの合計が上限（{self.max_mb:,} MB）を超えます。"
            raise LibraryError(message, "何回かに分けるか、設定 max_upload_mb を大きくしてください。")
        try:
            self.stream.write(piece)
        except OSError as error:
            raise _disk_error(error) from error


class Incoming:
    """The files that wait in the data folder. now: seconds since 1970, for tests."""

    def __init__(self, settings: Settings, *, now: float | None = None) -> None:
        self._settings, self._folder, self._now = settings, settings.data_dir / FOLDER, now

    def receive(self) -> Receiving:
        """Begin a file, after what was forgotten is gone. Raises LibraryError where no more may wait, or the disk is nearly full."""
        self.forget()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            waiting = sum(map(_find_size, self._folder.iterdir()))
            free = shutil.disk_usage(self._folder).free - _SPARE_BYTES
            id_ = secrets.token_hex(16)
            stream = (self._folder / id_).open("xb")
        except OSError as error:
            raise _disk_error(error) from error
        limit = self._settings.max_upload_mb
        return Receiving(id_, stream, max(0, min(limit * _MB - waiting, free)), limit)

    def find(self, id_: str) -> Path:
        """Return the file that was received under an id. Raises LibraryError where none waits."""
        path = self._folder / id_
        if not _ID.fullmatch(id_) or not path.is_file():
            raise LibraryError("送られたファイルがもうありません。", "ファイルを選び直して、もう一度送ってください。")
        return path

    def discard(self, ids: Iterable[str]) -> None:
        """Remove files, those that are gone already too."""
        for id_ in ids:
            if _ID.fullmatch(id_):
                (self._folder / id_).unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what nobody took in time."""
        now = time.time() if self._now is None else self._now
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            try:
                if now - path.stat().st_mtime > FORGOTTEN_SECONDS:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:  # somebody took it this moment
                continue


def _find_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # somebody took it this moment
        return 0


def _disk_error(error: OSError) -> LibraryError:
    why = error.strerror or type(error).__name__
    return LibraryError(
        f"ファイルを受け取れません（{why}）。", "データのフォルダーの空き容量とアクセス権を確かめてください。"
    )
