"""`python -m eval readme`: write the table and the chart of the README from the history."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.runs import RESULTS
from rag.parser import DONE, Parser

DESCRIPTION = "README の表と図を、履歴の最新の測定から書く"


def add_arguments(parser: Parser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="フォルダー", help="結果の場所")


def run(options: argparse.Namespace) -> int:
    """Write them; return the exit status."""
    from eval.history import read_history
    from eval.readme import CHART, README, write_readme

    line = write_readme(read_history(options.results))
    print(f"{README} と {CHART} を、測定 {line.id}（{line.started_at:%Y-%m-%d %H:%M}）から書きました。")
    return DONE
