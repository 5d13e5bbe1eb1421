"""The gate: says who stands before a door. One kind for each value of the setting `accounts`.

    off     OpenGate      nobody signs in: whoever sits at this machine may do everything, anyone else is a member of staff
    on      SessionGate   users of our own sign in with a password and keep a session
    proxy   ProxyGate     a reverse proxy at a trusted address says in a header who it is

`identify` is asked anew for every request and every call of a handler, so that a session that ended a moment ago lets nobody in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from rag.accounts.audit import Action, AuditLog, Outcome
from rag.accounts.database import Database
from rag.accounts.proxies import TrustedProxies, is_at_this_machine
from rag.accounts.user import Role, User

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

LOCAL_USER = User("local", "この端末の利用者", Role.ADMIN, is_local=True)
REMOTE_USER = User("guest", "職員", Role.STAFF)


class Gate(ABC):
    """Say who stands before a door."""

    is_open = False
    """Whether everyone is let in."""

    def __init__(self, audit: AuditLog, proxies: TrustedProxies, database: Database | None = None) -> None:
        self.audit, self.proxies, self._database = audit, proxies, database

    @abstractmethod
    def identify(self, connection: HTTPConnection) -> User | None:
        """Return the user of a connection; None where it is nobody that we know, or whom we let in no more."""

    def address(self, connection: HTTPConnection) -> str:
        """Return where a request began."""
        return self.proxies.client_address(connection)

    def record(
        self,
        connection: HTTPConnection,
        action: Action,
        *,
        user: User | None,
        target: str = "",
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        """Write into the audit log what a request did."""
        name = user.name if user else ""
        self.audit.append(action, user=name, address=self.address(connection), target=target, outcome=outcome)

    def close(self) -> None:
        """Let go of the files; they are opened again where they are used again."""
        self.audit.close()
        if self._database:
            self._database.close()


class OpenGate(Gate):
    """Let everyone in: the person at this machine as the local administrator, others as members of staff."""

    is_open = True

    def identify(self, connection: HTTPConnection) -> User | None:
        """Return the local user, or the one who stands for everybody else."""
        return LOCAL_USER if is_at_this_machine(connection) else REMOTE_USER
