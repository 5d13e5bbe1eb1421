"""Users, passwords, sessions, lock-out, single sign-on and the audit log, with a clock that the tests turn."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.requests import HTTPConnection

from rag.accounts.audit import AUDIT_FILE, Action, AuditLog, Outcome
from rag.accounts.database import USERS_FILE
from rag.accounts.gate import LOCAL_USER, REMOTE_USER, OpenGate
from rag.accounts.opening import account_notice, open_gate, open_register
from rag.accounts.passwords import Passwords, check_new_password, generate_password
from rag.accounts.proxies import TrustedProxies
from rag.accounts.proxy_gate import ProxyGate
from rag.accounts.session_gate import SECURE_COOKIE, SESSION_COOKIE, SessionGate
from rag.accounts.user import Role, User, require
from rag.cli import main
from rag.documents import COMMAND_LINE, EVERYONE, Asker
from rag.errors import AccountError, NotAllowedError, NotSignedInError, SettingsError
from rag.settings import Settings

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD, OTHER = "青い山と白い鳥と 7", "赤い橋と黒い猫と 8"
MINUTE, HOUR = 60, 3600


@dataclass
class Clock:
    """A clock that stands still until a test turns it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class CountingHasher:
    """Hashes as the quick one does, and counts what it was asked to verify."""

    verified: list[str] = field(default_factory=list)

    def hash(self, password: str) -> str:
        return QUICK.hash(password)

    def verify(self, hash_: str, password: str) -> bool:
        self.verified.append(hash_)
        return QUICK.verify(hash_, password)

    def check_needs_rehash(self, hash_: str) -> bool:
        return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(tmp_path: Path, clock: Clock) -> Iterator[SessionGate]:
    """Lend a gate with sato of 税務課, who may fail three times in ten minutes; sessions of eight hours, one hour idle."""
    settings = Settings(
        data_dir=tmp_path,
        accounts="on",
        session_hours=8,
        session_idle_minutes=60,
        sign_in_attempts=3,
        lockout_minutes=10,
        trusted_proxies="10.0.0.1",
    )
    gate = open_gate(settings, clock=clock, passwords=Passwords(QUICK))
    assert isinstance(gate, SessionGate)
    gate.users.add("sato", PASSWORD, departments=("税務課",), display_name="佐藤")
    yield gate
    gate.close()


def connect(
    *headers: tuple[str, str], client: str = "192.0.2.7", token: str | None = None, scheme: str = "http"
) -> HTTPConnection:
    """Return a connection from an address, with headers and a session cookie."""
    cookie = [("cookie", f"{SESSION_COOKIE}={token}")] if token else []
    raw = [(name.lower().encode(), value.encode("utf-8")) for name, value in (*headers, *cookie)]
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "query_string": b"", "headers": raw}
    return HTTPConnection({**scope, "server": ("192.0.2.1", 80), "client": (client, 50_000)})


def sign_in(gate: SessionGate, password: str = PASSWORD, *, name: str = "sato", client: str = "192.0.2.7") -> Any:
    return gate.sign_in(connect(client=client), name, password)


def who(gate: Any, token: str | None) -> str | None:
    user = gate.identify(connect(token=token))
    return user.name if user else None


def lines(gate: Any) -> list[tuple[str, str, str]]:
    """Return the audit log, oldest first, as (user, action, outcome)."""
    return [(e.user, e.action.value, e.outcome.value) for e in reversed(gate.audit.entries())]


# --- users and roles --------------------------------------------------------------------------------------------------


def test_what_a_role_may_do_and_which_documents_it_may_read_are_two_things() -> None:
    staff, qa, admin = (User("x", "x", role, ("税務課",)) for role in (Role.STAFF, Role.QA, Role.ADMIN))

    assert (staff.asker, qa.asker, admin.asker) == (Asker(("税務課",)), Asker(("税務課",)), COMMAND_LINE)
    assert LOCAL_USER.asker == REMOTE_USER.asker == EVERYONE
    for user, allowed in ((staff, {Role.STAFF}), (qa, {Role.STAFF, Role.QA}), (admin, set(Role))):
        for role in Role:
            if role in allowed:
                assert require(user, role) is user
            else:
                with pytest.raises(NotAllowedError, match="権限"):
                    require(user, role)


