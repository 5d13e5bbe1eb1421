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


def save_chat_model(folder: Path, *, seed: int = 0) -> Path:
    """Save a language model for conversations into a folder and return it: it says random characters, marks among them."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    pieces = [
        "[UNK]",
        "<eos>",
        *sorted({*CHARACTERS, *"、0123456789円"}),
        "です。[1]",
        "ます。[2]\n",
        "円。[1]",
        "課。[9]",
    ]
    tokenizer = Tokenizer(models.WordLevel({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="<eos>")
    fast.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    config = LlamaConfig(
        vocab_size=len(pieces),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16_384,
        eos_token_id=1,
        pad_token_id=1,
    )
    model = LlamaForCausalLM(config)
    # Without a penalty the most probable character would come again and again, and never an end of a sentence.
    model.generation_config = GenerationConfig(repetition_penalty=1.5, eos_token_id=1, pad_token_id=1)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
