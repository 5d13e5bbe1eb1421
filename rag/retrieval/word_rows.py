"""The words of many stretches of text as numbers, so that all stretches are compared with a question at once.

The words stand in one row, and a stretch is a part of it: the stretches of a text (its title, its sentences, all of it) may overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Stretches = tuple["NDArray[np.int64]", "NDArray[np.int64]"]
"""Where stretches begin, and where they end."""
NOWHERE = -1
"""The number of a word that is nowhere in the row."""


class WordRow:
    """Words in a row, with a number for each distinct one. numbers: shape (words,), in their order."""

    def __init__(self, words: Iterable[str]) -> None:
        import numpy as np

        number_of: defaultdict[str, int] = defaultdict()
        number_of.default_factory = number_of.__len__
        self.numbers: NDArray[np.int64] = np.fromiter(map(number_of.__getitem__, words), dtype=np.int64)
        self._number_of = dict(number_of)

    @property
    def vocabulary(self) -> list[str]:
        """The distinct words, in the order of their numbers."""
        return list(self._number_of)

    def number_of(self, word: str) -> int:
        """Return the number of a word; NOWHERE where it is not in the row."""
        return self._number_of.get(word, NOWHERE)

    def holds(self, words: Sequence[str], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some words each stretch [start, end) holds, shape (stretches, words).

        >>> import numpy as np
        >>> WordRow("町税 の 納期 納期".split()).holds(["納期", "町税"], np.array([0, 1, 2]), np.array([2, 4, 2])).tolist()
        [[False, True], [True, False], [False, False]]
        """
        import numpy as np

        wanted = np.array([self.number_of(word) for word in words], dtype=np.int64)
        return any_within(self.numbers[:, None] == wanted, starts, ends)

    def follows(self, pairs: Sequence[tuple[str, str]], text: NDArray[np.int64], *, within: int) -> NDArray[np.bool_]:
        """Tell of each place and pair of words whether its first one stands there and its second up to `within` words behind it.

        text: of each place the number of its text, NOWHERE for what is in none; pairs over two texts are none. Shape (places, pairs).

        >>> import numpy as np
        >>> row, text = WordRow("納期 の 町税 納期".split()), np.array([0, 0, 0, 1])
        >>> row.follows([("納期", "町税"), ("町税", "納期")], text, within=2).tolist()
        [[True, False], [False, False], [False, False], [False, False]]
        """
        import numpy as np

        before, after = np.array([[self.number_of(word) for word in pair] for pair in pairs], dtype=np.int64).T
        found = np.zeros((len(self.numbers), len(before)), dtype=bool)
        for step in range(1, within + 1):
            is_one_text = (text[:-step] == text[step:]) & (text[step:] != NOWHERE)
            here, there = self.numbers[:-step, None] == before, self.numbers[step:, None] == after
            found[: len(here)] |= here & there & is_one_text[:, None]
        return found


def any_within(found: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of each column whether it is true anywhere in each stretch of rows, shape (stretches, columns)."""
    import numpy as np

    counts = np.zeros((len(found) + 1, found.shape[1]), dtype=np.int32)
    np.cumsum(found, axis=0, out=counts[1:])
    held: NDArray[np.bool_] = counts[ends] > counts[starts]
    return held


def most_within(values: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the highest of each column in each stretch of rows, shape (stretches, columns); 0 in an empty one.

    >>> import numpy as np
    >>> most_within(np.array([[1.0], [3.0], [2.0]]), np.array([0, 2, 1]), np.array([2, 3, 1]))[:, 0].tolist()
    [3.0, 2.0, 0.0]
    """
    import numpy as np

    bounds = np.stack([starts, ends], axis=1).ravel()
    padded = np.concatenate([values, np.zeros((1, values.shape[1]))])  # an end may lie behind the last row
    most: NDArray[np.float64] = np.maximum.reduceat(padded, bounds, axis=0)[::2]
    most[starts == ends] = 0.0
    return most


def join_stretches(groups: Iterable[Stretches]) -> Stretches:
    """Return the stretches of all groups as one."""
    import numpy as np

    starts, ends = zip(*groups, strict=True)
    return np.concatenate(starts), np.concatenate(ends)
