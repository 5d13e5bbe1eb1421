"""Measure finding on the public sets that are there, beside published figures: python -m eval.bench.public DATA [SET …] [--output FILE]

The sets are measured as eval.bench.retrieval does. Figures stand side by side only where set, questions and grades are the same; for
all others it is said why not. Sets that are not there are named. Exit status: 0 measured, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.bench.retrieval import build_settings, describe_run, measure_set, render_run, run_offline, write_results
from eval.bench.retrieval_scores import FIGURES, SetResult
from eval.bench.retrieval_sets import CONFIGURATION, find_sets, read_set
from eval.bench.retrieval_systems import FINAL, LABELS, PLAIN
from eval.bench.speed import render_table
from rag.progress import use_utf8

PUBLISHED = Path(__file__).with_name("published.toml")
SYSTEMS = (FINAL, PLAIN)
_NO_NOTE = "このセットの公表値を持っていません"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """What others published of a system on a set. set: the folder's name that would be the same set; values: figure -> share."""

    set: str
    about: str
    system: str
    source: str
    values: Mapping[str, float]


def read_published(path: Path = PUBLISHED) -> tuple[tuple[PublishedFigure, ...], Mapping[str, str]]:
    """Return the published figures, and for sets that have none why."""
    written: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(PublishedFigure(**figure) for figure in written["figures"]), written["notes"]


def known_sets() -> tuple[str, ...]:
    """Return the names of the public sets that the benchmark knows."""
    return tuple(tomllib.loads(CONFIGURATION.read_text(encoding="utf-8")))


def render_public(
    results: Sequence[SetResult],
    published: Sequence[PublishedFigure],
    notes: Mapping[str, str],
    absent: Iterable[str] = (),
    untried: Iterable[str] = (),
) -> str:
    """Return one table of what was measured and published, and below it what is comparable and what is not.

    absent: sets that are not in the folder; untried: those that are there and were not asked for.
    """
    names = tuple(FIGURES)
    rows = [("セット", "問", "方式", *names, "出所")]
    for result in results:
        for system in result.scores:
            cells = (_write(result.figure(system, name).value) for name in names)
            rows.append((result.name, str(len(result.texts)), LABELS[system], *cells, "この実行"))
        rows += [_row_of(figure, result.name, names) for figure in published if figure.set == result.name]
    measured = {result.name for result in results}
    others = [figure for figure in published if figure.set not in measured]
    rows += [_row_of(figure, figure.about, names) for figure in others]
    lines = [f"- {name}: {_describe(name, published, notes)}。" for name in sorted(measured)]
    elsewhere = dict.fromkeys((figure.set, figure.about) for figure in others)
    lines += [
        f"- {about}: 評価データ {name} がないので、この実行の値とは比べられません（参考の値）。"
        for name, about in elsewhere
    ]
    lines += [f"- {name}: 評価データがないので測っていません。" for name in absent]
    lines += [f"- {name}: 評価データはありますが、指定されていないので測っていません。" for name in untried]
    return "\n".join([render_table(rows), "", "比べられるもの・比べられないもの:", *lines])


def _row_of(figure: PublishedFigure, name: str, names: Sequence[str]) -> tuple[str, ...]:
    return (name, "—", figure.system, *(_write(figure.values.get(value)) for value in names), figure.source)


def _write(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _describe(name: str, published: Sequence[PublishedFigure], notes: Mapping[str, str]) -> str:
    if any(figure.set == name for figure in published):
        return "公表値と同じセットなので、同じ指標どうしを比べられます"
    return notes.get(name, _NO_NOTE)


def run(options: argparse.Namespace) -> None:
    """Measure the sets one after the other, and print the table."""
    folders = find_sets(options.data, options.sets)
    present = [path.name for path in find_sets(options.data)]
    published, notes = read_published()
    started, results = time.perf_counter(), list[SetResult]()
    settings = build_settings(())
    with nullcontext(options.work) if options.work else tempfile.TemporaryDirectory() as work:
        for path in folders:
            results.append(measure_set(read_set(path), Path(work), settings, SYSTEMS))
            about = describe_run(settings, results, time.perf_counter() - started)
            if options.output:  # after each set, so that a run that is stopped leaves what it measured
                write_results(options.output, about, results)
    absent = [name for name in known_sets() if name not in present]
    measured = {path.name for path in folders}
    untried = [name for name in present if name not in measured]
    print(f"{render_public(results, published, notes, absent, untried)}\n\n{render_run(about)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and return the exit status."""
    use_utf8()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of sets")
    parser.add_argument("sets", nargs="*", help="names of sets; all that are there when left out")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--work", type=Path, help="folder that keeps the indexes")
    options = parser.parse_args(arguments)
    return run_offline(run, options)


if __name__ == "__main__":
    sys.exit(main())
