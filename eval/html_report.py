"""A run as one HTML file: charts, tables, and every question with its evidence, to be filtered. It asks for nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.calibration import compute_error
from eval.charts import Bar, render_bars, render_reliability, render_times
from eval.comparison import Comparison, Difference, compare_outcomes
from eval.groups import AXES, CATEGORY, DEPARTMENT, DOCUMENT, PURPOSE, TYPE, Group, build_groups, split_results
from eval.human_judgements import render_comparison as render_people
from eval.meanings import MEANINGS, name_engine, name_thing, show_value
from eval.metrics import ACCURACY, AMOUNTS, JUDGED, NAMES, RANKING, Figures, compute_figures
from eval.questions import HELD_OUT, TUNING
from eval.records import QuestionRecord, RunRecord
from eval.tables import render_interval, render_number
from rag.errors import UsageError

_FOLDER = Path(__file__).parent
_TEMPLATE = "report.html"
_TILES = (ACCURACY, "hit@5", "引用正解率", "引用照合率", "不回答F1")
_GROUP_COLUMNS = (ACCURACY, "hit@1", "hit@5", "MRR", "nDCG@10", "引用正解率", "語の網羅率", "不回答再現率")
_CHOICES = (
    ("category", "分類", CATEGORY),
    ("department", "担当課", DEPARTMENT),
    ("type", "問いの種類", TYPE),
    ("document", "文書", DOCUMENT),
)
SEPARATOR = "\n"
"""Between the values of one question, where it has several."""
RIGHT, ABSTAINED, WRONG, FAILED = "正解", "不回答", "誤り", "エラー"


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the questions with all their figures: all, 調整 or 検証."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Ranked:
    """One ranking of the side-by-side table. differences: to the run itself."""

    label: str
    differences: tuple[Difference, ...]
    is_run: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One list to filter the questions by. key: of their `data-` attribute."""

    key: str
    label: str
    values: tuple[str, ...]


def list_values(run: RunRecord, axis: str) -> tuple[str, ...]:
    """Return what the questions can be filtered by on an axis; nothing where it does not tell them apart."""
    values = sorted(split_results(run.results, axis))
    return tuple(values) if len(values) > 1 or axis == CATEGORY else ()


def render_html(run: RunRecord, comparison: Comparison | None = None) -> str:
    """Return the report of a run as one HTML page. comparison: with an earlier run."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "interval": render_interval,
        "number": render_number,
        "engine": name_engine,
        "named": name_thing,
        "shown": show_value,
    }
    parts = tuple(split_parts(run))
    return environment.get_template(_TEMPLATE).render(
        run=run,
        style=(_FOLDER / "report.css").read_text(encoding="utf-8"),
        script=(_FOLDER / "report.js").read_text(encoding="utf-8"),
        parts=parts,
        tiles=[(name, parts[0].figures.shares[name]) for name in _TILES],
        names=[name for name in NAMES if parts[0].figures.shares[name].total],
        amounts=AMOUNTS,
        charts=draw_charts(run, parts[0].figures),
        error=compute_error(run.reliability),
        groups=build_groups(run.results),
        group_columns=_GROUP_COLUMNS,
        rankings=rank_variants(run),
        ranking_columns=RANKING,
        comparison=comparison,
        questions=[(result, judge_result(result)) for result in run.results],
        meanings=MEANINGS,
        people=render_people(run.people).splitlines() if run.people else (),
        choices=[Choice(key, label, values) for key, label, axis in _CHOICES if (values := list_values(run, axis))],
        separator=SEPARATOR,
        verdicts=(RIGHT, WRONG, ABSTAINED, FAILED),
        purposes=(TUNING, HELD_OUT) if len(parts) > 1 else (),
        held_out=HELD_OUT,
        tuning=TUNING,
    )


def check_report_file(file: Path) -> None:
    """Raise UsageError where a report that people name cannot be written: no such folder, or a folder itself."""
    if not file.parent.is_dir():
        raise UsageError(
            f"報告を書くフォルダーがありません: {file.parent}",
            "フォルダーを作るか、--html で別の場所を指定してください。",
        )
    if file.is_dir():
        raise UsageError(
            f"報告を書く先がフォルダーです: {file}",
            f"--html にファイルの名前まで書いてください（例 {file}/report.html）。",
        )


def write_html(run: RunRecord, file: Path, comparison: Comparison | None = None) -> Path:
    """Write the report of a run. Raises UsageError where nothing can be written there."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render_html(run, comparison), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"報告を書けません: {file}（{error}）", "--html で別の場所を指定してください。") from error
    return file


def split_parts(run: RunRecord) -> Iterator[Part]:
    """Yield all questions, and 調整 and 検証 apart where there are both."""
    yield Part("全体", run.overall)
    purposes = split_results(run.results, PURPOSE)
    if len(purposes) > 1:
        for name in (TUNING, HELD_OUT):
            yield Part(name, compute_figures([result.outcome for result in purposes[name]]))


def judge_result(result: QuestionRecord) -> str:
    """Return in one word what became of a question: what the list is filtered by."""
    if result.outcome.correct:
        return RIGHT
    if result.error is not None:
        return FAILED
    return ABSTAINED if result.outcome.abstained else WRONG


def rank_variants(run: RunRecord) -> tuple[Ranked, ...]:
    """Return the run itself and its variants, each with its ranking's figures; nothing without variants."""
    if not run.variants:
        return ()
    outcomes = run.outcomes
    own = Ranked("この測定（最終）", compare_outcomes(outcomes, outcomes, RANKING), is_run=True)
    others = (Ranked(v.label, compare_outcomes(outcomes, v.outcomes, RANKING)) for v in run.variants)
    return (own, *others)


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of a report as SVG; "" for one that has nothing to show."""

    figures: str
    groups: str
    types: str
    variants: str
    reliability: str
    times: str


def draw_charts(run: RunRecord, figures: Figures) -> Charts:
    """Return the charts of a run. figures: of all its questions."""
    groups = build_groups(run.results, [axis for axis in AXES if axis not in (DOCUMENT, TYPE)])
    types = build_groups(run.results, [TYPE])
    shown = [Bar(name, figures.shares[name]) for name in NAMES if name != JUDGED]
    return Charts(
        figures=render_bars(shown, "指標と95％区間"),
        groups=_draw_groups(groups, "区分ごとの正答率"),
        types=_draw_groups(types, "問いの種類ごとの正答率"),
        variants=_draw_variants(run),
        reliability=render_reliability(run.reliability, "確信度と正解の割合"),
        times=render_times([outcome.elapsed_ms for outcome in run.outcomes], "所要時間の分布"),
    )


def _draw_groups(groups: Sequence[Group], title: str) -> str:
    bars = [Bar(f"{group.axis} {group.name}", group.figures.shares[ACCURACY]) for group in groups]
    return render_bars(bars, title) if bars else ""


def _draw_variants(run: RunRecord) -> str:
    if not run.variants:
        return ""
    own = Bar("この測定（最終）", run.overall.shares["hit@1"])
    others = [Bar(v.label, compute_figures(v.outcomes).shares["hit@1"], is_other=True) for v in run.variants]
    return render_bars([own, *others], "方式ごとの hit@1")
