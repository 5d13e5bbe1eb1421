"""From a question to ranked passages: a lexical and a dense leg over one snapshot, fused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rag.documents import COMMAND_LINE, Asker, Chunk, Context, Filters, Passage
from rag.explanation import Explanation
from rag.indexing.limits import Limits
from rag.retrieval.context import REACH, build_context
from rag.retrieval.duplicates import collapse
from rag.retrieval.editions import EditionChooser
from rag.retrieval.explain import explain
from rag.retrieval.fusion import FIELD_WEIGHTS, add_page_support, fuse_scores, rank
from rag.retrieval.query import Query, Question, parse_query

if TYPE_CHECKING:
    from rag.indexing.embedding import Embedder
    from rag.indexing.snapshot import Snapshot

_MARGIN = 20  # passages beyond the limit whose pages may still lift them into it
CANDIDATES = 100  # of each leg; DESIGN 6: a right entry stands within the first 50 for .92 of the questions


class Retriever:
    """Search one snapshot. Thread-safe: it holds no state of a question. today: None means the day of the question."""

    def __init__(self, snapshot: Snapshot, embedder: Embedder, *, today: date | None = None) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._today = today

    def understand(self, text: str) -> Question:
        """Return a question with its words and vector, so that neither is made twice."""
        return Question(text, parse_query(text), self._embedder.embed_query(text))

    def retrieve(
        self, question: str | Question, *, filters: Filters | None = None, asker: Asker = COMMAND_LINE, limit: int = 10
    ) -> list[Passage]:
        """Return up to `limit` passages, best first, each said once; every candidate has the exact score of both legs."""
        asked = self.understand(question) if isinstance(question, str) else question
        editions = self._choose_editions(asked, filters, asker)
        limits = self._limit(editions, filters, asker)
        lexical, dense = self._score(asked, limits, max(CANDIDATES, limit))
        sources = self._snapshot.catalog.sources_of([*lexical, *dense]) if editions.has_families else {}
        fused = editions.weigh(fuse_scores(lexical, dense, dense_weight=self._embedder.dense_weight), sources)
        near = list(rank(fused))[: limit + _MARGIN]
        known = self._snapshot.catalog.chunks(near)
        pages = {id_: _page_of(known[id_][0]) for id_ in near}
        fused = add_page_support({id_: fused[id_] for id_ in near}, pages)
        best = list(rank(fused))
        ranks = {"lexical": rank(lexical), "dense": rank(dense)}
        passages = [
            Passage(
                chunk=known[id_][0],
                metadata=known[id_][1],
                score=fused[id_],
                legs={"lexical": lexical.get(id_, 0.0), "dense": dense.get(id_, 0.0)},
                ranks={leg: numbers[id_] for leg, numbers in ranks.items() if id_ in numbers},
                edition=editions.judge(known[id_][0].source, known[id_][1]),
            )
            for id_ in best
        ]
        return collapse(passages)[:limit]

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
            words=words_by_field(asked.query),
            dense_weight=self._embedder.dense_weight,
            filters=filters,
            limits=self._limit(self._choose_editions(asked, filters, asker), filters, asker),
        )

    def _choose_editions(self, question: Question, filters: Filters | None, asker: Asker) -> EditionChooser:
        families = self._snapshot.catalog.families_by_source()
        return EditionChooser(families, question.text, filters, asker, self._today or date.today())

    def _limit(self, editions: EditionChooser, filters: Filters | None, asker: Asker) -> Limits | None:
        return Limits.of(filters, self._snapshot.catalog.readable_audiences(asker), editions.left_out)

    def context(self, passage: Passage) -> Context:
        """Return what stands around a passage, read from the catalog when it is wanted."""
        around = self._snapshot.catalog.neighbours([passage.chunk.id], REACH + 1).get(passage.chunk.id, [])
        return build_context(passage.chunk, around)

    def term_weights(self, terms: Sequence[str]) -> dict[str, float]:
        """Return term -> inverse document frequency among the chunks, ln(1 + (N - n + 0.5) / (n + 0.5)) as in BM25."""
        total = max(self._snapshot.lexical.count(), 1)
        counts = {term: self._snapshot.lexical.document_frequency("body", term) for term in terms}
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in counts.items()}

    def highest_weight(self) -> float:
        """Return the inverse document frequency of a word that no chunk has."""
        return math.log(1 + (max(self._snapshot.lexical.count(), 1) + 0.5) / 0.5)

    def _score(
        self, question: Question, limits: Limits | None, limit: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        words, vector = words_by_field(question.query), question.vector
        lexical = dict(self._snapshot.lexical.search(words, limit, limits))
        dense = dict(self._snapshot.vectors.search(vector, limit, limits))
        lexical |= self._snapshot.lexical.scores(words, [id_ for id_ in dense if id_ not in lexical])
        dense |= self._snapshot.vectors.similarities(vector, [id_ for id_ in lexical if id_ not in dense])
        return lexical, dense


def _page_of(chunk: Chunk) -> tuple[str, int] | None:
    """Return the PDF page or slide that a chunk begins on; None in a file without pages."""
    number = chunk.locator.page
    return None if number is None else (chunk.source, number)


def words_by_field(query: Query) -> Mapping[str, Mapping[str, float]]:
    """Return what the lexical leg looks for: field -> word -> weight."""
    return {
        field: dict.fromkeys(query.bigrams if field == "bigrams" else query.terms, weight)
        for field, weight in FIELD_WEIGHTS.items()
    }
