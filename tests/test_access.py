"""Who gets what: the real application over a small town with accounts, asked by every role, every department and by nobody."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import PasswordHasher
from conftest import METADATA, write_town
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request

from rag.accounts.audit import Action
from rag.accounts.opening import open_gate
from rag.accounts.passwords import Passwords
from rag.accounts.session_gate import SESSION_COOKIE, SessionGate
from rag.accounts.user import Role
from rag.accounts.visits import GATE_KEY, find_user
from rag.activity import Activity
from rag.activity.reviewed import REVIEWED_FILE
from rag.api import build_router, find_asker, render_rag_error
from rag.assistant import Assistant
from rag.errors import NotAllowedError, NotSignedInError, RagError, UsageError
from rag.settings import Settings
from rag.web.answer_page import build_answer_router
from rag.web.conversation import answer_in_steps
from rag.web.desk import Desk
from rag.web.documents.routes import build_library_router
from rag.web.entrance import PUBLIC_PATHS
from rag.web.judging_list import find_judge, list_answers, open_answer
from rag.web.security import is_open
from rag.web.server import build_app
from rag.web.services import Services, open_services
from rag.web.sign_in import MAX_FORM_BYTES, build_sign_in_router
from rag.web.use import gaps_tab
from rag.web.use import tab as use_tab
from rag.web.use.replies import Draft, pin_entry, prepare_reply, publish_reply
from rag.web.verdict_bar import judge_answer

PASSWORD = "青い山と白い鳥と 7"
CLOSED_TEXT, CLOSED_PDF, OPEN_TEXT = "税務課/滞納整理の手引.txt", "税務課/差押えの手順.pdf", "環境課/ごみの出し方.md"
CLOSED_QUESTION, SECRET = "差押えの決裁はだれが行いますか", "税務課長"
USERS: dict[str, tuple[Role, tuple[str, ...]]] = {
    "zeimu": (Role.STAFF, ("税務課",)),
    "kankyo": (Role.STAFF, ("環境課",)),
    "shinjin": (Role.STAFF, ()),
    "hinshitsu": (Role.QA, ("環境課",)),
    "kanri": (Role.ADMIN, ("総務課",)),
}
READERS, OTHERS = ("zeimu", "kanri"), ("kankyo", "shinjin", "hinshitsu")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Site:
    """The application, who is let in, and what stands behind it."""

    client: TestClient
    gate: SessionGate
    assistant: Assistant
    settings: Settings
    services: Services
    desk: Desk

    def cookie(self, name: str) -> dict[str, str]:
        """Return the header of a new session of a user."""
        return {"Cookie": f"{SESSION_COOKIE}={self.gate.sessions.open(name)}"}

    def sha256(self, source: str) -> str:
        return next(e.sha256 for e in self.assistant.documents(find_admin(self)) if e.source == source)

    def get(self, address: str, name: str | None = None, **options: Any) -> Any:
        return self.send("GET", address, name, **options)

    def post(self, address: str, name: str | None = None, **options: Any) -> Any:
        return self.send("POST", address, name, **options)

    def send(self, method: str, address: str, name: str | None = None, **options: Any) -> Any:
        """Send a request in a new session of a user, or of nobody: the client keeps no cookie from one to the next."""
        headers = (self.cookie(name) if name else {}) | options.pop("headers", {})
        response = self.client.request(method, address, headers=headers, follow_redirects=False, **options)
        self.client.cookies.clear()
        return response


def find_admin(site: Site) -> Any:
    account = site.gate.users.find("kanri")
    assert account
    return account.user.asker


def build_gate(settings: Settings) -> SessionGate:
    gate = open_gate(settings, passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    assert isinstance(gate, SessionGate)
    for name, (role, departments) in USERS.items():
        gate.users.add(name, PASSWORD, role=role, departments=departments)
    return gate


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Index the small town with a PDF more, which is closed like the manual of 税務課; accounts are on."""
    from weasyprint import HTML

    from rag.indexing.sync import sync

    folder = tmp_path_factory.mktemp("access")
    settings = Settings(
        corpus=folder / "corpus",
        index=folder / "index",
        data_dir=folder / "data",
        workers=1,
        accounts="on",
        sign_in_attempts=3,
    )
    write_town(settings.corpus)
    rows = f"{METADATA}{CLOSED_PDF},差押えの手順,マニュアル,税務課,310,令和8年度,,税務課\n"
    (settings.corpus / "metadata.csv").write_text(rows, encoding="utf-8")
    html = (
        "<html lang='ja'><h1>差押えの手順</h1><p>預金の差押えは、税務課長の決裁を受けてから銀行へ通知する。</p></html>"
    )
    HTML(string=html).write_pdf(settings.corpus / CLOSED_PDF)
    report = sync(settings)
    assert report.published and report.problems == (), report.problems
    return settings


