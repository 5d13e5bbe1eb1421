"""What the commands do to an index: `rag index` (bring it up to date, adapt the embedder where it is time) and `rag adapt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rag.errors import AdaptationError, IndexCancelledError
from rag.indexing.adaptation import Adaptation, adapt_embedder, is_due
from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.lock import write_lock
from rag.indexing.pipeline import Pipeline, build_pipeline
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import Checkpoint, Gate, Progress, SyncReport, sync
from rag.settings import Settings

STOPPED = "言葉づかいの学習は、中止の求めにより途中でやめました。文書の変更は取り込み済みです"
REFUSED_BY_GATE = "言葉づかいを学習したモデルは、質問集の確認で正答率が下がったため使いません"


def update_index(
    settings: Settings,
    *,
    full: bool = False,
    allow_removal: bool = False,
    gate: Gate | None = None,
    progress: Progress | None = None,
    pipeline: Pipeline | None = None,
    checkpoint: Checkpoint | None = None,
) -> SyncReport:
    """Index what has changed; then, where settings and corpus say so, adapt the embedder and embed everything again.

    The first of the two snapshots answers while the second is made. A corpus with too few pairs keeps the default embedder, as
    nobody asked. A run that is stopped while it adapts has published the changes of the corpus, and says so. Raises what `sync` raises.
    """
    options: dict[str, Any] = {"gate": gate, "progress": progress, "pipeline": pipeline, "checkpoint": checkpoint}
    report = sync(settings, full=full, allow_removal=allow_removal, **options)
    refused = report.gate is not None and not report.gate.passed
    if refused or not is_due(settings, report.counts.chunks):
        return report
    try:
        adaptation, again = adapt_index(settings, **options)
    except AdaptationError:
        return report
    except IndexCancelledError:
        return replace(report, notices=(*report.notices, STOPPED))
    return _join(report, again, adaptation)


def adapt_index(
    settings: Settings,
    *,
    judged: Sequence[tuple[str, str]] = (),
    publish: bool = True,
    gate: Gate | None = None,
    progress: Progress | None = None,
    pipeline: Pipeline | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Adaptation, SyncReport | None]:
    """Adapt the embedder; if the result is kept, embed everything again (publish False: leave that to the next run).

    A gate that refuses the new snapshot also takes back the choice of the model; a run that is stopped later than that leaves it to
    the next one to embed with it. Raises what `adapt_embedder` and `sync` raise.
    """
    pipeline, models = pipeline or build_pipeline(), AdaptedModels(settings.index)
    SnapshotStore(settings.index).manifest()  # refuses an index that is not there, before the lock makes its folder
    with write_lock(settings.index):
        before = models.chosen()
        tell = _stop_between(progress, checkpoint)
        adaptation = adapt_embedder(settings, pipeline.text_to_embed, judged=judged, progress=tell)
    if adaptation.fingerprint is None or not publish:
        return adaptation, None
    report = sync(settings, gate=gate, progress=progress, pipeline=pipeline, checkpoint=checkpoint)
    if report.gate is not None and not report.gate.passed:
        models.choose(before)
        return replace(adaptation, fingerprint=None), report
    return adaptation, report


def reset_index(
    settings: Settings, *, gate: Gate | None = None, progress: Progress | None = None, pipeline: Pipeline | None = None
) -> SyncReport:
    """Embed everything again with the default embedder. The adapted one stays as long as a kept snapshot was built with it.

    A gate that refuses the new snapshot leaves the choice as it was. Raises what `sync` raises.
    """
    models = AdaptedModels(settings.index)
    SnapshotStore(settings.index).manifest()
    with write_lock(settings.index):
        before = models.chosen()
        models.choose(None)
    report = sync(settings, gate=gate, progress=progress, pipeline=pipeline)
    if report.gate is not None and not report.gate.passed:
        models.choose(before)
    return report


def _stop_between(progress: Progress | None, checkpoint: Checkpoint | None) -> Progress:
    """Return a progress that also looks whether the run is to stop."""

    def tell(stage: str, done: int, total: int) -> None:
        if progress is not None:
            progress(stage, done, total)
        if checkpoint is not None:
            checkpoint()

    return tell


def _join(first: SyncReport, again: SyncReport | None, adaptation: Adaptation) -> SyncReport:
    """Return one report of a run that published with the old embedder and then, perhaps, with the adapted one."""
    seconds = {**first.seconds, "adapt": adaptation.note.seconds}
    if again is None:
        return replace(first, seconds=seconds, adaptation=adaptation)
    for stage, spent in again.seconds.items():
        seconds[stage] = seconds.get(stage, 0.0) + spent
    refused = again.gate is not None and not again.gate.passed
    notices = (*first.notices, *((REFUSED_BY_GATE,) if refused else ()))
    published = first.published or again.published
    gate = first.gate if refused else again.gate
    return replace(
        first,
        snapshot=again.snapshot,
        published=published,
        gate=gate,
        seconds=seconds,
        adaptation=adaptation,
        notices=notices,
    )
