"""Index runs in the background: watched, stopped at every stage while others ask, refused, crashed, and remembered."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import TOWN, build_town
from fakes import BigramEmbedder, build_toy_pipeline, write_corpus

from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Status
from rag.errors import (
    IndexCancelledError,
    IndexLockedError,
    IndexMissingError,
    QuestionSetError,
    RemovalGuardError,
    UsageError,
)
from rag.indexing import updating
from rag.indexing.lock import write_lock
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.indexing.sync import GateResult, SyncReport, sync
from rag.indexing.updating import update_index
from rag.library.job_state import JobReport, JobState, JobStatus
from rag.library.jobs import FOLDER, STATE_FILE, IndexJobs
from rag.library.snapshots import list_snapshots, rollback
from rag.settings import Settings

QUESTION = "宿泊料は一夜につきいくらですか"
SECONDS = 500.0
pytestmark = pytest.mark.timeout(600)  # each run is a process that imports everything, and a polite one
TEXTS = {f"{n}.txt": f"第{n}の文書です。\n共通の行です。" for n in range(6)}


# --- what runs in the other process: it travels by name ---------------------------------------------------------------


def update_up_to(stage: str, settings: Settings, *, progress: Any, checkpoint: Any, **options: Any) -> SyncReport:
    """Index as usual, but wait at a stage until the run is told to stop: so that no test depends on the clock."""

    def tell(name: str, done: int, total: int) -> None:
        progress(name, done, total)
        while name == stage:
            checkpoint()
            time.sleep(0.02)

    return update_index(settings, progress=tell, checkpoint=checkpoint, **options)


def update_deaf(settings: Settings, *, progress: Any, **options: Any) -> SyncReport:
    progress("read", 0, 1)
    time.sleep(600)
    raise AssertionError


def update_die(settings: Settings, *, progress: Any, **options: Any) -> SyncReport:
    progress("read", 1, 9)
    os._exit(9)


def update_break(settings: Settings, **options: Any) -> SyncReport:
    raise ZeroDivisionError("緑山花子さんの電話は 000-0000-0000")


def update_guard(settings: Settings, **options: Any) -> SyncReport:
    raise RemovalGuardError("4 件のうち 3 件がなくなっています。", "確かめてください。")


def build_strict_gate(questions: Path, settings: Settings) -> Callable[[Snapshot], GateResult]:
    if not questions.exists():
        raise QuestionSetError(f"質問集がありません: {questions}", "置いてください。")
    return lambda snapshot: GateResult("可" in questions.read_text(encoding="utf-8"), "正答率を比べました。")


# --- helpers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a town of this module's own, whose corpus has a change that nobody has indexed."""
    settings = build_town(tmp_path_factory.mktemp("town"))
    (settings.corpus / "新しい手引.txt").write_text("新しい手引です。申請は総務課で受け付けます。\n", encoding="utf-8")
    return settings


@contextmanager
def asking(settings: Settings) -> Iterator[list[Any]]:
    """Ask the same question all the time, in a thread of its own; lend what became of it."""
    answers: list[Any] = []
    stop = threading.Event()
    assistant = Assistant.open(settings)

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(assistant.ask(QUESTION, asker=COMMAND_LINE))
            except Exception as error:  # the test shows it
                answers.append(error)
            stop.wait(0.2)  # people pause, too

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()
        assistant.close()


def wait_for(jobs: IndexJobs, reached: Callable[[JobState], bool]) -> JobState:
    deadline = time.monotonic() + SECONDS
    while not reached(state := jobs.state()) and not state.status.is_over:
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def is_at(stage: str) -> Callable[[JobState], bool]:
    return lambda state: state.stage is not None and state.stage.name == stage


def leftovers(settings: Settings) -> list[str]:
    return [path.name for path in (settings.index / "snapshots").glob(".*")]


@contextmanager
def running(settings: Settings, update: Any, **options: Any) -> Iterator[IndexJobs]:
    jobs = IndexJobs(settings, update=update, build_gate=build_strict_gate, **options)
    try:
        yield jobs
    finally:
        jobs.close()


# --- runs in a process of their own -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["scan", "read", "verify", "gate", "publish"])
def test_stopped_at_any_stage_nothing_is_published_and_questions_go_on(
    town: Settings, stage: str, tmp_path: Path
) -> None:
    (tmp_path / "q.csv").write_text("可", encoding="utf-8")
    before = SnapshotStore(town.index).snapshot_ids()
    with asking(town) as answers, running(town, functools.partial(update_up_to, stage)) as jobs:
        jobs.start(gate=tmp_path / "q.csv", started_by="緑沢")
        assert wait_for(jobs, is_at(stage)).status is JobStatus.RUNNING
        with pytest.raises(IndexLockedError, match=r"緑沢が .* から取り込みを実行しています"):
            jobs.start()
        count = len(answers)
        while len(answers) < count + 2:  # others ask while it runs
            time.sleep(0.02)
        assert jobs.cancel().status in (JobStatus.CANCELLING, JobStatus.CANCELLED)
        state = jobs.wait(SECONDS)
        assert (state.status, state.report) == (JobStatus.CANCELLED, None) and "前のまま" in " ".join(state.messages)
    assert SnapshotStore(town.index).snapshot_ids() == before and leftovers(town) == []
    assert all(getattr(answer, "status", answer) is Status.ANSWERED for answer in answers), answers[-1]
    with write_lock(town.index):  # the lock is free again
        pass


