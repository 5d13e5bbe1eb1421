"""The training pairs: {"query", "title", "passage"} a line of *.jsonl.gz."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, str]

BOILERPLATE_CAPTIONS = ("施行期日", "経過措置", "検討", "政令への委任")
"""Captions that thousands of statutes share: their articles cannot be told apart without the name of the statute."""


def read_rows(file: Path) -> list[Row]:
    """Return the pairs of a file."""
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
