"""The accuracy section of the README, and its chart: both written from one line of the history, between two marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.charts import Bar, render_bars, stand_alone
from eval.history import HistoryLine
from eval.intervals import NOTHING, Figure
from eval.metrics import ACCURACY
from eval.tables import NONE
from rag.errors import UsageError

README, CHART = Path("README.md"), Path("docs/accuracy.svg")
QUESTIONS = "questions.csv"
START, END = "<!-- python -m eval readme: ここから -->", "<!-- python -m eval readme: ここまで -->"
_COLUMNS = ("hit@1", "hit@3", "hit@5", "MRR", "nDCG@10", "引用正解率", "引用照合率", "不回答適合率", "不回答再現率")
_CHARTED = (ACCURACY, "hit@1", "hit@5", "引用正解率", "引用照合率", "不回答F1")


def choose_line(lines: Sequence[HistoryLine], questions_name: str = QUESTIONS) -> HistoryLine:
    """Return the newest line of the question set that the README is about, with settings as they come. Raises UsageError where there is none."""
    fitting = [line for line in lines if line.questions_name == questions_name and not line.changed]
    if not fitting:
        raise UsageError(
            f"履歴に、既定の設定で {questions_name} を測った行がありません。",
            "先に `python -m eval` で測ってください。",
        )
    return max(fitting, key=lambda line: line.id)


def render_section(line: HistoryLine) -> str:
    """Return the section of one run: a sentence on what was measured, the figures, the groups and the chart."""
    about = f"澄野町、{line.questions} 問、{line.cores} コア、CPU のみ、{line.started_at:%Y-%m-%d}"
    rows = [
        f"`python -m eval` の結果です（{about}。[ ] は 95 % 区間）。",
        "",
        f"| {ACCURACY} | {' | '.join(_COLUMNS)} |",
        f"|{'---|' * (len(_COLUMNS) + 1)}",
        f"| **{_with_interval(_figure(line, ACCURACY))}** | {' | '.join(_value(_figure(line, n)) for n in _COLUMNS)} |",
        "",
        f"| 区分 | 問 | {ACCURACY} |",
        "|---|---|---|",
        *(f"| {name} | {figure.total:g} | {_with_interval(figure)} |" for name, figure in line.accuracies.items()),
        "",
        f"回答したうち正しいものは {_value(_figure(line, '回答の正解率'))}、確信度の期待較正誤差は {_number(line.error)}、"
        f"1 問の所要時間は p50 {line.p50_ms:.0f} ミリ秒・p95 {line.p95_ms:.0f} ミリ秒（測った機械の混み具合で変わります）です。",
        "",
        f"![正答率などの指標]({CHART.as_posix()})",
    ]
    return "\n".join(rows)


def render_chart(line: HistoryLine) -> str:
    """Return the chart of one run as an SVG file."""
    bars = [Bar(name, _figure(line, name)) for name in _CHARTED]
    bars += [Bar(name, figure, is_other=True) for name, figure in line.accuracies.items()]
    return stand_alone(render_bars(bars, "正答率などの指標と、区分ごとの正答率"))


def replace_section(text: str, section: str) -> str:
    """Return a README with its section exchanged. Raises UsageError where the marks are missing.

    >>> replace_section(f"前\\n{START}\\n古い\\n{END}\\n後", "新しい") == f"前\\n{START}\\n新しい\\n{END}\\n後"
    True
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise UsageError("README に、書き換える場所の印がありません。", f"「{START}」と「{END}」の行を入れてください。")
    return f"{before}{START}\n{section}\n{END}{after}"


def write_readme(lines: Iterable[HistoryLine], root: Path = Path()) -> HistoryLine:
    """Write the section and the chart from the newest fitting line of a history; return the line. Raises UsageError."""
    line = choose_line(tuple(lines))
    readme = root / README
    readme.write_text(replace_section(readme.read_text(encoding="utf-8"), render_section(line)), encoding="utf-8")
    (root / CHART).write_text(render_chart(line), encoding="utf-8")
    return line


def _figure(line: HistoryLine, name: str) -> Figure:
    return line.figures.get(name, NOTHING)


def _value(figure: Figure) -> str:
    return _number(figure.value)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _with_interval(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}–{figure.high:.3f}]" if figure.value is not None else NONE
