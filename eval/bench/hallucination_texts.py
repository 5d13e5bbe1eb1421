"""Passages to make generated answers of: chunks of the town's documents, and passages of benchmark sets where they are given."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.checking.sayings import split_cells
from rag.documents import Chunk, ChunkKind
from rag.indexing.chunks import split_document
from rag.reading.registry import list_corpus, read_document
from rag.text import split_sentences

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
SETS = ("nta_shitsugi", "lawqa_jp", "jsquad_valid", "jaquad_dev", "baobab_wiki_ja", "tmu_elearning_faq")
_MARKER = re.compile(r"^[\s　]*(?:[・\-*#>]+|[①-⑳]|[（(][0-9０-９]+[)）]|[0-9０-９]+[.．、 　]|第[0-9]+条　)[\s　]*")
_FOOTNOTE = re.compile(r"\[[^\]]{1,6}\]")  # [1] of an encyclopedia would be read as citations
_MAX_CHARS = 400
_SHORTEST, _LONGEST = 14, 120


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage as a language model gets it. sentences: what true statements can be made of; document: what is split into halves."""

    document: str
    text: str
    sentences: tuple[str, ...]

    @property
    def is_test(self) -> bool:
        """Tell whether its document is in the half that nobody looks at."""
        return hashlib.sha256(self.document.encode()).digest()[0] % 2 == 1


def read_town() -> list[Piece]:
    """Return the chunks of the sample corpus; a page, row or heading counts as a document, as there are only nine files."""
    listing, pieces = list_corpus(CORPUS), []
    for file in listing.files:
        document = read_document(file, path=file.path, sha256="", listing=listing)
        for chunk in split_document(document, max_chars=_MAX_CHARS):
            sentences = tuple(_sentences_of(chunk))
            text = "\n".join((" > ".join((chunk.title, *chunk.headings)), chunk.text))
            pieces.append(Piece(f"{chunk.source} {chunk.locator.describe(chunk.source)}", text, sentences))
    return pieces


def read_sets(data: Path, most: int) -> list[Piece]:
    """Return passages of the benchmark sets in a folder, at most so many of each, the same ones each time."""
    pieces: list[Piece] = []
    for name in SETS:
        file = data / name / "corpus.jsonl"
        if not file.exists():
            continue
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
        rows.sort(key=lambda row: hashlib.sha256(row["id"].encode()).digest())
        for row in rows[:most]:
            text = row["text"][:1_200]
            title = row["title"] or name
            pieces.append(Piece(f"{name} {title} {row['id']}", f"{title}\n{text}", tuple(_prose(text))))
    return pieces


def _sentences_of(chunk: Chunk) -> Iterator[str]:
    if chunk.kind is ChunkKind.ROW:
        yield from _rows(chunk)
    else:
        yield from _prose(chunk.text[slice(*chunk.answer)] if chunk.answer else chunk.text)


def _prose(text: str) -> Iterator[str]:
    for start, end in split_sentences(text):
        sentence = _FOOTNOTE.sub("", _MARKER.sub("", text[start:end]))
        if (
            sentence.endswith("。")
            and _SHORTEST <= len(sentence) <= _LONGEST
            and sentence.count("（") == sentence.count("）")
        ):
            yield sentence


def _rows(chunk: Chunk) -> Iterator[str]:
    """Yield a sentence for a cell of each row: 「住民票の写しの手数料は、300円です。」."""
    lines = chunk.text.split("\n")
    headers = [split_cells(line) for line in lines[: chunk.context]]
    header: Sequence[str] = next((cells for cells in headers if len(cells) > 1), ())
    for line in lines[chunk.context :]:
        cells = split_cells(line)
        if len(cells) != len(header) or not cells[0]:
            continue
        for name, cell in zip(header[1:], cells[1:], strict=True):
            if name and cell and len(cell) <= 40:
                yield f"{cells[0]}の{name}は、{cell}です。"
