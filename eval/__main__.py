"""The command line of the evaluation: `python -m eval [run] [QUESTIONS]`, and the other commands by their names.

Exit status: 0 done; 1 done, and a figure is below what --fail-under asks for; 2 wrong usage, or nothing done.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import platform
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, UsageError
from rag.parser import DONE, DONE_WITH_PROBLEMS, NOT_DONE, Parser
from rag.progress import use_utf8
from rag.settings import Settings, load_settings, shown_settings

if TYPE_CHECKING:
    from eval.run import Report

QUESTIONS = Path(__file__).with_name("questions.csv")
OUTPUT = Path("eval/results/latest.json")
_PACKAGE = "shirube"
COMMANDS = {"check": "eval.check", "convert": "eval.convert", "suggest": "eval.suggest"}
"""Name -> module with a `main` of its own; `run` is here."""


def build_parser() -> Parser:
    """Return the parser of `python -m eval`."""
    parser = Parser(
        prog="python -m eval [run]",
        description="質問集で正答率を測ります。区間は95％、結果はすべて JSON に残します。"
        f"ほかの命令: {'、'.join(COMMANDS)}（それぞれ -h で使い方）。",
    )
    parser.add_argument(
        "questions",
        nargs="?",
        type=Path,
        default=QUESTIONS,
        metavar="質問集",
        help="CSV か Excel（既定 eval/questions.csv）",
    )
    parser.add_argument("--index", type=Path, metavar="フォルダー", help="索引の場所（既定 indexes/default）")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, metavar="ファイル", help=f"結果の JSON（既定 {OUTPUT.as_posix()}）"
    )
    parser.add_argument(
        "--fail-under",
        action="extend",
        nargs="+",
        default=[],
        metavar="名前=値",
        help="指標がこの値を下回れば 1 で終わる（例 正答率=0.8）",
    )
    parser.add_argument("--wrong", action="store_true", help="誤った質問と、その理由も表示する")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and return the exit status."""
    use_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return int(importlib.import_module(COMMANDS[words[0]]).main(words[1:]))
    options = build_parser().parse_args(words[1:] if words[:1] == ["run"] else words)
    try:
        return run(options)
    except RagError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("中断しました。結果は書いていません。", file=sys.stderr)
    return NOT_DONE


def run(options: argparse.Namespace) -> int:
    """Ask the questions, print the figures and write every result."""
    from eval.human_judgements import compare_with_people, read_judgements, render_comparison
    from eval.questions import read_questions
    from eval.run import evaluate, render_report, render_wrong
    from rag.assistant import Assistant
    from rag.progress import track

    limits = parse_limits(options.fail_under)
    questions = read_questions(options.questions)
    settings = load_settings(index=options.index)
    _make_folder(options.output)
    with closing(Assistant.open(settings)) as assistant:
        report = evaluate(assistant, questions, lambda items: track(items, "質問"))
    print(render_report(report))
    print("\n" + render_comparison(compare_with_people(report.results, read_judgements(settings))))
    if options.wrong:
        print("\n" + render_wrong(report))
    _write(options.output, _describe_run(options.questions, settings), report)
    print(f"\n結果を {options.output} に書きました。", file=sys.stderr)
    failed = find_failed(report, limits)
    for line in failed:
        print(line, file=sys.stderr)
    return DONE_WITH_PROBLEMS if failed else DONE


def parse_limits(written: Sequence[str]) -> dict[str, float]:
    """Return name -> least value. Raises UsageError for a name that is no figure or a value that is no share.

    >>> parse_limits(["正答率=0.8", "hit@1=70%"])
    {'正答率': 0.8, 'hit@1': 0.7}
    """
    from eval.metrics import NAMES

    limits = {}
    for word in written:
        name, _, value = word.partition("=")
        if name not in NAMES:
            raise UsageError(
                f"--fail-under の指標が分かりません: {word}", f"名前=値 の形で書いてください。指標: {'、'.join(NAMES)}"
            )
        try:
            limits[name] = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            limits[name] = -1.0
        if not 0 <= limits[name] <= 1:
            raise UsageError(
                f"--fail-under の値が正しくありません: {word}", "0 から 1 の数か、百分率（80%）で書いてください。"
            )
    return limits


def find_failed(report: Report, limits: dict[str, float]) -> list[str]:
    """Return a sentence for each figure that is below its limit, or cannot be computed."""
    lines = []
    for name, least in limits.items():
        value = report.overall.shares[name].value
        if value is None or value < least:
            shown = "計算できません（当てはまる質問がありません）" if value is None else f"{value:.3f} です"
            lines.append(f"基準に届きません: {name} は {shown}（基準 {least:.3f}）。")
    return lines


def _make_folder(output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"結果を書くフォルダーを作れません: {output.parent}", "--output で別の場所を指定してください。"
        ) from error
    if output.is_dir():
        raise UsageError(f"結果を書く先がフォルダーです: {output}", "--output にファイル名まで書いてください。")


def _describe_run(questions: Path, settings: Settings) -> dict[str, Any]:
    """Return what a reader needs to tell two runs apart; settings that are secrets are left out."""
    from rag.indexing.snapshot import SnapshotStore

    store = SnapshotStore(settings.index)
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {_PACKAGE: _package_version(), "python": platform.python_version()},
        "snapshot": {"id": store.current_id(), **asdict(store.manifest().recipe)},
        "settings": shown_settings(settings),
        "questions": {"file": questions.name, "sha256": hashlib.sha256(questions.read_bytes()).hexdigest()},
    }


def _package_version() -> str | None:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return None


def _write(output: Path, described: dict[str, Any], report: Report) -> None:
    from eval.run import to_dict

    text = json.dumps(described | to_dict(report), ensure_ascii=False, indent=1, default=str)
    output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
