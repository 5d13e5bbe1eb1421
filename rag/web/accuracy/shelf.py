"""The runs that are kept, newest first, read once; and what a person may see of one."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.comparison import Comparison, compare_runs
from eval.metrics import ACCURACY, compute_figure
from eval.records import QuestionRecord, RunRecord
from eval.runs import RunFileError, find_files, read_run
from rag.accounts.user import User
from rag.documents import COMMAND_LINE
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.assistant import Assistant

AUTO, NONE = "auto", "none"
"""Choices of what a run is compared with, besides the ids of runs: the one before over the same set, and nothing."""
MOST_LISTED = 50
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenSources:
    """The documents that a person may read. sources: None for every one."""

    sources: frozenset[str] | None

    @classmethod
    def of(cls, assistant: Assistant, user: User) -> OpenSources:
        """Return what a user may read of the present index; what is not in it any more only those who read everything."""
        if user.asker == COMMAND_LINE:
            return cls(None)
        return cls(frozenset(entry.source for entry in assistant.documents(user.asker)))

    def holds(self, source: str) -> bool:
        """Tell whether a document is open."""
        return self.sources is None or source in self.sources

    def hold_all(self, run: RunRecord) -> bool:
        """Tell whether nothing in a run stands in a document that is closed."""
        return all(self.holds(source) for result in run.results for source in _sources_of(result))


def _sources_of(result: QuestionRecord) -> Iterator[str]:
    yield from (hit.place.source for hit in result.hits)
    if result.answer:
        yield from (citation.place.source for citation in result.answer.citations)
        yield from (place.source for place in result.answer.nearest)


@functools.lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> RunRecord:
    return read_run(path)


class RunShelf:
    """The runs of a folder. What is no run of this version is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def runs(self) -> tuple[RunRecord, ...]:
        """Return the newest runs, newest first."""
        return tuple(run for path in reversed(find_files(self._folder)[-MOST_LISTED:]) if (run := self._open(path)))

    def find(self, id_: object) -> RunRecord:
        """Return a run by its id. Raises UsageError where there is none."""
        path = next((path for path in find_files(self._folder) if path.stem == id_), None)
        run = self._open(path) if path else None
        if run is None:
            raise UsageError("その測定は残っていません。", "一覧を開き直して、別の測定を選んでください。")
        return run

    def compare(self, run: RunRecord, wanted: object) -> Comparison | None:
        """Return what changed since another run. wanted: its id, AUTO or NONE. None where there is none."""
        if wanted == NONE or wanted == run.about.id:
            return None
        other = self._find_previous(run) if wanted in (AUTO, None, "") else self.find(wanted)
        return compare_runs(other, run) if other else None

    def _find_previous(self, run: RunRecord) -> RunRecord | None:
        key = run.about.questions.name, run.about.engine
        earlier = (other for other in self.runs() if other.about.started_at < run.about.started_at)
        return next((o for o in earlier if (o.about.questions.name, o.about.engine) == key), None)

    def _open(self, path: Path) -> RunRecord | None:
        try:
            return _read(path, path.stat().st_mtime_ns)
        except (RunFileError, OSError) as error:
            _log.warning("a run cannot be read: %s", type(error).__name__)
            return None


def name_run(run: RunRecord) -> str:
    """Return a run as people choose it from a list."""
    value = compute_figure(ACCURACY, run.outcomes).value
    accuracy = "—" if value is None else f"{value:.1%}"
    questions = run.about.questions
    return f"{run.about.started_at:%Y-%m-%d %H:%M}　{ACCURACY} {accuracy}（{questions.name}、{questions.count} 問）"
