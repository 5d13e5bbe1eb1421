"""What the server lets in and out: headers on every response, and only those paths of Gradio that the page needs."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio: inline start-up scripts; gr.HTML evaluates its template
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
OWN_PATHS = ("/api/", "/originals/", "/answers/", "/web/", "/health", "/sign-in", "/sign-out", "/password")
GRADIO_PATHS = (
    "/assets/",
    "/static/",
    "/svelte/",
    "/config",
    "/theme.css",
    "/favicon.ico",
    "/manifest.json",
    "/robots.txt",
    "/gradio_api/app_id",
    "/gradio_api/cancel",
    "/gradio_api/heartbeat/",
    "/gradio_api/info",
    "/gradio_api/queue/",
    "/gradio_api/reset",
    "/gradio_api/startup-events",
)
"""The rest of Gradio is closed: uploads, files of its cache, its proxy, run history, monitoring, code writing."""


class SecurityMiddleware:
    """Refuse paths that nothing here needs, and put the security headers on what goes out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and is_open(scope["path"]):
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "http":
            await _refuse(_with_headers(send))
        else:
            await send({"type": "websocket.close", "code": 1008})


def is_open(path: str) -> bool:
    """Tell whether a path is served at all.

    >>> [is_open(path) for path in ("/", "/api/ask", "/gradio_api/queue/join", "/gradio_api/upload", "/healthy")]
    [True, True, True, False, False]
    """
    return path == "/" or any(
        path.startswith(known) if known.endswith("/") else path == known for known in (*OWN_PATHS, *GRADIO_PATHS)
    )


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {"Content-Security-Policy": CONTENT_SECURITY_POLICY, **HEADERS}.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


async def _refuse(send: Send) -> None:
    headers: list[Any] = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": "見つかりません\n".encode()})
