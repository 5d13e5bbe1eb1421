"""Fit when to answer: the threshold, and where it helps the scale of the confidence, on questions that are not held out.

Every question is asked once with a threshold of 0; what a threshold would have done follows from the confidences. A right answer and a
rightful silence gain 1, a wrong answer costs WRONG_COST, a needless silence nothing. Both fits have to prove themselves on questions
that they were not fitted on (five folds), or what the package brings stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.intervals import Figure, compute_difference, draw_questions
from eval.metrics import Outcome
from rag.errors import UsageError

WRONG_COST = 0.5
FOLDS = 5
LEAST_QUESTIONS = 30
_LOWEST, _HIGHEST = 0.05, 0.95
_RIDGE = 1.0  # of the scale, towards 1 and 0
_STEPS = 50
_NEAR = 1e-6
_SEED = 20261126

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """How log odds are scaled: slope * log odds + offset (Platt)."""

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, probabilities: Values) -> Values:
        """Return scaled probabilities.

        >>> Scale().apply(np.array([0.25])).round(6).tolist(), Scale(2.0).apply(np.array([0.5])).tolist()
        ([0.25], [0.5])
        """
        scaled: Values = 1 / (1 + np.exp(-(self.slope * _log_odds(probabilities) + self.offset)))
        return scaled


@dataclass(frozen=True, slots=True)
class Trials:
    """What came of asking with a threshold of 0, a value a question.

    confidence: the packaged probability; answers: whether there is an answer to give; right: whether it would be right; silent: whether
    silence is.
    """

    confidence: Values
    answers: Values
    right: Values
    silent: Values

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Trials:
        """Return the trials of outcomes that were asked with a threshold of 0."""
        columns = zip(
            *((o.confidence, o.answered, o.answered and o.correct, not o.answerable) for o in outcomes), strict=True
        )
        return cls(*(np.array(column, dtype=np.float64) for column in columns))

    def choose(self, places: NDArray[np.int64]) -> Trials:
        """Return some of the trials."""
        return Trials(self.confidence[places], self.answers[places], self.right[places], self.silent[places])

    def gains(self, thresholds: Values, probabilities: Values, wrong_cost: float) -> Values:
        """Return what each question gains at each threshold, shape (questions, thresholds)."""
        answered = self.answers[:, None] * (probabilities[:, None] >= thresholds[None, :])
        of_answer = self.right - wrong_cost * (1 - self.right)
        gains: Values = answered * of_answer[:, None] + (1 - answered) * self.silent[:, None]
        return gains


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted. threshold: on scaled probabilities; tried: the one that suits the questions best, unscaled.

    gain: what a fitted threshold gains a question over the packaged one, on the folds left out.

    loss: the change of the logarithmic loss by the scale, on the folds left out (below 0 is better). changes_threshold, changes_scale:
    whether they proved themselves; otherwise the packaged values stand here.
    """

    threshold: float
    tried: float
    scale: Scale
    gain: Figure
    loss: Figure
    changes_threshold: bool
    changes_scale: bool


def fit(outcomes: Sequence[Outcome], packaged: float, wrong_cost: float = WRONG_COST) -> Fit:
    """Fit threshold and scale to outcomes asked with a threshold of 0. packaged: the threshold that comes with the package.

    Raises UsageError where there are too few questions, or all of one kind.
    """
    trials = Trials.of(outcomes) if outcomes else None
    if trials is None or len(outcomes) < LEAST_QUESTIONS or not 0 < trials.right.sum() < trials.answers.sum():
        raise UsageError(
            f"合わせるには質問が足りません（調整用 {len(outcomes)} 問）。",
            f"調整用の質問を {LEAST_QUESTIONS} 問以上、答えられるものと答えられないものを混ぜて用意してください。",
        )
    gain = _check_threshold(trials, packaged, wrong_cost)
    loss = _check_scale(trials)
    changes_threshold, changes_scale = (gain.value or 0.0) > 0, loss.is_below
    scale = fit_scale(trials) if changes_scale else Scale()
    tried = choose_threshold(trials, wrong_cost)
    raw = tried if changes_threshold else packaged
    threshold = float(scale.apply(np.array([raw]))[0])
    return Fit(threshold, tried, scale, gain, loss, changes_threshold, changes_scale)


