"""What the commands do to an index: `rag index` (bring it up to date, adapt the embedder where it is time) and `rag adapt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.errors import AdaptationError
from rag.indexing.adaptation import Adaptation, adapt_embedder, is_due
from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.lock import write_lock
from rag.indexing.pipeline import Pipeline, build_pipeline
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.sync import Gate, Progress, SyncReport, sync
from rag.settings import Settings

REFUSED_BY_GATE = "言葉づかいを学習したモデルは、質問集の確認で正答率が下がったため使いません"


def update_index(
    settings: Settings,
    *,
    full: bool = False,
    allow_removal: bool = False,
    gate: Gate | None = None,
    progress: Progress | None = None,
    pipeline: Pipeline | None = None,
) -> SyncReport:
    """Index what has changed; then, where settings and corpus say so, adapt the embedder and embed everything again.

    The first of the two snapshots answers while the second is made. A corpus with too few pairs keeps the default embedder, as
    nobody asked. Raises what `sync` raises.
    """
    report = sync(settings, full=full, allow_removal=allow_removal, gate=gate, progress=progress, pipeline=pipeline)
    refused = report.gate is not None and not report.gate.passed
    if refused or not is_due(settings, report.counts.chunks):
        return report
    try:
        adaptation, again = adapt_index(settings, gate=gate, progress=progress, pipeline=pipeline)
    except AdaptationError:
        return report
    return _join(report, again, adaptation)


def adapt_index(
    settings: Settings,
    *,
    judged: Sequence[tuple[str, str]] = (),
    publish: bool = True,
    gate: Gate | None = None,
    progress: Progress | None = None,
    pipeline: Pipeline | None = None,
) -> tuple[Adaptation, SyncReport | None]:
    """Adapt the embedder; if the result is kept, embed everything again (publish False: leave that to the next run).

    A gate that refuses the new snapshot also takes back the choice of the model. Raises what `adapt_embedder` and `sync` raise.
    """
    pipeline, models = pipeline or build_pipeline(), AdaptedModels(settings.index)
    SnapshotStore(settings.index).manifest()  # refuses an index that is not there, before the lock makes its folder
    with write_lock(settings.index):
        before = models.chosen()
        adaptation = adapt_embedder(settings, pipeline.text_to_embed, judged=judged, progress=progress)
    if adaptation.fingerprint is None or not publish:
        return adaptation, None
    report = sync(settings, gate=gate, progress=progress, pipeline=pipeline)
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