def test_a_name_is_taken_whatever_its_width_and_case(gate: SessionGate) -> None:
    with pytest.raises(AccountError, match="すでに"):
        gate.users.add("ＳＡＴＯ", PASSWORD)
    assert [account.user.name for account in gate.users.list()] == ["sato"]


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", "x" * 65, "a\u200bb", "\n"])
def test_what_cannot_be_a_name_is_refused(gate: SessionGate, name: str) -> None:
    with pytest.raises(AccountError, match="名前が正しくありません"):
        gate.users.add(name, PASSWORD)


@pytest.mark.parametrize("password", ["123456789", "a" * 201, "aaaaaaaaaaaa", "sato-no-himitsu", "ＳＡＴＯ-no-himitsu"])
def test_a_password_that_is_short_long_or_easily_guessed_is_refused(gate: SessionGate, password: str) -> None:
    with pytest.raises(AccountError):
        gate.users.change_password("sato", password)
    assert sign_in(gate).token


def test_a_generated_password_is_a_password_and_never_the_same() -> None:
    made = {generate_password() for _ in range(50)}

    assert len(made) == 50
    for password in made:
        check_new_password("sato", password)


def test_only_an_argon2_hash_of_a_password_is_stored_and_every_hash_has_its_own_salt(
    gate: SessionGate, tmp_path: Path
) -> None:
    gate.users.add("ito", PASSWORD)
    gate.close()
    with sqlite3.connect(tmp_path / USERS_FILE) as connection:
        hashes = [hash_ for (hash_,) in connection.execute("SELECT password_hash FROM users")]
    connection.close()

    assert len(set(hashes)) == 2 and all(hash_.startswith("$argon2id$") for hash_ in hashes)
    assert Passwords().hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert all(PASSWORD.encode() not in path.read_bytes() for path in tmp_path.iterdir())
    assert (tmp_path / USERS_FILE).stat().st_mode & 0o077 == 0, "only its owner reads the register"


