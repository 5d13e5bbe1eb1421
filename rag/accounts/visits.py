"""Who stands behind a request: asked by every handler for itself, since its address is no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rag.accounts.audit import Action, Outcome
from rag.accounts.gate import Gate
from rag.accounts.user import Role, User, require
from rag.errors import NotAllowedError, NotSignedInError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

GATE_KEY = "shirube.gate"
"""Where the server puts its gate into the scope of every connection."""


def find_gate(connection: object) -> Gate:
    """Return the gate of the server that a connection, or a Gradio request, came to. Raises NotSignedInError without one."""
    gate = _open_connection(connection).scope.get(GATE_KEY)
    if not isinstance(gate, Gate):
        raise _not_signed_in()
    return gate


def find_user(connection: object, *roles: Role) -> User:
    """Return the user behind a connection, or behind a Gradio request.

    roles: one of which his must cover; without any, everyone who is let in. Raises NotSignedInError and NotAllowedError; what was
    not allowed is recorded.
    """
    gate, request = find_gate(connection), _open_connection(connection)
    user = gate.identify(request)
    if user is None:
        raise _not_signed_in()
    try:
        return require(user, *(roles or (Role.STAFF,)))
    except NotAllowedError:
        path = request.scope.get("path", "")
        gate.record(request, Action.NOT_ALLOWED, user=user, target=path, outcome=Outcome.REFUSED)
        raise


def _open_connection(connection: object) -> HTTPConnection:
    """Return the connection inside a Gradio request; a request that has lost its own comes from nobody."""
    from starlette.requests import HTTPConnection

    inner = connection if isinstance(connection, HTTPConnection) else getattr(connection, "request", None)
    if not isinstance(inner, HTTPConnection):
        raise _not_signed_in()
    return cast(HTTPConnection, inner)


def _not_signed_in() -> NotSignedInError:
    return NotSignedInError("サインインしていません。", "/sign-in を開いてサインインし、もう一度操作してください。")
