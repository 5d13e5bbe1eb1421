"""Measure finding on every set of a folder: python -m eval.bench.retrieval DATA [SET …] [--output FILE] [--compare FILE]

Each set is written as real files, indexed by the product, and asked of its legs, their fusion and the whole, beside plain BM25
and llama-index as it comes. --output keeps the rank of every question; --compare prints what changed since such a file.
--work keeps the indexes, so that a second run reads only what changed. --setting NAME=VALUE changes a setting of the product;
--systems asks some of the systems only.
Exit status: 0 measured (whatever the figures), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.bench.peer_llama_index import closed_network
from eval.bench.retrieval_report import Earlier, render_comparison, render_set, render_summary
from eval.bench.retrieval_scores import FIGURES, Score, SetResult, measure
from eval.bench.retrieval_sets import BenchSet, find_sets, read_set, write_corpus
from eval.bench.retrieval_systems import LABELS, open_systems
from rag.errors import QuestionSetError, RagError
from rag.indexing.embedding import open_embedder
from rag.indexing.snapshot import SnapshotStore
from rag.indexing.updating import update_index
from rag.progress import track, use_utf8
from rag.settings import Settings, load_settings, shown_settings

_PACKAGES = ("shirube", "tantivy", "chromadb", "sudachipy", "sudachidict-core", "llama-index-core")
_OFF = {"ocr": False}


def build_settings(written: Sequence[str]) -> Settings:
    """Return the product's own settings with OCR off and the changes that are written as NAME=VALUE; nothing from around.

    Raises SettingsError for an unknown name or a wrong value.
    """
    changes: dict[str, Any] = dict(_OFF)
    for word in written:
        name, _, value = word.partition("=")
        changes[name] = value
    return load_settings(Path(os.devnull), {}, **changes)


def measure_set(
    bench_set: BenchSet, work: Path, settings: Settings, systems: Collection[str] = tuple(LABELS)
) -> SetResult:
    """Write and index one set, and ask the named systems."""
    started = time.perf_counter()
    corpus, index = work / bench_set.name / "corpus", work / bench_set.name / "index"
    write_corpus(bench_set, corpus)
    own = replace(settings, corpus=corpus, index=index)
    report = update_index(own, allow_removal=True)
    indexed = time.perf_counter()
    with open_systems(own, bench_set, systems) as opened:
        scores, milliseconds = measure(bench_set, opened, track)
    return SetResult(
        name=bench_set.name,
        texts={question.id: question.text for question in bench_set.questions},
        types={question.id: question.type for question in bench_set.questions},
        scores=scores,
        targets=bench_set.targets,
        unscored=len(bench_set.unscored),
        unreadable=report.counts.unreadable,
        milliseconds=milliseconds,
        seconds={"index": indexed - started, "search": time.perf_counter() - indexed},
        index=asdict(SnapshotStore(index).manifest().recipe) | {"chunks": report.counts.chunks},
    )


def describe_run(settings: Settings, results: Sequence[SetResult], seconds: float) -> dict[str, Any]:
    """Return what the figures depend on: versions, embedder, which sets it was adapted to, and the settings that were changed."""
    embedder, standard = open_embedder(settings.embedder), Settings()
    return {
        "versions": {name: _find_version(name) for name in _PACKAGES},
        "embedder": {"name": embedder.name, "fingerprint": embedder.fingerprint, "dense_weight": embedder.dense_weight},
        "adapted": [r.name for r in results if r.index["embedder_fingerprint"] != embedder.fingerprint],
        "settings": {k: value for k, value in shown_settings(settings).items() if value != getattr(standard, k)},
        "ocr": settings.ocr,
        "seconds": round(seconds, 1),
    }


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a copy of the source that is not installed
        return "不明"


def render_run(run: dict[str, Any]) -> str:
    """Return the run in one line."""
    versions = "、".join(f"{name} {number}" for name, number in run["versions"].items())
    changed = "、".join(f"{name}={value}" for name, value in run["settings"].items()) or "なし"
    return (
        f"埋め込み {run['embedder']['name']}（指紋 {run['embedder']['fingerprint']}、"
        f"重み {run['embedder']['dense_weight']:g}）／文書への適応 {'、'.join(run['adapted']) or 'なし'}／"
        f"OCR {'あり' if run['ocr'] else 'なし'}／既定と違う設定 {changed}／{versions}／{run['seconds']:.0f} 秒"
    )


def to_json(run: dict[str, Any], results: Sequence[SetResult]) -> dict[str, Any]:
    """Return the form that --output keeps: the run, and for each set its figures and every question's rank and nDCG."""
    sets = {}
    for result in results:
        figures = {s: {name: asdict(result.figure(s, name)) for name in FIGURES} for s in result.scores}
        ranks = {
            s: {id_: [q.rank, round(q.ndcg, 6)] for id_, q in scores.items()} for s, scores in result.scores.items()
        }
        about = {f.name: getattr(result, f.name) for f in fields(result) if f.name not in ("name", "texts", "scores")}
        sets[result.name] = about | {"figures": figures, "ranks": ranks}
    return {"run": run, "sets": sets}


def write_results(path: Path, run: dict[str, Any], results: Sequence[SetResult]) -> None:
    """Write what `read_earlier` reads."""
    text = json.dumps(to_json(run, results), ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def read_earlier(path: Path) -> Earlier:
    """Return the scores of a file that --output wrote. Raises QuestionSetError for any other file."""
    try:
        sets = json.loads(path.read_text(encoding="utf-8"))["sets"]
        return {
            name: {system: {id_: Score(*pair) for id_, pair in ranks.items()} for system, ranks in one["ranks"].items()}
            for name, one in sets.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise QuestionSetError(
            f"前の結果として読めません: {path}（{error}）",
            "このコマンドの --output で書いたファイルを指定してください。",
        ) from error


def run(options: argparse.Namespace) -> None:
    """Measure the sets one after the other and print every table."""
    folders = find_sets(options.data, options.sets)
    earlier = read_earlier(options.compare) if options.compare else None
    started, results = time.perf_counter(), []
    for folder in filter(None, (options.work, options.output and options.output.parent)):
        folder.mkdir(parents=True, exist_ok=True)
    with nullcontext(options.work) if options.work else tempfile.TemporaryDirectory() as work:
        settings = build_settings(options.setting)
        for path in folders:
            results.append(measure_set(read_set(path), Path(work), settings, options.systems))
            print(render_set(results[-1]) + "\n", flush=True)
            about = describe_run(settings, results, time.perf_counter() - started)
            if options.output:  # after each set, so that a run that is stopped leaves what it measured
                write_results(options.output, about, results)
    print(f"{render_summary(results)}\n\n{render_run(about)}")
    if earlier is not None:
        print("\n" + "\n\n".join(render_comparison(result, earlier) for result in results))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and return the exit status."""
    use_utf8()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of sets")
    parser.add_argument("sets", nargs="*", help="names of sets; all when left out")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--compare", type=Path, help="JSON file of an earlier run")
    parser.add_argument("--work", type=Path, help="folder that keeps the indexes")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="a setting of the product")
    parser.add_argument("--systems", type=lambda text: text.split(","), default=tuple(LABELS), help=",".join(LABELS))
    options = parser.parse_args(arguments)
    if unknown := set(options.systems) - set(LABELS):
        parser.error(f"--systems: {', '.join(sorted(unknown))} (some of {', '.join(LABELS)})")
    return run_offline(run, options)


def run_offline(work: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Do the work without a network; return the exit status: 2 with the reason for what cannot be done."""
    try:
        with closed_network():
            work(options)
    except RagError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
