"""Which documents of a corpus are editions of one text, and which of them is in force on a day.

Editions have the same name once years, days and numbers are taken from it (`rag.reading.edition_titles`), the same kind and department, and
folders that lie on one path; or the same 文書名 in metadata.csv, which settles it. Files that nothing puts in order are not linked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from rag.documents import Asker, Edition, Kind, Metadata, OtherEdition, Standing
from rag.reading.dates import fiscal_year
from rag.reading.edition_titles import (
    is_draft,
    is_issue,
    is_particular,
    says_day,
    says_edition,
    says_year,
    strip_folders,
    strip_marks,
)
from rag.text import squeeze

_REPLACED = frozenset({Kind.MANUAL, Kind.FAQ, Kind.RULE})
"""Kinds whose newer text takes the place of the older one; a budget or survey of a year stays what it is."""


@dataclass(frozen=True, slots=True)
class Member:
    """One document of a family. rank: from 0, the older first, equal for copies of one edition in several formats."""

    source: str
    metadata: Metadata
    rank: int = 0
    is_draft: bool = False

    @property
    def years(self) -> frozenset[int]:
        """The years that a question may name it by."""
        year, begins = self.metadata.year, self.metadata.begins
        return frozenset([year] if year else []) | frozenset([fiscal_year(begins)] if begins else [])


@dataclass(frozen=True, slots=True)
class Family:
    """The editions of one text, the older first. by_year: each is of a year, like a budget, and replaces no other."""

    name: str
    by_year: bool
    members: tuple[Member, ...]

    def open_to(self, asker: Asker) -> Family:
        """Return the family as the asker sees it: without what he may not read."""
        members = tuple(member for member in self.members if asker.may_read(member.metadata.audience))
        return Family(self.name, self.by_year, members)

    def in_force(self, day: date) -> tuple[Member, ...]:
        """Return the members of the edition in force on a day: the newest that has begun; a draft only where all are drafts."""
        finals = [member for member in self.members if not member.is_draft] or self.members
        begun = [member for member in finals if member.metadata.begins is None or member.metadata.begins <= day]
        newest = max((member.rank for member in begun), default=None)
        return tuple(member for member in begun if member.rank == newest)

    def first_to_come(self) -> tuple[Member, ...]:
        """Return the members of the oldest edition: where none is in force yet, it is the next."""
        return tuple(member for member in self.members if member.rank == min(m.rank for m in self.members))

    def with_the_one_before(self, chosen: Sequence[Member]) -> tuple[Member, ...]:
        """Return members with those of the edition before their first one, to show what changed."""
        first = min((member.rank for member in chosen), default=None)
        earlier = [m for m in self.members if first is not None and m.rank < first and not m.is_draft]
        newest = max((member.rank for member in earlier), default=None)
        return (*(member for member in earlier if member.rank == newest), *chosen)

    def judge(self, source: str, day: date, *, chosen: bool = True) -> Edition:
        """Return what the member of that name is on a day."""
        member = next(member for member in self.members if member.source == source)
        current = self.in_force(day)
        standing = self._stand(member, current)
        instead = None if member in current else _choose_like(member.source, current)
        return Edition(self.name, standing, member.metadata.begins, instead, chosen)

    def _stand(self, member: Member, current: Sequence[Member]) -> Standing:
        if member in current:
            return Standing.CURRENT
        if member.is_draft and any(not other.is_draft for other in self.members):
            return Standing.DRAFT
        if not current or member.rank > current[0].rank:
            return Standing.COMING
        return Standing.EARLIER if self.by_year else Standing.OLD


def _choose_like(source: str, members: Sequence[Member]) -> OtherEdition | None:
    """Return the edition to turn to, in the same format where there is one."""
    suffix = PurePosixPath(source).suffix.lower()
    best = min(members, key=lambda m: (PurePosixPath(m.source).suffix.lower() != suffix, m.source), default=None)
    return OtherEdition(best.source, best.metadata.title, best.metadata.begins) if best else None


def link_editions(documents: Iterable[tuple[str, Metadata]]) -> list[Family]:
    """Return the families of the documents (source, metadata), by name; documents that stand alone are in none."""
    groups: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for source, metadata in sorted(documents, key=lambda document: document[0]):
        if key := _key_of(source, metadata):
            groups[key].append(_build_member(source, metadata))
    families = (_build_family(key, group) for key, found in groups.items() for group in _split_by_folder(key, found))
    return sorted((family for family in families if family), key=lambda family: family.name)


def _build_member(source: str, metadata: Metadata) -> Member:
    return Member(source, metadata, is_draft=any(map(is_draft, _names(source, metadata))))


def _names(source: str, metadata: Metadata) -> tuple[str, str]:
    return metadata.title, PurePosixPath(source).stem


def _key_of(source: str, metadata: Metadata) -> tuple[str, ...] | None:
    """Return what the editions of a text have in common; None for a document that is no edition of anything."""
    if metadata.work:
        return ("work", squeeze(metadata.work))
    names = _names(source, metadata)
    if any(map(is_issue, names)) or not (metadata.begins or metadata.edition) or _is_of_a_day(names, metadata.kind):
        return None
    if key := next((key for name in names if is_particular(key := strip_marks(name))), ""):
        return ("name", str(metadata.kind), metadata.department or "", key)
    folders = PurePosixPath(source).parts[
        :-1
    ]  # a bare 手引 is one text within its folder, a bare 資料1 not even from year to year
    within = strip_folders(folders) if metadata.kind in _REPLACED else folders
    return ("name", str(metadata.kind), metadata.department or "", strip_marks(names[1]), *within)


def _is_of_a_day(names: Sequence[str], kind: Kind) -> bool:
    """Tell whether a name is that of something written on one day, like a notice, and not of an edition."""
    return kind not in _REPLACED and any(map(says_day, names)) and not any(map(says_edition, names))


def _split_by_folder(key: tuple[str, ...], members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    """Yield the members that belong together: all where their folders lie on one path, else those of each folder."""
    folders = [strip_folders(PurePosixPath(member.source).parts[:-1]) for member in members]
    longest = max(folders, key=len)
    if key[0] == "work" or all(longest[: len(folder)] == folder for folder in folders):
        yield members
        return
    for folder in dict.fromkeys(folders):
        yield [member for member, other in zip(members, folders, strict=True) if other == folder]


def _build_family(key: tuple[str, ...], members: Sequence[Member]) -> Family | None:
    """Return the members in their order, None where there are no two that can be ordered."""
    dated = [member for member in members if member.metadata.begins]
    by_number = len(dated) < len(members) and all(member.metadata.edition for member in members)
    ordered = members if by_number else dated
    places = {member.source: _place_of(member, by_number=by_number) for member in ordered}
    ranks = {place: rank for rank, place in enumerate(sorted(set(places.values())))}
    if len(ranks) < 2:
        return None
    ranked = [Member(m.source, m.metadata, ranks[places[m.source]], m.is_draft) for m in ordered]
    by_year = key[0] != "work" and all(map(_is_of_a_year, ordered))
    return Family(
        "/".join([*key, ordered[0].source]),
        by_year,
        tuple(sorted(ranked, key=lambda member: (member.rank, member.source))),
    )


def _place_of(member: Member, *, by_number: bool) -> tuple[bool, date, tuple[int, ...]]:
    """Return what orders editions: drafts first, then by day, then by number."""
    day = date.min if by_number else member.metadata.begins or date.min
    return (not member.is_draft, day, member.metadata.edition)


def _is_of_a_year(member: Member) -> bool:
    names = _names(member.source, member.metadata)
    return member.metadata.kind not in _REPLACED and any(map(says_year, names)) and not any(map(says_edition, names))
