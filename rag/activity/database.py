"""One SQLite file for what is remembered: many threads, several processes, one writer at a time."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.activity.schema import MIGRATIONS, migrate
from rag.errors import ActivityError

ACTIVITY_FILE = "activity.sqlite"
_WAIT_SECONDS = 30
_OWNER_ONLY = 0o600


class Database:
    """A SQLite file in WAL mode. What is deleted is overwritten (secure_delete), as it may be personal."""

    def __init__(self, file: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        """Open or create it. Raises ActivityError when it is no database, or one of a newer program."""
        self.file = file
        self._lock = threading.RLock()
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _connect(file)
            migrate(self._connection, migrations)
            self._secret = self._read_secret()
        except (sqlite3.DatabaseError, OSError) as error:
            raise ActivityError(
                f"利用の記録を開けません: {file}（{error}）",
                "フォルダーの権限とディスクの空きを確かめるか、壊れたファイルを別の場所に移してください。",
            ) from error

    def read(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for one transaction: all of it is written, or nothing.

        Raises ActivityError when it cannot be written: another process writes for too long, the disk is full.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise self._unwritable(error) from error
                raise

    def shrink_log(self) -> None:
        """Move the write-ahead log into the file and empty it, so that what was deleted is gone from both."""
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def pseudonym(self, name: str | None) -> str | None:
        """Return what stands for a user or session: a keyed hash, the same within this database only; None for None."""
        if name is None:
            return None
        return hashlib.blake2b(name.encode("utf-8", "replace"), key=self._secret, digest_size=16).hexdigest()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _unwritable(self, error: sqlite3.Error) -> ActivityError:
        return ActivityError(
            f"利用の記録に書けません: {self.file}（{error}）", "ディスクの空きを確かめて、もう一度実行してください。"
        )

    def _read_secret(self) -> bytes:
        with self.writing() as connection:
            row = connection.execute("SELECT value FROM secret").fetchone()
            if row is None:
                row = (secrets.token_bytes(32),)
                connection.execute("INSERT INTO secret VALUES (?)", row)
        return bytes(row[0])


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    file.chmod(_OWNER_ONLY)
    return connection
