"""The nouns of しるべ: frozen values that pass between the rooms.

A `Document` has `Page`s, a page has text and `Block`s; the chunker turns blocks into `Chunk`s, the retriever ranks them as
`Passage`s, and an `Answer` cites spans of page text as `Citation`s. A `Locator` says where in a file any of them stands.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a document is for."""

    MANUAL = "manual"
    PLAN = "plan"
    FAQ = "faq"
    RULE = "rule"
    NOTICE = "notice"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The Japanese name that people see and write in metadata.csv."""
        return _KIND_LABELS[self]


_KIND_LABELS = {
    Kind.MANUAL: "マニュアル",
    Kind.PLAN: "計画",
    Kind.FAQ: "Q&A",
    Kind.RULE: "規程",
    Kind.NOTICE: "通知",
    Kind.OTHER: "その他",
}


class BlockKind(StrEnum):
    """What a stretch of page text is. UNREADABLE: text of a wrong text layer. CONTENTS: an entry of a table of contents.

    See NOT_SEARCHED for what is only counted.
    """

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    QA = "qa"
    CAPTION = "caption"
    HEADER = "header"
    FOOTER = "footer"
    RUBY = "ruby"
    UNREADABLE = "unreadable"
    TABLE_HEADER = "table_header"
    CONTENTS = "contents"


NOT_SEARCHED = frozenset({BlockKind.HEADER, BlockKind.FOOTER, BlockKind.RUBY, BlockKind.UNREADABLE, BlockKind.CONTENTS})
"""Kinds of block whose characters are in no chunk, on purpose. (A table header is in the chunk of each of its rows.)"""


CELL_SEPARATOR = "\t"
"""Stands between the cells of a table row in page text, and nowhere inside a cell."""
ELLIPSIS = "…"
"""Stands in a quotation for what was left out between two spans."""


_PAGE_NOUNS = dict.fromkeys(("pptx", "ppt", "odp"), "スライド{}") | dict.fromkeys(
    ("png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp"), "画像{}枚目"
)


class Span(NamedTuple):
    """Characters [start, end) of one page's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a citation points; keys that do not apply are None and left out of `as_dict`."""

    page: int | None = None
    label: str | None = None
    sheet: str | None = None
    row: int | None = None
    part: str | None = None
    line: int | None = None
    heading: str | None = None
    paragraph: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the keys that are present, in a fixed order: the JSON form."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Locator:
        """Return the locator of a JSON form."""
        return cls(**values)

    def describe(self, source: str = "") -> str:
        """Return the place in Japanese, as people read it. source: the file that it is in, whose kind names its pages.

        >>> Locator(page=14, label="12").describe()
        '12頁（PDF 14枚目）'
        >>> Locator(page=3).describe(), Locator(page=3).describe("広報/説明会.pptx"), Locator(page=1).describe("掲示.png")
        ('PDF 3枚目', 'スライド3', '画像1枚目')
        >>> Locator(sheet="よくある質問", row=12).describe()
        'シート「よくある質問」12行目'
        >>> Locator(line=40, heading="第2章 > 申請").describe()
        '40行目（第2章 > 申請）'
        """
        place = self._place(source)
        if self.heading and place:
            return f"{place}（{self.heading}）"
        return self.heading or place

    def _place(self, source: str) -> str:
        if self.page is not None:
            physical = _PAGE_NOUNS.get(source.rpartition(".")[2].lower(), "PDF {}枚目").format(self.page)
            return f"{self.label}頁（{physical}）" if self.label else physical
        if self.row is not None:
            return f"シート「{self.sheet}」{self.row}行目" if self.sheet else f"{self.row}件目"
        if self.line is not None:
            return f"{self.part} {self.line}行目" if self.part else f"{self.line}行目"
        return f"{self.paragraph}段落目" if self.paragraph is not None else ""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch [start, end) of its page's text, of one kind.

    headings: the headings above it, outermost first. level: depth of a heading (1 is outermost), 0 otherwise.
    locator: where a citation of this block points. context: spans that a table row is not understood without (its header cells).
    question, answer: the parts of a qa block.
    """

    kind: BlockKind
    start: int
    end: int
    locator: Locator
    headings: tuple[str, ...] = ()
    level: int = 0
    context: tuple[Span, ...] = ()
    question: Span | None = None
    answer: Span | None = None


class Concern(StrEnum):
    """Why a person should look at a page."""

    WAITING_OCR = "waiting_ocr"
    OCR_FAILED = "ocr_failed"
    LOW_OCR = "low_ocr"
    GARBLED = "garbled"
    NO_TEXT = "no_text"
    BROKEN_PAGE = "broken_page"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _CONCERN_LABELS[self]


_CONCERN_LABELS = {
    Concern.WAITING_OCR: "文字認識（OCR）待ち",
    Concern.OCR_FAILED: "文字認識ができない",
    Concern.LOW_OCR: "文字認識の確からしさが低い",
    Concern.GARBLED: "文字化けの疑い",
    Concern.NO_TEXT: "検索できる文字がない",
    Concern.BROKEN_PAGE: "頁が壊れていて開けない",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """What was understood of one page. Shares are between 0 and 1.

    characters: printed characters, white space aside; searchable: those of them in blocks that are searched; contents: those of tables
    of contents.
    suspicious_share: unreadable or implausible characters. ocr_confidence: None for a page that was not recognised by OCR.
    concerns: why a person should look at the page.
    """

    characters: int
    suspicious_share: float = 0.0
    columns: int = 1
    tables: int = 0
    ocr_confidence: float | None = None
    vertical: bool = False
    searchable: int = 0
    concerns: tuple[Concern, ...] = ()
    contents: int = 0

    @property
    def is_answerable(self) -> bool:
        """Tell whether questions can be answered from the page."""
        return self.searchable > 0 and not {Concern.WAITING_OCR, Concern.GARBLED, Concern.OCR_FAILED} & set(
            self.concerns
        )

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing is printed on the page, as far as anyone can see."""
        return self.characters == 0 and not self.concerns


