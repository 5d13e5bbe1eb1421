"""The pieces of texts, as a static embedder sums them: kept with the words of a chunk, so that no question waits for the tokenizer.

They are of the vocabulary of the default model, which a model that was adapted from it shares: adaptation moves vectors, not pieces.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Pieces = NDArray[np.integer]
    """The numbers of the pieces of one text, in order."""

TOKENIZER_FILE = "tokenizer.json"
DEFAULT_MODEL = Path(__file__).resolve().parents[1] / "models" / "shirube-ja-static"
_COUNT = "<u4"


@functools.cache
def vocabulary_of(folder: Path = DEFAULT_MODEL) -> str:
    """Return 8 hexadecimal digits that change whenever a model comes to cut texts otherwise."""
    return hashlib.sha256((folder / TOKENIZER_FILE).read_bytes()).hexdigest()[:8]


def cut_pieces(folded: Sequence[str], tokenizer: Tokenizer | None = None) -> list[Pieces]:
    """Return the pieces of texts that `rag.text.fold` has folded; tokenizer: None for that of the default model."""
    import numpy as np

    encodings = (tokenizer or open_tokenizer()).encode_batch_fast(list(folded), add_special_tokens=False)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def pack_pieces(texts: Sequence[Pieces]) -> bytes:
    """Return the pieces of some texts of the default vocabulary as bytes: how many texts, how many pieces of each, the pieces.

    >>> import numpy as np
    >>> [pieces.tolist() for pieces in unpack_pieces(pack_pieces([np.array([3, 31_999]), np.array([], int)]))]
    [[3, 31999], []]
    """
    import numpy as np

    counts = np.array([len(texts), *map(len, texts)], dtype=_COUNT)
    return counts.tobytes() + np.concatenate([[], *texts]).astype(_number_type()).tobytes()


def unpack_pieces(packed: bytes) -> list[Pieces]:
    """Return the pieces of each text; none of b""."""
    import numpy as np

    if not packed:
        return []
    texts = int(np.frombuffer(packed, _COUNT, count=1)[0])
    ends = np.frombuffer(packed, _COUNT, count=texts, offset=4).cumsum().tolist()
    pieces = np.frombuffer(packed, _number_type(), offset=4 * (texts + 1))
    return [pieces[start:end] for start, end in pairwise([0, *ends])]


@functools.cache
def _number_type() -> str:
    return "<u2" if open_tokenizer().get_vocab_size() <= 1 << 16 else "<u4"


@functools.cache
def open_tokenizer(folder: Path = DEFAULT_MODEL) -> Tokenizer:
    """Return the tokenizer of a model folder, opened once. Raises whatever tokenizers does where the file is broken."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / TOKENIZER_FILE))
