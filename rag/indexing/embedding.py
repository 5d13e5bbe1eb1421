"""Embedders: text -> unit vectors, as llama-index `BaseEmbedding`s that never reach for the network.

open_embedder(None or "default")   the model of this package: numpy and tokenizers, no torch
open_embedder(folder)              a folder with a shirube.json that names a model: the same; any other: `transformer`
open_embedder(name)                a sentence-transformers model in the local hub cache
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from tokenizers import Tokenizer

from rag.indexing.model_files import find_model, list_models, unreadable_model
from rag.indexing.pieces import DEFAULT_MODEL, TOKENIZER_FILE, cut_pieces, open_tokenizer, vocabulary_of
from rag.indexing.profiles import is_owner_file
from rag.indexing.word_vectors import WORDS_FILE, Vectors, open_word_vectors, read_rows, sum_pieces, write_rows
from rag.text import fold

if TYPE_CHECKING:
    from rag.indexing.pieces import Pieces

__all__ = [
    "DEFAULT_MODEL",
    "Embedder",
    "StaticEmbedder",
    "Vectors",
    "list_models",
    "open_embedder",
    "write_static_model",
]

DESCRIPTION_FILE, WEIGHTS_FILE = "shirube.json", "model.safetensors"
_EMBEDDING_VERSION = 2  # raise it when the same weights come to give other vectors
_TEXTS_AT_ONCE = 1_024


class Embedder(BaseEmbedding, ABC):
    """Turn documents and questions into L2-normalised float32 vectors.

    dense_weight: the share of this embedder beside the lexical leg in the fusion, between 0 and 1.
    dense_floor: the similarity of texts that have nothing in common; the fusion counts it as none.
    is_fast: whether the sentences of the candidates can be embedded while a question waits.
    vocabulary: that of the pieces which `embed_pieces` takes (`pieces.vocabulary_of`), "" for an embedder that takes none.
    notices: what its user should know, in Japanese (a model of an unknown kind, texts that were cut, …).
    fingerprint: 16 hexadecimal digits that change whenever the vectors of texts may; an index holds none of words.
    """

    _dimension: int = PrivateAttr()
    _words_folder: Path = PrivateAttr(default=DEFAULT_MODEL)  # an embedder without word vectors of its own takes these
    _fingerprint: str = PrivateAttr()
    _dense_weight: float = PrivateAttr()

    @property
    def name(self) -> str:
        return self.model_name

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def dense_weight(self) -> float:
        return self._dense_weight

    @property
    def dense_floor(self) -> float:
        return 0.0

    @property
    def is_fast(self) -> bool:
        return False

    @property
    def vocabulary(self) -> str:
        return ""

    @property
    def notices(self) -> tuple[str, ...]:
        return ()

    @abstractmethod
    def embed_many(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of document texts, shape (texts, dimension)."""

    @abstractmethod
    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, shape (dimension,)."""

    def embed_folded(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts that `rag.text.fold` has folded already, shape (texts, dimension)."""
        return self.embed_many(texts)

    def embed_pieces(self, texts: Sequence[Pieces]) -> Vectors:
        """Return the vectors of texts that are cut into pieces of `vocabulary` already, shape (texts, dimension)."""
        raise NotImplementedError(f"{self.name} takes no pieces")

    def embed_words(self, words: Sequence[str]) -> Vectors:
        """Return the vectors of single words, folded, by which a word finds its nearest one: shape (words, their dimension)."""
        return open_word_vectors(self._words_folder).embed(words)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of document texts, shape (texts, dimension)."""
        return self.embed_many(texts)

    def _get_query_embedding(self, query: str) -> list[float]:
        return cast("list[float]", self.embed_query(query).tolist())

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return cast("list[list[float]]", self.embed_many(texts).tolist())


class StaticEmbedder(Embedder):
    """Sum one learned vector per piece of the folded text (`rag.text.fold`). A text without any known piece has the zero vector."""

    _tokenizer: Tokenizer = PrivateAttr()
    _table: Vectors = PrivateAttr()
    _tokenizer_file: Path = PrivateAttr()
    _vocabulary: str = PrivateAttr()

    def __init__(self, folder: Path) -> None:
        name, dense_weight, tokenizer, table = _read_static_model(folder)
        super().__init__(model_name=name, embed_batch_size=_TEXTS_AT_ONCE)
        self._tokenizer, self._table, self._dense_weight = tokenizer, table, dense_weight
        self._dimension = self._table.shape[1]
        self._fingerprint = static_fingerprint(folder)
        self._tokenizer_file, self._vocabulary = folder / TOKENIZER_FILE, vocabulary_of(folder)
        if (folder / WORDS_FILE).is_file():
            self._words_folder = folder
        open_word_vectors(self._words_folder)  # broken ones are told of here, not at the first question

    @property
    def is_fast(self) -> bool:
        return True

    @property
    def vocabulary(self) -> str:
        return self._vocabulary

    @property
    def tokenizer(self) -> Tokenizer:
        return self._tokenizer

    @property
    def tokenizer_file(self) -> Path:
        return self._tokenizer_file

    @property
    def table(self) -> Vectors:
        """The vector of each piece, shape (pieces, dimension)."""
        return self._table

    def embed_many(self, texts: Sequence[str]) -> Vectors:
        return self.embed_folded([fold(text) for text in texts])

    def embed_folded(self, texts: Sequence[str]) -> Vectors:
        batches = (texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE))
        vectors = [self.embed_pieces(cut_pieces(batch, self._tokenizer)) for batch in batches]
        return np.concatenate([np.zeros((0, self.dimension), dtype=np.float32), *vectors])

    def embed_pieces(self, texts: Sequence[Pieces]) -> Vectors:
        return sum_pieces(texts, self._table)

    def embed_query(self, text: str) -> Vectors:
        return cast(Vectors, self.embed_many([text])[0])


def open_embedder(name_or_path: str | None = None) -> Embedder:
    """Open the default embedder (None or "default"), a model folder, or a model of the local hub cache by its name.

    Raises EmbedderError where there is no such model on this machine, or it cannot be read. Nothing is downloaded.
    """
    if name_or_path in (None, "default"):
        return StaticEmbedder(DEFAULT_MODEL)
    folder = Path(name_or_path)
    if (folder / DESCRIPTION_FILE).is_file() and not is_owner_file(folder / DESCRIPTION_FILE):
        return StaticEmbedder(folder)
    from rag.indexing.transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(find_model(name_or_path), name=None if folder.is_dir() else name_or_path)


def _read_static_model(folder: Path) -> tuple[str, float, Tokenizer, Vectors]:
    """Return name, dense weight, tokenizer and table, shape (pieces, dimension)."""
    try:
        description = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        name, dense_weight = str(description["name"]), float(description["fusion"]["dense_weight"])
        table = read_rows(folder / WEIGHTS_FILE)
        tokenizer = open_tokenizer(folder)
    except Exception as error:  # tokenizers raises the bare Exception for a broken file
        raise unreadable_model(folder, error) from error
    if len(table) != tokenizer.get_vocab_size():
        raise unreadable_model(folder, f"語彙は {tokenizer.get_vocab_size()}、重みは {len(table)} 行")
    return name, dense_weight, tokenizer, table


def write_static_model(folder: Path, tokenizer: Tokenizer, table: Vectors, *, name: str, dense_weight: float) -> None:
    """Write a static model, one row of the table per piece, as 8-bit rows with a scale each.

    `StaticEmbedder` reads the folder, and so does sentence-transformers 6 or later.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / WEIGHTS_FILE, table)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    description = {"name": name, "version": 1, "dimension": table.shape[1], "max_tokens": None}
    description["fusion"] = {"dense_weight": dense_weight}
    for file, content in {DESCRIPTION_FILE: description, **_SENTENCE_TRANSFORMERS_FILES}.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


_MODULES = "sentence_transformers.sentence_transformer.modules"
_SENTENCE_TRANSFORMERS_FILES: dict[str, Any] = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": f"{_MODULES}.static_embedding.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{_MODULES}.normalize.Normalize"},
    ],
    "1_Normalize/config.json": {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"},
    "config_sentence_transformers.json": {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"},
}


def static_fingerprint(folder: Path) -> str:
    """Return the fingerprint of a static model without opening it."""
    return fingerprint_of([folder / WEIGHTS_FILE, folder / TOKENIZER_FILE])


def fingerprint_of(files: Iterable[Path], said: str = "") -> str:
    """Return the fingerprint of the contents of files and of whatever else decides the vectors."""
    digest = hashlib.sha256(f"embedding {_EMBEDDING_VERSION}{said}".encode())
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]
