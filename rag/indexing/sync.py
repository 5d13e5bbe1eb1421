"""Bring an index up to date with its corpus: build aside, verify, publish. Whatever goes wrong, the old index answers on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rag.documents import Problem
from rag.errors import IndexBuildError, IndexMismatchError, RemovalGuardError, UsageError
from rag.indexing.adaptation import Adaptation
from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.building import PROBES, Probe, SnapshotBuilder, Stopwatch, check_probes, copy_snapshot
from rag.indexing.cache import EmbeddingCache
from rag.indexing.catalog import Catalog, CatalogCounts, CatalogEntry
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.lexical import tokenizer_version
from rag.indexing.lock import write_lock
from rag.indexing.manifest import Manifest, Recipe
from rag.indexing.originals import FILES, remove_unreferenced
from rag.indexing.pipeline import DocumentEmbedder, Listing, Pipeline, build_pipeline
from rag.indexing.plan import ListedFile, Plan, build_plan, check_removal, list_files, list_inaccessible, list_kept
from rag.indexing.preparation import Task, Work, prepare_files
from rag.indexing.readability import DoubtfulPage, Readability, list_doubtful_pages, list_readability
from rag.indexing.renditions import RENDITIONS
from rag.indexing.snapshot import (
    CATALOG,
    VECTORS,
    Snapshot,
    SnapshotStore,
    partial_id,
    read_snapshot_wording,
    write_snapshot_wording,
)
from rag.reading.options import ReadingOptions
from rag.reading.wording import read_starter
from rag.settings import Settings
from rag.wording import Wording

CACHE_FILE = "embeddings.sqlite"
Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are scan, embed, read, verify, gate, publish."""
Checkpoint = Callable[[], None]
"""Called between two pieces of work; raises IndexCancelledError where the run is to stop. Never called once a snapshot is published."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate says of a snapshot that is not published yet; summary is for people, one sentence or some lines of Japanese."""

    passed: bool
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)


Gate = Callable[[Snapshot], GateResult]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a run did. renamed: (old source, new source). problems: all that are known now, also of unchanged files.

    readability, doubtful_pages: how much of each file can be answered from, and which pages a person should look at.
    published: whether there is a new snapshot; snapshot: the one that answers now. notices: what people should know about the
    embedder, and of the texts that it saw in this run. adaptation: that of the embedder to the corpus, where one was made in this run.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    problems: tuple[Problem, ...]
    counts: CatalogCounts
    snapshot: str | None
    published: bool
    full: bool
    seconds: Mapping[str, float]
    gate: GateResult | None = None
    readability: tuple[Readability, ...] = ()
    doubtful_pages: tuple[DoubtfulPage, ...] = ()
    notices: tuple[str, ...] = ()
    adaptation: Adaptation | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def sync(
    settings: Settings,
    *,
    full: bool = False,
    allow_removal: bool = False,
    gate: Gate | None = None,
    progress: Progress | None = None,
    pipeline: Pipeline | None = None,
    embedder: DocumentEmbedder | None = None,
    checkpoint: Checkpoint | None = None,
) -> SyncReport:
    """Index the difference between the corpus and the published snapshot, and publish the result.

    full: read everything again; done by itself when the reader, chunker or tokenizer has changed. Where only the embedder has
    changed, the stored chunks are embedded again. What `checkpoint` raises stops the run, which leaves nothing behind.
    Raises IndexLockedError when another process is writing, RemovalGuardError when too much would go, UsageError when there is
    no corpus, EmbedderError and IndexBuildError when nothing was published.
    """
    with write_lock(settings.index):
        notices: tuple[str, ...] = ()
        if embedder is None:
            embedder, notices = EmbedderLibrary(settings).for_building()
        run = _Run(settings, pipeline or build_pipeline(), embedder, progress, checkpoint)
        report = run.run(full=full, allow_removal=allow_removal, gate=gate)
        return replace(report, notices=(*notices, *report.notices))


@dataclass(frozen=True, slots=True)
class _Current:
    """The published snapshot, as far as a new run needs it."""

    id: str
    manifest: Manifest
    entries: Mapping[str, CatalogEntry]
    problems: tuple[Problem, ...]
    corpus_problems: tuple[Problem, ...]
    counts: CatalogCounts
    wording: Wording


