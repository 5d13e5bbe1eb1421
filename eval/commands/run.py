"""`python -m eval [run]`: ask the questions, print the figures, keep the run, write the report, and tell whether it will do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.comparison import Comparison, compare_runs
from eval.conditions import find_worse
from eval.limits import find_failed, parse_limits
from eval.question_arguments import add_question_set
from eval.runs import LAST, RESULTS, find_last, find_previous, find_run, save_run, write_run
from rag.errors import RagError
from rag.parser import DONE, DONE_WITH_PROBLEMS, Parser
from rag.progress import StageBars
from rag.settings import Settings, load_settings

if TYPE_CHECKING:
    from eval.human_judgements import HumanComparison
    from eval.questions import Question
    from eval.records import RunRecord
    from eval.run import Progress

DESCRIPTION = "質問集で正答率を測り、結果と報告を書く（名前を省いたときはこれ）"
REPORT = "report.html"


def add_arguments(parser: Parser) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    add_question_set(parser)
    add("--variant", nargs="+", default=[], metavar="方式", help="並べて測る方式。all は全部（一覧は下）")
    add(
        "--fail-under",
        action="extend",
        nargs="+",
        default=[],
        metavar="名前=値",
        help="指標がこの値に届かなければ 1 で終わる（例 正答率=0.8 hit@5=95%%。小さいほどよい指標は 'ece<=0.08' '所要時間p95<=0.5'（秒）と、引用符に入れて書く）",
    )
    add(
        "--no-worse-than",
        metavar="測定",
        help=f"この測定より偶然とは言えないほど下がった指標があれば 1 で終わる（番号、ファイル、{LAST}）",
    )
    add("--compare", metavar="測定", help="比べる測定（既定は、同じ質問集の前の測定）")
    add(
        "--judge",
        action="store_true",
        help="生成AIの判定も加える（参考。設定 llm_url が要る。正答率や合否には使わない）",
    )
    add("--wrong", action="store_true", help="誤った質問と、その理由も表示する")
    add(
        "--results",
        type=Path,
        default=RESULTS,
        metavar="フォルダー",
        help=f"結果を残す場所（既定 {RESULTS.as_posix()}）",
    )
    add("--html", type=Path, metavar="ファイル", help=f"報告の HTML（既定は結果の場所の {REPORT}）")
    add("--output", type=Path, metavar="ファイル", help="結果の JSON をもう 1 つ書く先")
    add(
        "--no-history",
        action="store_true",
        help=f"試しの測定にする（履歴に行を加えず、次からの {LAST} や既定の比べる相手にもしない）",
    )


def run(options: argparse.Namespace) -> int:
    """Measure, keep, show and judge; return the exit status."""
    from eval.document_names import read_document_names
    from eval.html_report import check_report_file
    from eval.questions import read_questions
    from eval.set_check import check_set

    limits = parse_limits(options.fail_under)
    if options.html:
        check_report_file(options.html)
    baseline = find_baseline(options)
    settings = load_settings(index=options.index)
    questions = read_questions(options.questions, read_document_names(settings))
    labels = check_set(options.questions, settings)
    record = measure(options, questions, settings)
    record = replace(record, labels=labels, people=ask_people(record, settings), in_history=not options.no_history)
    file = save_run(record, options.results)
    earlier = baseline or find_previous(record, options.results)
    comparison = compare_runs(earlier, record) if earlier else None
    report = keep(options, record, comparison)
    show(options, record, comparison)
    print(f"\n結果: {file}\n報告: {report}", file=sys.stderr)
    failed = find_failed(record, limits)
    if options.no_worse_than and baseline and comparison:
        failed += find_worse(comparison)
    for line in failed:
        print(line, file=sys.stderr)
    return DONE_WITH_PROBLEMS if failed else DONE


def find_baseline(options: argparse.Namespace) -> RunRecord | None:
    """Return the run that this one is compared with or held to, where one is named; the first run has none before it."""
    wanted = options.no_worse_than or options.compare
    if wanted != LAST:
        return find_run(wanted, options.results) if wanted else None
    found = find_last(options.results)
    if found is None:
        print(
            f"注意: {options.results} に前の測定がまだないので、今回は比べません（次の測定から比べます）。",
            file=sys.stderr,
        )
    return found


def measure(options: argparse.Namespace, questions: Sequence[Question], settings: Settings) -> RunRecord:
    """Ask the questions, and where wanted the LLM's opinion and the variants, each with a bar."""
    from eval.llm_judge import judge_answers, open_judge
    from eval.run import run_evaluation
    from eval.variants import ALL, ENGINES, GENERATIVE, choose_variants, measure_variants
    from rag.assistant import Assistant

    variants = choose_variants(options.variant, settings)
    if ALL in options.variant and not settings.llm_url:
        print(f"注意: {ENGINES[GENERATIVE]}は、接続先の設定（llm_url）がないので測りません。", file=sys.stderr)
    judge = open_judge(settings) if options.judge else None
    with StageBars() as bars:

        def watch(label: str) -> Progress:
            return lambda done, total: bars(label, done, total)

        with closing(Assistant.open(settings)) as assistant:
            record = run_evaluation(assistant, questions, name=options.questions.name, progress=watch("質問"))
        if judge is not None:
            record = judge_answers(record, judge, settings, progress=watch("生成AIの判定"))
        if variants:
            record = measure_variants(record, questions, settings, variants, watch_variant=watch)
    return record


def keep(options: argparse.Namespace, record: RunRecord, comparison: Comparison | None) -> Path:
    """Write the report, the history and whatever else is wanted of a run that is saved; return the report's file."""
    from eval.history import append_line
    from eval.html_report import write_html

    if options.output:
        write_run(record, options.output)
    if not options.no_history:
        append_line(record, options.results)
    return write_html(record, options.html or options.results / REPORT, comparison)


def ask_people(record: RunRecord, settings: Settings) -> HumanComparison | None:
    """Return how what people said of the answers stands to the score; None where what they said cannot be read."""
    from eval.human_judgements import compare_with_people, read_judgements

    try:
        return compare_with_people(record.results, read_judgements(settings))
    except RagError as error:
        print(f"注意: 人の評価とは比べていません。{error}", file=sys.stderr)
        return None


def show(options: argparse.Namespace, record: RunRecord, comparison: Comparison | None) -> None:
    """Print the figures, where there are any the variants, what changed, what is wrong, what people say, and wrong labels."""
    from eval.human_judgements import render_comparison as render_people
    from eval.text_report import render_comparison, render_run, render_variants, render_wrong

    shown = [render_run(record)]
    shown += [render_variants(record)] if record.variants else []
    shown += [render_comparison(comparison)] if comparison else []
    shown += [render_wrong(record)] if options.wrong else []
    shown += [render_people(record.people)] if record.people else []
    shown += ["\n".join(lines)] if record.labels and (lines := record.labels.describe()) else []
    print("\n\n".join(shown))
