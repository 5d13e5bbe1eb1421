"""Read damaged files and count what becomes of them: python -m eval.bench.fuzz [--inputs 2000] [--seed 0] [--keep FOLDER]

The files are those of the sample corpus and small ones of every other kind that is read, damaged by `eval.bench.mutations`. Each
is listed and read in worker processes under short limits, as `rag index` does. An error that reaches the caller is uncaught, and
must not be; processes that died and bare Python exceptions are counted by kind, for they deserve a clearer message.
--keep: where inputs that were uncaught, unexpected, too slow, too large or deadly are put, and the first of every kind of exception.
Exit status: 0 nothing uncaught, 1 else.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from eval.bench.mutations import mutate
from eval.bench.seeds import make_seeds
from rag.documents import Problem
from rag.indexing.pipeline import build_pipeline
from rag.indexing.plan import list_files, list_inaccessible
from rag.indexing.preparation import Task, Work, prepare_files
from rag.reading.options import ReadingOptions
from rag.reading.registry import Listing, list_corpus

LIMITS = ReadingOptions(max_bytes=50_000_000, max_pages=500, max_seconds=30, max_memory_bytes=1_000_000_000, ocr=False)
SUSPECT = frozenset({"uncaught", "unexpected", "timeout", "out_of_memory", "crashed"})
_AT_ONCE = 500
_EXAMPLES = 3
_EXCEPTION = re.compile(r"（([A-Za-z_.]+(?:Error|Exception|Warning|Invalid\w*|[a-z]error)|[A-Z]\w+): ")


@dataclass(slots=True)
class Tally:
    """What became of the inputs so far. results: (suffix, "read" or a code); exceptions: (suffix, code, name of a Python exception)."""

    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    exceptions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    suspects: list[tuple[str, str, str]] = field(default_factory=list)
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, code: str, message: str = "") -> None:
        """Count one result of an input."""
        suffix = Path(name).suffix
        self.results[suffix, code] += 1
        if match := _EXCEPTION.search(message):
            kind = (suffix, code, match[1])
            self.exceptions[kind] += 1
            if self.exceptions[kind] <= _EXAMPLES:
                self.examples.append((name, match[1]))
        if code in SUSPECT:
            self.suspects.append((name, code, message))
            self.examples.append((name, code))

    @property
    def uncaught(self) -> int:
        """How many inputs raised an error that reached the caller."""
        return sum(count for (_, code), count in self.results.items() if code == "uncaught")


def run(folder: Path, *, inputs: int, seed: int, keep: Path | None = None) -> Tally:
    """Read that many damaged files. folder: where they are written; keep: where the suspects among them are put."""
    random, seeds, tally = Random(seed), make_seeds(), Tally()
    for start in range(0, inputs, _AT_ONCE):
        corpus = folder / "corpus"
        names = [_write_input(corpus, number, seeds, random) for number in range(start, min(inputs, start + _AT_ONCE))]
        known = len(tally.examples)
        _read_inputs(corpus, names, folder / "files", tally)
        for name, kind in tally.examples[known:] if keep else ():
            shutil.copy(corpus / Path(name).stem / name, _folder(keep or folder) / f"{kind}-{name}")
        shutil.rmtree(corpus)
        shutil.rmtree(folder / "files", ignore_errors=True)
        print(f"\r{min(inputs, start + _AT_ONCE)}/{inputs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return tally


def _write_input(corpus: Path, number: int, seeds: Mapping[str, Sequence[bytes]], random: Random) -> str:
    """Write one damaged file into a folder of its own, so that it is listed alone; return its name."""
    suffix = random.choice(sorted(seeds))
    data, other = random.choice(seeds[suffix]), random.choice(seeds[random.choice(sorted(seeds))])
    kind, damaged = mutate(data, random, other)
    name = f"{number:06}-{kind}{suffix}"
    (_folder(corpus / Path(name).stem) / name).write_bytes(damaged)
    return name


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _read_inputs(corpus: Path, names: Sequence[str], files_dir: Path, tally: Tally) -> None:
    tasks: list[Task] = []
    for name in names:
        try:
            listing = list_corpus(corpus / Path(name).stem, options=LIMITS)
            listed = list_files(listing, lambda done, total: None)
        except Exception as error:  # what this program looks for
            tally.add(name, "uncaught", f"（{type(error).__name__}: {error}）")
            continue
        for found in (*listing.problems, *list_inaccessible(listed)):
            tally.add(name, found.code, found.message)
        tasks += [Task(file.file, file.sha256) for file in listed if file.sha256]
    for source, problem in _prepare(tasks, files_dir):
        name = source.partition("/")[0]
        tally.add(name, problem.code if problem else "read", problem.message if problem else "")


def _prepare(tasks: Sequence[Task], files_dir: Path) -> Iterator[tuple[str, Problem | None]]:
    work = Work(build_pipeline(), Listing(()), files_dir, 400, LIMITS)
    try:
        for outcome in prepare_files(tasks, work, workers=0):
            yield outcome.source, outcome.problem
    except Exception as error:  # it ends the whole batch: the message says what, --keep cannot say which
        message = f"（{type(error).__name__}: {error}）"
        yield tasks[0].file.source, Problem(tasks[0].file.source, "uncaught", message, "")


def render(tally: Tally) -> str:
    """Return the tables that are printed."""
    suffixes = sorted({suffix for suffix, _ in tally.results})
    codes = sorted({code for _, code in tally.results}, key=lambda code: (code != "read", code))
    lines = ["| 結果 | 計 | " + " | ".join(suffixes) + " |", "|---" * (len(suffixes) + 2) + "|"]
    for code in codes:
        counts = [tally.results[suffix, code] for suffix in suffixes]
        lines.append(f"| {code} | {sum(counts)} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", f"uncaught: {tally.uncaught}", "", "例外の種類（もっと分かる言葉にできるもの）:"]
    lines += [f"  {count:5} {suffix} {code} {name}" for (suffix, code, name), count in tally.exceptions.most_common()]
    lines += ["", "疑わしい入力:", *(f"  {code:14} {name} {message[:150]}" for name, code, message in tally.suspects)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description="壊れたファイルを読ませて、何が起きるかを数える")
    parser.add_argument("--inputs", type=int, default=2_000, help="ファイルの数")
    parser.add_argument("--seed", type=int, default=0, help="乱数の種")
    parser.add_argument("--keep", type=Path, help="疑わしい入力を残すフォルダー")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder), inputs=options.inputs, seed=options.seed, keep=options.keep)
    print(render(tally))
    print(f"\n{options.inputs} 件、{time.monotonic() - started:.0f} 秒")
    return 1 if tally.uncaught else 0


if __name__ == "__main__":
    raise SystemExit(main())