@pytest.fixture(scope="module")
def site(settings: Settings) -> Iterator[Site]:
    gate, assistant = build_gate(settings), Assistant.open(settings)
    activity = open_activity(settings, assistant)
    with TestClient(build_app(assistant, settings, gate=gate), raise_server_exceptions=False) as client:
        services = open_services(settings, assistant)
        yield Site(client, gate, assistant, settings, services, Desk(assistant, activity))
        services.close()
    activity.close()
    assistant.close()


def open_activity(settings: Settings, assistant: Assistant) -> Activity:
    """Open what is remembered beside the application, which has its own."""
    return Activity(
        settings,
        find_document=assistant.find_document,
        find_embedder=assistant.question_embedder,
        reindex=lambda: None,
    )


def page_of(source: str, site: Site, number: int = 1) -> str:
    query = urllib.parse.urlencode({"source": source})
    return f"/api/pages/{site.sha256(source)}/{number}.png?{query}"


def original_of(source: str, site: Site) -> str:
    return (
        f"/originals/{site.sha256(source)}/{urllib.parse.quote(source.rpartition('/')[2])}?"
        + urllib.parse.urlencode({"source": source})
    )


# --- every route ------------------------------------------------------------------------------------------------------


def all_routes(routes: Any) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of every route, also of included routers and of Gradio."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(inner, "routes") and not getattr(route, "methods", None):
            yield from all_routes(inner.routes)
        else:
            yield from ((method, route.path) for method in sorted(route.methods))


def fill(path: str) -> str:
    """Return an address for the path of a route."""
    return re.sub(r"\{[^}]*\}", "1", path)


def test_nobody_gets_past_any_route_but_the_few_that_are_for_everybody(site: Site) -> None:
    routes = set(all_routes(site.client.app.routes))  # type: ignore[attr-defined]
    assert len(routes) > 40 and ("POST", "/gradio_api/queue/join") in routes and ("POST", "/api/ask") in routes
    through = set()
    for method, path in sorted(routes):
        response = site.send(method, fill(path))
        if response.status_code == 303:
            assert response.headers["location"].startswith("/sign-in"), path
        elif not (response.status_code == 401 or (response.status_code == 404 and not is_open(fill(path)))):
            through.add((method, path))

    # The form of the sign-in page is refused with 401 itself, as no password came with it.
    assert through == {("GET", "/sign-in"), ("GET", "/health"), ("GET", "/favicon.ico")}


def test_what_is_for_everybody_tells_nothing(site: Site) -> None:
    assert site.get("/health").json() == {"status": "ok"}
    assert site.get("/health", "shinjin").json()["documents"] == 5
    assert sorted(PUBLIC_PATHS) == ["/favicon.ico", "/health", "/sign-in", "/web/sign-in.css", "/web/style.css"]
    for path in ("/sign-in", "/web/style.css", "/web/sign-in.css"):
        assert SECRET not in site.get(path).text and "滞納" not in site.get(path).text


def own_requests(site: Site) -> dict[tuple[str, str], dict[str, Any]]:
    """Return a request that each of our own routes would answer."""
    question = {"question": CLOSED_QUESTION}
    return {
        ("GET", "/health"): {"url": "/health"},
        ("GET", "/api/me"): {"url": "/api/me"},
        ("POST", "/api/ask"): {"url": "/api/ask", "json": question},
        ("GET", "/api/search"): {"url": "/api/search", "params": question},
        ("GET", "/api/pages/{sha256}/{page}.png"): {"url": page_of(CLOSED_PDF, site)},
        ("GET", "/originals/{sha256}/{name}"): {"url": original_of(CLOSED_TEXT, site)},
        ("GET", "/answers/{id}"): {"url": "/answers/1"},
        ("GET", "/sign-in"): {"url": "/sign-in"},
        ("POST", "/sign-in"): {"url": "/sign-in"},
        ("GET", "/sign-out"): {"url": "/sign-out"},
        ("POST", "/sign-out"): {"url": "/sign-out"},
        ("GET", "/password"): {"url": "/password"},
        ("POST", "/password"): {"url": "/password"},
    } | {route: {"url": route[1]} for route in LIBRARY}


