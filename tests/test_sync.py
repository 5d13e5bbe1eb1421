"""sync: the difference between corpus and index is built aside, checked and published, or nothing changes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import BigramEmbedder, ToyListing, build_toy_pipeline, write_corpus

from rag.errors import IndexBuildError, IndexLockedError, IndexMismatchError, RemovalGuardError, UsageError
from rag.indexing import building, originals
from rag.indexing.lock import write_lock
from rag.indexing.originals import FILES
from rag.indexing.pipeline import metadata_hash
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.indexing.sync import GateResult, SyncReport, sync
from rag.reading.metadata import MetadataRow
from rag.settings import Settings

ROOT = Path(__file__).parents[1]

TEXTS = {
    "市民課/転出.txt": "転出届は14日以内に提出します。\n本人確認書類が必要です。\n- 1 -",
    "市民課/印鑑.txt": "印鑑登録は市民課の窓口で行います。\f印鑑登録証明書は一通三百円です。",
    "税務課/固定資産.txt": "固定資産税の納期は四月です。",
    "環境.txt": "燃えるごみは月曜日と木曜日に出します。",
}


class Town:
    """A small corpus with its settings."""

    def __init__(self, root: Path) -> None:
        self.corpus, self.index = root / "corpus", root / "indexes" / "default"
        self.settings = Settings(corpus=self.corpus, index=self.index, workers=1)
        self.embedder = BigramEmbedder()
        write_corpus(self.corpus, TEXTS)

    def sync(self, **options: object) -> SyncReport:
        arguments = {"pipeline": build_toy_pipeline(), "embedder": self.embedder, **options}
        return sync(self.settings, **arguments)  # type: ignore[arg-type]

    def open(self) -> Snapshot:
        return SnapshotStore(self.index).open_current(self.embedder.fingerprint)

    def texts(self) -> set[str]:
        """The text of every chunk; proves on the way that the three stores are about the same chunks."""
        snapshot = self.open()
        try:
            snapshot.verify()
            ids = snapshot.catalog.chunk_ids()
            assert ids == snapshot.vectors.ids() == snapshot.lexical.ids()
            return {chunk.text for chunk, _ in snapshot.catalog.chunks(ids).values()}
        finally:
            snapshot.close()

    def snapshots(self) -> list[str]:
        return SnapshotStore(self.index).snapshot_ids()

    def leftovers(self) -> list[str]:
        return [p.name for p in (self.index / "snapshots").glob(".*")]


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def all_lines(texts: dict[str, str]) -> set[str]:
    return {line for text in texts.values() for line in text.replace("\f", "\n").split("\n") if line[:1] != "-"}


def test_a_first_run_indexes_every_paragraph_in_all_three_stores(town: Town) -> None:
    report = town.sync()
    assert report.published and report.added == tuple(sorted(TEXTS))
    assert (report.counts.documents, report.counts.chunks) == (4, 6)
    assert town.texts() == all_lines(TEXTS)


def test_an_unchanged_corpus_is_no_work_and_no_new_snapshot(town: Town) -> None:
    first = town.sync()
    town.embedder.embedded.clear()
    second = town.sync()
    assert not second.published and second.snapshot == first.snapshot and second.unchanged == tuple(sorted(TEXTS))
    assert town.embedder.embedded == [] and len(town.snapshots()) == 1


def test_changing_a_file_changes_its_chunks_only(town: Town) -> None:
    town.sync()
    town.embedder.embedded.clear()
    write_corpus(town.corpus, {"環境.txt": "燃えるごみは月曜日と木曜日に出します。\n粗大ごみは予約制です。"})
    report = town.sync()
    assert report.changed == ("環境.txt",) and report.added == report.removed == ()
    assert town.texts() == all_lines(TEXTS) | {"粗大ごみは予約制です。"}
    assert town.embedder.embedded == ["無題\n粗大ごみは予約制です。"]


def test_a_shortened_file_leaves_none_of_its_old_chunks_anywhere(town: Town) -> None:
    town.sync()
    write_corpus(town.corpus, {"市民課/転出.txt": "転入届も同じです。"})
    town.sync()
    assert town.texts() == all_lines(TEXTS | {"市民課/転出.txt": "転入届も同じです。"})


def test_a_deleted_file_leaves_nothing_in_any_store(town: Town) -> None:
    town.sync()
    (town.corpus / "環境.txt").unlink()
    report = town.sync()
    assert report.removed == ("環境.txt",)
    snapshot = town.open()
    try:
        assert snapshot.catalog.document("環境.txt") is None and snapshot.catalog.pages("環境.txt") == []
        vector = town.embedder.embed_query("燃えるごみ")
        found = [id_ for id_, _ in snapshot.vectors.search(vector, 10)]
        assert (
            all(chunk.source != "環境.txt" for chunk, _ in snapshot.catalog.chunks(found).values()) and len(found) == 5
        )
        assert snapshot.lexical.search({"bigrams": {"ごみ": 1.0}}, 10) == []
    finally:
        snapshot.close()
    assert town.texts() == all_lines({k: v for k, v in TEXTS.items() if k != "環境.txt"})


def test_a_renamed_file_is_not_embedded_again(town: Town) -> None:
    town.sync()
    town.embedder.embedded.clear()
    (town.corpus / "環境.txt").rename(town.corpus / "ごみ.txt")
    report = town.sync()
    assert report.renamed == (("環境.txt", "ごみ.txt"),) and report.added == report.removed == ()
    assert town.embedder.embedded == [] and town.texts() == all_lines(TEXTS)
    snapshot = town.open()
    assert [entry.source for entry in snapshot.catalog.documents()].count("ごみ.txt") == 1
    snapshot.close()


def test_a_change_of_metadata_alone_reaches_the_index(town: Town) -> None:
    town.sync()
    (town.corpus / "titles.csv").write_text("環境.txt,ごみの手引き\nこの行は壊れている", encoding="utf-8")
    report = town.sync()
    assert report.changed == ("環境.txt",)
    assert [problem.message for problem in report.problems] == ["読めない行: この行は壊れている"]
    snapshot = town.open()
    entry = snapshot.catalog.document("環境.txt")
    assert entry is not None and entry.metadata.title == "ごみの手引き"
    assert len(snapshot.lexical.search({"title": {"手引き": 1.0}}, 5)) == 1
    snapshot.close()
    assert not town.sync().published


def test_mending_the_metadata_file_clears_its_problem(town: Town) -> None:
    (town.corpus / "titles.csv").write_text("壊れた行", encoding="utf-8")
    assert len(town.sync().problems) == 1
    (town.corpus / "titles.csv").unlink()
    report = town.sync()
    assert report.published and report.problems == () and report.changed == ()


def test_unreadable_files_are_listed_every_time_and_the_rest_is_indexed(town: Town) -> None:
    write_corpus(town.corpus, {"秘密.txt": "UNREADABLE", "変.txt": "RAISE"})
    report = town.sync()
    assert {(p.source, p.code) for p in report.problems} == {("秘密.txt", "encrypted"), ("変.txt", "unexpected")}
    assert (report.counts.documents, report.counts.unreadable) == (4, 2)
    again = town.sync()
    assert not again.published and again.problems == report.problems
    write_corpus(town.corpus, {"秘密.txt": "もう秘密ではありません。", "変.txt": "直りました。"})
    assert town.sync().problems == ()
    assert town.texts() == all_lines(TEXTS) | {"もう秘密ではありません。", "直りました。"}


def test_a_readable_file_that_becomes_unreadable_leaves_the_index(town: Town) -> None:
    town.sync()
    write_corpus(town.corpus, {"環境.txt": "UNREADABLE"})
    report = town.sync()
    assert [p.code for p in report.problems] == ["encrypted"]
    assert town.texts() == all_lines({k: v for k, v in TEXTS.items() if k != "環境.txt"})


@pytest.mark.parametrize("full", [False, True])
def test_a_file_that_cannot_be_opened_now_keeps_its_indexed_content(
    town: Town, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    town.sync()

    def refuse(path: Path) -> str:
        if path.name == "環境.txt":
            raise PermissionError(13, "Permission denied")
        return originals.hash_file(path)

    monkeypatch.setattr("rag.indexing.plan.hash_file", refuse)
    report = town.sync(full=full)
    assert [p.code for p in report.problems] == ["inaccessible"] and town.texts() == all_lines(TEXTS)
    monkeypatch.undo()
    assert town.sync().problems == ()


def test_a_row_that_moves_in_the_metadata_file_changes_nothing() -> None:
    above, below = (ToyListing((), {"a.txt": MetadataRow(row, title="規程")}) for row in (2, 3))
    other = ToyListing((), {"a.txt": MetadataRow(3, title="通知")})
    assert metadata_hash(above, "a.txt") == metadata_hash(below, "a.txt")
    assert len({metadata_hash(below, "a.txt"), metadata_hash(other, "a.txt"), metadata_hash(other, "b.txt")}) == 3


def test_worker_processes_give_the_same_index_and_survive_a_file_that_kills_them(town: Town) -> None:
    write_corpus(town.corpus, {"毒.txt": "DIE", **{f"多/{i:02}.txt": f"文書その{i}です。" for i in range(12)}})
    town.settings = dataclasses.replace(town.settings, workers=2)
    report = town.sync()
    assert [(p.source, p.code) for p in report.problems] == [("毒.txt", "crashed")]
    assert town.texts() == all_lines(TEXTS) | {f"文書その{i}です。" for i in range(12)}


def test_removing_more_than_half_stops_and_names_the_way_on(town: Town) -> None:
    town.sync()
    for source in list(TEXTS)[:3]:
        (town.corpus / source).unlink()
    with pytest.raises(RemovalGuardError, match=r"4 件のうち 3 件[\s\S]*--allow-removal"):
        town.sync()
    assert town.texts() == all_lines(TEXTS)
    assert len(town.sync(allow_removal=True).removed) == 3
    assert town.texts() == {"燃えるごみは月曜日と木曜日に出します。"}


def test_removing_exactly_half_is_allowed(town: Town) -> None:
    town.sync()
    for source in list(TEXTS)[:2]:
        (town.corpus / source).unlink()
    assert len(town.sync().removed) == 2


def test_a_vanished_corpus_folder_stops_even_when_removal_is_allowed(town: Town) -> None:
    town.sync()
    town.corpus.rename(town.corpus.with_name("elsewhere"))
    with pytest.raises(RemovalGuardError, match="見つかりません"):
        town.sync(allow_removal=True)
    assert town.texts() == all_lines(TEXTS)


def test_no_corpus_and_an_empty_corpus_say_what_to_do(tmp_path: Path) -> None:
    town = Town(tmp_path)
    with pytest.raises(UsageError, match="フォルダーを作って"):
        sync(
            dataclasses.replace(town.settings, corpus=tmp_path / "無い"),
            pipeline=build_toy_pipeline(),
            embedder=town.embedder,
        )
    (tmp_path / "空").mkdir()
    with pytest.raises(IndexBuildError, match="文書を入れて"):
        sync(
            dataclasses.replace(town.settings, corpus=tmp_path / "空"),
            pipeline=build_toy_pipeline(),
            embedder=town.embedder,
        )


def test_every_document_can_be_removed_on_purpose(town: Town) -> None:
    town.sync()
    for source in TEXTS:
        (town.corpus / source).unlink()
    assert town.sync(allow_removal=True).counts.chunks == 0
    assert town.texts() == set()
    write_corpus(town.corpus, TEXTS)
    town.sync()
    assert town.texts() == all_lines(TEXTS)


def test_a_failing_embedder_leaves_the_old_index_and_a_clean_next_run(town: Town) -> None:
    town.sync()
    write_corpus(town.corpus, {f"新/{i}.txt": f"新しい文書の{i}番目です。" for i in range(5)})
    broken = BigramEmbedder(fail_after=3)
    with pytest.raises(RuntimeError, match="broke down"):
        town.sync(embedder=broken)
    assert town.texts() == all_lines(TEXTS) and town.leftovers() == []
    assert len(town.sync().added) == 5
    assert len(town.texts()) == 11


def test_a_failed_check_is_not_published(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    first = town.sync()
    write_corpus(town.corpus, {"新.txt": "新しい文書です。"})
    monkeypatch.setattr(building.LexicalStore, "add", lambda self, entries, fields: None)
    with pytest.raises(IndexBuildError, match="不足 1"):
        town.sync()
    assert SnapshotStore(town.index).current_id() == first.snapshot and town.leftovers() == []


def test_a_probe_that_does_not_find_itself_stops_the_publication(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    upsert = building.VectorStore.upsert
    shifted = lambda self, ids, vectors, fields: upsert(self, ids, vectors[::-1].copy(), fields)  # noqa: E731
    monkeypatch.setattr(building.VectorStore, "upsert", shifted)
    with pytest.raises(IndexBuildError, match="自分自身が見つからない"):
        town.sync()
    assert town.snapshots() == []


def test_a_full_disk_while_publishing_leaves_the_old_index(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.sync()
    write_corpus(town.corpus, {"新.txt": "新しい文書です。"})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rag.indexing.snapshot.sync_tree", fail)
    with pytest.raises(OSError, match="No space left"):
        town.sync()
    monkeypatch.undo()
    assert town.texts() == all_lines(TEXTS) and town.leftovers() == [] and len(town.snapshots()) == 1


def test_a_gate_sees_the_new_snapshot_and_can_refuse_it(town: Town) -> None:
    first = town.sync()
    write_corpus(town.corpus, {"新.txt": "新しい文書です。"})
    seen = []

    def gate(snapshot: Snapshot) -> GateResult:
        seen.append(snapshot.vectors.count())
        return GateResult(passed=False, summary="正答率が下がりました。")

    report = town.sync(gate=gate)
    assert (
        seen == [7]
        and not report.published
        and report.gate is not None
        and report.gate.summary == "正答率が下がりました。"
    )
    assert report.snapshot == first.snapshot and town.texts() == all_lines(TEXTS) and town.leftovers() == []
    assert town.sync(gate=lambda snapshot: GateResult(passed=True, summary="")).published


@pytest.mark.parametrize("what", ["reader", "chunk size"])
def test_a_changed_recipe_rebuilds_everything(town: Town, what: str) -> None:
    town.sync()
    options: dict[str, object] = {}
    if what == "reader":
        options["pipeline"] = build_toy_pipeline(reader_version="2")
    else:
        town.settings = dataclasses.replace(town.settings, max_chunk_chars=123)
    report = town.sync(**options)
    assert report.full and report.published and town.texts() == all_lines(TEXTS)


def test_another_embedder_embeds_every_chunk_again_and_reads_only_what_changed(town: Town) -> None:
    town.sync()
    town.embedder = BigramEmbedder(dimension=32)
    write_corpus(town.corpus, {"環境.txt": "粗大ごみは予約制です。"})

    report = town.sync()

    assert report.published and not report.full and report.changed == ("環境.txt",)
    assert town.texts() == all_lines(TEXTS | {"環境.txt": "粗大ごみは予約制です。"})
    assert len(town.embedder.embedded) == len(town.texts())


def test_a_full_run_takes_its_vectors_from_the_cache(town: Town) -> None:
    town.sync()
    town.embedder.embedded.clear()
    report = town.sync(full=True)
    assert report.full and report.published and report.added == () and town.embedder.embedded == []


def test_a_broken_embedding_cache_is_set_aside_and_made_again(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.sync()
    (town.index / "embeddings.sqlite").write_bytes(b"this is no database at all" * 100)
    town.embedder.embedded.clear()
    town.sync(full=True)
    assert len(town.embedder.embedded) == 6 and "壊れていたため" in caplog.text
    assert list(town.index.glob("embeddings.sqlite.broken-*"))


def test_an_index_of_another_embedder_is_refused_with_the_mending_command(town: Town) -> None:
    town.sync()
    with pytest.raises(IndexMismatchError, match=r"埋め込みモデル[\s\S]*rag index --full"):
        SnapshotStore(town.index).open_current("another")


def test_the_very_bytes_are_kept_while_a_snapshot_refers_to_them(town: Town) -> None:
    town.settings = dataclasses.replace(town.settings, snapshots_kept=1)
    town.sync()
    old = (town.corpus / "環境.txt").read_bytes()
    snapshot = town.open()
    entry = snapshot.catalog.document("環境.txt")
    snapshot.close()
    assert entry is not None and (town.index / FILES / entry.file).read_bytes() == old
    for day in ("火曜日", "水曜日"):
        write_corpus(town.corpus, {"環境.txt": f"燃えるごみは{day}に出します。"})
        assert (town.index / FILES / entry.file).exists()
        town.sync()
    assert not (town.index / FILES / entry.file).exists()
    assert len(list((town.index / FILES).iterdir())) == len(TEXTS) + 1


def test_a_second_writer_is_told_who_writes(town: Town) -> None:
    with write_lock(town.index), pytest.raises(IndexLockedError, match=rf"プロセス {os.getpid()}、"):
        town.sync()
    assert town.sync().published


def test_the_lock_of_a_killed_writer_is_free_at_once(town: Town) -> None:
    code = f"import time; from pathlib import Path; from rag.indexing.lock import write_lock\nwith write_lock(Path({str(town.index)!r})): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(IndexLockedError, match=rf"プロセス {holder.pid}、"):
        town.sync()
    holder.kill()
    holder.communicate()
    assert town.sync().published


def test_an_unchanged_corpus_is_neither_read_nor_embedded_nor_published(town: Town) -> None:
    """How long that takes is measured by `python -m eval.bench.speed`, not here."""
    town.sync()
    before = town.snapshots()

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("an unchanged file was read or embedded again")

    town.embedder.embed_documents = refuse  # type: ignore[method-assign, assignment]
    report = town.sync(pipeline=dataclasses.replace(build_toy_pipeline(), read_document=refuse))

    assert not report.published and not report.problems and set(report.unchanged) == set(TEXTS)
    assert town.snapshots() == before


def test_progress_is_told_by_stage(town: Town) -> None:
    calls: list[tuple[str, int, int]] = []
    town.sync(progress=lambda stage, done, total: calls.append((stage, done, total)))
    assert [c for c in calls if c[0] == "read"] == [("read", i, 4) for i in (1, 2, 3, 4)]
    assert list(dict.fromkeys(c[0] for c in calls)) == ["scan", "read", "verify", "publish"]


def test_workers_that_cannot_start_are_one_error_and_not_a_problem_of_every_file(tmp_path: Path) -> None:
    """A script without a main guard starts itself again in every worker, which dies of it."""
    write_corpus(tmp_path / "corpus", {f"{n}.txt": "本文です。" for n in range(3)})
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom rag.settings import Settings\nfrom rag.indexing.sync import sync\n"
        f"sync(Settings(corpus=Path({str(tmp_path / 'corpus')!r}), index=Path({str(tmp_path / 'index')!r}), workers=2))\n",
        encoding="utf-8",
    )

    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert done.returncode != 0 and "作業プロセスを開始できません" in done.stderr, done.stderr[-2000:]
    assert not (tmp_path / "index" / "CURRENT").exists()
