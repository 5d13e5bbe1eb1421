"""From settings to a gate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rag.accounts.audit import AuditLog
from rag.accounts.database import USERS_FILE, USERS_SCHEMA, Database
from rag.accounts.gate import Gate, OpenGate
from rag.accounts.lockout import Lockout
from rag.accounts.passwords import Passwords
from rag.accounts.proxies import TrustedProxies, is_loopback_host
from rag.accounts.proxy_gate import ProxyGate, ProxyHeaders
from rag.accounts.session_gate import SessionGate
from rag.accounts.sessions import Sessions
from rag.accounts.store import UserStore
from rag.errors import SettingsError
from rag.settings import Settings

_Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Register:
    """What the command line works on: the users, who of them is locked, and the audit log."""

    users: UserStore
    lockout: Lockout
    audit: AuditLog
    database: Database

    def close(self) -> None:
        """Let go of the files."""
        self.audit.close()
        self.database.close()


def open_register(settings: Settings, *, clock: _Clock = time.time, passwords: Passwords | None = None) -> Register:
    """Return the register of the users in the data folder; it is made where there is none."""
    database = Database(settings.data_dir / USERS_FILE, USERS_SCHEMA)
    window, attempts = settings.lockout_minutes * 60, settings.sign_in_attempts
    return Register(
        UserStore(database, passwords or Passwords(), clock=clock),
        Lockout(database, attempts=attempts, window_seconds=window, clock=clock),
        AuditLog(settings.data_dir, clock=clock),
        database,
    )


def open_gate(settings: Settings, *, clock: _Clock = time.time, passwords: Passwords | None = None) -> Gate:
    """Return the gate of the settings. Raises SettingsError for proxies that are written wrongly, or missing where they are needed."""
    proxies = TrustedProxies.parse(settings.trusted_proxies)
    if settings.accounts == "off":
        return OpenGate(AuditLog(settings.data_dir, clock=clock), proxies)
    register = open_register(settings, clock=clock, passwords=passwords)
    if settings.accounts == "proxy":
        return _open_proxy_gate(settings, register, proxies, clock)
    idle, longest = settings.session_idle_minutes * 60, settings.session_hours * 3600
    sessions = Sessions(register.database, max_seconds=longest, idle_seconds=idle, clock=clock)
    return SessionGate(
        register.audit,
        proxies,
        register.database,
        users=register.users,
        sessions=sessions,
        lockout=register.lockout,
    )


def _open_proxy_gate(settings: Settings, register: Register, proxies: TrustedProxies, clock: _Clock) -> ProxyGate:
    if not proxies.networks:
        raise SettingsError(
            'accounts = "proxy" ですが、信頼するリバースプロキシが決まっていません。',
            "設定 trusted_proxies に、リバースプロキシのアドレスを書いてください（同じ端末なら 127.0.0.1, ::1）。",
        )
    return ProxyGate(
        register.audit,
        proxies,
        register.database,
        users=register.users,
        headers=ProxyHeaders(settings.proxy_user_header, settings.proxy_role_header, settings.proxy_departments_header),
        noted_for_seconds=settings.session_hours * 3600,
        clock=clock,
    )


def account_notice(settings: Settings) -> str:
    """Return the banner of a page without accounts, in Japanese; "" where users are known."""
    if settings.accounts != "off":
        return ""
    if is_loopback_host(settings.host):
        return "サインインなしで使う設定です（この PC の 1 人用）。全職員に公開した文書だけを見られます。"
    return (
        "サインインなしで、この画面に届くだれもが使える設定です。全職員に公開した文書だけを見られます。"
        "利用者を分けるには、管理者が設定 accounts を on にしてください。"
    )
