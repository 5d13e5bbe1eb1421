"""Sentences whose words and pieces are kept with the index: the same vectors as if they were read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.documents import Chunk, ChunkKind, Locator, Segment, Span
from rag.indexing.adapted_models import AdaptationNote, AdaptedModels, Figures
from rag.indexing.embedding import StaticEmbedder, open_embedder
from rag.indexing.lexical import LexicalStore, analyze
from rag.indexing.limits import FilterFields
from rag.indexing.pieces import cut_pieces, pack_pieces, unpack_pieces, vocabulary_of
from rag.retrieval.sentences import KnownText, embed_sentences, embed_stretches
from rag.text import fold, morphemes

TEXT = "転入届は14日以内に出します。\n本人確認書類（運転免許証など）が要ります。手数料はかかりません。"
QUESTION = "転入の届け出は、いつまでですか。"


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    opened = open_embedder()
    assert isinstance(opened, StaticEmbedder)
    return opened


class Foreign:
    """An embedder with a vocabulary of its own, which reads texts."""

    def __init__(self, embedder: StaticEmbedder) -> None:
        self.embed_folded, self.embed_documents = embedder.embed_folded, embedder.embed_documents
        self.vocabulary = ""


def chunk_of(text: str, *, number: int = 0, question: str = "") -> Chunk:
    whole = f"{question}\n{text}" if question else text
    spans = (Span(0, len(question)), Span(len(question) + 1, len(whole))) if question else (None, None)
    kind = ChunkKind.QA if question else ChunkKind.TEXT
    segments = (Segment(1, 0, len(whole), Locator(line=1)),)
    return Chunk(f"{number:032x}", "a.md", 0, kind, whole, "町民課の手引き", ("届け出",), segments, *spans)


CHUNKS = [chunk_of(TEXT), chunk_of(TEXT, number=1, question=QUESTION), chunk_of("。", number=2), chunk_of("", number=3)]


def test_pieces_are_packed_and_unpacked(embedder: StaticEmbedder) -> None:
    pieces = cut_pieces([fold(TEXT), "", "☃"], embedder.tokenizer)
    assert [unpacked.tolist() for unpacked in unpack_pieces(pack_pieces(pieces))] == [p.tolist() for p in pieces]
    assert unpack_pieces(b"") == [] and unpack_pieces(pack_pieces([])) == []
    assert len(pieces[0]) > 10 and len(pieces[1]) == 0


def test_the_sum_of_kept_pieces_is_the_vector_of_the_sentence(embedder: StaticEmbedder) -> None:
    entries = [analyze(chunk) for chunk in CHUNKS]
    kept, counts = embed_sentences(CHUNKS, entries, embedder)
    read, _ = embed_sentences(CHUNKS, entries, Foreign(embedder))  # type: ignore[arg-type]
    assert counts == [4, 5, 2, 1]
    rows = [row for row, vector in enumerate(read) if vector.any()]
    assert len(rows) >= 11 and kept[rows[:9]] == pytest.approx(read[rows[:9]], abs=1e-6)


def test_pieces_come_back_from_the_lexical_store(tmp_path: Path) -> None:
    store = LexicalStore.create(tmp_path / "lexical")
    entries = [analyze(chunk) for chunk in CHUNKS]
    store.add(entries, [FilterFields("a.md", "manual")] * len(entries))
    store.commit()
    assert {id_: entry.pieces for id_, entry in store.words([c.id for c in CHUNKS]).items()} == {
        entry.id: entry.pieces for entry in entries
    }
    store.close()


def test_a_text_is_known_by_its_sentences(embedder: StaticEmbedder) -> None:
    chunk = CHUNKS[1]
    known = KnownText.of(chunk, analyze(chunk))
    assert [chunk.text[s.start : s.end] for s in known.sentences] == [QUESTION, *TEXT.replace("。", "。\n").split()]
    assert known.question == frozenset(morphemes(QUESTION))
    assert chunk.answer is not None
    assert known.words_within(*chunk.answer) == frozenset(morphemes(TEXT))
    assert known.within(0, 3) == known.sentences[:1]
    assert KnownText.of(CHUNKS[3], analyze(CHUNKS[3])).sentences == ()


def test_the_vector_of_a_stretch_is_that_of_its_text(embedder: StaticEmbedder) -> None:
    stretches: list[tuple[Chunk, list[Span]]] = [
        (chunk, [Span(s.start, s.end)]) for chunk in CHUNKS[:2] for s in KnownText.of(chunk, analyze(chunk)).sentences
    ]
    assert CHUNKS[1].answer is not None and CHUNKS[1].question is not None
    stretches.append((CHUNKS[1], [CHUNKS[1].question, CHUNKS[1].answer]))
    known = {chunk.id: KnownText.of(chunk, analyze(chunk)) for chunk in CHUNKS}
    kept = embed_stretches(stretches, known, embedder)
    read = embed_stretches(stretches, known, Foreign(embedder))  # type: ignore[arg-type]
    assert kept.shape == (8, embedder.dimension) and kept == pytest.approx(read, abs=1e-6)
    assert np.linalg.norm(kept, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_an_adapted_model_takes_the_pieces_of_its_base(embedder: StaticEmbedder, tmp_path: Path) -> None:
    models = AdaptedModels(tmp_path)
    figures = Figures(0.5, 0.5)
    note = AdaptationNote(
        embedder.fingerprint, "s", 1, {}, 1, 1.0, 1, figures, figures, True, "2026-11-25T00:00:00", 1.0
    )
    adapted = open_embedder(str(models.folder(models.add(embedder, embedder.table * 2, note, dense_weight=0.3))))
    assert adapted.vocabulary == embedder.vocabulary == vocabulary_of() != ""
    assert adapted.fingerprint != embedder.fingerprint
