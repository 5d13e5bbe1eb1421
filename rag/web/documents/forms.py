"""What the sections are made of: who calls, what the form held, what is shown, and which sections are to be read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action, Outcome
from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.errors import UsageError

if TYPE_CHECKING:
    from starlette.requests import Request

    from rag.accounts.gate import Gate
    from rag.documents import Asker

PREFIX = "/api/library"


@dataclass(frozen=True, slots=True)
class Visit:
    """An administrator at a handler."""

    request: Request
    user: User
    gate: Gate

    @classmethod
    def open(cls, request: Request) -> Visit:
        """Return who calls. Raises NotSignedInError, and NotAllowedError for everybody but an administrator."""
        user = find_user(request, Role.ADMIN)
        return cls(request, user, find_gate(request))

    @property
    def who(self) -> str:
        """How others read who did it."""
        return self.user.display_name or self.user.name

    @property
    def asker(self) -> Asker:
        """What he may read."""
        return self.user.asker

    def record(self, action: Action, target: str, outcome: Outcome = Outcome.DONE) -> None:
        """Write into the audit log what was done."""
        self.gate.record(self.request, action, user=self.user, target=target, outcome=outcome)


@dataclass(frozen=True, slots=True)
class Fields:
    """What a form, or an address, held: (name, value) pairs in their order."""

    pairs: tuple[tuple[str, str], ...] = ()

    def raw(self, name: str) -> str:
        """Return the last value of a field as it was sent; "" without one."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def text(self, name: str) -> str:
        """Return the last value of a field, stripped; "" without one."""
        return self.raw(name).strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, as it was sent."""
        return tuple(value for key, value in self.pairs if key == name)

    def flag(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return bool(self.text(name))

    def number(self, name: str, default: int) -> int:
        """Return a number from 1. Raises UsageError for anything else."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
            raise UsageError("番号を読み取れません。", "画面を読み込み直してください。")
        return int(text)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of the page. reload: the sections that show something else now."""

    html: str
    reload: tuple[str, ...] = ()


Work = Callable[[Visit, Fields], Fragment]


@dataclass(frozen=True, slots=True)
class Route:
    """One handler: GET shows, POST changes."""

    method: str
    path: str
    work: Work


def render_note(words: str, *, extra: str = "", kind: str = "done") -> str:
    """Return what is said after something was done. extra: HTML that follows."""
    return f'<div class="notice-box {kind}"><p>{escape(words)}</p>{extra}</div>'


def render_button(label: str, path: str, *, style: str = "plain", say: str = "", **values: str) -> str:
    """Return a button that sends values to a path. say: what it is about, for those who do not see its row."""
    sent = escape(json.dumps(values, ensure_ascii=False))
    called = f' aria-label="{escape(f"{label}: {say}")}"' if say else ""
    return (
        f'<button type="button" class="{style}" data-send="{PREFIX}{path}" data-values="{sent}"{called}>'
        f"{escape(label)}</button>"
    )


def render_undo(change_id: str, what: str = "") -> str:
    """Return the button that takes a change back."""
    return render_button("元に戻す", "/undo", say=what, id=change_id)


def render_options(choices: Sequence[tuple[str, str]], chosen: str) -> str:
    """Return the options of a select; (value, label) each.

    >>> render_options([("", "すべて"), ("<a>", "<b>")], "<a>")
    '<option value="">すべて</option><option value="&lt;a&gt;" selected>&lt;b&gt;</option>'
    """
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(label)}</option>'
        for value, label in choices
    )


def render_pager(path: str, page: int, pages: int, values: dict[str, Any]) -> str:
    """Return the links to the pages before and after, as buttons that load the section anew; nothing for a single page."""
    from urllib.parse import urlencode

    if pages <= 1:
        return ""

    def link(label: str, to: int) -> str:
        off = "" if 1 <= to <= pages else " disabled"
        address = escape(f"{PREFIX}{path}?{urlencode(values | {'page': to})}")
        return f'<button type="button" class="plain" data-show="{address}"{off}>{label}</button>'

    return f'<nav class="pager" aria-label="頁">{link("前へ", page - 1)}<span>{page} / {pages}</span>{link("次へ", page + 1)}</nav>'


def cut_page(count: int, page: int, size: int) -> tuple[int, int]:
    """Return (page, pages), the page being one that there is.

    >>> cut_page(101, 9, 50), cut_page(0, 1, 50)
    ((3, 3), (1, 1))
    """
    pages = max(1, -(-count // size))
    return min(page, pages), pages


def name_some(names: Sequence[str], most: int = 3) -> str:
    """Return the first of some names.

    >>> name_some(["a", "b", "c", "d"]), name_some(["a"])
    ('a、b、c ほか 1 件', 'a')
    """
    return "、".join(names[:most]) + (f" ほか {len(names) - most} 件" if len(names) > most else "")


def render_list(names: Sequence[str], most: int = 50) -> str:
    """Return names as a list, the first of them where there are very many."""
    items = "".join(f"<li>{escape(name)}</li>" for name in names[:most])
    more = f"<li>ほか {len(names) - most:,} 件</li>" if len(names) > most else ""
    return f"<ul>{items}{more}</ul>" if names else ""


def render_folded(label: str, names: Sequence[str]) -> str:
    """Return a list of names to unfold, with its length; nothing without any."""
    if not names:
        return ""
    return f"<details><summary>{escape(label)}（{len(names):,}件）</summary>{render_list(names)}</details>"
