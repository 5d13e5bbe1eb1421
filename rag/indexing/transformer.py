"""Any sentence-transformers model of this machine as an embedder, with what its family needs; imports torch when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.bridge.pydantic import PrivateAttr

from rag.indexing.batching import MOST_AT_ONCE, Batcher, ModelSize, texts_at_once
from rag.indexing.embedding import Embedder, Vectors, fingerprint_of
from rag.indexing.loading import free_memory_of, limit_length, load_model
from rag.indexing.profiles import OWNER_FILE, Profile, read_profile

_SUFFIXES = frozenset({".safetensors", ".bin", ".json", ".txt", ".model"})
_OTHER_RUNTIMES = frozenset({"onnx", "openvino"})
_HIGHEST_FLOOR = 0.95
_UNRELATED = (
    ("住民票の写しの手数料はいくらですか", "避難所の鍵は、地区の区長と施設の管理者が保管します。"),
    ("燃えるごみは何曜日に出せますか", "宿泊料は、出張した日の夜ごとに定額を支給します。"),
    ("保育所の申込みはいつまでですか", "水道の検針は、二か月に一度、検針員が行います。"),
    ("会議録を公開するのは誰ですか", "空き家を改修する人に、費用の一部を補助します。"),
    ("固定資産税の納期を教えてください", "図書館の本は、一人十冊まで二週間借りられます。"),
    ("パスワードは何文字以上にしますか", "田植えの前に、用水路の泥上げを地区で行います。"),
)
_ENCODING: dict[str, Any] = {"normalize_embeddings": True, "convert_to_numpy": True, "show_progress_bar": False}


class SentenceTransformerEmbedder(Embedder):
    """A sentence-transformers model with the prompts, length and weight of its `Profile`, in batches that fit into memory.

    A text that is longer than the model reads is cut, and counted.
    """

    _model: Any = PrivateAttr()
    _profile: Profile = PrivateAttr()
    _max_tokens: int | None = PrivateAttr()
    _batcher: Batcher = PrivateAttr()
    _cut: int = PrivateAttr(default=0)
    _floor: float | None = PrivateAttr()

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        profile = read_profile(folder, name)
        super().__init__(model_name=profile.name)
        self._profile, self._dense_weight, self._floor = profile, profile.dense_weight, profile.dense_floor
        self._model = load_model("SentenceTransformer", folder, packages=profile.packages)
        self._max_tokens = limit_length(self._model, profile.max_tokens)
        self._dimension = int(self._model.get_embedding_dimension())
        size = ModelSize.from_config(self._model.config) if self._model.transformers_model is not None else None
        self._batcher = Batcher(partial(_fit, self._model, size), name=profile.name)
        said = repr((profile.prompts.query, profile.prompts.document, self._max_tokens))
        self._fingerprint = fingerprint_of(_files_that_decide(folder), said)

    @property
    def profile(self) -> Profile:
        return self._profile

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the model reads, its prompt among them; None: all."""
        return self._max_tokens

    @property
    def cut_texts(self) -> int:
        """How many document texts were longer than the model reads since it was opened."""
        return self._cut

    @property
    def dense_floor(self) -> float:
        """The mean similarity of questions to passages about something else, measured on the model when it is first asked."""
        if self._floor is None:
            questions = np.stack([self.embed_query(question) for question, _ in _UNRELATED])
            passages = np.stack(self._encode_all([passage for _, passage in _UNRELATED], count=False))
            self._floor = float(np.clip((questions @ passages.T).mean(), 0.0, _HIGHEST_FLOOR))
        return self._floor

    @property
    def notices(self) -> tuple[str, ...]:
        cut = (
            f"モデルが読める長さ（{self._max_tokens} トークン）を超えたまとまり {self._cut} 件は、先頭だけを埋め込みました。"
            "設定 max_chunk_chars を小さくすると防げます"
        )
        return (*self._profile.notices, cut) if self._cut else self._profile.notices

    def embed_many(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack(self._encode_all(texts, count=True))

    def embed_query(self, text: str) -> Vectors:
        vector = self._model.encode_query(text, prompt=self._profile.prompts.query, **_ENCODING)
        return np.asarray(vector, dtype=np.float32)

    def _encode_all(self, texts: Sequence[str], *, count: bool) -> list[Vectors]:
        prompt = self._profile.prompts.document
        lengths = _count_tokens(self._model, [prompt + text for text in texts])
        if self._max_tokens is not None:
            self._cut += sum(length > self._max_tokens for length in lengths) if count else 0
            lengths = [min(length, self._max_tokens) for length in lengths]

        def encode(batch: list[str]) -> Sequence[Vectors]:
            vectors = self._model.encode_document(batch, prompt=prompt, batch_size=len(batch), **_ENCODING)
            return list(np.asarray(vectors, dtype=np.float32))

        return self._batcher.run(texts, lengths, encode)


def _count_tokens(model: Any, texts: Sequence[str]) -> list[int]:
    """Return how many tokens each text has, the special ones among them; characters for a model that does not care."""
    if model.transformers_model is None:
        return [len(text) for text in texts]
    encoded = model.tokenizer(list(texts), truncation=False, return_attention_mask=False, verbose=False)
    return [len(ids) for ids in encoded["input_ids"]]


def _fit(model: Any, size: ModelSize | None, tokens: int) -> int:
    if size is None:  # a table of vectors: a text takes next to nothing
        return MOST_AT_ONCE
    return texts_at_once(size, tokens, free_memory_of(model))


def _files_that_decide(folder: Path) -> list[Path]:
    """Return the files of a model that decide its vectors: not those of other runtimes, nor what its owner says of the fusion."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in _SUFFIXES
        and file.name != OWNER_FILE
        and not _OTHER_RUNTIMES & set(file.relative_to(folder).parts)
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
