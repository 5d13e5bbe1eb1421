"""Adaptation: the embedder learns the wording of a corpus, is kept only if not worse, and stays with its snapshot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import build_toy_pipeline, write_corpus

from rag.assistant import Assistant
from rag.cli import main
from rag.documents import Chunk, ChunkKind, Locator, Segment, Span
from rag.errors import AdaptationError, IndexMissingError, UsageError
from rag.indexing import adaptation, updating
from rag.indexing.adaptation import adapt_embedder, is_due
from rag.indexing.adaptation_pairs import HARD_KINDS, Pair, PairKind, make_pairs
from rag.indexing.adaptation_training import Schedule, Trainer
from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.embedders import BASE_HAS_CHANGED, EmbedderLibrary
from rag.indexing.embedding import StaticEmbedder, open_embedder
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import GateResult, sync
from rag.indexing.updating import adapt_index, reset_index, update_index
from rag.settings import Settings

PLACES = ("中央", "東", "西", "南", "北", "緑", "青葉", "若草", "桜", "松", "梅", "竹", "川", "山", "海")
THINGS = ("公民館", "体育館", "図書館", "温水プール", "児童館", "集会所", "運動場", "駐車場")
QUICK = Schedule(epochs=8, min_steps=0)


@pytest.fixture(scope="module")
def base() -> StaticEmbedder:
    embedder = open_embedder()
    assert isinstance(embedder, StaticEmbedder)
    return embedder


def write_rules(corpus: Path, *, places: int = len(PLACES)) -> None:
    """Write three sentences for each thing of each place: 120 chunks at most."""
    texts = {
        f"{place}.txt": "\n".join(
            f"{place}地区の{thing}は、事前に申し込めば誰でも使えます。{thing}の鍵は{place}の管理人が持っています。"
            f"{thing}の利用は{number + 1}時間までです。"
            for number, thing in enumerate(THINGS)
        )
        for place in PLACES[:places]
    }
    write_corpus(corpus, texts)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An index of the rules, before and after one adaptation; not to be changed."""
    root = tmp_path_factory.mktemp("adapted")
    write_rules(root / "corpus")
    settings = Settings(corpus=root / "corpus", index=root / "index", workers=1)
    sync(settings, pipeline=build_toy_pipeline())
    adapted, report = adapt_index(settings, pipeline=build_toy_pipeline())
    assert adapted.fingerprint and report and report.published
    return settings


@pytest.fixture
def town(tmp_path: Path) -> Settings:
    write_rules(tmp_path / "corpus")
    return Settings(corpus=tmp_path / "corpus", index=tmp_path / "index", workers=1)


def fingerprint(settings: Settings) -> str:
    return SnapshotStore(settings.index).manifest().recipe.embedder_fingerprint


def chunk(text: str, *, kind: ChunkKind = ChunkKind.TEXT, headings: tuple[str, ...] = (), question: int = 0) -> Chunk:
    """Return a chunk; question: how many of its first characters are the question of a Q&A entry."""
    segment = Segment(1, 0, len(text), Locator(page=1))
    spans = (Span(0, question), Span(question, len(text))) if question else (None, None)
    return Chunk("0" * 32, "手引.txt", 0, kind, text, "手引", headings, (segment,), *spans)


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_a_question_leads_to_its_answer_and_shortened_to_both() -> None:
    question, answer = "手数料はいくらですか。", "一通につき300円です。"

    pairs = {p.kind: p for p in make_pairs([chunk(question + answer, kind=ChunkKind.QA, question=len(question))])}

    assert pairs[PairKind.QUESTION][:2] == (question, answer)
    assert pairs[PairKind.DROPPED][:2] == (question, f"{question}\n{answer}")
    assert PairKind.SENTENCE not in pairs, "an answer of one sentence has no rest"


def test_a_sentence_leads_to_the_rest_without_it_and_a_heading_to_the_text() -> None:
    first, second = "届出は十四日以内に行います。", "本人確認書類が必要になります。"

    found = make_pairs([chunk(first + second, headings=("転入",))])
    pairs = {p.kind: p for p in found}

    sentences = {p[:2] for p in found if p.kind is PairKind.SENTENCE}
    assert sentences == {(first, second), (second, first)}
    assert pairs[PairKind.HEADING][:2] == ("転入", first + second)


