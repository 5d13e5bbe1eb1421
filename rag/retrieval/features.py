"""What the words and vectors of a candidate say about a question: the features of the learned reranker.

Every feature is about 0 to 1 and none depends on how long a text is, so that what was learned from short passages holds for
pages (DESIGN 6: a reranker that saw lengths lost 13 points of hit@1 on PDF pages).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.documents import Chunk, ChunkKind
from rag.retrieval.likeness import Likeness
from rag.retrieval.opposites import find_qualities, is_opposite
from rag.retrieval.ranges import NamedNumbers
from rag.retrieval.sentences import embed_sentences
from rag.retrieval.word_rows import NOWHERE, Stretches, WordRow, any_within, join_stretches
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
_NAMES = 3  # parts of a text before its sentences: title, headings, question
_RUN = 4
_TINY = 1e-9
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


Column: TypeAlias = "Sequence[float] | NDArray[np.floating[Any]] | NDArray[np.bool_]"
"""One feature of all candidates."""


def measure(
    question: Question, candidates: Sequence[Candidate], rarity: Rarity, embedder: Embedder
) -> NDArray[np.float32]:
    """Return the features of candidates, shape (candidates, FEATURES). rarity: of the words of the question at least."""
    import numpy as np

    if not candidates:
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    asked, texts = _Asked(question.query, rarity), _Texts(candidates)
    likeness = Likeness(question.query, asked.weights, embedder)
    columns: dict[str, Column] = {
        **_measure_words(candidates, texts, asked),
        **_measure_texts(candidates, asked),
        **_measure_scores(candidates, asked),
        **_measure_likeness(likeness, texts),
        **_measure_cosines(question, candidates, embedder),
    }
    return np.stack([np.asarray(columns[name], dtype=np.float32) for name in FEATURES], axis=1)


class _Texts:
    """The words of candidates in a row, and where each part of their texts begins and ends in it.

    Those of sentences, and of pairs of sentences that follow each other, hold all candidates' in a row; `first_sentences` tells where
    each candidate's begin.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        import numpy as np

        texts = [
            [entry.title, entry.headings, entry.question, *entry.body.split("\n")]
            for entry in (candidate.words for candidate in candidates)
        ]
        words = [part.split() for text in texts for part in text]
        self.row = WordRow(chain.from_iterable(words))
        bounds = np.cumsum([0, *map(len, words)])
        parts = np.cumsum([0, *map(len, texts)])  # of the first parts; one more at the end
        first, after = parts[:-1], parts[1:]
        self.titles, self.headings, self.questions = ((bounds[first + n], bounds[first + n + 1]) for n in range(_NAMES))
        self.named = bounds[first], bounds[first + _NAMES]
        self.bodies = bounds[first + _NAMES], bounds[after]
        self.whole = bounds[first], bounds[after]
        numbers = np.arange(len(words))
        owners = np.repeat(np.arange(len(texts)), np.diff(parts))
        is_sentence = numbers >= first[owners] + _NAMES
        sentences = numbers[is_sentence]
        self.sentences = bounds[sentences], bounds[sentences + 1]
        self.pairs = bounds[sentences], bounds[np.minimum(sentences + 2, after[owners[is_sentence]])]
        self.first_sentences = first - _NAMES * np.arange(len(texts))
        lengths = np.diff(bounds)
        self.body_of_word = np.repeat(np.where(is_sentence, owners, NOWHERE), lengths)
        is_question = numbers == first[owners] + _NAMES - 1
        self.part_of_word = np.repeat(np.where(is_question, NOWHERE, numbers), lengths)

    def best_of_sentences(self, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the highest of the values of each candidate's sentences (or pairs), shape (candidates,)."""
        import numpy as np

        best: NDArray[np.floating[Any]] = np.maximum.reduceat(values, self.first_sentences)
        return best

    def find_best_sentences(self, values: NDArray[np.floating[Any]]) -> list[int]:
        """Return for each candidate which of its sentences has the highest value, counted from its first one."""
        bounds = [*self.first_sentences.tolist(), len(values)]
        return [int(values[start:end].argmax()) for start, end in pairwise(bounds)]


class _Asked:
    """A question, ready to be compared with many candidates. relevant: its terms, then the words of their other wordings."""

    def __init__(self, query: Query, rarity: Rarity) -> None:
        import numpy as np

        self.rarity, self.wanted = rarity, query.wanted
        self.named_numbers = NamedNumbers.of(query.text)
        self.terms = sorted(set(query.terms))
        known = frozenset(self.terms)
        ways = [(known.intersection(e.of), e.words) for e in query.expansions]
        ways = [(of, words) for of, words in ways if of]
        others = frozenset[str]().union(*(words for _, words in ways)) - known
        self.relevant = [*self.terms, *sorted(others)]
        # Other wordings, one a row: the words that say them, and the terms that they stand for.
        self._needed = np.array([[word in words for word in self.relevant] for _, words in ways], dtype=np.float32)
        self._of = np.array([[term in of for term in self.terms] for of, _ in ways], dtype=np.float32)
        self.weights = {term: rarity.weights.get(term, rarity.ceiling) for term in self.terms}
        self.values = np.array(list(self.weights.values()), dtype=np.float64)
        self.total = float(self.values.sum()) or 1.0
        self.is_noun = np.array([term in query.nouns for term in self.terms], dtype=bool)
        self.is_number = np.array([is_number(term) for term in self.terms], dtype=bool)
        pairs = list(pairwise(query.terms))
        self.pairs = pairs, np.array([min(self.weights[a], self.weights[b]) for a, b in pairs])
        worded = frozenset[str]().union(*(of for of, _ in ways))  # 国保加入 may stand as 国民健康保険の加入
        links = list(dict.fromkeys(pair for pair in compounds(query.text) if (known - worded).issuperset(pair)))
        self.compounds = links, np.array([max(self.weights[word] for word in pair) for pair in links])
        self.qualities = find_qualities(query.text)
        self.runs = [runs for text in query.wordings if (runs := frozenset(_find_runs(text)))]

    def hold(self, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which terms texts hold, as `Query.held_in` does, shape (texts, terms). found: the relevant words in them."""
        import numpy as np

        held = found[:, : len(self.terms)]
        if len(self._needed):
            is_said = found.astype(np.float32) @ self._needed.T == self._needed.sum(axis=1)
            held = held | (is_said.astype(np.float32) @ self._of > 0)
        return held

    def share(self, found: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the weighted share of the asked words that texts hold, shape (texts,)."""
        shares: NDArray[np.float64] = self.hold(found) @ self.values / self.total
        return shares


def _measure_words(candidates: Sequence[Candidate], texts: _Texts, asked: _Asked) -> dict[str, Column]:
    """Measure which of the asked words stand where."""
    import numpy as np

    parts = (texts.whole, texts.titles, texts.headings, texts.questions, texts.bodies, texts.sentences, texts.pairs)
    found = texts.row.holds(asked.relevant, *join_stretches(parts))
    ends = np.cumsum([len(starts) for starts, _ in parts])[:-1]
    whole, titles, headings, questions, bodies, in_sentences, in_pairs = np.split(found, ends)
    held = asked.hold(whole)
    sentences = asked.share(in_sentences)
    nouns, numbers = asked.values * asked.is_noun, asked.is_number
    best = texts.find_best_sentences(sentences)
    wanted = [_find_wanted(asked, c.words.folded.split("\n"), n) for c, n in zip(candidates, best, strict=True)]
    return {
        "body": asked.share(bodies),
        "everywhere": held @ asked.values / asked.total,
        "rare": held @ asked.values**2 / (float((asked.values**2).sum()) or 1.0),
        "nouns": held @ nouns / (float(nouns.sum()) or 1.0),
        "title": asked.share(titles),
        "headings": asked.share(headings),
        "question": asked.share(questions),
        "sentence": texts.best_of_sentences(sentences),
        "sentences": texts.best_of_sentences(asked.share(in_pairs)),
        "place": asked.share(_join_places([candidate.place for candidate in candidates], whole)),
        "lacking": (~held * nouns).max(axis=1, initial=0.0) / asked.rarity.ceiling,
        "adjacent": _share_of_pairs(texts, *asked.pairs, texts.body_of_word, texts.bodies, within=_NEAR, default=0.0),
        "numbers": whole[:, : len(numbers)][:, numbers].mean(axis=1) if numbers.any() else np.ones(len(whole)),
        "wanted": [found is True for found in wanted],
        "unwanted": [found is False for found in wanted],
        "title_named": _share_of_name([c.words.title for c in candidates], titles, asked),
        "question_named": _share_of_name([c.words.question for c in candidates], questions, asked),
        "compounds": _share_of_pairs(texts, *asked.compounds, texts.part_of_word, texts.whole, within=1, default=1.0),
    }


def _join_places(places: Sequence[object], found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what stands anywhere at the place of each candidate, same shape as `found`: what stands in each."""
    import numpy as np

    number_of: dict[object, int] = {}
    numbers = [number_of.setdefault(place, len(number_of)) for place in places]
    together = np.zeros((len(number_of), found.shape[1]), dtype=bool)
    np.logical_or.at(together, numbers, found)
    joined: NDArray[np.bool_] = together[numbers]
    return joined


def _share_of_pairs(
    texts: _Texts,
    pairs: Sequence[tuple[str, str]],
    weights: NDArray[np.float64],
    text_of_word: NDArray[np.int64],
    stretches: Stretches,
    *,
    within: int,
    default: float,
) -> NDArray[np.float64]:
    """Return the weighted share of pairs of words that stand together in each stretch; `default` where there is no pair."""
    import numpy as np

    if not pairs or not weights.sum():
        return np.full(len(stretches[0]), default)
    together = texts.row.follows(pairs, text_of_word, within=within)
    shares: NDArray[np.float64] = any_within(together, *stretches) @ weights / weights.sum()
    return shares


def _share_of_name(names: Sequence[str], found: NDArray[np.bool_], asked: _Asked) -> NDArray[np.float64]:
    """Return the weighted share of the words of each name that were asked; all others are as rare as can be. found: in each name."""
    import numpy as np

    terms = found[:, : len(asked.terms)]
    known = terms @ asked.values
    counts = {name: len(frozenset(name.split())) for name in dict.fromkeys(names)}
    others = np.array([counts[name] for name in names]) - terms.sum(axis=1)
    shares: NDArray[np.float64] = known / np.maximum(known + others * asked.rarity.ceiling, _TINY)
    return shares


def _measure_texts(candidates: Sequence[Candidate], asked: _Asked) -> dict[str, Column]:
    """Measure what is read off the texts themselves."""
    texts = [candidate.words.folded for candidate in candidates]
    fits = [asked.named_numbers.fit_text(text) for text in texts]
    return {
        "runs": [
            max((sum(map(text.__contains__, runs)) / len(runs) for runs in asked.runs), default=0.0) for text in texts
        ],
        "in_range": [fit > 0 for fit in fits],
        "out_of_range": [fit < 0 for fit in fits],
        "opposite": [_names_opposite(asked, candidate.chunk) for candidate in candidates],
    }


def _names_opposite(asked: _Asked, chunk: Chunk) -> bool:
    if not asked.qualities:
        return False
    names = [chunk.question_text] if chunk.question else [*chunk.headings]
    if chunk.kind is ChunkKind.ROW:
        names.append(chunk.text)
    return is_opposite(asked.qualities, find_qualities("\n".join(names)))


def _find_wanted(asked: _Asked, sentences: Sequence[str], best: int) -> bool | None:
    """Tell whether what was asked for stands in or beside a sentence; None where nobody knows what that looks like."""
    if asked.wanted is None:
        return None
    return bool(asked.wanted.search("\n".join(sentences[max(0, best - 1) : best + 2])))


def _find_runs(text: str) -> list[str]:
    """Return the runs of four characters of the folded text, those over a mark or a blank left out.

    >>> _find_runs("町税の納期?")
    ['町税の納', '税の納期']
    """
    clean = fold(text)
    runs = [clean[i : i + _RUN] for i in range(len(clean) - _RUN + 1)]
    return [run for run in runs if run.isalnum()]


def _measure_scores(candidates: Sequence[Candidate], asked: _Asked) -> dict[str, Column]:
    """Measure the scores of the legs, and compare them with those of the other candidates."""
    import numpy as np

    fused, lexical, dense = np.array([(c.fused, c.lexical, c.dense) for c in candidates]).T
    best = [max(float(scores.max()), _TINY) for scores in (fused, lexical, dense)]
    by_place: dict[object, list[int]] = defaultdict(list)
    for number, candidate in enumerate(candidates):
        by_place[candidate.place].append(number)
    support = [
        max((candidates[other].fused for other in by_place[candidate.place] if other != number), default=0.0)
        for number, candidate in enumerate(candidates)
    ]
    return {
        "fused": fused / best[0],
        "lexical": lexical / best[1],
        "saturation": lexical / (SATURATION * asked.total),
        "dense": dense,
        "nearness": np.maximum(dense, 0.0) / best[2],
        "support": np.array(support) / best[0],
    }


def _measure_likeness(likeness: Likeness, texts: _Texts) -> dict[str, Column]:
    """Measure how near the words of the texts come to the asked ones."""
    import numpy as np

    near = likeness.compare_stretches(texts.row, *join_stretches((texts.named, texts.sentences)))
    named, sentences = np.split(near, [len(texts.first_sentences)])
    anywhere = np.maximum(named, np.maximum.reduceat(sentences, texts.first_sentences, axis=0))
    counts = np.diff([*texts.first_sentences, len(sentences)])
    sentences_named = np.maximum(sentences, _NAMED * np.repeat(named, counts, axis=0))
    return {
        "like_everywhere": likeness.share(anywhere),
        "like_sentence": texts.best_of_sentences(likeness.share(sentences)),
        "like_sentence_named": texts.best_of_sentences(likeness.share(sentences_named)),
        "like_gap": likeness.find_gap(anywhere),
    }


def _measure_cosines(question: Question, candidates: Sequence[Candidate], embedder: Embedder) -> dict[str, Column]:
    """Measure the cosine of the nearest sentence, and that of the name, of each candidate."""
    import numpy as np

    vectors, counts = embed_sentences([c.chunk for c in candidates], [c.words for c in candidates], embedder)
    cosines = vectors @ question.vector
    bounds = [0, *np.cumsum(counts).tolist()]
    return {
        "sentence_cosine": [float(cosines[a + 1 : b].max()) if b > a + 1 else 0.0 for a, b in pairwise(bounds)],
        "heading_cosine": [float(cosines[a]) for a, _ in pairwise(bounds)],
    }
