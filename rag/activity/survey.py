"""The survey of three questions with five answers each, and its percentages."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from rag.activity.store import ActivityStore
from rag.errors import UsageError

OPTIONS = ("そう思う", "ややそう思う", "どちらともいえない", "あまりそう思わない", "そう思わない")
QUESTIONS = ("知りたいことが見つかりましたか。", "回答と出典は信頼できましたか。", "調べる時間は短くなりましたか。")


@dataclass(frozen=True, slots=True)
class SurveyItem:
    """One question of the survey: how often each of OPTIONS was chosen."""

    question: str
    counts: tuple[int, ...]

    @property
    def percentages(self) -> tuple[float, ...]:
        """The share of each option in per cent, one decimal; all 0 without answers."""
        total = sum(self.counts)
        return tuple(round(100 * count / total, 1) if total else 0.0 for count in self.counts)

    @property
    def positive_percentage(self) -> float:
        """The share of the first two options in per cent."""
        total = sum(self.counts)
        return round(100 * sum(self.counts[:2]) / total, 1) if total else 0.0


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """What everybody answered. respondents: how many people."""

    respondents: int
    items: tuple[SurveyItem, ...]


class Survey:
    """The survey of an installation: one answer a person, the latest; who did not sign in may answer again."""

    def __init__(self, store: ActivityStore) -> None:
        self._store = store

    def answer(self, choices: tuple[int, int, int], user: str | None = None) -> None:
        """Remember the answers of a person: for each of QUESTIONS the place in OPTIONS, from 1. Raises UsageError for others."""
        if len(choices) != len(QUESTIONS) or not all(1 <= choice <= len(OPTIONS) for choice in choices):
            raise UsageError(
                "アンケートの回答が正しくありません。",
                f"{len(QUESTIONS)}問とも、1〜{len(OPTIONS)} の中から選んでください。",
            )
        database, day = self._store.database, self._store.now().date().isoformat()
        respondent = database.pseudonym(user) or f"?{secrets.token_hex(8)}"
        with database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO surveyed VALUES (?, ?, ?, ?, ?)", (respondent, day, *choices))

    def result(self) -> SurveyResult:
        """Return the counts of all answers."""
        found = [tuple(row) for row in self._store.database.read("SELECT first, second, third FROM surveyed")]
        items = [
            SurveyItem(question, tuple(sum(row[place] == o for row in found) for o in range(1, len(OPTIONS) + 1)))
            for place, question in enumerate(QUESTIONS)
        ]
        return SurveyResult(len(found), tuple(items))
