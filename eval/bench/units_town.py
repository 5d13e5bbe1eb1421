"""Move the choice of sentences towards municipal documents: python -m eval.bench.units_town [--readers DIR] [--write]

`eval.bench.units` learns from articles of an encyclopedia; a town's documents are tables, steps and lists. The town's questions that
may be learned from are asked; a unit is right where it stands at a gold place and holds a key fact. The weights are moved, held
near those of the articles (units_public.json) by a ridge on standardised features. What it brings is printed by five-fold
cross-validation. --write replaces units.json; `eval.bench.unit_trees` comes next.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.bench.town_questions import (
    Town,
    add_readers,
    fit_without_each,
    open_town,
    read_town_questions,
    weigh_wordings,
)
from eval.matching import missing_facts
from eval.questions import Question
from rag.answering.extractive import build_extract
from rag.answering.selection import choose_units
from rag.answering.unit_features import MEASURES, Measured
from rag.answering.unit_model import UnitModel, score_units
from rag.documents import Passage
from rag.retrieval.learned import LinearModel, read_model

PUBLIC = Path(__file__).with_name("units_public.json")
RIDGES = (0.3, 0.1, 0.03, 0.01, 0.003)
RIDGE = 0.01
PASSAGES = 10
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its units. right: for each unit, whether it stands at a gold place and holds a key fact."""

    question: Question
    passages: tuple[Passage, ...]
    measured: Measured
    right: NDArray[np.bool_]


def collect(town: Town) -> list[Asked]:
    """Ask the questions; those none of whose units is right are left out."""
    found = []
    for question in read_town_questions():
        if not question.answerable:
            continue
        asked, passages = town.ask(question, PASSAGES)
        at_gold, measured = town.find_gold(question, passages), town.answerer.measure(asked, passages)
        texts = [unit.text(passages) for unit in measured.units]
        holds = [len(missing_facts(text, question.key_facts)) < len(question.key_facts) for text in texts]
        right = [at_gold[unit.passage] and fact for unit, fact in zip(measured.units, holds, strict=True)]
        if any(right):
            found.append(Asked(question, tuple(passages), measured, np.array(right)))
    return found


def fit(asked: Sequence[Asked], public: LinearModel, ridge: float = RIDGE) -> LinearModel:
    """Return the public model moved. Loss: logistic, questions in everyday words counting less, and ridge × |change of standardised weights|²."""
    from scipy.optimize import minimize

    means = np.array([public.means.get(name, 0.0) for name in MEASURES])
    x = np.concatenate([one.measured.features[:, : len(MEASURES)] for one in asked]).astype(np.float64) - means
    y = np.concatenate([one.right for one in asked])
    weights_of = weigh_wordings([one.question.is_paraphrase for one in asked])
    count = np.concatenate([np.full(len(one.right), weight) for one, weight in zip(asked, weights_of, strict=True)])
    deviations = x.std(axis=0) + 1e-6
    x /= deviations
    start = np.array([public.weights.get(name, 0.0) for name in MEASURES]) * deviations * public.scale

    def loss(change: Array) -> tuple[float, Array]:
        odds = x @ (start + change[:-1]) + public.offset + change[-1]
        probability = 1 / (1 + np.exp(-odds))
        value = float((count * (np.logaddexp(0, odds) - y * odds)).sum())
        slope = count * (probability - y)
        moved = np.concatenate([slope @ x + 2 * ridge * change[:-1], [slope.sum()]])
        return value + ridge * float(change[:-1] @ change[:-1]), moved

    change = minimize(loss, np.zeros(len(start) + 1), jac=True, method="L-BFGS-B").x
    weights = (start + change[:-1]) / deviations
    named = dict(zip(MEASURES, (round(float(weight), 5) for weight in weights), strict=True))
    kept_means = {name: public.means.get(name, 0.0) for name in MEASURES}
    return LinearModel(named, kept_means, 1.0, round(float(public.offset + change[-1]), 4))


def measure(asked: Sequence[Asked], models: Sequence[UnitModel], max_chars: int) -> tuple[float, float, float]:
    """Return how often the likeliest unit is right, how often an answer holds every key fact, and its mean length in characters."""
    first, whole, lengths = [], [], []
    for one, model in zip(asked, models, strict=True):
        units = score_units(one.measured, model)
        first.append(bool(one.right[int(np.argmax([unit.score for unit in units]))]))
        text = build_extract(choose_units(units, one.passages, max_chars=max_chars), one.passages).text
        whole.append(not missing_facts(text, one.question.key_facts))
        lengths.append(len(text))
    return float(np.mean(first)), float(np.mean(whole)), float(np.mean(lengths))


def cross_validate(
    asked: Sequence[Asked], public: LinearModel, ridge: float, max_chars: int
) -> tuple[float, float, float]:
    """Return the same of questions that the model had not seen."""
    return measure(asked, fit_without_each(asked, lambda others: UnitModel(fit(others, public, ridge))), max_chars)


def main() -> None:
    """Print what each ridge brings, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_readers(parser)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    public = read_model(PUBLIC)
    with open_town(readers=options.readers) as town:
        asked, max_chars = collect(town), town.max_chars
    line = "first right {:.3f}, whole {:.3f}, {:.0f} characters"
    of_public = measure(asked, [UnitModel(public)] * len(asked), max_chars)
    print(f"{len(asked)} questions, public weights: " + line.format(*of_public))
    for ridge in RIDGES:
        figures = cross_validate(asked, public, ridge, max_chars)
        print(f"ridge {ridge:g}, cross-validated: " + line.format(*figures))
    if options.write:
        UnitModel(fit(asked, public)).write()
        print("units.json has no trees now: run eval.bench.unit_trees")


if __name__ == "__main__":
    main()