LIBRARY = {
    *(("GET", f"/api/library/{name}") for name in ("index", "upload", "documents", "document", "attention", "wording")),
    *(("GET", f"/api/library/{name}") for name in ("snapshots", "changes")),
    *(("POST", f"/api/library/{name}") for name in ("incoming", "take", "replace", "delete", "undo", "document")),
    *(("POST", f"/api/library/{name}") for name in ("index", "cancel", "wording", "wording/try", "rollback")),
}
"""The routes of the tab 「文書の管理」: for administrators only."""


def behind_the_entrance(site: Site) -> TestClient:
    """Return a client of our routes without the middleware that stands in front of them: each is called directly."""
    app = FastAPI()
    app.add_exception_handler(RagError, render_rag_error)
    app.include_router(build_router(site.desk))
    app.include_router(build_answer_router(site.desk, site.settings))
    app.include_router(build_library_router(site.services))
    app.include_router(build_sign_in_router(site.settings))

    async def with_gate(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, GATE_KEY: site.gate}, receive, send)

    return TestClient(with_gate, raise_server_exceptions=False)


def test_every_handler_of_ours_asks_for_itself_who_it_is(site: Site) -> None:
    routers = (
        build_router(site.desk),
        build_answer_router(site.desk, site.settings),
        build_library_router(site.services),
        build_sign_in_router(site.settings),
    )
    routes = {found for router in routers for found in all_routes(router.routes)}
    requests = own_requests(site)
    assert routes == set(requests), "a new route needs a request here"
    client = behind_the_entrance(site)
    open_ones = {("GET", "/health"), ("GET", "/sign-in"), ("POST", "/sign-in")}

    for method, path in sorted(routes - open_ones):
        nobody = client.request(method, **requests[method, path], follow_redirects=False)
        forged = client.request(
            method, **requests[method, path], headers={"Cookie": f"{SESSION_COOKIE}=x"}, follow_redirects=False
        )
        assert (nobody.status_code, forged.status_code) == (401, 401), (method, path)
        assert nobody.json()["error"]["message"] == "サインインしていません。"
    known = client.get("/api/me", headers=site.cookie("zeimu"))
    assert known.json() == {"name": "zeimu", "display_name": "zeimu", "role": "staff", "departments": ["税務課"]}


@pytest.mark.parametrize("name", [name for name, (role, _) in USERS.items() if role is not Role.ADMIN])
def test_nobody_but_an_administrator_manages_documents(site: Site, name: str) -> None:
    client, headers = behind_the_entrance(site), site.cookie(name)
    files = sorted(site.settings.corpus.rglob("*"))

    for method, path in sorted(LIBRARY):
        for sender in (client, site.client):
            response = sender.request(
                method, path, headers=headers, content=b"source=a&id=b" if method == "POST" else None
            )
            assert response.status_code == 403, path
            assert "権限がありません" in response.json()["error"]["message"]
    assert site.gate.audit.entries(1)[0].action is Action.NOT_ALLOWED
    assert site.client.post("/gradio_api/upload", files={"files": ("a.txt", b"a")}, headers=headers).status_code == 404
    assert sorted(site.settings.corpus.rglob("*")) == files
    assert list(site.settings.data_dir.glob("library/incoming/*")) == [], "not a byte of it was kept"


def test_an_administrator_sees_every_document_and_what_he_changes_is_on_record(site: Site) -> None:
    assert "滞納整理の手引" in site.get("/api/library/documents", "kanri").text
    received = site.post("/api/library/incoming", "kanri", content="手引です。\n".encode()).json()["id"]
    form = urllib.parse.urlencode([("file", received), ("name", "新しい手引.txt")])
    taken = site.post("/api/library/take", "kanri", content=form)
    (change,) = re.findall(r"&quot;id&quot;: &quot;([^&]+)&quot;", taken.text)
    site.post("/api/library/undo", "kanri", content=urllib.parse.urlencode({"id": change}))

    back, added = site.gate.audit.entries(2)
    assert (added.action, added.user, added.target) == (Action.DOCUMENT_ADDED, "kanri", "新しい手引.txt")
    assert (back.action, back.target) == (Action.DOCUMENT_CHANGED, "元に戻す: 新しい手引.txt")
    assert not (site.settings.corpus / "新しい手引.txt").exists()


