"""Two runs side by side: paired intervals, won and lost questions, and what a gate makes of them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from eval.comparison import compare_runs
from eval.conditions import find_worse
from eval.gate import judge_candidate
from eval.intervals import compare_ratios, compute_ratio
from eval.limits import find_failed, parse_limits
from eval.records import RunRecord
from rag.errors import UsageError
from tests.eval_records import REFUSED, RIGHT, SILENT, TALKATIVE, WRONG, make_result, make_run


def run_of(right: int, wrong: int, *, id: str = "1") -> RunRecord:
    outcomes = [RIGHT] * right + [WRONG] * wrong
    return make_run([make_result(str(number), outcome) for number, outcome in enumerate(outcomes)], id)


def test_a_ratio_is_compared_over_the_same_questions_even_where_each_run_cites_another_number() -> None:
    change = compare_ratios(([1, 1, 0, 1], [1, 1, 1, 1]), ([1, 0, 0, 1], [1, 2, 1, 1]))
    assert change.value == pytest.approx(3 / 4 - 2 / 5)
    assert change.low <= change.value <= change.high  # type: ignore[operator]
    assert compare_ratios(([1, 0], [1, 1]), ([1, 0], [1, 1])).value == 0


def test_pairing_sees_what_two_separate_intervals_hide() -> None:
    before, after = [1.0] * 60 + [0.0] * 40, [1.0] * 66 + [0.0] * 34
    ones = [1.0] * 100
    separate = compute_ratio(before, ones), compute_ratio(after, ones)
    assert separate[0].high > separate[1].low  # type: ignore[operator]
    assert compare_ratios((after, ones), (before, ones)).is_above


def test_won_and_lost_questions_are_named_and_changed_ones_left_out() -> None:
    before = make_run([make_result("1", RIGHT), make_result("2", WRONG), make_result("3"), make_result("4")], "b")
    changed = make_result("3", WRONG, key_facts=("800円",))
    after = make_run([make_result("1", SILENT), make_result("2", RIGHT), changed, make_result("5")], "a")

    comparison = compare_runs(before, after)

    assert (comparison.before, comparison.after, comparison.questions) == ("b", "a", 2)
    assert (comparison.won, comparison.lost, comparison.left_out) == (("2",), ("1",), ("3", "4", "5"))
    assert comparison.find("正答率").before == comparison.find("正答率").after == 1 / 2


def test_a_run_is_worse_than_another_only_beyond_chance() -> None:
    assert find_worse(compare_runs(run_of(100, 0), run_of(99, 1))) == []
    worse = find_worse(compare_runs(run_of(100, 0), run_of(90, 10)))
    assert any("正答率 1.000 → 0.900" in line for line in worse)
    assert find_worse(compare_runs(run_of(90, 10), run_of(100, 0))) == []


def test_runs_without_a_question_in_common_cannot_be_compared() -> None:
    lines = find_worse(compare_runs(make_run([make_result("1")], "old"), make_run([make_result("2")], "new")))
    assert lines == ["比べられません: old と同じ質問がありません。"]


def test_a_slower_or_longer_answer_is_shown_but_never_a_loss() -> None:
    slow = make_run([make_result(str(n), replace(RIGHT, elapsed_ms=999.0, answer_chars=99)) for n in range(50)])
    comparison = compare_runs(run_of(50, 0), slow)
    assert comparison.find("所要時間").change.is_above and comparison.worse() == ()


def test_a_limit_is_met_missed_or_cannot_be_computed() -> None:
    limits = parse_limits(["正答率=0.75", "hit@5=100%", "不回答再現率=0.5", "nDCG@10=0.99"])
    failed = find_failed(run_of(3, 1), limits)
    assert len(failed) == 2 and "不回答再現率 は 計算できません" in failed[0] and "nDCG@10" in failed[1]


def test_an_error_or_a_time_above_its_limit_fails_and_one_below_does_not() -> None:
    sure = replace(RIGHT, confidence=0.9, elapsed_ms=600.0)
    run = make_run([make_result("1", sure), make_result("2", replace(sure, elapsed_ms=600.0))])
    # every answer is right at a confidence of .9: the error is .1; every question took .6 seconds
    assert find_failed(run, parse_limits(["ece<=0.11", "所要時間p95<=0.6", "p50<=600ms", "所要時間≦１秒"])) == []
    failed = find_failed(run, parse_limits(["期待較正誤差<=0.08", "所要時間ｐ９５＜＝０．５"]))
    assert failed == [
        "基準を超えました: 期待較正誤差 は 0.100 です（基準 0.080以下）。",
        "基準を超えました: 所要時間p95 は 0.600 秒 です（基準 0.500 秒以下）。",
    ]
    assert "計算できません" in find_failed(make_run([make_result("1", SILENT)]), parse_limits(["ece<=1"]))[0]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("正解=0.8", "nDCG@10.*期待較正誤差（ece）、所要時間"),
        ("ece=0.08", "ece<=|期待較正誤差<=値"),
        ("hit@5<=0.9", "hit@5=値"),
        ("ece<=0.5ms", "百分率"),
        ("所要時間p95<=50%", "秒"),
        ("hit@5=0.9.1", "0 から 1"),
    ],
)
def test_a_limit_that_makes_no_sense_is_told_with_what_would(written: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_limits([written])
    assert written in str(raised.value) and re.search(told, str(raised.value))


# --- the gate of an index ---------------------------------------------------------------------------------------------


def test_a_question_or_two_that_change_sides_do_not_stop_an_update() -> None:
    verdict = judge_candidate(run_of(95, 5), run_of(94, 6))
    assert verdict.passed and "0.940" in verdict.summary and verdict.details["lost"] == ["94"]


def test_a_loss_beyond_chance_stops_it_and_the_sentence_says_of_what() -> None:
    verdict = judge_candidate(run_of(95, 5), run_of(85, 15))
    assert not verdict.passed and "偶然とは言えない低下: 正答率 0.950 → 0.850" in verdict.summary


def test_a_large_fall_stops_it_though_a_small_set_cannot_tell_it_from_chance() -> None:
    verdict = judge_candidate(run_of(4, 0), run_of(3, 1))
    assert not verdict.passed and "5%を超えます" in verdict.summary


def test_an_index_that_abstains_worse_is_stopped_whatever_its_accuracy() -> None:
    def run_with(unanswerable: object, answerable: object) -> RunRecord:
        outcomes = [unanswerable] * 40 + [answerable] * 40
        return make_run([make_result(str(n), outcome) for n, outcome in enumerate(outcomes)])  # type: ignore[arg-type]

    verdict = judge_candidate(run_with(REFUSED, WRONG), run_with(TALKATIVE, RIGHT))

    assert not verdict.passed and verdict.details["candidate"] == verdict.details["published"] == 0.5
    assert any("不回答F1" in reason for reason in verdict.details["reasons"])
