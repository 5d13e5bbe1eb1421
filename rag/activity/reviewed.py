"""Reviewed answers: what a department replied, kept among the documents as a Q&A table that the index reads like any other.

corpus/確認済みQ&A.csv has the columns 質問, 回答, 所管課, 作成者, 確認日, 見直し日, 固定; staff may edit it in Excel. An entry with ○ in
固定 is pinned: it is the answer to its question, whatever else is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date

from rag.activity.candidates import Candidate, Candidates
from rag.activity.masking import clean_text, redact_texts
from rag.activity.question_form import normalize_question
from rag.activity.store import Clock, read_clock
from rag.activity.tables import Table, lock_tables, read_table, write_table
from rag.answering.privacy.finding import find_personal_data
from rag.answering.privacy.kinds import PersonalKind
from rag.errors import PersonalDataError, RagError, UsageError
from rag.settings import Settings

REVIEWED_FILE = "確認済みQ&A.csv"
COLUMNS = ("質問", "回答", "所管課", "作成者", "確認日", "見直し日", "固定")
PINNED = "○"
KEEPABLE = tuple(kind.label for kind in (PersonalKind.PHONE, PersonalKind.EMAIL, PersonalKind.ADDRESS))
"""What an official answer may say of an office; a person who has seen it decides."""
MAX_ANSWER_CHARS = 4_000
_HEADER_RECORDS = 1
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_BULLET = re.compile(r"^[-+]\s+")


@dataclass(frozen=True, slots=True)
class ReviewedEntry:
    """One reviewed answer. row: the number of its record in the file, as a citation's locator has it. Days: None where not written."""

    row: int
    question: str
    answer: str
    department: str
    author: str
    confirmed: date | None
    review_by: date | None
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What a department replies, before it is published. masked: what looks like personal data in it: (kind, text)."""

    question: str
    answer: str
    department: str
    author: str
    review_by: date
    is_pinned: bool = False
    masked: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """An entry that was written. problem: why it is not indexed yet, None where it is. candidate: its number among the cases."""

    entry: ReviewedEntry
    candidate: str
    problem: str | None = None


class ReviewedAnswers:
    """The reviewed answers of an installation. reindex: brings the index up to date; called after each change."""

    def __init__(self, settings: Settings, reindex: Callable[[], object], now: Clock = read_clock) -> None:
        self.file, self._settings = settings.corpus / REVIEWED_FILE, settings
        self._reindex, self._now = reindex, now
        self._pinned: tuple[tuple[int, int], dict[str, ReviewedEntry]] | None = None

    def prepare(
        self, question: str, answer: str, *, department: str, author: str, review_by: date, is_pinned: bool = False
    ) -> Reply:
        """Return a reply as it would be published, with what looks like personal data in it: to be shown to the author.

        Raises UsageError where something is empty, too long, or the review-by day is not in the future.
        """
        reply = Reply(
            " ".join(clean_text(question).split()),
            _BULLET.sub("・", clean_text(answer)),
            " ".join(clean_text(department).split()),
            " ".join(clean_text(author).split()),
            review_by,
            is_pinned,
        )
        self._check(reply)
        found = [*find_personal_data(reply.question), *find_personal_data(reply.answer)]
        masked = tuple(dict.fromkeys((datum.kind.label, datum.text) for datum in found))
        return replace(reply, masked=masked)

    def publish(self, reply: Reply, *, was_shown: bool = False, keep: Collection[str] = ()) -> Published:
        """Write a reply as an entry and as a case of the question set, and index it at once.

        Personal data is masked; keep: which of KEEPABLE stays in the answer (an office's own number). An entry with the same
        question takes the place of the earlier one. Raises PersonalDataError where something would be masked and nobody has seen it.
        """
        self._check(reply)
        if wrong := [kind for kind in keep if kind not in KEEPABLE]:
            raise UsageError(f"残せない種類です: {'、'.join(wrong)}", f"残せるのは {'・'.join(KEEPABLE)} だけです。")
        question, answer = redact_texts([reply.question])[0], _mask_except(reply.answer, keep)
        if (question, answer) != (reply.question, reply.answer) and not was_shown:
            raise PersonalDataError(
                "回答に個人情報と思われる部分があるため、まだ公開していません。",
                "伏せた文を確かめ、役場の連絡先として残すものを選んでから、公開してください。",
            )
        with lock_tables(self._settings.data_dir):
            table = self._read()
            place = self._write_entry(table, question, answer, reply)
            write_table(self.file, table)
        entry = _read_entry(table, place)
        case = Candidate(question, ((REVIEWED_FILE, str(entry.row)),), answer, "確認済みQ&A", True, entry.department)
        return Published(entry, Candidates(self._settings).add(case), self._index())

    def entries(self) -> tuple[ReviewedEntry, ...]:
        """Return all entries, in the order of the file."""
        table = self._read()
        return tuple(_read_entry(table, place) for place in range(len(table.rows)) if any(table.rows[place]))

    def find_entry(self, source: str, row: int | None) -> ReviewedEntry | None:
        """Return the entry that a citation shows (author and review-by day); None for a citation of another document."""
        if source != REVIEWED_FILE or row is None:
            return None
        return next((entry for entry in self.entries() if entry.row == row), None)

    def find_pinned(self, question: str) -> ReviewedEntry | None:
        """Return the official answer that is pinned to a question: equal but for politeness and ways of writing."""
        stamp = self._stamp()
        if stamp is None:
            return None
        if self._pinned is None or self._pinned[0] != stamp:
            self._pinned = (stamp, {normalize_question(e.question): e for e in self.entries() if e.is_pinned})
        return self._pinned[1].get(normalize_question(question))

    def pin(self, row: int, *, is_pinned: bool) -> Published:
        """Pin an entry to its question, or let it go. Raises UsageError where there is no such entry."""
        with lock_tables(self._settings.data_dir):
            table = self._read()
            place = row - _HEADER_RECORDS - 1
            if not 0 <= place < len(table.rows):
                raise UsageError(f"確認済みQ&A の {row} 件目はありません。", "一覧を開き直してください。")
            table.put(place, {"固定": PINNED if is_pinned else ""})
            write_table(self.file, table)
        return Published(_read_entry(table, place), "", self._index())

    def overdue(self) -> tuple[tuple[str, tuple[ReviewedEntry, ...]], ...]:
        """Return the entries past their review-by day, and those without one, by department."""
        today = self._now().date()
        late = [entry for entry in self.entries() if entry.review_by is None or entry.review_by < today]
        late.sort(key=lambda entry: (entry.review_by or date.min, entry.row))
        names = sorted({entry.department for entry in late})
        return tuple((name, tuple(entry for entry in late if entry.department == name)) for name in names)

    def _check(self, reply: Reply) -> None:
        for label, value in (
            ("質問", reply.question),
            ("回答", reply.answer),
            ("所管課", reply.department),
            ("作成者", reply.author),
        ):
            if not value.strip():
                raise UsageError(f"{label}が空です。", f"{label}を書いてから、公開してください。")
        if len(reply.answer) > MAX_ANSWER_CHARS:
            raise UsageError(
                f"回答が長すぎます（{len(reply.answer)}文字）。", f"{MAX_ANSWER_CHARS}文字以内に縮めてください。"
            )
        if reply.review_by <= self._now().date():
            raise UsageError(f"見直し日が今日までの日です: {reply.review_by}", "明日以後の日を書いてください。")

    def _write_entry(self, table: Table, question: str, answer: str, reply: Reply) -> int:
        form = normalize_question(question)
        places = range(len(table.rows))
        place = next((p for p in places if normalize_question(table.cell(p, "質問")) == form), len(places))
        cells = (question, answer, reply.department, reply.author, self._now().date().isoformat())
        pinned = PINNED if reply.is_pinned else ""
        table.put(place, dict(zip(COLUMNS, (*cells, reply.review_by.isoformat(), pinned), strict=True)))
        return place

    def _index(self) -> str | None:
        """Index what was written; return what went wrong, as the entry itself is safe in its file."""
        try:
            self._reindex()
        except RagError as error:
            return str(error)
        return None

    def _read(self) -> Table:
        return read_table(self.file, COLUMNS, required=COLUMNS[:2])

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self.file.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size


def _read_entry(table: Table, place: int) -> ReviewedEntry:
    question, answer, department, author, confirmed, review_by, pinned = (table.cell(place, name) for name in COLUMNS)
    row = place + _HEADER_RECORDS + 1
    days = _read_day(confirmed), _read_day(review_by)
    return ReviewedEntry(row, question, answer, department, author, *days, pinned.strip() in (PINNED, "◯", "〇"))


def _read_day(cell: str) -> date | None:
    """Return a day as we write it, or as Excel does; None for anything else.

    >>> _read_day("2027-03-31"), _read_day("2027/3/31"), _read_day("年度末"), _read_day("2027-02-30")
    (datetime.date(2027, 3, 31), datetime.date(2027, 3, 31), None, None)
    """
    match = _DAY.fullmatch(cell.strip())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _mask_except(text: str, keep: Collection[str]) -> str:
    """Return a text with its personal data masked, but for some kinds."""
    pieces, last = [], 0
    for found in find_personal_data(text):
        if found.kind.label not in keep:
            pieces += [text[last : found.start], f"【{found.kind.label}】"]
            last = found.end
    return "".join((*pieces, text[last:]))
