"""Signing in and out in a real browser: the forms pass our own checks, and a session that ended leads back to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from browsing import IN_BROWSER, ask, launch, new_page, wait_until_open
from fake_assistant import QUOTE, FakeAssistant
from served import serve_app

from rag.accounts.opening import open_gate
from rag.accounts.passwords import Passwords
from rag.accounts.session_gate import SessionGate
from rag.settings import Settings
from rag.web.server import build_app

pytestmark = IN_BROWSER
PASSWORD = "青い山と白い鳥と 7"


@pytest.fixture
def gate(tmp_path: Path) -> SessionGate:
    settings = Settings(accounts="on", data_dir=tmp_path / "data")
    gate = open_gate(settings, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    assert isinstance(gate, SessionGate)
    gate.users.add("sato", PASSWORD, display_name="佐藤")
    return gate


@pytest.fixture
def address(gate: SessionGate, tmp_path: Path) -> Iterator[str]:
    app = build_app(FakeAssistant(tmp_path), Settings(accounts="on", data_dir=tmp_path / "data"), gate=gate)  # type: ignore[arg-type]
    with serve_app(app) as served:
        yield served
    gate.close()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    with launch() as browser:
        page = new_page(browser.new_context(locale="ja-JP"))
        page.goto(address)
        yield page


def sign_in(page: Any, password: str) -> None:
    page.fill("#name", "sato")
    page.fill("#password", password)
    page.click("button")


def test_a_user_signs_in_asks_and_signs_out(page: Any, address: str, gate: SessionGate) -> None:
    assert page.url == f"{address}/sign-in"
    sign_in(page, "x")
    page.wait_for_selector("text=名前かパスワードが違います")
    sign_in(page, PASSWORD)
    wait_until_open(page)
    ask(page, "転入の届出はいつまで")
    assert QUOTE in page.inner_text(".answer-text")
    assert page.evaluate("document.cookie") == "", "no script reads the session"

    gate.sessions.close_all("sato")
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#password")
    sign_in(page, PASSWORD)
    wait_until_open(page)
    page.click("text=サインアウト")
    page.click("text=サインアウトする")
    page.wait_for_selector("#password")
    page.goto(address)
    assert page.url == f"{address}/sign-in"
