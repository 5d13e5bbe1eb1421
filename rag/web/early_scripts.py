"""Our scripts stand in the page that is served: Gradio itself adds a page's head only after everything is drawn.

Until then the page would flash in the wrong colours, be read aloud as English, and Enter would not send a question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from rag.web.assets import FIRST_SCRIPT, SCRIPTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EARLY = f'<script src="/web/{FIRST_SCRIPT}"></script>' + "".join(
    f'<script src="/web/{name}" defer></script>' for name in SCRIPTS
)
_CHANGES = ((b'lang="en"', b'lang="ja"'), (b"</head>", _EARLY.encode() + b"</head>"))
"""What stands once in Gradio's page, and what stands there instead."""


class EarlyScriptsMiddleware:
    """Add our scripts to the head of the page at `/`, and name its language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        is_page = scope["type"] == "http" and scope["path"] == "/"
        await self._app(scope, receive, _change_page(send) if is_page else send)


def _change_page(send: Send) -> Send:
    start: Message = {}
    parts: list[bytes] = []

    async def send_changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(parts)
        for there, ours in _CHANGES:
            body = body.replace(there, ours, 1)
        if "content-length" in (headers := MutableHeaders(scope=start)):
            headers["content-length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return send_changed
