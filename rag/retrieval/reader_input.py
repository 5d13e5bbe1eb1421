"""What the reader (`shirube-ja-reader`) reads: a question, the name of a passage and its sentences, as the numbers of pieces.

    [CLS] question [SEP] name [SEP] sentence [END] sentence [END] …

The pieces are those of the default vocabulary (`rag.indexing.pieces`); behind them come five marks. Both networks of the reader give
a logit at each [END]. One sees the whole: the logsumexp of its logits says whether the passage answers. The other sees each sentence
apart: each logit says whether the sentence before it answers. Training (`rag.models.train_reader`) and the run time lay out alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.indexing.pieces import Pieces

READER = Path(__file__).resolve().parents[1] / "models" / "shirube-ja-reader"
PASSAGES_FILE, SENTENCES_FILE = READER / "passages.onnx", READER / "sentences.onnx"
PIECES = 32_000
"""Of the vocabulary."""
PAD, CLS, SEP, END, MASK = range(PIECES, PIECES + 5)
MAX_LENGTH = 256
"""As many positions the reader knows."""
MOST_READ = 208
"""Ids of a question with a passage, in training and at run time."""
MAX_QUESTION, MAX_NAME = 48, 32
QUESTION_SEGMENT, NAME_SEGMENT, TEXT_SEGMENT = range(3)
NO_END = -1
Input = tuple[list[int], list[int], list[int]]
"""Ids, segments, and the positions at which sentences end."""


def lay_out(question: Pieces, name: Pieces, sentences: Sequence[Pieces], *, most: int) -> Input:
    """Return the ids, their segments, and for each sentence that fits the position of its [END], -1 for one without pieces.

    Question and name are cut; sentences come in order until there would be more than `most` ids. The first one is cut where it alone
    is too long, so that no passage stays unread.

    >>> import numpy as np
    >>> lay_out(np.array([7, 8]), np.array([9]), [np.array([], int), np.array([5, 6]), np.array([4])], most=9)
    ([32001, 7, 8, 32002, 9, 32002, 5, 6, 32003], [0, 0, 0, 0, 1, 1, 2, 2, 2], [-1, 8])
    """
    asked = [CLS, *question[:MAX_QUESTION].tolist(), SEP]
    named = [*name[:MAX_NAME].tolist(), SEP]
    ids, is_first = asked + named, True
    ends: list[int] = []
    for sentence in sentences:
        if not len(sentence):
            ends.append(NO_END)
            continue
        room = most - len(ids) - 1
        if room < (1 if is_first else len(sentence)):
            break
        ids += [*sentence[:room].tolist(), END]
        ends.append(len(ids) - 1)
        is_first = False
    read = len(ids) - len(asked) - len(named)
    segments = [QUESTION_SEGMENT] * len(asked) + [NAME_SEGMENT] * len(named) + [TEXT_SEGMENT] * read
    return ids, segments, ends
