"""Two runs over the same questions: what changed beyond chance, which questions were won and which were lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eval.intervals import NOTHING, Figure, compare_ratios
from eval.metrics import AMOUNTS, COMPARED, Outcome, count_parts
from eval.records import QuestionRecord, RunRecord


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both runs on the questions that both asked. change: after - before, with its paired interval."""

    name: str
    before: float | None
    after: float | None
    change: Figure

    @property
    def is_worse(self) -> bool:
        """Whether the later run is worse beyond chance."""
        return self.change.is_below

    @property
    def is_better(self) -> bool:
        """Whether the later run is better beyond chance."""
        return self.change.is_above


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another. questions: how many both asked in the same words and with the same labels.

    won, lost: ids of the questions that are right now and were not before, and the other way round. left_out: ids of the questions
    that only one of them asked, or that were changed in between.
    """

    before: str
    after: str
    questions: int
    differences: tuple[Difference, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    left_out: tuple[str, ...]

    def find(self, name: str) -> Difference:
        """Return the difference of one figure, by its name."""
        return next(difference for difference in self.differences if difference.name == name)

    def worse(self, names: Collection[str] = COMPARED) -> tuple[Difference, ...]:
        """Return the figures that are worse beyond chance, of some or of all of which more is better."""
        return tuple(d for d in self.differences if d.name in names and d.name in COMPARED and d.is_worse)


def compare_runs(before: RunRecord, after: RunRecord) -> Comparison:
    """Return what changed on the questions that both runs asked."""
    olds = {result.id: result for result in before.results}
    pairs = [(olds[new.id], new) for new in after.results if new.id in olds and _is_same(olds[new.id], new)]
    shared = {new.id for _, new in pairs}
    ids = dict.fromkeys([*olds, *(result.id for result in after.results)])
    return Comparison(
        before=before.about.id,
        after=after.about.id,
        questions=len(pairs),
        differences=compare_outcomes([old.outcome for old, _ in pairs], [new.outcome for _, new in pairs]),
        won=tuple(new.id for old, new in pairs if new.outcome.correct and not old.outcome.correct),
        lost=tuple(new.id for old, new in pairs if old.outcome.correct and not new.outcome.correct),
        left_out=tuple(id_ for id_ in ids if id_ not in shared),
    )


def compare_outcomes(
    before: Sequence[Outcome], after: Sequence[Outcome], names: Sequence[str] = (*COMPARED, *AMOUNTS)
) -> tuple[Difference, ...]:
    """Return the named figures of two lists of outcomes of the same questions, and how they differ."""
    return tuple(_compare(name, before, after) for name in names)


def _compare(name: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> Difference:
    old, new = count_parts(name, before), count_parts(name, after)
    change = compare_ratios(new, old) if before else NOTHING
    return Difference(name, _ratio(old), _ratio(new), change)


def _ratio(counts: tuple[Sequence[float], Sequence[float]]) -> float | None:
    parts, wholes = map(sum, counts)
    return parts / wholes if wholes else None


def _is_same(old: QuestionRecord, new: QuestionRecord) -> bool:
    """Tell whether a question asks for the same in both runs."""
    return (old.text, old.gold, old.key_facts, old.answerable, old.as_of) == (
        new.text,
        new.gold,
        new.key_facts,
        new.answerable,
        new.as_of,
    )
