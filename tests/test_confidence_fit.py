"""The fit of the confidence: what is written is the model that was fitted, and trees see what no sum can."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from eval.bench import confidence
from eval.bench.confidence import Asking, Silence, choose_threshold, fit, measure_silence
from rag.answering.confidence import Calibration, Evidence, read_calibration


def see(**values: float) -> Evidence:
    """Return evidence of which everything is known."""
    return Evidence(**(dict.fromkeys(asdict(Evidence()), 0.0) | values))


def draw_questions(count: int, seed: int = 0) -> list[list[Asking]]:
    """Return questions that can be answered exactly where one of two things is there, but not both: no sum tells."""
    draw = np.random.default_rng(seed)
    questions = []
    for _ in range(count):
        found, lexical = (float(value) for value in draw.integers(0, 2, 2))
        answerable = found != lexical
        questions.append(
            [Asking(see(found=found, lexical=lexical, dense=float(draw.random())), answerable, answerable)]
        )
    return questions


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    """Return a model of few trees, fitted to two sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confidence, "TREES", 40)
        patch.setattr(confidence, "LEARNING_RATE", 0.2)
        return fit({"articles": draw_questions(400), confidence.TOWN: draw_questions(200, seed=1)})


def test_trees_tell_what_no_sum_of_the_evidence_can(fitted: Calibration) -> None:
    both, one = see(found=1.0, lexical=1.0, dense=0.5), see(found=1.0, dense=0.5)
    assert fitted.probability(one) > 0.9 > 0.1 > fitted.probability(both)
    assert replace(fitted, trees=()).probability(one) - replace(fitted, trees=()).probability(both) < 0.5


def test_the_written_model_is_the_one_that_was_fitted(fitted: Calibration, tmp_path: Path) -> None:
    fitted.write(tmp_path / "confidence.json")

    read = read_calibration(tmp_path / "confidence.json")

    assert len(read.trees) == 40
    for question in draw_questions(30, seed=2):
        assert read.probability(question[0].evidence) == fitted.probability(question[0].evidence)


def test_the_probability_is_that_of_the_boosted_model_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confidence, "TREES", 20)
    questions = draw_questions(200)
    model = fit({"articles": questions})
    rows = confidence._flatten({"articles": questions})
    values = np.array([list(asdict(asking.evidence).values()) for asking in rows.askings], dtype=float)
    standard = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-9)
    answerable = np.array([asking.is_answerable for asking in rows.askings])

    odds = confidence._boost(standard, answerable, rows.weights).decision_function(standard)

    ours = np.array([model.probability(asking.evidence) for asking in rows.askings])
    scale, offset = confidence._scale(confidence._ask_unseen(standard, answerable, rows), rows)
    # Splits are rounded to four places: a value that lies between a split and its rounding takes the other branch of one tree.
    assert ours == pytest.approx(1 / (1 + np.exp(-offset - scale * odds)), abs=5e-3)


def test_what_is_not_known_of_the_evidence_counts_as_its_mean() -> None:
    model = Calibration(0.0, {"sentence": 2.0}, 0.5, {"sentence": 0.4}, [["sentence", 0.5, 0.0, 1.0]])

    assert model.probability(Evidence(sentence=None)) == 0.5
    assert model.probability(Evidence(sentence=0.9)) == pytest.approx(1 / (1 + math.exp(-2.0)))


def test_silence_is_measured_without_near_misses_and_its_threshold_loses_few() -> None:
    askings = [Asking(Evidence(), True, True), Asking(Evidence(), False, False), Asking(Evidence(), False, False, True)]

    rows = measure_silence(askings, np.array([0.9, 0.3, 0.1]))

    assert next(row for row in rows if row.threshold == 0.5) == Silence(0.5, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert 0.3 < choose_threshold({"a": rows}) < 0.9


def test_the_threshold_is_that_of_the_town_and_the_mean_of_the_others() -> None:
    def rows(*f1: float) -> list[Silence]:
        return [Silence(number / 10, value, 0, 0, 0, 0) for number, value in enumerate(f1, start=4)]

    public = {"a": rows(0.8, 0.6), "b": rows(0.8, 0.6)}
    assert choose_threshold({**public, "c": rows(0.5, 0.8)}) == 0.4, "two of three"
    assert choose_threshold({**public, "town": rows(0.5, 0.8)}) == 0.5, "the town counts as much as both"
