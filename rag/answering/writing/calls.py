"""One call to an LLM with a deadline of our own: it runs in a thread, and whoever waits for it is never kept beyond the deadline."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag.answering.writing.failures import Failure

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

Messages = tuple[str, str]
"""(system, user)."""
_UNAVAILABLE = 429
_LOST = ("ConnectionError", "TransportError")


class CallFault(Exception):
    """A call that brought no whole answer. detail: for the administrator; is_passing: it may work when it is tried again."""

    def __init__(self, failure: Failure, detail: str, *, is_passing: bool = False) -> None:
        super().__init__(detail)
        self.failure, self.detail, self.is_passing = failure, detail, is_passing


@dataclass(slots=True)
class Call:
    """A call that runs. deadline: when it is over, on time.monotonic; patience_seconds: between two signs of life."""

    deadline: float
    patience_seconds: float
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _closers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(self.deadline - time.monotonic(), 0.0)

    @property
    def is_over(self) -> bool:
        """Tell whether nobody waits for it any more."""
        return self._abandoned.is_set() or self.remaining == 0.0

    def abandon(self) -> None:
        """Have the connection closed at the next byte, or when its patience is at an end."""
        self._abandoned.set()

    def close_with(self, closer: Callable[[], None]) -> None:
        """Have something closed when the call ends: what libraries keep of an unfinished stream may outlive it."""
        self._closers.append(closer)

    def hang_up(self) -> None:
        """Close what the call opened."""
        while self._closers:
            self._closers.pop()()


CURRENT_CALL: contextvars.ContextVar[Call | None] = contextvars.ContextVar("current_call", default=None)
"""The call that a thread is making; the connection looks at it (see rag.answering.writing.llm)."""


class Slots:
    """How many calls may run at once. A slot is taken until its connection has been closed, not only until nobody waits."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    def take(self, call: Call) -> None:
        """Wait for a free slot, as long as the patience of the call. Raises CallFault (busy)."""
        if not self._free.acquire(timeout=min(call.patience_seconds, call.remaining)):
            raise CallFault(Failure.BUSY, "同時に作れる回答の数（llm_concurrency）を超えました。")

    def give_back(self) -> None:
        """Free a slot."""
        self._free.release()


def start_call(llm: LLM, messages: Messages, call: Call, slots: Slots) -> Iterator[str]:
    """Send a question and return an iterator over the pieces of its answer, at once: much can be prepared while the LLM reads.

    The iterator raises CallFault: dead or slow; `start_call` itself raises it when all slots stay taken (busy). Whoever does not
    read to the end abandons the call.
    """
    slots.take(call)
    pieces: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    try:
        threading.Thread(target=_run, args=(llm, messages, call, pieces, slots.give_back), daemon=True).start()
    except RuntimeError:  # no more threads
        slots.give_back()
        raise
    return _read(call, pieces)


@dataclass(frozen=True, slots=True)
class _Event:
    """A piece of text, or the end; error: what ended it."""

    text: str = ""
    is_end: bool = False
    is_whole: bool = True
    error: Exception | None = None


def _read(call: Call, pieces: queue.SimpleQueue[_Event]) -> Iterator[str]:
    while True:
        try:
            event = pieces.get(timeout=min(call.patience_seconds, call.remaining))
        except queue.Empty:
            raise CallFault(Failure.SLOW, f"{call.patience_seconds:g} 秒待っても、続きが来ませんでした。") from None
        if event.error is not None:
            raise classify_error(event.error) from event.error
        if event.is_end:
            if not event.is_whole:
                raise CallFault(Failure.DEAD, "回答が途中で切れました。", is_passing=True)
            return
        if event.text:
            yield event.text
        if call.is_over:
            raise CallFault(Failure.SLOW, "制限時間までに回答が終わりませんでした。")


def _run(
    llm: LLM, messages: Messages, call: Call, pieces: queue.SimpleQueue[_Event], give_back: Callable[[], None]
) -> None:
    """Make the call and put what comes into the queue. No exception may escape: it would end the thread unseen."""
    CURRENT_CALL.set(call)
    try:
        pieces.put(_Event(is_end=True, is_whole=_stream(llm, messages, call, pieces)))
    except Exception as error:
        pieces.put(_Event(error=error))
    finally:
        try:
            call.hang_up()
        finally:
            give_back()


def _stream(llm: LLM, messages: Messages, call: Call, pieces: queue.SimpleQueue[_Event]) -> bool:
    """Return whether the answer is whole: that the server said why it ended, or does not tell such things at all."""
    from llama_index.core.llms import ChatMessage

    system, user = messages
    stream = llm.stream_chat([ChatMessage(role="system", content=system), ChatMessage(role="user", content=user)])
    choices = ended = False
    try:
        for response in stream:
            if call.is_over:
                break
            for choice in getattr(response.raw, "choices", None) or ():
                choices, ended = True, ended or bool(getattr(choice, "finish_reason", None))
            pieces.put(_Event(response.delta or ""))
    finally:
        close = getattr(stream, "close", None)
        if close:
            close()
    return ended or not choices


def classify_error(error: Exception) -> CallFault:
    """Return what an exception of any LLM library means: by its status, else by whether the connection or the time failed."""
    status = _find_status(error)
    detail = f"HTTP {status}" if status is not None else f"{type(error).__name__}: {error}"[:300]
    if status == _UNAVAILABLE:
        return CallFault(Failure.BUSY, detail, is_passing=True)
    if status is not None:
        return CallFault(Failure.DEAD, detail, is_passing=status >= 500)
    kinds = {kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__}
    if any("Timeout" in kind for kind in kinds):
        return CallFault(Failure.SLOW, detail)
    return CallFault(Failure.DEAD, detail, is_passing=bool(kinds.intersection(_LOST)))


def _find_status(error: Exception) -> int | None:
    status: Any = getattr(error, "status_code", None)
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
