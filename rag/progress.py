"""Progress on stderr: a bar on a terminal, nothing where the output goes to a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

Item = TypeVar("Item")
STAGES = {
    "scan": "文書の確認",
    "read": "読み取りと索引",
    "embed": "埋め込みのやり直し",
    "adapt": "言葉づかいの学習",
    "verify": "検査",
    "gate": "質問集での確認",
    "publish": "公開",
}


def track(items: Sequence[Item], label: str) -> Iterator[Item]:
    """Yield items, with a bar on a terminal."""
    from tqdm import tqdm

    bar: Iterable[Item] = tqdm(items, desc=label, disable=None, file=sys.stderr, unit="件")
    return iter(bar)


class StageBars:
    """Show one bar a stage; call it with (stage, done, total)."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __enter__(self) -> StageBars:
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if stage != self._stage:
            self._close()
            self._stage = stage
            self._bar = tqdm(total=total, desc=STAGES.get(stage, stage), disable=None, file=sys.stderr, unit="件")
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def use_utf8() -> None:
    """Write UTF-8 to the terminal or a pipe, whatever the machine's own encoding; what that cannot hold is marked."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
