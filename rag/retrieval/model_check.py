"""Check a model of this machine without a network: does it load, does it tell near sentences from far ones, how fast is it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rag.indexing.model_files import find_model
from rag.indexing.profiles import is_reranker

if TYPE_CHECKING:
    from rag.indexing.embedding import Embedder

Result = TypeVar("Result")
QUESTION = "町に引っ越してきたときは、いつまでに届け出ますか"
NEAR = "転入届は、新しい住所に住み始めた日から十四日以内に、町民課の窓口へ出します。"
FAR = "用水路の泥上げは、地区ごとに日を決めて、田植えの前の日曜日に行います。"
_CHUNK = (NEAR + FAR) * 5  # about as long as a chunk: 365 characters
_CHUNKS = 8
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What was seen of a model. near, far: what it says of a question with the passage that answers it, and with another.

    kind: "embedder" or "reranker". norm: the length of its vectors (1 is right). speed: chunks, or pairs, a second.
    max_tokens: None where it reads everything. What only an embedder has is None for a reranker.
    """

    name: str
    kind: str
    family: str | None
    max_tokens: int | None
    near: float
    far: float
    speed: float
    load_seconds: float
    dimension: int | None = None
    fingerprint: str | None = None
    norm: float | None = None
    query_prompt: str = ""
    document_prompt: str = ""
    prompts_source: str = ""
    dense_weight: float | None = None
    dense_floor: float | None = None
    weight_source: str = ""
    notices: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Tell whether the model is fit for use: near sentences are nearer than far ones, and vectors have the length 1."""
        return self.near > self.far and (self.norm is None or abs(self.norm - 1) < _TOLERANCE)


def check_model(name_or_path: str) -> ModelCheck:
    """Return what a model does on this machine. Raises EmbedderError where it is missing or cannot be used, saying what to do."""
    if name_or_path != "default":
        folder = find_model(name_or_path)
        if is_reranker(folder, None if Path(name_or_path).is_dir() else name_or_path):
            return _check_reranker(name_or_path)
    return _check_embedder(name_or_path)


def _check_embedder(name_or_path: str) -> ModelCheck:
    import numpy as np

    from rag.indexing.embedding import open_embedder

    embedder, load_seconds = _measure(lambda: open_embedder(name_or_path))
    notices = embedder.notices  # before our own long texts are among those that were cut
    question, passages = embedder.embed_query(QUESTION), embedder.embed_documents([NEAR, FAR])
    near, far = (passages @ question).tolist()
    norms = np.linalg.norm(np.vstack([question[None, :], passages]), axis=1)
    chunks = [f"{number}　{_CHUNK}" for number in range(_CHUNKS)]
    _, seconds = _measure(lambda: embedder.embed_documents(chunks))
    return _describe_use(
        embedder,
        ModelCheck(
            name=embedder.name,
            kind="embedder",
            family=None,
            max_tokens=None,
            near=near,
            far=far,
            speed=_CHUNKS / max(seconds, 1e-9),
            load_seconds=load_seconds,
            dimension=embedder.dimension,
            fingerprint=embedder.fingerprint,
            norm=float(norms[np.abs(norms - 1).argmax()]),
            dense_weight=embedder.dense_weight,
            dense_floor=embedder.dense_floor,
            weight_source="モデルに付属の shirube.json",
            notices=notices,
        ),
    )


def _describe_use(embedder: Embedder, check: ModelCheck) -> ModelCheck:
    """Return the check of an embedder with the profile of a transformer."""
    profile = getattr(embedder, "profile", None)
    if profile is None:
        return check
    return replace(
        check,
        family=profile.family,
        max_tokens=getattr(embedder, "max_tokens", None),
        query_prompt=profile.prompts.query,
        document_prompt=profile.prompts.document,
        prompts_source=profile.prompts_source,
        weight_source=profile.weight_source,
    )


def _check_reranker(name_or_path: str) -> ModelCheck:
    from rag.retrieval.cross_encoder import CrossEncoderReranker

    reranker = CrossEncoderReranker(name_or_path)
    max_tokens, load_seconds = _measure(lambda: reranker.max_tokens)
    near, far = reranker.score(QUESTION, [NEAR, FAR]).tolist()
    _, seconds = _measure(lambda: reranker.score(QUESTION, [_CHUNK] * _CHUNKS))
    return ModelCheck(
        name=reranker.name,
        kind="reranker",
        family=reranker.family.name if reranker.family else None,
        max_tokens=max_tokens,
        near=near,
        far=far,
        speed=_CHUNKS / max(seconds, 1e-9),
        load_seconds=load_seconds,
    )


def _measure(call: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started
