"""How well a unit answers a question: features of its words, its vector and its neighbours, and the probability they make.

The weights stand in units.json, learned by `python -m eval.bench.units DATA` on questions whose answer is marked in its passage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rag.answering.answer_type import Wanted, find_wanted
from rag.answering.units import Unit, split_cells
from rag.documents import Chunk, ChunkKind, Passage, Span
from rag.retrieval.learned import LinearModel, read_model
from rag.retrieval.likeness import Likeness
from rag.retrieval.query import Query, Question
from rag.retrieval.ranges import NamedNumbers
from rag.retrieval.sentences import KnownText, embed_stretches
from rag.text import fold, morphemes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder

MODEL_FILE = Path(__file__).with_name("units.json")
FEATURES = (
    "passage",  # score of its passage
    "ratio",  # the same, of the best passage's
    "first_passage",
    "coverage",  # weighted share of the asked words in it, those around it counted in part
    "coverage_lead",  # the same, less that of the best unit
    "own",  # weighted share of the asked words in it alone
    "before",  # the same of the unit before, in the same passage
    "after",
    "cosine",
    "cosine_lead",  # cosine, less that of the nearest unit
    "passage_coverage",  # score of the passage times coverage
    "opening",  # the first sentence of its passage
    "heading",  # it is one, and no list follows
    "value",  # it holds what was asked for: an amount, a day, …
    "no_value",  # that could be pointed at, and it does not
    "runs",  # share of the question's runs of three characters
    "length",  # logarithm of its characters
    "news",  # share of its words that the question does not have
    "cell",  # a cell of the row stands in the question as a word of its own (会長, not the 会長 of 副会長)
    "in_range",  # its ranges (320万円以上420万円未満) hold the numbers that the question names
    "out_of_range",  # … do not
    "likeness",  # how near its words, and in part those around it, come to the asked ones (see retrieval.likeness)
    "likeness_lead",  # the same, less that of the likeliest unit
    "own_likeness",  # of its words alone
    "own_likeness_lead",
    "likeness_gap",  # weighted share of the asked word that it is furthest from, as far as it is
)
"""The names, in the order of the columns."""
_NEAR_WEIGHT = 0.5  # of an asked word that stands in the unit before
_HEADING_WEIGHT = 0.75  # … in the headings
_TITLE_WEIGHT = 0.3  # … in the document's title only
_RUN = 3
_INSIDE = re.compile("[一-鿿々ァ-ヴーa-z0-9]")
_NUMBER_CELL = re.compile(r"(?:^|\t|\|)\s*[0-9０-９]")


@dataclass(frozen=True, slots=True)
class Measured:
    """Units with their features, shape (units, FEATURES); coverage: of each, as in the features."""

    units: tuple[Unit, ...]
    features: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature of all units."""
        column: NDArray[np.float32] = self.features[:, FEATURES.index(name)]
        return column


def score_units(measured: Measured, model: LinearModel | None = None) -> list[Unit]:
    """Return the units with the probability that each answers the question."""
    if not measured.units:
        return []
    model = model or read_model(MODEL_FILE)
    scores = model.score(model.contributions(measured.features, FEATURES))
    return [replace(unit, score=float(score)) for unit, score in zip(measured.units, scores, strict=True)]


