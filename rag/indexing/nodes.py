"""The seam to llama-index: our documents and chunks as its documents and nodes, and the chunker as its `NodeParser`.

Imported only where llama-index is wanted: the import takes more than a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.schema import Document as LlamaDocument
from pydantic import Field, PrivateAttr

from rag.documents import Chunk, Document
from rag.indexing.chunks import split_document


class ParsedDocument(LlamaDocument):
    """A llama-index document that carries ours, with its pages and blocks."""

    _document: Document = PrivateAttr()

    @property
    def document(self) -> Document:
        """Our document."""
        return self._document


def to_llama_document(document: Document) -> ParsedDocument:
    """Return a document of ours as llama-index knows documents: the text of all pages, source and title as metadata."""
    values: dict[str, Any] = {
        "id_": document.source,
        "text": "\n\n".join(page.text for page in document.pages),
        "metadata": {"source": document.source, "title": document.title},
    }
    parsed = ParsedDocument(**values)
    parsed._document = document
    return parsed


def to_node(chunk: Chunk) -> TextNode:
    """Return a chunk as a llama-index node: same id, same text, and its place as metadata."""
    return TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata={
            "source": chunk.source,
            "title": chunk.title,
            "headings": " > ".join(chunk.headings),
            **{f"locator_{key}": value for key, value in chunk.locator.as_dict().items()},
        },
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.source)},
    )


class ChunkNodeParser(NodeParser):
    """Our chunker as a llama-index `NodeParser`; takes what `to_llama_document` makes and refuses anything else."""

    max_chars: int = Field(default=400, gt=0)

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        found: list[BaseNode] = []
        for node in nodes:
            if not isinstance(node, ParsedDocument):
                raise TypeError(f"expected documents made by to_llama_document, got {type(node).__name__}")
            found += [to_node(chunk) for chunk in split_document(node.document, max_chars=self.max_chars)]
        return found
