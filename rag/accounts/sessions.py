"""Sessions: a token of 256 bits that the browser keeps, of which only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

from rag.accounts.database import Database
from rag.accounts.user import name_key

TOKEN_BYTES = 32
_SEEN_EVERY_SECONDS = 30


class Sessions:
    """Keep who is signed in. A session ends after max_seconds, or idle_seconds after it was last used."""

    def __init__(
        self,
        database: Database,
        *,
        max_seconds: float,
        idle_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._clock = database, clock
        self._max_seconds, self._idle_seconds = max_seconds, idle_seconds

    def open(self, name: str) -> str:
        """Return the token of a new session; sessions that have ended are forgotten."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._clock()
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?",
                (now - self._max_seconds, now - self._idle_seconds),
            )
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (_hash(token), name_key(name), now, now))
        return token

    def find(self, token: str) -> str | None:
        """Return the name of the user whose session this is, and note that it was used; None where it is none or has ended."""
        rows = self._database.select(
            "SELECT users.name, created_at_, seen_at FROM users JOIN"
            " (SELECT key, created_at AS created_at_, seen_at FROM sessions WHERE token_hash = ?) USING (key)",
            (_hash(token),),
        )
        if not rows:
            return None
        (name, created_at, seen_at), now = rows[0], self._clock()
        if now - created_at >= self._max_seconds or now - seen_at >= self._idle_seconds:
            self.close(token)
            return None
        if now - seen_at >= min(_SEEN_EVERY_SECONDS, self._idle_seconds / 10):
            with self._database.transaction() as connection:
                connection.execute("UPDATE sessions SET seen_at = ? WHERE token_hash = ?", (now, _hash(token)))
        return str(name)

    def close(self, token: str) -> None:
        """End one session."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE token_hash = ?", (_hash(token),))

    def close_all(self, name: str) -> None:
        """End every session of a user."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE key = ?", (name_key(name),))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
