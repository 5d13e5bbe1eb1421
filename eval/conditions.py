"""Whether a run is worse than another one that it may not be worse than (for limits of its own, see eval.limits)."""

from __future__ import annotations

from collections.abc import Collection

from eval.comparison import Comparison, Difference
from eval.metrics import COMPARED


def find_worse(comparison: Comparison, names: Collection[str] = COMPARED) -> list[str]:
    """Return a sentence for each figure that is worse beyond chance, or one where nothing can be compared."""
    if not comparison.questions:
        return [f"比べられません: {comparison.before} と同じ質問がありません。"]
    return [f"基準の結果 {comparison.before} より下がりました: {describe(d)}。" for d in comparison.worse(names)]


def describe(difference: Difference) -> str:
    """Return a difference in words.

    >>> from eval.intervals import Figure
    >>> describe(Difference("正答率", 0.8, 0.7, Figure(-0.1, -0.15, -0.05, 100)))
    '正答率 0.800 → 0.700（差 -0.100、95％区間 -0.150〜-0.050）'
    """
    change = difference.change
    if difference.before is None or difference.after is None or change.value is None:
        return f"{difference.name} は比べられません"
    return (
        f"{difference.name} {difference.before:.3f} → {difference.after:.3f}"
        f"（差 {change.value:+.3f}、95％区間 {change.low:+.3f}〜{change.high:+.3f}）"
    )
