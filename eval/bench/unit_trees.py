"""Learn the trees that correct the choice of sentences: python -m eval.bench.unit_trees DATA [--readers DIR] [--write]

What a measure is worth differs by the kind of unit and of question, which a sum cannot see. The trees (gradient boosting over
histograms) look at the measures, the kinds and the log odds of the sum that `eval.bench.units_town` left in units.json. They are
learned of the municipality's questions that may be learned from and of half of the public ones, each counting half. Printed is
what they bring, five-fold cross-validated with sums that had not seen the question either, and on the other half of the public
ones. --write adds them to units.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench import units, units_town
from eval.bench.asked_sets import run_at_once
from eval.bench.town_questions import add_readers, fit_without_each, open_town, weigh_wordings
from rag.answering.unit_features import FEATURES, Measured
from rag.answering.unit_model import SUM, UnitModel, read_unit_model, see
from rag.retrieval.learned import LinearModel, read_model
from rag.retrieval.trees import Tree
from rag.settings import load_settings

TREES, LEAVES, DEPTH, LEAST_IN_LEAF, LEARNING_RATE, RIDGE = 150, 16, 8, 60, 0.06, 10.0
TOWN_SHARE = 0.5  # of the weight of all questions
_TOWN = "town"
_NAMES = (*FEATURES, SUM)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The units of one question. right: which of them answer; weight: of the question; town: the question, if it is the town's."""

    measured: Measured
    right: NDArray[np.bool_]
    weight: float
    town: units_town.Asked | None = None


def label(town: Sequence[units_town.Asked], public: Sequence[Sequence[units.Sample]]) -> list[Labelled]:
    """Return the questions with their weights: TOWN_SHARE for the town together, the rest for the sets, each the same."""
    wordings = weigh_wordings([one.question.is_paraphrase for one in town])
    own = [
        Labelled(one.measured, one.right, TOWN_SHARE * float(weight), one)
        for one, weight in zip(town, wordings, strict=True)
    ]
    share = (1 - TOWN_SHARE) / max(1, len(public))
    others = [
        Labelled(sample.measured, np.array(sample.labels), share / len(samples))
        for samples in public
        for sample in samples
        if sample.measured.units
    ]
    return own + others


def grow(labelled: Sequence[Labelled], linear: LinearModel) -> UnitModel:
    """Return a sum with trees that were learned to read it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    seen = np.concatenate([see(one.measured, linear) for one in labelled])
    right = np.concatenate([one.right for one in labelled])
    weights = np.concatenate([np.full(len(one.right), one.weight) for one in labelled])
    boosted = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        max_depth=DEPTH,
        min_samples_leaf=LEAST_IN_LEAF,
        learning_rate=LEARNING_RATE,
        l2_regularization=RIDGE,
        early_stopping=False,
        random_state=0,
    ).fit(seen, right, sample_weight=weights / weights.mean())
    trees = tuple(_read_tree(of_class[0].nodes) for of_class in boosted._predictors)  # sklearn shows them nowhere else
    return UnitModel(linear, round(float(boosted._baseline_prediction[0, 0]), 4), trees)


def _read_tree(nodes: Any, place: int = 0) -> Tree:
    node = nodes[place]
    if node["is_leaf"]:
        return round(float(node["value"]), 4)
    low, high = (_read_tree(nodes, int(node[side])) for side in ("left", "right"))
    most = float(str(np.float32(node["num_threshold"])))  # the shortest that is the same in 32 bits
    return _NAMES[int(node["feature_idx"])], most, low, high


def cross_validate(labelled: Sequence[Labelled], public: LinearModel) -> list[tuple[UnitModel, UnitModel]]:
    """Return for each question the sum and the sum with trees of those that had not seen it. public: the sum before the town moved it."""

    def fit(others: Sequence[Labelled]) -> tuple[UnitModel, UnitModel]:
        linear = units_town.fit([one.town for one in others if one.town], public)
        return UnitModel(linear), grow(others, linear)

    return fit_without_each(labelled, fit)


def collect(data: Path, readers: Path | None) -> tuple[dict[str, list[units.Sample]], list[units_town.Asked]]:
    """Return the questions of each public set, and those of the town."""
    calls: dict[str, Any] = {name: partial(_collect_public, data, name) for name in units.SETS}
    found = run_at_once({**calls, _TOWN: partial(_collect_town, readers)})
    asked = found.pop(_TOWN)
    return found, asked


def _collect_public(data: Path, name: str) -> list[units.Sample]:
    return list(units.collect(data, name))


def _collect_town(readers: Path | None) -> list[units_town.Asked]:
    with open_town(readers=readers) as town:
        return units_town.collect(town)


def main() -> None:
    """Print what the trees bring, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    add_readers(parser)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    samples, asked = collect(options.data, options.readers)
    max_chars = load_settings().max_answer_chars
    labelled = label(asked, [of_set[::2] for of_set in samples.values()])
    pairs = cross_validate(labelled, read_model(units_town.PUBLIC))[: len(asked)]
    line = "town, {}: first right {:.3f}, whole {:.3f}, {:.0f} characters"
    for name, models in zip(("sum", "with trees"), zip(*pairs, strict=True), strict=True):
        print(line.format(name, *units_town.measure(asked, models, max_chars)))
    linear = read_unit_model().linear
    model = grow(labelled, linear)
    for name, of_set in samples.items():
        held = of_set[1::2]
        for what, one in (("sum", UnitModel(linear)), ("with trees", model)):
            print(f"{name}, {what}: {units.describe(held, [one] * len(held))}")
    if options.write:
        model.write()


if __name__ == "__main__":
    main()
