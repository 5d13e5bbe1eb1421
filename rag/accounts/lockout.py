"""Lock-out: after a number of failed attempts a name, and an address, must wait; longer each time it goes on.

An attempt is counted before the password is looked at and taken back when it was right, so that many attempts at once are no
way around. Names are stored as hashes: people type passwords into the wrong box.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from rag.accounts.database import Database
from rag.accounts.user import name_key

ADDRESS_FACTOR = 10
"""An address may fail so many times more often than a name: a whole office may stand behind one."""
MAX_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts in a row. failed_at: when the last was, locked_until: when the next is looked at."""

    count: int = 0
    failed_at: float = 0.0
    locked_until: float = 0.0

    def next(self, now: float, *, limit: int, window_seconds: float) -> Failures:
        """Return the failures with one more. Those that are over for a window are forgotten; from the limit on the wait doubles.

        >>> Failures(4, 0).next(10, limit=5, window_seconds=60)
        Failures(count=5, failed_at=10, locked_until=70)
        >>> Failures(5, 10, 70).next(70, limit=5, window_seconds=60)
        Failures(count=6, failed_at=70, locked_until=190)
        >>> Failures(5, 10, 70).next(131, limit=5, window_seconds=60).count
        1
        """
        is_over = now > max(self.failed_at, self.locked_until) + window_seconds
        count = 1 if is_over else self.count + 1
        wait = window_seconds * 2 ** min(count - limit, MAX_DOUBLINGS) if count >= limit else 0
        return Failures(count, now, now + wait if wait else 0)


class Lockout:
    """Count attempts by name and by address. window_seconds: within which they count, and how long the first wait is."""

    def __init__(
        self, database: Database, *, attempts: int, window_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._clock = database, clock
        self._attempts, self._window = attempts, window_seconds

    def begin(self, name: str, address: str) -> float:
        """Count an attempt and return 0, or the seconds to wait for a name or an address that is locked: then nothing is counted."""
        now = self._clock()
        keys = self._limits(name, address)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE max(failed_at, locked_until) < ?", (now - self._window,))
            found = {key: _read(connection, key) for key in keys}
            wait = max(failures.locked_until for failures in found.values()) - now
            if wait > 0:
                return wait
            for key, failures in found.items():
                _write(connection, key, failures.next(now, limit=keys[key], window_seconds=self._window))
        return 0.0

    def wait(self, name: str, address: str) -> float:
        """Return the seconds until the next attempt is looked at; 0 where that is now."""
        with self._database.transaction() as connection:
            found = [_read(connection, key) for key in self._limits(name, address)]
        return max(0.0, max(failures.locked_until for failures in found) - self._clock())

    def succeed(self, name: str, address: str) -> None:
        """Take an attempt back: the name starts anew, the address has one failure less."""
        (by_name, _), (by_address, limit) = self._limits(name, address).items()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE key = ?", (by_name,))
            found = _read(connection, by_address)
            count = max(found.count - 1, 0)
            locked_until = found.locked_until if count >= limit else 0.0
            _write(connection, by_address, Failures(count, found.failed_at, locked_until))

    def forget(self, name: str) -> None:
        """Let a name try again at once."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE key = ?", (next(iter(self._limits(name, ""))),))

    def _limits(self, name: str, address: str) -> dict[str, int]:
        """Return the two keys under which an attempt counts, the name's first, and how many each allows."""
        hashed = hashlib.sha256(name_key(name).encode("utf-8", "surrogatepass")).hexdigest()
        return {f"name {hashed}": self._attempts, f"address {address}": self._attempts * ADDRESS_FACTOR}


def _read(connection: sqlite3.Connection, key: str) -> Failures:
    row = connection.execute("SELECT count, failed_at, locked_until FROM failures WHERE key = ?", (key,)).fetchone()
    return Failures(*row) if row else Failures()


def _write(connection: sqlite3.Connection, key: str, failures: Failures) -> None:
    values = (key, failures.count, failures.failed_at, failures.locked_until)
    connection.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", values)
