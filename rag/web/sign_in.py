"""The routes for signing in and out, and for changing one's password. Where nobody signs in here, they lead to the first page."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from rag.accounts.session_gate import SessionGate, SignIn
from rag.accounts.visits import find_gate, find_user
from rag.errors import AccountError
from rag.web.entrance import PASSWORD_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, safe_next
from rag.web.sign_in_page import (
    render_password,
    render_sign_in,
    render_sign_in_elsewhere,
    render_sign_out,
    render_wait,
)

if TYPE_CHECKING:
    from rag.settings import Settings

MAX_FORM_BYTES = 8_192
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # under no-referrer a browser hides from us, too, that a form is ours
    "Cache-Control": "no-store",
}
WRONG = "名前かパスワードが違います。"


def build_sign_in_router(settings: Settings) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter()
    _add_sign_in(router, settings)
    _add_sign_out(router, settings)
    _add_password(router, settings)
    return router


def _add_sign_in(router: APIRouter, settings: Settings) -> None:
    @router.get(SIGN_IN_PATH)
    def sign_in_page(request: Request, next: str = "/") -> Response:
        gate = find_gate(request)
        if gate.identify(request) is not None:
            return _go(safe_next(next))
        if not isinstance(gate, SessionGate):
            return HTMLResponse(render_sign_in_elsewhere(settings), 403, HEADERS)
        return HTMLResponse(render_sign_in(settings, next_address=safe_next(next)), headers=HEADERS)

    @router.post(SIGN_IN_PATH)
    async def sign_in(request: Request) -> Response:
        gate, form = _session_gate(request), await _read_form(request)
        name, address = form.get("name", ""), safe_next(form.get("next"))
        result = await run_in_threadpool(gate.sign_in, request, name, form.get("password", ""))
        if result.token is not None:
            return _with_session(_go(address), gate, request, result.token)
        page = render_sign_in(settings, next_address=address, name=name, problem=_problem(result))
        return _refusal(page, result)


def _add_sign_out(router: APIRouter, settings: Settings) -> None:
    @router.get(SIGN_OUT_PATH)
    def sign_out_page(request: Request) -> Response:
        user = find_user(request)
        _session_gate(request)
        return HTMLResponse(render_sign_out(settings, user), headers=HEADERS)

    @router.post(SIGN_OUT_PATH)
    def sign_out(request: Request) -> Response:
        find_user(request)
        gate = _session_gate(request)
        gate.sign_out(request)
        response = _go(SIGN_IN_PATH)
        response.headers["Clear-Site-Data"] = '"cache"'
        response.delete_cookie(gate.cookie_name(request), path="/", secure=gate.proxies.is_secure(request))
        return response


def _add_password(router: APIRouter, settings: Settings) -> None:
    @router.get(PASSWORD_PATH)
    def password_page(request: Request) -> Response:
        user = find_user(request)
        _session_gate(request)
        return HTMLResponse(render_password(settings, user), headers=HEADERS)

    @router.post(PASSWORD_PATH)
    async def change_password(request: Request) -> Response:
        user = await run_in_threadpool(find_user, request)
        gate, form = _session_gate(request), await _read_form(request)
        new = form.get("new", "")
        if new != form.get("again"):
            problem = "新しいパスワードが 2 回で違います。"
            return HTMLResponse(render_password(settings, user, problem=problem), 400, HEADERS)
        try:
            result = await run_in_threadpool(gate.change_password, request, form.get("old", ""), new)
        except AccountError as error:
            return HTMLResponse(render_password(settings, user, problem=f"{error.message}{error.hint}"), 400, HEADERS)
        if result.token is None:
            return _refusal(render_password(settings, user, problem=_problem(result)), result)
        return _with_session(_go("/"), gate, request, result.token)


def _session_gate(request: Request) -> SessionGate:
    """Return the gate where users sign in; raise 404 where they do not."""
    gate = find_gate(request)
    if not isinstance(gate, SessionGate):
        raise HTTPException(404)
    return gate


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; raise 413 for more than a form of ours holds."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise HTTPException(413)
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _problem(result: SignIn) -> str:
    return render_wait(result.wait_seconds) if result.wait_seconds > 0 else WRONG


def _refusal(page: str, result: SignIn) -> Response:
    if result.wait_seconds > 0:
        return HTMLResponse(page, 429, HEADERS | {"Retry-After": str(ceil(result.wait_seconds))})
    return HTMLResponse(page, 401, HEADERS)


def _go(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _with_session(response: Response, gate: SessionGate, request: Request, token: str) -> Response:
    secure = gate.proxies.is_secure(request)
    response.set_cookie(gate.cookie_name(request), token, path="/", secure=secure, httponly=True, samesite="strict")
    return response
