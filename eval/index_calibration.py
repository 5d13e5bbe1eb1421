"""What `python -m eval calibrate` asks of an index, and what it leaves beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from eval.fitting import Fit
from eval.questions import Question
from eval.records import RunRecord
from eval.run import Progress, run_evaluation
from rag.answering.confidence import read_calibration
from rag.answering.own_calibration import (
    CalibrationShelf,
    OwnCalibration,
    hash_model,
    mark_documents,
    write_own_calibration,
)
from rag.assistant import Assistant
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.manifest import Manifest
from rag.indexing.snapshot import SnapshotReader, SnapshotStore
from rag.settings import Settings


def ask_willingly(
    settings: Settings, questions: Sequence[Question], progress: Progress | None = None
) -> tuple[RunRecord, Manifest]:
    """Ask every question with a threshold of 0 and the packaged calibration; return what came of it, and of which index."""
    willing = replace(settings, answer_threshold=0.0)
    reader = SnapshotReader(SnapshotStore(settings.index))
    assistant = Assistant(willing, reader, EmbedderLibrary(willing), calibrations=CalibrationShelf(None))
    with closing(assistant):
        manifest = assistant.manifest()
        return run_evaluation(assistant, questions, progress=progress), manifest


def build_own(found: Fit, manifest: Manifest, settings: Settings, count: int) -> OwnCalibration:
    """Return what is written of a fit, bound to the index that it was made on. count: the questions that it was fitted on."""
    return OwnCalibration(
        threshold=round(found.threshold, 4),
        slope=round(found.scale.slope, 6),
        offset=round(found.scale.offset, 6),
        embedder_fingerprint=manifest.recipe.embedder_fingerprint,
        reranker=settings.reranker,
        model_sha256=hash_model(),
        documents=mark_documents(manifest.sources.values()),
        questions=count,
        fitted_at=datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def keep_fit(found: Fit, manifest: Manifest, settings: Settings, count: int) -> Path:
    """Write a fit beside the index of the settings and return the file. count: the questions that it was fitted on."""
    return write_own_calibration(settings.index, build_own(found, manifest, settings, count))


def read_packaged_threshold() -> float:
    """Return the threshold that comes with the package."""
    return read_calibration().threshold
