"""Measure speed and memory against the budgets: python -m eval.bench.speed [--pdf FOLDER] [--chunks N] [--files N]

Every figure comes from a process of its own, in a temporary folder. Models are loaded before the clock starts, except in the
figures that say 起動から. Memory is the sum of the resident sets of a process and its children, so pages that they share count
once each. `--only index,unchanged,latency,cold,adapt` runs some of the parts; `--keep FOLDER` keeps the large index, and asks it
again the next time. CPU time is that of all threads: what a figure would be on a machine that does nothing else, or less.
Exit status: 0 within the budgets, 1 over one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from eval.bench.synthetic import make_questions, write_corpus, write_small_files
from eval.bench.timed import CHILDREN

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("index", "unchanged", "latency", "cold", "adapt")
COLD_RUNS = 3
_SAMPLE_SECONDS, _MB = 0.1, 1e6
Details: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. budget: the most that it may be, or the least where `at_least`; None where there is none."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its budget."""
        return self.budget is None or (self.value >= self.budget if self.at_least else self.value <= self.budget)


def measure_index(corpus: Path, index: Path) -> tuple[list[Figure], Details]:
    """Index a folder of PDFs from nothing; return the figures, and pages, chunks and seconds per stage."""
    done, peak = run_child("sync", corpus, index)
    return [
        Figure("索引: PDF の取り込み", done["pages"] / done["seconds"], "頁/秒", 60, at_least=True),
        Figure(f"索引: {done['pages']}頁の時間（読めない文書 {done['unreadable']}件）", done["seconds"], "秒"),
        Figure("索引: 最大メモリー（子を含む）", peak / _MB, "MB"),
    ], done


def measure_unchanged(folder: Path, files: int) -> tuple[list[Figure], Details]:
    """Index small files, and then again without a change."""
    corpus, index = folder / "small", folder / "small-index"
    write_small_files(corpus, files=files)
    first, _ = run_child("sync", corpus, index)
    second, _ = run_child("sync", corpus, index)
    command = [time_rag("index", str(corpus), "--index", str(index), folder=folder) for _ in range(COLD_RUNS)]
    bare = [time_rag("--help", folder=folder) for _ in range(COLD_RUNS)]
    return [
        Figure(f"変更なし: {files}件の再実行", second["seconds"], "秒", 3),
        Figure("変更なし: `rag index` 起動から", statistics.median(command), "秒", 3),
        Figure("`rag --help` 起動から", statistics.median(bare), "秒"),
    ], {"first": first, "second": second}


def measure_latency(index: Path, questions: Path | None = None) -> tuple[list[Figure], Details]:
    """Ask an index that is there, one question after the other."""
    done, _ = run_child("ask", index, *([questions] if questions else []))
    median, most = describe_times(done.pop("milliseconds"))
    cpu, most_cpu = describe_times(done.pop("cpu_milliseconds"))
    return [
        Figure("質問: p50", median, "ミリ秒", 40),
        Figure("質問: p95", most, "ミリ秒", 120),
        Figure("質問: CPU時間 p50", cpu, "ミリ秒"),
        Figure("質問: CPU時間 p95", most_cpu, "ミリ秒"),
        Figure("質問: 常駐メモリー", done["resident"] / _MB, "MB", 1_000),
    ], done


def measure_cold(index: Path, folder: Path) -> tuple[list[Figure], Details]:
    """Ask from the command line, a new process each time."""
    times = [time_rag("ask", question, "--index", str(index), folder=folder) for question in make_questions(COLD_RUNS)]
    return [Figure("質問: `rag ask` 起動から", statistics.median(times), "秒", 4)], {"seconds": times}


def measure_adaptation(folder: Path, chunks: int) -> tuple[list[Figure], Details]:
    """Do what `rag adapt` does to an index of so many chunks: learn, measure, embed everything again."""
    write_corpus(folder / "corpus", entries=chunks)
    done, peak = run_child("adapt", folder / "corpus", folder / "index")
    return [
        Figure(f"適応: {done['chunks']:,}断片", done["seconds"], "秒", 120),
        Figure("適応: 学習と測定", done["note"]["seconds"], "秒"),
        Figure("適応: CPU時間", done["cpu_seconds"], "秒"),
        Figure("適応: 最大メモリー（索引の作成も含む）", peak / _MB, "MB"),
    ], done


