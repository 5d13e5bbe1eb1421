"""Other engines and rankings, asked the same questions: what each part of the product is worth, and what plain ones would find.

words, vectors    the legs of the product, each alone
fused             the legs together, without the reranker
plain_bm25        BM25 over Sudachi words, one field, over the same chunks
llama_index       llama-index as it comes over the same pages, with our embedder: its pieces are longer, which helps it here
extractive        the answers without the LLM, where the settings name one
generative        the answers with it
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from eval.bench.plain_bm25 import PlainBM25
from eval.bench.retrieval_systems import DEPTH, open_peer, read_chunks, text_of
from eval.judging import filters_of, rank_golds
from eval.matching import ReadPage, rank_places
from eval.metrics import Outcome
from eval.questions import Question
from eval.records import RunRecord, VariantRecord
from eval.run import Cancel, Progress, open_pages, run_evaluation, watch
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Chunk, ChunkKind, Locator, Metadata, Passage, Segment
from rag.errors import UsageError
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import Snapshot, SnapshotStore
from rag.retrieval.retriever import Retriever
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.indexing.embedding import Embedder

Ranking = Callable[[Question], Sequence[Passage]]
"""Called with a question: the passages that are found, best first."""
WORDS, VECTORS, FUSED, PLAIN, PEER = "words", "vectors", "fused", "plain_bm25", "llama_index"
EXTRACTIVE, GENERATIVE = "extractive", "generative"
RANKINGS: Mapping[str, str] = {
    WORDS: "語句の脚だけ",
    VECTORS: "意味の脚だけ",
    FUSED: "融合（並べ替えなし）",
    PLAIN: "素の BM25（Sudachi）",
    PEER: "llama-index の既定",
}
ENGINES: Mapping[str, str] = {EXTRACTIVE: "抽出の回答", GENERATIVE: "生成AIの回答"}
ALL = "all"
NAMES = (*RANKINGS, *ENGINES)


def choose_variants(wanted: Collection[str], settings: Settings) -> tuple[str, ...]:
    """Return the names of the variants that are to be measured beside a run with these settings; ALL: every one that differs from it.

    Raises UsageError for an unknown name, and for `generative` where the settings name no LLM.
    """
    if unknown := sorted(set(wanted) - {ALL, *NAMES}):
        raise UsageError(f"知らない方式です: {'、'.join(unknown)}", f"使える方式: {'、'.join((ALL, *NAMES))}")
    if GENERATIVE in wanted and not settings.llm_url:
        raise UsageError(
            "生成AIの回答は測れません（接続先の設定がありません）。", "設定 llm_url と llm_model を書いてください。"
        )
    run_itself = GENERATIVE if settings.llm_url else EXTRACTIVE
    engines = {EXTRACTIVE} if settings.llm_url else set()
    chosen = {*RANKINGS, *engines} if ALL in wanted else set(wanted)
    return tuple(name for name in NAMES if name in chosen and name != run_itself)


def measure_variants(
    run: RunRecord,
    questions: Sequence[Question],
    settings: Settings,
    names: Sequence[str],
    *,
    watch_variant: Callable[[str], Progress] = lambda label: lambda done, total: None,
    cancel: Cancel | None = None,
) -> RunRecord:
    """Return a run with the named variants, asked the same questions. watch_variant: label -> who is told how far it is.

    Raises EvaluationStoppedError when `cancel` says so.
    """
    variants = []
    with open_rankings(settings, [name for name in names if name in RANKINGS]) as (rankings, read_page):
        for name, ranking in rankings.items():
            label = RANKINGS[name]
            outcomes = rank_all(ranking, questions, read_page, watch_variant(label), cancel)
            variants.append(VariantRecord(name, label, False, outcomes))
    for name in names:
        if name in ENGINES:
            label = ENGINES[name]
            other = _answer_all(settings, name, questions, watch_variant(label), cancel)
            variants.append(VariantRecord(name, label, True, other.outcomes))
    return replace(run, variants=tuple(variants))


def _answer_all(
    settings: Settings, name: str, questions: Sequence[Question], progress: Progress, cancel: Cancel | None
) -> RunRecord:
    own = replace(settings, llm_url=None) if name == EXTRACTIVE else settings
    with closing(Assistant.open(own)) as assistant:
        return run_evaluation(assistant, questions, progress=progress, cancel=cancel)


def rank_all(
    ranking: Ranking,
    questions: Sequence[Question],
    read_page: ReadPage,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Outcome, ...]:
    """Return what a ranking finds of each question. Raises EvaluationStoppedError when `cancel` says so."""
    return tuple(_rank(ranking, question, read_page) for question in watch(questions, progress, cancel))


def _rank(ranking: Ranking, question: Question, read_page: ReadPage) -> Outcome:
    started = time.perf_counter()
    passages = ranking(question)
    return Outcome(
        question.answerable,
        ranked=rank_places(passages, question.gold, read_page),
        gold_ranks=rank_golds(passages, question.gold, read_page),
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )


# --- the rankings -----------------------------------------------------------------------------------------------------


@contextmanager
def open_rankings(settings: Settings, names: Collection[str]) -> Iterator[tuple[dict[str, Ranking], ReadPage]]:
    """Lend the named rankings over the published index, in the order of RANKINGS, and what reads its pages."""
    library, store = EmbedderLibrary(settings), SnapshotStore(settings.index)
    embedder = library.for_snapshot(store.manifest())
    with closing(store.open_current(embedder.fingerprint)) as snapshot, closing(Assistant.open(settings)) as assistant:
        builders: Mapping[str, Callable[[], Ranking]] = {
            WORDS: lambda: build_words(snapshot, Retriever(snapshot, embedder)),
            VECTORS: lambda: build_vectors(snapshot, embedder),
            FUSED: lambda: build_fused(Retriever(snapshot, embedder, rerank=False)),
            PLAIN: lambda: build_plain(snapshot),
            PEER: lambda: build_peer(snapshot, embedder),
        }
        yield {name: builders[name]() for name in RANKINGS if name in names}, open_pages(assistant)


def build_words(snapshot: Snapshot, retriever: Retriever) -> Ranking:
    """Return the lexical leg of the product, asked alone."""

    def search(question: Question) -> list[Passage]:
        words = retriever.ask_words(retriever.understand(question.text))
        return _open_passages(snapshot, snapshot.lexical.search(words.terms, DEPTH, choices=words.choices))

    return search


def build_vectors(snapshot: Snapshot, embedder: Embedder) -> Ranking:
    """Return the vector leg of the product, asked alone."""
    return lambda question: _open_passages(
        snapshot, snapshot.vectors.search(embedder.embed_query(question.text), DEPTH)
    )


def build_fused(retriever: Retriever) -> Ranking:
    """Return what a retriever finds, limited to what is in force on the day of the question."""
    return lambda question: retriever.retrieve(
        question.text, filters=filters_of(question), asker=COMMAND_LINE, limit=DEPTH
    )


def build_plain(snapshot: Snapshot) -> Ranking:
    """Return plain BM25 over the chunks of an index."""
    chunks = read_chunks(snapshot)
    ranking = PlainBM25([text_of(chunk) for chunk in chunks])
    return lambda question: [
        Passage(chunks[number], Metadata(chunks[number].title), score)
        for number, score in ranking.search(question.text, DEPTH)
    ]


def build_peer(snapshot: Snapshot, embedder: Embedder) -> Ranking:
    """Return llama-index as it comes, over the pages as they were read."""
    pages = {
        f"{source}\n{page}": (source, page)
        for source, count in snapshot.catalog.page_counts().items()
        for page in range(1, count + 1)
    }
    texts = {key: snapshot.catalog.page_text(source, page) for key, (source, page) in pages.items()}
    retriever, segments = open_peer(texts, embedder), _read_segments(snapshot)

    def search(question: Question) -> list[Passage]:
        found = []
        for number, hit in enumerate(retriever.retrieve(question.text)):
            source, page = pages[hit.node.ref_doc_id]
            start, end = hit.node.start_char_idx or 0, hit.node.end_char_idx or len(texts[hit.node.ref_doc_id])
            stretch = cut_segments(segments.get((source, page), ()), page, start, end)
            chunk = Chunk(f"{number:032}", source, number, ChunkKind.TEXT, hit.node.text, source, (), stretch)
            found.append(Passage(chunk, Metadata(source), float(hit.score or 0.0)))
        return found

    return search


def cut_segments(segments: Sequence[Segment], page: int, start: int, end: int) -> tuple[Segment, ...]:
    """Return the segments of a page that a stretch of its text runs over, cut to it; the stretch itself where there are none.

    >>> [(s.start, s.end) for s in cut_segments([Segment(1, 0, 5, Locator()), Segment(1, 5, 9, Locator())], 1, 3, 7)]
    [(3, 5), (5, 7)]
    """
    cut = tuple(
        replace(s, start=max(s.start, start), end=min(s.end, end)) for s in segments if s.start < end and start < s.end
    )
    return cut or (Segment(page, start, end, Locator()),)


def _read_segments(snapshot: Snapshot) -> dict[tuple[str, int], list[Segment]]:
    """Return (source, page) -> where its chunks stand, the header cells of table rows left out."""
    found: dict[tuple[str, int], list[Segment]] = {}
    for chunk in read_chunks(snapshot):
        for segment in chunk.segments[chunk.context :] or chunk.segments:
            found.setdefault((chunk.source, segment.page), []).append(segment)
    return found


def _open_passages(snapshot: Snapshot, found: Sequence[tuple[str, float]]) -> list[Passage]:
    known = snapshot.catalog.chunks([id_ for id_, _ in found])
    return [Passage(*known[id_], score) for id_, score in found]