class WordBox(NamedTuple):
    """Where characters [start, end) of a page's text stand, in points from the lower left of the displayed page."""

    start: int
    end: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page, sheet or whole text file: its text and the blocks that cover it.

    number: physical, from 1 (a PDF page, a sheet; 1 for a file without pages). label: the printed number, when there is one.
    Blocks are in reading order and do not overlap; only white space lies between them.
    word_boxes: of a page that was read by OCR; those of other PDF pages are computed again from the file when they are needed.
    """

    number: int
    text: str
    blocks: tuple[Block, ...]
    quality: Quality
    label: str | None = None
    word_boxes: tuple[WordBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an administrator should know about one file: what happened and what to do."""

    source: str
    code: str
    message: str
    remedy: str
    page: int | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a document besides its text; None where nobody said.

    audience: the departments that may read it; empty means every member of staff. edition: (2, 1) is edition 2.1.
    work: the name of the text that it is an edition of, where metadata.csv says so. review_by: the day by which its department
    has promised to look at it again.
    """

    title: str
    kind: Kind = Kind.OTHER
    department: str | None = None
    extension: str | None = None
    year: int | None = None
    effective_date: date | None = None
    audience: tuple[str, ...] = ()
    edition: tuple[int, ...] = ()
    work: str | None = None
    review_by: date | None = None

    @property
    def begins(self) -> date | None:
        """The day from which it holds, as far as anyone said: its effective date, else the first day of its fiscal year."""
        return self.effective_date or (date(self.year, 4, 1) if self.year else None)


class Standing(StrEnum):
    """Where a document stands among the editions of its text on a day."""

    CURRENT = "current"
    OLD = "old"
    EARLIER = "earlier"
    COMING = "coming"
    DRAFT = "draft"

    @property
    def label(self) -> str:
        """The Japanese words for it; EARLIER is a text of its own for each year, like a budget."""
        return _STANDING_LABELS[self]


_STANDING_LABELS = {
    Standing.CURRENT: "現行",
    Standing.OLD: "旧版",
    Standing.EARLIER: "以前の年度",
    Standing.COMING: "施行前",
    Standing.DRAFT: "案",
}


@dataclass(frozen=True, slots=True)
class OtherEdition:
    """The edition to turn to instead of another one."""

    source: str
    title: str
    begins: date | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """What a document is among the editions of its text that the asker may read, today.

    family: the same for all of them. begins: from when on it holds. instead: the edition in force today, where this is not it.
    chosen: the question wants this edition: the one in force, or the one whose year or day it names.
    """

    family: str
    standing: Standing
    begins: date | None = None
    instead: OtherEdition | None = None
    chosen: bool = True

    @property
    def superseded_by(self) -> OtherEdition | None:
        """The newer edition, for one that is not in force any more or was only a draft."""
        return None if self.standing is Standing.COMING else self.instead


@dataclass(frozen=True, slots=True)
class Document:
    """One file that was read. `source` is its path under the corpus, NFC, with `/`; sha256 is of its bytes, in hex."""

    source: str
    sha256: str
    metadata: Metadata
    pages: tuple[Page, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def title(self) -> str:
        """The title that people see."""
        return self.metadata.title


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader got out of one file, before anyone said what the file is: pages, problems, and the title it gives itself."""

    pages: tuple[Page, ...]
    problems: tuple[Problem, ...] = ()
    title: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The stretch [start, end) of page `page`'s text that stands in a chunk, and where a citation of it points.

    heading: it is a heading or caption: it helps to find and to understand, but answers nothing by itself.
    """

    page: int
    start: int
    end: int
    locator: Locator
    heading: bool = False


class ChunkKind(StrEnum):
    """How a chunk is answered with."""

    TEXT = "text"
    QA = "qa"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one document that is found and cited as one.

    `text` is the segments' text, joined by a line break: character i of it belongs to exactly one segment or is such a break.
    id: 32 hex digits from the source, the place and the content. question, answer: the parts of `text` of a qa chunk.
    context: how many of the first segments are header cells of a table row.
    """

    id: str
    source: str
    ordinal: int
    kind: ChunkKind
    text: str
    title: str
    headings: tuple[str, ...]
    segments: tuple[Segment, ...]
    question: Span | None = None
    answer: Span | None = None
    context: int = 0

    @property
    def locator(self) -> Locator:
        """Where the chunk stands: the place of its first segment that is not a header cell."""
        return self.segments[self.context if self.context < len(self.segments) else 0].locator

    @property
    def question_text(self) -> str:
        """The question of a qa chunk; "" for others."""
        return self.text[slice(*self.question)] if self.question else ""

    def segment_offsets(self) -> Iterator[tuple[int, Segment]]:
        """Yield (offset of the segment in `text`, segment)."""
        offset = 0
        for segment in self.segments:
            yield offset, segment
            offset += segment.end - segment.start + 1

    @property
    def header(self) -> tuple[Span, ...]:
        """Where the header cells of a table row stand in `text`."""
        first = islice(self.segment_offsets(), self.context)
        return tuple(Span(offset, offset + segment.end - segment.start) for offset, segment in first)

    def locate(self, start: int, end: int) -> list[Segment]:
        """Return the places on pages of characters [start, end) of `text`, one for each segment touched."""
        found = []
        for offset, segment in self.segment_offsets():
            first, last = max(start, offset), min(end, offset + segment.end - segment.start)
            if first < last:
                shift = segment.start - offset
                found.append(replace(segment, start=first + shift, end=last + shift))
        return found


