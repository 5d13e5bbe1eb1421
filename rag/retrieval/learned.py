"""Linear models over named features, so that every score is a sum that can be shown: the reranker of this package is one.

score = scale · Σ weight · (feature - mean) + offset, as a probability. The reranker's numbers stand in reranker.json, learned by
`python -m eval.bench.reranker` on questions whose passages the embedder of that training had not seen.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.retrieval.features import FEATURES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_FILE = Path(__file__).with_name("reranker.json")
READER = "reader"
"""The name under which what the reader says joins the sum (see retrieval.close_reading); it is no column of FEATURES."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights and means by feature (those of no weight left out); scale and offset make a probability of the sum."""

    weights: Mapping[str, float]
    means: Mapping[str, float]
    scale: float
    offset: float

    def contributions(self, features: NDArray[np.float32], names: tuple[str, ...] = FEATURES) -> NDArray[np.float64]:
        """Return what each feature adds, shape (candidates, names): 0 for a feature of its mean, or of no weight."""
        import numpy as np

        weights = np.array([self.weights.get(name, 0.0) for name in names])
        means = np.array([self.means.get(name, 0.0) for name in names])
        return np.asarray((features - means) * weights * self.scale, dtype=np.float64)

    def score(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that each candidate is right, shape (candidates,)."""
        import numpy as np

        return np.asarray(1 / (1 + np.exp(-(contributions.sum(axis=1) + self.offset))), dtype=np.float64)

    def write(self, file: Path = MODEL_FILE) -> None:
        """Write the model as JSON."""
        file.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


@functools.cache
def read_model(file: Path = MODEL_FILE) -> LinearModel:
    """Return a model that comes with this package."""
    return LinearModel(**json.loads(file.read_text(encoding="utf-8")))
