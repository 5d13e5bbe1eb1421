"""The process of an index run: gets its order on stdin, says on stdout how far it is, and stops when it is told to or left alone.

A process of its own, and a nice one: questions go on at their speed, and nothing that kills it reaches them. One JSON object a line:
{"stage", "done", "total"} while it goes on; then {"report"} or {"error"}. Nothing of a text or a question is written to its log.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from rag.errors import IndexCancelledError, RagError, RemovalGuardError
from rag.library.job_state import JobReport
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.indexing.sync import Gate, SyncReport

CANCEL = b"cancel\n"
NICENESS = 10
Update = Callable[..., "SyncReport"]
"""What brings an index up to date: `update_index`, or a fake with its arguments. It travels by its name."""
GateBuilder = Callable[[Path, Settings], "Gate"]
"""What makes a gate of a question set: `eval.gate.build_gate`. It travels by its name."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do. gate: the question set; title: what other processes are told of who holds the lock."""

    settings: Settings
    update: Update
    build_gate: GateBuilder | None = None
    gate: Path | None = None
    full: bool = False
    allow_removal: bool = False
    title: str = ""


def main() -> int:
    """Do what stdin orders; return the exit status: 0 when the end was said on stdout, however it went."""
    faulthandler.enable()
    _be_nice()
    line = _take_stdout()
    stdin = _take_stdin()
    order: Order = pickle.load(stdin)  # from our own parent, which chose what is in it
    sys.argv = [order.title or "しるべの画面からの取り込み"]
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stdin, stop), daemon=True).start()
    _say(line, run(order, lambda stage, done, total: _say(line, _step(stage, done, total)), stop))
    return 0


def run(order: Order, progress: Callable[[str, int, int], None], stop: threading.Event) -> dict[str, Any]:
    """Run an order to its end; return the last line."""

    def checkpoint() -> None:
        if stop.is_set():
            raise IndexCancelledError(
                "取り込みを中止しました。索引は前のままです。", "もう一度始めると、初めからやり直します。"
            )

    try:
        gate = order.build_gate(order.gate, order.settings) if order.gate and order.build_gate else None
        report = order.update(
            order.settings,
            full=order.full,
            allow_removal=order.allow_removal,
            gate=gate,
            progress=progress,
            checkpoint=checkpoint,
        )
    except Exception as error:  # whatever it is, the page says so; a program error leaves its places in the log
        return {"error": _describe(error)}
    return {"report": asdict(JobReport.of(report))}


def _describe(error: Exception) -> dict[str, Any]:
    kind = "cancelled" if isinstance(error, IndexCancelledError) else "failed"
    removal = isinstance(error, RemovalGuardError)
    if isinstance(error, RagError):
        return {"kind": kind, "message": error.message, "hint": error.hint, "removal": removal}
    if isinstance(error, OSError):
        message = f"ファイルを読み書きできません: {error.filename or ''}（{error.strerror or type(error).__name__}）"
        hint = "場所と名前、空き容量、アクセス権を確かめてください。"
        return {"kind": kind, "message": message, "hint": hint, "removal": False}
    for frame in traceback.extract_tb(error.__traceback__):
        print(f"{frame.filename}:{frame.lineno} {frame.name}", file=sys.stderr)
    print(type(error).__name__, file=sys.stderr, flush=True)
    message = f"取り込みの途中で予期しない誤りが起きました（{type(error).__name__}）。"
    return {
        "kind": kind,
        "message": message,
        "hint": "もう一度実行し、続くときは開発元にお知らせください。",
        "removal": False,
    }


def _step(stage: str, done: int, total: int) -> dict[str, Any]:
    return {"stage": stage, "done": done, "total": total}


def _say(line: TextIO, value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), file=line, flush=True)


def _take_stdout() -> TextIO:
    """Return stdout for ourselves; what a library prints goes to the log."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return ours


def _take_stdin() -> BinaryIO:
    """Return stdin for ourselves; the programs that are started to read a file have none."""
    ours = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return ours


def _listen(stdin: BinaryIO, stop: threading.Event) -> None:
    """Wait for the word to stop; end at once when the parent is gone: the index stays as it was."""
    while line := stdin.readline():
        if line == CANCEL:
            stop.set()
    os._exit(1)


def _be_nice() -> None:
    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))


if __name__ == "__main__":
    sys.exit(main())