def test_a_run_tells_how_far_it_is_what_it_changed_and_is_remembered(tmp_path: Path) -> None:
    town = build_town(tmp_path)
    (town.corpus / "新しい手引.txt").write_text("新しい手引です。申請は総務課で受け付けます。\n", encoding="utf-8")
    (town.corpus / "壊れた.pdf").write_bytes(b"%PDF-1.7 broken")
    (town.corpus / "環境課/ごみの出し方.md").unlink()
    with running(town, update_index) as jobs:
        assert jobs.state() == JobState() and jobs.cancel() == JobState()
        jobs.start(started_by="緑沢")
        state = jobs.wait(SECONDS)
        assert state.status is JobStatus.DONE, state
        assert [(s.name, s.done == s.total) for s in state.stages] == [
            (name, True) for name in ("scan", "read", "verify", "publish")
        ]
        assert state.stages[1].label == "読み取りと索引" and state.elapsed_seconds > 0
        report = state.report
        assert report is not None and report.published
        assert (report.added, report.removed) == (("壊れた.pdf", "新しい手引.txt"), ("環境課/ごみの出し方.md",))
        assert [p.source for p in report.failed] == ["壊れた.pdf"] and report.failed[0].remedy
        assert report.unchanged == len(TOWN) - 1
        assert IndexJobs(town).state() == state  # after a restart of the server
        jobs.start()
        assert "変更はありませんでした" in jobs.wait(SECONDS).message
    rows = list_snapshots(town)
    assert [row.is_current for row in rows] == [True, False] and rows[0].parent == rows[1].id
    assert rows[0].documents == len(TOWN) and rows[0].created_at and rows[0].obstacle is None
    with asking(town) as answers:
        assert rollback(town).restored == rows[1].id
        assert rollback(town, rows[0].id).left == rows[1].id  # forward again
        with pytest.raises(UsageError, match="今使っている"):
            rollback(town, rows[0].id)
        for unknown in ("../../etc", "無い"):
            with pytest.raises(IndexMissingError, match="残っていません"):
                rollback(town, unknown)
        with write_lock(town.index), pytest.raises(IndexLockedError):
            rollback(town)
        count = len(answers)
        while len(answers) < count + 1:
            time.sleep(0.02)
    assert all(getattr(answer, "status", answer) is Status.ANSWERED for answer in answers), answers[-1]


def test_a_gate_that_says_no_publishes_nothing_and_one_that_cannot_be_stops_at_once(
    town: Settings, tmp_path: Path
) -> None:
    (tmp_path / "q.csv").write_text("否", encoding="utf-8")
    before = SnapshotStore(town.index).current_id()
    with running(town, update_index) as jobs:
        with pytest.raises(QuestionSetError):
            jobs.start(gate=tmp_path / "無い.csv")
        jobs.start(gate=tmp_path / "q.csv")
        state = jobs.wait(SECONDS)
    assert state.status is JobStatus.REFUSED and "正答率を比べました。" in state.messages
    assert SnapshotStore(town.index).current_id() == before
    with pytest.raises(UsageError, match="質問集"):
        IndexJobs(town).start(gate=tmp_path / "q.csv")


def test_a_run_that_does_not_listen_is_ended(town: Settings) -> None:
    with running(town, update_deaf, grace_seconds=0.1) as jobs:
        jobs.start()
        wait_for(jobs, is_at("read"))
        jobs.cancel()
        assert jobs.wait(SECONDS).status is JobStatus.CANCELLED


@pytest.mark.parametrize(
    ("update", "status", "said"),
    [
        (update_die, JobStatus.CRASHED, "終了コード 9"),
        (update_break, JobStatus.FAILED, "ZeroDivisionError"),
        (update_guard, JobStatus.FAILED, "3 件"),
    ],
)
def test_however_a_run_ends_the_page_can_say_so(tmp_path: Path, update: Any, status: JobStatus, said: str) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data")
    with running(settings, update) as jobs:
        jobs.start()
        state = jobs.wait(SECONDS)
    assert state.status is status and said in state.message and state.hint
    assert state.asks_for_removal == (update is update_guard)
    for path in (settings.data_dir / FOLDER).iterdir():
        assert "緑山" not in path.read_text(encoding="utf-8"), "what was read is in a log"