def test_a_handler_without_a_gate_lets_nobody_in() -> None:
    bare = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})

    for connection in (None, bare, SimpleNamespace(request=None), SimpleNamespace(request=bare)):
        with pytest.raises(NotSignedInError):
            find_asker(connection)


@pytest.mark.parametrize("name", USERS)
def test_a_handler_gets_the_user_only_where_his_role_is_enough_and_the_refusal_is_recorded(
    site: Site, name: str
) -> None:
    role = USERS[name][0]
    covered = {Role.STAFF: {Role.STAFF}, Role.QA: {Role.STAFF, Role.QA}, Role.ADMIN: set(Role)}[role]
    for wanted in Role:
        connection = request_of(site, name)
        if wanted in covered:
            assert find_user(connection, wanted).name == name
            assert find_user(SimpleNamespace(request=connection), wanted).name == name, "as Gradio wraps it"
        else:
            with pytest.raises(NotAllowedError):
                find_user(connection, wanted)
            entry = site.gate.audit.entries(1)[0]
            assert (entry.action, entry.user, entry.target) == (Action.NOT_ALLOWED, name, "/secret")


def request_of(site: Site, name: str | None, token: str | None = None) -> Request:
    """Return a request of a user as a handler sees it."""
    cookie = f"{SESSION_COOKIE}={token}" if token else site.cookie(name)["Cookie"] if name else ""
    headers = [(b"cookie", cookie.encode()), (b"host", b"testserver")]
    scope = {"type": "http", "method": "POST", "path": "/secret", "scheme": "http", "query_string": b""}
    return Request({**scope, "headers": headers, "client": ("192.0.2.7", 1), GATE_KEY: site.gate})


# --- closed documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READERS)
def test_a_closed_document_is_open_to_its_department_and_to_administrators(site: Site, name: str) -> None:
    answer = site.post("/api/ask", name, json={"question": CLOSED_QUESTION}).json()
    hits = site.get("/api/search", name, params={"question": CLOSED_QUESTION}).json()["hits"]
    image = site.get(page_of(CLOSED_PDF, site), name)
    original = site.get(original_of(CLOSED_TEXT, site), name)

    assert SECRET in answer["answer"]
    assert hits[0]["source"] in (CLOSED_TEXT, CLOSED_PDF)
    assert image.content.startswith(b"\x89PNG")
    assert SECRET in original.text
    asker = site.gate.users.find(name).user.asker  # type: ignore[union-attr]
    assert SECRET in (site.assistant.page_text(CLOSED_TEXT, 1, asker) or "")


@pytest.mark.parametrize("name", OTHERS)
def test_a_closed_document_does_not_exist_for_anybody_else(site: Site, name: str) -> None:
    answer = site.post("/api/ask", name, json={"question": CLOSED_QUESTION}).text
    followed = site.post(
        "/api/ask", name, json={"question": "その決裁は？", "history": [{"question": CLOSED_QUESTION}]}
    ).text
    hits = site.get("/api/search", name, params={"question": CLOSED_QUESTION, "limit": 100}).json()["hits"]

    for text in (answer, followed, json.dumps(hits, ensure_ascii=False)):
        assert SECRET not in text and "滞納整理" not in text and "差押えの手順" not in text
    assert hits and all(hit["source"] not in (CLOSED_TEXT, CLOSED_PDF) for hit in hits)
    for source in (CLOSED_TEXT, CLOSED_PDF):
        assert site.get(page_of(source, site), name).status_code == 404
        assert site.get(original_of(source, site), name).status_code == 404
    asker = site.gate.users.find(name).user.asker  # type: ignore[union-attr]
    assert site.assistant.page_text(CLOSED_TEXT, 1, asker) is None
    filtered = site.post("/api/ask", name, json={"question": "督促", "filters": {"department": "税務課"}})
    assert filtered.status_code == 400 and "税務課」の文書はありません" in filtered.json()["error"]["message"]
    assert site.get(original_of(OPEN_TEXT, site), name).status_code == 200


