"""What an exported conversation says, whatever its form: heading, notice, days, citations, and the pieces of an answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from rag.documents import CELL_SEPARATOR, Answer, Citation, Contact, Place, Standing, Status


class ExportForm(StrEnum):
    """The form of an exported conversation; its value is the suffix of the file."""

    MARKDOWN = "md"
    WORD = "docx"


MUST_CHECK = "この記録の回答は、職員が出典を確かめてから使ってください。"
CHANGED = "回答の後に文書が変わったか、開けなくなったため、引用を確かめられません。"
NOT_ANSWERED = "お答えできませんでした。"
_MARK = re.compile(r"\[(\d{1,3})\]")
_REIWA_BEGAN, _REIWA_OFFSET = datetime(2019, 5, 1), 2018
_INVISIBLE = frozenset({"Cc", "Cs", "Co", "Cn"})
_TURNS_TEXT = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")


def title_of(page_title: str) -> str:
    """Return the heading of a record."""
    return f"{clean(page_title)}　質問と回答の記録"


def notice_lines(notice: str) -> list[str]:
    """Return the lines of the notice, and last that staff must check."""
    return [*(line for part in notice.splitlines() if (line := clean(part).strip())), MUST_CHECK]


def clean(text: str) -> str:
    r"""Return text without characters that a document cannot hold or that turn its direction; line breaks stay, a tab is a blank.

    >>> clean("窓口\t300円\r\n\x07\u202e次の行\x00")
    '窓口　300円\n次の行'
    """
    lines = text.replace(CELL_SEPARATOR, "　").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        c for c in lines if c == "\n" or (unicodedata.category(c) not in _INVISIBLE and c not in _TURNS_TEXT)
    )


def clean_line(text: str) -> str:
    """Return text on one line, see `clean`."""
    return " ".join(clean(text).split())


def write_day(moment: datetime) -> str:
    """Return a moment as people write it, in the Japanese calendar.

    >>> write_day(datetime(2026, 4, 1, 9, 5)), write_day(datetime(2019, 5, 1, 13, 0)), write_day(datetime(2010, 1, 2, 3, 4))
    ('令和8年4月1日 9時05分', '令和元年5月1日 13時00分', '2010年1月2日 3時04分')
    """
    number = moment.year - _REIWA_OFFSET
    reiwa = moment.replace(tzinfo=None) >= _REIWA_BEGAN
    year = f"令和{'元' if number == 1 else number}" if reiwa else str(moment.year)
    return f"{year}年{moment.month}月{moment.day}日 {moment.hour}時{moment.minute:02}分"


def describe_citation(citation: Citation) -> str:
    """Return a citation as a footnote says it: document, place, department, the quotation and whether it was read back."""
    where = "、".join(
        clean_line(part)
        for part in (citation.locator.describe(citation.source), citation.department, _standing(citation))
        if part
    )
    quote = f"「{clean_line(citation.quote)}」" if citation.quote else ""
    checked = "（確認済み）" if citation.verified else f"（未確認: {CHANGED}）"
    return f"『{clean_line(citation.title)}』{where}。{quote}{checked}"


def _standing(citation: Citation) -> str:
    edition = citation.edition
    return edition.standing.label if edition and edition.standing is not Standing.CURRENT else ""


def describe_place(place: Place) -> str:
    """Return a place worth looking at: document and place."""
    return f"『{clean_line(place.title)}』{clean_line(place.locator.describe(place.source))}"


def describe_contact(contact: Contact) -> str:
    """Return whom to ask.

    >>> describe_contact(Contact("町民課", "111"))
    'お問い合わせ先: 町民課（内線 111）'
    """
    extension = f"（内線 {clean_line(contact.extension)}）" if contact.extension else ""
    return f"お問い合わせ先: {clean_line(contact.department)}{extension}"


def answer_text(answer: Answer) -> str:
    """Return what was answered; for no answer a sentence in any case."""
    return clean(answer.text).strip() or ("" if answer.status is Status.ANSWERED else NOT_ANSWERED)


def split_marks(text: str, citations: Sequence[Citation]) -> Iterator[tuple[str, Citation | None]]:
    """Yield (words, None) and ("", citation) in the order of an answer's text; a mark that cites nothing stays words.

    A citation without a mark follows at the end: no proof may be lost.
    """
    known = {citation.number: citation for citation in citations}
    end, seen = 0, set()
    for match in _MARK.finditer(text):
        if (citation := known.get(int(match[1]))) is not None:
            yield text[end : match.start()], None
            yield "", citation
            seen.add(citation.number)
            end = match.end()
    yield text[end:], None
    for citation in citations:
        if citation.number not in seen:
            yield "", citation
