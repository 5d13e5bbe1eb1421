"""Pages that were opened and left: the server forgets those that were used longest ago, and they work on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount

from eval.bench.page_people import Person, find_handler
from rag.assistant import Assistant
from rag.settings import Settings
from rag.web import server


def test_the_pages_used_last_are_kept_and_a_forgotten_one_works_on(
    small_town: Settings, town_assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "OPEN_PAGES", 2)
    app = server.build_app(town_assistant, replace(small_town, data_dir=tmp_path))
    with TestClient(app) as client:
        handler = find_handler(client.get("/config").json())
        pages = [Person(client, handler) for _ in range(3)]

        answers = [page.ask("住民票の写しの手数料はいくらですか。")[1] for page in (*pages, pages[0])]

        kept = _find_sessions(app)
    assert all("300円" in answer for answer in answers)
    assert kept == [pages[2].session, pages[0].session]


def _find_sessions(app: Any) -> list[str]:
    """Return the sessions that Gradio knows, the one used last at the end."""
    (holder,) = [
        route.app.state_holder
        for route in app.routes
        if isinstance(route, Mount) and hasattr(route.app, "state_holder")
    ]
    return list(holder.session_data)
