"""The gate of users whom a reverse proxy has signed in: single sign-on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.accounts.audit import Action, AuditLog, Outcome
from rag.accounts.database import Database
from rag.accounts.gate import Gate
from rag.accounts.proxies import TrustedProxies, peer_address, read_header
from rag.accounts.store import UserStore
from rag.accounts.user import MAX_NAME_CHARS, Role, User, name_key, split_departments

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

_NOTED_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """The names of the headers in which a proxy says who it is; role and departments only where it knows them."""

    user: str
    role: str | None = None
    departments: str | None = None


class ProxyGate(Gate):
    """Let in whom a trusted proxy names. Role and departments: of its headers, else of the registered user, else staff of none."""

    def __init__(
        self,
        audit: AuditLog,
        proxies: TrustedProxies,
        database: Database,
        *,
        users: UserStore,
        headers: ProxyHeaders,
        noted_for_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(audit, proxies, database)
        self.users, self._headers = users, headers
        self._noted: dict[tuple[str, str], float] = {}
        self._noted_for, self._clock = noted_for_seconds, clock

    def identify(self, connection: HTTPConnection) -> User | None:
        """Return the user that the header names, where the other end of the connection is trusted."""
        if not self.proxies.holds(peer_address(connection)):
            self._note_untrusted(connection)
            return None
        name = read_header(connection, self._headers.user)
        if name is None or len(name) > MAX_NAME_CHARS or not name.isprintable():
            return None
        account = self.users.find(name)
        if account and account.is_disabled:
            return None
        user = self._with_headers(connection, account.user if account else User(name, name, Role.STAFF))
        if self._is_news(("user", name_key(name))):
            self.record(connection, Action.SIGN_IN, user=user)
        return user

    def _with_headers(self, connection: HTTPConnection, user: User) -> User:
        role = read_header(connection, self._headers.role)
        departments = read_header(connection, self._headers.departments)
        if role is not None:
            user = replace(user, role=Role(role) if role in list(Role) else Role.STAFF)
        return user if departments is None else replace(user, departments=split_departments(departments))

    def _note_untrusted(self, connection: HTTPConnection) -> None:
        if self._headers.user in connection.headers and self._is_news(("untrusted", peer_address(connection))):
            self.record(connection, Action.UNTRUSTED_HEADER, user=None, outcome=Outcome.REFUSED)

    def _is_news(self, what: tuple[str, str]) -> bool:
        """Tell whether something was not noted for a while: a page makes many requests, and the log wants one line."""
        now = self._clock()
        if now - self._noted.get(what, float("-inf")) < self._noted_for:
            return False
        if len(self._noted) >= _NOTED_AT_MOST:
            self._noted.clear()
        self._noted[what] = now
        return True
