"""A document that was read, in the form in which it is compared: squeezed texts of blocks, cells, contexts and chunks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from eval.reading.expectations import ANY_PAGE
from eval.reading.needles import comparable
from rag.documents import CELL_SEPARATOR, NOT_SEARCHED, Block, BlockKind, Chunk, Document, Page
from rag.indexing.chunks import split_document
from rag.reading.options import DEFAULT_OPTIONS, ReadingOptions
from rag.reading.registry import CorpusFile, Listing, read_document
from rag.settings import Settings


@dataclass(frozen=True)
class Piece:
    """A block, squeezed. cells: of a table row, else the whole text. around: its context's cells and the headings above it."""

    block: Block
    text: str
    cells: tuple[str, ...]
    around: tuple[str, ...]

    @property
    def is_searched(self) -> bool:
        """Tell whether the block is in chunks."""
        return self.block.kind not in NOT_SEARCHED


@dataclass(frozen=True)
class ReadFile:
    """A document and the chunks that are made of it."""

    document: Document
    chunks: tuple[Chunk, ...]

    @cached_property
    def _pieces(self) -> dict[int, tuple[Piece, ...]]:
        return {page.number: tuple(_piece(page, block) for block in page.blocks) for page in self.document.pages}

    def pages(self, number: int) -> list[Page]:
        """Return the page of that number (none when there is none), or all."""
        return [page for page in self.document.pages if number in (ANY_PAGE, page.number)]

    def pieces(self, number: int) -> list[Piece]:
        """Return the blocks of the page of that number, or of all pages."""
        return [piece for page in self.pages(number) for piece in self._pieces[page.number]]

    def searched(self, number: int) -> list[Piece]:
        """Return those blocks that are searched."""
        return [piece for piece in self.pieces(number) if piece.is_searched]

    def chunk_texts(self, number: int) -> list[str]:
        """Return the squeezed texts of the chunks that touch a page, or of all."""
        touching = (c for c in self.chunks if number == ANY_PAGE or any(s.page == number for s in c.segments))
        return [comparable(chunk.text) for chunk in touching]

    def joints(self, number: int) -> list[str]:
        """Return what stands before and after each page break within a chunk, as one text, of chunks that touch the page."""
        texts = {page.number: page.text for page in self.document.pages}
        pairs = [pair for chunk in self.chunks for pair in pairwise(chunk.segments) if pair[0].page != pair[1].page]
        touching = [pair for pair in pairs if number in (ANY_PAGE, pair[0].page, pair[1].page)]
        return [comparable("".join(texts[s.page][s.start : s.end] for s in pair)) for pair in touching]


def read_file(path: Path, options: ReadingOptions = DEFAULT_OPTIONS) -> ReadFile:
    """Read one file as `rag index` does. Raises ReadingError."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    file = CorpusFile(path.name, path)
    document = read_document(file, path=path, sha256=sha256, listing=Listing((file,)), options=options)
    return view_document(document)


def view_document(document: Document) -> ReadFile:
    """Return a document with its chunks, cut as the default settings say."""
    return ReadFile(document, tuple(split_document(document, max_chars=Settings().max_chunk_chars)))


def _piece(page: Page, block: Block) -> Piece:
    text = page.text[block.start : block.end]
    spans = [page.text[span.start : span.end] for span in block.context]
    around = [comparable(cell) for span in spans for cell in span.split(CELL_SEPARATOR)]
    return Piece(block, comparable(text), _cells(block, text), (*around, *map(comparable, block.headings)))


def _cells(block: Block, text: str) -> tuple[str, ...]:
    """Return the cells of a row; in Markdown, whose page text is the file itself, bars stand between them."""
    if block.kind is not BlockKind.TABLE_ROW:
        return (comparable(text),)
    return tuple(map(comparable, text.split(CELL_SEPARATOR if CELL_SEPARATOR in text else "|")))
