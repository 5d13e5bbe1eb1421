"""The training pairs: {"query", "title", "passage"} a line of *.jsonl.gz."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, str]


def read_rows(file: Path) -> list[Row]:
    """Return the pairs of a file."""
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
