"""Open a sentence-transformers model of any kind from a folder: offline, quietly, on the cores that there are, or say what is missing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rag.errors import EmbedderError
from rag.indexing.batching import free_memory
from rag.indexing.model_files import forbid_downloads, unreadable_model

_UNLIMITED = 1_000_000  # tokenizers without a limit say 10**30
_LONGEST_REASON = 300


def load_model(
    kind: Literal["SentenceTransformer", "CrossEncoder"], folder: Path, *, packages: Sequence[str] = ()
) -> Any:
    """Return the model in a folder. packages: what its tokenizer is known to need. Raises EmbedderError that says what is missing."""
    forbid_downloads()
    import sentence_transformers
    import transformers

    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    _use_cores()
    try:
        return getattr(sentence_transformers, kind)(str(folder), local_files_only=True)
    except Exception as error:  # the libraries below raise many kinds for one broken folder
        setting = "embedder" if kind == "SentenceTransformer" else "reranker"
        raise _explain(folder, packages, error, setting) from error


def _explain(folder: Path, packages: Sequence[str], error: Exception, setting: str) -> EmbedderError:
    reason = " ".join(str(error).split())[:_LONGEST_REASON]
    if "trust_remote_code" in str(error):
        return EmbedderError(
            f"モデル {folder} は使えません: フォルダーに入っているプログラムの実行（trust_remote_code）が必要です。"
            "安全のため実行しません。",
            "付属のプログラムが要らないモデル（ruri-v3、multilingual-e5、bge-m3 など）を使ってください。",
        )
    if isinstance(error, ImportError) or "pip install" in str(error):
        named = f"（この系列に必要なもの: {'、'.join(packages)}）" if packages else ""
        return EmbedderError(
            f"モデル {folder} を読むための Python パッケージが足りません: {reason}",
            f"足りないパッケージを、外部の端末で取得して持ち込み、.venv に導入してください{named}。",
        )
    return unreadable_model(folder, reason, setting=setting)


def _use_cores() -> None:
    """Let torch use no more cores than this process may use, unless OMP_NUM_THREADS says how many."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ and hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(max(1, min(len(os.sched_getaffinity(0)), torch.get_num_threads())))


def limit_length(model: Any, most: int | None) -> int | None:
    """Let a model read no more than its family can, and return how many tokens that is; None for a model without a limit."""
    own = model.max_seq_length
    limits = [limit for limit in (own, most) if limit is not None and limit < _UNLIMITED]
    if model.transformers_model is None or not limits:
        return None
    if own != min(limits):
        model.max_seq_length = min(limits)
    return int(min(limits))


def free_memory_of(model: Any) -> int:
    """Return the bytes that are free where a model is: on its GPU, or in the machine."""
    if model.device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(model.device)[0])
    return free_memory()
