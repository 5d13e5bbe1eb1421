"""The HTML of the pages for signing in and out and for changing the password: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from math import ceil

from rag.accounts.passwords import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from rag.accounts.user import MAX_NAME_CHARS, User
from rag.settings import Settings

_PAGE = """<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{heading} - {title}</title>
<link rel="stylesheet" href="/web/style.css">
<link rel="stylesheet" href="/web/sign-in.css">
</head>
<body class="account-page">
<main>
<header class="site"><p class="site-name">{title}</p><p class="lead">庁内文書に、出典つきで答えます</p></header>
<h1>{heading}</h1>
{body}
</main>
</body>
</html>
"""


def render_sign_in(settings: Settings, *, next_address: str = "/", name: str = "", problem: str = "") -> str:
    """Return the sign-in page. problem: why the last attempt failed."""
    lines = [f"<li>{escape(line)}</li>" for line in settings.notice.splitlines() if line.strip()]
    form = _form(
        "/sign-in",
        f'<input type="hidden" name="next" value="{escape(next_address)}">',
        _text_field("name", "利用者の名前", name, "username"),
        _password_field("password", "パスワード", "current-password"),
        button="サインイン",
    )
    more = (
        '<p class="hint">サインインしているのにこの画面が出たときは、<a href="/">ここを開いてください</a>。'
        "パスワードを忘れたときは、しるべの管理者に再設定を頼んでください。</p>"
    )
    notice = f'<ul class="notice" aria-label="ご利用にあたって">{"".join(lines)}</ul>' if lines else ""
    return _page(settings, "サインイン", _problem(problem) + form + more + notice)


def render_sign_out(settings: Settings, user: User) -> str:
    """Return the page that asks whether to sign out."""
    who = f"<p>{escape(user.display_name)}（{user.role.label}）としてサインインしています。</p>"
    back = '<p class="hint"><a href="/">質問の画面に戻る</a></p>'
    return _page(settings, "サインアウト", who + _form("/sign-out", button="サインアウトする") + back)


def render_password(settings: Settings, user: User, *, problem: str = "") -> str:
    """Return the page on which a user changes his own password."""
    who = f"<p>{escape(user.display_name)} のパスワードを変えます。ほかの端末でのサインインはすべて終わります。</p>"
    form = _form(
        "/password",
        _password_field("old", "今のパスワード", "current-password"),
        _password_field("new", f"新しいパスワード（{MIN_PASSWORD_CHARS}文字以上）", "new-password"),
        _password_field("again", "新しいパスワード（もう一度）", "new-password"),
        button="変更する",
    )
    back = '<p class="hint"><a href="/">質問の画面に戻る</a></p>'
    return _page(settings, "パスワードの変更", who + _problem(problem) + form + back)


def render_sign_in_elsewhere(settings: Settings) -> str:
    """Return the page for who was not named by the reverse proxy."""
    body = _problem("利用者を確かめられませんでした。") + (
        "<p>庁内のポータル（シングルサインオン）から開き直してください。"
        "それでもこの画面が出るときは、しるべの管理者に知らせてください。</p>"
    )
    return _page(settings, "サインイン", body)


def render_wait(seconds: float) -> str:
    """Return why an attempt was not looked at.

    >>> render_wait(61)
    'サインインの失敗が続いたため、止めています。あと 2 分待ってから、もう一度サインインしてください。'
    """
    minutes = max(1, ceil(seconds / 60))
    return f"サインインの失敗が続いたため、止めています。あと {minutes} 分待ってから、もう一度サインインしてください。"


def _page(settings: Settings, heading: str, body: str) -> str:
    return _PAGE.format(title=escape(settings.page_title), heading=heading, body=body)


def _form(action: str, *fields: str, button: str) -> str:
    return f'<form method="post" action="{action}">{"".join(fields)}<button type="submit">{button}</button></form>'


def _text_field(name: str, label: str, value: str, autocomplete: str) -> str:
    return (
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="text" value="{escape(value)}" required'
        f' maxlength="{MAX_NAME_CHARS}" autocomplete="{autocomplete}" autocapitalize="none" spellcheck="false" autofocus>'
    )


def _password_field(name: str, label: str, autocomplete: str) -> str:
    return (
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}" type="password" required'
        f' maxlength="{MAX_PASSWORD_CHARS}" autocomplete="{autocomplete}">'
    )


def _problem(text: str) -> str:
    return f'<p class="notice-box error" role="alert"><strong>{escape(text)}</strong></p>' if text else ""
