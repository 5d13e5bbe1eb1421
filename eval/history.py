"""The history of the runs: `history.jsonl`, one small line a run, kept with the source; the runs themselves are not."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eval.about import PACKAGE
from eval.calibration import compute_error
from eval.groups import CATEGORY, PURPOSE, WORDING, build_groups
from eval.intervals import Figure
from eval.metrics import ACCURACY, NAMES
from eval.records import RunRecord
from eval.runs import RESULTS
from eval.tables import pad, render_number
from rag.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

HISTORY = "history.jsonl"
_GROUPED = (PURPOSE, CATEGORY, WORDING)
_COLUMNS = (ACCURACY, "hit@1", "hit@5", "MRR", "nDCG@10", "引用正解率", "不回答F1")
_HASH_CHARS = 12


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A run in one line. figures: name -> figure of all questions; accuracies: group -> its 正答率; error: of the calibration."""

    id: str
    started_at: datetime
    version: str
    questions_name: str
    questions_hash: str
    questions: int
    engine: str
    embedder: str
    corpus_hash: str
    documents: int
    changed: Mapping[str, str]
    threshold: float
    figures: Mapping[str, Figure]
    accuracies: Mapping[str, Figure]
    error: float | None
    answer_chars: float | None
    p50_ms: float | None
    p95_ms: float | None
    seconds: float
    cores: int


@functools.cache
def _adapter() -> TypeAdapter[HistoryLine]:
    from pydantic import TypeAdapter

    return TypeAdapter(HistoryLine)


def summarize(run: RunRecord) -> HistoryLine:
    """Return a run in one line."""
    about, figures = run.about, run.overall
    length = figures.amounts["回答の長さ"].value
    return HistoryLine(
        id=about.id,
        started_at=about.started_at.replace(microsecond=0),
        version=about.versions[PACKAGE],
        questions_name=about.questions.name,
        questions_hash=about.questions.sha256[:_HASH_CHARS],
        questions=about.questions.count,
        engine=about.engine,
        embedder=str(about.snapshot.recipe["embedder_fingerprint"])[:_HASH_CHARS],
        corpus_hash=about.snapshot.corpus_sha256[:_HASH_CHARS],
        documents=about.snapshot.counts.get("documents", 0),
        changed={name: str(value) for name, value in about.changed.items()},
        threshold=_round(about.threshold) or 0.0,
        figures={name: _short(figures.shares[name]) for name in NAMES if figures.shares[name].total},
        accuracies={
            f"{group.axis} {group.name}": _short(group.figures.shares[ACCURACY])
            for group in build_groups(run.results, _GROUPED)
        },
        error=_round(compute_error(run.reliability)),
        answer_chars=_round(length, 1),
        p50_ms=_round(figures.p50_ms, 1),
        p95_ms=_round(figures.p95_ms, 1),
        seconds=_round(about.seconds, 1) or 0.0,
        cores=about.cores,
    )


def _short(figure: Figure) -> Figure:
    return Figure(_round(figure.value), _round(figure.low), _round(figure.high), figure.total)


def _round(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def append_line(run: RunRecord, folder: Path = RESULTS) -> HistoryLine:
    """Add a run to the history of a results folder, in the place of its own earlier line if it has one; return the line."""
    line = summarize(run)
    lines = [*(old for old in read_history(folder) if old.id != line.id), line]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{json.dumps(_adapter().dump_python(one, mode='json'), ensure_ascii=False)}\n" for one in lines)
    (folder / HISTORY).write_text(text, encoding="utf-8")
    return line


def read_history(folder: Path = RESULTS) -> tuple[HistoryLine, ...]:
    """Return the history of a results folder, oldest first. Raises UsageError for a line that is none."""
    file = folder / HISTORY
    if not file.is_file():
        return ()
    lines = []
    for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            lines.append(_adapter().validate_json(text))
        except ValueError as error:
            raise UsageError(
                f"測定の履歴の {number} 行目を読めません: {file}", "その行を消してから、もう一度実行してください。"
            ) from error
    return tuple(lines)


def render_history(lines: Iterable[HistoryLine]) -> str:
    """Return the history as a table in Japanese, newest first, each line with its run's number."""
    header = pad("番号", 20) + pad("日時", 18) + pad("質問集", 18) + pad("問", 6) + pad("方式", 12)
    rows = [header + "".join(pad(name, 12) for name in _COLUMNS) + "既定と違う設定"]
    rows += [_render_line(line) for line in sorted(lines, key=lambda line: line.id, reverse=True)]
    return "\n".join(row.rstrip() for row in rows)


def _render_line(line: HistoryLine) -> str:
    about = pad(line.id, 20) + pad(f"{line.started_at:%Y-%m-%d %H:%M}", 18) + pad(line.questions_name, 18)
    figures = (line.figures.get(name) for name in _COLUMNS)
    cells = "".join(pad(render_number(figure.value if figure else None), 12) for figure in figures)
    changed = "、".join(f"{name}={value}" for name, value in line.changed.items())
    return about + pad(str(line.questions), 6) + pad(line.engine, 12) + cells + changed
