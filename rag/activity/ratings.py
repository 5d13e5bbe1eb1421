"""○△× by two people who judge the same answers, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.activity.masking import clean_comment, clean_text
from rag.activity.store import ActivityStore
from rag.errors import UsageError


class Rating(StrEnum):
    """How good an answer is, as a rater sees it; the values are the signs that people write."""

    GOOD = "○"
    FAIR = "△"
    BAD = "×"


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """One rater's judgement of one answer."""

    asked: str
    rater: str
    rating: Rating
    comment: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two raters agree on the answers that both rated. kappa: None where it is not defined (see `measure_kappa`)."""

    first: str
    second: str
    count: int
    same: int
    kappa: float | None


def measure_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of pairs of ratings: (po - pe) / (1 - pe), po the share of equal pairs, pe that by chance.

    None for no pairs, and where both raters gave one and the same rating to all (pe = 1). Source: J. Cohen, "A coefficient of
    agreement for nominal scales", Educational and Psychological Measurement 20 (1960), 37-46.

    >>> measure_kappa([("○", "○"), ("○", "×"), ("×", "×"), ("×", "×")])  # po 3/4; pe 2/4 x 1/4 + 2/4 x 3/4 = 1/2
    0.5
    """
    if not pairs:
        return None
    count = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(a == b for a, b in pairs) / count
    chance = sum(first[rating] * second[rating] for rating in first) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


class Ratings:
    """The ratings of the answers of a store; they go when their questions go."""

    def __init__(self, store: ActivityStore) -> None:
        self._store = store

    def rate(self, id: str, rater: str, rating: Rating, comment: str = "") -> None:
        """Remember a rating; a second one of the same rater takes the place of the first.

        Raises UsageError for an answer that is not there, a rater without a name and a comment that is too long.
        """
        name = clean_text(rater)
        if not name:
            raise UsageError("評価する人の名前がありません。", "名前を付けて評価してください。")
        values = (id, name, self._store.now().isoformat(), rating.value, clean_comment(comment))
        self._store.check_known(id)
        with self._store.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO rated VALUES (?, ?, ?, ?, ?)", values)

    def ratings(self, id: str | None = None) -> tuple[RatedAnswer, ...]:
        """Return the ratings of one answer, or all of them, by answer and rater."""
        where, values = ("WHERE asked = ?", (id,)) if id is not None else ("", ())
        found = self._store.database.read(f"SELECT * FROM rated {where} ORDER BY asked, rater", values)
        return tuple(RatedAnswer(r["asked"], r["rater"], Rating(r["rating"]), r["comment"]) for r in found)

    def agreement(self, first: str, second: str) -> Agreement:
        """Return how two raters agree on what both rated."""
        mine, others = self._of(first), self._of(second)
        pairs = [(rating.value, others[id].value) for id, rating in mine.items() if id in others]
        return Agreement(first, second, len(pairs), sum(a == b for a, b in pairs), measure_kappa(pairs))

    def disagreements(self, first: str, second: str) -> tuple[str, ...]:
        """Return the answers that two raters rated differently: those to talk about."""
        mine, others = self._of(first), self._of(second)
        return tuple(id for id, rating in mine.items() if id in others and others[id] is not rating)

    def _of(self, rater: str) -> dict[str, Rating]:
        return {rated.asked: rated.rating for rated in self.ratings() if rated.rater == rater}
