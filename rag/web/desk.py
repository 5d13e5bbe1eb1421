"""The desk where questions are answered, for the page and the API alike: what is pinned first, then what the documents say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.accounts.user import User
from rag.activity import Activity, Asking, Verdict
from rag.asking import is_thanks
from rag.documents import Answer, Asker, Filters, Reason, Status
from rag.errors import RagError
from rag.web.links import Links

if TYPE_CHECKING:
    from rag.activity.reviewed import ReviewedEntry
    from rag.assistant import Assistant

THANKS = "お役に立てば幸いです。ほかに知りたいことがあれば、続けて質問してください。"
History = Sequence[tuple[str, str]]
_log = logging.getLogger(__name__)


class Desk:
    """Answer questions and remember them. Nothing that is remembered beside an answer may cost the answer itself."""

    def __init__(self, assistant: Assistant, activity: Activity) -> None:
        self.assistant, self.activity = assistant, activity

    def answer(self, question: str, history: History, filters: Filters, asker: Asker) -> Answer:
        """Return the official answer that is pinned to a question, else the one of the documents. Raises as `Assistant.ask` does.

        With filters somebody looks for something of his own, and nothing is pinned to that.
        """
        pinned = None if filters else self._answer_pinned(question, asker)
        return pinned or self.assistant.ask(question, history, filters=filters, asker=asker)

    def suggest(
        self, question: str, answer: Answer, history: History, filters: Filters, asker: Asker
    ) -> tuple[str, ...]:
        """Return what to ask next; an answer that is there already must not go because that fails."""
        try:
            return answer.follow_ups or self.assistant.suggest(question, answer, history, filters=filters, asker=asker)
        except Exception:
            _log.exception("no questions could be suggested")
            return ()

    def remember(self, question: str, answer: Answer, user: User, session: str | None, *, named: bool) -> str | None:
        """Remember a question with its answer; return the id of its permanent link, None where it could not be kept.

        named: the user has signed in, so that he is not one of many.
        """
        asking = Asking(question, _department_of(user), user.name if named else None, session)
        try:
            return self.activity.store.record(asking, answer, self.assistant.snapshot_id())
        except Exception:
            _log.exception("a question could not be remembered")
            return None

    def find_said(self, id: str | None, asker: Asker) -> tuple[Verdict | None, str]:
        """Return what was said of an answer: the verdict and the comment."""
        given = self.activity.store.find(id, asker) if id else None
        return (given.asked.verdict, given.asked.comment) if given else (None, "")

    def links(self, asker: Asker) -> Links:
        """Return the addresses that an asker may open, with what is known of reviewed answers."""
        return Links(self.assistant, asker, self.find_reviewed)

    def find_reviewed(self, source: str, row: int | None) -> ReviewedEntry | None:
        """Return who wrote the official answer of a row and until when it holds; None for any other row."""
        try:
            return self.activity.reviewed.find_entry(source, row)
        except RagError:
            _log.exception("the reviewed answers could not be read")
            return None

    def _answer_pinned(self, question: str, asker: Asker) -> Answer | None:
        try:
            entry = self.activity.reviewed.find_pinned(question)
        except RagError:
            _log.exception("the reviewed answers could not be read")
            return None
        if entry is None:
            return None
        return self.assistant.answer_with_row(entry.question, self.activity.reviewed.file.name, entry.row, asker)


def thank(question: str, history: History) -> Answer | None:
    """Return what is said to somebody who only says thank you for the answer before; None for a question."""
    if not history or not is_thanks(question):
        return None
    return Answer(Status.NO_ANSWER, THANKS, 0.0, "thanks", 0.0, reason=Reason.OUT_OF_SCOPE)


def _department_of(user: User) -> str | None:
    """Return the department of a user: the first of those whose documents he may read."""
    return user.departments[0] if user.departments else None
