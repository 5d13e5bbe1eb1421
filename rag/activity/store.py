"""What was asked, what was answered, and what the people who asked said of it: kept for as long as the settings say."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta

from rag.activity import rows
from rag.activity.database import ACTIVITY_FILE, Database
from rag.activity.masking import clean_comment, clean_text, redact_answer
from rag.activity.question_form import normalize_question
from rag.activity.records import AskedQuestion, Asking, GivenAnswer, ShownDocument, Verdict
from rag.activity.visibility import Viewer, may_see
from rag.answer_json import answer_to_dict
from rag.documents import COMMAND_LINE, Answer, Asker
from rag.errors import UsageError
from rag.settings import Settings

Clock = Callable[[], datetime]
"""Returns the time with its zone: a day of the figures is a day there."""
_GONE = "その質問は記録にありません（保存の期間が過ぎたか、リンクが違います）。"


def read_clock() -> datetime:
    """Return the present time in the zone of the machine."""
    return datetime.now().astimezone()


class ActivityStore:
    """The questions of one installation; safe to use from many threads. Nothing personal is written."""

    def __init__(
        self, database: Database, settings: Settings, find_document: rows.FindDocument, now: Clock = read_clock
    ) -> None:
        self.database, self.now = database, now
        self._settings, self._find_document = settings, find_document
        self._swept: date | None = None
        self._forget_daily()

    @classmethod
    def open(cls, settings: Settings, find_document: rows.FindDocument, now: Clock = read_clock) -> ActivityStore:
        """Open data_dir/activity.sqlite, creating it where needed, and forget what is too old. Raises ActivityError."""
        return cls(Database(settings.data_dir / ACTIVITY_FILE), settings, find_document, now)

    def record(self, asking: Asking, answer: Answer, snapshot: str | None = None) -> str:
        """Remember a question and its answer without personal data; return the id of its permanent link."""
        self._forget_daily()
        question, given = redact_answer(clean_text(asking.question), answer_to_dict(answer))
        documents = rows.find_documents(answer, self._find_document)
        department = clean_text(asking.department) if asking.department else None
        id_, at, name = secrets.token_urlsafe(16), self.now(), self.database.pseudonym
        values = (
            id_, at.isoformat(), at.date().isoformat(), question, normalize_question(question), department,
            name(asking.user), name(asking.session), answer.status.value, answer.reason and answer.reason.value,
            answer.confidence, answer.engine, answer.elapsed_ms, rows.find_kind(answer, self._find_document),
            rows.find_department(answer, self._find_document), snapshot,
            json.dumps(given, ensure_ascii=False), rows.write_documents(documents),
        )  # fmt: skip
        with self.database.writing() as connection:
            connection.execute(f"INSERT INTO asked VALUES ({', '.join('?' * len(values))})", values)
        return id_

    def find(self, id: str, asker: Asker) -> GivenAnswer | None:
        """Return an answer as it was given; None where it is gone or shows a document that the asker may not read, then or now."""
        self._forget_daily()
        found = self.database.read(f"{rows.SELECT_GIVEN} WHERE asked.id = ?", (id,))
        given = rows.read_given(found[0]) if found else None
        return given if given and all(self._is_open(d, asker) for d in given.documents) else None

    def history(self, session: str) -> tuple[AskedQuestion, ...]:
        """Return the questions of a session, oldest first."""
        name = self.database.pseudonym(session)
        found = self.database.read(f"{rows.SELECT_ASKED} WHERE session = ? ORDER BY asked.at, asked.rowid", (name,))
        return tuple(map(rows.read_asked, found))

    def judge(self, id: str, verdict: Verdict, comment: str = "", user: str | None = None) -> None:
        """Remember what somebody says of an answer; a second judgement of the same person takes the place of the first.

        Raises UsageError for an answer that is not there and a comment that is too long.
        """
        values = (
            id,
            self.database.pseudonym(user) or "",
            self.now().isoformat(),
            verdict.value,
            clean_comment(comment),
        )
        self.check_known(id)
        with self.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO judged VALUES (?, ?, ?, ?, ?)", values)

    def questions(self, viewer: Viewer, since: date = date.min, until: date = date.max) -> tuple[AskedQuestion, ...]:
        """Return the questions of some days that a viewer may see, newest first."""
        visible_to = self._settings.questions_visible_to
        return tuple(q for q in reversed(self.entries(since, until)) if may_see(viewer, q, visible_to))

    def entries(self, since: date = date.min, until: date = date.max) -> tuple[AskedQuestion, ...]:
        """Return all questions of some days (both included), oldest first: for figures that name nobody."""
        self._forget_daily()
        query = f"{rows.SELECT_ASKED} WHERE day BETWEEN ? AND ? ORDER BY asked.at, asked.rowid"
        return tuple(map(rows.read_asked, self.database.read(query, (since.isoformat(), until.isoformat()))))

    def forget(self, before: date) -> int:
        """Delete what was asked and said before a day, for good; return how many questions went."""
        with self.database.writing() as connection:
            gone = connection.execute("DELETE FROM asked WHERE day < ?", (before.isoformat(),)).rowcount
            gone_survey = connection.execute("DELETE FROM surveyed WHERE day < ?", (before.isoformat(),)).rowcount
        if gone or gone_survey:
            self.database.shrink_log()
        return gone

    def check_known(self, id: str) -> None:
        """Raise UsageError for a question that is not remembered (any more)."""
        if not self.database.read("SELECT 1 FROM asked WHERE id = ?", (id,)):
            raise UsageError(_GONE, "質問し直して、新しい回答を評価してください。")

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _forget_daily(self) -> None:
        """Forget what is too old, at the first use of each day."""
        today = self.now().date()
        if self._swept != today:
            self._swept = today
            self.forget(today - timedelta(days=self._settings.question_days))

    def _is_open(self, document: ShownDocument, asker: Asker) -> bool:
        """Tell whether an asker could read a document then, and may read it now where it still is."""
        if asker == COMMAND_LINE:
            return True
        entry = self._find_document(document.source)
        then = document.audience is not None and asker.may_read(document.audience)
        return then and (entry is None or asker.may_read(entry.metadata.audience))