def test_a_heading_over_many_chunks_is_no_pair() -> None:
    chunks = [chunk(f"第{n}号の届出は窓口で行います。", headings=("届出",)) for n in range(11)]

    assert {pair.kind for pair in make_pairs(chunks[:10])} == {PairKind.HEADING}
    assert make_pairs(chunks) == []


def test_header_and_first_cell_lead_to_the_row() -> None:
    text = "品目\n手数料\n自転車\t500円"
    cells = [
        Segment(1, 0, 2, Locator(page=1)),
        Segment(1, 3, 6, Locator(page=1)),
        Segment(1, 7, len(text), Locator(page=1)),
    ]
    row = replace(chunk(text, kind=ChunkKind.ROW), segments=tuple(cells), context=2)

    assert make_pairs([row]) == [Pair("品目\n手数料\n自転車", "手引\n自転車\t500円", 0, PairKind.ROW)]


def test_judged_questions_are_pairs_as_long_as_their_text_is_a_chunk() -> None:
    judged = [("引っ越したら？", "転入の届出です。"), ("犬は？", "もうない文です。")]

    pairs = make_pairs([chunk("別の文です。"), chunk("転入の届出です。")], judged)

    assert [p for p in pairs if p.kind is PairKind.JUDGED] == [Pair(*judged[0], 1, PairKind.JUDGED)]


def test_queries_that_measure_do_not_stand_in_their_passages() -> None:
    chunks = [chunk(f"第{n}号の届出は窓口で行います。期限は{n}日です。", headings=(f"届出{n}号",)) for n in range(20)]

    for pair in make_pairs(chunks):
        if pair.kind in HARD_KINDS:
            assert pair.query not in pair.passage


# --- training ---------------------------------------------------------------------------------------------------------


def similarity(embedder: StaticEmbedder, table: np.ndarray, one: str, other: str) -> float:
    sums = [table[embedder.tokenizer.encode(text).ids].sum(axis=0) for text in (one, other)]
    return float(sums[0] @ sums[1] / np.linalg.norm(sums[0]) / np.linalg.norm(sums[1]))


def planted_pairs() -> list[Pair]:
    """Pairs that say in every second entry that マイカー is 自家用車, among entries that are about something else."""
    pairs = []
    for entry in range(60):
        car, other = ("マイカー", "自家用車") if entry % 2 else ("体育館", "運動施設")
        place = PLACES[entry % len(PLACES)]
        pairs.append(Pair(f"{place}で{car}", f"{place}の{other}", entry, PairKind.QUESTION))
    return pairs


def test_a_planted_synonym_is_learned_and_what_does_not_occur_stays(base: StaticEmbedder) -> None:
    table = Trainer(base.tokenizer, planted_pairs(), Schedule(epochs=40, min_steps=0)).run(base.table)

    before, after = (similarity(base, t, "マイカー", "自家用車") for t in (base.table, table))
    stranger = similarity(base, table, "マイカー", "運動施設")
    assert after > before + 0.1 and after > stranger, (before, after, stranger)
    unseen = base.tokenizer.encode("国勢調査").ids
    np.testing.assert_array_equal(table[unseen], base.table[unseen])


def test_training_twice_gives_the_same_table(base: StaticEmbedder) -> None:
    first, second = (Trainer(base.tokenizer, planted_pairs(), QUICK).run(base.table) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, base.table)


def test_the_gradient_is_that_of_the_loss(base: StaticEmbedder) -> None:
    pairs = planted_pairs()[:7]
    trainer = Trainer(base.tokenizer, pairs, Schedule())
    start = base.table.astype(np.float64)
    trainer._rows = start[trainer._pieces]  # type: ignore[assignment]
    batch = np.arange(len(pairs))

    def loss(rows: np.ndarray) -> float:
        query, passage = (side.toarray() @ rows for side in (trainer._queries, trainer._passages))
        query, passage = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (query, passage))
        scores = query @ passage.T / 0.2
        forth, back = (np.log(np.exp(s).sum(axis=1)) - np.diag(s) for s in (scores, scores.T))
        return float((forth + back).mean() / 2)

    touched, gradient = trainer._gradient(batch)
    place, axis, step = int(touched[3]), 5, 1e-4
    up, down = trainer._rows.copy(), trainer._rows.copy()
    up[place, axis] += step
    down[place, axis] -= step

    assert gradient[3, axis] == pytest.approx((loss(up) - loss(down)) / (2 * step), rel=1e-2, abs=1e-5)


