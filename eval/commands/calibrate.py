"""`python -m eval calibrate`: fit to this index when to answer, and write it where the assistant finds it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval.question_arguments import add_question_set
from rag.parser import DONE, Parser
from rag.progress import StageBars
from rag.settings import load_settings

if TYPE_CHECKING:
    from eval.fitting import Fit
    from eval.intervals import Figure
    from eval.metrics import Outcome
    from eval.records import RunRecord

_REMEDY = "書くかどうかは全体の得失で決めます。困るときは、--wrong-cost を変えて合わせ直すか、書いたファイルを消してください。"
DESCRIPTION = "答えるかどうかの境目を、検証用でない質問で合わせ、索引のそばに書く"


def add_arguments(parser: Parser) -> None:
    """Add the arguments of the command."""
    add = parser.add_argument
    add_question_set(parser)
    add(
        "--wrong-cost",
        type=float,
        metavar="重み",
        help="誤った回答 1 つが打ち消す、正しい回答の数（既定 0.5。大きいほど慎重になる）",
    )
    add("--dry-run", action="store_true", help="示すだけで、書かない")


def run(options: argparse.Namespace) -> int:
    """Fit, show what it does to both halves, and write it where it proved itself; return the exit status."""
    from eval.document_names import read_document_names
    from eval.fitting import WRONG_COST, fit
    from eval.index_calibration import ask_willingly, keep_fit, read_packaged_threshold
    from eval.questions import read_questions

    settings = load_settings(index=options.index)
    questions = read_questions(options.questions, read_document_names(settings))
    cost = WRONG_COST if options.wrong_cost is None else options.wrong_cost
    with StageBars() as bars:
        record, manifest = ask_willingly(settings, questions, lambda done, total: bars("質問", done, total))
    packaged = read_packaged_threshold()
    tuned = [result.outcome for result in record.results if not result.is_held_out]
    found = fit(tuned, packaged, cost)
    print(render_fit(found, packaged, record))
    if settings.answer_threshold is not None:
        print(f"注意: 設定 answer_threshold={settings.answer_threshold} が、ここで合わせた値より優先されます。")
    if not found.changes_threshold and not found.changes_scale:
        print("今の値より良くなることを確かめられなかったので、何も書きません。")
        return DONE
    if options.dry_run:
        print("--dry-run のため、書いていません。")
        return DONE
    file = keep_fit(found, manifest, settings, len(tuned))
    print(f"{file} に書きました。次の質問から使います。元に戻すには、このファイルを消してください。")
    return DONE


def render_fit(found: Fit, packaged: float, record: RunRecord) -> str:
    """Return what was fitted, how it was checked, and what it does to the questions it was fitted on and to those held out."""
    from eval.fitting import Scale, decide
    from eval.questions import HELD_OUT, TUNING

    scale = found.scale
    lines = [
        f"しきい値 {packaged:.3f} → {found.threshold:.3f}（{'合わせた値' if found.changes_threshold else '今の値のまま'}、試した値 {found.tried:.3f}）",
        f"  見ていない質問での得失 1 問あたり {_with_interval(found.gain)}（5 つに分けた交差検証）",
        f"確信度の尺度 傾き {scale.slope:.3f}、切片 {scale.offset:.3f}（{'合わせた値' if found.changes_scale else '変えない'}）",
        f"  見ていない質問での対数損失の変化 {_with_interval(found.loss)}（0 より小さいほど良い）",
    ]
    for name, held_out in ((TUNING, False), (HELD_OUT, True)):
        outcomes = [result.outcome for result in record.results if result.is_held_out is held_out]
        if not outcomes:
            lines.append(
                f"{name}用の質問がありません（質問集の列「用途」に {name} と書くと、合わせた結果を確かめられます）。"
            )
            continue
        before = [decide(outcome, packaged, Scale()) for outcome in outcomes]
        after = [decide(outcome, found.threshold, scale) for outcome in outcomes]
        lines += ["", f"{name}用 {len(outcomes)} 問: 前 → 後", *_compare(name, before, after)]
    return "\n".join(lines)


def _compare(name: str, before: Sequence[Outcome], after: Sequence[Outcome]) -> list[str]:
    """Return what changes for some questions, each figure that is worse beyond chance once more as a caution. name: of them."""
    from eval.calibration import build_curve, compute_error
    from eval.comparison import compare_outcomes
    from eval.conditions import describe
    from eval.tables import mark_change, pad

    names = ("正答率", "回答の正解率", "不回答適合率", "不回答再現率", "不回答F1")
    differences = compare_outcomes(before, after, names)
    errors = (compute_error(build_curve(outcomes)) for outcomes in (before, after))
    shown = " → ".join("—" if error is None else f"{error:.3f}" for error in errors)
    return [
        *(f"  {pad(mark_change(d.change), 4)}{describe(d)}" for d in differences),
        f"  {pad('', 4)}期待較正誤差 {shown}",
        *(
            f"注意: {name}用の{d.name}が、偶然とは言えないほど下がります（▼）。{_REMEDY}"
            for d in differences
            if d.is_worse
        ),
    ]


def _with_interval(figure: Figure) -> str:
    if figure.value is None:
        return "—"
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"
