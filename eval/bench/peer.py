"""Measure しるべ and llama-index's quick start on the same PDFs, one after the other: python -m eval.bench.peer FOLDER --environment DIR

The peer's PDF reader pins an older pypdf than ours, so it gets a virtual environment of its own in DIR, made by the first run
(this is the only step that needs a package index). A question to しるべ gives a verified answer, one to the peer its passages only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.bench.speed import copy_pdfs, describe_times, measure_index, measure_latency, render_table, run_measured

PACKAGES = (
    "llama-index-core",
    "llama-index-readers-file",
    "llama-index-vector-stores-chroma",
    "numpy",
    "tokenizers",
    "safetensors",
    "cryptography",
)
"""cryptography: without it pypdf cannot open PDFs that are encrypted with an empty password, and the peer would skip them."""
_MARK = "peer-packages.txt"
_MB = 1e6
ROWS: tuple[tuple[str, bool], ...] = (
    ("索引（頁/秒）", True),
    ("索引の時間（秒）", False),
    ("索引の最大メモリー（MB）", False),
    ("質問 p50（ミリ秒）", False),
    ("質問 p95（ミリ秒）", False),
)
"""What is compared, and whether more is better."""


def open_environment(folder: Path) -> Path:
    """Return the Python of the peer's environment; make it where it is not there, or its packages are other ones."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / _MARK
    if not (mark.is_file() and mark.read_text(encoding="utf-8").split() == list(PACKAGES)):
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        mark.write_text("\n".join(PACKAGES) + "\n", encoding="utf-8")
    return python


def read_versions(python: Path) -> dict[str, str]:
    """Return package -> version in an environment, of what the peer's figures depend on."""
    names = (*PACKAGES[:3], "chromadb", "pypdf")
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    output = subprocess.run([python, "-c", code, *names], check=True, capture_output=True, text=True).stdout
    return dict(zip(names, output.split(), strict=True))


def measure_ours(pdf: Path, index: Path, questions: Path | None) -> list[float]:
    """Return our figures, in the order of ROWS."""
    indexing, _ = measure_index(pdf, index)
    asking, _ = measure_latency(index, questions)
    return [figure.value for figure in (*indexing, *asking[:2])]


def measure_peer(python: Path, pdf: Path, questions: Path | None, hits: Path | None) -> list[float]:
    """Return the peer's figures, in the order of ROWS."""
    options = [*(["--questions", questions] if questions else []), *(["--hits", hits] if hits else [])]
    command = map(str, [python, "-m", "eval.bench.peer_llama_index", pdf, *options])
    done, peak = run_measured(list(command))
    if done["unread"]:
        print(f"相手が読めなかった PDF: {', '.join(done['unread'])}", file=sys.stderr)
    median, most = describe_times(done["milliseconds"])
    return [done["pages"] / done["seconds"], done["seconds"], peak / _MB, median, most]


def compare(ours: Sequence[float], peer: Sequence[float]) -> list[dict[str, Any]]:
    """Return both figures of each row, and how many times better ours is.

    >>> compare([60, 10, 1, 1, 1], [20, 30, 1, 1, 1])[:2] == [
    ...     {"name": "索引（頁/秒）", "ours": 60, "peer": 20, "ratio": 3.0},
    ...     {"name": "索引の時間（秒）", "ours": 10, "peer": 30, "ratio": 3.0},
    ... ]
    True
    """
    return [
        {"name": name, "ours": mine, "peer": theirs, "ratio": mine / theirs if more_is_better else theirs / mine}
        for (name, more_is_better), mine, theirs in zip(ROWS, ours, peer, strict=True)
    ]


def render(rows: Sequence[dict[str, Any]]) -> str:
    """Return the comparison as a table; above 1 the ratio speaks for us."""
    body = [(r["name"], f"{r['ours']:,.1f}", f"{r['peer']:,.1f}", f"{r['ratio']:.2f} 倍") for r in rows]
    return render_table([("項目", "しるべ", "llama-index", "しるべの優位"), *body])


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the peer, measure both, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with PDFs")
    parser.add_argument("--environment", type=Path, required=True, help="folder of the peer's virtual environment")
    parser.add_argument("--questions", type=Path, help="JSONL of questions; invented ones when left out")
    parser.add_argument("--hits", type=Path, help="where to write the peer's hits")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    python = open_environment(options.environment.absolute())
    with tempfile.TemporaryDirectory() as temporary:
        pdf = copy_pdfs(options.folder, Path(temporary, "pdf"))
        ours = measure_ours(pdf, Path(temporary, "index"), options.questions)
        peer = measure_peer(python, pdf, options.questions, options.hits)
    rows, versions = compare(ours, peer), read_versions(python)
    if options.json:
        print(json.dumps({"rows": rows, "versions": versions}, ensure_ascii=False))
    else:
        print(render(rows) + "\n\n相手の版: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
