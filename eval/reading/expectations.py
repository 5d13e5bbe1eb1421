"""What must come out of a file, as plain data: one `Expectation` is one thing that holds or does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from eval.reading.needles import Needle, Plain

ANY_PAGE = 0


class Kind(StrEnum):
    """What kind of thing is expected; `eval.reading.checks` says when it holds."""

    SENTENCE = "sentence"
    JOINED = "joined"
    ROW = "row"
    CELL = "cell"
    HEADING = "heading"
    PATH = "path"
    ORDER = "order"
    LABEL = "label"
    MARGIN = "margin"
    CAPTION = "caption"
    RUBY = "ruby"
    OCR = "ocr"
    ONCE = "once"
    PLACE = "place"
    BOX = "box"
    QUALITY = "quality"
    COVERED = "covered"

    @property
    def label(self) -> str:
        """The Japanese name."""
        return _LABELS[self]


_LABELS = {
    Kind.SENTENCE: "文",
    Kind.JOINED: "頁をまたぐ文",
    Kind.ROW: "表の行",
    Kind.CELL: "見出しと値",
    Kind.HEADING: "見出し",
    Kind.PATH: "見出しの階層",
    Kind.ORDER: "読む順",
    Kind.LABEL: "印刷された頁",
    Kind.MARGIN: "柱とノンブルと目次",
    Kind.CAPTION: "図表の題",
    Kind.RUBY: "ルビ",
    Kind.OCR: "文字認識",
    Kind.ONCE: "一度だけ",
    Kind.PLACE: "引用の場所",
    Kind.BOX: "語の枠",
    Kind.QUALITY: "頁の品質",
    Kind.COVERED: "欠けた文字なし",
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must hold on a page (physical, from 1; ANY_PAGE for the file). needles: its parts, as the kind wants them."""

    kind: Kind
    page: int
    needles: tuple[Needle, ...]
    note: str = ""

    @property
    def hint(self) -> str:
        """What people are shown of it."""
        return " | ".join(needle.hint for needle in self.needles)


Expectations = tuple[Expectation, ...]


def _each(kind: Kind, page: int, parts: Iterable[Iterable[str]]) -> Expectations:
    return tuple(Expectation(kind, page, tuple(map(Plain, texts))) for texts in parts)


def sentences(*texts: str, page: int = 1) -> Expectations:
    """Expect each text within one searched block."""
    return _each(Kind.SENTENCE, page, ((text,) for text in texts))


def joined(*texts: str, page: int = ANY_PAGE) -> Expectations:
    """Expect each text within one chunk: a paragraph over a page break."""
    return _each(Kind.JOINED, page, ((text,) for text in texts))


def rows(*cells: tuple[str, ...], page: int = 1) -> Expectations:
    """Expect each tuple of cells as a table row; a cell merged downwards may stand in its context."""
    return _each(Kind.ROW, page, cells)


def cells(*triples: tuple[str, str, str], page: int = 1) -> Expectations:
    """Expect for each (row label, column label, value) a row that holds the value and knows both labels."""
    return _each(Kind.CELL, page, triples)


def headings(*texts: str, page: int = 1) -> Expectations:
    """Expect each text as a heading."""
    return _each(Kind.HEADING, page, ((text,) for text in texts))


def path(text: str, *above: str, page: int = 1) -> Expectations:
    """Expect exactly these headings above a text, outermost first."""
    return _each(Kind.PATH, page, ((text, *above),))


def order(*texts: str, page: int = 1) -> Expectations:
    """Expect each text before the next one."""
    return _each(Kind.ORDER, page, pairwise(texts))


def labels(*numbers: str) -> Expectations:
    """Expect the printed number of page 1, 2, …"""
    return tuple(item for page, number in enumerate(numbers, start=1) for item in label(number, page=page))


def label(number: str, sentence: str = "", *, page: int = 1) -> Expectations:
    """Expect the printed number of a page, or of the block of a sentence on a sheet with two printed pages."""
    return _each(Kind.LABEL, page, ((number, sentence) if sentence else (number,),))


def margins(*texts: str, page: int = 1) -> Expectations:
    """Expect each text as a header, footer or entry of a table of contents, and in no searched block."""
    return _each(Kind.MARGIN, page, ((text,) for text in texts))


def captions(*texts: str, page: int = 1) -> Expectations:
    """Expect each text as a caption."""
    return _each(Kind.CAPTION, page, ((text,) for text in texts))


def rubies(*pairs: tuple[str, str], page: int = 1) -> Expectations:
    """Expect for each (sentence, reading) the sentence in one searched block and the reading in a ruby block."""
    return _each(Kind.RUBY, page, pairs)


def recognised(*texts: str, page: int = 1) -> Expectations:
    """Expect each text nearly, character by character: it came out of OCR."""
    return _each(Kind.OCR, page, ((text,) for text in texts))


def once(*texts: str, page: int = 1) -> Expectations:
    """Expect each text exactly once on the page."""
    return _each(Kind.ONCE, page, ((text,) for text in texts))


def place(text: str, described: str, *, page: int = 1) -> Expectations:
    """Expect the place of a text to be described as people read it."""
    return _each(Kind.PLACE, page, ((text, described),))


def box(text: str, left: float, bottom: float, right: float, top: float, *, page: int = 1) -> Expectations:
    """Expect the word boxes of recognised text about there, in points from the lower left of the displayed page."""
    return _each(Kind.BOX, page, ((text, f"{left} {bottom} {right} {top}"),))


def quality(*facts: str, page: int = 1) -> Expectations:
    """Expect facts of a page's quality: `columns=2`, `tables=1`, `vertical=yes`, `ocr=no`, `concern=garbled`, …."""
    return _each(Kind.QUALITY, page, ((fact,) for fact in facts))


COVERED = Expectation(Kind.COVERED, ANY_PAGE, ())
"""Every character stands in a chunk or in a block that says why not."""
