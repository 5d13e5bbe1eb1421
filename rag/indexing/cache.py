"""The embedding cache: (embedder fingerprint, text) -> vector, so that nothing is embedded twice."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (
    fingerprint TEXT NOT NULL, text_sha256 BLOB NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (fingerprint, text_sha256)
) WITHOUT ROWID
"""


def text_key(text: str) -> bytes:
    """Return the key of a text: the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode()).digest()


class EmbeddingCache:
    """One SQLite file. It is used by the one writer; a broken file is set aside, because everything in it can be made again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _open(file)
        except sqlite3.DatabaseError:
            self._set_aside()

    def get_many(self, fingerprint: str, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of the texts that are known."""
        import numpy as np

        by_key = {text_key(text): text for text in texts}
        try:
            rows = self._select(fingerprint, by_key)
        except sqlite3.DatabaseError:
            self._set_aside()
            return {}
        return {by_key[key]: np.frombuffer(blob, dtype="<f4") for key, blob in rows}

    def put_many(self, fingerprint: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep the vectors of texts."""
        rows = [(fingerprint, text_key(text), vector.astype("<f4").tobytes()) for text, vector in vectors.items()]
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)
        except sqlite3.DatabaseError:
            self._set_aside()

    def keep_only(self, fingerprints: Collection[str]) -> None:
        """Drop the vectors of every other embedder."""
        with self._connection:
            self._connection.execute(
                "DELETE FROM embeddings WHERE fingerprint NOT IN (SELECT value FROM json_each(?))",
                [json.dumps(list(fingerprints))],
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _select(self, fingerprint: str, keys: Collection[bytes]) -> list[tuple[bytes, bytes]]:
        query = "SELECT text_sha256, vector FROM embeddings WHERE fingerprint = ? AND text_sha256 = ?"
        rows = (self._connection.execute(query, (fingerprint, key)).fetchone() for key in keys)
        return [row for row in rows if row]

    def _set_aside(self) -> None:
        """Move a broken cache out of the way and start an empty one."""
        if hasattr(self, "_connection"):
            self._connection.close()
        aside = self._file.with_name(f"{self._file.name}.broken-{time.strftime('%Y%m%d%H%M%S')}")
        self._file.replace(aside)
        log.warning("埋め込みの控えが壊れていたため、%s に移して作り直します。索引には影響ありません。", aside)
        self._connection = _open(self._file)


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
