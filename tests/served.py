"""A server of ours in a thread of the test, for whatever speaks to it over HTTP."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html.parser import HTMLParser
from typing import Any

from rag.web.server import open_listener

STOP_SECONDS = 60
_UNASSIGNED = range(20_000, 32_000)  # the system hands these out to nobody


def find_port() -> int:
    """Return a free port for a server of another process: one that nobody is given between this and its start."""
    for port in random.sample(_UNASSIGNED, 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@contextmanager
def serve_app(app: Any) -> Iterator[str]:
    """Serve an application, believing no proxy headers as `rag serve` does; yield its address without a slash behind it."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", proxy_headers=False))
    with open_listener("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join(timeout=STOP_SECONDS)


class Tags(HTMLParser):
    """The tags and the attributes of some HTML, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes += attrs
