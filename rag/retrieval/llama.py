"""The seam to llama-index: our retriever as its `BaseRetriever`, our cross-encoder as its `BaseNodePostprocessor`.

Imported only where llama-index is wanted.
"""

from __future__ import annotations

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from rag.indexing.nodes import to_node
from rag.retrieval.cross_encoder import CrossEncoderReranker
from rag.retrieval.retriever import Retriever


class ShirubeRetriever(BaseRetriever):
    """Give llama-index what `Retriever` finds, as nodes with the fused score."""

    def __init__(self, retriever: Retriever, *, limit: int = 10) -> None:
        self._retriever = retriever
        self._limit = limit
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        passages = self._retriever.retrieve(query_bundle.query_str, limit=self._limit)
        return [NodeWithScore(node=to_node(passage.chunk), score=passage.score) for passage in passages]


class ShirubeReranker(BaseNodePostprocessor):
    """Order nodes by what a cross-encoder says of the first `candidates` of them; the others follow in their own order."""

    _reranker: CrossEncoderReranker = PrivateAttr()
    _candidates: int = PrivateAttr()

    def __init__(self, reranker: CrossEncoderReranker, *, candidates: int = 20) -> None:
        super().__init__()
        self._reranker, self._candidates = reranker, candidates

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which llama-index knows the class."""
        return "ShirubeReranker"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None or not nodes:
            return nodes
        first, others = nodes[: self._candidates], nodes[self._candidates :]
        texts = [node.node.get_content(metadata_mode=MetadataMode.NONE) for node in first]
        scores = self._reranker.score(query_bundle.query_str, texts).tolist()
        read = [NodeWithScore(node=node.node, score=score) for node, score in zip(first, scores, strict=True)]
        read.sort(key=lambda node: -node.get_score())
        lowest = read[-1].get_score()
        rest = [NodeWithScore(node=node.node, score=min(node.score or 0.0, lowest)) for node in others]
        return read + rest
