"""All that しるべ remembers of its use, as one thing for the doors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

from rag.activity.candidates import Candidates, candidate_of_answer
from rag.activity.clusters import QuestionEmbedder
from rag.activity.gaps import Gap, Gaps, GapState
from rag.activity.ratings import Ratings
from rag.activity.reviewed import Published, Reply, ReviewedAnswers
from rag.activity.rows import FindDocument
from rag.activity.store import ActivityStore, Clock, read_clock
from rag.activity.survey import Survey
from rag.activity.time_saved import read_minutes
from rag.activity.usage import UsageReport, measure_usage
from rag.documents import COMMAND_LINE
from rag.errors import UsageError
from rag.settings import Settings


class Activity:
    """The parts: store (questions and judgements), ratings, survey, gaps, reviewed (answers), candidates (of the question set).

    find_document: a document by its source, as somebody sees it who may read everything. find_embedder: that of the published index.
    reindex: brings the index up to date. Doors check the role of the person before they call what changes or shows other people's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        find_document: FindDocument,
        find_embedder: Callable[[], QuestionEmbedder],
        reindex: Callable[[], object],
        now: Clock = read_clock,
    ) -> None:
        """Open what is remembered, and forget what is too old. Raises ActivityError."""
        self._settings = settings
        self.store = ActivityStore.open(settings, find_document, now)
        self.ratings, self.survey = Ratings(self.store), Survey(self.store)
        self.gaps = Gaps(self.store, find_embedder)
        self.reviewed = ReviewedAnswers(settings, reindex, now)
        self.candidates = Candidates(settings)

    def usage(self, since: date, until: date, departments: Sequence[str]) -> UsageReport:
        """Return the figures of some days, both included. departments: all of the town's. Raises SettingsError for minutes.toml."""
        return measure_usage(
            self.store.entries(since, until),
            since=since,
            until=until,
            departments=departments,
            minutes=read_minutes(self._settings.data_dir),
            survey=self.survey.result(),
        )

    def close_gap(self, gap: Gap, reply: Reply, *, was_shown: bool = False, keep: Collection[str] = ()) -> Published:
        """Publish the reply to a gap, and close it. Raises what `ReviewedAnswers.publish` raises; the gap is then as it was."""
        published = self.reviewed.publish(reply, was_shown=was_shown, keep=keep)
        self.gaps.mark(gap, GapState.CLOSED)
        return published

    def add_candidate(self, id: str) -> str:
        """Make a case of the question set out of an answer and what was said of it; return its number.

        Raises UsageError for an answer that is gone, and one whose places the question set cannot name.
        """
        given = self.store.find(id, COMMAND_LINE)
        if given is None:
            raise UsageError("その回答は記録にありません。", "質問し直してから、質問集に加えてください。")
        return self.candidates.add(candidate_of_answer(given))

    def close(self) -> None:
        """Close the files."""
        self.store.close()
