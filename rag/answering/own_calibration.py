"""The calibration that was fitted to one index with its question set (`python -m eval calibrate`): a file beside the index.

It is taken where it belongs to what answers: the same embedder, reranker and packaged model, and mostly the same documents. Where it
does not, the packaged one is taken and a warning says why. The setting answer_threshold goes before both.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rag.answering.confidence import COEFFICIENTS_FILE, Calibration, read_calibration
from rag.errors import RagError
from rag.indexing.durable import replace_text
from rag.indexing.manifest import Manifest

CALIBRATION_FILE = "calibration.json"
LEAST_SAME = 0.5  # of the documents that it was fitted on, which must still be there, word for word
FROM_PACKAGE, FROM_FILE, FROM_SETTING = "既定（測定で決めた値）", "索引の calibration.json", "設定 answer_threshold"
REFIT_HINT = "`python -m eval calibrate` で合わせ直してください。"
_MARK_CHARS = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnCalibration:
    """What was fitted: the least probability to answer, and probability = 1 / (1 + exp(-(offset + slope * log odds))).

    model_sha256: of the packaged model whose log odds they are. documents: marks of the documents that were indexed, see `mark`.
    """

    threshold: float
    slope: float
    offset: float
    embedder_fingerprint: str
    reranker: str
    model_sha256: str
    documents: tuple[str, ...]
    questions: int
    fitted_at: str

    def apply(self, packaged: Calibration) -> Calibration:
        """Return the packaged calibration with what was fitted."""
        return replace(packaged, threshold=self.threshold, slope=self.slope, offset=self.offset)

    def find_mismatch(self, manifest: Manifest, reranker: str) -> str | None:
        """Return why it does not belong to an index that is searched with a reranker; None where it does."""
        if self.embedder_fingerprint != manifest.recipe.embedder_fingerprint:
            return "別の埋め込みモデルの索引で合わせたもの"
        if self.reranker != reranker:
            return f"別の並べ替え（{self.reranker}）で合わせたもの"
        if self.model_sha256 != hash_model():
            return "別の版のプログラムで合わせたもの"
        now = set(mark_documents(manifest.sources.values()))
        if len(now.intersection(self.documents)) < LEAST_SAME * len(self.documents):
            return "合わせたときの文書が半分も残っていない"
        return None


def mark_documents(sha256s: Iterable[str]) -> tuple[str, ...]:
    """Return short marks of documents, in order, each once.

    >>> mark_documents(["bbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"])
    ('aaaaaaaaaaaa', 'bbbbbbbbbbbb')
    """
    return tuple(sorted({sha256[:_MARK_CHARS] for sha256 in sha256s}))


@functools.cache
def hash_model() -> str:
    """Return the hash of the packaged model."""
    return hashlib.sha256(COEFFICIENTS_FILE.read_bytes()).hexdigest()


def write_own_calibration(index_dir: Path, own: OwnCalibration) -> Path:
    """Write what was fitted beside an index, at once or not at all; return the file."""
    file = index_dir / CALIBRATION_FILE
    replace_text(file, json.dumps(asdict(own), ensure_ascii=False))
    return file


def read_own_calibration(index_dir: Path) -> OwnCalibration | None:
    """Return what was fitted to an index, None where nothing was. Raises RagError for a broken file."""
    file = index_dir / CALIBRATION_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        own = OwnCalibration(**{**values, "documents": tuple(values["documents"])})
        if not 0 <= own.threshold <= 1 or own.slope <= 0:
            raise ValueError(f"threshold={own.threshold}, slope={own.slope}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RagError(f"{CALIBRATION_FILE} を読めません: {file}（{error}）", REFIT_HINT) from error
    return own


class CalibrationShelf:
    """Give each snapshot of an index the calibration that belongs to it; safe in many threads. A new file is noticed.

    index_dir: None gives every snapshot the packaged one.
    """

    def __init__(self, index_dir: Path | None, reranker: str = "") -> None:
        self._index_dir, self._reranker = index_dir, reranker
        self._lock = threading.Lock()
        self._known: tuple[object, tuple[Calibration, str]] | None = None

    def choose(self, manifest: Manifest) -> tuple[Calibration, str]:
        """Return the calibration of a snapshot, and where it comes from: FROM_PACKAGE or FROM_FILE."""
        key = (manifest.id, self._stamp())
        with self._lock:
            if self._known is None or self._known[0] != key:
                self._known = key, self._read(manifest)
            return self._known[1]

    def _stamp(self) -> tuple[int, int] | None:
        if self._index_dir is None:
            return None
        try:
            state = (self._index_dir / CALIBRATION_FILE).stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    def _read(self, manifest: Manifest) -> tuple[Calibration, str]:
        packaged = read_calibration()
        if self._index_dir is None:
            return packaged, FROM_PACKAGE
        try:
            own = read_own_calibration(self._index_dir)
        except RagError as error:
            log.warning("%s", error)
            return packaged, FROM_PACKAGE
        if own is None:
            return packaged, FROM_PACKAGE
        if mismatch := own.find_mismatch(manifest, self._reranker):
            log.warning("%s は使いません（%s）。%s", CALIBRATION_FILE, mismatch, REFIT_HINT)
            return packaged, FROM_PACKAGE
        return own.apply(packaged), FROM_FILE