@pytest.mark.parametrize("name", [*USERS])
def test_a_permanent_link_shows_an_answer_to_whom_its_documents_are_open_and_hides_that_it_exists_from_others(
    site: Site, name: str
) -> None:
    link = site.post("/api/ask", "zeimu", json={"question": CLOSED_QUESTION}).json()["link"]

    page, unknown = site.get(link, name), site.get("/answers/unknown", name)

    assert (page.status_code, SECRET in page.text) == ((200, True) if name in READERS else (404, False))
    assert unknown.status_code == 404 and "滞納整理" not in unknown.text
    assert "private" in page.headers["cache-control"] and "cookie" in page.headers["vary"].lower()
    if name in OTHERS:
        assert page.text == unknown.text, "not even that there is one"


def test_a_permanent_link_survives_signing_in_and_says_what_has_changed_since(site: Site) -> None:
    link = site.post("/api/ask", "zeimu", json={"question": CLOSED_QUESTION}).json()["link"]
    assert site.get(link).headers["location"] == f"/sign-in?next={urllib.parse.quote(link, safe='')}"
    id_ = link.rpartition("/")[2]
    with site.desk.activity.store.database.writing() as connection:
        changed = json.dumps(
            [{"source": CLOSED_TEXT, "sha256": "0" * 64, "audience": [], "locator": {}, "is_cited": True}]
        )
        connection.execute("UPDATE asked SET documents = ? WHERE id = ?", (changed, id_))

    assert "内容が変わりました" in site.get(link, "zeimu").text


def test_a_change_of_departments_holds_from_the_next_request_on(site: Site) -> None:
    site.gate.users.add("idou", PASSWORD, departments=("税務課",))
    headers = site.cookie("idou")
    assert site.get(original_of(CLOSED_TEXT, site), headers=headers).status_code == 200
    site.gate.users.change("idou", departments=("環境課",))

    assert site.get(original_of(CLOSED_TEXT, site), headers=headers).status_code == 404


def test_what_one_user_was_sent_is_not_shown_to_the_next_at_the_same_browser(site: Site) -> None:
    for address in (page_of(CLOSED_PDF, site), original_of(CLOSED_TEXT, site), "/"):
        headers = site.get(address, "zeimu").headers
        assert "cookie" in headers["vary"].lower() and "private" in headers["cache-control"], address


# --- what is remembered of the use --------------------------------------------------------------------------------


def handlers(site: Site) -> dict[str, tuple[Role, Any]]:
    """Return what the hidden handlers of the page do, each with the role that it is for."""
    activity, services = site.desk.activity, SimpleNamespace(activity=site.desk.activity, assistant=site.assistant)
    reply = activity.reviewed.prepare(
        "町民プールの料金は", "200円です。", department="教育課", author="係長", review_by=date(2099, 3, 31)
    )
    return {
        "usage": (Role.ADMIN, lambda request: use_tab.measure(services, "", "", request)),  # type: ignore[arg-type]
        "usage as Excel": (Role.ADMIN, lambda request: use_tab.pack_report(services, "", "", request)),  # type: ignore[arg-type]
        "gaps": (Role.ADMIN, lambda request: gaps_tab.find_gaps(activity, request)),
        "gaps as Excel": (Role.ADMIN, lambda request: gaps_tab.pack_gaps(activity, "", request)),
        "prepare": (
            Role.ADMIN,
            lambda request: prepare_reply(activity, Draft("問", "答", "課", "人", "2099-03-31", False), request),
        ),
        "publish": (Role.ADMIN, lambda request: publish_reply(activity, None, reply, (), request)),
        "pin": (Role.ADMIN, lambda request: pin_entry(activity, 2, True, request)),
        "judge": (Role.QA, lambda request: find_judge(request)),
    }


@pytest.mark.parametrize("name", [*USERS, None])
def test_what_is_remembered_is_shown_and_changed_by_the_handlers_for_the_right_roles_only(
    site: Site, name: str | None
) -> None:
    request = SimpleNamespace(request=request_of(site, name))
    for what, (role, handle) in handlers(site).items():
        if name and USERS[name][0].covers(role):
            assert handle(request), what
        else:
            with pytest.raises(NotAllowedError):
                handle(request)
    (site.settings.corpus / REVIEWED_FILE).unlink(missing_ok=True)


