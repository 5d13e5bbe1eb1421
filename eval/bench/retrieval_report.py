"""What the retrieval benchmark prints: a table for each set, one over all sets, and what changed since an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.bench.retrieval_scores import COMPARED, FIGURES, Score, SetResult, is_above, is_below
from eval.bench.retrieval_systems import FINAL, FUSED, LABELS, PEER, PLAIN
from eval.bench.speed import render_table
from eval.intervals import Figure, compute_difference

_MOST_CHANGED = 20
_NOT_HERE = "llama-index の BM25Retriever は入れていないので測っていません。"
Earlier = Mapping[str, Mapping[str, Mapping[str, Score]]]
"""Set -> system -> question id -> score, of an earlier run."""


def render_set(result: SetResult) -> str:
    """Return the figures of every system of one set, and those by type where the questions have types."""
    head = f"## {result.name}（{len(result.texts)}問）"
    notes = []
    if result.unscored:
        notes.append(f"正解の文書がなく採点しない質問: {result.unscored}問。")
    if result.unreadable:
        notes.append(f"索引にできなかった文書: {result.unreadable}件。")
    tables = [_render_systems(result), *([_render_types(result)] if any(result.types.values()) else [])]
    return "\n\n".join([head, *tables, *notes])


def _render_systems(result: SetResult) -> str:
    rows = [("方式", *(_title(name) for name in FIGURES), *(f"{name} の差" for name in COMPARED), "ミリ秒/問")]
    for system in result.scores:
        cells = [_render(result.figure(system, name), with_interval=name in COMPARED) for name in FIGURES]
        differences = [_render_difference(result.difference(system, PLAIN, name)) for name in COMPARED]
        if system == PLAIN:
            differences = ["—"] * len(COMPARED)
        rows.append((LABELS[system], *cells, *differences, f"{result.milliseconds[system]:.1f}"))
    return render_table(rows)


def _render_types(result: SetResult) -> str:
    types = sorted({type_ for type_ in result.types.values() if type_})
    counts = {type_: sum(found == type_ for found in result.types.values()) for type_ in types}
    rows = [("方式", *(f"{type_}（{counts[type_]}問）hit@1 / hit@5" for type_ in types))]
    for system in result.scores:
        pairs = [[_render(result.figure(system, name, type_)) for name in ("hit@1", "hit@5")] for type_ in types]
        rows.append((LABELS[system], *(" / ".join(pair) for pair in pairs)))
    return render_table(rows)


def render_summary(results: Sequence[SetResult]) -> str:
    """Return one line for every set and figure with a target, all other sets with hit@1: the systems beside the target."""
    shown = (FINAL, FUSED, PLAIN, PEER)
    rows = [("セット", "問", "指標", *(LABELS[system] for system in shown), "素の BM25 との差", "目標", "判定")]
    for result in results:
        for name in result.targets or ("hit@1",):
            target = result.targets.get(name)
            values = [result.figure(system, name) for system in shown]
            rows.append(
                (
                    result.name,
                    str(len(result.texts)),
                    name,
                    *(_render(value) for value in values),
                    _render_difference(result.difference(FINAL, PLAIN, name)),
                    "—" if target is None else f"{target:.2f} 以上",
                    _judge(values[0].value, target),
                )
            )
    legend = "[ ] は95％区間（質問の引き直し）。▼ は素の BM25 より有意に低い、▲ は有意に高い。"
    return f"## まとめ\n\n{render_table(rows)}\n\n{legend}{_NOT_HERE}"


def _judge(value: float | None, target: float | None) -> str:
    return "—" if value is None or target is None else "○" if value >= target else "×"


def render_comparison(result: SetResult, earlier: Earlier) -> str:
    """Return what changed in a set since an earlier run: the differences of every system, and the questions of the final one."""
    before = earlier.get(result.name, {})
    head = f"## {result.name}: 前の結果との差"
    systems = [system for system in result.scores if system in before]
    if not systems:
        return f"{head}\n\n前の結果にこのセットはありません。"
    rows = [("方式", "問", *(f"{name} 前" for name in COMPARED), *(f"{name} の差" for name in COMPARED))]
    for system in systems:
        rows.append(_compare_system(system, result.scores[system], before[system]))
    parts = [head, render_table(rows)]
    if FINAL in systems:
        parts.append(_render_changed(result, before[FINAL]))
    return "\n\n".join(parts)


def _compare_system(system: str, new: Mapping[str, Score], old: Mapping[str, Score]) -> tuple[str, ...]:
    shared = [id_ for id_ in new if id_ in old]
    means, differences = [], []
    for name in COMPARED:
        after, before = ([FIGURES[name](scores[id_]) for id_ in shared] for scores in (new, old))
        means.append(f"{sum(before) / len(shared):.3f}" if shared else "—")
        differences.append(_render_difference(compute_difference(after, before)))
    left_out = len({*new, *old}) - len(shared)
    count = f"{len(shared)}（片方だけの {left_out} 問を除く）" if left_out else str(len(shared))
    return (LABELS[system], count, *means, *differences)


def _render_changed(result: SetResult, old: Mapping[str, Score]) -> str:
    """Return the questions whose first right place has another rank now, those that got worse first."""
    new = result.scores[FINAL]
    changed = [id_ for id_ in new if id_ in old and new[id_].rank != old[id_].rank]
    gain = {id_: _reciprocal(new[id_]) - _reciprocal(old[id_]) for id_ in changed}
    worse = sum(value < 0 for value in gain.values())
    lines = [
        f"{LABELS[FINAL]}で順位の変わった質問: {len(changed)}問（下がった {worse}、上がった {len(changed) - worse}）"
    ]
    listed = sorted(changed, key=lambda id_: gain[id_])
    middle = listed[_MOST_CHANGED // 2 : -(_MOST_CHANGED // 2)] if len(listed) > _MOST_CHANGED else []
    for id_ in listed:
        if id_ in middle:
            continue
        lines.append(f"- {id_}: {_rank(old[id_])} → {_rank(new[id_])}　{' '.join(result.texts[id_].split())[:60]}")
    if middle:
        lines.append(f"- ほか {len(middle)} 問（すべての順位は --output の JSON にあります）")
    return "\n".join(lines)


def _reciprocal(score: Score) -> float:
    return 1 / score.rank if score.rank else 0.0


def _rank(score: Score) -> str:
    return f"{score.rank}位" if score.rank else "圏外"


def _title(name: str) -> str:
    return f"{name} [95 %]" if name in COMPARED else name


def _render(figure: Figure, *, with_interval: bool = False) -> str:
    if figure.value is None:
        return "—"
    return f"{figure.value:.3f}" + (f" [{figure.low:.3f}, {figure.high:.3f}]" if with_interval else "")


def _render_difference(difference: Figure) -> str:
    """Return a difference with its interval, marked where it is not chance.

    >>> _render_difference(Figure(-0.05, -0.08, -0.02, 100.0)), _render_difference(Figure(0.01, -0.01, 0.03, 100.0))
    ('-0.050 [-0.080, -0.020] ▼', '+0.010 [-0.010, +0.030]')
    """
    if difference.value is None:
        return "—"
    mark = " ▼" if is_below(difference) else " ▲" if is_above(difference) else ""
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]{mark}"