@dataclass(frozen=True, slots=True)
class Filters:
    """What a question is limited to; None means no limit. as_of: only documents in force on that day."""

    department: str | None = None
    kind: Kind | None = None
    year: int | None = None
    as_of: date | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, f.name) is not None for f in fields(self))


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: None departments means someone who may read everything (the command line, an administrator)."""

    departments: tuple[str, ...] | None = None

    def may_read(self, audience: tuple[str, ...]) -> bool:
        """Tell whether a document with this audience is open to the asker; width and blanks in names make no difference.

        >>> Asker(("ＩＣＴ推進室",)).may_read(("ICT 推進室",)), Asker(("町民課",)).may_read(("税務課",)), Asker(()).may_read(())
        (True, False, True)
        """
        if self.departments is None or not audience:
            return True
        return not {*map(_plain_name, audience)}.isdisjoint(map(_plain_name, self.departments))


def _plain_name(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


EVERYONE = Asker(departments=())
"""A member of staff of no particular department: sees what all staff may see."""
COMMAND_LINE = Asker(departments=None)
"""The command line and the evaluation: see every document."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk: fused score (0 to 1), the score and rank of every leg, best first in any list of them.

    features: what the learned reranker looked at, by name; contributions: what each of them adds to the logarithm of the odds.
    sentence_odds: log odds that each sentence answers, by the reader; empty where it did not read the passage.
    edition: None for a document that is the only one of its text, and in force. others: where else the same is said.
    """

    chunk: Chunk
    metadata: Metadata
    score: float
    legs: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)
    contributions: Mapping[str, float] = field(default_factory=dict)
    sentence_odds: tuple[float, ...] = ()
    terms: tuple[str, ...] = ()
    edition: Edition | None = None
    others: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a chunk: its neighbours, and its section in order (the chunk itself among it).

    complete: the section was neither cut for its length nor for its distance.
    """

    before: Chunk | None
    after: Chunk | None
    section: tuple[Chunk, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation and its proof. `quote` is the spans' text joined by 「…」; verified: read back from the stored page.

    marks: the decisive words among the spans, as spans of the same page.
    """

    number: int
    source: str
    title: str
    locator: Locator
    page: int
    spans: tuple[Span, ...]
    quote: str
    verified: bool
    department: str | None = None
    edition: Edition | None = None
    marks: tuple[Span, ...] = ()

    @property
    def marked_quote(self) -> tuple[tuple[str, bool], ...]:
        """The quote in pieces, each with whether its words are decisive; joined, the pieces are the quote."""
        offset, marks = 0, []
        for span in self.spans:
            for mark in self.marks:
                first, last = max(mark.start, span.start), min(mark.end, span.end)
                if first < last:
                    marks.append((first - span.start + offset, last - span.start + offset))
            offset += span.end - span.start + len(ELLIPSIS)
        pieces, end = [], 0
        for first, last in sorted(marks):
            pieces += [(self.quote[end:first], False), (self.quote[max(first, end) : last], True)]
            end = max(end, last)
        return tuple(piece for piece in (*pieces, (self.quote[end:], False)) if piece[0])


@dataclass(frozen=True, slots=True)
class Place:
    """A place worth looking at: the nearest pages of a question that was not answered, or where else the same is said."""

    source: str
    title: str
    locator: Locator
    text: str
    edition: Edition | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """The department to ask, with its telephone extension when it is known."""

    department: str
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Warning_:
    """A caution that goes with an answer: a stable code and its Japanese sentence."""

    code: str
    message: str


class Status(StrEnum):
    """Whether a question was answered."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"


class Reason(StrEnum):
    """Why a question was not answered."""

    WEAK_EVIDENCE = "weak_evidence"
    OUT_OF_SCOPE = "out_of_scope"
    PERSONAL_DATA = "personal_data"
    NO_DOCUMENTS = "no_documents"


@dataclass(frozen=True, slots=True)
class Struck:
    """A statement that was taken out of a generated answer, and why, in Japanese."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checks:
    """What was checked before an answer was shown, and what was struck.

    quotes: read back from their pages. statements: sentences of a generated answer that were compared with the cited text; facts:
    the numbers, days, amounts, articles, forms, telephone numbers and names in them.
    """

    quotes: int = 0
    statements: int = 0
    facts: int = 0
    struck: tuple[Struck, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown to the person who asked. confidence: estimated probability that the answer is right, 0 to 1.

    understood: the question as it was understood, None where that is the question itself. sought: what was looked for, where
    nothing was found. follow_ups: questions that the documents can answer next.
    """

    status: Status
    text: str
    confidence: float
    engine: str
    elapsed_ms: float
    reason: Reason | None = None
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Place, ...] = ()
    contact: Contact | None = None
    warnings: tuple[Warning_, ...] = ()
    checks: Checks = Checks()
    understood: str | None = None
    sought: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation with its answer. id: under which it is remembered; None where it is not."""

    question: str
    answer: Answer
    asked_at: datetime
    id: str | None = None
