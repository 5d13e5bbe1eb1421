"""The entrance: nothing behind it is reached by anybody whom the gate does not know, or from a page of another site.

The handlers ask for themselves as well (`rag.accounts.visits`); this is the door in front of them, of Gradio's routes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from rag.accounts.proxies import is_foreign, peer_address
from rag.accounts.visits import GATE_KEY
from rag.errors import NotAllowedError, NotSignedInError, RagError
from rag.web.ownership import SessionOwners, find_session, names_session

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rag.accounts.gate import Gate

SIGN_IN_PATH, SIGN_OUT_PATH, PASSWORD_PATH = "/sign-in", "/sign-out", "/password"
PUBLIC_FILES = ("style.css", "sign-in.css")
PUBLIC_PATHS = frozenset({SIGN_IN_PATH, "/health", "/favicon.ico", *(f"/web/{name}" for name in PUBLIC_FILES)})
"""What is served to nobody in particular: the sign-in page and its looks, and whether the server is alive."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PROGRAMS = ("/api/", "/gradio_api/", "/config")
_PAGES = ("/originals/", "/answers/")
_OWN = ("/api/", *_PAGES)
_REOPEN = "しるべの画面を開き直して、もう一度操作してください。"


class EntranceMiddleware:
    """Let in whom the gate knows, and put the gate into the scope for the handlers behind."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate, self._owners = app, gate, SessionOwners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[GATE_KEY] = self._gate
        try:
            refusal, receive = await self._look_at(HTTPConnection(scope), receive)
        except RagError as error:
            refusal = render_account_error(error)
        if refusal is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send if self._gate.is_open else _of_one_user(scope["path"], send))

    async def _look_at(self, connection: HTTPConnection, receive: Receive) -> tuple[Response | None, Receive]:
        """Return the response to who is not let in, None for who is, and from where the body can be read."""
        path = connection.scope["path"]
        if connection.scope["method"] not in _SAFE_METHODS and self._is_foreign(connection):
            raise NotAllowedError("ほかのサイトの画面からの操作は受け付けません。", _REOPEN)
        if path in PUBLIC_PATHS:
            return None, receive
        user = await run_in_threadpool(self._gate.identify, connection)
        if user is None:
            return _ask_to_sign_in(connection), receive
        if not self._gate.is_open and names_session(path):
            session, receive = await find_session(connection.scope, receive)
            if session is not None and not self._owners.claim(session, user.name):
                raise NotAllowedError("この画面は、別の利用者が開いたものです。", _REOPEN)
        return None, receive

    def _is_foreign(self, connection: HTTPConnection) -> bool:
        host = connection.headers.get("host", "")
        if self._gate.proxies.holds(peer_address(connection)):
            host = connection.headers.get("x-forwarded-host", host)
        return is_foreign(connection.headers, host)


def render_account_error(error: RagError) -> JSONResponse:
    """Return an error of the accounts as JSON: 401 without a session, 403 without the right, 503 without a register."""
    status = 401 if isinstance(error, NotSignedInError) else 403 if isinstance(error, NotAllowedError) else 503
    return JSONResponse({"error": {"message": error.message, "hint": error.hint}}, status_code=status)


def safe_next(address: str | None) -> str:
    """Return where to go after signing in: a page of ours, else the first page.

    >>> [safe_next(address) for address in ("/originals/1/a?source=b", "//evil", "/\\\\evil", "https://evil/", "/api/x", None)]
    ['/originals/1/a?source=b', '/', '/', '/', '/', '/']
    """
    if not address or not address.startswith("/") or address[1:2] in ("/", "\\") or not address.isprintable():
        return "/"
    parts = urlsplit(address)
    is_page = parts.path == PASSWORD_PATH or parts.path.startswith(_PAGES)
    return address if is_page and not parts.scheme and not parts.netloc else "/"


def _ask_to_sign_in(connection: HTTPConnection) -> Response:
    """Return a redirect to the sign-in page for people who open a page, and an error for programs."""
    path, query = connection.scope["path"], connection.scope.get("query_string", b"").decode("latin-1")
    if path.startswith(_PROGRAMS) or connection.scope["method"] != "GET":
        return render_account_error(
            NotSignedInError(
                "サインインしていません。", f"{SIGN_IN_PATH} を開いてサインインし、もう一度操作してください。"
            )
        )
    wanted = safe_next(quote(path) + (f"?{query}" if query else ""))
    suffix = "" if wanted == "/" else f"?next={quote(wanted, safe='')}"
    return RedirectResponse(f"{SIGN_IN_PATH}{suffix}", status_code=303, headers={"Cache-Control": "no-store"})


def _of_one_user(path: str, send: Send) -> Send:
    """Keep what is sent to one user from being shown to the next one at the same browser."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start" and (path == "/" or path.startswith(_OWN)):
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Cookie")
            headers.setdefault("Cache-Control", "private, no-cache")
        await send(message)

    return send_with_headers
