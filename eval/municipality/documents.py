"""Every document of the town as the questions call it: one entry in the table of its kind is all that a new one needs."""

from __future__ import annotations

from typing import Protocol

from eval.municipality.build import PRINTS
from eval.municipality.decks import DECKS
from eval.municipality.papers import PAPERS
from eval.municipality.scans import SCANS
from eval.municipality.texts import RECORDS, TEXTS
from eval.municipality.workbooks import BOOKS


class Made(Protocol):
    """What the entries of all tables have."""

    @property
    def alias(self) -> str: ...
    @property
    def target(self) -> str: ...


_TABLES: tuple[tuple[Made, ...], ...] = (PRINTS, SCANS, TEXTS, RECORDS, BOOKS, PAPERS, DECKS)
DOCUMENTS = {one.alias: one.target for table in _TABLES for one in table}
"""Alias -> place in the corpus."""