def choose_threshold(trials: Trials, wrong_cost: float = WRONG_COST) -> float:
    """Return the threshold on unscaled probabilities: the median of the best ones of resampled questions, so that no single one decides."""
    confidences = np.unique(trials.confidence[trials.answers > 0])
    between = (confidences[:-1] + confidences[1:]) / 2
    candidates = np.unique(np.clip(np.concatenate(([_LOWEST], between, [_HIGHEST])), _LOWEST, _HIGHEST))
    gains = trials.gains(candidates, trials.confidence, wrong_cost)
    sums = draw_questions(len(gains)) @ gains
    return float(np.median(candidates[sums.argmax(axis=1)]))


def fit_scale(trials: Trials) -> Scale:
    """Return the scale of least logarithmic loss over what could be answered, by Newton's method, drawn towards no scale."""
    given = trials.answers > 0
    design = np.column_stack((_log_odds(trials.confidence[given]), np.ones(int(given.sum()))))
    weights = start = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (probability - trials.right[given]) + _RIDGE * (weights - start)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < _NEAR:
            break
    return Scale(float(weights[0]), float(weights[1])) if weights[0] > 0 else Scale()


def decide(outcome: Outcome, threshold: float, scale: Scale) -> Outcome:
    """Return what a question asked with a threshold of 0 comes to with another threshold, on the scaled confidence."""
    confidence = float(scale.apply(np.array([outcome.confidence]))[0])
    if not outcome.answered or confidence >= threshold:
        return replace(outcome, confidence=confidence)
    silence = Outcome(outcome.answerable, abstained=True, ranked=outcome.ranked, gold_ranks=outcome.gold_ranks)
    return replace(silence, confidence=confidence, facts=outcome.facts, elapsed_ms=outcome.elapsed_ms)


def _check_threshold(trials: Trials, packaged: float, wrong_cost: float) -> Figure:
    """Return what a fitted threshold gains a question over the packaged one, on the questions of each fold by the fit of the others."""
    count = len(trials.confidence)
    new, old = np.zeros(count), np.zeros(count)
    for left_out, others in _split(count):
        some = trials.choose(left_out)
        thresholds = np.array([choose_threshold(trials.choose(others), wrong_cost), packaged])
        new[left_out], old[left_out] = some.gains(thresholds, some.confidence, wrong_cost).T
    return compute_difference(new.tolist(), old.tolist())


def _check_scale(trials: Trials) -> Figure:
    """Return the change of the logarithmic loss of an answer by scaling, on the questions of each fold by the fit of the others."""
    change = np.zeros(len(trials.confidence))
    for left_out, others in _split(len(change)):
        some = trials.choose(left_out)
        scaled = fit_scale(trials.choose(others)).apply(some.confidence)
        change[left_out] = _log_loss(scaled, some.right) - _log_loss(some.confidence, some.right)
    given = trials.answers > 0
    return compute_difference(change[given].tolist(), [0.0] * int(given.sum()))


def _split(count: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (left out, others) of each fold: places in a shuffled order that is always the same."""
    order = np.random.default_rng(_SEED).permutation(count)
    return [(order[k::FOLDS], np.setdiff1d(order, order[k::FOLDS])) for k in range(FOLDS)]


def _log_odds(probabilities: Values) -> Values:
    clipped = np.clip(probabilities, _NEAR, 1 - _NEAR)
    odds: Values = np.log(clipped / (1 - clipped))
    return odds


def _log_loss(probabilities: Values, right: Values) -> Values:
    clipped = np.clip(probabilities, _NEAR, 1 - _NEAR)
    loss: Values = -(right * np.log(clipped) + (1 - right) * np.log(1 - clipped))
    return loss
