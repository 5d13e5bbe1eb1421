"""The choice of sentences: trees are followed as they were grown, headings inside a passage count, models are kept whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.bench import unit_trees
from eval.bench.unit_trees import Labelled, grow
from rag.answering.sections import find_words_above
from rag.answering.unit_features import FEATURES, KINDS, MEASURES, Measured
from rag.answering.unit_model import SUM, UnitModel, read_unit_model, score_units, see
from rag.answering.units import Unit, split_passages
from rag.documents import Chunk, ChunkKind, Locator, Metadata, Passage, Segment
from rag.retrieval.learned import LinearModel
from rag.retrieval.trees import Forest, Tree, follow
from rag.text import morphemes

NAMES = ("height", "width")
LINEAR = LinearModel({"coverage": 3.0, "likeness": 1.0}, {"coverage": 0.5}, 1.0, -1.0)
NUMBERS = st.floats(-3, 3, width=32)
TREES = st.recursive(NUMBERS, lambda inner: st.tuples(st.sampled_from(NAMES), NUMBERS, inner, inner), max_leaves=12)


@given(st.lists(TREES, max_size=4), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_many_cases_are_followed_like_one(trees: list[Tree], cases: list[tuple[float, float]]) -> None:
    found = Forest(trees, NAMES).add_up(np.array(cases, dtype=np.float32))
    expected = [sum(follow(tree, dict(zip(NAMES, case, strict=True))) for tree in trees) for case in cases]
    assert found == pytest.approx(expected)


def measure(cases: int, seed: int = 0) -> Measured:
    features = np.random.default_rng(seed).random((cases, len(FEATURES))).astype(np.float32)
    return Measured(tuple(Unit(0, place, place + 1) for place in range(cases)), features)


def test_without_trees_the_probability_is_that_of_the_sum() -> None:
    measured = measure(5)
    expected = LINEAR.score(LINEAR.contributions(measured.features, FEATURES))
    assert UnitModel(LINEAR).probability(measured) == pytest.approx(expected, abs=1e-5)


def test_trees_read_the_kinds_and_the_sum() -> None:
    measured = measure(40)
    trees: tuple[Tree, ...] = ((SUM, 1.0, -1.0, 1.0), ("is_row", 0.5, 0.0, 2.0))
    seen = see(measured, LINEAR)
    row = seen[:, FEATURES.index("is_row")] > 0.5
    odds = -0.5 + np.where(seen[:, -1] > 1.0, 1.0, -1.0) + np.where(row, 2.0, 0.0)
    units = score_units(measured, UnitModel(LINEAR, -0.5, trees))
    assert [unit.score for unit in units] == pytest.approx((1 / (1 + np.exp(-odds))).tolist())


def test_grown_trees_say_what_the_library_that_grew_them_says() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    labelled = []
    for seed in range(30):
        measured = measure(40, seed)
        right = measured.features[:, 0] * measured.features[:, len(MEASURES)] > 0.4
        labelled.append(Labelled(measured, right, 1.0))
    model = grow(labelled, LINEAR)
    seen = np.concatenate([see(one.measured, LINEAR) for one in labelled])
    right = np.concatenate([one.right for one in labelled])
    own = np.concatenate([model.probability(one.measured) for one in labelled])
    assert len(model.trees) == unit_trees.TREES and np.mean((own > 0.5) == right) > 0.95
    settings = {"max_iter": unit_trees.TREES, "max_leaf_nodes": unit_trees.LEAVES, "max_depth": unit_trees.DEPTH}
    more = {"min_samples_leaf": unit_trees.LEAST_IN_LEAF, "l2_regularization": unit_trees.RIDGE, "random_state": 0}
    rate = unit_trees.LEARNING_RATE
    library = HistGradientBoostingClassifier(**settings, **more, learning_rate=rate, early_stopping=False)
    expected = library.fit(seen, right, sample_weight=np.ones(len(right))).predict_proba(seen)[:, 1]
    assert own == pytest.approx(expected, abs=0.01)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = UnitModel(LINEAR, -2.5, (("is_row", 0.5, 0.25, ("sum", 1.0, -1.0, 1.0)), 0.5))
    model.write(tmp_path / "units.json")
    assert read_unit_model(tmp_path / "units.json") == model


def test_the_model_of_the_package_has_trees_and_weighs_a_named_cell() -> None:
    model = read_unit_model()
    assert len(model.trees) > 0 and model.linear.weights["cell"] > 0
    assert set(model.linear.weights) <= set(MEASURES) and not set(MEASURES) & set(KINDS)


def make_passage(*lines: str) -> Passage:
    """Return a passage of a text; lines that begin with # are headings."""
    segments, text = [], "\n".join(line.removeprefix("#") for line in lines)
    at = 0
    for line in lines:
        end = at + len(line.removeprefix("#"))
        segments.append(Segment(1, at, end, Locator(page=1), heading=line.startswith("#")))
        at = end + 1
    chunk = Chunk("0" * 32, "手引.pdf", 0, ChunkKind.TEXT, text, "手引", (), tuple(segments))
    return Passage(chunk, Metadata("手引"), 1.0)


def test_a_unit_stands_under_the_headings_inside_its_passage() -> None:
    passages = [
        make_passage(
            "#第2章 住所", "#1 転入届", "#(1) 期間", "14日以内です。", "#(2) 持ち物", "証明書です。", "#2 転出届"
        ),
        make_passage("前の章とは別です。"),
    ]
    units = split_passages(passages)
    words = [frozenset(morphemes(unit.text(passages))) for unit in units]
    above = dict(zip((unit.text(passages) for unit in units), find_words_above(units, words, passages), strict=True))
    assert {"住所", "転入", "期間"} <= above["14日以内です。"] and "持ち物" not in above["14日以内です。"]
    assert {"転入", "持ち物"} <= above["証明書です。"] and "期間" not in above["証明書です。"]
    assert "転入" not in above["2 転出届"] and "住所" in above["2 転出届"]
    assert above["第2章 住所"] == above["前の章とは別です。"] == frozenset()
