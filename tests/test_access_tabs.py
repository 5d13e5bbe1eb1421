"""Who may do what on the tabs 「質問例」 and 「正答率」: every hidden handler is called directly, as each role and as nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_assistant import FakeAssistant
from fastapi.testclient import TestClient
from test_access import USERS, build_gate

from eval.question_set import QuestionSetShelf
from rag.accounts.audit import Action
from rag.accounts.session_gate import SESSION_COOKIE, SessionGate
from rag.accounts.user import Role
from rag.question_registry import EntryKind, NewEntry, QuestionRegistry, ReviewState
from rag.settings import Settings
from rag.web.server import build_app

REFUSED = "この操作をする権限がありません"
ROLES = {role: next(name for name, (of, _) in USERS.items() if of is role) for role in Role}
EXCHANGE = json.dumps({"format": "shirube-questions", "version": 1, "town": "隣町", "entries": []}).encode()


@dataclass(frozen=True)
class Page:
    """The application over a fake assistant, with its configuration as the browser gets it."""

    client: TestClient
    gate: SessionGate
    settings: Settings
    registry: QuestionRegistry
    config: dict[str, Any]

    def call(
        self, name: str | None, element: str, data: list[Any], event: dict[str, Any] | None = None, *, on: str = "click"
    ) -> tuple[int, str]:
        """Call the handler of an element as its own page does; return the status and all that came of it."""
        cookie = {"Cookie": f"{SESSION_COOKIE}={self.gate.sessions.open(name)}"} if name else {}
        ids = [c["id"] for c in self.config["components"] if element in (c["props"].get("elem_id"), c["type"])]
        handler = next(
            d for d in self.config["dependencies"] if any(t == [id_, on] for id_ in ids for t in d["targets"])
        )
        session = f"{name}-{element}-{on}"
        body = {"data": data, "fn_index": handler["id"], "session_hash": session, "event_data": event}
        joined = self.client.post("/gradio_api/queue/join", json=body, headers=cookie)
        told = self.client.get("/gradio_api/queue/data", params={"session_hash": session}, headers=cookie)
        lines = (line[6:] for line in told.text.splitlines() if line.startswith("data: "))
        self.client.cookies.clear()
        return joined.status_code, "".join(json.dumps(json.loads(line), ensure_ascii=False) for line in lines)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("tabs")
    settings = Settings(index=folder / "index", data_dir=folder / "data", accounts="on")
    gate = build_gate(settings)
    app = build_app(FakeAssistant(folder), settings, gate=gate)  # type: ignore[arg-type]
    registry = QuestionRegistry.open(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        cookie = {"Cookie": f"{SESSION_COOKIE}={gate.sessions.open(ROLES[Role.ADMIN])}"}
        yield Page(client, gate, settings, registry, client.get("/config", headers=cookie).json())
    registry.close()


def file_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


OF_ADMINISTRATORS = {
    "review-list": ([], {"id": "1", "state": "approved"}),
    "registry-import": ([file_of(EXCHANGE)], None),
    "registry-starter": ([], None),
    "registry-export": ([], None),
}
OF_QA = {
    ("evaluate", "click"): ([], None),
    ("stop-evaluation", "click"): ([], None),
    ("timer", "tick"): ([], None),
    ("take-questions", "click"): ([file_of(b"")], None),
    ("save-questions", "click"): ([], None),
    ("save-candidates", "click"): ([], None),
    ("add-candidates", "click"): ([], None),
    ("save-report", "click"): ([None, "auto", True], None),
    ("run", "input"): ([None, "auto", "all", True], None),
    ("question-list", "click"): ([None, True], {"id": "1"}),
    ("evidence", "click"): ([None, True], {"id": "1"}),
}


def test_nobody_calls_any_handler(page: Page) -> None:
    for element, (data, event) in OF_ADMINISTRATORS.items():
        assert page.call(None, element, data, event)[0] == 401
    for (element, on), (data, event) in OF_QA.items():
        assert page.call(None, element, data, event, on=on)[0] == 401


@pytest.mark.parametrize("role", [Role.STAFF, Role.QA])
@pytest.mark.parametrize("element", OF_ADMINISTRATORS)
def test_only_administrators_decide_and_exchange(page: Page, role: Role, element: str) -> None:
    data, event = OF_ADMINISTRATORS[element]
    before = page.registry.entries()

    status, told = page.call(ROLES[role], element, data, event)

    assert status == 200 and REFUSED in told and "承認待ち" not in told
    assert page.registry.entries() == before
    assert page.gate.audit.entries(1)[0].action is Action.NOT_ALLOWED


@pytest.mark.parametrize("call", OF_QA)
def test_staff_measure_nothing_and_see_no_figures(page: Page, call: tuple[str, str]) -> None:
    data, event = OF_QA[call]

    status, told = page.call(ROLES[Role.STAFF], call[0], data, event, on=call[1])

    assert status == 200 and REFUSED in told and "同梱" not in told
    assert QuestionSetShelf(page.settings.data_dir).is_packaged


@pytest.mark.parametrize("role", [Role.QA, Role.ADMIN])
def test_the_qa_team_and_administrators_take_the_question_set_away(page: Page, role: Role) -> None:
    status, told = page.call(ROLES[role], "save-questions", [])

    assert status == 200 and REFUSED not in told and "spreadsheetml" in told
    assert (page.gate.audit.entries(1)[0].action, page.gate.audit.entries(1)[0].user) == (Action.EXPORTED, ROLES[role])


def test_an_administrator_decides_and_it_is_recorded_without_the_question(page: Page) -> None:
    entry = page.registry.add(NewEntry(EntryKind.EXAMPLE, "転入届の期限はいつですか", "届出", "市民課"))

    told = page.call(ROLES[Role.ADMIN], "review-list", [], {"id": str(entry.id), "state": "approved"})[1]

    assert "承認済み" in told and page.registry.entry(entry.id).state is ReviewState.APPROVED
    logged = page.gate.audit.entries(1)[0]
    assert (logged.action, logged.user) == (Action.EXAMPLES_CHANGED, ROLES[Role.ADMIN])
    assert str(entry.id) in logged.target and "転入" not in logged.target


def test_staff_propose_for_their_own_department_only(page: Page) -> None:
    name = ROLES[Role.STAFF]
    own, other = USERS[name][1][0], "よその課"

    refused = page.call(name, "propose-send", ["example", "税の相談はどこですか", "税", other])[1]
    taken = page.call(name, "propose-send", ["example", "税の相談はどこですか", "税", own])[1]

    assert "ほかの課の名前では登録できません" in refused and "受け付けました" in taken
    assert [e.state for e in page.registry.entries() if e.text.startswith("税の相談")] == [ReviewState.DRAFT]
    assert "質問例の管理" not in taken and "data-state" not in taken, "what waits is not shown to staff"


def test_uploads_of_question_sets_are_recorded(page: Page) -> None:
    header = "番号,質問,期待する文書,ページ／行,正解に含まれる語,模範解答,分類,回答可否,担当課,備考"
    told = page.call(ROLES[Role.QA], "take-questions", [file_of(f"{header}\n1,,,,,,,可,,\n".encode())])[1]
    assert "置き換えていません" in told and page.gate.audit.entries(1)[0].outcome.value == "refused"

    page.call(ROLES[Role.QA], "take-questions", [file_of(f"{header}\n1,宇宙,,,,,,不可,,\n".encode())])
    logged = page.gate.audit.entries(1)[0]
    assert (logged.action, logged.outcome.value) == (Action.QUESTIONS_CHANGED, "done")
    assert not QuestionSetShelf(Path(page.settings.data_dir)).is_packaged
