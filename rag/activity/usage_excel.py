"""The figures of the use as an Excel file."""

from __future__ import annotations

from rag.activity.survey import OPTIONS
from rag.activity.usage import Figures, Share, UsageReport
from rag.activity.workbooks import Cell, Sheet, build_workbook

_HEADINGS = ("質問", "回答", "回答なし", "役に立った", "評価あり", "回答の割合", "役に立った割合")


def build_usage_excel(report: UsageReport) -> bytes:
    """Return the figures as an .xlsx file: 概要, 日別, 課別, 種別, よくある質問, 節約時間, アンケート."""
    return build_workbook(
        (
            _build_summary(report),
            Sheet("日別", ("日", *_HEADINGS), [[d.day.isoformat(), *_cells(d.figures)] for d in report.days]),
            Sheet(
                "課別",
                ("課", *_HEADINGS),
                [
                    *([d.department or "（不明）", *_cells(d.figures)] for d in report.departments),
                    *([name, 0, 0, 0, 0, 0, None, None] for name in report.silent),
                ],
            ),
            Sheet(
                "種別",
                ("引用した文書の種別", *_HEADINGS),
                [[k.kind.label if k.kind else "（不明）", *_cells(k.figures)] for k in report.kinds],
            ),
            Sheet(
                "よくある質問",
                ("質問", "回数", "回答した回数", "最後の日"),
                [[f.question, f.count, f.answered, f.last_day.isoformat()] for f in report.frequent],
            ),
            _build_saved(report),
            _build_survey(report),
        )
    )


def _build_summary(report: UsageReport) -> Sheet:
    figures = report.all
    rows: list[list[Cell]] = [
        ["期間", f"{report.since.isoformat()}〜{report.until.isoformat()}"],
        ["質問の数", figures.asked],
        ["回答した割合", figures.answered_share.describe()],
        ["回答しなかった割合", figures.declined_share.describe()],
        ["役に立った割合（評価のうち）", figures.helpful_share.describe()],
        ["質問のない課", "、".join(report.silent) or "なし"],
        ["アンケートの回答者", report.survey.respondents],
    ]
    return Sheet("概要", ("項目", "値"), rows)


def _build_saved(report: UsageReport) -> Sheet:
    rows: list[list[Cell]] = [
        [s.kind.label, s.count, s.each.low, s.each.mid, s.each.high, s.total.low, s.total.mid, s.total.high]
        for s in report.saved.kinds
    ]
    total = report.saved.total
    rows.append(["合計", sum(s.count for s in report.saved.kinds), None, None, None, total.low, total.mid, total.high])
    rows += [[line] for line in report.saved.describe()]
    header = ("種別", "件数", "少なめ/件", "中くらい/件", "多め/件", "少なめ（分）", "中くらい（分）", "多め（分）")
    return Sheet("節約時間", header, rows)


def _build_survey(report: UsageReport) -> Sheet:
    rows = [
        [item.question, *(f"{p}％（{c}人）" for p, c in zip(item.percentages, item.counts, strict=True))]
        for item in report.survey.items
    ]
    return Sheet("アンケート", ("質問", *OPTIONS), rows)


def _cells(figures: Figures) -> list[Cell]:
    return [
        figures.asked,
        figures.answered,
        figures.declined,
        figures.helpful,
        figures.judged,
        _round(figures.answered_share),
        _round(figures.helpful_share),
    ]


def _round(share: Share) -> float | None:
    return None if share.share is None else round(share.share, 4)
