"""`python -m eval compare`: what changed from one run to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.comparison import compare_runs
from eval.conditions import find_worse
from eval.runs import LAST, RESULTS, find_run
from rag.parser import DONE, DONE_WITH_PROBLEMS, Parser

DESCRIPTION = "2 つの測定を、同じ質問どうしで比べる（下がった指標があれば 1 で終わる）"


def add_arguments(parser: Parser) -> None:
    """Add the arguments of the command."""
    what = f"番号、ファイル、{LAST}"
    parser.add_argument("before", metavar="前", help=f"前の測定（{what}）")
    parser.add_argument("after", nargs="?", default=LAST, metavar="後", help=f"後の測定（既定 {LAST}）")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="フォルダー", help="結果の場所")
    parser.add_argument("--html", type=Path, metavar="ファイル", help="後の測定の報告を、この比較つきで書く先")


def run(options: argparse.Namespace) -> int:
    """Print the comparison; return the exit status."""
    from eval.html_report import check_report_file, write_html
    from eval.text_report import render_comparison

    if options.html:
        check_report_file(options.html)
    before, after = (find_run(wanted, options.results) for wanted in (options.before, options.after))
    comparison = compare_runs(before, after)
    print(render_comparison(comparison))
    if options.html:
        print(f"報告: {write_html(after, options.html, comparison)}", file=sys.stderr)
    worse = find_worse(comparison)
    for line in worse:
        print(line, file=sys.stderr)
    return DONE_WITH_PROBLEMS if worse else DONE
