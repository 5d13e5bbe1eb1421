"""The gate of users who sign in here with a name and a password."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.accounts.audit import Action, AuditLog, Outcome
from rag.accounts.database import Database
from rag.accounts.gate import Gate
from rag.accounts.lockout import Lockout
from rag.accounts.proxies import TrustedProxies
from rag.accounts.sessions import Sessions
from rag.accounts.store import UserStore
from rag.accounts.user import User
from rag.errors import NotSignedInError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

SESSION_COOKIE = "shirube_session"
SECURE_COOKIE = f"__Host-{SESSION_COOKIE}"


@dataclass(frozen=True, slots=True)
class SignIn:
    """What became of an attempt to sign in. wait_seconds: how long the name or the address is locked, else 0."""

    user: User | None = None
    token: str | None = None
    wait_seconds: float = 0.0


class SessionGate(Gate):
    """Let in who has signed in with a password."""

    def __init__(
        self,
        audit: AuditLog,
        proxies: TrustedProxies,
        database: Database,
        *,
        users: UserStore,
        sessions: Sessions,
        lockout: Lockout,
    ) -> None:
        super().__init__(audit, proxies, database)
        self.users, self.sessions, self.lockout = users, sessions, lockout

    def identify(self, connection: HTTPConnection) -> User | None:
        """Return the user of the session whose token the cookie holds."""
        token = connection.cookies.get(self.cookie_name(connection))
        name = self.sessions.find(token) if token else None
        account = self.users.find(name) if name else None
        return account.user if account and not account.is_disabled else None

    def cookie_name(self, connection: HTTPConnection) -> str:
        """Return the name of the session cookie: over HTTPS one that no other host and no page without HTTPS can set."""
        return SECURE_COOKIE if self.proxies.is_secure(connection) else SESSION_COOKIE

    def sign_in(self, connection: HTTPConnection, name: str, password: str) -> SignIn:
        """Look at a name and a password, and open a session where they belong together; the browser's old one ends."""
        checked = self._check(connection, name, password)
        if checked.user is None:
            return checked
        self._close_session(connection)
        self.record(connection, Action.SIGN_IN, user=checked.user)
        return replace(checked, token=self.sessions.open(checked.user.name))

    def sign_out(self, connection: HTTPConnection) -> None:
        """End the session of a connection, where it has one."""
        user = self.identify(connection)
        self._close_session(connection)
        if user:
            self.record(connection, Action.SIGN_OUT, user=user)

    def change_password(self, connection: HTTPConnection, old: str, new: str) -> SignIn:
        """Give a user who knows his password another one, and one new session in place of all that he has.

        Raises NotSignedInError without a session, and AccountError for a new password that is none.
        """
        user = self.identify(connection)
        if user is None:
            raise NotSignedInError("サインインしていません。", "サインインしてから、もう一度操作してください。")
        checked = self._check(connection, user.name, old)
        if checked.user is None:
            return checked
        self.users.change_password(user.name, new)
        self.record(connection, Action.PASSWORD_CHANGED, user=user, target=user.name)
        return replace(checked, token=self.sessions.open(user.name))

    def _check(self, connection: HTTPConnection, name: str, password: str) -> SignIn:
        address = self.address(connection)
        wait = self.lockout.begin(name, address)
        if wait > 0:
            return SignIn(wait_seconds=wait)
        user = self.users.check_password(name, password)
        if user is None:
            self._note_failure(connection, name)
            return SignIn(wait_seconds=self.lockout.wait(name, address))
        self.lockout.succeed(name, address)
        return SignIn(user)

    def _close_session(self, connection: HTTPConnection) -> None:
        if token := connection.cookies.get(self.cookie_name(connection)):
            self.sessions.close(token)

    def _note_failure(self, connection: HTTPConnection, name: str) -> None:
        """Record a failure. A name that nobody has is not written down: it may be a password in the wrong box."""
        account = self.users.find(name)
        user = account.user if account else None
        self.record(connection, Action.SIGN_IN, user=user, outcome=Outcome.REFUSED)
        if self.lockout.wait(name, self.address(connection)) > 0:
            self.record(connection, Action.LOCKED_OUT, user=user)
