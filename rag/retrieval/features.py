"""What the words and vectors of a candidate say about a question: the features of the learned reranker.

Every feature is about 0 to 1 and none depends on how long a text is, so that what was learned from short passages holds for
pages (DESIGN 6: a reranker that saw lengths lost 13 points of hit@1 on PDF pages).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rag.documents import Chunk, ChunkKind
from rag.retrieval.likeness import Likeness
from rag.retrieval.opposites import find_qualities, is_opposite
from rag.retrieval.ranges import NamedNumbers
from rag.retrieval.sentences import embed_sentences
from rag.text import compounds, fold, is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder
    from rag.indexing.lexical import LexicalEntry
    from rag.retrieval.query import Query, Question

FEATURES = (
    "fused",  # score of both legs, of the best candidate's
    "lexical",  # lexical score, of the best candidate's
    "saturation",  # lexical score, of what it could be at most
    "dense",  # cosine
    "nearness",  # cosine, of the best candidate's
    "sentence_cosine",  # of the sentence nearest to the question
    "heading_cosine",  # of title and headings, or of the question of a Q&A pair
    "body",  # weighted share of the asked words in the text
    "everywhere",  # the same in title, headings and text
    "rare",  # the same, rare words counting by their square
    "nouns",  # the same, of the nouns only
    "title",
    "headings",
    "question",
    "sentence",  # in the best sentence
    "sentences",  # in the best two sentences that follow each other
    "place",  # in all candidates of the same page, row or file together
    "lacking",  # rarity of the rarest noun that is nowhere
    "adjacent",  # share of the pairs of neighbouring asked words that stand together
    "runs",  # share of the question's runs of four characters
    "numbers",  # share of the asked numbers; 1 where none is asked
    "wanted",  # what was asked for (an amount, a day, …) stands near the best sentence
    "unwanted",  # it was asked for, and does not
    "support",  # fused score of the best other candidate of the same place
    "title_named",  # weighted share of the title's words that were asked
    "question_named",  # the same of the question of a Q&A pair
    "in_range",  # its ranges (320万円以上420万円未満) hold the numbers that the question names
    "out_of_range",  # … do not
    "like_everywhere",  # how near the words of title, headings and text come to the asked ones (see retrieval.likeness)
    "like_sentence",  # the same of the best sentence
    "like_sentence_named",  # … of the best sentence, title and headings counting in part
    "like_gap",  # weighted share of the asked word that is furthest from title, headings and text, as far as it is
    "compounds",  # weighted share of the question's compounds (児童手当) that stand in one piece anywhere (児童扶養手当 is another)
    "opposite",  # its headings, its row, or the question of a Q&A pair, name the opposite (see retrieval.opposites)
)  # fmt: skip
"""The names, in the order of the columns."""
SATURATION = 2.2
"""The most that BM25 gives a word for its frequency, times its rarity: k1 + 1."""
_NEAR = 2  # words from one of a pair to the other
_RUN = 4
_NAMED = 0.7  # how much of a word's nearness counts that stands in title or headings


@dataclass(frozen=True, slots=True)
class Candidate:
    """One chunk that may answer, its words, its scores, and the place (page, row or file) that it would be cited by."""

    chunk: Chunk
    words: LexicalEntry
    place: object
    fused: float
    lexical: float
    dense: float


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare words are among the chunks: idf as in BM25. ceiling: that of a word that no chunk has."""

    weights: Mapping[str, float]
    ceiling: float

    def sum(self, words: Iterable[str]) -> float:
        """Return the weights of distinct words together; those of words that were not asked about count as the ceiling."""
        return sum(self.weights.get(word, self.ceiling) for word in words)


