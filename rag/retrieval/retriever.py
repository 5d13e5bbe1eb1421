"""From a question to ranked passages: a lexical and a dense leg over one snapshot, fused, reranked, each said once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from rag.documents import COMMAND_LINE, Asker, Chunk, Context, Filters, Metadata, Passage
from rag.explanation import Explanation
from rag.indexing.limits import Limits
from rag.retrieval.close_reading import MOST, read_closely
from rag.retrieval.context import REACH, build_context
from rag.retrieval.duplicates import collapse, leave_out_headings
from rag.retrieval.editions import EditionChooser, edition_weight
from rag.retrieval.explain import explain
from rag.retrieval.features import FEATURES, Candidate, Rarity, measure
from rag.retrieval.fusion import add_page_support, fuse_scores, rank
from rag.retrieval.learned import read_model
from rag.retrieval.query import Question
from rag.retrieval.reader import Reader, open_reader
from rag.retrieval.reranking import Reranker
from rag.retrieval.sentences import KnownText
from rag.retrieval.understanding import understand_question
from rag.retrieval.words import LexicalQuestion, build_lexical_question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.indexing.snapshot import Snapshot
    from rag.wording import Wording

CANDIDATES = 50  # of each leg; DESIGN 6: a right entry stands within the first 50 for .92 of the questions; 100 find no first ten that these do not
RERANKED = 30  # candidates that are compared with the question word by word, at least; with 50 nDCG@10 is .001 higher
_ROUNDING = 1e-6  # scores are sums of 32-bit numbers
_MARGIN = 20  # passages beyond the limit that may still come into it: lifted by the reranker, or where others repeat each other


@dataclass(frozen=True, slots=True)
class _Found:
    """What both legs found: chunk -> score of each leg, and fused; editions that are not wanted count less in `fused`.

    What only the dense leg found and cannot be among the best has neither a lexical nor a fused score.
    """

    lexical: Mapping[str, float]
    dense: Mapping[str, float]
    fused: Mapping[str, float]


class Retriever:
    """Search one snapshot. Thread-safe: it holds no state of a question. today: None means the day of the question.

    rerank: whether the learned reranker orders what the legs found; only with an embedder that is fast enough to embed the sentences
    of the candidates. cross_encoder: reads the best of them together with the question, and has the last word. reader: None for
    that of this package.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        embedder: Embedder,
        *,
        today: date | None = None,
        rerank: bool = True,
        cross_encoder: Reranker | None = None,
        reader: Reader | None = None,
    ) -> None:
        self._reader = reader or open_reader()
        self._snapshot, self._embedder, self._today = snapshot, embedder, today
        self._learned = read_model() if rerank and embedder.is_fast else None
        self._cross_encoder = cross_encoder

    def understand(
        self, text: str, history: Sequence[tuple[str, str]] = (), *, wording: Wording | None = None
    ) -> Question:
        """Return a question with its words, other wordings of them and its vector, so that nothing is made twice.

        history: earlier (question, answer) pairs, oldest first: a follow-up is understood with the last full question.
        wording: see `understand_question`.
        """
        return understand_question(text, history, self._snapshot, self._embedder, wording=wording)

    def retrieve(
        self, question: str | Question, *, filters: Filters | None = None, asker: Asker = COMMAND_LINE, limit: int = 10
    ) -> list[Passage]:
        """Return up to `limit` passages, best first, each said once; every candidate has the exact score of both legs."""
        asked = self.understand(question) if isinstance(question, str) else question
        editions = self._choose_editions(asked, filters, asker)
        count = max(RERANKED, limit + _MARGIN)
        limits = self._limit(editions, filters, asker)
        found = self._find(asked, editions, limits, wanted=max(CANDIDATES, limit), near=count)
        near = list(rank(found.fused))[:count]
        known = self._snapshot.catalog.chunks(near)
        passages = self._build_passages(found, near, known, editions)
        passages = self._read_closely(asked, self.order(asked, passages))
        if self._cross_encoder is not None:
            passages = _read_again(asked.understood, passages, self._cross_encoder)
        return leave_out_headings(collapse(passages[: limit + _MARGIN]), limit)[:limit]

    def order(self, asked: Question, passages: Sequence[Passage]) -> list[Passage]:
        """Return passages, whose scores are the fused ones, by the probability that the learned reranker gives them.

        Without it, those whose page answers in two places come before.
        """
        if self._learned is None:
            return _support_pages(passages)
        features = self.measure(asked, passages)
        contributions = self._learned.contributions(features)
        scored = zip(passages, self._learned.score(contributions), features, contributions, strict=True)
        return _sort(
            replace(
                passage,
                score=float(score) * edition_weight(passage),
                features=dict(zip(FEATURES, values.tolist(), strict=True)),
                contributions=dict(zip(FEATURES, parts.tolist(), strict=True)),
            )
            for passage, score, values, parts in scored
        )

    def _read_closely(self, asked: Question, passages: Sequence[Passage]) -> list[Passage]:
        entries = self._snapshot.lexical.words([passage.chunk.id for passage in passages[:MOST]])
        return _sort(read_closely(asked, passages, entries, self._reader, self._learned))

    def measure(self, asked: Question, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return the features of passages as the learned reranker sees them, shape (passages, FEATURES)."""
        words = self._snapshot.lexical.words([passage.chunk.id for passage in passages])
        candidates = [
            Candidate(p.chunk, words[p.chunk.id], place_key(p.chunk), p.score, p.legs["lexical"], p.legs["dense"])
            for p in passages
        ]
        rarity = Rarity(self.term_weights(asked.query.terms), self.highest_weight())
        return measure(asked, candidates, rarity, self._embedder)

    def read_texts(self, passages: Sequence[Passage]) -> dict[str, KnownText]:
        """Return chunk id -> what the index knows of its text, so that an answer needs neither Sudachi nor a tokenizer."""
        chunks = {passage.chunk.id: passage.chunk for passage in passages}
        entries = self._snapshot.lexical.words(list(chunks))
        return {id_: KnownText.of(chunk, entries[id_]) for id_, chunk in chunks.items()}

    def explain(
        self,
        question: str | Question,
        passages: Sequence[Passage],
        *,
        filters: Filters | None = None,
        asker: Asker = COMMAND_LINE,
    ) -> Explanation:
        """Return why `retrieve` found passages for a question with the same filters and asker."""
        asked = self.understand(question) if isinstance(question, str) else question
        return explain(
            asked,
            passages,
            self._snapshot,
            self,
            words=self.ask_words(asked),
            dense_weight=self._embedder.dense_weight,
            filters=filters,
            limits=self._limit(self._choose_editions(asked, filters, asker), filters, asker),
        )

    def context(self, passage: Passage) -> Context:
        """Return what stands around a passage, read from the catalog when it is wanted."""
        around = self._snapshot.catalog.neighbours([passage.chunk.id], REACH + 1).get(passage.chunk.id, [])
        return build_context(passage.chunk, around)

    def ask_words(self, question: Question) -> LexicalQuestion:
        """Return what the lexical leg looks for: the words of a question by field, and the choices between wordings."""
        query = question.query
        rarity = self.term_weights([term for e in query.expansions for term in (*e.of, *e.words)])
        return build_lexical_question(query, rarity, self.highest_weight())

    def term_weights(self, terms: Sequence[str]) -> dict[str, float]:
        """Return term -> inverse document frequency among the chunks, ln(1 + (N - n + 0.5) / (n + 0.5)) as in BM25."""
        total = max(self._snapshot.lexical.count(), 1)
        counts = {term: self._snapshot.lexical.document_frequency("body", term) for term in terms}
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in counts.items()}

    def highest_weight(self) -> float:
        """Return the inverse document frequency of a word that no chunk has."""
        return math.log(1 + (max(self._snapshot.lexical.count(), 1) + 0.5) / 0.5)

    def _choose_editions(self, question: Question, filters: Filters | None, asker: Asker) -> EditionChooser:
        families = self._snapshot.catalog.families_by_source()
        return EditionChooser(families, question.text, filters, asker, self._today or date.today())

    def _limit(self, editions: EditionChooser, filters: Filters | None, asker: Asker) -> Limits | None:
        return Limits.of(filters, self._snapshot.catalog.readable_audiences(asker), editions.left_out)

    def _find(
        self, question: Question, editions: EditionChooser, limits: Limits | None, *, wanted: int, near: int
    ) -> _Found:
        """Ask both legs for their best `wanted`, and each for the exact scores of what the other found and may be among the best `near`."""
        words, vector = self.ask_words(question), question.vector
        lexical_leg, dense_leg = self._snapshot.lexical, self._snapshot.vectors
        lexical = dict(lexical_leg.search(words.terms, wanted, limits, choices=words.choices))
        dense = dict(dense_leg.search(vector, wanted, limits))
        dense |= dense_leg.similarities(vector, [id_ for id_ in lexical if id_ not in dense])
        sources = self._snapshot.catalog.sources_of([*lexical, *dense]) if editions.has_families else {}

        def fuse(lexical: Mapping[str, float]) -> dict[str, float]:
            weights = {"dense_weight": self._embedder.dense_weight, "dense_floor": self._embedder.dense_floor}
            return editions.weigh(fuse_scores(lexical, dense, **weights), sources)

        missing = [id_ for id_ in dense if id_ not in lexical]
        if len(lexical) < wanted:  # every chunk with one of the words was found
            return _Found(lexical | dict.fromkeys(missing, 0.0), dense, fuse(lexical))
        most = fuse(lexical | dict.fromkeys(missing, min(lexical.values())))
        hopeful = _find_hopeful(missing, most, lexical, near)
        lexical |= lexical_leg.scores(words.terms, hopeful, choices=words.choices)
        fused = fuse(lexical) if hopeful else most
        return _Found(lexical, dense, {id_: fused[id_] for id_ in lexical})

    def _build_passages(
        self,
        found: _Found,
        ids: Sequence[str],
        known: Mapping[str, tuple[Chunk, Metadata]],
        editions: EditionChooser,
    ) -> list[Passage]:
        ranks = {"lexical": rank(found.lexical), "dense": rank(found.dense)}
        return [
            Passage(
                chunk=known[id_][0],
                metadata=known[id_][1],
                score=found.fused[id_],
                legs={"lexical": found.lexical.get(id_, 0.0), "dense": found.dense.get(id_, 0.0)},
                ranks={leg: numbers[id_] for leg, numbers in ranks.items() if id_ in numbers},
                edition=editions.judge(known[id_][0].source, known[id_][1]),
            )
            for id_ in ids
        ]


def place_key(chunk: Chunk) -> tuple[str, int | None, int | None]:
    """Return what would be cited: the page of a PDF or slide, the row of a sheet, else the whole file."""
    return chunk.source, chunk.locator.page, chunk.locator.row


def _find_hopeful(ids: Sequence[str], most: Mapping[str, float], known: Collection[str], near: int) -> list[str]:
    """Return the ids that may be among the best `near`. most: the most that each score may be; it is exact where it is known."""
    ranked = sorted((most[id_] for id_ in known), reverse=True)
    bar = ranked[near - 1] - _ROUNDING if len(ranked) >= near else 0.0
    return [id_ for id_ in ids if most[id_] >= bar]


def _sort(passages: Iterable[Passage]) -> list[Passage]:
    return sorted(passages, key=lambda passage: (-passage.score, passage.chunk.id))


def _support_pages(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages, those whose page answers in two places before."""
    pages = {p.chunk.id: (p.chunk.source, p.chunk.locator.page) if p.chunk.locator.page else None for p in passages}
    scores = add_page_support({passage.chunk.id: passage.score for passage in passages}, pages)
    return _sort(replace(passage, score=scores[passage.chunk.id]) for passage in passages)


def _read_again(question: str, passages: Sequence[Passage], cross_encoder: Reranker) -> list[Passage]:
    """Return passages, the first of them in the order of a cross-encoder; those that it did not read stay behind them."""
    scores = cross_encoder.rerank(question, passages)
    read = [replace(p, score=s * edition_weight(p)) for p, s in zip(passages, scores, strict=False)]
    lowest = min((passage.score for passage in read), default=1.0)
    return [*_sort(read), *(replace(p, score=p.score * lowest) for p in passages[len(scores) :])]
