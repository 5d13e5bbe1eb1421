"""What is known of an index run that goes on in the background, or of the last one: values that the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rag.documents import Problem
from rag.progress import STAGES

if TYPE_CHECKING:
    from rag.indexing.sync import SyncReport


class JobStatus(StrEnum):
    """How an index run stands. REFUSED: the gate did not let it through; CRASHED: its process ended without a word."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    CRASHED = "crashed"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return _LABELS[self]

    @property
    def is_over(self) -> bool:
        """Tell whether another run can begin."""
        return self not in (JobStatus.RUNNING, JobStatus.CANCELLING)


_LABELS = {
    JobStatus.IDLE: "まだ実行していません",
    JobStatus.RUNNING: "取り込み中",
    JobStatus.CANCELLING: "中止しています",
    JobStatus.DONE: "終わりました",
    JobStatus.REFUSED: "質問集の確認で公開を見送りました",
    JobStatus.CANCELLED: "中止しました（索引は前のまま）",
    JobStatus.FAILED: "できませんでした（索引は前のまま）",
    JobStatus.CRASHED: "異常終了しました（索引は前のまま）",
}


@dataclass(frozen=True, slots=True)
class StageState:
    """How far one stage is. name: scan, read, embed, verify, gate, publish, adapt; total: 0 where nobody knows it yet."""

    name: str
    done: int
    total: int

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return STAGES.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a run changed. failed: files of this run that could not be read, with the reason; renamed: (old, new).

    published: whether a new snapshot answers; gate: what the question set said, one Japanese sentence.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    failed: tuple[Problem, ...] = ()
    problems: int = 0
    documents: int = 0
    pages: int = 0
    chunks: int = 0
    snapshot: str | None = None
    published: bool = False
    seconds: float = 0.0
    gate: str | None = None
    gate_passed: bool | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: SyncReport) -> JobReport:
        """Return what the page needs of a report."""
        read = {file.source for file in report.readability}
        of_this_run = {*report.added, *report.changed, *(new for _, new in report.renamed)}
        failed = (p for p in report.problems if p.source in of_this_run and p.source not in read)
        return cls(
            added=report.added,
            changed=report.changed,
            renamed=report.renamed,
            removed=report.removed,
            unchanged=len(report.unchanged),
            failed=tuple({problem.source: problem for problem in failed}.values()),
            problems=len(report.problems),
            documents=report.counts.documents,
            pages=report.counts.pages,
            chunks=report.counts.chunks,
            snapshot=report.snapshot,
            published=report.published,
            seconds=round(sum(report.seconds.values()), 1),
            gate=report.gate.summary if report.gate else None,
            gate_passed=report.gate.passed if report.gate else None,
            notices=report.notices,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobReport:
        """Return what the JSON form says."""
        lists = {name: tuple(values[name]) for name in ("added", "changed", "removed", "notices")}
        renamed = tuple((old, new) for old, new in values["renamed"])
        failed = tuple(Problem(**problem) for problem in values["failed"])
        return cls(**{**values, **lists, "renamed": renamed, "failed": failed})


@dataclass(frozen=True, slots=True)
class JobState:
    """An index run. started_by: who, as the page calls them; started_at: ISO 8601; stages: in the order in which they began.

    message, hint: what went wrong and what to do, in Japanese. asks_for_removal: it stopped because many documents are gone; start it
    again with allow_removal where that is right.
    """

    status: JobStatus = JobStatus.IDLE
    started_by: str = ""
    started_at: str | None = None
    full: bool = False
    gate: str | None = None
    stages: tuple[StageState, ...] = ()
    elapsed_seconds: float = 0.0
    message: str = ""
    hint: str = ""
    asks_for_removal: bool = False
    report: JobReport | None = None

    @property
    def stage(self) -> StageState | None:
        """The stage that it is in, or ended in."""
        return self.stages[-1] if self.stages else None

    @property
    def messages(self) -> tuple[str, ...]:
        """What the page tells people, in Japanese."""
        notices = self.report.notices if self.report else ()
        gate = self.report.gate if self.report else None
        return tuple(filter(None, (self.status.label, self.message, self.hint, gate, *notices)))

    def at(self, stage: str, done: int, total: int) -> JobState:
        """Return the state one step further; a stage that comes again after another is a new one."""
        now = StageState(stage, done, total)
        is_same = self.stage is not None and self.stage.name == stage
        return replace(self, stages=(*(self.stages[:-1] if is_same else self.stages), now))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobState:
        """Return what the JSON form says. Raises KeyError, TypeError or ValueError for another."""
        report = JobReport.from_dict(values["report"]) if values["report"] else None
        stages = tuple(StageState(**stage) for stage in values["stages"])
        return cls(**{**values, "status": JobStatus(values["status"]), "stages": stages, "report": report})
