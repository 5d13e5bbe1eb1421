"""Which embedder belongs to what: a snapshot is searched with the one that it was built with, the next is built with the chosen one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rag.indexing.adapted_models import AdaptedModels
from rag.indexing.lexical import tokenizer_version
from rag.indexing.manifest import Manifest
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.indexing.embedding import Embedder

DEFAULT = "default"
_MOST_OPEN = 2  # while a service changes from one to another, questions of both are answered
BASE_HAS_CHANGED = (
    "標準の埋め込みモデルが新しくなったため、以前のモデルから文書の言葉づかいを学習したモデルは使わず、標準のモデルで"
    "索引を作ります。もう一度学習するには `rag adapt` を実行してください"
)


class EmbedderLibrary:
    """Open the embedders of one index folder, each once; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models = AdaptedModels(settings.index)
        self._lock = threading.Lock()
        self._open: dict[str, Embedder] = {}

    def for_snapshot(self, manifest: Manifest) -> Embedder:
        """Return the embedder that a snapshot was built with.

        Raises IndexMismatchError where it is neither that of the settings nor adapted from it, EmbedderError where it is broken.
        """
        wanted = manifest.recipe.embedder_fingerprint
        with self._lock:
            if wanted not in self._open:
                embedder = self._find(wanted)
                manifest.check_readable(
                    tokenizer_version=tokenizer_version(), embedder_fingerprint=embedder.fingerprint
                )
                newest = list(self._open.items())[-(_MOST_OPEN - 1) :]
                self._open = {**dict(newest), wanted: embedder}
            return self._open[wanted]

    def for_building(self) -> tuple[Embedder, tuple[str, ...]]:
        """Return the embedder that the next snapshot is to be built with, and what people should know about the choice."""
        from rag.indexing.embedding import open_embedder

        embedder = open_embedder(self._settings.embedder)
        chosen = self._models.chosen() if self._settings.embedder == DEFAULT else None
        if chosen is None:
            return embedder, ()
        note = self._models.note(chosen)
        if note is None or note.base != embedder.fingerprint:
            return embedder, (BASE_HAS_CHANGED,)
        return open_embedder(str(self._models.folder(chosen))), ()

    def _find(self, wanted: str) -> Embedder:
        from rag.indexing.embedding import open_embedder

        if self._settings.embedder == DEFAULT and self._models.has(wanted):
            return open_embedder(str(self._models.folder(wanted)))
        return open_embedder(self._settings.embedder)
