"""「令和6年4月1日現在」 beside a table: as of when its figures are. It goes with every row, for a row says nothing true without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.documents import NOT_SEARCHED, Block, BlockKind, Page, Span

MAX_LINE_CHARS = 60
_DIGIT = "[0-9０-９元一二三四五六七八九十]"
_YEAR = rf"(?:(?:明治|大正|昭和|平成|令和|(?<![A-Za-z])[MTSHRＭＴＳＨＲ])\s*{_DIGIT}{{1,3}}|[0-9０-９]{{4}})"
_WHEN = rf"{_YEAR}\s*(?:年度?|[./．・\-])\s*(?:{_DIGIT}{{1,3}}\s*[月./．・\-]?\s*)?(?:{_DIGIT}{{1,3}}\s*日?\s*)?末?"
_OPENING, _CLOSING = "(（[［", ")）]］"
_NOTE = re.compile(rf"[(（\[［]?\s*(?:{_WHEN}\s*(?:現在|時点)|基準日\s*[:：は]?\s*{_WHEN})\s*[)）\]］]?")
_UNIT_LINE = re.compile(r"[(（\[［\s]*単位")
_FOOTNOTE = re.compile(r"\s*(?:[※＊*]|注|資料|出典)")
_TABLE = (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)


def find_note(line: str) -> Span | None:
    """Return where a short line says as of when figures are, brackets included; None in a sentence.

    >>> lines = ["表1 人口（令和6年4月1日現在）", "R6.4.1現在の職員数", "基準日：令和６年４月１日", "※令和五年度末時点"]
    >>> [line[slice(*span)] for line in lines if (span := find_note(line))]
    ['（令和6年4月1日現在）', 'R6.4.1現在', '基準日：令和６年４月１日', '令和五年度末時点']
    >>> "人口（令和6年4月現在、単位：人）"[slice(*find_note("人口（令和6年4月現在、単位：人）"))]
    '令和6年4月現在'
    >>> find_note("人口は、令和6年4月1日現在で12,345人です。"), find_note("現在の窓口"), find_note("令和6年4月1日施行")
    (None, None, None)
    """
    match = _NOTE.search(line)
    if match is None or len(line) > MAX_LINE_CHARS or line.rstrip().endswith("。"):
        return None
    opens, closes = match[0][0] in _OPENING, match[0][-1] in _CLOSING
    return Span(match.start() + (opens and not closes), match.end() - (closes and not opens))


def is_note(line: str) -> bool:
    """Tell whether a line says nothing but as of when the figures beside it are.

    >>> is_note("（令和6年4月1日現在）"), is_note("※ 令和6年4月1日現在"), is_note("人口（令和6年4月1日現在）")
    (True, True, False)
    """
    return bool(_NOTE.fullmatch(re.sub(r"^[\s※＊*注:：)）]+|\s+$", "", line)))


def find_notes(page: Page) -> dict[int, Span]:
    """Return start of a table row -> the note of its table: in the line above or below it, or in a row of its own."""
    blocks = [block for block in page.blocks if block.kind not in NOT_SEARCHED]
    notes: dict[int, Span] = {}
    for first, last in _tables(blocks):
        rows = blocks[first:last]
        note = _own_row(page, rows) or _above(page, blocks, first) or _below(page, blocks, last)
        if note is not None:
            notes |= {row.start: note for row in rows if row.kind is BlockKind.TABLE_ROW and not _holds(row, note)}
    return notes


def _tables(blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of the blocks of each table."""
    first = None
    for place, block in enumerate([*blocks, None]):
        if block is not None and block.kind in _TABLE:
            first = place if first is None else first
        elif first is not None:
            yield first, place
            first = None


def _own_row(page: Page, rows: Sequence[Block]) -> Span | None:
    """Return the note in the first or last row of a table that is no row of figures."""
    for row in (rows[0], rows[-1]):
        if row.kind is BlockKind.TABLE_ROW and any(map(is_note, page.text[row.start : row.end].split("\t"))):
            return _note_in(page, row.start, row.end)
    return None


def _above(page: Page, blocks: Sequence[Block], first: int) -> Span | None:
    """Return the note in the line above a table; between them may stand the unit of its figures."""
    for place in range(first - 1, max(first - 3, -1), -1):
        block = blocks[place]
        if block.kind in (*_TABLE, BlockKind.QA):
            return None
        start = page.text.rfind("\n", block.start, block.end) + 1 or block.start
        line = page.text[start : block.end]
        belongs_below = not (_FOOTNOTE.match(line) and place > 0 and blocks[place - 1].kind in _TABLE)
        if (note := _note_in(page, start, block.end)) and belongs_below:
            return note
        if not _UNIT_LINE.match(line):
            return None
    return None


def _below(page: Page, blocks: Sequence[Block], last: int) -> Span | None:
    """Return the note in the line below a table; a line above another table belongs to that, unless it is a footnote."""
    if last >= len(blocks) or blocks[last].kind in (BlockKind.QA, BlockKind.HEADING):
        return None
    start, end = blocks[last].start, blocks[last].end
    line_end = page.text.find("\n", start, end)
    line_end = end if line_end < 0 else line_end
    is_caption = last + 1 < len(blocks) and blocks[last + 1].kind in _TABLE
    if is_caption and not _FOOTNOTE.match(page.text[start:line_end]):
        return None
    return _note_in(page, start, line_end)


def _note_in(page: Page, start: int, end: int) -> Span | None:
    note = find_note(page.text[start:end].replace("\t", " "))
    return Span(start + note.start, start + note.end) if note else None


def _holds(block: Block, note: Span) -> bool:
    return block.start <= note.start and note.end <= block.end