def test_a_rater_has_the_name_of_his_account_and_sees_the_questions_that_the_settings_show_him(site: Site) -> None:
    site.post("/api/ask", "zeimu", json={"question": CLOSED_QUESTION})
    request = SimpleNamespace(request=request_of(site, "hinshitsu"))
    judge = find_judge(request, "だれか")
    assert judge.rater == "hinshitsu"
    assert list_answers(site.desk.activity, judge, "") == (), "questions_visible_to is admin"

    shown = replace(site.settings, questions_visible_to="qa")
    activity = open_activity(shown, site.assistant)
    closed = list_answers(activity, judge, "")[0]
    assert closed.question == CLOSED_QUESTION
    with pytest.raises(UsageError, match="表示できません"):
        open_answer(activity, shown, judge, closed.id)
    activity.close()


def test_the_answers_of_the_api_are_remembered_judged_by_nobody_else_and_thanks_are_not(site: Site) -> None:
    before = len(site.desk.activity.store.entries())
    question = {
        "question": "ありがとうございました",
        "history": [{"question": "転出届はいつまで", "answer": "14日以内"}],
    }
    thanks = site.post("/api/ask", "kankyo", json=question).json()
    asked = site.post("/api/ask", "kankyo", json={"question": "転出届はいつまでに出せばよいですか"}).json()

    assert (thanks["status"], "お役に立てば" in thanks["answer"], "link" in thanks) == ("no_answer", True, False)
    assert asked["status"] == "answered" and asked["follow_ups"]
    entries = site.desk.activity.store.entries()
    assert len(entries) == before + 1 and entries[-1].department == "環境課"
    for id_ in (None, 1, "unknown"):
        with pytest.raises(UsageError):
            judge_answer(site.desk, id_, "helpful", "", SimpleNamespace(request=request_of(site, "kankyo")))  # type: ignore[arg-type]


# --- the page and Gradio ----------------------------------------------------------------------------------------------


def ask_through_gradio(site: Site, name: str | None, session: str) -> tuple[int, str]:
    """Call the handler of the question box as its own page does; return the status and what came of it."""
    cookie = site.cookie(name) if name else {}
    config = site.client.get("/config", headers=site.cookie("kanri")).json()
    button = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "send")
    send = next(d for d in config["dependencies"] if d["targets"] == [[button, "click"]])
    kinds = {c["id"]: c["type"] for c in config["components"]}
    unset = [None if kinds[component] == "state" else "" for component in send["inputs"][1:]]
    body = {"data": [CLOSED_QUESTION, *unset], "fn_index": send["id"], "session_hash": session, "event_data": None}
    joined = site.client.post("/gradio_api/queue/join", json=body, headers=cookie)
    data = site.client.get("/gradio_api/queue/data", params={"session_hash": session}, headers=cookie)
    text = "".join(
        json.dumps(json.loads(line[6:]), ensure_ascii=False)
        for line in data.text.splitlines()
        if line.startswith("data: ")
    )
    return joined.status_code, text


def test_the_hidden_endpoints_of_the_page_answer_nobody_and_everybody_his_own(site: Site) -> None:
    assert ask_through_gradio(site, None, "nobody1")[0] == 401
    status, to_reader = ask_through_gradio(site, "zeimu", "zeimu1")
    assert (status, SECRET in to_reader) == (200, True)
    for name in OTHERS:
        status, text = ask_through_gradio(site, name, f"{name}1")
        assert status == 200 and "process_completed" in text and SECRET not in text and "滞納整理" not in text


def test_an_open_page_belongs_to_the_user_who_opened_it(site: Site) -> None:
    assert ask_through_gradio(site, "zeimu", "page1")[0] == 200
    question = {"data": [CLOSED_QUESTION, None], "fn_index": 0, "session_hash": "page1"}

    for name in ("kankyo", "kanri"):
        for path in ("queue/join", "cancel", "reset", "queue/join/"):
            assert site.post(f"/gradio_api/{path}", name, json=question).status_code == 403, path
        assert site.get("/gradio_api/queue/data?session_hash=page1", name).status_code == 403
        assert site.get("/gradio_api/heartbeat/page1", name).status_code == 403
    assert ask_through_gradio(site, "zeimu", "page1")[0] == 200


