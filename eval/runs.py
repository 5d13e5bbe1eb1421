"""The runs of a folder: `runs/<id>.json`, each whole, written at once or not at all."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.calibration import compute_error
from eval.groups import build_groups
from eval.intervals import Figure
from eval.metrics import Figures
from eval.records import FORMAT, RunRecord
from rag.errors import RagError, UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

RESULTS = Path("eval/results")
RUNS = "runs"
LAST = "last"
"""What people write for the newest run that is in the history."""
ALL = "全体"


class RunFileError(RagError):
    """A file is not a run, or one of another version."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """What a list of runs shows of one. accuracy: its 正答率, None without questions."""

    id: str
    path: Path
    started_at: datetime
    questions_name: str
    questions: int
    engine: str
    accuracy: float | None


@functools.cache
def _adapter() -> TypeAdapter[RunRecord]:
    from pydantic import TypeAdapter

    return TypeAdapter(RunRecord)


def save_run(run: RunRecord, folder: Path = RESULTS) -> Path:
    """Write a run under a results folder and return its file. Raises UsageError where nothing can be written."""
    return write_run(run, folder / RUNS / f"{run.about.id}.json")


def write_run(run: RunRecord, file: Path) -> Path:
    """Write a run into a file. Raises UsageError where nothing can be written there."""
    text = json.dumps(to_dict(run), ensure_ascii=False)
    temporary = file.with_name(f"{file.name}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, file)  # noqa: PTH105
    except OSError as error:
        raise UsageError(f"結果を書けません: {file}（{error}）", "別の場所を指定してください。") from error
    return file


def to_dict(run: RunRecord) -> dict[str, Any]:
    """Return the JSON form of a run: the record, and the figures that follow from it, for whoever reads no more than those."""
    groups = {f"{group.axis} {group.name}": group.figures for group in build_groups(run.results)}
    curve = run.reliability
    return {
        **_adapter().dump_python(run, mode="json"),
        "figures": {name: figures_to_dict(figures) for name, figures in ({ALL: run.overall} | groups).items()},
        "calibration": {"error": compute_error(curve), "curve": [asdict(part) for part in curve]},
    }


def figures_to_dict(figures: Figures) -> dict[str, Any]:
    """Return the JSON form of some figures."""
    return {
        "questions": figures.questions,
        **{name: figure_to_dict(figure) for name, figure in (*figures.shares.items(), *figures.amounts.items())},
        "elapsed_ms": {"p50": _rounded(figures.p50_ms), "p95": _rounded(figures.p95_ms)},
    }


def figure_to_dict(figure: Figure) -> dict[str, float | None]:
    """Return the JSON form of one figure."""
    return {name: _rounded(value) for name, value in asdict(figure).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def read_run(path: Path) -> RunRecord:
    """Return the run of a file. Raises RunFileError where it is none, or one of another version."""
    try:
        run = _adapter().validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = "開けません" if isinstance(error, OSError) else "測定の結果の JSON ではありません"
        raise RunFileError(
            f"測定の結果として読めません: {path}（{reason}）",
            f"番号か、`python -m eval` が書いた JSON（{RUNS}/番号.json、--output の書き先）を指定してください。",
        ) from error
    if run.format != FORMAT:
        raise RunFileError(
            f"別の版の測定の結果です: {path}（形式 {run.format}）", "もう一度 `python -m eval` で測ってください。"
        )
    return run


def find_files(folder: Path = RESULTS) -> tuple[Path, ...]:
    """Return the files of the runs of a results folder, oldest first."""
    return tuple(sorted((folder / RUNS).glob("*.json")))


def list_runs(folder: Path = RESULTS) -> tuple[RunEntry, ...]:
    """Return the runs of a results folder, newest first; what is no run of this version is left out."""
    found = []
    for path in reversed(find_files(folder)):
        try:
            run = read_run(path)
        except RunFileError:  # of another version: it is still there for whoever opens the file
            continue
        found.append(describe_entry(run, path))
    return tuple(found)


def describe_entry(run: RunRecord, path: Path) -> RunEntry:
    """Return what a list shows of a run."""
    about = run.about
    accuracy = sum(outcome.correct for outcome in run.outcomes) / len(run.results) if run.results else None
    return RunEntry(
        about.id, path, about.started_at, about.questions.name, about.questions.count, about.engine, accuracy
    )


def find_run(wanted: str, folder: Path = RESULTS) -> RunRecord:
    """Return a run by its id, its file, or LAST. Raises UsageError where there is none, RunFileError for a file that is none."""
    files = find_files(folder)
    if wanted == LAST and (last := find_last(folder)):
        return last
    for path in (folder / RUNS / f"{wanted}.json", Path(wanted)):
        if path.is_file():
            return read_run(path)
    known = "、".join(file.stem for file in reversed(files[-5:])) or "まだありません"
    raise UsageError(
        f"測定の結果がありません: {wanted}",
        f"番号、ファイル、{LAST} のどれかを指定してください（残っている番号: {known}）。",
    )


def find_last(folder: Path = RESULTS) -> RunRecord | None:
    """Return the newest run that is in the history; None where there is none. Raises RunFileError for a file that is none."""
    return next((run for path in reversed(find_files(folder)) if (run := read_run(path)).in_history), None)


def find_previous(run: RunRecord, folder: Path = RESULTS) -> RunRecord | None:
    """Return the newest other run in the history with the same engine over a question set of the same name; None for none."""
    for path in reversed(find_files(folder)):
        if path.stem == run.about.id:
            continue
        try:
            other = read_run(path)
        except RunFileError:
            continue
        if other.in_history and _key(other) == _key(run):
            return other
    return None


def _key(run: RunRecord) -> Sequence[str]:
    return run.about.questions.name, run.about.engine
