"""Which edition of a text a question wants: the one in force, the one whose year or day it names, or that and the one before."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date

from rag.documents import Asker, Edition, Filters, Metadata, Passage, Standing
from rag.indexing.editions import Family, Member
from rag.reading.dates import find_days, find_years, join_days

OTHER_EDITION_WEIGHT = 0.5
"""What the score of a passage counts in an edition that the question does not want (measured: docs/architecture.md).

Its square where the question names a day of a life: an edition of that year has the words of the day, and they say nothing.
"""
_COMPARES = re.compile(
    "(?:[日月年]|改正|改定|改訂|見直し|施行|変更)(?:の)?(?:前と後|前後で)|新旧|旧(?:の)?(?:規程|規則|要綱|要領|条例|制度|版)と"
    "|変わりました|変わったの|変更点|改正点|改正内容"
)
"""It asks what changed in the text. That something changes in a life (社会保険に変わったとき) is no such question."""
_OF_A_LIFE = re.compile(r"[0-9日\s]*(?:生まれ|に?(?:生ま|購入|転入|転出|取得|入所|採用))")
"""What follows a day on which something happened to somebody; the text in force today speaks of it."""


class EditionChooser:
    """Judges the editions of one text for one question and one asker; looks only at the texts that it is asked about.

    families: source -> family. today: decides what is in force and what is old.
    """

    def __init__(
        self, families: Mapping[str, Family], question: str, filters: Filters | None, asker: Asker, today: date
    ) -> None:
        self._families, self._asker, self._today = families, asker, today
        self._as_of = filters.as_of if filters else None
        asked = join_days(unicodedata.normalize("NFKC", question)) if families else ""
        text = _without_days_of_a_life(asked)
        self._other_weight = OTHER_EDITION_WEIGHT if text == asked else OTHER_EDITION_WEIGHT**2
        self._years = find_years(text)
        self._days = [found.day for found in find_days(text)]
        self._compares = _COMPARES.search(text) is not None
        if filters is not None and filters.year is not None:
            self._years |= {filters.year}
        self._open: dict[str, Family | None] = {}
        self._wanted: dict[str, frozenset[str]] = {}

    @property
    def has_families(self) -> bool:
        """Tell whether any document is an edition of a text."""
        return bool(self._families)

    @property
    def left_out(self) -> frozenset[str]:
        """The documents that are no candidates: of each text, all but the edition in force on the day that was asked for."""
        if self._as_of is None:
            return frozenset()
        return frozenset(source for source in self._families if not self._is_wanted(source))

    def judge(self, source: str, metadata: Metadata) -> Edition | None:
        """Return what a document is among its editions; None for the only one of its text, unless it is not in force yet."""
        family = self._find(source)
        if family is not None:
            return family.judge(source, self._today, chosen=self._is_wanted(source))
        if metadata.effective_date is not None and metadata.effective_date > self._today:
            return Edition(source, Standing.COMING, metadata.effective_date)
        return None

    def weigh(self, scores: Mapping[str, float], sources: Mapping[str, str]) -> dict[str, float]:
        """Return the scores of chunks, less for those of editions that are not wanted. sources: chunk -> document."""
        wanted = {source: self._is_wanted(source) for source in {*sources.values()}}
        weights = {id_: 1.0 if wanted[source] else self._other_weight for id_, source in sources.items()}
        return {id_: score * weights.get(id_, 1.0) for id_, score in scores.items()}

    def _find(self, source: str) -> Family | None:
        """Return the family of a document as the asker sees it; None where he may read one edition only."""
        family = self._families.get(source)
        if family is None:
            return None
        if family.name not in self._open:
            seen = family.open_to(self._asker)
            self._open[family.name] = seen if len({member.rank for member in seen.members}) > 1 else None
        return self._open[family.name]

    def _is_wanted(self, source: str) -> bool:
        family = self._find(source)
        if family is None:
            return True
        if family.name not in self._wanted:
            self._wanted[family.name] = frozenset(member.source for member in self._choose(family))
        return source in self._wanted[family.name]

    def _choose(self, family: Family) -> tuple[Member, ...]:
        if self._as_of is not None:
            return family.in_force(self._as_of)
        on_day = () if family.by_year else dict.fromkeys(m for day in self._days for m in family.in_force(day))
        of_year = tuple(member for member in family.members if member.years & self._years) if self._years else ()
        chosen = tuple(on_day) or of_year or family.in_force(self._today) or family.first_to_come()
        return family.with_the_one_before(chosen) if self._compares else chosen


def _without_days_of_a_life(text: str) -> str:
    """Return a question without the days on which something happened to somebody (令和5年6月生まれ)."""
    for found in reversed(find_days(text)):
        if _OF_A_LIFE.match(text, found.end):
            text = text[: found.start] + text[found.end :]
    return text


def is_wanted(passage: Passage) -> bool:
    """Tell whether a passage is of the edition that the question wants, or of a document that has one only."""
    return passage.edition is None or passage.edition.chosen


def edition_weight(passage: Passage) -> float:
    """Return what the score of a passage counts for its edition."""
    return 1.0 if is_wanted(passage) else OTHER_EDITION_WEIGHT


def keep_one_edition(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages (best first) without those of other editions than the one that came first of each text.

    Where the question wants several editions, as it names their years or asks what changed, all of these stay.
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
