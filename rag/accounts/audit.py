"""The audit log: who signed in, changed something or reindexed, when, from where, and how it ended.

It holds no question and no password. Entries are added and read; the file itself refuses to change or delete them.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from rag.accounts.database import Database

AUDIT_FILE = "audit.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, user TEXT NOT NULL, address TEXT NOT NULL,
    action TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS entries_hold BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
"""
_MAX_CHARS = 300
COMMAND_ADDRESS = "command line"


class Action(StrEnum):
    """What was done."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    LOCKED_OUT = "locked_out"
    UNTRUSTED_HEADER = "untrusted_header"
    NOT_ALLOWED = "not_allowed"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_REMOVED = "user_removed"
    PASSWORD_CHANGED = "password_changed"
    DOCUMENT_ADDED = "document_added"
    DOCUMENT_CHANGED = "document_changed"
    DOCUMENT_REMOVED = "document_removed"
    REINDEXED = "reindexed"
    ROLLED_BACK = "rolled_back"
    ADAPTED = "adapted"
    QUESTIONS_CHANGED = "questions_changed"
    EXAMPLES_CHANGED = "examples_changed"
    EVALUATED = "evaluated"
    EXPORTED = "exported"

    @property
    def label(self) -> str:
        """The Japanese name that people see."""
        return _LABELS[self]


_LABELS = {
    Action.SIGN_IN: "サインイン",
    Action.SIGN_OUT: "サインアウト",
    Action.LOCKED_OUT: "失敗が続いたための停止",
    Action.UNTRUSTED_HEADER: "信頼しない所からの利用者ヘッダー",
    Action.NOT_ALLOWED: "権限のない操作",
    Action.USER_ADDED: "利用者の登録",
    Action.USER_CHANGED: "利用者の変更",
    Action.USER_DISABLED: "利用者の停止",
    Action.USER_ENABLED: "利用者の再開",
    Action.USER_REMOVED: "利用者の削除",
    Action.PASSWORD_CHANGED: "パスワードの変更",
    Action.DOCUMENT_ADDED: "文書の追加",
    Action.DOCUMENT_CHANGED: "文書の変更",
    Action.DOCUMENT_REMOVED: "文書の削除",
    Action.REINDEXED: "索引の更新",
    Action.ROLLED_BACK: "前の索引に戻す",
    Action.ADAPTED: "言葉づかいの学習",
    Action.QUESTIONS_CHANGED: "質問集の変更",
    Action.EXAMPLES_CHANGED: "質問例の変更",
    Action.EVALUATED: "正答率の測定",
    Action.EXPORTED: "書き出し",
}


class Outcome(StrEnum):
    """How it ended: done; refused, so that nothing happened; failed on the way."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """The Japanese name that people see."""
        return {"done": "済み", "refused": "拒否", "failed": "失敗"}[self.value]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. time: seconds since 1970. user: a name, "" where nobody is known. target: what it was done to."""

    id: int
    time: float
    user: str
    address: str
    action: Action
    target: str
    outcome: Outcome

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form; the time is in the time zone of the machine."""
        when = datetime.fromtimestamp(self.time).astimezone().isoformat(timespec="seconds")
        names = {"action": self.action.value, "outcome": self.outcome.value}
        return {"id": self.id, "time": when, "user": self.user, "address": self.address, "target": self.target, **names}


class AuditLog:
    """Add entries to `audit.sqlite` in the data folder, and read them. The file is made with the first entry."""

    def __init__(self, data_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = data_dir / AUDIT_FILE, clock
        self._database = Database(self._file, _SCHEMA)

    def append(
        self, action: Action, *, user: str, address: str = "", target: str = "", outcome: Outcome = Outcome.DONE
    ) -> None:
        """Add an entry. target: a name (of a document, a user, a file): never a question or a text. Raises AccountError."""
        texts = (_to_line(user), _to_line(address), action.value, _to_line(target), outcome.value)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO entries (time, user, address, action, target, outcome) VALUES (?, ?, ?, ?, ?, ?)",
                (self._clock(), *texts),
            )

    def entries(self, limit: int = 100, *, before: int | None = None) -> tuple[Entry, ...]:
        """Return the newest entries, the newest first. before: only those older than the entry of this id."""
        if not self._file.exists():
            return ()
        rows = self._database.select(
            "SELECT id, time, user, address, action, target, outcome FROM entries WHERE id < ? ORDER BY id DESC LIMIT ?",
            (2**62 if before is None else before, limit),
        )
        return tuple(
            Entry(id_, when, user, address, Action(action), target, Outcome(outcome))
            for id_, when, user, address, action, target, outcome in rows
        )

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def command_user() -> str:
    """Return the name under which the operating system knows who gives a command; "" where it does not."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _to_line(text: str) -> str:
    """Return a text as one short line: what comes from outside writes no line of its own."""
    return "".join(c if c.isprintable() else "�" for c in text)[:_MAX_CHARS]
