"""Snapshots: publication moves every reader on and drops no question; rollback, pruning, and no leaks."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from fakes import BigramEmbedder, build_toy_pipeline, write_corpus

from rag.errors import IndexBuildError, IndexMismatchError, IndexMissingError
from rag.indexing.building import copy_snapshot
from rag.indexing.manifest import Manifest
from rag.indexing.snapshot import Snapshot, SnapshotReader, SnapshotStore, partial_id
from rag.indexing.sync import sync
from rag.settings import Settings

EMBEDDER = BigramEmbedder(dimension=256)
ROOT = Path(__file__).resolve().parents[1]


def build_index(root: Path, *, chunks: int = 3) -> SnapshotStore:
    """Index one file of numbered lines."""
    write_corpus(root / "corpus", {"文書.txt": "\n".join(f"第{n}条 手数料は{n}円です。" for n in range(chunks))})
    settings = Settings(corpus=root / "corpus", index=root / "index", workers=1)
    sync(settings, pipeline=build_toy_pipeline(), embedder=EMBEDDER)
    return SnapshotStore(settings.index)


def publish_copy(store: SnapshotStore) -> str:
    """Publish a snapshot with the content of the current one."""
    current = store.current_id()
    assert current is not None
    partial = store.new_partial()
    copy_snapshot(store.folder(current), partial)
    replace(store.manifest(current), id=partial_id(partial), parent=current).write(partial)
    return store.publish(partial)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return build_index(tmp_path)


def ask(snapshot: Snapshot) -> int:
    """Use all three stores; return the number of chunks found."""
    near = snapshot.vectors.search(EMBEDDER.embed_query("第1条 手数料は1円です。"), 3)
    worded = snapshot.lexical.search({"body": {"手数": 1.0, "料": 1.0, "手数料": 1.0}}, 3)
    return len(snapshot.catalog.chunks([id_ for id_, _ in near + worded]))


def test_nothing_indexed_yet_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="rag index"):
        SnapshotStore(tmp_path / "none").open_current()
    assert SnapshotStore(tmp_path / "none").current_id() is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embedder_fingerprint": "other"}, "埋め込みモデル"),
        ({"tokenizer_version": "0"}, "単語の分け方"),
        ({"format_version": 99}, "索引の形式"),
    ],
)
def test_opening_refuses_what_was_built_otherwise(store: SnapshotStore, change: dict[str, str], message: str) -> None:
    manifest = store.manifest()
    replace(manifest, recipe=replace(manifest.recipe, **change)).write(store.folder(manifest.id))  # type: ignore[arg-type]
    with pytest.raises(IndexMismatchError, match=rf"{message}[\s\S]*rag index --full"):
        store.open_current(EMBEDDER.fingerprint)


def test_a_broken_manifest_is_an_error_that_names_the_command(store: SnapshotStore) -> None:
    (store.folder(store.manifest().id) / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(IndexMismatchError, match="rag index --full"):
        store.open_current()


def test_the_manifest_tells_what_was_built(store: SnapshotStore) -> None:
    manifest = store.manifest()
    assert manifest.counts["chunks"] == 3 and list(manifest.sources) == ["文書.txt"] and manifest.parent is None
    assert manifest == Manifest.read(store.folder(manifest.id)) and {"read", "verify"} <= set(manifest.seconds)


def test_verify_notices_a_missing_chunk_in_either_leg(store: SnapshotStore) -> None:
    for leg in ("vectors", "lexical"):
        snapshot = store.open_current()
        getattr(snapshot, leg).delete(sorted(snapshot.catalog.chunk_ids())[:1])
        if leg == "lexical":
            snapshot.lexical.commit()  # type: ignore[attr-defined]
        with pytest.raises(IndexBuildError, match="不足 1"):
            snapshot.verify()
        snapshot.close()


def test_rollback_goes_to_the_one_published_before_and_says_which(store: SnapshotStore) -> None:
    first = store.current_id()
    second, third = publish_copy(store), publish_copy(store)
    rollback = store.rollback()
    assert (rollback.left, rollback.restored, store.current_id()) == (third, second, second)
    fourth = publish_copy(store)
    assert store.rollback().restored == second, "not to the third, which was left on purpose"
    assert store.rollback().restored == first and fourth > third
    with pytest.raises(IndexMissingError, match="残っていません"):
        store.rollback()


def test_pruning_keeps_the_line_of_the_current_one_and_what_is_open(store: SnapshotStore) -> None:
    first = store.current_id()
    opened = store.open_current()
    ids = [publish_copy(store) for _ in range(4)]
    assert store.prune(keep=1) == ids[:2] and store.snapshot_ids() == [first, *ids[2:]]
    assert ask(opened) == 3
    opened.close()
    assert store.prune(keep=1) == [first]
    store.rollback()
    assert store.prune(keep=0) == [ids[3]] and store.snapshot_ids() == [ids[2]]


def test_what_killed_runs_left_is_cleaned(store: SnapshotStore) -> None:
    partial = store.new_partial()
    (partial / "half").write_text("", encoding="utf-8")
    assert len(store.snapshot_ids()) == 1
    store.clean_partials()
    assert not partial.exists() and len(store.snapshot_ids()) == 1


def test_ids_rise_even_when_the_clock_goes_back(store: SnapshotStore) -> None:
    current = store.current_id()
    assert current is not None
    store.folder(current).rename(store.folder("29990101T000000000000Z"))
    assert partial_id(store.new_partial()) > "29990101T000000000000Z"


def test_a_question_keeps_its_snapshot_and_the_next_gets_the_new_one(store: SnapshotStore) -> None:
    reader = SnapshotReader(store, EMBEDDER.fingerprint)
    with reader.use() as old:
        new_id = publish_copy(store)
        with reader.use() as new:
            assert new.id == new_id != old.id and ask(new) == ask(old) == 3
        assert ask(old) == 3
    with reader.use() as again:
        assert again.id == new_id
        store.rollback()
    with reader.use() as back:
        assert back.id == old.id and ask(back) == 3
    reader.close()
    with pytest.raises(AttributeError):
        old.vectors.count()


def test_fifty_publications_under_a_reader_leak_nothing_and_drop_no_question(tmp_path: Path) -> None:
    store = build_index(tmp_path, chunks=1_500)
    reader = SnapshotReader(store, EMBEDDER.fingerprint)
    errors: list[BaseException] = []
    stop, asked = threading.Event(), [0, 0]

    def keep_asking(number: int) -> None:
        try:
            while not stop.is_set():
                with reader.use() as snapshot:
                    assert 3 <= ask(snapshot) <= 6
                asked[number] += 1
                time.sleep(0.002)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    process, marks = psutil.Process(), []
    for number in range(50):
        before = asked[0]
        publish_copy(store)
        store.prune(keep=1)
        while asked[0] < before + 2 and not errors:  # so that each snapshot is really opened
            time.sleep(0.001)
        if number in (14, 49):
            gc.collect()
            marks.append((process.memory_info().rss / 2**20, process.num_fds() if hasattr(process, "num_fds") else 0))
    stop.set()
    for thread in threads:
        thread.join()
    reader.close()
    assert errors == []
    (memory, files), (memory_after, files_after) = marks
    assert memory_after - memory < 40, f"{memory:.0f} -> {memory_after:.0f} MiB in 35 publications"
    assert files_after - files <= 12, f"{files} -> {files_after} open files"
    assert len(store.snapshot_ids()) <= 3


def test_another_process_reads_the_same_snapshot_while_this_one_does(store: SnapshotStore) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path; from rag.indexing.snapshot import SnapshotStore; from test_snapshot import ask\n"
        "for _ in range(5):\n"
        f"    s = SnapshotStore(Path({str(store.index_dir)!r})).open_current(); print(ask(s)); s.close()\n"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    while any(other.poll() is None for other in others):
        snapshot = store.open_current()
        assert ask(snapshot) == 3
        snapshot.close()
    assert [other.communicate()[0].split() for other in others] == [["3"] * 5] * 2
    snapshot = store.open_current()
    snapshot.verify()
    snapshot.close()


def test_importing_the_index_imports_no_heavy_library() -> None:
    code = "import sys, rag.indexing.snapshot, rag.indexing.sync; print([m for m in ('chromadb', 'torch', 'llama_index', 'tantivy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"
