"""What a search is limited to, in the one form that every leg understands, and what a document has to say about it.

`Limits.admits` is the definition; a leg that uses an index of its own instead has to let through exactly the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from rag.documents import Filters, Metadata
from rag.reading.dates import fiscal_year
from rag.text import squeeze

AUDIENCE_SEPARATOR = "・"
_NO_DEPARTMENT, _NO_YEAR = " ", -1  # no document has them


@dataclass(frozen=True, slots=True)
class FilterFields:
    """What a search can be limited to, as plain values: "" and 0 where nobody said; effective is yyyymmdd."""

    source: str
    kind: str
    department: str = ""
    year: int = 0
    effective: int = 0
    audience: str = ""

    @classmethod
    def from_metadata(cls, source: str, metadata: Metadata) -> FilterFields:
        """Return the fields of a document. Its year, where nobody said: the fiscal year in which it came into force."""
        effective = metadata.effective_date
        return cls(
            source=source,
            kind=str(metadata.kind),
            department=department_key(metadata.department or ""),
            year=metadata.year or (fiscal_year(effective) if effective else 0),
            effective=date_number(effective) if effective else 0,
            audience=audience_key(metadata.audience),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search lets through; None means no limit.

    department: as `department_key` gives it. until: yyyymmdd; later documents are not in force yet, those without a day stay.
    audiences: the audience keys that the asker may read. left_out: sources that other editions take the place of.
    """

    department: str | None = None
    kind: str | None = None
    year: int | None = None
    until: int | None = None
    audiences: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        filters: Filters | None,
        audiences: Collection[str] | None = None,
        left_out: Collection[str] = (),
    ) -> Limits | None:
        """Return the limits of a question, None where there are none. An empty department or a year of 0 admits nothing."""
        asked = filters or Filters()
        found = cls(
            department=None if asked.department is None else department_key(asked.department) or _NO_DEPARTMENT,
            kind=None if asked.kind is None else str(asked.kind),
            year=None if asked.year is None else asked.year if asked.year > 0 else _NO_YEAR,
            until=None if asked.as_of is None else date_number(asked.as_of),
            audiences=None if audiences is None else frozenset(audiences),
            left_out=frozenset(left_out),
        )
        return None if found == cls() else found

    def admits(self, fields: FilterFields) -> bool:
        """Tell whether a document is let through."""
        return (
            self.department in (None, fields.department)
            and self.kind in (None, fields.kind)
            and self.year in (None, fields.year)
            and (self.until is None or fields.effective <= self.until)
            and (self.audiences is None or fields.audience in self.audiences)
            and fields.source not in self.left_out
        )


def department_key(name: str) -> str:
    """Return the form in which names of departments are compared: blanks, width and letter case make no difference.

    >>> department_key("　町民 課 "), department_key("ＩＣＴ推進室") == department_key("ict推進室")
    ('町民課', True)
    """
    return squeeze(name)


def date_number(day: date) -> int:
    """Return a date as the integer yyyymmdd.

    >>> date_number(date(2026, 4, 1))
    20260401
    """
    return day.year * 10_000 + day.month * 100 + day.day


def audience_key(audience: Collection[str]) -> str:
    """Return the one string that stands for an audience; "" is every member of staff.

    >>> audience_key(("税務課", "市民課"))
    '市民課・税務課'
    """
    return AUDIENCE_SEPARATOR.join(sorted(audience))
