"""Fakes that behave: an embedder over character bigrams and a reader of plain text, small enough to check by eye."""

from __future__ import annotations

import hashlib
import os
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.documents import (
    Block,
    BlockKind,
    Chunk,
    ChunkKind,
    Document,
    Kind,
    Locator,
    Metadata,
    Page,
    Problem,
    Quality,
    Segment,
)
from rag.errors import ReadingError
from rag.indexing.pipeline import Pipeline
from rag.reading import deadline
from rag.reading.wording import WordingTables, read_wording
from rag.text import bigrams


class BigramEmbedder:
    """Hash character bigrams into a unit vector. `fail_after`: how many texts it embeds before it breaks down."""

    def __init__(self, *, dimension: int = 64, name: str = "bigrams", fail_after: int | None = None) -> None:
        self.name, self.dimension, self.fail_after = name, dimension, fail_after
        self.fingerprint = f"{name}-{dimension}"
        self.dense_weight, self.dense_floor, self.is_fast = 0.5, 0.0, False
        self.embedded: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            if self.fail_after is not None and len(self.embedded) >= self.fail_after:
                raise RuntimeError("the model broke down")
            self.embedded.append(text)
            vectors[row] = self.embed_query(text)
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for pair in bigrams(text):
            vector[zlib.crc32(pair.encode()) % self.dimension] += 1
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


@dataclass(frozen=True)
class ToyFile:
    """A file of a toy corpus."""

    source: str
    path: Path
    member: Any = None


@dataclass(frozen=True)
class ToyListing:
    """Every *.txt under a folder; titles.csv says "file,title"."""

    files: tuple[ToyFile, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    inaccessible: tuple[str, ...] = ()
    wording: WordingTables = field(default_factory=WordingTables)


def list_toy_corpus(corpus: Path, *, options: object = None) -> ToyListing:
    files = tuple(ToyFile(p.relative_to(corpus).as_posix(), p) for p in sorted(corpus.rglob("*.txt")))
    titles = corpus / "titles.csv"
    lines = titles.read_text(encoding="utf-8").splitlines() if titles.exists() else []
    metadata = dict(line.split(",", 1) for line in lines if "," in line)
    problems = tuple(
        Problem("titles.csv", "metadata", f"読めない行: {line}", "直す") for line in lines if "," not in line
    )
    wording = read_wording(corpus)
    return ToyListing(files, metadata, (*problems, *wording.problems), wording=wording)


def read_toy_document(
    file: ToyFile, *, path: Path, sha256: str, listing: ToyListing, options: object = None
) -> Document:
    """Read a text: form feeds part pages, lines are blocks. The first line can order a misfortune."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("UNREADABLE"):
        raise ReadingError("暗号化されています。", "パスワードを外してください。", code="encrypted")
    if text.startswith("DIE"):
        os._exit(9)
    if text.startswith("RAISE"):
        raise ZeroDivisionError("in a library")
    if text.startswith("SLOW"):
        time.sleep(0.05)
    if text.startswith("HANG"):
        re.match("(a+)+$", "a" * 60 + "b")  # for years, in C
    if text.startswith("HOG"):
        bytearray(3_000_000_000)
    if text.startswith("RECOGNISE"):
        with deadline.pause():
            time.sleep(6)  # longer than the limit of test_workers
    pages = tuple(_toy_page(number, page) for number, page in enumerate(text.split("\f"), start=1))
    title = listing.metadata.get(file.source, "無題")
    return Document(file.source, sha256, Metadata(title, Kind.MANUAL, department=_department(file.source)), pages)


def _department(source: str) -> str | None:
    return source.partition("/")[0] if "/" in source else None


def _toy_page(number: int, text: str) -> Page:
    blocks, start = [], 0
    for line in text.split("\n"):
        if line:
            kind = BlockKind.FOOTER if line.startswith("-") else BlockKind.PARAGRAPH
            blocks.append(Block(kind, start, start + len(line), Locator(page=number)))
        start += len(line) + 1
    return Page(number, text, tuple(blocks), Quality(characters=len(text)))


def split_toy_document(document: Document, *, max_chars: int) -> list[Chunk]:
    """Make each paragraph a chunk."""
    found = [(p, b) for p in document.pages for b in p.blocks if b.kind is BlockKind.PARAGRAPH]
    return [_toy_chunk(document, ordinal, page, block) for ordinal, (page, block) in enumerate(found)]


def _toy_chunk(document: Document, ordinal: int, page: Page, block: Block) -> Chunk:
    text = page.text[block.start : block.end]
    identity = f"{document.source}\0{page.number}\0{block.start}\0{text}"
    return Chunk(
        id=hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        source=document.source,
        ordinal=ordinal,
        kind=ChunkKind.TEXT,
        text=text,
        title=document.title,
        headings=(),
        segments=(Segment(page.number, block.start, block.end, block.locator),),
    )


def toy_text_to_embed(chunk: Chunk) -> str:
    return f"{chunk.title}\n{chunk.text}"


def build_toy_pipeline(*, reader_version: str = "1") -> Pipeline:
    return Pipeline(list_toy_corpus, read_toy_document, split_toy_document, toy_text_to_embed, reader_version, "1")


def write_corpus(corpus: Path, texts: Mapping[str, str]) -> None:
    """Write texts by source."""
    for source, text in texts.items():
        (corpus / source).parent.mkdir(parents=True, exist_ok=True)
        (corpus / source).write_text(text, encoding="utf-8")
