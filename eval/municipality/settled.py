"""Office files without the moment of saving, so that a rebuild gives the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

from eval.municipality.facts import CORPUS, NOON

_SAVED = re.compile(rb"(<dcterms:(?:modified|created)[^>]*>)[^<]*")


def save(target: str, write: Callable[[Any], object]) -> None:
    """Write an Office file into the corpus. write: the library's own save, which takes an open file."""
    kept = io.BytesIO()
    write(kept)
    path = CORPUS / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_settle(kept.getvalue()))


def _settle(archive: bytes) -> bytes:
    kept = io.BytesIO()
    moment = f"{NOON.isoformat()}Z".encode()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = _SAVED.sub(rb"\g<1>" + moment, old.read(name))
            new.writestr(zipfile.ZipInfo(name, NOON.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)
    return kept.getvalue()
