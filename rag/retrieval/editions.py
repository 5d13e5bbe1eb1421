"""Which edition of a text a question wants: the one in force, or the one whose year or day it names."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rag.documents import Asker, Edition, Filters, Metadata, Passage, Standing
from rag.indexing.editions import Family, Member, index_families
from rag.reading.dates import find_years

OTHER_EDITION_WEIGHT = 0.5
"""What the score of a passage counts in an edition that the question does not want (measured: docs/architecture.md)."""
_WIDER = 3


@dataclass(frozen=True, slots=True)
class EditionChooser:
    """Judges the editions of the families for one question and one asker. today: decides what is in force and what is old."""

    families: Mapping[str, Family]
    asker: Asker
    today: date
    as_of: date | None = None
    years: frozenset[int] = frozenset()

    @classmethod
    def build(
        cls, families: Sequence[Family], question: str, filters: Filters | None, asker: Asker, today: date
    ) -> EditionChooser:
        """Return the chooser for a question; a limit to a year or a day says which editions are wanted, as its words do."""
        seen = (family.open_to(asker) for family in families)
        known = index_families(family for family in seen if len({member.rank for member in family.members}) > 1)
        years = find_years(unicodedata.normalize("NFKC", question)) if known else frozenset()
        if filters is not None and filters.year is not None:
            years |= {filters.year}
        return cls(known, asker, today, filters.as_of if filters else None, years)

    @property
    def candidates(self) -> int:
        """How many times as many candidates it takes, so that enough stay when those of other editions are left out."""
        return _WIDER if self.families and self.as_of is not None else 1

    def judge(self, source: str, metadata: Metadata) -> Edition | None:
        """Return what a document is among its editions; None for the only one of its text, unless it is not in force yet."""
        family = self.families.get(source)
        if family is not None:
            return family.judge(source, self.today, chosen=self._is_wanted(source))
        if metadata.effective_date is not None and metadata.effective_date > self.today:
            return Edition(source, Standing.COMING, metadata.effective_date)
        return None

    def leave_out(self, scores: Mapping[str, float], sources: Mapping[str, str]) -> dict[str, float]:
        """Return the scores of chunks without those of editions that are not in force on the day that was asked for."""
        if self.as_of is None:
            return dict(scores)
        return {id_: score for id_, score in scores.items() if self._is_wanted(sources.get(id_))}

    def weigh(self, scores: Mapping[str, float], sources: Mapping[str, str]) -> dict[str, float]:
        """Return the scores of chunks, less for those of editions that are not wanted. sources: chunk -> document."""
        wanted = {source: self._is_wanted(source) for source in {*sources.values()}}
        weights = {id_: 1.0 if wanted[source] else OTHER_EDITION_WEIGHT for id_, source in sources.items()}
        return {id_: score * weights.get(id_, 1.0) for id_, score in scores.items()}

    def _is_wanted(self, source: str | None) -> bool:
        family = self.families.get(source or "")
        return family is None or any(member.source == source for member in self._choose(family))

    def _choose(self, family: Family) -> tuple[Member, ...]:
        if self.as_of is not None:
            return family.in_force(self.as_of)
        named = tuple(member for member in family.members if member.years & self.years)
        return named or family.in_force(self.today) or family.first_to_come()


def keep_one_edition(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages (best first) without those of other editions than the one that came first of each text.

    Where the question wants several editions, as it names their years, all of these stay.
    """
    first: dict[str, Passage] = {}
    kept = []
    for passage in passages:
        if passage.edition is None:
            kept.append(passage)
            continue
        leader = first.setdefault(passage.edition.family, passage)
        both_wanted = bool(leader.edition and leader.edition.chosen and passage.edition.chosen)
        if both_wanted or passage.chunk.source == leader.chunk.source:
            kept.append(passage)
    return kept
