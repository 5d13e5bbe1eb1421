"""What a run must fulfil: figures that may not be below a value, and another run that it may not be worse than."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from eval.comparison import Comparison, Difference
from eval.metrics import COMPARED, NAMES, Figures
from rag.errors import UsageError


def parse_limits(written: Sequence[str]) -> dict[str, float]:
    """Return name -> least value. Raises UsageError for a name that is no figure or a value that is no share.

    >>> parse_limits(["正答率=0.8", "hit@1=70%"])
    {'正答率': 0.8, 'hit@1': 0.7}
    """
    limits = {}
    for word in written:
        name, _, value = word.partition("=")
        if name not in NAMES:
            raise UsageError(
                f"--fail-under の指標が分かりません: {word}", f"名前=値 の形で書いてください。指標: {'、'.join(NAMES)}"
            )
        try:
            limits[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            limits[name] = -1.0
        if not 0 <= limits[name] <= 1:
            raise UsageError(
                f"--fail-under の値が正しくありません: {word}", "0 から 1 の数か、百分率（80%）で書いてください。"
            )
    return limits


def find_failed(figures: Figures, limits: Mapping[str, float]) -> list[str]:
    """Return a sentence for each figure that is below its limit, or cannot be computed."""
    lines = []
    for name, least in limits.items():
        value = figures.shares[name].value
        if value is None or value < least:
            shown = "計算できません（当てはまる質問がありません）" if value is None else f"{value:.3f} です"
            lines.append(f"基準に届きません: {name} は {shown}（基準 {least:.3f}）。")
    return lines


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
