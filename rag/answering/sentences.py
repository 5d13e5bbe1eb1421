"""Cut a text into sentences while it comes, a piece at a time, each with the numbers that it cites behind it."""

from __future__ import annotations

import re

_MARK = r"[\[［【〔]\s*[0-9０-９]+(?:\s*[,、，・]\s*[0-9０-９]+)*\s*[\]］】〕]"
_MARKS = re.compile(_MARK)
_END = re.compile(rf"[。！？!?]+(?![」』）)】\]。！？!?])(?P<marks>(?:[ \t\u3000]*{_MARK})*[。]?)")
_OPEN_MARK = re.compile(r"[ \t\u3000]*[\[［【〔][0-9０-９\s,、，・]*$|[ \t\u3000]+$")
_EMPHASIS = re.compile(r"\*\*|__|^#+\s*|^[-*]\s+")
_THINKING = ("<think>", "</think>")


class SentenceReader:
    """Collect pieces of a text and give out its sentences as soon as each is complete. What an LLM thinks aloud is left out.

    >>> reader = SentenceReader()
    >>> [reader.feed(piece) for piece in ["手数料は3", "00円です。", "[1]", "窓口で", "払います。\\n次"]]
    [[], [], [], ['手数料は300円です。[1]'], ['窓口で払います。']]
    >>> reader.finish()
    '次'
    """

    def __init__(self) -> None:
        self._buffer, self._thinks = "", False

    def feed(self, piece: str) -> list[str]:
        """Take the next piece and return the sentences that are complete now."""
        self._buffer += piece
        self._skip_thoughts()
        found = []
        while (end := self._find_end()) is not None:
            found.append(self._buffer[:end])
            self._buffer = self._buffer[end:]
        return [sentence for text in found if (sentence := _clean(text))]

    def finish(self) -> str:
        """Return what is left when the text has ended: a last sentence without an end, or nothing."""
        rest, self._buffer = "" if self._thinks else self._buffer, ""
        return _clean(rest)

    @property
    def waiting_chars(self) -> int:
        """How long the sentence is that has not ended yet."""
        return len(self._buffer)

    def _skip_thoughts(self) -> None:
        """Drop what stands up to </think>, and what stands before <think>: models think first, some without opening it."""
        while mark := max(_THINKING, key=self._buffer.rfind) if any(m in self._buffer for m in _THINKING) else "":
            self._buffer = self._buffer.rpartition(mark)[2]
            self._thinks = mark == _THINKING[0]
        if self._thinks:
            self._buffer = self._buffer[-len(_THINKING[1]) :]

    def _find_end(self) -> int | None:
        """Return where the first sentence ends, None while that cannot be known: numbers may still follow."""
        if self._thinks:
            return None
        match = _END.search(self._buffer)
        line = self._buffer.find("\n")
        if match and (line < 0 or match.end() <= line):
            rest = self._buffer[match.end() :]
            return match.end() if rest and not _OPEN_MARK.match(rest) else None
        return line + 1 if line >= 0 else None


def _clean(text: str) -> str:
    return _EMPHASIS.sub("", text.strip()).strip()


def strip_marks(sentence: str) -> str:
    """Return a sentence without the numbers that it cites.

    >>> strip_marks("手数料は300円です[1]。"), strip_marks("窓口［2、3］で払います。[4]")
    ('手数料は300円です。', '窓口で払います。')
    """
    return _MARKS.sub("", sentence).strip()
