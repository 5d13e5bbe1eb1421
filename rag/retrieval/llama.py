"""The seam to llama-index: our retriever as its `BaseRetriever`. Imported only where llama-index is wanted."""

from __future__ import annotations

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from rag.indexing.nodes import to_node
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
