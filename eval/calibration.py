"""Whether the confidence means what it says: the reliability curve of the answers that were given, and its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics import Outcome

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers whose confidence lies in [low, high). confidence: its mean; right: the share of right ones among them."""

    low: float
    high: float
    answers: int
    confidence: float
    right: float


def build_curve(outcomes: Sequence[Outcome], bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the reliability curve of the answers: bins of equal width, those without an answer left out.

    >>> sure, unsure = (Outcome(True, answered=True, has_facts=ok, at_gold=(True,), confidence=c) for ok, c in ((True, 0.95), (False, 0.55)))
    >>> [(b.low, b.answers, b.right) for b in build_curve([sure, sure, unsure, Outcome(True, abstained=True)])]
    [(0.5, 1, 0.0), (0.9, 2, 1.0)]
    """
    given = [outcome for outcome in outcomes if outcome.answered]
    curve = []
    for number in range(bins):
        inside = [o for o in given if min(int(o.confidence * bins), bins - 1) == number]
        if inside:
            confidence, right = (
                sum(v) / len(inside) for v in ([o.confidence for o in inside], [o.correct for o in inside])
            )
            curve.append(ReliabilityBin(number / bins, (number + 1) / bins, len(inside), confidence, right))
    return tuple(curve)


def compute_error(curve: Sequence[ReliabilityBin]) -> float | None:
    """Return the expected calibration error, Σ answers × |right - confidence| / Σ answers; None without answers.

    >>> compute_error([ReliabilityBin(0.5, 0.6, 1, 0.55, 0.0), ReliabilityBin(0.9, 1.0, 3, 0.95, 1.0)])
    0.175
    """
    total = sum(part.answers for part in curve)
    return round(sum(p.answers * abs(p.right - p.confidence) for p in curve) / total, 6) if total else None


def render_curve(curve: Sequence[ReliabilityBin]) -> list[str]:
    """Return the lines of a table in Japanese: how sure the answers were, how many there are, how many of them are right."""
    error = compute_error(curve)
    if error is None:
        return []
    lines = [f"確信度と正解（期待較正誤差 {error:.3f}）"]
    return lines + [
        f"  {part.low:.0%}〜{part.high:.0%}  {part.answers:>4} 問  確信度 {part.confidence:.2f}  正解 {part.right:.2f}  "
        + "■" * round(part.right * 20)
        for part in curve
    ]