def test_a_server_that_stops_takes_its_run_along_and_the_next_one_says_so(tmp_path: Path) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data")
    jobs = IndexJobs(settings, update=update_deaf)
    jobs.start()
    wait_for(jobs, is_at("read"))
    text = (settings.data_dir / FOLDER / STATE_FILE).read_text(encoding="utf-8")
    jobs.close()
    assert jobs.state().status is JobStatus.CANCELLED
    (settings.data_dir / FOLDER / STATE_FILE).write_text(text, encoding="utf-8")
    state = IndexJobs(settings).state()
    assert state.status is JobStatus.CRASHED and "サーバーが止まった" in state.message
    (settings.data_dir / FOLDER / STATE_FILE).write_text("{", encoding="utf-8")
    assert IndexJobs(settings).state() == JobState()


def test_a_run_of_another_process_is_named(tmp_path: Path) -> None:
    settings = Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", data_dir=tmp_path / "data")
    with write_lock(settings.index), pytest.raises(IndexLockedError, match=rf"プロセス {os.getpid()}、"):
        IndexJobs(settings).start()
    assert IndexJobs(settings).state() == JobState()


def test_a_state_is_the_same_after_it_was_written_down() -> None:
    report = JobReport(added=("a",), renamed=(("b", "c"),), gate="よい", gate_passed=True, notices=("注意",))
    state = JobState(JobStatus.DONE, "緑沢", "2026-04-01T09:00:00+09:00", True, "q.csv", report=report).at("scan", 1, 2)
    again = state.at("scan", 2, 2).at("read", 0, 5)
    assert [(s.name, s.done, s.total) for s in again.stages] == [("scan", 2, 2), ("read", 0, 5)]
    assert JobState.from_dict(again.to_dict()) == again


# --- the checkpoints of an index run ----------------------------------------------------------------------------------


@dataclasses.dataclass
class Stopper:
    """Stops a run at the nth step of a stage."""

    stage: str
    step: int = 1
    seen: int = 0

    def progress(self, stage: str, done: int, total: int) -> None:
        self.seen += stage == self.stage

    def checkpoint(self) -> None:
        if self.seen >= self.step:
            raise IndexCancelledError("中止", "もう一度")


def toy(root: Path) -> Settings:
    write_corpus(root / "corpus", TEXTS)
    return Settings(corpus=root / "corpus", index=root / "index", workers=1, adapt="off")


def run_toy(settings: Settings, embedder: BigramEmbedder, **options: Any) -> SyncReport:
    return sync(settings, pipeline=build_toy_pipeline(), embedder=embedder, **options)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("stage", "step"),
    [("scan", 1), ("scan", 7), ("embed", 2), ("read", 1), ("verify", 1), ("verify", 2), ("publish", 1)],
)
def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path: Path, stage: str, step: int, workers: int) -> None:
    settings = dataclasses.replace(toy(tmp_path), workers=workers)
    run_toy(dataclasses.replace(settings, workers=1), BigramEmbedder())
    write_corpus(settings.corpus, {"新.txt": "新しい文書です。"})
    before = SnapshotStore(settings.index).current_id()
    stopper = Stopper(stage, step)
    embedder = BigramEmbedder(dimension=32)  # another one: every chunk is embedded again
    with pytest.raises(IndexCancelledError):
        run_toy(settings, embedder, progress=stopper.progress, checkpoint=stopper.checkpoint)
    assert SnapshotStore(settings.index).snapshot_ids() == [before] and leftovers(settings) == []
    report = run_toy(dataclasses.replace(settings, workers=1), embedder)
    assert report.published and report.added == ("新.txt",)


def test_what_is_published_is_not_stopped_any_more(tmp_path: Path) -> None:
    settings, stopper = toy(tmp_path), Stopper("publish", 2)
    report = run_toy(settings, BigramEmbedder(), progress=stopper.progress, checkpoint=stopper.checkpoint)
    assert report.published and stopper.seen == 2


def test_stopping_the_adaptation_keeps_the_changes_that_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, stopper = toy(tmp_path), Stopper("adapt")
    monkeypatch.setattr(updating, "is_due", lambda settings, chunks: True)
    monkeypatch.setattr(updating, "sync", functools.partial(sync, embedder=BigramEmbedder()))

    def adapt(*arguments: Any, progress: Any, **options: Any) -> None:
        progress("adapt", 1, 9)

    monkeypatch.setattr(updating, "adapt_embedder", adapt)
    report = update_index(
        settings, pipeline=build_toy_pipeline(), progress=stopper.progress, checkpoint=stopper.checkpoint
    )
    assert report.published and report.notices == (updating.STOPPED,)
