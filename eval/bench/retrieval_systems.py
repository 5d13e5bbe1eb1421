"""What is measured side by side: each is a function question -> ranked places, over one index and one set.

plain_bm25, llama_index   the yardsticks
lexical, dense            the legs of the product, each alone
fused                     the legs together, nothing after them
final                     what a user gets: `Assistant.search`
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from eval.bench.plain_bm25 import PlainBM25
from eval.bench.retrieval_sets import BenchDocument, BenchSet, Form, Place
from eval.gate import FixedReader
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Chunk, Passage
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.embedding import Embedder
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

System = Callable[[str], Sequence[Place]]
"""Called with a question: where the passages stand that it finds, best first; several may stand at one place."""
PLAIN, PEER, LEXICAL, DENSE, FUSED, FINAL = "plain_bm25", "llama_index", "lexical", "dense", "fused", "final"
LABELS: Mapping[str, str] = {
    PLAIN: "素の BM25",
    PEER: "llama-index の既定",
    LEXICAL: "語句の脚",
    DENSE: "意味の脚",
    FUSED: "融合",
    FINAL: "しるべ（最終）",
}
DEPTH = 50
"""Passages that each is asked for: enough for ten distinct places."""
_PEER_CHUNK_TOKENS, _PEER_OVERLAP_TOKENS = 1_024, 200


@contextmanager
def open_systems(
    settings: Settings, bench_set: BenchSet, names: Collection[str] = tuple(LABELS)
) -> Iterator[dict[str, System]]:
    """Lend the named systems over the published index of the settings, in the order of LABELS; only these are built."""
    library, store = EmbedderLibrary(settings), SnapshotStore(settings.index)
    embedder = library.for_snapshot(store.manifest())
    with closing(store.open_current(embedder.fingerprint)) as snapshot:
        retriever = Retriever(snapshot, embedder, rerank=False)
        assistant = Assistant(settings, FixedReader(snapshot), library)
        builders: dict[str, Callable[[], System]] = {
            PLAIN: lambda: build_plain(snapshot),
            PEER: lambda: build_peer(bench_set, embedder),
            LEXICAL: lambda: build_lexical(snapshot, retriever),
            DENSE: lambda: build_dense(snapshot, embedder),
            FUSED: lambda: _list_places(partial(retriever.retrieve, asker=COMMAND_LINE, limit=DEPTH)),
            FINAL: lambda: _list_places(partial(assistant.search, asker=COMMAND_LINE, limit=DEPTH)),
        }
        yield {name: builders[name]() for name in LABELS if name in names}


def build_lexical(snapshot: Snapshot, retriever: Retriever) -> System:
    """Return the lexical leg of the product, asked alone."""
    places = _read_places(snapshot)

    def search(question: str) -> list[Place]:
        words = retriever.ask_words(retriever.understand(question))
        return [places[id_] for id_, _ in snapshot.lexical.search(words.terms, DEPTH, choices=words.choices)]

    return search


def build_dense(snapshot: Snapshot, embedder: Embedder) -> System:
    """Return the vector leg of the product, asked alone."""
    places = _read_places(snapshot)
    return lambda question: [places[id_] for id_, _ in snapshot.vectors.search(embedder.embed_query(question), DEPTH)]


def build_plain(snapshot: Snapshot) -> System:
    """Return plain BM25 over the chunks of an index."""
    chunks = read_chunks(snapshot)
    ranking = PlainBM25([text_of(chunk) for chunk in chunks])

    def search(question: str) -> list[Place]:
        return [(chunks[number].source, chunks[number].locator) for number, _ in ranking.search(question, DEPTH)]

    return search


def build_peer(bench_set: BenchSet, embedder: Embedder) -> System:
    """Return llama-index as it comes, over the set's own texts.

    Of a PDF set these are the pages as the set gives them, so that the peer needs no reader.
    """
    texts = {document.key: _text_for_peer(document, bench_set.form) for document in bench_set.documents}
    retriever = open_peer(texts, embedder)
    places = {document.key: document.place for document in bench_set.documents}
    return lambda question: [places[found.node.ref_doc_id] for found in retriever.retrieve(question)]


def open_peer(texts: Mapping[str, str], embedder: Embedder) -> Any:
    """Return the retriever of llama-index as it comes: SentenceSplitter and VectorStoreIndex, with our embedder.

    texts: key -> text; the nodes that it finds say the key as `ref_doc_id`.
    """
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(chunk_size=_PEER_CHUNK_TOKENS, chunk_overlap=_PEER_OVERLAP_TOKENS)
    documents: list[Any] = [Document(text=text, id_=key) for key, text in texts.items() if text.strip()]
    index = VectorStoreIndex.from_documents(documents, embed_model=embedder, transformations=[splitter])
    return index.as_retriever(similarity_top_k=DEPTH)


def read_chunks(snapshot: Snapshot) -> list[Chunk]:
    """Return every chunk of an index, in the order of the documents."""
    chunks = [chunk for chunk, _ in snapshot.catalog.chunks(snapshot.catalog.chunk_ids()).values()]
    return sorted(chunks, key=lambda chunk: (chunk.source, chunk.ordinal))


def text_of(chunk: Chunk) -> str:
    """Return title, headings and text of a chunk as one field, nothing twice."""
    above = [part for part in dict.fromkeys((chunk.title, *chunk.headings)) if part not in chunk.text]
    return "\n".join([*above, chunk.text])


def _text_for_peer(document: BenchDocument, form: Form) -> str:
    return document.text if form is Form.PDF or not document.title else f"{document.title}\n\n{document.text}"


def _read_places(snapshot: Snapshot) -> dict[str, Place]:
    return {chunk.id: (chunk.source, chunk.locator) for chunk in read_chunks(snapshot)}


def _list_places(search: Callable[[str], Sequence[Passage]]) -> System:
    return lambda question: [(passage.chunk.source, passage.chunk.locator) for passage in search(question)]