def measure(
    question: Question, candidates: Sequence[Candidate], rarity: Rarity, embedder: Embedder
) -> NDArray[np.float32]:
    """Return the features of candidates, shape (candidates, FEATURES). rarity: of the words of the question at least."""
    import numpy as np

    if not candidates:
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    asked = _Asked(question.query, rarity)
    held = [_Held.of(candidate, asked.relevant, asked.linked) for candidate in candidates]
    rows = [asked.compare(candidate, words) for candidate, words in zip(candidates, held, strict=True)]
    for row, extra in zip(rows, _measure_scores(candidates, held, asked), strict=True):
        row.update(extra)
    for row, (sentence, heading) in zip(rows, _measure_cosines(question, candidates, embedder), strict=True):
        row.update(sentence_cosine=sentence, heading_cosine=heading)
    likeness = Likeness(question.query, asked.weights, embedder)
    for row, values in zip(rows, _measure_likeness(likeness, held), strict=True):
        row.update(values)
    return np.array([[row[name] for name in FEATURES] for row in rows], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a candidate holds of the relevant words, those of its text also by sentence; all words of its text in order.

    title_words, question_words: all words of the title, and of the question of a Q&A pair. sentence_words: those of each sentence;
    named_words: those of title, headings and question together. pairs: of words of compounds that stand side by side anywhere.
    """

    title: frozenset[str]
    headings: frozenset[str]
    question: frozenset[str]
    body: frozenset[str]
    sentences: tuple[frozenset[str], ...]
    order: list[str]
    title_words: frozenset[str]
    question_words: frozenset[str]
    sentence_words: tuple[frozenset[str], ...]
    named_words: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, candidate: Candidate, relevant: frozenset[str], linked: frozenset[str]) -> _Held:
        words = candidate.words
        title, headings, question = (frozenset(text.split()) for text in (words.title, words.headings, words.question))
        sentence_words = tuple(frozenset(line.split()) for line in words.body.split("\n"))
        sentences = tuple(relevant & sentence for sentence in sentence_words)
        return cls(
            title=relevant & title,
            headings=relevant & headings,
            question=relevant & question,
            body=frozenset().union(*sentences),
            sentences=sentences,
            order=words.body.split(),
            title_words=title,
            question_words=question,
            sentence_words=sentence_words,
            named_words=title | headings | question,
            pairs=_find_pairs((words.title, words.headings, *words.body.split("\n")), linked)
            if linked
            else frozenset(),
        )

    @property
    def all(self) -> frozenset[str]:
        return self.title | self.headings | self.question | self.body


class _Asked:
    """A question, ready to be compared with many candidates.

    relevant: its terms, and the words of their other wordings; linked: the words of its compounds.
    """

    def __init__(self, query: Query, rarity: Rarity) -> None:
        self._rarity, self._wanted = rarity, query.wanted
        self._named_numbers = NamedNumbers.of(query.text)
        self.terms = frozenset(query.terms)
        ways = ((self.terms.intersection(e.of), frozenset(e.words)) for e in query.expansions)
        self._ways = [(of, words) for of, words in ways if of]
        self.relevant = self.terms.union(*(words for _, words in self._ways))
        self.weights = {term: rarity.weights.get(term, rarity.ceiling) for term in self.terms}
        self._nouns = self.terms & set(query.nouns)
        self.total, self._total_of_nouns = rarity.sum(self.terms) or 1.0, rarity.sum(self._nouns) or 1.0
        self._squares = {term: weight**2 for term, weight in self.weights.items()}
        self._shares: dict[Set[str], float] = {}  # most sentences hold none of the words, or the same ones
        self._sums: dict[frozenset[str], float] = {}  # of titles, which many candidates share
        self._numbers = [term for term in query.terms if is_number(term)]
        pairs = pairwise(query.terms)
        self._pairs = [(a, b, min(rarity.sum((a,)), rarity.sum((b,)))) for a, b in pairs]
        worded = frozenset[str]().union(*(of for of, _ in self._ways))  # 国保加入 may stand as 国民健康保険の加入
        links = [pair for pair in compounds(query.text) if (self.terms - worded).issuperset(pair)]
        self._compounds = {pair: max(self.weights[word] for word in pair) for pair in links}
        self.linked = frozenset[str]().union(*links)
        self._qualities = find_qualities(query.text)
        self._runs = [runs for text in query.wordings if (runs := frozenset(_find_runs(text)))]

    def share(self, words: Set[str]) -> float:
        """Return the weighted share of the asked words that are among words."""
        share = self._shares.get(words)
        if share is None:
            share = self._shares[words] = sum(map(self.weights.__getitem__, self._held(words))) / self.total
        return share

    def _held(self, words: Set[str]) -> frozenset[str]:
        """Return what `Query.held_in` does."""
        held = self.terms.intersection(words)
        return held.union(*(of for of, needed in self._ways if needed <= words)) if self._ways else held

    def compare(self, candidate: Candidate, held: _Held) -> dict[str, float]:
        text, everywhere = candidate.words.folded, held.all
        shares = [self.share(sentence) for sentence in held.sentences]
        best = max(range(len(shares)), key=shares.__getitem__)
        held_words = self._held(everywhere)
        lacking = [self._rarity.sum((noun,)) for noun in self._nouns - held_words]
        found = self._find_wanted(text.split("\n"), best)
        fits = self._named_numbers.fit_text(text)
        return {
            "body": self.share(held.body),
            "everywhere": self.share(everywhere),
            "rare": _share(self._squares, held_words),
            "nouns": self._rarity.sum(self._nouns & held_words) / self._total_of_nouns,
            "title": self.share(held.title),
            "headings": self.share(held.headings),
            "question": self.share(held.question),
            "sentence": shares[best],
            "sentences": max((self.share(a | b) for a, b in zip(held.sentences, held.sentences[1:], strict=False)), default=shares[best]),
            "lacking": max(lacking, default=0.0) / self._rarity.ceiling,
            "adjacent": self._share_of_pairs(held.order),
            "runs": max((sum(map(text.__contains__, runs)) / len(runs) for runs in self._runs), default=0.0),
            "numbers": sum(n in everywhere for n in self._numbers) / len(self._numbers) if self._numbers else 1.0,
            "wanted": float(found is True),
            "unwanted": float(found is False),
            "title_named": self._named(held.title_words),
            "question_named": self._named(held.question_words),
            "in_range": float(fits > 0),
            "out_of_range": float(fits < 0),
            "compounds": self._share_of_compounds(held.pairs),
            "opposite": float(self._is_opposite(candidate.chunk)),
        }  # fmt: skip

    def _named(self, words: frozenset[str]) -> float:
        if not words:
            return 0.0
        if words not in self._sums:
            self._sums[words] = self._rarity.sum(words)
        return self._rarity.sum(words & self.terms) / self._sums[words]

    def _share_of_pairs(self, order: Sequence[str]) -> float:
        places: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(order):
            if word in self.terms:
                places[word].append(place)
        total = sum(weight for _, _, weight in self._pairs)
        together = sum(weight for a, b, weight in self._pairs if _follows(places.get(a, ()), places.get(b, ())))
        return together / total if total else 0.0

    def _share_of_compounds(self, pairs: Set[tuple[str, str]]) -> float:
        total = sum(self._compounds.values())
        return sum(weight for pair, weight in self._compounds.items() if pair in pairs) / total if total else 1.0

    def _is_opposite(self, chunk: Chunk) -> bool:
        if not self._qualities:
            return False
        names = [chunk.question_text] if chunk.question else [*chunk.headings]
        if chunk.kind is ChunkKind.ROW:
            names.append(chunk.text)
        return is_opposite(self._qualities, find_qualities("\n".join(names)))

    def _find_wanted(self, sentences: Sequence[str], best: int) -> bool | None:
        """Tell whether what was asked for stands in or beside a sentence; None where nobody knows what that looks like."""
        if self._wanted is None:
            return None
        return bool(self._wanted.search("\n".join(sentences[max(0, best - 1) : best + 2])))


def _share(weights: Mapping[str, float], words: Collection[str]) -> float:
    return sum(weight for word, weight in weights.items() if word in words) / (sum(weights.values()) or 1.0)


def _follows(first: Sequence[int], second: Sequence[int]) -> bool:
    return any(0 < b - a <= _NEAR for a in first for b in second)


def _find_pairs(texts: Iterable[str], linked: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return the pairs of words of compounds that stand side by side."""
    kept = ([word if word in linked else None for word in text.split()] for text in texts)
    return frozenset((a, b) for words in kept for a, b in pairwise(words) if a is not None and b is not None)


def _find_runs(text: str) -> list[str]:
    """Return the runs of four characters of the folded text, those over a mark or a blank left out.

    >>> _find_runs("町税の納期?")
    ['町税の納', '税の納期']
    """
    clean = fold(text)
    runs = [clean[i : i + _RUN] for i in range(len(clean) - _RUN + 1)]
    return [run for run in runs if run.isalnum()]


def _measure_scores(candidates: Sequence[Candidate], held: Sequence[_Held], asked: _Asked) -> list[dict[str, float]]:
    """Return the features that compare a candidate with the others."""
    best = {name: max(max(getattr(c, name) for c in candidates), 1e-9) for name in ("fused", "lexical", "dense")}
    by_place: dict[object, list[int]] = defaultdict(list)
    for number, candidate in enumerate(candidates):
        by_place[candidate.place].append(number)
    together = {place: frozenset().union(*(held[n].all for n in numbers)) for place, numbers in by_place.items()}
    rows = []
    for number, candidate in enumerate(candidates):
        others = [candidates[other].fused for other in by_place[candidate.place] if other != number]
        rows.append(
            {
                "fused": candidate.fused / best["fused"],
                "lexical": candidate.lexical / best["lexical"],
                "saturation": candidate.lexical / (SATURATION * asked.total),
                "dense": candidate.dense,
                "nearness": max(candidate.dense, 0.0) / best["dense"],
                "support": max(others, default=0.0) / best["fused"],
                "place": asked.share(together[candidate.place]),
            }
        )
    return rows


def _measure_likeness(likeness: Likeness, held: Sequence[_Held]) -> Iterator[dict[str, float]]:
    """Yield the features of the likeness of words, of each candidate."""
    import numpy as np

    near = likeness.compare([text for words in held for text in (words.named_words, *words.sentence_words)])
    bounds = [0, *np.cumsum([1 + len(words.sentence_words) for words in held]).tolist()]
    for start, end in pairwise(bounds):
        named, sentences, anywhere = near[start], near[start + 1 : end], near[start:end].max(axis=0)
        yield {
            "like_everywhere": float(likeness.share(anywhere)),
            "like_sentence": float(likeness.share(sentences).max()),
            "like_sentence_named": float(likeness.share(np.maximum(sentences, _NAMED * named)).max()),
            "like_gap": float(likeness.find_gap(anywhere)),
        }


def _measure_cosines(
    question: Question, candidates: Sequence[Candidate], embedder: Embedder
) -> list[tuple[float, float]]:
    """Return the cosine of the nearest sentence, and that of its name, of each candidate."""
    import numpy as np

    vectors, counts = embed_sentences([c.chunk for c in candidates], [c.words for c in candidates], embedder)
    cosines = vectors @ question.vector
    bounds = [0, *np.cumsum(counts).tolist()]
    return [(float(cosines[a + 1 : b].max()) if b > a + 1 else 0.0, float(cosines[a])) for a, b in pairwise(bounds)]