@pytest.mark.parametrize("path", ["run/ask", "call/ask", "run/predict", "queue/join", "cancel", "reset"])
def test_calls_of_gradio_without_a_session_are_refused(site: Site, path: str) -> None:
    response = site.post(f"/gradio_api/{path}", json={"data": ["a"], "fn_index": 0, "session_hash": "x"})
    assert response.status_code in (401, 404) and (response.status_code == 401 or not is_open(f"/gradio_api/{path}"))


def test_a_question_that_waited_until_its_session_ended_is_not_answered(site: Site) -> None:
    token = site.gate.sessions.open("zeimu")
    waiting = SimpleNamespace(request=request_of(site, None, token))
    assert SECRET in list(answer_in_steps(site.desk, CLOSED_QUESTION, (), waiting))[-1].html
    site.gate.sessions.close(token)

    last = list(answer_in_steps(site.desk, CLOSED_QUESTION, (), waiting))[-1].html
    assert "サインインしていません" in last and SECRET not in last


def test_the_page_itself_holds_no_closed_text(site: Site) -> None:
    page = site.get("/", "shinjin")
    assert page.status_code == 200 and SECRET not in page.text and "差押え" not in page.text
    assert "/sign-out" in page.text and "サインインなし" not in page.text


# --- signing in and out -----------------------------------------------------------------------------------------------


def sign_in(site: Site, name: str, password: str = PASSWORD, **options: Any) -> Any:
    fields = urllib.parse.urlencode({"name": name, "password": password, "next": options.pop("next", "/")})
    return site.post("/sign-in", content=fields, headers=FORM | options.pop("headers", {}), **options)


def test_a_page_leads_to_the_sign_in_page_and_back(site: Site) -> None:
    address = original_of(CLOSED_TEXT, site)
    sent = site.get(address)
    form = site.get(sent.headers["location"])
    (wanted,) = re.findall(r'name="next" value="([^"]*)"', form.text)
    back = sign_in(site, "zeimu", next=wanted.replace("&amp;", "&"))

    assert (sent.status_code, form.status_code, back.status_code) == (303, 200, 303)
    token = back.cookies[SESSION_COOKIE]
    opened = site.get(back.headers["location"], headers={"Cookie": f"{SESSION_COOKIE}={token}"})
    assert SECRET in opened.text
    assert site.get("/").headers["location"] == "/sign-in"


def test_the_session_cookie_is_out_of_reach_of_scripts_other_sites_and_addresses(site: Site) -> None:
    response = sign_in(site, "zeimu")

    cookie = response.headers["set-cookie"]
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "expires" not in cookie.lower() and response.cookies[SESSION_COOKIE] not in response.headers["location"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/api/me", "/x\n/y", ""],
)
def test_signing_in_leads_to_no_other_site(site: Site, wanted: str) -> None:
    assert sign_in(site, "zeimu", next=wanted).headers["location"] == "/"


def test_a_wrong_password_an_unknown_name_and_a_disabled_user_get_the_same_page(site: Site) -> None:
    site.gate.users.add("teishi", PASSWORD)
    site.gate.users.disable("teishi")

    pages = [
        sign_in(site, name, password) for name, password in (("zeimu", "x"), ("teishi", PASSWORD), ("daremo", "x"))
    ]

    assert [page.status_code for page in pages] == [401] * 3
    texts = {re.sub(r'value="(zeimu|teishi|daremo)"', "", page.text) for page in pages}
    assert len(texts) == 1 and "名前かパスワードが違います" in texts.pop()


def test_too_many_failures_are_told_to_wait(site: Site) -> None:
    site.gate.users.add("shippai", PASSWORD)
    statuses = [sign_in(site, "shippai", "x").status_code for _ in range(3)]
    locked = sign_in(site, "shippai")

    assert statuses == [401, 401, 429]
    assert locked.status_code == 429 and 840 < int(locked.headers["retry-after"]) <= 900
    assert "あと 15 分" in locked.text


def test_what_is_typed_into_the_form_is_text_and_no_markup(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    page = sign_in(site, evil, "x", next=f"/originals/{evil}")

    assert "<script" not in page.text and "&lt;script&gt;" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    ],
)
def test_no_page_of_another_site_can_act_in_the_name_of_a_user(site: Site, headers: dict[str, str]) -> None:
    assert sign_in(site, "zeimu", headers=headers).status_code == 403
    for path in ("/api/ask", "/sign-out", "/gradio_api/queue/join"):
        response = site.post(path, "zeimu", json={"question": "転出届"}, headers=headers)
        assert response.status_code == 403, path
    assert sign_in(site, "zeimu", headers={"Origin": "http://testserver"}).status_code == 303


def test_signing_out_ends_this_session_only(site: Site) -> None:
    first, second = site.cookie("zeimu"), site.cookie("zeimu")
    assert "zeimu（職員）" in site.get("/sign-out", headers=first).text
    out = site.post("/sign-out", headers=first)

    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert f'{SESSION_COOKIE}=""' in out.headers["set-cookie"] and "Max-Age=0" in out.headers["set-cookie"]
    assert site.get("/api/me", headers=first).status_code == 401
    assert site.get("/api/me", headers=second).status_code == 200


def test_a_user_changes_his_password_on_the_page(site: Site) -> None:
    site.gate.users.add("henkou", PASSWORD)
    headers, new = site.cookie("henkou"), "緑の川と黄色い花と 9"

    def change(old: str, new: str, again: str) -> Any:
        fields = urllib.parse.urlencode({"old": old, "new": new, "again": again})
        return site.post("/password", content=fields, headers=FORM | headers)

    assert change(PASSWORD, new, new + "x").status_code == 400
    assert change(PASSWORD, "short", "short").status_code == 400
    assert change("x", new, new).status_code == 401
    changed = change(PASSWORD, new, new)
    assert changed.status_code == 303 and changed.cookies[SESSION_COOKIE]
    assert site.get("/api/me", headers=headers).status_code == 401, "the old session has ended"
    assert sign_in(site, "henkou").status_code == 401 and sign_in(site, "henkou", new).status_code == 303


def test_a_form_that_is_larger_than_a_form_is_not_read(site: Site) -> None:
    assert site.post("/sign-in", content=b"name=" + b"x" * MAX_FORM_BYTES, headers=FORM).status_code == 413


# --- single sign-on, and no accounts ----------------------------------------------------------------------------------


def test_a_forged_header_of_single_sign_on_opens_nothing(site: Site, tmp_path: Path) -> None:
    settings = replace(
        site.settings,
        data_dir=tmp_path,
        accounts="proxy",
        trusted_proxies="10.0.0.1",
        proxy_departments_header="X-Dept",
    )
    app = build_app(site.assistant, settings)
    header = {"X-Remote-User": "zeimu", "X-Dept": "%E7%A8%8E%E5%8B%99%E8%AA%B2"}
    forger = TestClient(app, client=("192.0.2.7", 1), headers=header, follow_redirects=False)
    proxied = TestClient(app, client=("10.0.0.1", 1), headers=header, follow_redirects=False)

    assert forger.get("/api/me").status_code == 401
    assert forger.get("/").headers["location"] == "/sign-in"
    page = forger.get("/sign-in")
    assert page.status_code == 403 and "ポータル" in page.text and "<form" not in page.text
    assert forger.post("/sign-in", data={"name": "a", "password": "b"}).status_code == 404
    assert proxied.get("/api/me").json()["departments"] == ["税務課"]
    assert SECRET in proxied.get(original_of(CLOSED_TEXT, site)).text


def test_without_accounts_all_is_as_before_and_only_this_machine_has_an_administrator(
    site: Site, tmp_path: Path
) -> None:
    app = build_app(site.assistant, replace(site.settings, data_dir=tmp_path, accounts="off"))
    here = TestClient(app, base_url="http://127.0.0.1:7860", client=("127.0.0.1", 1), follow_redirects=False)
    elsewhere = TestClient(app, base_url="http://town.example", client=("192.0.2.7", 1), follow_redirects=False)

    assert [client.get("/api/me").json()["role"] for client in (here, elsewhere)] == ["admin", "staff"]
    for client in (here, elsewhere):
        assert client.get("/health").json() == {"status": "ok", "documents": 5}
        assert client.get(original_of(CLOSED_TEXT, site)).status_code == 404
        assert client.get("/sign-in").headers["location"] == "/"
        assert client.get("/sign-out").status_code == 404
        assert "サインインなしで使う設定です" in client.get("/").text
        foreign = {"Origin": "http://evil.example"}
        assert client.post("/api/ask", json={"question": "転出届"}, headers=foreign).status_code == 403