def test_an_outdated_hash_is_renewed_when_its_user_signs_in(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    old = open_register(settings, passwords=Passwords(QUICK))
    old.users.add("sato", PASSWORD)
    old.close()
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    register = open_register(settings, passwords=Passwords(stronger))

    assert register.users.check_password("sato", PASSWORD)
    ((hash_,),) = register.database.select("SELECT password_hash FROM users")
    assert "m=16,t=2" in hash_ and stronger.verify(hash_, PASSWORD)
    with pytest.raises(VerifyMismatchError):
        stronger.verify(hash_, OTHER)
    register.close()


def test_an_unknown_name_costs_as_much_as_a_wrong_password(tmp_path: Path) -> None:
    hasher = CountingHasher()
    register = open_register(Settings(data_dir=tmp_path), passwords=Passwords(hasher))
    register.users.add("sato", PASSWORD)
    register.users.add("sso", None)

    for name in ("sato", "nobody", "sso"):
        hasher.verified.clear()
        assert register.users.check_password(name, OTHER) is None
        assert len(hasher.verified) == 1, name
    register.close()


def test_a_password_typed_in_full_width_is_the_same(gate: SessionGate) -> None:
    assert gate.users.check_password("ｓａｔｏ", PASSWORD.replace("7", "７").replace(" ", "　"))


def test_a_change_of_post_holds_at_once_and_keeps_the_session(gate: SessionGate) -> None:
    token = sign_in(gate).token
    gate.users.change("sato", role=Role.QA, departments=("環境課",))

    user = gate.identify(connect(token=token))
    assert user == User("sato", "佐藤", Role.QA, ("環境課",))


def test_a_file_that_is_no_register_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / USERS_FILE).write_bytes(b"not a database, however long it may be" * 100)
    register = open_register(Settings(data_dir=tmp_path), passwords=Passwords(QUICK))

    with pytest.raises(AccountError, match="台帳を読み書きできません"):
        register.users.list()
    register.close()


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_belongs_to_its_token_of_which_only_the_hash_is_stored(gate: SessionGate, tmp_path: Path) -> None:
    token = sign_in(gate).token

    assert (who(gate, token), who(gate, token + "x"), who(gate, ""), who(gate, None)) == ("sato", None, None, None)
    assert len(token) >= 43, "256 bits"
    gate.close()
    assert all(token.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_session_that_is_not_used_ends(gate: SessionGate, clock: Clock) -> None:
    token = sign_in(gate).token
    for _ in range(3):
        clock.turn(59 * MINUTE)
        assert who(gate, token) == "sato"
    clock.turn(60 * MINUTE)

    assert who(gate, token) is None
    clock.turn(-60 * MINUTE)
    assert who(gate, token) is None, "it does not come back"


def test_a_session_that_is_used_all_the_time_ends_too(gate: SessionGate, clock: Clock) -> None:
    token = sign_in(gate).token
    for _ in range(15):
        clock.turn(HOUR / 2)
        assert who(gate, token) == "sato"
    clock.turn(HOUR / 2)

    assert who(gate, token) is None


def test_signing_out_ends_one_session_and_leaves_the_other(gate: SessionGate) -> None:
    first, second = sign_in(gate).token, sign_in(gate).token
    gate.sign_out(connect(token=first))

    assert (who(gate, first), who(gate, second)) == (None, "sato")
    gate.sessions.close_all("sato")
    assert who(gate, second) is None


def test_signing_in_again_ends_the_session_of_the_same_browser(gate: SessionGate) -> None:
    first = sign_in(gate).token
    second = gate.sign_in(connect(token=first), "sato", PASSWORD).token

    assert (who(gate, first), who(gate, second)) == (None, "sato")


@pytest.mark.parametrize("act", ["change_password", "disable", "remove"])
def test_what_takes_a_user_his_access_ends_all_his_sessions_even_from_another_process(
    gate: SessionGate, tmp_path: Path, act: str
) -> None:
    tokens = [sign_in(gate).token, sign_in(gate).token]
    command_line = open_register(Settings(data_dir=tmp_path), passwords=Passwords(QUICK))
    getattr(command_line.users, act)("sato", *([OTHER] if act == "change_password" else []))
    command_line.close()

    assert [who(gate, token) for token in tokens] == [None, None]
    assert sign_in(gate).token is None, "the old password opens nothing any more"


def test_a_disabled_user_comes_back_with_his_password(gate: SessionGate) -> None:
    gate.users.disable("sato")
    assert sign_in(gate).user is None
    gate.users.enable("sato")
    assert sign_in(gate).user


def test_a_user_who_knows_his_password_changes_it_and_stays_signed_in_here_only(gate: SessionGate) -> None:
    here, elsewhere = sign_in(gate).token, sign_in(gate).token

    assert gate.change_password(connect(token=here), OTHER, "新しい 合言葉 99").token is None
    changed = gate.change_password(connect(token=here), PASSWORD, OTHER)

    assert [who(gate, token) for token in (here, elsewhere, changed.token)] == [None, None, "sato"]
    with pytest.raises(NotSignedInError):
        gate.change_password(connect(), OTHER, PASSWORD)


def test_over_https_the_cookie_is_one_that_only_this_host_can_set(gate: SessionGate) -> None:
    forwarded = ("X-Forwarded-Proto", "https")

    assert gate.cookie_name(connect(scheme="https")) == SECURE_COOKIE
    assert gate.cookie_name(connect(forwarded, client="10.0.0.1")) == SECURE_COOKIE
    assert gate.cookie_name(connect(forwarded)) == gate.cookie_name(connect()) == SESSION_COOKIE


# --- lock-out ---------------------------------------------------------------------------------------------------------


def test_three_failures_lock_a_name_and_the_right_password_opens_nothing_until_the_wait_is_over(
    gate: SessionGate, clock: Clock
) -> None:
    waits = [sign_in(gate, OTHER).wait_seconds for _ in range(3)]
    assert waits == [0, 0, 10 * MINUTE]

    clock.turn(9 * MINUTE)
    assert (sign_in(gate).user, sign_in(gate).wait_seconds) == (None, MINUTE)
    assert sign_in(gate, client="198.51.100.9").user is None, "from elsewhere neither"
    clock.turn(MINUTE)
    assert sign_in(gate).user


def test_the_wait_doubles_while_it_goes_on_up_to_eight_times(gate: SessionGate, clock: Clock) -> None:
    waits = []
    for _ in range(8):
        waits.append(sign_in(gate, OTHER).wait_seconds / MINUTE)
        clock.turn(waits[-1] * MINUTE)

    assert waits == [0, 0, 10, 20, 40, 80, 80, 80]


def test_success_and_a_quiet_time_let_the_count_start_anew(gate: SessionGate, clock: Clock) -> None:
    for _ in range(5):
        assert sign_in(gate, OTHER).wait_seconds == sign_in(gate, OTHER).wait_seconds == 0
        assert sign_in(gate).user
    for _ in range(5):
        assert sign_in(gate, OTHER).wait_seconds == sign_in(gate, OTHER).wait_seconds == 0
        clock.turn(10 * MINUTE + 1)


def test_an_unknown_name_is_locked_like_a_known_one(gate: SessionGate) -> None:
    known = [sign_in(gate, OTHER) for _ in range(4)]
    unknown = [sign_in(gate, OTHER, name="nobody") for _ in range(4)]

    assert unknown == known


def test_an_address_that_tries_many_names_is_locked_and_others_are_not(gate: SessionGate) -> None:
    for number in range(30):
        assert sign_in(gate, OTHER, name=f"user{number}", client="198.51.100.9").wait_seconds == (
            600 if number == 29 else 0
        )

    assert sign_in(gate, client="198.51.100.9").wait_seconds == 600
    assert sign_in(gate).user


def test_an_address_does_not_clear_its_failures_by_signing_in_itself(gate: SessionGate) -> None:
    gate.users.add("mallory", OTHER)
    for number in range(29):
        sign_in(gate, OTHER, name=f"user{number}")
        assert sign_in(gate, OTHER, name="mallory").user

    assert sign_in(gate, OTHER, name="user29").wait_seconds == 600


def test_attempts_at_the_same_time_are_counted_before_their_passwords_are_looked_at(gate: SessionGate) -> None:
    assert [gate.lockout.begin("sato", "a") for _ in range(4)] == [0, 0, 0, 600]


def test_an_administrator_lets_a_locked_user_try_again(gate: SessionGate) -> None:
    for _ in range(3):
        sign_in(gate, OTHER)
    gate.lockout.forget("sato")

    assert sign_in(gate).user


# --- single sign-on ---------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(tmp_path: Path, clock: Clock) -> Iterator[ProxyGate]:
    settings = Settings(
        data_dir=tmp_path,
        accounts="proxy",
        trusted_proxies="10.0.0.0/24, ::1",
        proxy_user_header="X-Employee",
        proxy_role_header="X-Role",
        proxy_departments_header="X-Departments",
    )
    gate = open_gate(settings, clock=clock, passwords=Passwords(QUICK))
    assert isinstance(gate, ProxyGate)
    gate.users.add("sato", None, role=Role.QA, departments=("税務課",), display_name="佐藤")
    yield gate
    gate.close()


SATO = ("X-Employee", "sato")


def test_a_trusted_proxy_says_who_it_is_and_the_register_says_the_rest(proxy: ProxyGate) -> None:
    assert proxy.identify(connect(SATO, client="10.0.0.9")) == User("sato", "佐藤", Role.QA, ("税務課",))
    assert proxy.identify(connect(SATO, client="::1"))
    assert proxy.identify(connect(SATO, client="::ffff:10.0.0.9"))
    unknown = proxy.identify(connect(("X-Employee", "ito"), client="10.0.0.9"))
    assert unknown == User("ito", "ito", Role.STAFF, ())


def test_a_header_from_anywhere_else_is_ignored_and_recorded_once(proxy: ProxyGate, clock: Clock) -> None:
    for _ in range(3):
        assert proxy.identify(connect(SATO)) is None
        assert proxy.identify(connect(SATO, ("X-Forwarded-For", "10.0.0.9"))) is None
    assert proxy.identify(connect()) is None

    (entry,) = proxy.audit.entries()
    assert (entry.action, entry.outcome, entry.user) == (Action.UNTRUSTED_HEADER, Outcome.REFUSED, "")
    assert entry.address == "192.0.2.7"
    clock.turn(24 * HOUR)
    proxy.identify(connect(SATO))
    assert len(proxy.audit.entries()) == 2


@pytest.mark.parametrize("headers", [(), (SATO, SATO), (SATO, ("X-Employee", "root")), (("X-Employee", " "),)])
def test_no_name_or_more_than_one_is_nobody(proxy: ProxyGate, headers: tuple[tuple[str, str], ...]) -> None:
    assert proxy.identify(connect(*headers, client="10.0.0.9")) is None


@pytest.mark.parametrize("departments", ["環境課・町民課", "%E7%92%B0%E5%A2%83%E8%AA%B2,%E7%94%BA%E6%B0%91%E8%AA%B2"])
def test_headers_for_role_and_departments_go_before_the_register(proxy: ProxyGate, departments: str) -> None:
    headers = (SATO, ("X-Role", "admin"), ("X-Departments", departments))

    user = proxy.identify(connect(*headers, client="10.0.0.9"))

    assert user == User("sato", "佐藤", Role.ADMIN, ("環境課", "町民課"))
    strange = proxy.identify(connect(SATO, ("X-Role", "root"), client="10.0.0.9"))
    assert strange and strange.role is Role.STAFF, "a role that nobody knows gives nothing"


def test_a_disabled_user_is_refused_whatever_the_proxy_says(proxy: ProxyGate) -> None:
    proxy.users.disable("sato")
    assert proxy.identify(connect(SATO, ("X-Role", "admin"), client="10.0.0.9")) is None


def test_a_user_of_single_sign_on_is_recorded_once_a_day_of_work(proxy: ProxyGate, clock: Clock) -> None:
    for _ in range(3):
        proxy.identify(connect(SATO, client="10.0.0.9"))
    clock.turn(10 * HOUR)
    proxy.identify(connect(SATO, client="10.0.0.9"))

    assert lines(proxy) == [("sato", "sign_in", "done")] * 2


def test_addresses_behind_proxies_are_followed_only_as_far_as_they_are_trusted() -> None:
    proxies = TrustedProxies.parse("10.0.0.0/24")

    def address(client: str, *forwarded: str) -> str:
        return proxies.client_address(connect(*(("X-Forwarded-For", line) for line in forwarded), client=client))

    assert address("192.0.2.7", "203.0.113.5") == "192.0.2.7"
    assert address("10.0.0.1", "203.0.113.5, 192.0.2.7, 10.0.0.2") == "192.0.2.7"
    assert address("10.0.0.1", "203.0.113.5", "192.0.2.7") == "192.0.2.7"
    assert address("10.0.0.1", "nonsense") == address("10.0.0.1") == "10.0.0.1"


def test_proxies_that_are_missing_or_written_wrongly_are_refused(tmp_path: Path) -> None:
    for value, words in ((None, "決まっていません"), ("10.0.0", "trusted_proxies"), ("10.0.0.1/8", "trusted_proxies")):
        with pytest.raises(SettingsError, match=words):
            open_gate(Settings(data_dir=tmp_path, accounts="proxy", trusted_proxies=value), passwords=Passwords(QUICK))


# --- without accounts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "host", "headers", "user"),
    [
        ("127.0.0.1", "127.0.0.1:7860", (), LOCAL_USER),
        ("::1", "localhost:7860", (), LOCAL_USER),
        ("::ffff:127.0.0.1", "[::1]:7860", (), LOCAL_USER),
        ("192.0.2.7", "127.0.0.1", (), REMOTE_USER),
        ("127.0.0.1", "evil.example", (), REMOTE_USER),
        ("127.0.0.1", "localhost", (("X-Forwarded-For", "192.0.2.7"),), REMOTE_USER),
        ("127.0.0.1", "localhost", (("Forwarded", "for=192.0.2.7"),), REMOTE_USER),
    ],
)
def test_without_accounts_only_who_sits_at_the_machine_is_its_administrator(
    tmp_path: Path, client: str, host: str, headers: tuple[tuple[str, str], ...], user: User
) -> None:
    gate = open_gate(Settings(data_dir=tmp_path / "data"))

    assert isinstance(gate, OpenGate)
    assert gate.identify(connect(("Host", host), *headers, client=client)) is user
    assert not (tmp_path / "data").exists(), "nothing is kept where nobody is known"


