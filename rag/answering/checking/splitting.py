"""Generated text as it streams in, cut into statements: sentences, list items and lines, each with the citation marks behind it."""

from __future__ import annotations

from collections.abc import Iterator

from rag.answering.checking.marks import BEGUN_MARK, TRAILING_MARKS

_ENDS = "。！？"
_OPEN, _CLOSE = "「『（([［【〔", "」』）)]］】〕"
_LONGEST = 400  # a bracket that was never closed must not hold everything back


class StatementSplitter:
    """Takes tokens and yields finished statements; joined, these are what was fed.

    A statement ends at 。！？ or a line break outside of brackets; marks such as [1] behind the end belong to it.

    >>> splitter = StatementSplitter()
    >>> [list(splitter.feed(token)) for token in ["届出は", "14日以内です。", "[1]", "[2]\\n- 印", "鑑\\n"]]
    [[], [], [], ['届出は14日以内です。[1][2]\\n'], ['- 印鑑\\n']]
    >>> list(splitter.feed("（休日。）は除く")), list(splitter.finish())
    ([], ['（休日。）は除く'])
    """

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, token: str) -> Iterator[str]:
        """Take the next token; yield the statements that are finished now."""
        self._rest += token
        yield from self._cut(is_final=False)

    def finish(self) -> Iterator[str]:
        """Yield what is left when no more is coming."""
        yield from self._cut(is_final=True)
        if self._rest:
            yield self._rest
        self._rest = ""

    def _cut(self, *, is_final: bool) -> Iterator[str]:
        while end := _find_end(self._rest, is_final=is_final):
            yield self._rest[:end]
            self._rest = self._rest[end:]


def split_statements(text: str) -> list[str]:
    """Return the statements of a whole text.

    >>> split_statements("# 届出\\n14日以内です[1]。手数料は無料です。(2)\\n")
    ['# 届出\\n', '14日以内です[1]。', '手数料は無料です。(2)\\n']
    """
    splitter = StatementSplitter()
    return [*splitter.feed(text), *splitter.finish()]


def _find_end(text: str, *, is_final: bool) -> int:
    """Return where the first statement ends, 0 if that cannot be said yet."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character in _OPEN) - (character in _CLOSE)
        if character == "\n" and (depth <= 0 or index >= _LONGEST):
            return _line_end(text, index, is_final=is_final)
        if character in _ENDS and depth <= 0 and text[index + 1 : index + 2] not in _ENDS:
            return _sentence_end(text, index + 1, is_final=is_final)
        depth = max(depth, 0)
    return 0


def _line_end(text: str, index: int, *, is_final: bool) -> int:
    """Return the end of a statement that ends at a line break; blank lines behind it belong to it."""
    end = index + 1
    while end < len(text) and text[end] == "\n":
        end += 1
    return end


def _sentence_end(text: str, end: int, *, is_final: bool) -> int:
    """Return where a sentence ends with the marks and the line break behind it; 0 while more marks may come."""
    marks = TRAILING_MARKS.match(text, end)
    end = marks.end() if marks else end
    rest = text[end:]
    if not is_final and BEGUN_MARK.fullmatch(rest):
        return 0
    return end + (len(rest) - len(rest.lstrip("\n")))
