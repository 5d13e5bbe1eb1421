"""Known families of embedding models: the prompts, the longest text and the weight in the fusion that each needs.

What a model says of itself (config_sentence_transformers.json) wins over the table, and a `shirube.json` that somebody put beside
its modules.json wins over both. An unknown model gets what it says of itself, and a note. The prompts and lengths are those of
the model cards; where a weight comes from is written beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TRANSFORMER_DENSE_WEIGHT = 0.7
STRONG = (
    "単独での検索が語句検索との併用（順位の融合）を上回った ruri-v3-30m の測定（.703 対 .695）から、既定より高くした値"
)
USUAL = "transformer の既定値（この組み合わせでは測っていません）"
STATIC = "同梱の静的モデルで 6 つの開発セットから決めた値"
BERT_JAPANESE = ("fugashi", "unidic-lite")


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before a question and before a document text."""

    query: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models. pattern: found in the name of a model, in lower case.

    max_tokens: None takes the model's own. weight_source: where dense_weight comes from, in Japanese. packages: Python packages that
    its tokenizer needs. refusal: why it cannot be used here; None where it can. notice: what its user must know.
    publisher: the first part of its name on the hub.
    """

    name: str
    pattern: str
    prompts: Prompts = Prompts()
    max_tokens: int | None = None
    dense_weight: float = TRANSFORMER_DENSE_WEIGHT
    weight_source: str = USUAL
    packages: tuple[str, ...] = ()
    refusal: str | None = None
    notice: str | None = None
    publisher: str | None = None


_E5 = Prompts("query: ", "passage: ")
_INSTRUCT = Prompts("Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ")
_RURI = Prompts("クエリ: ", "文章: ")
_SARASHINA = Prompts(
    "task: クエリを与えるので、与えられたWeb検索クエリに答える関連する文章を検索してください。\nquery: ", "text: "
)
_CODE = "モデルのフォルダーに入っているプログラムの実行（trust_remote_code）が必要です。安全のため実行しません"
_MULTI_VECTOR = "1 つの文に 1 つのベクトルを作るモデルではありません（単語ごとのベクトルを比べる ColBERT 型）"
_NON_COMMERCIAL = "このモデルの利用条件には非商用の定めがあります。使ってよいかを LICENSE で確かめてください"
_SPARSE = "疎なベクトル（SPLADE 型）を作るモデルで、意味検索の索引に入れられません"
_RERANKER = (
    "質問と文の組を採点する並べ替え用のモデル（reranker）で、埋め込みには使えません。設定 reranker に書いてください"
)

FAMILIES: tuple[Family, ...] = (
    Family("ColBERT", r"colbert", refusal=_MULTI_VECTOR),
    Family("SPLADE", r"splade", refusal=_SPARSE),
    Family("reranker", r"reranker|cross-encoder", refusal=_RERANKER),
    Family(
        "ruri-v3",
        r"ruri-v3",
        Prompts("検索クエリ: ", "検索文書: "),
        max_tokens=8_192,
        dense_weight=0.8,
        weight_source=STRONG,
        packages=("sentencepiece", "protobuf"),
        publisher="cl-nagoya",
    ),
    Family(
        "ruri v1・v2",
        r"(?<![a-z])ruri-",
        _RURI,
        max_tokens=512,
        packages=(*BERT_JAPANESE, "sentencepiece"),
        publisher="cl-nagoya",
    ),
    Family(
        "multilingual-e5-instruct",
        r"e5-.*instruct",
        _INSTRUCT,
        max_tokens=512,
        packages=("sentencepiece",),
        publisher="intfloat",
    ),
    Family(
        "multilingual-e5", r"(?<![a-z\d])e5-", _E5, max_tokens=512, packages=("sentencepiece",), publisher="intfloat"
    ),
    Family("bge-m3", r"bge-m3", max_tokens=8_192, packages=("sentencepiece",), publisher="BAAI"),
    Family("GLuCoSE v2", r"glucose-.*v2", _E5, max_tokens=512, packages=("sentencepiece",), publisher="pkshatech"),
    Family("PLaMo-Embedding", r"plamo-embedding", refusal=_CODE),
    Family("RoSEtta", r"rosetta", refusal=_CODE),
    Family(
        "sarashina-embedding v2",
        r"sarashina-embedding-v2",
        _SARASHINA,
        max_tokens=8_192,
        notice=_NON_COMMERCIAL,
        publisher="sbintuitions",
    ),
    Family(
        "sarashina-embedding v1",
        r"sarashina-embedding",
        max_tokens=8_192,
        notice=_NON_COMMERCIAL,
        publisher="sbintuitions",
    ),
    Family("AMBER", r"(?<![a-z])amber-(base|large)", _RURI, max_tokens=512, publisher="retrieva-jp"),
    Family("静的モデル", r"static-(similarity|retrieval|embedding)", dense_weight=0.2, weight_source=STATIC),
)
STATIC_FAMILY = FAMILIES[-1]
QUERY_ROLES = (
    "query",
    "検索クエリ",
    "Retrieval-query",
    "retrieval.query",
    "search_query",
    "web_search_query",
    "s2p_query",
)
DOCUMENT_ROLES = (
    "document", "passage", "corpus", "検索文書", "Retrieval-passage", "retrieval.passage", "Retrieval-document", "search_document",
)  # fmt: skip


def find_family(*names: str) -> Family | None:
    """Return the family of a model by its names, the most telling first; None for an unknown one.

    >>> find_family("models/my-copy", "cl-nagoya/ruri-v3-30m").name
    'ruri-v3'
    >>> find_family("intfloat/multilingual-e5-large-instruct").name, find_family("multilingual-e5-small").name
    ('multilingual-e5-instruct', 'multilingual-e5')
    >>> find_family("someone/unknown")
    """
    for name in names:
        for family in FAMILIES:
            if re.search(family.pattern, name.lower()):
                return family
    return None
