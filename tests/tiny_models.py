"""Transformers small enough for a test: two layers, random weights, a vocabulary of the characters they meet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HIDDEN = 32
CHARACTERS = sorted(
    set(
        "検索クエリ文書: トピック章query:passage"
        "転出届は引っ越す日のおおむね14日前からできます町民課で本人確認類をお見せください"
        "燃やせるごみ毎週月曜と木朝8時まに指定袋入れて集積所出してください"
        "固定資産税所有者課納める宿泊料一夜つき円とるいくらすか何避難所開設手順緑沢町職員旅費規程"
    )
    - {" "}
)
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]


def _save_bert(folder: Path, kind: str, *, positions: int = 128, seed: int = 0) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

    torch.manual_seed(seed)
    tokenizer = BertTokenizer(
        vocab={piece: number for number, piece in enumerate(PIECES)}, do_lower_case=False, model_max_length=positions
    )
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        num_labels=1,
    )
    tokenizer.save_pretrained(folder)
    model = BertForSequenceClassification(config) if kind == "reranker" else BertModel(config)
    model.save_pretrained(folder)


def save_embedder(folder: Path, *, prompts: Mapping[str, str] | None = None, positions: int = 128) -> Path:
    """Save a sentence-transformers model into a folder and return it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    backbone = folder.parent / f"{folder.name}-backbone"
    _save_bert(backbone, "embedder", positions=positions)
    modules = [Transformer(str(backbone)), Pooling(HIDDEN)]
    SentenceTransformer(modules=modules, prompts=dict(prompts or {}), device="cpu").save(str(folder))
    return folder


def save_reranker(folder: Path, *, seed: int = 0) -> Path:
    """Save a cross-encoder into a folder and return it."""
    _save_bert(folder, "reranker", seed=seed)
    return folder