def test_the_page_says_that_nobody_signs_in_and_says_it_louder_where_others_can_reach_it() -> None:
    near, far = account_notice(Settings()), account_notice(Settings(host="0.0.0.0"))

    assert "サインインなし" in near and "1 人用" in near
    assert "だれもが使える" in far and "accounts" in far
    assert account_notice(Settings(accounts="on")) == ""


# --- the audit log ----------------------------------------------------------------------------------------------------


def test_signing_in_and_out_and_failing_is_recorded_without_any_password_or_unknown_name(gate: SessionGate) -> None:
    sign_in(gate, OTHER)
    sign_in(gate, OTHER, name="himitsu-no-aikotoba")
    token = sign_in(gate).token
    gate.sign_out(connect(token=token))
    for _ in range(3):
        sign_in(gate, OTHER)

    refused = ("sato", "sign_in", "refused")
    assert lines(gate) == [
        refused,
        ("", "sign_in", "refused"),
        ("sato", "sign_in", "done"),
        ("sato", "sign_out", "done"),
        *[refused] * 3,
        ("sato", "locked_out", "done"),
    ]
    assert {entry.address for entry in gate.audit.entries()} == {"192.0.2.7"}


def test_the_log_can_be_added_to_and_read_but_not_changed(tmp_path: Path, clock: Clock) -> None:
    log = AuditLog(tmp_path, clock=clock)
    for number in range(5):
        log.append(Action.DOCUMENT_ADDED, user="sato", target=f"文書{number}.pdf\n偽の行")
        clock.turn(1)

    newest = log.entries(2)
    assert [entry.target for entry in newest] == ["文書4.pdf�偽の行", "文書3.pdf�偽の行"]
    assert [entry.target[:3] for entry in log.entries(10, before=newest[-1].id)] == ["文書2", "文書1", "文書0"]
    assert newest[0].as_dict()["action"] == "document_added"
    log.close()
    with sqlite3.connect(tmp_path / AUDIT_FILE) as connection:
        for statement in ("DELETE FROM entries", "UPDATE entries SET user = 'ito'"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                connection.execute(statement)
    connection.close()


def test_every_action_and_outcome_has_a_japanese_name() -> None:
    labels = [member.label for kind in (Action, Outcome, Role) for member in kind]

    assert len(set(labels)) == len(labels)
    assert [label for label in labels if label.isascii()] == []


# --- rag users --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["users", *arguments])


def test_users_are_registered_changed_stopped_and_removed_on_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add = ("add", "sato", "--role", "qa", "--department", "税務課・町民課", "--display-name", "佐藤", "--stdin")
    assert run(monkeypatch, *add, typed=f"{PASSWORD}\n") == 0
    assert run(monkeypatch, *add, typed=f"{PASSWORD}\n") == 2
    assert "すでにいます" in capsys.readouterr().err
    assert run(monkeypatch, "change", "sato", "--department", "環境課", "--role", "admin") == 0
    assert run(monkeypatch, "disable", "sato") == 0

    capsys.readouterr()
    assert run(monkeypatch, "list", "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed.pop("created_at") > 0
    assert listed == {
        "name": "sato",
        "display_name": "佐藤",
        "role": "admin",
        "departments": ["環境課"],
        "has_password": True,
        "disabled": True,
    }

    assert run(monkeypatch, "enable", "sato") == run(monkeypatch, "remove", "SATO") == 0
    assert run(monkeypatch, "remove", "sato") == 2
    capsys.readouterr()
    assert run(monkeypatch, "log", "--json") == 0
    log = json.loads(capsys.readouterr().out)
    actions = ["user_removed", "user_enabled", "user_disabled", "user_changed", "user_added"]
    assert [(entry["action"], entry["target"], entry["address"]) for entry in log] == [
        (action, "sato", "command line") for action in actions
    ]


def test_a_generated_password_is_shown_once_and_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "add", "sato", "--stdin", typed=f"{PASSWORD}\n") == 0
    assert PASSWORD not in capsys.readouterr().out
    assert run(monkeypatch, "passwd", "sato", "--generate") == 0
    (shown,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("パスワード: ")]

    register = open_register(Settings(data_dir=folder))
    assert register.users.check_password("sato", shown.partition(": ")[2])
    register.close()


def test_a_password_is_typed_twice_and_never_taken_from_nowhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "add", "sato") == 2
    assert "--stdin か --generate" in capsys.readouterr().err
    typed = iter([PASSWORD, OTHER, PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())

    assert main(["users", "add", "sato"]) == 2
    assert "2 回で違います" in capsys.readouterr().err
    assert main(["users", "add", "sato"]) == 0


def test_reindexing_and_what_failed_of_it_is_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "missing", "--index", "somewhere"]) == 2
    assert main(["rollback", "--index", "somewhere"]) == 2

    log = AuditLog(folder)
    assert [(e.action.value, e.target, e.outcome.value) for e in log.entries()] == [
        ("rolled_back", "somewhere", "failed"),
        ("reindexed", "somewhere", "failed"),
    ]
    log.close()
