"""`rag users`: register users, change and remove them, and read the audit log. What commands change is recorded there too."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, UsageError
from rag.parser import DONE
from rag.settings import Settings, load_settings

if TYPE_CHECKING:
    from rag.accounts.opening import Register

_ROLES = ("staff", "admin", "qa")
_RECORDED = {"index": "reindexed", "rollback": "rolled_back", "adapt": "adapted"}
"""Which commands are recorded, and as what."""


def add_user_commands(commands: Any) -> None:
    """Add `rag users` with its own commands to a parser."""
    text = "利用者を登録・変更・停止し、監査ログを表示する"
    users = commands.add_parser("users", help=text, description=text)
    own = users.add_subparsers(dest="user_command", metavar="操作", required=True, title="操作")
    _add_user(own)
    _add_change(own)
    passwd = _add(own, "passwd", "パスワードを再設定する（停止も解ける）", run_passwd, named=True)
    _add_password_options(passwd)
    _add(own, "disable", "使えなくする（記録は残る）", run_disable, named=True)
    _add(own, "enable", "もう一度使えるようにする", run_enable, named=True)
    _add(own, "remove", "登録を消す", run_remove, named=True)
    listing = _add(own, "list", "利用者の一覧を表示する", run_list)
    listing.add_argument("--json", action="store_true", help="JSON で表示する")
    log = _add(own, "log", "監査ログを新しい順に表示する", run_log)
    log.add_argument("-n", type=int, default=50, metavar="件数", help="表示する件数（既定 50）")
    log.add_argument("--json", action="store_true", help="JSON で表示する")


def _add(own: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], *, named: bool = False) -> Any:
    command = own.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    if named:
        command.add_argument("name", metavar="名前", help="利用者の名前（職員番号など。全角・大文字の違いは問わない）")
    return command


def _add_user(own: Any) -> None:
    command = _add(own, "add", "利用者を登録する", run_add, named=True)
    command.add_argument(
        "--role", choices=_ROLES, default="staff", metavar="役割", help="staff・admin・qa（既定 staff）"
    )
    _add_description_options(command)
    how = _add_password_options(command)
    how.add_argument("--no-password", action="store_true", help="シングルサインオンだけで使う利用者にする")


def _add_change(own: Any) -> None:
    command = _add(own, "change", "役割・所属・表示名を変える", run_change, named=True)
    command.add_argument("--role", choices=_ROLES, metavar="役割", help="新しい役割（staff・admin・qa）")
    _add_description_options(command)


def _add_description_options(command: Any) -> None:
    command.add_argument(
        "--department",
        action="append",
        metavar="課",
        help="所属の課（・で区切るか、何度でも付けられる。公開範囲の判定に使う）",
    )
    command.add_argument("--display-name", metavar="表示名", help="画面に出す名前")


def _add_password_options(command: Any) -> Any:
    how = command.add_mutually_exclusive_group()
    how.add_argument("--generate", action="store_true", help="パスワードを作り、一度だけ表示する")
    how.add_argument("--stdin", action="store_true", help="パスワードを標準入力の 1 行目から読む")
    return how


# --- commands ---------------------------------------------------------------------------------------------------------


def run_add(options: argparse.Namespace) -> int:
    """Register a user."""
    from rag.accounts.store import check_name
    from rag.accounts.user import Role

    name = check_name(options.name)
    with _open(load_settings()) as register:
        password = None if options.no_password else _read_password(options)
        departments, display_name = _departments(options) or (), options.display_name or ""
        user = register.users.add(
            name, password, role=Role(options.role), departments=departments, display_name=display_name
        )
        _record(register, "user_added", user.name)
    print(f"利用者「{user.name}」（{user.role.label}、{_join(user.departments)}）を登録しました。")
    return _show_password(options, password)


def run_change(options: argparse.Namespace) -> int:
    """Change what is given of a user."""
    from rag.accounts.user import Role

    departments = _departments(options)
    if (options.role, departments, options.display_name) == (None, None, None):
        raise UsageError("変えるものがありません。", "--role、--department、--display-name のどれかを付けてください。")
    with _open(load_settings()) as register:
        role = Role(options.role) if options.role else None
        user = register.users.change(
            options.name, role=role, departments=departments, display_name=options.display_name
        )
        _record(register, "user_changed", user.name)
    print(f"利用者「{user.name}」を変えました（{user.role.label}、{_join(user.departments)}）。")
    return DONE


def run_passwd(options: argparse.Namespace) -> int:
    """Set a new password, end the sessions of the user and forget his failed attempts."""
    with _open(load_settings()) as register:
        password = _read_password(options)
        user = register.users.change_password(options.name, password)
        register.lockout.forget(user.name)
        _record(register, "password_changed", user.name)
    print(f"利用者「{user.name}」のパスワードを変えました。サインイン中の端末はすべて終わりました。")
    return _show_password(options, password)


def run_disable(options: argparse.Namespace) -> int:
    """Let a user in no more."""
    with _open(load_settings()) as register:
        user = register.users.disable(options.name)
        _record(register, "user_disabled", user.name)
    print(f"利用者「{user.name}」を使えなくしました。")
    return DONE


def run_enable(options: argparse.Namespace) -> int:
    """Let a user in again."""
    with _open(load_settings()) as register:
        user = register.users.enable(options.name)
        register.lockout.forget(user.name)
        _record(register, "user_enabled", user.name)
    print(f"利用者「{user.name}」をもう一度使えるようにしました。")
    return DONE


def run_remove(options: argparse.Namespace) -> int:
    """Forget a user."""
    with _open(load_settings()) as register:
        user = register.users.remove(options.name)
        _record(register, "user_removed", user.name)
    print(f"利用者「{user.name}」の登録を消しました。監査ログの記録は残ります。")
    return DONE


def run_list(options: argparse.Namespace) -> int:
    """Print the users."""
    settings = load_settings()
    with _open(settings) as register:
        accounts = register.users.list()
    if options.json:
        print(json.dumps([account.as_dict() for account in accounts], ensure_ascii=False, indent=2))
        return DONE
    for account in accounts:
        user, notes = account.user, []
        notes += ["停止中"] if account.is_disabled else []
        notes += [] if account.has_password else ["パスワードなし"]
        print("\t".join((user.name, user.display_name, user.role.label, _join(user.departments), "・".join(notes))))
    print(f"{len(accounts)}人（設定 accounts = {settings.accounts}）", file=sys.stderr)
    return DONE


def run_log(options: argparse.Namespace) -> int:
    """Print the newest entries of the audit log."""
    with _open(load_settings()) as register:
        entries = register.audit.entries(max(options.n, 1))
    if options.json:
        print(json.dumps([entry.as_dict() for entry in entries], ensure_ascii=False, indent=2))
        return DONE
    for entry in entries:
        when = datetime.fromtimestamp(entry.time).strftime("%Y-%m-%d %H:%M:%S")
        who = entry.user or "（不明）"
        print("\t".join((when, who, entry.address, entry.action.label, entry.target, entry.outcome.label)))
    return DONE


@contextmanager
def record_command(
    options: argparse.Namespace, read_settings: Callable[[argparse.Namespace], Settings]
) -> Iterator[None]:
    """Write into the audit log that a command which changes the index was run; a log that cannot be written is a warning."""
    from rag.accounts.audit import Outcome

    action = _RECORDED.get(options.command)
    outcome = Outcome.FAILED
    try:
        yield
        outcome = Outcome.DONE
    finally:
        if action is not None:
            _record_safely(read_settings(options), action, outcome)


def _record_safely(settings: Settings, action: str, outcome: Any) -> None:
    from rag.accounts.audit import COMMAND_ADDRESS, Action, AuditLog, command_user

    try:
        with closing(AuditLog(settings.data_dir)) as audit:
            audit.append(
                Action(action),
                user=command_user(),
                address=COMMAND_ADDRESS,
                target=settings.index.as_posix(),
                outcome=outcome,
            )
    except (OSError, RagError) as error:
        print(f"注意: 監査ログに書けませんでした（{error}）", file=sys.stderr)


@contextmanager
def _open(settings: Settings) -> Iterator[Register]:
    from rag.accounts.opening import open_register

    with closing(open_register(settings)) as register:
        yield register


def _record(register: Register, action: str, target: str) -> None:
    from rag.accounts.audit import COMMAND_ADDRESS, Action, command_user

    register.audit.append(Action(action), user=command_user(), address=COMMAND_ADDRESS, target=target)


def _departments(options: argparse.Namespace) -> tuple[str, ...] | None:
    """Return the departments that are given; None where the option is not there, () for an empty one."""
    from rag.accounts.user import split_departments

    return None if options.department is None else split_departments("・".join(options.department))


def _read_password(options: argparse.Namespace) -> str:
    """Return a new password: made by chance, from the first line of standard input, or typed twice without being shown."""
    from rag.accounts.passwords import generate_password

    if options.generate:
        return generate_password()
    if options.stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("パスワードを入力できる端末がありません。", "--stdin か --generate を付けてください。")
    first = getpass.getpass("パスワード（表示されません）: ")
    if getpass.getpass("もう一度: ") != first:
        raise UsageError("パスワードが 2 回で違います。", "もう一度実行してください。")
    return first


def _show_password(options: argparse.Namespace, password: str | None) -> int:
    if options.generate:
        print(
            f"パスワード: {password}\nこの表示は一度だけです。本人に渡し、画面の「パスワードの変更」で変えてもらってください。"
        )
    return DONE


def _join(departments: tuple[str, ...]) -> str:
    return "・".join(departments) or "所属なし"
