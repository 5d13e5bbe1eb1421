"""The statements of a generated answer as it streams in, without what a model thinks aloud before it and without emphasis."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.answering.checking.marks import read_marks
from rag.answering.checking.splitting import StatementSplitter

_EMPHASIS = re.compile(r"\*\*|__|^#+\s*|^[-*]\s+")
_OPENING, _CLOSING = "<think>", "</think>"


class SentenceReader:
    """Collect pieces of a text and give out its statements as soon as each is complete, its marks behind it.

    >>> reader = SentenceReader()
    >>> pieces = ["<thi", "nk>3円？。", "</think>\\n手数料は3", "00円です。", "[1]", "**窓口**で", "払います。\\n次"]
    >>> [reader.feed(piece) for piece in pieces]
    [[], [], [], [], [], ['手数料は300円です。[1]'], ['窓口で払います。']]
    >>> reader.waiting_chars, reader.finish()
    (1, ['次'])
    """

    def __init__(self) -> None:
        self._splitter = StatementSplitter()
        self._held, self._begun = "", False
        self.waiting_chars = 0  # of the statement that has not ended yet

    def feed(self, piece: str) -> list[str]:
        """Take the next piece and return the statements that are complete now."""
        said = self._skip_thoughts(piece)
        statements = list(self._splitter.feed(said))
        self.waiting_chars += len(said) - sum(map(len, statements))
        return _clean(statements)

    def finish(self) -> list[str]:
        """Return what is left when the text has ended: a last statement without an end, or nothing."""
        thinks = self._held.lstrip().startswith(_OPENING)
        last = [] if thinks else [*self._splitter.feed(self._held)]
        self._held = ""
        return _clean([*last, *self._splitter.finish()])

    def _skip_thoughts(self, piece: str) -> str:
        """Return what is said in a piece; a text that begins with <think> says nothing until </think>."""
        held = self._held + piece
        if self._begun:
            return held
        start = held.lstrip()
        if len(start) < len(_OPENING) and _OPENING.startswith(start):
            self._held = held
            return ""
        if start.startswith(_OPENING):
            _, closed, held = start.partition(_CLOSING)
            if not closed:
                self._held = _OPENING + start[-len(_CLOSING) :]
                return ""
        self._begun, self._held = True, ""
        return held


def _clean(statements: Iterable[str]) -> list[str]:
    found = (_EMPHASIS.sub("", statement.strip()).strip() for statement in statements)
    return [statement for statement in found if statement]


def strip_marks(statement: str) -> str:
    """Return a statement without the numbers that it cites.

    >>> strip_marks("手数料は300円です[1]。"), strip_marks("窓口［2、3］で払います。[4]")
    ('手数料は300円です。', '窓口で払います。')
    """
    return read_marks(statement, ()).body.strip()
