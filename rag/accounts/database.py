"""The SQLite file of the users, their sessions and the failed attempts; the server and the command line share it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import AccountError

USERS_FILE = "users.sqlite"
USERS_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT NOT NULL, role TEXT NOT NULL, departments TEXT NOT NULL,
    password_hash TEXT, disabled INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    token_hash BLOB PRIMARY KEY, key TEXT NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    created_at REAL NOT NULL, seen_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (key);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, count INTEGER NOT NULL, failed_at REAL NOT NULL, locked_until REAL NOT NULL
) WITHOUT ROWID;
"""
_BUSY_SECONDS = 10


class Database:
    """One SQLite file, made and opened at the first use; used by one thread at a time. Nobody but its owner may read the file."""

    def __init__(self, file: Path, schema: str) -> None:
        self._file, self._schema = file, schema
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for statements that take effect together, or not at all. Raises AccountError for a broken file."""
        with self._lock, self._readable() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def select(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a statement. Raises AccountError for a broken file."""
        with self._lock, self._readable() as connection:
            return connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Let go of the file; it is opened again where it is used again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    @contextmanager
    def _readable(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = self._open()
            yield self._connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise AccountError(
                f"利用者の台帳を読み書きできません: {self._file}（{error}）",
                "ほかのプログラムが使っていないか、空き容量とアクセス権を確かめ、直らなければ控えから戻してください。",
            ) from error

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its side files the same rights
        connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.executescript("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;" + self._schema)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection
