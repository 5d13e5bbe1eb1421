"""People who ask over the very protocol of the page, without a browser: a queue that is joined, and events that come back."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 60.0
QUESTIONS_A_PAGE = 3


@dataclass(frozen=True, slots=True)
class Handler:
    """What the page calls when somebody presses 送信. inputs: what it is given beside the question, as the page starts."""

    fn_index: int
    inputs: tuple[Any, ...]


@dataclass(slots=True)
class Log:
    """What people saw: the seconds from Enter to the answer, and what went wrong; safe for many threads."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, seconds: float) -> None:
        """Note an answer."""
        with self._lock:
            self.seconds.append(seconds)

    def failed(self, error: str) -> None:
        """Note a failure."""
        with self._lock:
            self.errors.append(error)


def find_handler(config: Mapping[str, Any], button: str = "send") -> Handler:
    """Return the handler of a button in the page's configuration."""
    components = {component["id"]: component for component in config["components"]}
    number = next(id_ for id_, c in components.items() if c["props"].get("elem_id") == button)
    found = next(d for d in config["dependencies"] if [number, "click"] in d["targets"])
    return Handler(found["id"], tuple(components[i]["props"].get("value") for i in found["inputs"][1:]))


class Person:
    """One page, open inside `with`. The first answer that is no spinner is what the person waits for."""

    def __init__(self, client: Any, handler: Handler) -> None:
        self._client, self._handler = client, handler
        self.session = f"{random.getrandbits(64):x}"
        self._open = ExitStack()

    def __enter__(self) -> Person:
        # The connection that a browser holds as long as the page is open, and drops when it is closed.
        heartbeat = self._client.stream("GET", f"/gradio_api/heartbeat/{self.session}", timeout=TIMEOUT_SECONDS)
        with ExitStack() as opened:
            opened.enter_context(heartbeat).raise_for_status()
            self._open = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def ask(self, question: str) -> tuple[float, str]:
        """Return the seconds until the answer is shown, and its HTML. Raises RuntimeError where none comes."""
        started = time.perf_counter()
        body = {
            "data": [question, *self._handler.inputs],
            "fn_index": self._handler.fn_index,
            "session_hash": self.session,
            "event_data": None,
        }
        self._client.post("/gradio_api/queue/join", json=body).raise_for_status()
        shown: list[Any] = []
        seconds, html = None, ""
        with self._client.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": self.session}, timeout=TIMEOUT_SECONDS
        ) as events:
            for line in events.iter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line[5:])
                if event["msg"] in ("process_generating", "process_completed"):
                    shown = _apply(shown, event)
                    text = str(shown[1]) if len(shown) > 1 else ""
                    if seconds is None and "result" in text and "aria-busy" not in text:
                        seconds, html = time.perf_counter() - started, text
                    if event["msg"] == "process_completed":
                        break
                if event["msg"] == "close_stream":
                    break
        if seconds is None:
            raise RuntimeError(f"no answer to {question}")
        return seconds, html


def _apply(shown: list[Any], event: Mapping[str, Any]) -> list[Any]:
    """Return what is shown after an event: the first brings whole values, later ones of a generator the changes alone."""
    data = event.get("output", {}).get("data") or []
    if not event.get("success", True):
        raise RuntimeError(str(event.get("output", {}).get("error")))
    if event["msg"] == "process_generating" and shown:
        return [_change(value, change) for value, change in zip(shown, data, strict=True)]
    return list(data) or shown


def _change(value: Any, changes: Any) -> Any:
    """Return a value with Gradio's changes: [action, path, value] each; a whole value replaces it."""
    for action, path, new in changes if isinstance(changes, list) else ():
        if not path and action in ("replace", "add"):
            value = new
        elif not path and action == "append":
            value = f"{value}{new}"
    return value


def ask_for(
    seconds: float, people: int, build: Callable[[], Person], questions: Sequence[str], think: tuple[float, float]
) -> Log:
    """Let people ask for so long, each thinking between two questions for a time drawn from `think` (seconds).

    After `QUESTIONS_A_PAGE` questions the page is closed, and somebody else opens one.
    """
    log, end = Log(), time.monotonic() + seconds

    def live(number: int) -> None:
        draw = random.Random(number)
        time.sleep(draw.uniform(0, think[1]))
        while time.monotonic() < end:
            try:
                with build() as person:
                    visit(person, draw)
            except Exception as error:
                log.failed(f"{type(error).__name__}: {error}")
                time.sleep(draw.uniform(*think))

    def visit(person: Person, draw: random.Random) -> None:
        for _ in range(QUESTIONS_A_PAGE):
            if time.monotonic() >= end:
                return
            log.answered(person.ask(draw.choice(questions))[0])
            time.sleep(draw.uniform(*think))

    threads = [threading.Thread(target=live, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return log
