"""A session of Gradio (one open page) belongs to the user who began it: nobody else hears its answers or goes on with it.

Gradio knows such a session only by a string that the browser made up. It keeps the conversation under it, so that after a change
of users at one browser an old page would go on with the conversation of the user before.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

MAX_BODY_BYTES = 8_000_000  # a file of rag.web.files in base64
_CAPACITY = 10_000  # as many sessions as Gradio itself keeps
_HEARTBEAT, _DATA = "/gradio_api/heartbeat/", "/gradio_api/queue/data"
_WITH_BODY = ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset")


class SessionOwners:
    """Remember who began which session of Gradio; the sessions used last are kept."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, session: str, name: str) -> bool:
        """Tell whether a session belongs to a user, to whom it is given where it is nobody's."""
        with self._lock:
            owner = self._owners.setdefault(session, name)
            self._owners.move_to_end(session)
            while len(self._owners) > _CAPACITY:
                self._owners.popitem(last=False)
        return owner == name


def names_session(path: str) -> bool:
    """Tell whether requests to a path are about one session of Gradio."""
    return path.startswith(_HEARTBEAT) or path.rstrip("/") in (_DATA, *_WITH_BODY)


async def find_session(scope: Scope, receive: Receive) -> tuple[str | None, Receive]:
    """Return the session of Gradio that a request is about, None without one, and from where its body can be read (again)."""
    path: str = scope["path"].rstrip("/")
    if path.startswith(_HEARTBEAT):
        return path.removeprefix(_HEARTBEAT), receive
    if path == _DATA:
        values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [])
        return (values[-1] if values else None), receive
    body = await _read_body(receive)
    return _session_of(body), _replay(body, receive)


def _session_of(body: bytes) -> str | None:
    try:
        values = json.loads(body)
    except ValueError:
        return None
    session = values.get("session_hash") if isinstance(values, dict) else None
    return session if isinstance(session, str) else None


async def _read_body(receive: Receive) -> bytes:
    """Return a body; of one that is too long only its beginning, which is no JSON and so no request."""
    body, more = b"", True
    while more and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body[:MAX_BODY_BYTES]


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
