"""The server: the Gradio page mounted on our FastAPI application, beside the API, the page images and the originals."""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import RagError
from rag.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.assistant import Assistant

SILENCE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
}
"""Set before Gradio is imported: nothing here calls home."""
FILES = {
    **dict.fromkeys(("tokens.css", "style.css", "cards.css", "print.css"), "text/css"),
    **dict.fromkeys(("page.js", "theme.js", "viewer.js"), "text/javascript"),
}


class ServerError(RagError):
    """The server cannot start."""


def build_app(assistant: Assistant, settings: Settings) -> FastAPI:
    """Return the whole application over one assistant."""
    os.environ.update(SILENCE)

    async def build() -> FastAPI:
        return _mount_page(_build_routes(assistant, settings), assistant, settings)

    # Outside a running event loop, Gradio opens loops of its own at import and for every Blocks, and never closes them.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(build())).result()


def _build_routes(assistant: Assistant, settings: Settings) -> FastAPI:
    from fastapi import FastAPI

    from rag.api import build_router, render_rag_error

    app = FastAPI(title=settings.page_title, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RagError, render_rag_error)
    app.include_router(build_router(assistant))
    _add_files(app)
    return app


def _mount_page(app: FastAPI, assistant: Assistant, settings: Settings) -> FastAPI:
    import gradio as gr

    from rag.web.page import HEAD, build_blocks
    from rag.web.security import SecurityMiddleware
    from rag.web.theme import build_theme

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        build_blocks(assistant, settings),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=0,
        theme=build_theme(),
        head=HEAD,
    )
    mounted.add_middleware(SecurityMiddleware)
    return mounted


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
        app = build_app(assistant, settings)
        print(
            f"{settings.page_title}: http://{settings.host}:{settings.port}/ で待っています（Ctrl+C で終了）",
            flush=True,
        )
        # No access log: the addresses of searches hold what people asked. Without a log_config uvicorn writes to ours.
        config = uvicorn.Config(app, log_level="warning", log_config=None, access_log=False)
        with private_logs():
            uvicorn.Server(config).run(sockets=[listener])


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

    @app.get("/web/{name}")
    def own_file(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404)
        file = Path(__file__).parent / name
        return FileResponse(file, media_type=FILES[name], headers={"Cache-Control": "no-cache"})
