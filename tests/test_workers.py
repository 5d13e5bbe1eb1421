"""Worker processes: a file that hangs, dies or takes too much is stopped and named, and no other file suffers from it."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import build_toy_pipeline, list_toy_corpus, write_corpus

from rag.errors import IndexBuildError, ReadingError
from rag.indexing.preparation import Outcome, Task, Work, prepare_files
from rag.indexing.workers import Death, Limits, Reason, open_workers
from rag.reading.options import ReadingOptions

OPTIONS = ReadingOptions(
    max_seconds=5, max_memory_bytes=1_000_000_000
)  # a process loads its dictionaries with its first file


def prepare_texts(root: Path, texts: Mapping[str, str], *, workers: int = 2) -> list[Outcome]:
    """Write texts and prepare them under short limits."""
    write_corpus(root / "corpus", texts)
    listing = list_toy_corpus(root / "corpus")
    work = Work(build_toy_pipeline(), listing, root / "files", 400, OPTIONS)
    tasks = [Task(file, hashlib.sha256(file.path.read_bytes()).hexdigest()) for file in listing.files]
    return list(prepare_files(tasks, work, workers=workers))


def problems_of(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.source: outcome.problem.code for outcome in outcomes if outcome.problem}


def test_a_file_that_hangs_in_c_code_is_stopped_and_named(tmp_path: Path) -> None:
    texts = {"b.txt": "HANG"} | {f"{n:02}.txt": f"文書その{n}です。" for n in range(20)}
    started = time.monotonic()
    outcomes = prepare_texts(tmp_path, texts)
    assert problems_of(outcomes) == {"b.txt": "timeout"}
    assert [outcome.source for outcome in outcomes] == sorted(texts)
    assert time.monotonic() - started < 90
    (problem,) = (outcome.problem for outcome in outcomes if outcome.problem)
    assert "5 秒" in problem.message and "max_file_seconds" in problem.remedy


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_file_that_takes_too_much_memory_is_stopped_and_named(tmp_path: Path) -> None:
    outcomes = prepare_texts(tmp_path, {"a.txt": "HOG", "b.txt": "よい文書です。", "c.txt": "これもよい。"})
    assert problems_of(outcomes) == {"a.txt": "out_of_memory"}
    (problem,) = (outcome.problem for outcome in outcomes if outcome.problem)
    assert "1,000 MB" in problem.message and "max_worker_mb" in problem.remedy


def test_the_clock_stands_still_while_another_program_works(tmp_path: Path) -> None:
    outcomes = prepare_texts(tmp_path, {"a.txt": "RECOGNISE", "b.txt": "よい文書です。"})
    assert problems_of(outcomes) == {}


def test_a_death_is_told_apart_from_the_deaths_of_others(tmp_path: Path) -> None:
    texts = {"死1.txt": "DIE", "死2.txt": "DIE", "遅.txt": "HANG", "変.txt": "RAISE", "よい.txt": "本文です。"}
    outcomes = prepare_texts(tmp_path, texts)
    assert problems_of(outcomes) == {
        "死1.txt": "crashed",
        "死2.txt": "crashed",
        "遅.txt": "timeout",
        "変.txt": "unexpected",
    }
    assert next(o.problem.message for o in outcomes if o.problem and o.source == "死1.txt").count("終了コード 9") == 1


def test_memory_that_runs_out_in_this_process_is_the_files_problem_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("fakes.read_toy_document", run_out)
    outcomes = prepare_texts(tmp_path, {"a.txt": "本文です。"}, workers=1)
    assert problems_of(outcomes) == {"a.txt": "out_of_memory"}


def test_files_that_cannot_be_kept_stop_the_run_instead_of_being_blamed(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be", encoding="utf-8")
    for workers in (1, 2):
        with pytest.raises(IndexBuildError, match="控えを保存できません"):
            prepare_texts(tmp_path, {"a.txt": "本文です。"}, workers=workers)


def test_a_file_that_vanishes_before_it_is_read_says_so(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", {"a.txt": "本文です。"})
    listing = list_toy_corpus(tmp_path / "corpus")
    (tmp_path / "corpus/a.txt").unlink()
    work = Work(build_toy_pipeline(), listing, tmp_path / "files", 400)
    (outcome,) = prepare_files([Task(listing.files[0], "00")], work, workers=1)
    assert outcome.problem is not None and outcome.problem.code == "inaccessible"
    assert list((tmp_path / "files").iterdir()) == []


def test_a_file_that_grows_beyond_the_limit_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", {"a.txt": "あ" * 1_000_000})
    listing = list_toy_corpus(tmp_path / "corpus")
    work = Work(build_toy_pipeline(), listing, tmp_path / "files", 400, ReadingOptions(max_bytes=2_000_000))
    (outcome,) = prepare_files([Task(listing.files[0], "00")], work, workers=1)
    assert outcome.problem is not None and outcome.problem.code == "too_large"
    assert list((tmp_path / "files").iterdir()) == []


def die_the_second_time(task: int) -> int:
    """Die of the second task of a process, as one does whose earlier tasks have left a mess."""
    if (done := getattr(die_the_second_time, "done", 0)) == 1:
        os._exit(9)
    die_the_second_time.done = done + 1  # type: ignore[attr-defined]
    return task


def test_a_task_of_which_a_used_process_died_has_a_second_chance_in_a_fresh_one() -> None:
    limits = Limits(max_seconds=30, max_memory_bytes=1_000_000_000)
    with open_workers(die_the_second_time, count=1, limits=limits, preload=__name__) as workers:
        assert list(workers.run([1, 2, 3])) == [1, 2, 3]


def kill_oneself(task: int) -> None:
    os.kill(os.getpid(), task)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("signal_number", "reason"), [(9, Reason.OUT_OF_MEMORY), (11, Reason.CRASHED)])
def test_a_process_that_the_system_killed_was_too_large(signal_number: int, reason: Reason) -> None:
    limits = Limits(max_seconds=30, max_memory_bytes=1_000_000_000)
    with open_workers(kill_oneself, count=1, limits=limits, preload=__name__) as workers:
        assert list(workers.run([signal_number])) == [Death(reason, -signal_number)]


def test_leaving_early_ends_processes_that_are_at_work(tmp_path: Path) -> None:
    started = time.monotonic()
    limits = Limits(max_seconds=600, max_memory_bytes=1_000_000_000)
    with open_workers(time.sleep, count=2, limits=limits, preload=__name__) as workers:
        assert next(workers.run([0.0, 500.0, 500.0, 500.0])) is None
    assert time.monotonic() - started < 30


def test_errors_travel_between_processes_whole() -> None:
    error = pickle.loads(pickle.dumps(ReadingError("何が", "どうする", code="broken")))
    assert (type(error), error.message, error.hint, error.code) == (ReadingError, "何が", "どうする", "broken")
    assert str(error) == "何が\n対処: どうする"
