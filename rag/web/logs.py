"""What the server writes to its log: never a question, never personal data.

Messages are redacted. Of an error only its type and the places in the program are written, for the words of an error repeat what
was asked. Addresses are written without their query. What other packages print past the log goes through `QuietStream`.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from rag.answering.privacy.masking import redact

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_QUERY = re.compile(r"(?<=[A-Za-z0-9_/.\-%])\?[^\s\"']+")
_HEADING = re.compile(r"Traceback \(most recent call last|During handling of|The above exception was")
_PLACE = re.compile(r'[ |]*File "')
_TYPE = re.compile(r"[A-Za-z_][\w.]*")
_ERROR = re.compile(
    r"(?:\w+\.)*\w*(?:Error|Exception|Warning|Group)(?::|\s*$)"
)  # of a cause, which may come without a heading


class PrivateFormatter(logging.Formatter):
    """Write records without queries and personal data, and errors without their words."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and behind it the places of an error."""
        record.exc_text = None  # as another formatter wrote it
        return hide(super().format(record))

    def formatException(self, ei: object) -> str:
        """Return the types of an error and of its causes, each with the places that it passed."""
        error = ei[1] if isinstance(ei, tuple) else None
        return "\n".join(describe_error(error)) if isinstance(error, BaseException) else ""

    def formatStack(self, stack_info: str) -> str:
        """Return a stack as it is: it holds places only."""
        return stack_info


class QuietStream(io.TextIOBase):
    """Pass on what is printed, redacted; of a printed traceback only the places and the type of the error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_traceback = False

    def write(self, text: str) -> int:
        """Write one piece. `traceback` prints a heading, each place and the error itself as pieces of their own."""
        self._stream.write(hide("".join(self._without_words(text))))
        return len(text)

    def flush(self) -> None:
        """Flush what stands behind."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether a terminal stands behind."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor that stands behind."""
        return self._stream.fileno()

    def _without_words(self, text: str) -> Iterator[str]:
        """Yield the lines of a piece; behind the type of an error nothing is left of the words, which may have several lines."""
        in_words = False
        for line in text.splitlines(keepends=True):
            if _HEADING.match(line):
                self._in_traceback, in_words = True, False
            is_words = self._in_traceback and not line[:1].isspace() and not _HEADING.match(line)
            if is_words or _ERROR.match(line):
                self._in_traceback, in_words = False, True
                yield f"{found[0]}\n" if (found := _TYPE.match(line)) else ""
            elif not in_words and (not self._in_traceback or _HEADING.match(line) or _PLACE.match(line)):
                yield line


def describe_error(error: BaseException) -> Iterator[str]:
    """Yield a line for an error and for each place that it passed, and the same for what caused it; none of its words."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{type(current).__module__}.{type(current).__qualname__}"
        for frame in traceback.extract_tb(current.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} {frame.name}"
        current = current.__cause__ or current.__context__


def hide(text: str) -> str:
    """Return a text without personal data and without the queries of addresses.

    >>> hide('"GET /api/search?question=abc HTTP/1.1" 200, 090-1234-5678')
    '"GET /api/search HTTP/1.1" 200, 【電話】'
    """
    return redact(_QUERY.sub("", text))


@contextmanager
def private_logs() -> Iterator[None]:
    """Write every log and everything that is printed so that it tells nothing of what was asked; undone in the end."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrivateFormatter())
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers = [handler]
    logging.captureWarnings(True)
    try:
        with redirect_stdout(QuietStream(sys.stdout)), redirect_stderr(QuietStream(sys.stderr)):
            yield
    finally:
        logging.captureWarnings(False)
        root.handlers = before
