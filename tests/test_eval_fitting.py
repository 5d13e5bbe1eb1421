"""Fitting when to answer: what helps is taken, what does not prove itself is not, and a file that does not fit is told."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.commands.calibrate import render_fit
from eval.fitting import Scale, Trials, choose_threshold, decide, fit, fit_scale
from eval.index_calibration import build_own
from eval.metrics import Outcome
from rag.answering.confidence import Evidence, read_calibration
from rag.answering.own_calibration import (
    CALIBRATION_FILE,
    FROM_FILE,
    FROM_PACKAGE,
    CalibrationShelf,
    OwnCalibration,
    hash_model,
    read_own_calibration,
    write_own_calibration,
)
from rag.assistant import Assistant
from rag.errors import RagError, UsageError
from rag.indexing.manifest import Manifest, Recipe
from rag.settings import Settings
from tests.eval_records import REFUSED, RIGHT, SILENT, TALKATIVE, WRONG, make_result, make_run

MANIFEST = Manifest("s1", None, "now", Recipe("e", "f1", 8, "t", "c", "r"), {}, {"a": "a" * 64, "b": "b" * 64})


def sure(confidence: float, outcome: Outcome) -> Outcome:
    return replace(outcome, confidence=confidence)


def mixed(low: float, high: float, count: int = 40) -> list[Outcome]:
    """Right answers are sure (`high`), answers to what has none are not (`low`)."""
    return [sure(high, RIGHT), sure(low, TALKATIVE)] * count


def test_a_threshold_between_right_and_wrong_answers_is_found() -> None:
    assert 0.3 < choose_threshold(Trials.of(mixed(0.3, 0.6))) < 0.6
    found = fit(mixed(0.3, 0.6), packaged=0.2)
    assert found.changes_threshold and found.gain.is_above


def test_what_is_right_already_stays() -> None:
    found = fit(mixed(0.3, 0.6), packaged=0.45)
    assert not found.changes_threshold and found.gain.value == 0
    assert found.threshold == pytest.approx(float(found.scale.apply(np.array([0.45]))[0]))


def test_a_wrong_answer_costs_so_that_silence_is_worth_something_on_answerable_questions() -> None:
    outcomes = [sure(0.3, WRONG)] * 30 + [sure(0.8, RIGHT)] * 30
    assert choose_threshold(Trials.of(outcomes), wrong_cost=0.5) > 0.3
    half_right = [sure(0.3, WRONG), sure(0.3, RIGHT)] * 30 + [sure(0.8, RIGHT)] * 30
    assert choose_threshold(Trials.of(half_right), wrong_cost=0.5) < 0.3
    assert choose_threshold(Trials.of(half_right), wrong_cost=2.0) > 0.3


def test_confidences_that_say_too_little_are_spread_and_true_ones_left_alone() -> None:
    shy = [sure(0.6, RIGHT)] * 58 + [sure(0.6, TALKATIVE)] * 2 + [sure(0.4, TALKATIVE)] * 58 + [sure(0.4, RIGHT)] * 2
    assert fit_scale(Trials.of(shy)).slope > 2 and fit(shy, packaged=0.5).changes_scale
    true = (
        [sure(0.75, RIGHT)] * 60
        + [sure(0.75, TALKATIVE)] * 20
        + [sure(0.25, RIGHT)] * 20
        + [sure(0.25, TALKATIVE)] * 60
    )
    assert not fit(true, packaged=0.5).changes_scale


@pytest.mark.parametrize(
    "outcomes", [[], [RIGHT] * 10, [RIGHT] * 50, [REFUSED] * 50], ids=["none", "few", "right", "silent"]
)
def test_too_few_questions_or_all_of_one_kind_are_refused(outcomes: list[Outcome]) -> None:
    with pytest.raises(UsageError, match="足りません"):
        fit(outcomes, packaged=0.4)


def test_below_the_threshold_an_answer_becomes_silence_and_nothing_else_changes() -> None:
    assert decide(sure(0.5, RIGHT), 0.4, Scale()).correct
    silent = decide(sure(0.3, RIGHT), 0.4, Scale())
    assert silent.abstained and not silent.answered and not silent.correct and silent.ranked == RIGHT.ranked
    assert decide(sure(0.3, TALKATIVE), 0.4, Scale()).correct and decide(SILENT, 0.0, Scale()).abstained
    assert decide(sure(0.3, RIGHT), 0.4, Scale(1.0, 2.0)).answered, "the scaled confidence counts"


def test_what_it_does_to_both_halves_is_shown() -> None:
    outcomes = mixed(0.3, 0.6)
    results = [make_result(str(n), o, is_held_out=n % 8 < 2) for n, o in enumerate(outcomes)]
    found = fit(outcomes, packaged=0.2)
    shown = render_fit(found, 0.2, make_run(results))
    assert "調整用 60 問" in shown and "検証用 20 問" in shown and "正答率 0.500 → 1.000" in shown
    assert "検証用の質問がありません" in render_fit(found, 0.2, make_run([r for r in results if not r.is_held_out]))


def test_a_figure_that_falls_beyond_chance_is_marked_and_told() -> None:
    # a lower threshold answers 60 more questions rightly, and 15 that have no answer
    outcomes = [sure(0.3, RIGHT), sure(0.3, RIGHT), sure(0.3, RIGHT), sure(0.3, RIGHT), sure(0.35, TALKATIVE)] * 15
    outcomes += [sure(0.05, TALKATIVE)] * 20
    found = fit(outcomes, packaged=0.5)
    run = make_run([make_result(str(n), outcome) for n, outcome in enumerate(outcomes)])
    lines = [" ".join(line.split()) for line in render_fit(found, 0.5, run).splitlines()]
    assert found.changes_threshold and found.tried < 0.3
    assert any(line.startswith("▼ 不回答再現率 1.000 → 0.571") for line in lines)
    assert any(line.startswith("▲ 正答率") for line in lines)
    cautions = [line for line in lines if line.startswith("注意: 調整用の")]
    assert len(cautions) == sum(line.startswith("▼") for line in lines)
    assert any("不回答再現率が、偶然とは言えないほど下がります" in line for line in cautions)
    unchanged = render_fit(fit(mixed(0.3, 0.6), packaged=0.45), 0.45, make_run([make_result("1")]))
    assert "▼" not in unchanged and "注意" not in unchanged


# --- the file beside the index ----------------------------------------------------------------------------------------


def own(**changes: object) -> OwnCalibration:
    fitted = fit(mixed(0.3, 0.6), packaged=0.2)
    made = build_own(fitted, MANIFEST, Settings(), 80)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_was_fitted_is_found_beside_the_index_and_gone_with_its_file(tmp_path: Path) -> None:
    shelf = CalibrationShelf(tmp_path, "default")
    assert shelf.choose(MANIFEST) == (read_calibration(), FROM_PACKAGE)
    write_own_calibration(tmp_path, own(threshold=0.7, slope=2.0, offset=0.5))
    calibration, origin = shelf.choose(MANIFEST)
    assert (calibration.threshold, calibration.slope, origin) == (0.7, 2.0, FROM_FILE)
    assert read_own_calibration(tmp_path) == own(
        threshold=0.7, slope=2.0, offset=0.5, fitted_at=read_fitted_at(tmp_path)
    )
    (tmp_path / CALIBRATION_FILE).unlink()
    assert shelf.choose(MANIFEST)[1] == FROM_PACKAGE


def read_fitted_at(folder: Path) -> str:
    read = read_own_calibration(folder)
    assert read is not None
    return read.fitted_at


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"embedder_fingerprint": "f2"}, "別の埋め込みモデル"),
        ({"reranker": "none"}, "別の並べ替え"),
        ({"model_sha256": "0" * 64}, "別の版"),
        ({"documents": ("a" * 12, "c" * 12, "d" * 12)}, "半分も残っていない"),
    ],
)
def test_a_file_that_belongs_to_something_else_is_left_aside_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, object], reason: str
) -> None:
    write_own_calibration(tmp_path, own(**changes))
    with caplog.at_level(logging.WARNING):
        chosen = CalibrationShelf(tmp_path, "default").choose(MANIFEST)
    assert chosen == (read_calibration(), FROM_PACKAGE)
    assert reason in caplog.text and "eval calibrate" in caplog.text


def test_new_documents_beside_the_old_ones_do_not_end_it() -> None:
    grown = replace(MANIFEST, sources={**MANIFEST.sources, "c": "c" * 64, "d": "d" * 64})
    assert own().find_mismatch(grown, "default") is None and own().model_sha256 == hash_model()


@pytest.mark.parametrize("text", ["", "{}", '{"threshold": 2}'])
def test_a_broken_file_is_an_error_for_who_reads_it_and_a_warning_for_who_answers(tmp_path: Path, text: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(RagError, match=r"calibration\.json"):
        read_own_calibration(tmp_path)
    assert CalibrationShelf(tmp_path, "default").choose(MANIFEST)[1] == FROM_PACKAGE


def test_scaled_odds_are_what_platt_says() -> None:
    packaged, evidence = read_calibration(), Evidence()
    plain = packaged.probability(evidence)
    odds = np.log(plain / (1 - plain))
    assert replace(packaged, slope=2.0, offset=0.5).probability(evidence) == pytest.approx(
        1 / (1 + np.exp(-2 * odds - 0.5))
    )


def test_the_assistant_answers_by_the_file_unless_the_settings_say_a_threshold(
    small_town: Settings, tmp_path: Path
) -> None:
    town = replace(small_town, index=tmp_path / "index")
    shutil.copytree(small_town.index, town.index)
    question = "住民票の写しの手数料はいくらですか"
    assistant = Assistant.open(town)
    try:
        assert assistant.ask(question).citations and assistant.threshold()[1] == FROM_PACKAGE
        fingerprint = assistant.manifest().recipe.embedder_fingerprint
        write_own_calibration(town.index, own(threshold=1.0, embedder_fingerprint=fingerprint, documents=()))
        assert not assistant.ask(question).citations and assistant.threshold() == (1.0, FROM_FILE)
        willing = Assistant.open(replace(town, answer_threshold=0.0))
        assert willing.ask(question).citations and willing.threshold()[0] == 0.0
        willing.close()
    finally:
        assistant.close()