@dataclass(frozen=True, slots=True)
class _Corpus:
    """The corpus as it is now, and how it differs from what is indexed."""

    listing: Listing
    files: tuple[ListedFile, ...]
    plan: Plan
    problems: tuple[Problem, ...]
    indexed: Mapping[str, CatalogEntry]
    wording: Wording

    def tasks(self, *, everything: bool) -> list[Task]:
        """Return what is to be read. A file that cannot be opened now is read from the copy that is kept of it."""
        wanted = [listed for listed in self.files if everything or listed.file.source in self.plan.to_read]
        wanted.sort(key=lambda listed: -listed.size)  # so that no large file is left for the end, for one worker alone
        known = {source: entry.sha256 for source, entry in self.indexed.items()}
        hashed = [(listed.file, listed.sha256 or known.get(listed.file.source)) for listed in wanted]
        return [Task(file, sha256) for file, sha256 in hashed if sha256]


class _Run:
    """One run of `sync`, under the writer's lock."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        embedder: DocumentEmbedder,
        progress: Progress | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self._settings, self._pipeline, self._embedder = settings, pipeline, embedder
        self._progress: Progress = progress or (lambda stage, done, total: None)
        self._checkpoint: Checkpoint = checkpoint or (lambda: None)
        self._store = SnapshotStore(settings.index)
        self._watch = Stopwatch()

    def run(self, *, full: bool, allow_removal: bool, gate: Gate | None) -> SyncReport:
        self._store.clean_partials()
        current = self._read_current()
        with self._watch.measure("scan"):
            corpus = self._scan(current)
        self._check(corpus.plan, current, allow_removal=allow_removal)
        recipe = self._recipe(corpus.wording)
        full = full or current is None or not current.manifest.recipe.has_same_chunks(recipe)
        new_vectors = not full and current is not None and current.manifest.recipe != recipe
        unchanged = corpus.plan.is_empty and current is not None and _says_the_same(corpus, current)
        if not full and not new_vectors and current and unchanged:
            return self._report_unchanged(corpus.plan, current)
        base = None if full else current
        return self._build(corpus, base=base, current=current, gate=gate, new_vectors=new_vectors)

    def _scan(self, current: _Current | None) -> _Corpus:
        listing = self._list_corpus(current)
        files = list_files(listing, lambda done, total: self._tell("scan", done, total))
        indexed = current.entries if current else {}
        problems = (*listing.problems, *list_inaccessible(files))
        files += list_kept(listing, indexed)
        plan = build_plan(files, indexed, again=self._find_mended(current))
        return _Corpus(listing, tuple(files), plan, problems, indexed, _find_wording(listing, current))

    def _find_mended(self, current: _Current | None) -> set[str]:
        """Return the sources of which more can be read now than when they were indexed, or that could not be opened then."""
        of_files = set(current.problems) - set(current.corpus_problems) if current else set()
        if not of_files:  # nothing waits: no program is looked for
            return set()
        codes = {*self._pipeline.find_mended(ReadingOptions.from_settings(self._settings)), "inaccessible"}
        return {problem.source for problem in of_files if problem.code in codes}

    def _read_current(self) -> _Current | None:
        """Return the published snapshot; None where there is none, or none that this program understands."""
        snapshot_id = self._store.current_id()
        if snapshot_id is None:
            return None
        try:
            manifest = self._store.manifest(snapshot_id)
            wording = read_snapshot_wording(self._store.folder(snapshot_id))
        except IndexMismatchError:
            return None
        with closing(Catalog(self._store.folder(snapshot_id) / CATALOG)) as catalog:
            entries = {entry.source: entry for entry in catalog.entries()}
            problems, of_corpus = tuple(catalog.problems()), tuple(catalog.corpus_problems())
            return _Current(snapshot_id, manifest, entries, problems, of_corpus, catalog.counts(), wording)

    def _list_corpus(self, current: _Current | None) -> Listing:
        corpus = self._settings.corpus
        if corpus.is_dir():
            listing: Listing = self._pipeline.list_corpus(corpus, options=ReadingOptions.from_settings(self._settings))
            return listing
        if current is not None and current.entries:
            raise RemovalGuardError(
                f"文書フォルダーが見つかりません: {corpus}（索引には {len(current.entries)} 件あります）。何も変更していません。",
                "共有フォルダーにつながっているか、設定 corpus を確かめてください。すべての文書を本当に削除するときは、"
                "空のフォルダーを作って `rag index --allow-removal` を実行してください。",
            )
        raise UsageError(
            f"文書フォルダーが見つかりません: {corpus}",
            "フォルダーを作って文書を入れるか、`rag index フォルダー` で場所を指定してください。",
        )

    def _check(self, plan: Plan, current: _Current | None, *, allow_removal: bool) -> None:
        if not allow_removal and current is not None:
            check_removal(plan, indexed=len(current.entries), max_share=self._settings.max_removal_share)
        if current is None and not plan.added:
            raise IndexBuildError(
                f"文書フォルダーに索引にできるファイルがありません: {self._settings.corpus}",
                "PDF、Word、Excel、テキストなどの文書を入れてから、もう一度 `rag index` を実行してください。",
            )

    def _recipe(self, wording: Wording) -> Recipe:
        return Recipe(
            embedder_name=self._embedder.name,
            embedder_fingerprint=self._embedder.fingerprint,
            dimension=self._embedder.dimension,
            tokenizer_version=tokenizer_version(),
            chunker_version=f"{self._pipeline.chunker_version}/{self._settings.max_chunk_chars}",
            reader_version=self._pipeline.reader_version,
            dictionary_version=wording.dictionary_version,
        )

    def _build(
        self,
        corpus: _Corpus,
        *,
        base: _Current | None,
        current: _Current | None,
        gate: Gate | None,
        new_vectors: bool,
    ) -> SyncReport:
        """Build a snapshot from `base` (None: from nothing; new_vectors: but for its vectors), publish it after `current`."""
        partial = self._store.new_partial()
        try:
            probes = self._fill(partial, corpus, base, new_vectors=new_vectors)
            parent = current.id if current else None
            recipe = self._recipe(corpus.wording)
            self._write_manifest(partial, parent, recipe)
            verdict = self._verify(partial, probes, gate)
            self._write_manifest(partial, parent, recipe)  # now with the time that the checks took
            passed = verdict is None or verdict.passed
            report = self._report(corpus.plan, partial, full=base is None, gate=verdict)
            if passed:
                self._publish(partial)
            return replace(
                report,
                published=passed,
                snapshot=self._store.current_id(),
                seconds=dict(self._watch.seconds),
                notices=tuple(getattr(self._embedder, "notices", ())),
            )
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _fill(self, partial: Path, corpus: _Corpus, base: _Current | None, *, new_vectors: bool) -> Sequence[Probe]:
        if base is not None:
            with self._watch.measure("copy"):
                copy_snapshot(self._store.folder(base.id), partial, without=VECTORS if new_vectors else None)
        write_snapshot_wording(partial, corpus.wording)
        cache = EmbeddingCache(self._settings.index / CACHE_FILE)
        try:
            builder = SnapshotBuilder(
                partial,
                is_new=base is None,
                embedder=self._embedder,
                cache=cache,
                watch=self._watch,
                new_vectors=new_vectors,
            )
            try:
                if base is not None and new_vectors:
                    self._embed_again(builder, corpus, base)
                self._write_documents(builder, corpus, base)
                builder.catalog.replace_corpus_problems(corpus.problems)
                builder.finish()
            finally:
                builder.close()
        finally:
            cache.close()
        return builder.probes.items

    def _embed_again(self, builder: SnapshotBuilder, corpus: _Corpus, base: _Current) -> None:
        """Write new vectors of every chunk that stays as it is."""
        with closing(Catalog(self._store.folder(base.id) / CATALOG)) as catalog:
            ids = sorted(catalog.chunk_ids())
            probes = set(random.Random(0).sample(ids, min(PROBES, len(ids))))
            gone = {*corpus.plan.to_remove, *corpus.plan.to_read}
            stay = [entry for entry in catalog.documents() if entry.source not in gone]
            for done, entry in enumerate(stay, start=1):
                chunks = catalog.chunks_of(entry.source)
                builder.embed_again(entry, chunks, list(map(self._pipeline.text_to_embed, chunks)), probes=probes)
                self._tell("embed", done, len(stay))

    def _write_documents(self, builder: SnapshotBuilder, corpus: _Corpus, base: _Current | None) -> None:
        if base is not None:
            for source in corpus.plan.to_remove:
                builder.remove(source)
        tasks = corpus.tasks(everything=base is None)
        hashes = {listed.file.source: listed.metadata_hash for listed in corpus.files}
        work = Work(
            self._pipeline,
            corpus.listing,
            self._settings.index.resolve() / FILES,
            self._settings.max_chunk_chars,
            ReadingOptions.from_settings(self._settings),
            corpus.wording.names,
        )
        with closing(prepare_files(tasks, work, workers=self._settings.workers)) as outcomes:
            for done in range(1, len(tasks) + 1):
                with self._watch.measure("read"):
                    outcome = next(outcomes)
                builder.add(outcome, metadata_hash=hashes[outcome.source])
                self._tell("read", done, len(tasks))

    def _write_manifest(self, partial: Path, parent: str | None, recipe: Recipe) -> None:
        with closing(Catalog(partial / CATALOG)) as catalog:
            counts, entries = catalog.counts(), catalog.entries()
        Manifest(
            id=partial_id(partial),
            parent=parent,
            created_at=datetime.now().astimezone().isoformat(timespec="seconds"),
            recipe=recipe,
            counts=asdict(counts),
            sources={entry.source: entry.sha256 for entry in entries},
            seconds={stage: round(seconds, 3) for stage, seconds in self._watch.seconds.items()},
        ).write(partial)

    def _verify(self, partial: Path, probes: Sequence[Probe], gate: Gate | None) -> GateResult | None:
        with closing(Snapshot.open(partial)) as snapshot:
            with self._watch.measure("verify"):
                self._tell("verify", 0, 1)
                snapshot.verify()
                check_probes(snapshot, probes)
                self._tell("verify", 1, 1)
            if gate is None:
                return None
            with self._watch.measure("gate"):
                self._tell("gate", 0, 1)
                verdict = gate(snapshot)
                self._tell("gate", 1, 1)
                return verdict

    def _publish(self, partial: Path) -> None:
        with self._watch.measure("publish"):
            self._tell("publish", 0, 1)
            self._store.publish(partial)
            self._store.prune(self._settings.snapshots_kept)
            self._tidy()
            self._progress("publish", 1, 1)

    def _tell(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is, and stop there if that is wanted."""
        self._progress(stage, done, total)
        self._checkpoint()

    def _tidy(self) -> None:
        """Drop the kept files, their printed pages and the cached vectors that no snapshot refers to."""
        try:
            manifests = [self._store.manifest(snapshot_id) for snapshot_id in self._store.snapshot_ids()]
        except IndexMismatchError:  # a snapshot in an older format may refer to anything
            return
        hashes = {sha256 for manifest in manifests for sha256 in manifest.sources.values()}
        for folder in (FILES, RENDITIONS):
            remove_unreferenced(self._settings.index / folder, hashes)
        embedders = {manifest.recipe.embedder_fingerprint for manifest in manifests}
        with closing(EmbeddingCache(self._settings.index / CACHE_FILE)) as cache:
            cache.keep_only(embedders)
        AdaptedModels(self._settings.index).prune(embedders)

    def _report(self, plan: Plan, partial: Path, *, full: bool, gate: GateResult | None) -> SyncReport:
        with closing(Catalog(partial / CATALOG)) as catalog:
            report = _build_report(plan, tuple(catalog.problems()), catalog.counts(), full=full, gate=gate)
            return _add_pages(report, catalog)

    def _report_unchanged(self, plan: Plan, current: _Current) -> SyncReport:
        report = _build_report(plan, current.problems, current.counts)
        with closing(Catalog(self._store.folder(current.id) / CATALOG)) as catalog:
            report = _add_pages(report, catalog)
        return replace(report, snapshot=current.id, seconds=dict(self._watch.seconds))


def _find_wording(listing: Listing, current: _Current | None) -> Wording:
    """Return what the tables of the corpus say; of one that cannot be read at the moment, what it said before."""
    tables, known = listing.wording, current.wording if current else Wording(groups=read_starter())
    return Wording(
        known.groups if tables.groups is None else tables.groups, known.names if tables.names is None else tables.names
    )


def _says_the_same(corpus: _Corpus, current: _Current) -> bool:
    return corpus.problems == current.corpus_problems and corpus.wording == current.wording


def _add_pages(report: SyncReport, catalog: Catalog) -> SyncReport:
    """Return a report with what is known of the pages."""
    files, doubtful = tuple(list_readability(catalog)), tuple(list_doubtful_pages(catalog))
    return replace(report, readability=files, doubtful_pages=doubtful)


def _build_report(
    plan: Plan,
    problems: tuple[Problem, ...],
    counts: CatalogCounts,
    *,
    full: bool = False,
    gate: GateResult | None = None,
) -> SyncReport:
    return SyncReport(
        **{f.name: getattr(plan, f.name) for f in fields(plan)},
        problems=problems,
        counts=counts,
        snapshot=None,
        published=False,
        full=full,
        seconds={},
        gate=gate,
    )
