"""What the tests of Word, PowerPoint, HTML and mail share: blocks with their text, and a corpus of one file to ask."""

from __future__ import annotations

from pathlib import Path

from rag.assistant import Assistant
from rag.documents import Answer, Block, Content, Document, Page
from rag.indexing.chunks import find_uncovered, split_document
from rag.indexing.sync import sync
from rag.reading.registry import list_corpus, read_document
from rag.settings import Settings


def show(content: Content) -> list[tuple[Block, str]]:
    """Return the blocks of all pages with their text."""
    return [(block, page.text[block.start : block.end]) for page in content.pages for block in page.blocks]


def context_of(page: Page, block: Block) -> list[str]:
    """Return the text that a row is read together with."""
    return [page.text[start:end] for start, end in block.context]


def _settings(folder: Path) -> Settings:
    return Settings(corpus=folder / "corpus", index=folder / "index", data_dir=folder / "data", workers=1)


def read_indexed(folder: Path, source: str, data: bytes) -> Document:
    """Make a corpus of one file, index it, and return the document; every character of it is in a chunk or said not to be."""
    settings = _settings(folder)
    path = settings.corpus / source
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    listing = list_corpus(settings.corpus)
    document = read_document(listing.files[0], path=path, sha256="00", listing=listing)
    chunks = split_document(document, max_chars=400)
    assert chunks and find_uncovered(document, chunks) == []
    report = sync(settings)
    assert report.published and report.counts.documents == 1, report
    return document


def ask(folder: Path, question: str) -> Answer:
    """Ask the corpus of one file."""
    assistant = Assistant.open(_settings(folder))
    try:
        return assistant.ask(question)
    finally:
        assistant.close()
