"""The users that are registered: `users.sqlite` in the data folder."""

from __future__ import annotations

import json
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rag.accounts.database import Database
from rag.accounts.passwords import Passwords, check_new_password
from rag.accounts.user import MAX_NAME_CHARS, Role, User, name_key
from rag.errors import AccountError

_COLUMNS = "name, display_name, role, departments, password_hash IS NOT NULL, disabled, created_at"


@dataclass(frozen=True, slots=True)
class Account:
    """A registered user. created_at: seconds since 1970. has_password: False for one who comes by single sign-on only."""

    user: User
    has_password: bool
    is_disabled: bool
    created_at: float

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        more = {"has_password": self.has_password, "disabled": self.is_disabled, "created_at": self.created_at}
        return {**self.user.as_dict(), **more}


class UserStore:
    """Keep users. A changed password, a disabled or a removed user ends his sessions in the same transaction."""

    def __init__(self, database: Database, passwords: Passwords, *, clock: Callable[[], float] = time.time) -> None:
        self._database, self._passwords, self._clock = database, passwords, clock

    def add(
        self,
        name: str,
        password: str | None,
        *,
        role: Role = Role.STAFF,
        departments: Sequence[str] = (),
        display_name: str = "",
    ) -> User:
        """Register a user; without a password he can come by single sign-on only.

        Raises AccountError for a name that is taken or cannot be one, and for a password that is none.
        """
        name = check_name(name)
        if password is not None:
            check_new_password(name, password)
        user = User(name, display_name.strip() or name, role, tuple(departments))
        row = (name_key(name), *_to_row(user), password and self._passwords.hash(password), self._clock())
        try:
            with self._database.transaction() as connection:
                connection.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, 0, ?)", row)
        except sqlite3.IntegrityError as error:
            raise AccountError(f"利用者「{name}」はすでにいます。", "別の名前にしてください。") from error
        return user

    def find(self, name: str) -> Account | None:
        """Return an account, a disabled one too; None where there is none of that name."""
        rows = self._database.select(f"SELECT {_COLUMNS} FROM users WHERE key = ?", (name_key(name),))
        return _to_account(rows[0]) if rows else None

    def list(self) -> tuple[Account, ...]:
        """Return every account, by name."""
        return tuple(map(_to_account, self._database.select(f"SELECT {_COLUMNS} FROM users ORDER BY key")))

    def check_password(self, name: str, password: str) -> User | None:
        """Return the user whose password this is; None, after the same time, for a wrong one, an unknown or a disabled user."""
        rows = self._database.select("SELECT password_hash FROM users WHERE key = ?", (name_key(name),))
        hash_ = rows[0][0] if rows else None
        account = self.find(name) if self._passwords.verify(hash_, password) else None
        if account is None or account.is_disabled:
            return None
        if hash_ is not None and self._passwords.is_outdated(hash_):
            self._set(name, "password_hash = ?", self._passwords.hash(password), ends_sessions=False)
        return account.user

    def change_password(self, name: str, password: str) -> User:
        """Set a new password. Raises AccountError for an unknown user or a password that is none."""
        user = self._known(name).user
        check_new_password(user.name, password)
        self._set(name, "password_hash = ?", self._passwords.hash(password))
        return user

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        departments: Sequence[str] | None = None,
        display_name: str | None = None,
    ) -> User:
        """Change what is given, which holds from the next request on. Raises AccountError for an unknown user."""
        old = self._known(name).user
        wanted = old.departments if departments is None else tuple(departments)
        user = User(old.name, display_name or old.display_name, role or old.role, wanted)
        assignments = "name = ?, display_name = ?, role = ?, departments = ?"
        self._set(name, assignments, *_to_row(user), ends_sessions=False)
        return user

    def disable(self, name: str) -> User:
        """Let a user in no more, now and later; what is recorded of him stays. Raises AccountError for an unknown user."""
        return self._set(name, "disabled = 1")

    def enable(self, name: str) -> User:
        """Let a user in again. Raises AccountError for an unknown user."""
        return self._set(name, "disabled = 0")

    def remove(self, name: str) -> User:
        """Forget a user. Raises AccountError for an unknown one."""
        user = self._known(name).user
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM users WHERE key = ?", (name_key(name),))
        return user

    def _set(self, name: str, assignments: str, *values: Any, ends_sessions: bool = True) -> User:
        user = self._known(name).user
        with self._database.transaction() as connection:
            connection.execute(f"UPDATE users SET {assignments} WHERE key = ?", (*values, name_key(name)))
            if ends_sessions:
                connection.execute("DELETE FROM sessions WHERE key = ?", (name_key(name),))
        return user

    def _known(self, name: str) -> Account:
        account = self.find(name)
        if account is None:
            raise AccountError(f"利用者「{name}」はいません。", "rag users list で名前を確かめてください。")
        return account


def check_name(name: str) -> str:
    """Return a name without white space around it; raise AccountError where it cannot be one."""
    name = unicodedata.normalize("NFC", name).strip()
    if name and len(name) <= MAX_NAME_CHARS and name.isprintable() and not any(c.isspace() for c in name):
        return name
    raise AccountError(
        "利用者の名前が正しくありません。",
        f"空白を含まない {MAX_NAME_CHARS} 文字以内にしてください（職員番号や tanaka.t など）。",
    )


def _to_row(user: User) -> tuple[str, str, str, str]:
    return user.name, user.display_name, user.role.value, json.dumps(user.departments, ensure_ascii=False)


def _to_account(row: Sequence[Any]) -> Account:
    name, display_name, role, departments, has_password, disabled, created_at = row
    user = User(name, display_name, Role(role), tuple(json.loads(departments)))
    return Account(user, bool(has_password), bool(disabled), created_at)
