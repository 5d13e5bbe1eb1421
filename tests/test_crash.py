"""A writer that is killed at any instant leaves an index that answers, and the next run cleans up."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fakes import BigramEmbedder, build_toy_pipeline, write_corpus

from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import SyncReport, sync
from rag.settings import Settings

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks writers to kill them")
ROOT = Path(__file__).resolve().parents[1]
KILLS = 20
# A process that has imported everything and forks one writer per line that it is sent: so a kill costs no import.
NURSERY = """
import os, sys
sys.path.insert(0, "tests")
import chromadb, numpy, tantivy, filelock
from pathlib import Path
from rag.text import morphemes
from test_crash import run_sync
morphemes("用意")
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        run_sync(Path(line.strip()))
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


def run_sync(root: Path) -> SyncReport:
    settings = Settings(corpus=root / "corpus", index=root / "index", workers=1, snapshots_kept=1)
    return sync(settings, pipeline=build_toy_pipeline(), embedder=BigramEmbedder())


def run_slow_sync(root: Path) -> None:
    settings = Settings(corpus=root / "corpus", index=root / "index", workers=2)
    sync(settings, pipeline=build_toy_pipeline(), embedder=BigramEmbedder())


def write_round(root: Path, number: int) -> set[str]:
    """Change, add and remove files; return the texts that the corpus now holds."""
    texts = {f"変/{n}.txt": f"第{number}版の文書{n}です。\n共通の行{n}です。" for n in range(20)}
    texts |= {f"新/{number}-{n}.txt": f"第{number}回に加わった文書{n}です。" for n in range(3)}
    for old in (root / "corpus").glob("新/*.txt"):
        old.unlink()
    write_corpus(root / "corpus", texts)
    return {line for text in texts.values() for line in text.split("\n")}


def served_texts(root: Path) -> set[str]:
    """The texts of the published snapshot, whose three stores must agree and answer."""
    snapshot = SnapshotStore(root / "index").open_current(BigramEmbedder().fingerprint)
    try:
        snapshot.verify()
        found = snapshot.vectors.search(BigramEmbedder().embed_query("共通の行3です。"), 1)
        chunk, _ = snapshot.catalog.chunks([found[0][0]])[found[0][0]]
        assert chunk.text == "共通の行3です。"
        return {chunk.text for chunk, _ in snapshot.catalog.chunks(snapshot.catalog.chunk_ids()).values()}
    finally:
        snapshot.close()


@pytest.fixture
def nursery(tmp_path: Path):  # type: ignore[no-untyped-def]
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
    )
    yield process
    process.communicate()


def run_writer(nursery: subprocess.Popen[str], root: Path, *, kill_after: float | None) -> tuple[int, float]:
    """Start a writer, kill it after some seconds; return its wait status and how long it ran."""
    assert nursery.stdin is not None and nursery.stdout is not None
    nursery.stdin.write(f"{root}\n")
    pid, start = int(nursery.stdout.readline()), time.perf_counter()
    if kill_after is not None:
        time.sleep(kill_after)
        with contextlib.suppress(ProcessLookupError):  # it was quicker this time
            os.kill(pid, signal.SIGKILL)
    return int(nursery.stdout.readline()), time.perf_counter() - start


def test_killed_at_random_instants_the_old_answers_are_served_and_the_next_run_is_clean(
    tmp_path: Path, nursery: subprocess.Popen[str]
) -> None:
    write_round(tmp_path, 0)
    assert run_writer(nursery, tmp_path, kill_after=None)[0] == 0
    old = write_round(tmp_path, 1)
    status, seconds = run_writer(nursery, tmp_path, kill_after=None)
    assert status == 0 and served_texts(tmp_path) == old
    instants = random.Random(20260401)
    killed = 0
    for number in range(2, KILLS + 2):
        new = write_round(tmp_path, number)
        status, took = run_writer(nursery, tmp_path, kill_after=instants.uniform(0, seconds))
        killed += os.WIFSIGNALED(status)
        seconds = seconds if os.WIFSIGNALED(status) else min(seconds, took)  # the measured run was a slow one
        served = served_texts(tmp_path)
        assert served in (old, new), f"round {number} serves a mixture"
        report = run_sync(tmp_path)
        assert served_texts(tmp_path) == new and report.problems == ()
        assert [p.name for p in (tmp_path / "index" / "snapshots").glob(".*")] == []
        assert len(SnapshotStore(tmp_path / "index").snapshot_ids()) <= 2
        old = new
    assert killed >= KILLS // 2, f"only {killed} of {KILLS} writers were still at work"


def test_the_workers_of_a_killed_writer_do_not_outlive_it(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", {f"{n}.txt": f"SLOW {n}" for n in range(400)})
    code = f"import sys; sys.path.insert(0, 'tests'); from pathlib import Path; from test_crash import run_slow_sync; run_slow_sync(Path({str(tmp_path)!r}))"
    writer = psutil.Popen([sys.executable, "-c", code], cwd=ROOT)
    kept = tmp_path / "index" / "files"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not kept.exists() or len(list(kept.iterdir())) < 4):
        time.sleep(0.02)
    workers = writer.children(recursive=True)
    assert len(workers) >= 2, f"no worker was at work after 120 seconds: {workers}"
    writer.kill()
    writer.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    for worker in alive:
        worker.kill()
