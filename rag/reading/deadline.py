"""The clock of the file that is being read: it stands still while another program with a limit of its own works (OCR, conversion)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[bool], None]
"""Told True when the clock stops and False when it goes on."""

_lock = threading.Lock()
_listeners: list[Listener] = []
_pauses = 0


def set_listener(listener: Listener) -> None:
    """Say who keeps the time of this process; where nobody does, as in a process that reads files itself, `pause` does nothing."""
    _listeners[:] = [listener]


@contextmanager
def pause() -> Iterator[None]:
    """Let the time inside the block not count against `max_seconds`; blocks may nest, and run in several threads at once."""
    _count(+1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _pauses
    with _lock:
        was_paused, _pauses = _pauses > 0, _pauses + change
        if was_paused != (_pauses > 0):
            for listener in _listeners:
                listener(_pauses > 0)
