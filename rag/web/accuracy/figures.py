"""Figures with their intervals, per group, and against another run, as HTML. All texts pass `escape`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from eval.comparison import Comparison, Difference
from eval.groups import ANSWERABLE, CATEGORY, KIND, PURPOSE, TYPE, WORDING, Group, build_groups
from eval.intervals import Figure
from eval.metrics import ACCURACY, NAMES
from eval.records import RunRecord

TILES = (ACCURACY, "hit@5", "引用正解率", "引用照合率", "不回答F1")
_AXES = (CATEGORY, PURPOSE, ANSWERABLE, WORDING, KIND, TYPE)
_GROUP_COLUMNS = ("hit@1", "hit@5", "引用正解率")
NOTHING = '<p class="welcome">まだ測定していません。「測定を始める」を押すと、質問集の質問をすべて聞いて正答率を測ります。</p>'
_MEANINGS = {
    ACCURACY: "回答すべき質問は、正しい箇所を引用し、必要な語がそろえば正解。回答すべきでない質問は、回答しなければ正解",
    "hit@5": "検索した上位 5 か所に、正しい箇所がある質問の割合",
    "引用正解率": "引用のうち、正しい箇所のものの割合",
    "引用照合率": "引用のうち、文書の原文と一字一句同じものの割合",
    "不回答F1": "回答しないことの適切さ（適合率と再現率の調和平均）",
}


def render_figures(run: RunRecord, comparison: Comparison | None) -> str:
    """Return a run: what it was, its main figures, all of them, and those of each group."""
    parts = (_render_about(run), _render_tiles(run, comparison), _render_table(run, comparison), _render_groups(run))
    return "".join(parts)


def write_share(value: float | None) -> str:
    """Return a share as a percentage.

    >>> write_share(0.8256), write_share(None)
    ('82.6%', '—')
    """
    return "—" if value is None else f"{value:.1%}"


def write_interval(figure: Figure) -> str:
    """Return the interval of a share.

    >>> write_interval(Figure(0.5, 0.25, 0.75, 4)), write_interval(Figure(None, None, None, 0))
    ('25.0〜75.0%', '—')
    """
    if figure.low is None or figure.high is None:
        return "—"
    return f"{figure.low:.1%}".removesuffix("%") + f"〜{figure.high:.1%}"


def write_change(difference: Difference) -> str:
    """Return how a figure changed, in points, and whether that is beyond chance."""
    change = difference.change
    if change.value is None:
        return "—"
    verdict = "▲ 上がった" if difference.is_better else "▼ 下がった" if difference.is_worse else "差は偶然の範囲"
    return f"{change.value * 100:+.1f} ポイント（{verdict}）"


def name_engine(engine: str) -> str:
    """Return in Japanese what wrote the answers.

    >>> name_engine("extractive")
    '文書からの引用で回答'
    """
    return {"extractive": "文書からの引用で回答", "generative": "生成AIで回答"}.get(engine, engine)


def _render_about(run: RunRecord) -> str:
    about = run.about
    parts = [
        f"{about.started_at:%Y-%m-%d %H:%M} に測定（{about.seconds:.0f} 秒）",
        f"質問集 {about.questions.name}、{about.questions.count} 問",
        f"索引 {about.snapshot.id}（文書 {about.snapshot.counts.get('documents', 0)} 件）",
        name_engine(about.engine),
        *(f"設定 {name}={value}" for name, value in about.changed.items()),
    ]
    facts = "".join(f"<span>{escape(part)}</span>" for part in parts)
    return f'<p class="where">{facts}</p>{_render_unknown(run.unknown)}'


def _render_unknown(unknown: Sequence[str]) -> str:
    if not unknown:
        return ""
    items = "".join(f"<li>期待する文書が索引にありません: {escape(source)}</li>" for source in unknown)
    return f'<ul class="notice-box warning" aria-label="注意">{items}</ul>'


def _render_tiles(run: RunRecord, comparison: Comparison | None) -> str:
    shares = run.overall.shares
    tiles = "".join(_render_tile(name, shares[name], comparison) for name in TILES if shares[name].total)
    return f'<h2 class="visually-hidden">主な指標</h2><ul class="tiles" aria-label="主な指標">{tiles}</ul>'


def _render_tile(name: str, figure: Figure, comparison: Comparison | None) -> str:
    change = f'<p class="change">{_render_change(comparison.find(name))}</p>' if comparison else ""
    return (
        f'<li class="tile"><h3>{escape(name)}</h3><p class="value">{write_share(figure.value)}</p>'
        f'<p class="facts">95％区間 {write_interval(figure)}</p>{change}<p class="facts">{escape(_MEANINGS[name])}</p></li>'
    )


def _render_change(difference: Difference) -> str:
    kind = "better" if difference.is_better else "worse" if difference.is_worse else "even"
    return f'<span class="{kind}">{escape(write_change(difference))}</span>'


def _render_table(run: RunRecord, comparison: Comparison | None) -> str:
    figures = run.overall
    known = {difference.name: difference for difference in comparison.differences} if comparison else {}
    rows = []
    for name in (name for name in NAMES if figures.shares[name].total):
        figure = figures.shares[name]
        cells = [write_share(figure.value), write_interval(figure), f"{figure.total:g}"]
        change = _render_change(known[name]) if name in known else "—"
        rows.append(_render_row(name, cells, *([change] if comparison else [])))
    head = ["指標", "値", "95％区間", "母数", *(["比べた測定との差"] if comparison else [])]
    times = (
        ""
        if figures.p50_ms is None
        else f"所要時間: 中央値 {figures.p50_ms:.0f} ミリ秒、95％点 {figures.p95_ms:.0f} ミリ秒"
    )
    table = _render_grid("すべての指標", head, rows)
    return f'<details class="fold"><summary>すべての指標</summary>{table}<p class="facts">{times}</p></details>'


def _render_groups(run: RunRecord) -> str:
    return "".join(_render_axis(axis, build_groups(run.results, [axis])) for axis in _AXES)


def _render_axis(axis: str, groups: Sequence[Group]) -> str:
    if not groups:
        return ""
    rows = [_render_group(group) for group in groups]
    table = _render_grid(f"{axis}ごとの正答率", [axis, "問", ACCURACY, "95％区間", *_GROUP_COLUMNS], rows)
    return f'<details class="fold"{" open" if axis == CATEGORY else ""}><summary>{escape(axis)}ごと</summary>{table}</details>'


def _render_group(group: Group) -> str:
    shares = group.figures.shares
    accuracy = shares[ACCURACY]
    width = round((accuracy.value or 0.0) * 100)
    bar = (
        f'<span class="bar" aria-hidden="true"><span style="width:{width}%"></span></span>{write_share(accuracy.value)}'
    )
    others = [write_share(shares[name].value) for name in _GROUP_COLUMNS]
    return _render_row(group.name, [str(group.figures.questions)], bar, write_interval(accuracy), *others)


def _render_row(name: str, cells: Iterable[str], *html: str) -> str:
    """Return a row of a table. html: more cells, which are HTML already."""
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(name)}</th>{plain}{"".join(f"<td>{cell}</td>" for cell in html)}</tr>'


def _render_grid(title: str, head: Sequence[str], rows: Iterable[str]) -> str:
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="table-box" tabindex="0" role="region" aria-label="{escape(title)}"><table class="figures">'
        f"<thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
