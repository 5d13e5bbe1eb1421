"""The figures of the use: how many questions, by day, department and kind, how they ended, and what was asked most."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from rag.activity.records import AskedQuestion, Verdict
from rag.activity.survey import SurveyResult
from rag.activity.time_saved import Minutes, TimeSaved, estimate_time_saved
from rag.documents import Kind
from rag.indexing.limits import department_key

_Z95 = 1.959964
_MOST_FREQUENT = 30
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Share:
    """A count out of a total."""

    count: int
    total: int

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None without a total."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval; None without a total.

        Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
        Statistical Association 22 (1927), 209-212.

        >>> [round(bound, 3) for bound in Share(8, 10).interval], Share(0, 0).interval
        ([0.49, 0.943], None)
        """
        if not self.total:
            return None
        n, p = self.total, self.count / self.total
        middle = (p + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
        half = _Z95 / (1 + _Z95**2 / n) * math.sqrt(p * (1 - p) / n + _Z95**2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def describe(self) -> str:
        """Return the share for people.

        >>> Share(8, 10).describe(), Share(0, 0).describe()
        ('80.0％（8/10件、95％区間 49.0〜94.3％）', '—（0件）')
        """
        if self.share is None or self.interval is None:
            return "—（0件）"
        low, high = self.interval
        return f"{self.share:.1%}（{self.count}/{self.total}件、95％区間 {low * 100:.1f}〜{high:.1%}）".replace(
            "%", "％"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """How some questions ended. judged: those that somebody judged."""

    asked: int
    answered: int
    helpful: int
    judged: int

    @property
    def declined(self) -> int:
        """How many were not answered."""
        return self.asked - self.answered

    @property
    def answered_share(self) -> Share:
        """Answered questions among all."""
        return Share(self.answered, self.asked)

    @property
    def declined_share(self) -> Share:
        """Declined questions among all."""
        return Share(self.declined, self.asked)

    @property
    def helpful_share(self) -> Share:
        """Helpful answers among those that were judged."""
        return Share(self.helpful, self.judged)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The questions of one day."""

    day: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class DepartmentFigures:
    """The questions that one department asked; None for people of no known department."""

    department: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class KindFigures:
    """The answered questions by the kind of the document cited first; None for one that is not known."""

    kind: Kind | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class FrequentQuestion:
    """A question that was asked several times, in its commonest words."""

    question: str
    count: int
    answered: int
    last_day: date


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The figures from `since` to `until`, both included. silent: departments that asked nothing. days: only those with questions."""

    since: date
    until: date
    all: Figures
    days: tuple[DayFigures, ...]
    departments: tuple[DepartmentFigures, ...]
    kinds: tuple[KindFigures, ...]
    frequent: tuple[FrequentQuestion, ...]
    silent: tuple[str, ...]
    saved: TimeSaved
    survey: SurveyResult


def measure_usage(
    entries: Sequence[AskedQuestion],
    *,
    since: date,
    until: date,
    departments: Sequence[str],
    minutes: Minutes,
    survey: SurveyResult,
) -> UsageReport:
    """Return the figures of the questions of some days. departments: all that there are."""
    chosen = [q for q in entries if since <= q.day <= until]
    by_department = _group(chosen, lambda q: q.department)
    asked = {department_key(name) for name in by_department if name}
    return UsageReport(
        since,
        until,
        count_figures(chosen),
        tuple(DayFigures(day, count_figures(qs)) for day, qs in sorted(_group(chosen, lambda q: q.day).items())),
        tuple(
            DepartmentFigures(name, count_figures(qs))
            for name, qs in sorted(by_department.items(), key=lambda item: (-len(item[1]), item[0] or ""))
        ),
        tuple(
            KindFigures(kind, count_figures(qs))
            for kind, qs in _group([q for q in chosen if q.is_answered], lambda q: q.kind).items()
        ),
        find_frequent(chosen),
        tuple(name for name in departments if department_key(name) not in asked),
        estimate_time_saved(chosen, minutes),
        survey,
    )


def count_figures(entries: Iterable[AskedQuestion]) -> Figures:
    """Return how some questions ended."""
    questions = list(entries)
    return Figures(
        asked=len(questions),
        answered=sum(q.is_answered for q in questions),
        helpful=sum(q.verdict is Verdict.HELPFUL for q in questions),
        judged=sum(q.verdict is not None for q in questions),
    )


def find_frequent(entries: Iterable[AskedQuestion]) -> tuple[FrequentQuestion, ...]:
    """Return the questions asked more than once, most often first; those with one normal form are one."""
    groups = _group(entries, lambda q: q.form)
    found = [
        FrequentQuestion(
            Counter(q.question for q in qs).most_common(1)[0][0],
            len(qs),
            sum(q.is_answered for q in qs),
            max(q.day for q in qs),
        )
        for qs in groups.values()
        if len(qs) > 1
    ]
    return tuple(sorted(found, key=lambda f: (-f.count, f.question))[:_MOST_FREQUENT])


def _group(entries: Iterable[AskedQuestion], key: Callable[[AskedQuestion], Key]) -> dict[Key, list[AskedQuestion]]:
    groups = defaultdict[Key, list[AskedQuestion]](list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups
