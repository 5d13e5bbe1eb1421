"""A cross-encoder of this machine as a reranker: it reads the question and a passage together, which no embedder does."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.documents import Passage
from rag.errors import EmbedderError
from rag.indexing.batching import Batcher, ModelSize, texts_at_once
from rag.indexing.chunks import text_to_embed
from rag.indexing.families import BERT_JAPANESE
from rag.indexing.loading import free_memory_of, limit_length, load_model
from rag.indexing.model_files import find_model
from rag.indexing.profiles import is_reranker

SECONDS_A_QUESTION = 3.0
_PAIRS_AT_ONCE = 8  # small, so that the clock is looked at often
_CHARS_A_TOKEN = 1.0  # at least, for Japanese
_SPECIAL_TOKENS = 4


@dataclass(frozen=True, slots=True)
class RerankerFamily:
    """A family of cross-encoders. max_tokens: of question and passage together; packages: what its tokenizer needs.

    All of them are trained so that the sigmoid of their one number is the probability of a match.
    """

    name: str
    pattern: str
    max_tokens: int
    packages: tuple[str, ...] = ()


RERANKER_FAMILIES: tuple[RerankerFamily, ...] = (
    RerankerFamily("ruri-v3-reranker", r"ruri-v3-reranker", 8_192, ("sentencepiece", "protobuf")),
    RerankerFamily("ruri-reranker", r"ruri-reranker", 512, (*BERT_JAPANESE, "sentencepiece")),
    RerankerFamily("japanese-reranker v2", r"japanese-reranker-\w+-v2", 512, ("sentencepiece", "protobuf")),
    RerankerFamily("japanese-reranker v1", r"japanese-(bge-)?reranker", 512, (*BERT_JAPANESE, "sentencepiece")),
    RerankerFamily("bge-reranker-v2-m3", r"bge-reranker-v2-m3", 1_024, ("sentencepiece",)),
    RerankerFamily("mmarco", r"mmarco-", 512, ("sentencepiece",)),
)


def find_reranker_family(name: str) -> RerankerFamily | None:
    """Return the family of a cross-encoder by its name; None for an unknown one.

    >>> find_reranker_family("hotchpotch/japanese-reranker-xsmall-v2").max_tokens
    512
    >>> find_reranker_family("models/cl-nagoya_ruri-v3-reranker-310m").name
    'ruri-v3-reranker'
    """
    return next((family for family in RERANKER_FAMILIES if re.search(family.pattern, name.lower())), None)


class CrossEncoderReranker:
    """Score the best passages of a question with a cross-encoder. Thread-safe; the model is loaded when it is first needed.

    candidates: how many passages it reads at most; budget_seconds: no further passages are begun after that time.
    """

    def __init__(self, name_or_path: str, *, candidates: int = 20, budget_seconds: float = SECONDS_A_QUESTION) -> None:
        self._folder = find_model(name_or_path, setting="reranker")
        is_folder = Path(name_or_path).is_dir()
        self._name = self._folder.resolve().name if is_folder else name_or_path
        if not is_reranker(self._folder, self._name):
            raise EmbedderError(
                f"モデル「{self._name}」は、質問と文の組を採点するモデル（cross-encoder）ではありません。",
                "並べ替え用のモデル（japanese-reranker-xsmall-v2、ruri-v3-reranker-310m、bge-reranker-v2-m3 など）を指定するか、"
                "設定 reranker を none にしてください。",
            )
        self._family = find_reranker_family(self._name)
        self._candidates, self._budget_seconds = candidates, budget_seconds
        self._lock = threading.Lock()
        self._model: Any = None
        self._max_tokens: int | None = None
        self._batcher: Batcher | None = None

    @property
    def name(self) -> str:
        """What the model is called."""
        return self._name

    @property
    def family(self) -> RerankerFamily | None:
        """The family of the model; None for an unknown one."""
        return self._family

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a question and a passage together the model reads; None: all."""
        self._open()
        return self._max_tokens

    def rerank(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """Return the scores of the first passages: `candidates` of them, or as many as the time allows, but one at least."""
        if passages:
            self._open()  # before the clock runs
        texts = [text_to_embed(passage.chunk) for passage in passages[: self._candidates]]
        deadline = time.perf_counter() + self._budget_seconds
        scores: list[float] = []
        while len(scores) < len(texts) and (not scores or time.perf_counter() < deadline):
            scores += self.score(question, texts[len(scores) : len(scores) + _PAIRS_AT_ONCE]).tolist()
        return scores

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return how well each text answers a question, between 0 and 1, shape (texts,)."""
        if not texts:
            return np.zeros(0, dtype=np.float32)
        batcher = self._open()
        pairs = [(question, text) for text in texts]
        lengths = [self._estimate_tokens(question, text) for text in texts]
        with self._lock:
            logits = batcher.run(pairs, lengths, self._predict)
        return self._to_probabilities(np.array(logits, dtype=np.float32).reshape(len(texts), -1))

    def _estimate_tokens(self, question: str, text: str) -> int:
        tokens = int((len(question) + len(text)) / _CHARS_A_TOKEN) + _SPECIAL_TOKENS
        return min(tokens, self._max_tokens) if self._max_tokens else tokens

    def _predict(self, pairs: list[tuple[str, str]]) -> list[NDArray[np.float32]]:
        from torch.nn import Identity

        logits = self._model.predict(pairs, batch_size=len(pairs), activation_fn=Identity(), show_progress_bar=False)
        return list(np.asarray(logits, dtype=np.float32).reshape(len(pairs), -1))

    def _to_probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of a match: a sigmoid of one number, the second of two after a softmax."""
        margin = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        return np.asarray(1 / (1 + np.exp(-np.clip(margin, -60, 60))), dtype=np.float32)

    def _open(self) -> Batcher:
        with self._lock:
            if self._batcher is None:
                packages = self._family.packages if self._family else ()
                model = load_model("CrossEncoder", self._folder, packages=packages)
                if model.num_labels > 2:
                    raise EmbedderError(
                        f"モデル「{self._name}」は {model.num_labels} 種類に分けるモデルで、並べ替えに使えません。",
                        "質問と文の関連度を 1 つの数で答える並べ替え用のモデルを指定してください。",
                    )
                size = ModelSize.from_config(model.config)
                self._model = model
                self._max_tokens = limit_length(model, self._family.max_tokens if self._family else None)
                self._batcher = Batcher(
                    lambda tokens: texts_at_once(size, tokens, free_memory_of(model)), name=self._name
                )
            return self._batcher
