"""The probability that a unit answers: a weighted sum of its measures, and trees that read it by the kind of unit and question.

Both stand in units.json: the sum is learned by `python -m eval.bench.units DATA` and moved by `eval.bench.units_town`, the trees
by `eval.bench.unit_trees`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.answering.unit_features import FEATURES, Measured
from rag.answering.units import Unit
from rag.retrieval.learned import LinearModel
from rag.retrieval.trees import Forest, Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_FILE = Path(__file__).with_name("units.json")
SUM = "sum"
"""What trees call the log odds of the sum."""


@dataclass(frozen=True)
class UnitModel:
    """log odds = start + what the trees add, which see the features and the log odds of the sum; without trees those of the sum."""

    linear: LinearModel
    start: float = 0.0
    trees: tuple[Tree, ...] = ()

    @functools.cached_property
    def _forest(self) -> Forest:
        return Forest(self.trees, (*FEATURES, SUM))

    def probability(self, measured: Measured) -> NDArray[np.float64]:
        """Return the probability of each unit, shape (units,)."""
        import numpy as np

        seen = see(measured, self.linear)
        odds = self.start + self._forest.add_up(seen) if self.trees else seen[:, -1]
        return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)

    def write(self, file: Path = MODEL_FILE) -> None:
        """Write the model as JSON, a tree a line."""
        linear = json.dumps(asdict(self.linear), indent=1)
        trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in self.trees)
        file.write_text(f'{{"linear": {linear},\n"start": {self.start},\n"trees": [\n{trees}\n]}}\n', encoding="utf-8")


def see(measured: Measured, linear: LinearModel) -> NDArray[np.float32]:
    """Return what the trees look at, shape (units, FEATURES and the log odds of the sum)."""
    import numpy as np

    odds = linear.contributions(measured.features, FEATURES).sum(axis=1) + linear.offset
    return np.concatenate([measured.features, odds[:, None].astype(np.float32)], axis=1)


def score_units(measured: Measured, model: UnitModel | None = None) -> list[Unit]:
    """Return the units with the probability that each answers the question."""
    if not measured.units:
        return []
    scores = (model or read_unit_model()).probability(measured)
    return [replace(unit, score=float(score)) for unit, score in zip(measured.units, scores, strict=True)]


@functools.cache
def read_unit_model(file: Path = MODEL_FILE) -> UnitModel:
    """Return the model of a file, by default that of the package; a file is read once."""
    values = json.loads(file.read_text(encoding="utf-8"))
    trees = tuple(_freeze(tree) for tree in values["trees"])
    return UnitModel(LinearModel(**values["linear"]), values["start"], trees)


def _freeze(tree: Tree) -> Tree:
    return tree if isinstance(tree, float) else tuple(part if isinstance(part, str) else _freeze(part) for part in tree)
