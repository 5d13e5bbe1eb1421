"""What `sync` takes from the other rooms, as one value: listing, reading, chunking. Tests pass small ones of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.documents import Chunk, Document, Problem
from rag.reading.options import ReadingOptions
from rag.reading.unpacking import Member
from rag.reading.wording import WordingTables

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CorpusFile(Protocol):
    """A file to index. Its source is its path under the corpus; members of one archive share one path.

    member: where in the archive at that path it is; None for a file of its own.
    """

    @property
    def source(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def member(self) -> Member | None: ...


class Listing(Protocol):
    """What is in a corpus folder. metadata: source -> what metadata.csv says of it; wording: its synonyms and its dictionary.

    inaccessible: folders and archives that cannot be looked into at the moment; what is indexed of them stays.
    """

    @property
    def files(self) -> Sequence[CorpusFile]: ...

    @property
    def metadata(self) -> Mapping[str, Any]: ...

    @property
    def wording(self) -> WordingTables: ...

    @property
    def problems(self) -> Sequence[Problem]: ...

    @property
    def inaccessible(self) -> Sequence[str]: ...


class DocumentEmbedder(Protocol):
    """The part of an embedder that indexing needs."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector per text."""


def _find_none(options: ReadingOptions) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From a corpus folder to chunks. The functions go to worker processes: they are functions of a module, not closures.

    list_corpus(folder, options=…); read_document(file, path=stored copy, sha256=…, listing=…, options=…); split_document(document, max_chars=…).
    find_mended(options): codes of problems that another reading would solve now, because a program has been installed since.
    """

    list_corpus: Callable[..., Any]
    read_document: Callable[..., Document]
    split_document: Callable[..., list[Chunk]]
    text_to_embed: Callable[[Chunk], str]
    reader_version: str
    chunker_version: str
    find_mended: Callable[[ReadingOptions], frozenset[str]] = _find_none


def build_pipeline() -> Pipeline:
    """Return the pipeline of this program."""
    from rag.indexing.chunks import CHUNKER_VERSION, split_document, text_to_embed
    from rag.reading.registry import READER_VERSION, find_mended, list_corpus, read_document

    return Pipeline(
        list_corpus, read_document, split_document, text_to_embed, READER_VERSION, CHUNKER_VERSION, find_mended
    )


def metadata_hash(listing: Listing, source: str) -> str:
    """Return a hash of what metadata.csv says of a source, so that a change of it is noticed, but no move to another row."""
    said = listing.metadata.get(source)
    if is_dataclass(said):
        said = [(f.name, getattr(said, f.name)) for f in fields(said) if f.name != "row"]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
