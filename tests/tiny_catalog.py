"""A catalog of a few small documents without an index: files are read as they always are, pages of a PDF are given as text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from rag.documents import Block, BlockKind, Document, Kind, Locator, Metadata, Page, Quality
from rag.indexing.catalog import Catalog, CatalogWriter
from rag.indexing.chunks import split_document
from rag.reading.registry import list_corpus, read_document

MAX_CHARS = 400


def make_pdf(source: str, pages: Sequence[str], *, title: str, year: int | None = None) -> Document:
    """Return a document with one paragraph a page; a line with # before it is the heading of what follows."""
    made = [_make_page(number, text) for number, text in enumerate(pages, start=1)]
    return Document(source, "0" * 64, Metadata(title, Kind.MANUAL, "町民課", year=year), tuple(made))


def _make_page(number: int, text: str) -> Page:
    blocks, at, path = [], 0, ()
    shown = text.replace("# ", "")
    for line in text.split("\n"):
        bare = line.removeprefix("# ")
        kind = BlockKind.HEADING if bare != line else BlockKind.PARAGRAPH
        path = () if kind is BlockKind.HEADING else path
        level = 1 if kind is BlockKind.HEADING else 0
        blocks.append(Block(kind, at, at + len(bare), Locator(page=number), path, level))
        path = (bare,) if kind is BlockKind.HEADING else path
        at += len(bare) + 1
    return Page(number, shown, tuple(blocks), Quality(len(shown), searchable=len(shown)))


def build_catalog(folder: Path, files: Mapping[str, str | bytes], documents: Sequence[Document] = ()) -> Catalog:
    """Write and read the files, and return the catalog of them and of the documents."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for source, data in files.items():
        (corpus / source).parent.mkdir(parents=True, exist_ok=True)
        (corpus / source).write_bytes(data.encode() if isinstance(data, str) else data)
    listing = list_corpus(corpus)
    writer = CatalogWriter(folder / "catalog.sqlite")
    for file in listing.files:
        path = corpus / file.source
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        documents = [*documents, read_document(file, path=path, sha256=sha256, listing=listing)]
    for document in documents:
        writer.add_document(document, split_document(document, max_chars=MAX_CHARS))
    writer.replace_editions()
    writer.commit()
    return Catalog(folder / "catalog.sqlite")