def test_small_corpora_get_more_epochs_and_large_ones_fewer(base: StaticEmbedder) -> None:
    pairs = planted_pairs()
    schedule = Schedule(batch_size=10, epochs=15, min_steps=20, max_steps=40)

    assert Trainer(base.tokenizer, pairs[:20], schedule).count_steps() == 15 * 2
    assert Trainer(base.tokenizer, pairs[:10], schedule).count_steps() == 20
    trainer = Trainer(base.tokenizer, pairs, schedule)
    assert trainer.count_steps() == 40 and trainer.count_steps(share=0.25) == 10
    assert trainer.count_steps(without=range(50)) == 20


def test_a_machine_that_is_too_slow_stops_the_training_and_says_so(
    base: StaticEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    steps: list[int] = []

    table = Trainer(base.tokenizer, planted_pairs(), replace(QUICK, max_seconds=0)).run(
        base.table, progress=steps.append
    )

    assert steps == [1] and "時間の上限" in caplog.text
    assert not np.array_equal(table, base.table)


# --- an index ---------------------------------------------------------------------------------------------------------


def test_an_adapted_index_is_complete_and_says_what_was_measured(built: Settings) -> None:
    models = AdaptedModels(built.index)
    chosen = models.chosen()
    snapshot = SnapshotStore(built.index).open_current(chosen)
    try:
        snapshot.verify()
        assert snapshot.manifest.recipe.embedder_name.endswith("+adapted")
        assert snapshot.manifest.counts["chunks"] == len(PLACES) * len(THINGS)
    finally:
        snapshot.close()
    note = models.note(chosen or "")
    assert note is not None and note.kept and note == models.last()
    assert note.base == open_embedder().fingerprint and note.held_out == 3 * round(0.15 * note.chunks)
    assert note.after.ndcg_at_10 >= note.before.ndcg_at_10 > 0


def test_embedding_again_reads_no_file(town: Settings) -> None:
    pipeline = build_toy_pipeline()
    sync(town, pipeline=pipeline)

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a file was read")

    _, report = adapt_index(town, pipeline=replace(pipeline, read_document=refuse))

    assert report and report.published and not report.full and report.problems == ()


def test_the_same_corpus_gives_the_same_model(town: Settings, built: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    again, _ = adapt_index(town, publish=False, pipeline=build_toy_pipeline())

    assert again.fingerprint == fingerprint(built)


def test_the_next_run_keeps_the_adapted_model_and_full_does_too(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    adapted, _ = adapt_index(town, pipeline=build_toy_pipeline())

    assert not sync(town, pipeline=build_toy_pipeline()).published
    sync(town, full=True, pipeline=build_toy_pipeline())
    assert fingerprint(town) == adapted.fingerprint


def test_without_index_the_next_run_embeds_again_with_what_has_changed(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    before = fingerprint(town)
    adapted, report = adapt_index(town, publish=False, pipeline=build_toy_pipeline())
    assert report is None and fingerprint(town) == before

    (town.corpus / "東.txt").unlink()
    write_corpus(town.corpus, {"新.txt": "新しい駅前広場は、誰でも使えます。"})
    sync(town, pipeline=build_toy_pipeline())

    assert fingerprint(town) == adapted.fingerprint
    snapshot = SnapshotStore(town.index).open_current()
    try:
        snapshot.verify()
        assert len(snapshot.catalog.chunk_ids()) == (len(PLACES) - 1) * len(THINGS) + 1
    finally:
        snapshot.close()


def test_a_worse_model_is_not_kept(town: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sync(town, pipeline=build_toy_pipeline())
    before = fingerprint(town)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", lambda self, table, **options: np.ones_like(table))  # every text is the same
        adapted, report = adapt_index(town, pipeline=build_toy_pipeline())

    assert adapted.note.after.ndcg_at_10 < adapted.note.before.ndcg_at_10
    assert (adapted.fingerprint, report, adapted.note.kept) == (None, None, False)
    assert fingerprint(town) == before and AdaptedModels(town.index).chosen() is None
    assert AdaptedModels(town.index).last() == adapted.note, "so that it is not tried again at once"


def test_a_gate_that_refuses_takes_the_model_back(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    before = fingerprint(town)

    adapted, report = adapt_index(
        town, gate=lambda snapshot: GateResult(False, "下がります"), pipeline=build_toy_pipeline()
    )

    assert adapted.fingerprint is None and report and not report.published
    assert fingerprint(town) == before and AdaptedModels(town.index).chosen() is None
    assert not sync(town, pipeline=build_toy_pipeline()).published


def test_a_small_corpus_and_another_embedder_are_refused(town: Settings, tmp_path: Path) -> None:
    small = replace(town, corpus=tmp_path / "small", index=tmp_path / "small-index")
    write_corpus(small.corpus, {"一.txt": "手数料は三百円です。"})
    with pytest.raises(IndexMissingError, match="rag index"):
        adapt_index(small)
    sync(small, pipeline=build_toy_pipeline())

    with pytest.raises(AdaptationError, match="文書が少ない"):
        adapt_index(small)
    with pytest.raises(UsageError, match="標準のモデルだけ"):
        adapt_embedder(replace(small, embedder="別のモデル"), lambda c: c.text)
    assert not (small.index / "models").exists()


# --- rollback and running services ------------------------------------------------------------------------------------


def test_a_rollback_opens_what_its_snapshot_was_built_with(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    base = fingerprint(town)
    adapted, _ = adapt_index(town, pipeline=build_toy_pipeline())
    assistant = Assistant.open(town)
    try:
        assert assistant.search("体育館の鍵", limit=1) and fingerprint(town) == adapted.fingerprint

        SnapshotStore(town.index).rollback()

        assert fingerprint(town) == base
        assert assistant.search("体育館の鍵", limit=1)[0].legs["dense"] == pytest.approx(
            Assistant.open(town).search("体育館の鍵", limit=1)[0].legs["dense"]
        )
        assert not sync(town, pipeline=build_toy_pipeline()).published, "the next run keeps to what was restored"
    finally:
        assistant.close()


def test_a_reset_goes_back_to_the_default_model_and_stays_there(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    base = fingerprint(town)
    adapt_index(town, pipeline=build_toy_pipeline())

    assert reset_index(town, pipeline=build_toy_pipeline()).published

    assert fingerprint(town) == base and not sync(town, pipeline=build_toy_pipeline()).published


def test_a_running_service_follows_and_drops_no_question(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    assistant, failures, scores, stop = Assistant.open(town), [], set(), threading.Event()
    question = f"{PLACES[3]}地区の{THINGS[3]}の鍵"

    def ask() -> None:
        while not stop.is_set():
            try:
                scores.add(round(assistant.search(question, limit=1)[0].legs["dense"], 4))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        adapt_index(town, pipeline=build_toy_pipeline())
        assistant.search(question, limit=1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    last = round(assistant.search(question, limit=1)[0].legs["dense"], 4)
    assistant.close()

    assert failures == []
    assert len(scores | {last}) == 2, "each snapshot was searched with its own embedder"


def test_models_live_as_long_as_their_snapshots(town: Settings) -> None:
    town = replace(town, snapshots_kept=1)
    sync(town, pipeline=build_toy_pipeline())
    first, _ = adapt_index(town, pipeline=build_toy_pipeline())
    models, store = AdaptedModels(town.index), SnapshotStore(town.index)
    assert first.fingerprint and models.has(first.fingerprint)

    store.rollback()
    for number in range(3):
        write_corpus(town.corpus, {"新.txt": f"新しい広場は{number}時まで使えます。"})
        sync(town, pipeline=build_toy_pipeline())

    used = {store.manifest(id_).recipe.embedder_fingerprint for id_ in store.snapshot_ids()}
    assert first.fingerprint not in used and not models.has(first.fingerprint)


def test_a_new_default_model_is_used_at_once_and_said(town: Settings) -> None:
    sync(town, pipeline=build_toy_pipeline())
    adapted, _ = adapt_index(town, pipeline=build_toy_pipeline())
    models = AdaptedModels(town.index)
    note = models.folder(adapted.fingerprint or "") / "adaptation.json"
    note.write_text(note.read_text(encoding="utf-8").replace(adapted.note.base, "0" * 16), encoding="utf-8")

    assert Assistant.open(town).search("体育館", limit=1), "until then the index answers with what it was built with"
    report = sync(town, pipeline=build_toy_pipeline())

    assert report.published and report.notices == (BASE_HAS_CHANGED,)
    assert fingerprint(town) == open_embedder().fingerprint


# --- when it is done without being asked ------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(adaptation, "AUTO_CHUNKS", 100)
    yield 100


def test_the_first_index_of_a_large_corpus_is_adapted_and_small_changes_are_not(town: Settings, few: int) -> None:
    report = update_index(town, pipeline=build_toy_pipeline())
    assert report.adaptation and report.published and report.seconds["adapt"] > 0
    assert report.added and report.snapshot == SnapshotStore(town.index).current_id()
    assert fingerprint(town) == report.adaptation.fingerprint

    write_corpus(town.corpus, {"新.txt": "新しい駅前広場は、誰でも使えます。"})
    assert update_index(town, pipeline=build_toy_pipeline()).adaptation is None


def test_it_is_due_when_the_corpus_has_grown_or_the_default_model_has_changed(built: Settings, few: int) -> None:
    last = AdaptedModels(built.index).last()
    assert last is not None

    assert [is_due(built, int(last.chunks * growth)) for growth in (0.5, 1.0, 1.29, 1.3)] == [False, False, False, True]
    assert not is_due(replace(built, adapt="off"), last.chunks * 2)
    assert not is_due(replace(built, embedder="別のモデル"), last.chunks * 2)
    assert is_due(replace(built, index=built.index / "none"), few) and not is_due(
        replace(built, index=Path("x")), few - 1
    )


def test_a_gate_that_refuses_the_adapted_model_leaves_the_first_snapshot(town: Settings, few: int) -> None:
    def gate(snapshot: object) -> GateResult:
        adapted = EmbedderLibrary(town).for_snapshot(snapshot.manifest).name.endswith("+adapted")  # type: ignore[attr-defined]
        return GateResult(not adapted, "正答率")

    report = update_index(town, gate=gate, pipeline=build_toy_pipeline())

    assert report.published and report.gate and report.gate.passed
    assert report.notices == (updating.REFUSED_BY_GATE,) and fingerprint(town) == open_embedder().fingerprint


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_refuses_a_small_corpus_with_1_and_no_index_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_WORKERS", "1")
    assert main(["adapt"]) == 2 and "rag index" in capsys.readouterr().err
    write_corpus(tmp_path / "corpus", {"一.txt": "手数料\n\n手数料は三百円です。\n"})
    assert main(["index"]) == 0

    assert main(["adapt"]) == 1
    error = capsys.readouterr().err
    assert "文書が少ないため" in error and "対処:" in error


def test_the_command_says_what_it_learned_from_and_what_that_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_WORKERS", "1")
    rows = [
        f"{p}地区の{t}は使えますか。,{p}の管理人に申し込めば{t}を使えます。{t}は夜は閉まります。"
        for p in PLACES[:8]
        for t in THINGS
    ]
    write_corpus(tmp_path / "corpus", {"よくある質問.csv": "\n".join(["質問,回答", *rows])})
    assert main(["index"]) == 0

    assert main(["adapt"]) == 0
    out = capsys.readouterr().out

    assert "質問と回答 64" in out and "nDCG@10" in out and "新しい索引を公開しました。" in out
    assert main(["rollback"]) == 0 and main(["ask", "体育館は使えますか"]) == 0
