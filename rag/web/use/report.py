"""The figures of the use as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape

from rag.activity.survey import OPTIONS, SurveyItem
from rag.activity.usage import Figures, UsageReport
from rag.web.use.charts import Bar, render_bars, render_columns, render_share, render_stack, render_table

UNKNOWN = "（課が不明）"
_HEADINGS = ("質問", "回答", "回答なし", "役に立った", "評価あり")
_SHOWN = 10


def render_usage(report: UsageReport) -> str:
    """Return the whole report: what was asked, how it ended, what it saved, what people say."""
    if not report.all.asked:
        body = '<p class="none">この期間の質問はありません。</p>'
    else:
        parts = (_render_shares, _render_days, _render_departments, _render_frequent, _render_saved)
        body = "".join(part(report) for part in parts)
    days = f"{report.since.isoformat()}〜{report.until.isoformat()}"
    head = f"<h2>{days} の利用状況</h2>{_render_tiles(report)}"
    return f'<div class="use-report" role="region" aria-label="利用状況" tabindex="-1">{head}{body}{_render_survey(report)}</div>'


def _render_tiles(report: UsageReport) -> str:
    total = report.saved.total
    low, mid, high = (_hours(value) for value in (total.low, total.mid, total.high))
    tiles = (
        ("質問", f"{report.all.asked}件"),
        ("回答した", _percent(report.all.answered_share.share)),
        ("役に立った（評価のうち）", _percent(report.all.helpful_share.share)),
        ("節約した時間（仮の見積もり）", f"約{mid}時間（{low}〜{high}）"),
    )
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles)
    return f'<div role="status"><dl class="tiles">{items}</dl></div>'


def _render_shares(report: UsageReport) -> str:
    shares = (
        ("回答した", report.all.answered_share),
        ("回答しなかった", report.all.declined_share),
        ("役に立った（評価のうち）", report.all.helpful_share),
    )
    items = "".join(render_share(name, s.describe(), s.share, s.interval) for name, s in shares)
    table = render_table(
        "割合を表で見る",
        ("項目", "件数", "全体", "割合", "95％区間"),
        [(name, s.count, s.total, _percent(s.share), _interval(s.interval)) for name, s in shares],
    )
    note = '<p class="note">棒の上の線は 95％ 区間です。短いほど、はっきり言えます。</p>'
    return _section("回答の割合", f'<ul class="bars">{items}</ul>{note}{table}')


def _render_days(report: UsageReport) -> str:
    by_day = {d.day: d.figures for d in report.days}
    span = (report.until - report.since).days + 1
    days = [report.since + timedelta(days=n) for n in range(span)]
    columns = [
        (f"{day.month}月{day.day}日", (by_day[day].answered, by_day[day].declined) if day in by_day else (0, 0))
        for day in days
    ]
    chart = render_columns("日ごとの質問の数", columns, ("回答した", "回答しなかった"))
    rows = [(d.day.isoformat(), *_cells(d.figures)) for d in report.days]
    return _section("日ごとの質問", chart + render_table("日ごとの数を表で見る", ("日", *_HEADINGS), rows))


def _render_departments(report: UsageReport) -> str:
    named = [(d.department or UNKNOWN, d.figures) for d in report.departments]
    bars = [Bar(name, f.asked, f"{f.asked}件（回答 {_percent(f.answered_share.share)}）") for name, f in named[:_SHOWN]]
    rows = [*((name, *_cells(figures)) for name, figures in named), *((name, 0, 0, 0, 0, 0) for name in report.silent)]
    silent = "、".join(map(escape, report.silent)) or "ありません"
    note = f'<p class="silent">この期間に質問のない課: {silent}</p>'
    chart = render_bars("課ごとの質問の数", bars)
    return _section("課ごとの質問", f"{chart}{note}{render_table('課ごとの数を表で見る', ('課', *_HEADINGS), rows)}")


def _render_frequent(report: UsageReport) -> str:
    if not report.frequent:
        return _section("よくある質問", '<p class="none">2回以上あった質問はまだありません。</p>')
    bars = [Bar(f.question, f.count, f"{f.count}回（回答 {f.answered}回）") for f in report.frequent[:_SHOWN]]
    rows = [(f.question, f.count, f.answered, f.last_day.isoformat()) for f in report.frequent]
    table = render_table("よくある質問を表で見る", ("質問", "回数", "回答した回数", "最後の日"), rows)
    return _section("よくある質問", render_bars("よくある質問", bars) + table)


def _render_saved(report: UsageReport) -> str:
    formula, *lines, total, note = report.saved.describe()
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    bars = [Bar(s.kind.label, s.total.mid, f"{s.count}件、約{_hours(s.total.mid)}時間") for s in report.saved.kinds]
    rows = [(s.kind.label, s.count, s.total.low, s.total.mid, s.total.high) for s in report.saved.kinds]
    header = ("種別", "件数", "少なめ（分）", "中くらい（分）", "多め（分）")
    table = render_table("節約した時間を表で見る", header, rows)
    shown = (
        f'<p class="formula">{escape(formula)}</p><ul class="lines">{items}</ul><p><strong>{escape(total)}</strong></p>'
    )
    return _section(
        "節約した時間",
        f'{render_bars("種別ごとの節約した時間", bars)}{shown}<p class="note">{escape(note)}</p>{table}',
    )


def _render_survey(report: UsageReport) -> str:
    survey = report.survey
    if not survey.respondents:
        return _section("アンケート", '<p class="none">回答はまだありません。</p>')
    items = "".join(map(_render_item, survey.items))
    legend = "".join(f'<li class="step-{place}">{escape(option)}</li>' for place, option in enumerate(OPTIONS))
    rows = [(item.question, *_survey_cells(item)) for item in survey.items]
    table = render_table("アンケートを表で見る", ("問い", *OPTIONS), rows)
    count = f'<p class="note">全期間の回答者 {survey.respondents} 人</p>'
    return _section("アンケート", f'{count}<ul class="legend">{legend}</ul><ul class="bars">{items}</ul>{table}')


def _render_item(item: SurveyItem) -> str:
    words = f"そう思う・ややそう思う {item.positive_percentage}％"
    return (
        f'<li><span class="bar-name">{escape(item.question)}</span><span class="bar-words">{words}</span>'
        f"{render_stack(item.percentages)}</li>"
    )


def _survey_cells(item: SurveyItem) -> list[str]:
    return [f"{p}％（{c}人）" for p, c in zip(item.percentages, item.counts, strict=True)]


def _section(heading: str, body: str) -> str:
    return f'<section class="part"><h3>{escape(heading)}</h3>{body}</section>'


def _cells(figures: Figures) -> Sequence[int]:
    return figures.asked, figures.answered, figures.declined, figures.helpful, figures.judged


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.1f}％"


def _interval(interval: tuple[float, float] | None) -> str:
    return "—" if interval is None else f"{100 * interval[0]:.1f}〜{100 * interval[1]:.1f}％"


def _hours(minutes: float) -> str:
    return f"{minutes / 60:,.1f}"
