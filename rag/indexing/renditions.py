"""PDFs made of Office documents, so that a citation of one can show its page. Made when somebody looks, and kept."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from pathlib import Path

from rag.errors import ReadingError
from rag.reading.conversion import find_libreoffice, open_converted

RENDITIONS = "renditions"
SLIDES = frozenset({".pptx", ".pptm", ".ppt", ".odp"})
SUFFIXES = SLIDES | {".docx", ".docm", ".doc", ".odt", ".rtf"}
"""Kinds of file that are shown as printed pages; the rows of a sheet are shown as records, which are easier to read."""
TIMEOUT_SECONDS = 60
MAX_PDF_BYTES = 200_000_000
MAX_WAITING = 8
log = logging.getLogger(__name__)


def can_render(source: str) -> bool:
    """Tell whether pages of a file of that name can be shown on this machine."""
    return Path(source).suffix.lower() in SUFFIXES and find_libreoffice() is not None


class Renditions:
    """The PDFs that are kept under one folder. One is made at a time; who asks while many wait gets none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = threading.Lock()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._failed: set[str] = set()

    def find(self, original: Path, source: str, sha256: str) -> Path | None:
        """Return the PDF of an original, made now if need be; None where it cannot be made."""
        target = self._folder / f"{sha256}.pdf"
        if target.is_file():
            return target
        if sha256 in self._failed or not can_render(source) or not self._places.acquire(blocking=False):
            return None
        try:
            with self._making:
                if not target.is_file() and sha256 not in self._failed:
                    self._make(original, source, target)
        finally:
            self._places.release()
        return target if target.is_file() else None

    def _make(self, original: Path, source: str, target: Path) -> None:
        try:
            with open_converted(
                original, source, ".pdf", timeout_seconds=TIMEOUT_SECONDS, max_bytes=MAX_PDF_BYTES
            ) as converted:
                _publish(converted, target)
        except (ReadingError, OSError) as error:
            log.warning("no page images of %s: %s", source, error)
            self._failed.add(target.stem)


def _publish(converted: Path, target: Path) -> None:
    """Copy a file to its place so that nobody ever sees half of it. The name while copying is tidied away with the original."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f"{target.stem}.", suffix=".part", delete=False) as part:
        temporary = Path(part.name)
    try:
        shutil.copyfile(converted, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