def measure_units(
    question: Question,
    weights: Mapping[str, float],
    passages: Sequence[Passage],
    units: Sequence[Unit],
    known: Mapping[str, KnownText],
    embedder: Embedder,
) -> Measured:
    """Return the features of units.

    weights: inverse document frequency of the question's words. known: chunk id -> what the index knows of its text.
    """
    import numpy as np

    if not units:
        return Measured((), np.zeros((0, len(FEATURES)), dtype=np.float32))
    asked = _Asked(question.query, weights)
    texts = [known[passages[unit.passage].chunk.id] for unit in units]
    spans = [_spans_to_read(unit, passages[unit.passage].chunk) for unit in units]
    words = [
        frozenset().union(*(text.words_within(*span) for span in of_unit))
        for text, of_unit in zip(texts, spans, strict=True)
    ]
    own = [asked.held(found) for found in words]
    shares = [asked.share(found) for found in own]
    read = {unit.passage: (passages[unit.passage].chunk, text) for unit, text in zip(units, texts, strict=True)}
    together = {number: _read_together(chunk, text) for number, (chunk, text) in read.items()}
    coverage = asked.cover(passages, units, own, known, together)
    stretches = [(passages[unit.passage].chunk, of_unit) for unit, of_unit in zip(units, spans, strict=True)]
    cosines = embed_stretches(stretches, known, embedder) @ question.vector
    best = max(max(passage.score for passage in passages), 1e-9)
    near = Likeness(question.query, weights, embedder)
    likeness, own_likeness, gap = _measure_likeness(near, passages, units, words, texts, together)
    rows = []
    for i, (unit, text) in enumerate(zip(units, texts, strict=True)):
        stands_alone = passages[unit.passage].chunk.kind is not ChunkKind.TEXT  # rows do not go on from one another
        is_opening = i == 0 or units[i - 1].passage != unit.passage
        is_last = i + 1 == len(units) or units[i + 1].passage != unit.passage
        score = passages[unit.passage].score
        value = asked.finds_value(unit, passages)
        fits = asked.numbers.fit_text(unit.text(passages))
        rows.append(
            (
                score,
                score / best,
                unit.passage == 0,
                coverage[i],
                coverage[i] - max(coverage),
                shares[i],
                0.0 if is_opening or stands_alone else shares[i - 1],
                0.0 if is_last or stands_alone else shares[i + 1],
                cosines[i],
                cosines[i] - cosines.max(),
                score * coverage[i],
                is_opening and not stands_alone,
                unit.is_heading and (is_last or not units[i + 1].is_item),
                value,
                asked.wanted.is_value and not value,
                asked.share_of_runs("\n".join(s.folded for span in spans[i] for s in text.within(*span))),
                math.log1p(sum(end - start for start, end in spans[i])) / 5,
                len(words[i] - asked.terms) / max(1, len(words[i])),
                passages[unit.passage].chunk.kind is ChunkKind.ROW and asked.names_cell(unit.text(passages)),
                fits > 0,
                fits < 0,
                likeness[i],
                likeness[i] - likeness.max(),
                own_likeness[i],
                own_likeness[i] - own_likeness.max(),
                gap[i],
            )
        )
    features = np.array(rows, dtype=np.float32)
    _level_rows(features, passages, units)
    return Measured(tuple(units), features)


