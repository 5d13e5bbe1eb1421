"""`python -m eval history`: the runs so far, a line each."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.runs import RESULTS
from rag.parser import DONE, Parser

DESCRIPTION = "これまでの測定を、1 行に 1 回の表で示す"


def add_arguments(parser: Parser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="フォルダー", help="結果の場所")
    parser.add_argument("--limit", type=int, default=20, metavar="数", help="新しいほうから何回分か（既定 20）")


def run(options: argparse.Namespace) -> int:
    """Print the table; return the exit status."""
    from eval.history import read_history, render_history

    lines = read_history(options.results)
    if not lines:
        print("測定の履歴はまだありません。`python -m eval` で測ってください。")
        return DONE
    print(render_history(lines[-options.limit :]))
    return DONE
