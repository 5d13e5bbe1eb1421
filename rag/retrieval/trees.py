"""Decision trees that correct a sum of features (gradient boosting, Friedman 2001): they see what no sum can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tree = float | Sequence[Any]
"""What a tree adds to the log odds; or (name, most, tree, tree): the first where the value of that name is at most so much."""


def follow(tree: Tree, values: Mapping[str, float]) -> float:
    """Return what a tree adds for one case.

    >>> follow(["age", 6.0, -1.0, ["age", 64.0, 0.5, 2.0]], {"age": 70.0})
    2.0
    """
    while not isinstance(tree, float):
        name, most, low, high = tree
        tree = low if values[name] <= most else high
    return tree


class Forest:
    """Trees over named columns, followed for many cases at once. names: of the columns, whose values are of 32 bits, as is `most`."""

    def __init__(self, trees: Sequence[Tree], names: Sequence[str]) -> None:
        import numpy as np

        self._columns: list[int] = []
        self._most: list[float] = []
        self._next: list[tuple[int, int]] = []  # a leaf leads to itself
        self._added: list[float] = []
        self._places = {name: place for place, name in enumerate(names)}
        found = [self._plant(tree, 0) for tree in trees]
        self._roots = np.array([root for root, _ in found], dtype=np.int64)
        self._depth = max((depth for _, depth in found), default=0)
        self._arrays = (np.array(self._columns), np.array(self._most, np.float32), np.array(self._next))
        self._values = np.array(self._added)

    def _plant(self, tree: Tree, depth: int) -> tuple[int, int]:
        """Lay down a tree and return the number of its first node, and how deep its deepest leaf is."""
        node = len(self._added)
        self._columns.append(0)
        self._most.append(0.0)
        self._next.append((node, node))
        self._added.append(tree if isinstance(tree, float) else 0.0)
        if isinstance(tree, float):
            return node, depth
        name, most, low, high = tree
        (left, deep), (right, deeper) = self._plant(low, depth + 1), self._plant(high, depth + 1)
        self._columns[node], self._most[node], self._next[node] = self._places[name], most, (left, right)
        return node, max(deep, deeper)

    def add_up(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what all trees add together, shape (cases,). values: shape (cases, names)."""
        import numpy as np

        if not len(self._roots):
            return np.zeros(len(values))
        columns, most, following = self._arrays
        cases = np.arange(len(values))[:, None]
        nodes = np.broadcast_to(self._roots, (len(values), len(self._roots)))
        for _ in range(self._depth):
            nodes = following[nodes, (~(values[cases, columns[nodes]] <= most[nodes])).astype(np.int64)]
        added: NDArray[np.float64] = self._values[nodes].sum(axis=1)
        return added
