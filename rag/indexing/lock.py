"""One writer at a time: a file lock that the system frees when its holder dies, and a note that says who holds it."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rag.errors import IndexLockedError

LOCK_FILE, HOLDER_FILE = "writer.lock", "writer.json"


@contextmanager
def write_lock(index_dir: Path) -> Iterator[None]:
    """Hold the writer's lock of an index. Raises IndexLockedError, with the holder, when another holds it."""
    import filelock

    index_dir.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(index_dir / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise _locked(index_dir) from error
    try:
        (index_dir / HOLDER_FILE).write_text(json.dumps(_describe_self(), ensure_ascii=False), encoding="utf-8")
        yield
        (index_dir / HOLDER_FILE).unlink(missing_ok=True)
    finally:
        lock.release()


def _describe_self() -> dict[str, str]:
    return {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "user": _user(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "?"


def _locked(index_dir: Path) -> IndexLockedError:
    try:
        holder = json.loads((index_dir / HOLDER_FILE).read_text(encoding="utf-8"))
        who = "{user}@{host} プロセス {pid}、{since} から、{command}".format(**holder)
    except (OSError, ValueError, KeyError):  # it has only just taken the lock
        who = "不明（始まったばかりです）"
    return IndexLockedError(
        f"ほかの処理が索引 {index_dir} を更新しています（{who}）。",
        "終わるまで待ってから、もう一度実行してください。",
    )