def _measure_likeness(
    likeness: Likeness,
    passages: Sequence[Passage],
    units: Sequence[Unit],
    words: Sequence[frozenset[str]],
    texts: Sequence[KnownText],
    together: Mapping[int, frozenset[str]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the likeness of units with what stands around them, and without, and the gap with it, each of shape (units,).

    words: of each unit; texts: that each is of. together: number of a passage -> the words that its units are read together with.
    """
    import numpy as np

    goes_on = [
        i > 0 and units[i - 1].passage == unit.passage and passages[unit.passage].chunk.kind is not ChunkKind.ROW
        for i, unit in enumerate(units)
    ]
    groups = (
        words,
        [together[unit.passage] for unit in units],
        [text.headings | text.question for text in texts],
        [words[i - 1] if goes_on[i] else frozenset() for i in range(len(units))],
        [text.title for text in texts],
    )
    near = likeness.compare([text for group in groups for text in group])
    own, beside, headings, before, title = np.split(near, len(groups))
    around = (beside, _HEADING_WEIGHT * headings, _NEAR_WEIGHT * before, _TITLE_WEIGHT * title)
    read = np.maximum.reduce([own, *around])
    return likeness.share(read), likeness.share(own), likeness.find_gap(read)


def _level_rows(features: NDArray[np.float32], passages: Sequence[Passage], units: Sequence[Unit]) -> None:
    """Give the rows of one table the same cosine, length and news: among them these say nothing, and were learned of sentences."""
    places = [FEATURES.index(name) for name in ("cosine", "length", "news")]
    for number in {unit.passage for unit in units if passages[unit.passage].chunk.kind is ChunkKind.ROW}:
        rows = [i for i, unit in enumerate(units) if unit.passage == number]
        for place in places:
            features[rows, place] = features[rows, place].mean()


def _spans_to_read(unit: Unit, chunk: Chunk) -> tuple[Span, ...]:
    """Return what a unit says: a row says nothing without its header."""
    own = Span(unit.start, unit.end)
    return (*_header_spans(chunk), own) if chunk.kind is ChunkKind.ROW else (own,)


def _header_spans(chunk: Chunk) -> list[Span]:
    return [Span(offset, offset + s.end - s.start) for offset, s in islice(chunk.segment_offsets(), chunk.context)]


class _Asked:
    """A question, ready to be compared with many units."""

    def __init__(self, query: Query, weights: Mapping[str, float]) -> None:
        self._query, self._weights = query, weights
        self._total = sum(weights.values()) or 1.0
        self.terms = frozenset(query.terms)
        self.wanted: Wanted = find_wanted(query.text)
        folded = fold(query.text)
        self._folded = folded
        self.numbers = NamedNumbers.of(query.text)
        self._runs = frozenset(folded[i : i + _RUN] for i in range(len(folded) - _RUN + 1))

    def held(self, words: frozenset[str]) -> frozenset[str]:
        return self._query.held_in(words)

    def share(self, words: frozenset[str]) -> float:
        return sum(self._weights[word] for word in words) / self._total

    def share_of_runs(self, folded: str) -> float:
        return sum(run in folded for run in self._runs) / max(1, len(self._runs))

    def names_cell(self, row: str) -> bool:
        """Tell whether the question names a cell of a row: no letter of the same word goes on before or behind it."""
        cells = (fold(cell).strip() for cell in split_cells(row))
        return any(len(cell) > 1 and _stands_alone(cell, self._folded) for cell in cells)

    def finds_value(self, unit: Unit, passages: Sequence[Passage]) -> bool:
        """Tell whether a unit holds what was asked for; in a table, the unit of a number stands in the header."""
        text = unit.text(passages)
        if not self.wanted.is_value:
            return False
        is_row = passages[unit.passage].chunk.kind is ChunkKind.ROW
        return bool(self.wanted.find(text) or (is_row and self.wanted.is_number and _NUMBER_CELL.search(text)))

    def cover(
        self,
        passages: Sequence[Passage],
        units: Sequence[Unit],
        own: Sequence[frozenset[str]],
        known: Mapping[str, KnownText],
        read_together: Mapping[int, frozenset[str]],
    ) -> list[float]:
        """Return for each unit the weighted share of the asked words in it and, in part, around it.

        An official answer is read together with its question, a row with its header and caption, a heading with those above it:
        their words count in full.
        """
        found: list[float] = []
        nothing: frozenset[str] = frozenset()
        near = heading = together = title = nothing
        for index, unit in enumerate(units):
            chunk = passages[unit.passage].chunk
            if index == 0 or units[index - 1].passage != unit.passage:
                text = known[chunk.id]
                near, heading, title = nothing, self.held(text.headings), self.held(text.title)
                together = self.held(read_together[unit.passage])
            words = own[index] | together | (heading if unit.is_heading else nothing)
            above, before = heading - words, near - heading - words
            rest = title - above - before - words
            around = _HEADING_WEIGHT * self.share(above) + _NEAR_WEIGHT * self.share(before)
            found.append(self.share(words) + around + _TITLE_WEIGHT * self.share(rest))
            near = nothing if chunk.kind is ChunkKind.ROW else words
            heading = words if unit.is_heading else heading
        return found


def _stands_alone(word: str, text: str) -> bool:
    """Tell whether a word stands in a text with no kanji, katakana, letter or digit next to it.

    >>> _stands_alone("会長", "審議会の会長は"), _stands_alone("会長", "副会長は"), _stands_alone("川瀬", "川瀬出張所")
    (True, False, False)
    """
    at = text.find(word)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(word) : at + len(word) + 1]
        if not _INSIDE.search(around):
            return True
        at = text.find(word, at + 1)
    return False


def _read_together(chunk: Chunk, text: KnownText) -> frozenset[str]:
    """Return the words that the units of a chunk are read together with: the question of a Q&A pair; the header and caption of a table."""
    if chunk.question:
        return text.question
    if chunk.kind is not ChunkKind.ROW:
        return frozenset()
    caption = frozenset(morphemes(chunk.headings[-1])) if chunk.headings else frozenset[str]()
    return caption.union(*(text.words_within(*span) for span in _header_spans(chunk)))