def describe_times(times: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p95 (nearest rank).

    >>> describe_times([float(number) for number in range(101)])
    (50.0, 95.0)
    """
    return statistics.median(times), sorted(times)[math.ceil(0.95 * len(times)) - 1]


def run_child(part: str, *arguments: object) -> tuple[dict[str, Any], int]:
    """Run one part in a process of its own; return what it measured and its peak memory in bytes."""
    return run_measured([sys.executable, "-m", "eval.bench.speed", "--child", part, *map(str, arguments)])


def run_measured(command: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Run a command that prints a JSON object last; return the object, and the peak memory with children in bytes."""
    import psutil

    peak = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = psutil.Popen(command, stdout=output, env=environment())
        while process.poll() is None:
            with suppress(psutil.Error):  # one of them has just ended
                peak = max(peak, sum(p.memory_info().rss for p in [process, *process.children(recursive=True)]))
            time.sleep(_SAMPLE_SECONDS)
        if process.returncode:
            raise SystemExit(f"計測に失敗しました（状態 {process.returncode}）: {' '.join(command)}")
        output.seek(0)
        return json.loads(output.read().splitlines()[-1]), peak


def time_rag(*arguments: str, folder: Path) -> float:
    """Return the seconds of `rag` from its start to its end, in a folder without rag.toml."""
    started = time.perf_counter()
    rag = [sys.executable, "-m", "rag"]
    subprocess.run([*rag, *arguments], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def environment() -> dict[str, str]:
    """Return the environment of a measured process: this repository first, no setting from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    return kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1", "ANONYMIZED_TELEMETRY": "False"}


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the first of them the heading, as a Markdown table with the numbers to the right.

    >>> print(render_table([("項目", "実測"), ("a", "1.0")]))
    | 項目 | 実測 |
    | --- | ---: |
    | a | 1.0 |
    """
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def render_figures(figures: Sequence[Figure]) -> str:
    """Return the figures beside their budgets."""
    rows = [("項目", "実測", "予算", "判定")]
    for f in figures:
        bound = "" if f.budget is None else f"{f.budget:,g} {f.unit}{'以上' if f.at_least else '以下'}"
        rows.append((f.name, f"{f.value:,.2f} {f.unit}", bound, "" if f.budget is None else "○" if f.is_met else "×"))
    return render_table(rows)


def copy_pdfs(source: Path, target: Path) -> Path:
    """Copy the PDFs of a folder, and nothing else of it."""
    files = [path for path in source.rglob("*") if path.suffix.lower() == ".pdf"]
    if not files:
        raise SystemExit(f"PDF がありません: {source}")
    for file in files:
        (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target / file.relative_to(source))
    return target


def measure(
    parts: Sequence[str], *, pdf: Path, chunks: int, files: int, adapted: int, keep: Path | None
) -> Iterator[tuple[list[Figure], Details]]:
    """Yield what each part measured, in the order of PARTS. keep: where the large index stays."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if "index" in parts:
            yield measure_index(copy_pdfs(pdf, folder / "pdf"), folder / "pdf-index")
        if "unchanged" in parts:
            yield measure_unchanged(folder, files)
        if "latency" in parts or "cold" in parts:
            large = (keep or folder) / f"large-{chunks}"
            yield build_large(large, chunks)
            if "latency" in parts:
                yield measure_latency(large / "index")
            if "cold" in parts:
                yield measure_cold(large / "index", folder)
        if "adapt" in parts:
            yield measure_adaptation(folder / "adapted", adapted)


def build_large(folder: Path, chunks: int) -> tuple[list[Figure], Details]:
    """Index a large corpus; where an earlier run has kept it, this finds nothing to do."""
    if not (folder / "corpus").exists():
        write_corpus(folder / "corpus", entries=chunks)
    built, peak = run_child("sync", folder / "corpus", folder / "index")
    return [Figure(f"質問の索引: {built['chunks']:,}断片の作成", built["seconds"], "秒")], built | {"peak": peak}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pdf", type=Path, default=REPOSITORY / "corpus", help="folder with PDFs (default: corpus)")
    parser.add_argument("--chunks", type=int, default=100_000, help="size of the index that is asked")
    parser.add_argument("--files", type=int, default=1_000, help="size of the corpus that does not change")
    parser.add_argument("--adapted", type=int, default=50_000, help="size of the index that is adapted to")
    parser.add_argument("--keep", type=Path, help="folder in which the large index stays for the next run")
    parser.add_argument("--only", type=lambda text: text.split(","), default=PARTS, help=",".join(PARTS))
    parser.add_argument("--json", action="store_true", help="print the figures and their details as JSON")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        part, *paths = options.child
        print(json.dumps(CHILDREN[part](*map(Path, paths))))
        return 0
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} (one of {', '.join(PARTS)})")
    sizes = {"chunks": options.chunks, "files": options.files, "adapted": options.adapted}
    measured = list(measure(options.only, pdf=options.pdf, keep=options.keep, **sizes))
    figures = [figure for found, _ in measured for figure in found]
    value = {"figures": [asdict(figure) for figure in figures], "details": [details for _, details in measured]}
    print(json.dumps(value, ensure_ascii=False) if options.json else render_figures(figures))
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
