"""The reader: a small cross-encoder of this package that reads a question and a text together.

Two networks, transformers of four and of two layers in 8 bits, trained by `python -m rag.models.train_reader` from random weights;
onnxruntime runs them. One sees the whole text and says whether it answers, the other each sentence apart and says which. They read
the pieces that the index keeps, so that nothing is cut anew.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rag.retrieval.reader_input import MOST_READ, NO_END, PASSAGES_FILE, SENTENCES_FILE, Input, lay_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.pieces import Pieces

UNREAD = -8.0
"""What counts for a sentence that was not read: about what the reader gives one that has nothing to do with the question."""
_AT_ONCE = 2  # texts, one a thread: that is faster than one after the other with two threads each


class Text(NamedTuple):
    """What is read: the pieces of a question as it is asked of a text, of the text's name (title and headings), and of each sentence."""

    question: Pieces
    name: Pieces
    sentences: Sequence[Pieces]


class Read(NamedTuple):
    """What the reader says of a text: the log odds that it answers, and those of each sentence."""

    odds: float
    sentences: NDArray[np.float32]


class Reader:
    """Give texts and their sentences the log odds that they answer a question. Thread-safe; the files are opened when they are first needed."""

    def __init__(self, passages: Path = PASSAGES_FILE, sentences: Path = SENTENCES_FILE) -> None:
        self._passages, self._sentences = _Network(passages), _Network(sentences)

    def read(self, texts: Sequence[Text]) -> list[Read]:
        """Return what is said of each text; UNREAD for one without pieces, and for sentences beyond the length."""
        import numpy as np

        inputs = [lay_out(text.question, text.name, text.sentences, most=MOST_READ) for text in texts]
        longest_first = sorted(range(len(inputs)), key=lambda number: -len(inputs[number][0]))
        jobs = list(product((self._passages, self._sentences), longest_first))
        judged = _open_threads().map(lambda job: job[0].judge(inputs[job[1]]), jobs)
        odds = dict(zip(jobs, judged, strict=True))
        beyond = [len(text.sentences) - len(ends) for text, (_, _, ends) in zip(texts, inputs, strict=True)]
        return [
            Read(
                odds_of_text(odds[self._passages, number]),
                np.append(odds[self._sentences, number], np.full(count, UNREAD, dtype=np.float32)),
            )
            for number, count in enumerate(beyond)
        ]


class _Network:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._session: Any = None

    def judge(self, laid_out: Input) -> NDArray[np.float32]:
        """Return the logit at each sentence that was laid out of a text, UNREAD for those without pieces."""
        import numpy as np

        ids, segments, ends = laid_out
        odds = np.full(len(ends), UNREAD, dtype=np.float32)
        read = [number for number, end in enumerate(ends) if end != NO_END]
        if read:
            given = {"ids": ids, "segments": segments, "ends": [ends[number] for number in read]}
            inputs = {name: np.array([values], dtype=np.int64) for name, values in given.items()}
            odds[read] = self._open().run(None, inputs)[0][0]
        return odds

    def _open(self) -> Any:
        with self._lock:
            if self._session is None:
                from onnxruntime import InferenceSession, SessionOptions

                options = SessionOptions()
                options.intra_op_num_threads = 1
                self._session = InferenceSession(self._file, options, providers=["CPUExecutionProvider"])
            return self._session


@functools.cache
def _open_threads() -> ThreadPoolExecutor:
    """Return the threads that read, the same for all questions."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="reader")


@functools.cache
def open_reader() -> Reader:
    """Return the reader of this package, one for all questions."""
    return Reader()


def odds_of_text(sentences: NDArray[np.float32]) -> float:
    """Return the log odds of a text: the logarithm of the sum of what stands at its sentences, as it was trained.

    >>> import numpy as np
    >>> round(odds_of_text(np.array([0.0, 0.0])), 3), odds_of_text(np.array([]))
    (0.693, -8.0)
    """
    import numpy as np

    return float(np.logaddexp.reduce(sentences)) if len(sentences) else UNREAD
