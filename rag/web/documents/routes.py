"""The routes of the tab. Each asks for itself whether an administrator calls, before it reads a byte of what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from rag.errors import UsageError
from rag.library.incoming import Incoming
from rag.web.documents import attention, editor, history, indexing, snapshots, table, uploads, wording
from rag.web.documents.forms import PREFIX, Fields, Fragment, Route, Visit, Work

if TYPE_CHECKING:
    from rag.web.services import Services

MAX_FORM_BYTES, MAX_FIELDS = 8_000_000, 30_000
"""Enough for the names of as many files as one upload may hold."""
RELOAD_HEADER = "X-Reload"
_PIECE = 1 << 20
SECTIONS = (table, editor, uploads, indexing, attention, wording, snapshots, history)


def build_library_router(services: Services) -> APIRouter:
    """Return the routes of the tab 「文書の管理」."""
    router = APIRouter(prefix=PREFIX)
    for route in list_routes(services):
        router.add_api_route(route.path, _build_endpoint(route.work), methods=[route.method], response_model=None)
    _add_receiving(router, services)
    return router


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of every section."""
    return [route for section in SECTIONS for route in section.list_routes(services)]


def _build_endpoint(work: Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = await run_in_threadpool(Visit.open, request)
        fields = await _read_fields(request)
        return _respond(await run_in_threadpool(work, visit, fields))

    return endpoint


def _add_receiving(router: APIRouter, services: Services) -> None:
    """Add the route that takes the bytes of one file; `/take` and `/replace` put it where it belongs."""
    incoming = Incoming(services.settings)

    @router.post("/incoming", response_model=None)
    async def receive(request: Request) -> Response:
        await run_in_threadpool(Visit.open, request)
        receiving = await run_in_threadpool(incoming.receive)
        whole = False
        try:
            with receiving.stream:
                async for pieces in _gather(request):
                    await run_in_threadpool(receiving.write, pieces)
            whole = True
        finally:
            if not whole:
                await run_in_threadpool(incoming.discard, [receiving.id])
        return JSONResponse({"id": receiving.id})


async def _gather(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in pieces that are worth a turn in another thread."""
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _read_fields(request: Request) -> Fields:
    """Return the fields of the address, or of a form. Raises UsageError for more than a form of ours holds."""
    too_much = UsageError("一度に送る内容が多すぎます。", "何回かに分けてください。")
    if request.method == "GET":
        text = request.scope.get("query_string", b"").decode("latin-1")
    else:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                raise too_much
        text = body.decode("utf-8", "replace")
    try:
        return Fields(tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)))
    except ValueError as error:
        raise too_much from error


def _respond(fragment: Fragment) -> Response:
    headers = {"Cache-Control": "private, no-store"}
    if fragment.reload:
        headers[RELOAD_HEADER] = " ".join(fragment.reload)
    return HTMLResponse(fragment.html, headers=headers)
