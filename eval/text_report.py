"""A run, a comparison and the variants as tables in Japanese, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from eval.calibration import render_curve
from eval.comparison import Comparison, compare_outcomes
from eval.conditions import describe
from eval.groups import AXES, DOCUMENT, PURPOSE, Group, build_groups, split_results
from eval.metrics import ACCURACY, AMOUNTS, NAMES, RANKING, compute_figures
from eval.questions import HELD_OUT, TUNING
from eval.records import QuestionRecord, RunRecord, VariantRecord
from eval.tables import mark_change, pad, render_interval, render_number

_GROUP_COLUMNS = (ACCURACY, "hit@1", "hit@5", "MRR", "引用正解率", "不回答再現率")
_MOST_IDS = 20
_WIDTH = 26


def render_run(run: RunRecord) -> str:
    """Return the figures of a run with 95 % intervals: all questions, 調整 and 検証 apart where there are both, then the groups."""
    parts = {"全体": list(run.results)}
    purposes = split_results(run.results, PURPOSE)
    if len(purposes) > 1:
        parts |= {name: purposes[name] for name in (TUNING, HELD_OUT)}
    lines = [f"質問 {len(run.results)} 問（[ ] は95％信頼区間、n は全体の母数）", "", *_render_parts(parts)]
    axes = [axis for axis in AXES if axis not in (DOCUMENT, PURPOSE)]
    groups = build_groups(run.results, axes)
    if groups:
        header = "".join(pad(name, 12) for name in _GROUP_COLUMNS[1:])
        lines += ["", pad("区分", _WIDTH) + pad("問", 6) + pad(ACCURACY, 24) + header]
        lines += [_render_group(group) for group in groups]
    lines += [
        "",
        *render_curve(run.reliability),
        f"回答のしきい値 {run.about.threshold:.3f}（{run.about.threshold_origin}）",
    ]
    lines += [f"注意: 期待する文書が索引にありません: {source}" for source in run.unknown]
    return "\n".join(line.rstrip() for line in lines)


def _render_parts(parts: dict[str, list[QuestionRecord]]) -> list[str]:
    of_parts = {name: compute_figures([r.outcome for r in results]) for name, results in parts.items()}
    first = next(iter(of_parts.values()))
    lines = []
    if len(parts) > 1:
        lines.append(pad("", _WIDTH) + "".join(pad(f"{name}（{f.questions}問）", 24) for name, f in of_parts.items()))
    for name in NAMES:
        figure = first.shares[name]
        if figure.total:
            cells = "".join(pad(render_interval(f.shares[name]), 24) for f in of_parts.values())
            lines.append(pad(name, _WIDTH) + cells + f"n={figure.total:g}")
    for name, unit in AMOUNTS.items():
        cells = "".join(pad(render_interval(f.amounts[name], 0), 24) for f in of_parts.values())
        lines.append(pad(f"{name}（{unit}）", _WIDTH) + cells)
    if first.p50_ms is not None and first.p95_ms is not None:
        lines.append(pad("　中央値・95％点", _WIDTH) + f"p50 {first.p50_ms:.0f} ミリ秒、p95 {first.p95_ms:.0f} ミリ秒")
    return lines


def _render_group(group: Group) -> str:
    shares = group.figures.shares
    cells = "".join(pad(render_number(shares[name].value), 12) for name in _GROUP_COLUMNS[1:])
    name = pad(f"{group.axis} {group.name}", _WIDTH)
    return name + pad(str(group.figures.questions), 6) + pad(render_interval(shares[ACCURACY]), 24) + cells


def render_wrong(run: RunRecord) -> str:
    """Return the questions that were not answered right: number, question, why. Those held out are only counted."""
    wrong = [result for result in run.results if result.faults]
    shown = [result for result in wrong if not result.is_held_out]
    lines = [f"誤り {len(wrong)} 問 / {len(run.results)} 問"]
    lines += [f"{r.id}\t{r.text}\t{'／'.join(r.faults)}" for r in shown]
    if len(shown) < len(wrong):
        lines.append(
            f"（{HELD_OUT}用の {len(wrong) - len(shown)} 問は、見て直すと検証にならないため、数だけを示します）"
        )
    return "\n".join(lines)


def render_comparison(comparison: Comparison) -> str:
    """Return what changed from one run to another: every figure that can be compared, then the questions won and lost."""
    lines = [f"{comparison.before} と比べて（同じ質問 {comparison.questions} 問、差は同じ質問どうしの95％区間）"]
    for difference in comparison.differences:
        if difference.change.value is None:
            continue
        mark = mark_change(difference.change) if difference.name not in AMOUNTS else ""
        lines.append(f"  {pad(mark, 4)}{describe(difference)}")
    lines.append(f"  新たに正解 {len(comparison.won)} 問{_list_ids(comparison.won)}")
    lines.append(f"  新たに誤り {len(comparison.lost)} 問{_list_ids(comparison.lost)}")
    if comparison.left_out:
        lines.append(f"  比べていない質問（追加・削除・変更） {len(comparison.left_out)} 問")
    return "\n".join(lines)


def _list_ids(ids: Sequence[str]) -> str:
    shown = "、".join(ids[:_MOST_IDS])
    return f": {shown}{'、ほか' if len(ids) > _MOST_IDS else ''}" if ids else ""


def render_variants(run: RunRecord) -> str:
    """Return the variants side by side, each with what it lacks of the run itself; ▲ and ▼ mark what is beyond chance."""
    lines = [pad("方式（探す力）", 30) + "".join(pad(name, 18) for name in RANKING)]
    lines.append(_render_variant("この測定（最終）", run, None))
    lines += [_render_variant(variant.label, run, variant) for variant in run.variants]
    answering = [variant for variant in run.variants if variant.answers]
    for variant in answering:
        differences = compare_outcomes(run.outcomes, variant.outcomes)
        lines += [
            "",
            f"{variant.label}: この測定との差",
            *(f"  {pad(mark_change(d.change), 4)}{describe(d)}" for d in differences),
        ]
    return "\n".join(line.rstrip() for line in lines)


def _render_variant(label: str, run: RunRecord, variant: VariantRecord | None) -> str:
    outcomes = variant.outcomes if variant else run.outcomes
    differences = compare_outcomes(run.outcomes, outcomes, RANKING)
    cells = (f"{render_number(d.after)} {mark_change(d.change) if variant else ''}" for d in differences)
    return pad(label, 30) + "".join(pad(cell, 18) for cell in cells)
