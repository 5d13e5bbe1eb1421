"""Index PDFs as llama-index's quick start does; `eval.bench.peer` runs it in an environment of its own.

SimpleDirectoryReader with its PDFReader, SentenceSplitter as it comes, a Chroma collection, VectorStoreIndex and its
retriever, all passed explicitly; the embedder is ours, so that only the rest differs. No connection to another machine is let
through. The models are loaded before the clock starts, and the last line of output is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from eval.bench.synthetic import make_questions
from rag.batch import BatchQuestion, read_batch

Place = tuple[str, int]
"""A file, as its path under the folder, and a physical page, from 1."""
QUESTIONS, WARM_UP_QUESTIONS = 200, 5


@contextmanager
def closed_network() -> Iterator[None]:
    """Refuse, inside, every connection of this process to a network address, and the telemetry that would ask for one."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise ConnectionRefusedError(f"the peer asked for the network: {address}")
        connect(self, address)

    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
    with mock.patch.dict(os.environ, offline), mock.patch.object(socket.socket, "connect", connect_here):
        os.environ.pop("OPENAI_API_KEY", None)
        yield


def read_documents(folder: Path) -> list[Any]:
    """Return a llama-index document for every page of every PDF."""
    from llama_index.core import SimpleDirectoryReader
    from llama_index.readers.file import PDFReader

    reader = SimpleDirectoryReader(
        input_dir=str(folder), recursive=True, required_exts=[".pdf"], file_extractor={".pdf": PDFReader()}
    )
    return list(reader.load_data())


def find_places(folder: Path, documents: Sequence[Any]) -> dict[str, Place]:
    """Return document id -> place. The reader keeps a page's printed label only, but gives the pages in order."""
    places: dict[str, Place] = {}
    pages: dict[str, int] = {}
    for document in documents:
        source = Path(document.metadata["file_path"]).relative_to(folder).as_posix()
        pages[source] = pages.get(source, 0) + 1
        places[document.doc_id] = (source, pages[source])
    return places


def find_unread(folder: Path, places: Mapping[str, Place]) -> list[str]:
    """Return the PDFs that no document came from: SimpleDirectoryReader goes on after a file that it cannot read."""
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() == ".pdf"}
    return sorted(files - {source for source, _ in places.values()})


def build_index(documents: Sequence[Any], embedder: Any, store: Path) -> Any:
    """Return the index of documents over a new Chroma collection."""
    import chromadb
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.vector_stores.chroma import ChromaVectorStore

    collection = chromadb.PersistentClient(path=str(store)).create_collection("quickstart", embedding_function=None)
    context = StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection))
    return VectorStoreIndex.from_documents(
        list(documents), storage_context=context, embed_model=embedder, transformations=[SentenceSplitter()]
    )


def ask(index: Any, questions: Sequence[BatchQuestion], limit: int) -> tuple[list[list[Any]], list[float]]:
    """Return the nodes found for every question, and the milliseconds that each took."""
    retriever = index.as_retriever(similarity_top_k=limit)
    found, milliseconds = [], []
    for question in questions:
        started = time.perf_counter()
        found.append(retriever.retrieve(question.question))
        milliseconds.append((time.perf_counter() - started) * 1_000)
    return found, milliseconds


def write_hits(
    file: Path, questions: Sequence[BatchQuestion], found: Sequence[Sequence[Any]], places: Mapping[str, Place]
) -> None:
    """Write the hits of every question, one JSON object a line, as `rag search --batch` does."""
    with file.open("w", encoding="utf-8") as stream:
        for question, nodes in zip(questions, found, strict=True):
            hits = [to_hit(rank, node, places) for rank, node in enumerate(nodes, start=1)]
            stream.write(json.dumps({"id": question.id, "hits": hits}, ensure_ascii=False) + "\n")


def to_hit(rank: int, found: Any, places: Mapping[str, Place]) -> dict[str, Any]:
    """Return one hit; it stands on the page that its node was cut from."""
    source, page = places[found.node.ref_doc_id]
    return {"rank": rank, "score": found.score, "source": source, "locator": {"page": page}}


def read_questions(file: Path | None) -> list[BatchQuestion]:
    """Return the questions of a batch file, or invented ones."""
    if file:
        return read_batch(file)
    invented = make_questions(QUESTIONS + WARM_UP_QUESTIONS)
    return [BatchQuestion(str(number), question) for number, question in enumerate(invented)]


def main() -> None:
    """Index, ask, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with PDFs")
    parser.add_argument("--questions", type=Path, help='JSONL: {"id", "question"} a line')
    parser.add_argument("--hits", type=Path, help="where to write the hits")
    parser.add_argument("--top-k", type=int, default=10)
    with closed_network():
        measure(parser.parse_args())


def measure(options: argparse.Namespace) -> None:
    """Index, ask, and print what it took."""
    from rag.indexing.embedding import open_embedder

    embedder, folder = open_embedder(), options.folder.resolve()
    questions = read_questions(options.questions)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        build_index([], embedder, Path(store, "warm"))
        started = time.perf_counter()
        documents = read_documents(folder)
        read = time.perf_counter() - started
        index = build_index(documents, embedder, Path(store, "pdf"))
        seconds = time.perf_counter() - started
        found, milliseconds = ask(index, questions, options.top_k)
    places = find_places(folder, documents)
    if options.hits:
        write_hits(options.hits, questions, found, places)
    result = {"pages": len(documents), "seconds": seconds, "stages": {"read": read, "index": seconds - read}}
    unread = find_unread(folder, places)
    print(json.dumps(result | {"unread": unread, "milliseconds": milliseconds[WARM_UP_QUESTIONS:]}))


if __name__ == "__main__":
    main()
