"""The server: the Gradio page mounted on our FastAPI application, beside the API, the page images and the originals."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from rag.accounts.opening import account_notice, open_gate
from rag.accounts.proxies import is_loopback_host
from rag.accounts.session_gate import SessionGate
from rag.accounts.user import Role
from rag.accounts.visits import find_gate, find_user
from rag.errors import RagError
from rag.settings import Settings
from rag.web.assets import FIRST_SCRIPT, SCRIPTS, STYLES
from rag.web.services import Services, open_services

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.accounts.gate import Gate
    from rag.assistant import Assistant
    from rag.library.jobs import IndexJobs

SILENCE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
}
"""Set before Gradio is imported: nothing here calls home."""
OPEN_PAGES = 300
"""How many pages the server knows, those used last. Gradio keeps about 0.4 MB for each that was ever opened, and forgets none of
the 10,000 it allows; a page that is forgotten works on, but its next question begins a new topic."""
FILES = {
    **dict.fromkeys((*STYLES, "sign-in.css"), "text/css"),
    **dict.fromkeys((FIRST_SCRIPT, *SCRIPTS), "text/javascript"),
}


class ServerError(RagError):
    """The server cannot start."""


def build_app(
    assistant: Assistant, settings: Settings, *, gate: Gate | None = None, jobs: IndexJobs | None = None
) -> FastAPI:
    """Return the whole application over one assistant; what it opens beside it is closed when it stops.

    gate: who is let in; that of the settings when None. jobs: as in `open_services`. Raises SettingsError for settings of the
    accounts that do not go together, ActivityError where what was asked cannot be kept.
    """
    os.environ.update(SILENCE)
    gate = gate or open_gate(settings)
    services = open_services(settings, assistant, jobs=jobs)

    async def build() -> FastAPI:
        return _mount_page(_build_routes(services, gate), services, gate)

    # Outside a running event loop, Gradio opens loops of its own at import and for every Blocks, and never closes them.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(build())).result()


def _build_routes(services: Services, gate: Gate) -> FastAPI:
    from fastapi import FastAPI

    from rag.api import build_router, render_rag_error
    from rag.web.answer_page import build_answer_router
    from rag.web.desk import Desk
    from rag.web.documents.routes import build_library_router
    from rag.web.sign_in import build_sign_in_router

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()
        gate.close()

    app = FastAPI(
        title=services.settings.page_title, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.add_exception_handler(RagError, render_rag_error)
    desk = Desk(services.assistant, services.activity)
    app.include_router(build_router(desk))
    app.include_router(build_answer_router(desk, services.settings))
    app.include_router(build_library_router(services))
    app.include_router(build_sign_in_router(services.settings))
    _add_files(app)
    return app


def _mount_page(app: FastAPI, services: Services, gate: Gate) -> FastAPI:
    import gradio as gr

    from rag.web.early_scripts import EarlyScriptsMiddleware
    from rag.web.entrance import EntranceMiddleware
    from rag.web.page import HEAD, build_blocks
    from rag.web.security import SecurityMiddleware
    from rag.web.theme import build_theme

    blocks = build_blocks(services)
    blocks.state_session_capacity = OPEN_PAGES
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=services.settings.max_upload_mb * 1_000_000,
        theme=build_theme(),
        head=HEAD,
        auth_dependency=None if gate.is_open else _name_user,
    )
    mounted.add_middleware(EarlyScriptsMiddleware)
    mounted.add_middleware(EntranceMiddleware, gate=gate)
    mounted.add_middleware(SecurityMiddleware)
    return mounted


async def _name_user(request: Request) -> str | None:
    """Return the name of who asks for a route of Gradio; None, which it refuses, for nobody."""
    user = await run_in_threadpool(find_gate(request).identify, request)
    return user.name if user else None


def serve(settings: Settings) -> None:
    """Open the assistant and serve until stopped.

    Raises RagError where there is no usable index, or the address is taken.
    """
    os.environ.update(SILENCE)
    import uvicorn

    from rag.assistant import Assistant
    from rag.web.logs import private_logs

    with (
        closing(open_listener(settings.host, settings.port)) as listener,
        closing(Assistant.open(settings)) as assistant,
    ):
        gate = open_gate(settings)
        app = build_app(assistant, settings, gate=gate)
        for warning in find_account_warnings(settings, gate):
            print(f"注意: {warning}", file=sys.stderr, flush=True)
        print(
            f"{settings.page_title}: http://{settings.host}:{settings.port}/ で待っています（Ctrl+C で終了）",
            flush=True,
        )
        Thread(target=_warm_up, args=(assistant,), daemon=True).start()
        # No access log: the addresses of searches hold what people asked. Without a log_config uvicorn writes to ours.
        # No proxy_headers: uvicorn would believe everyone at this machine; `trusted_proxies` says whom we believe.
        config = uvicorn.Config(app, log_level="warning", log_config=None, access_log=False, proxy_headers=False)
        with private_logs():
            uvicorn.Server(config).run(sockets=[listener])


def _warm_up(assistant: Assistant) -> None:
    try:
        assistant.warm_up()
    except RagError as error:
        print(f"注意: 最初の質問の準備ができませんでした。{error}", file=sys.stderr, flush=True)


def find_account_warnings(settings: Settings, gate: Gate) -> list[str]:
    """Return what whoever starts the server should know about who can use it, in Japanese."""
    if settings.accounts == "off" and not is_loopback_host(settings.host):
        return [account_notice(settings)]
    if isinstance(gate, SessionGate) and not any(a.user.role is Role.ADMIN for a in gate.users.list()):
        return ["管理者がまだいません。rag users add 名前 --role admin で登録してください。"]
    return []


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise ServerError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ServerError(
            f"{host}:{port} で待ち受けできません（{os.strerror(error.errno or 0)}）",
            "同じ番号を使う別のプログラムを止めるか、設定 port（環境変数 RAG_PORT）で別の番号を選んでください。",
        ) from error


def _add_files(app: FastAPI) -> None:
    from fastapi import HTTPException
    from fastapi.responses import FileResponse

    from rag.web.entrance import PUBLIC_FILES

    @app.get("/web/{name}")
    def own_file(name: str, request: Request) -> FileResponse:
        if name not in PUBLIC_FILES:
            find_user(request)
        if name not in FILES:
            raise HTTPException(404)
        file = Path(__file__).parent / name
        return FileResponse(file, media_type=FILES[name], headers={"Cache-Control": "no-cache"})
