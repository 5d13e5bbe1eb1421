"""How well a unit answers a question: features of its words, its vector, its neighbours and its kind (`unit_model` weighs them)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rag.answering.answer_type import AnswerType
from rag.answering.asked import HEADING_WEIGHT, NEAR_WEIGHT, TITLE_WEIGHT, Asked
from rag.answering.rows import read_headings, read_row, words_of
from rag.answering.sections import find_words_above
from rag.answering.units import Unit
from rag.documents import Chunk, ChunkKind, Passage, Span
from rag.retrieval.likeness import Likeness
from rag.retrieval.query import Question
from rag.retrieval.reader import UNREAD
from rag.retrieval.sentences import KnownText, embed_stretches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.indexing.embedding import Embedder

MEASURES = (
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
    "value",  # it holds what was asked for: an amount, a day, …; a row, in the column that is asked for
    "no_value",  # that could be pointed at, and it does not
    "runs",  # share of the question's runs of three characters
    "length",  # logarithm of its characters
    "news",  # share of its words that the question does not have
    "cell",  # a cell of the row stands in the question as a word of its own (会長, not the 会長 of 副会長)
    "name_news",  # share of the words of the cell that names the row which the question does not have
    "column",  # weighted share of the question that the heading of the column that it names holds
    "blank_column",  # nothing stands there
    "in_range",  # its ranges (320万円以上420万円未満) hold the numbers that the question names
    "out_of_range",  # … do not
    "likeness",  # how near its words, and in part those around it, come to the asked ones (see retrieval.likeness)
    "likeness_lead",  # the same, less that of the likeliest unit
    "own_likeness",  # of its words alone
    "own_likeness_lead",
    "likeness_gap",  # weighted share of the asked word that it is furthest from, as far as it is
    "section",  # weighted share of the asked words in the headings above it, and in its official question
    "section_likeness",  # how near those come to the asked words
    "read",  # log odds of its likeliest sentence, by the reader (see retrieval.reader)
    "read_lead",  # the same, less that of the likeliest unit
)
"""How much a unit has of what is asked: what a sum can weigh."""
_FLAGS = (
    "is_item",
    "is_lead_in",
    "points_ahead",
    "points_back",
    "is_exception",
    "is_wish",
    "is_preamble",
    "is_heading",
)
KINDS = (
    *_FLAGS,
    "is_row",
    "is_official",
    "rank",  # of its passage, in tens
    *(f"asks_{type_.value}" for type_ in AnswerType),
    "asks_value",
)
"""What kind of unit it is, and what kind of question: what the measures mean differs by them."""
FEATURES = (*MEASURES, *KINDS)
"""The names, in the order of the columns."""
Columns = dict[str, "Sequence[float] | NDArray[np.floating[Any]]"]
"""Features by name, a value for each unit."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Units with their features, shape (units, FEATURES)."""

    units: tuple[Unit, ...]
    features: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature of all units."""
        column: NDArray[np.float32] = self.features[:, FEATURES.index(name)]
        return column


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
    reading = _Reading(Asked(question.query, weights), passages, units, known)
    columns = {
        **reading.measure_place(),
        **reading.measure_words(),
        **reading.measure_kind(),
        **reading.measure_cosines(question, embedder),
        **reading.measure_likeness(Likeness(question.query, weights, embedder)),
        **reading.measure_odds(),
    }
    features = np.stack([np.asarray(columns[name], dtype=np.float32) for name in FEATURES], axis=1)
    _level_rows(features, passages, units)
    return Measured(tuple(reading.mark_columns()), features)


class _Reading:
    """Units with what they are read together with; the measures come as columns, a value for each unit."""

    def __init__(
        self, asked: Asked, passages: Sequence[Passage], units: Sequence[Unit], known: Mapping[str, KnownText]
    ) -> None:
        self._asked, self._passages, self._units, self._known = asked, passages, units, known
        self._chunks = [passages[unit.passage].chunk for unit in units]
        self._texts = [known[chunk.id] for chunk in self._chunks]
        self._spans = [_spans_to_read(unit, chunk) for unit, chunk in zip(units, self._chunks, strict=True)]
        self._is_row = [chunk.kind is ChunkKind.ROW for chunk in self._chunks]
        self._cells = [
            read_row(chunk, unit.start, unit.end) if is_row else []
            for unit, chunk, is_row in zip(units, self._chunks, self._is_row, strict=True)
        ]
        header = [
            frozenset[str]().union(*map(words_of, read_headings(chunk, cells) if cells else ()))
            for chunk, cells in zip(self._chunks, self._cells, strict=True)
        ]
        own = [text.words_within(unit.start, unit.end) for unit, text in zip(units, self._texts, strict=True)]
        self._words = [said | words for said, words in zip(own, header, strict=True)]
        self._together = [
            _read_together(chunk, text) | words
            for chunk, text, words in zip(self._chunks, self._texts, header, strict=True)
        ]
        self._rows = [
            asked.read_row(cells, said, " ".join(chunk.headings[-1:])) if cells else None
            for cells, said, chunk in zip(self._cells, own, self._chunks, strict=True)
        ]
        self._said = [unit.text(passages) for unit in units]
        self._fits = [asked.numbers.fit_text(text) for text in self._said]
        inside = find_words_above(units, self._words, passages)
        self._above = [t.headings | t.question | words for t, words in zip(self._texts, inside, strict=True)]
        self._is_text = [chunk.kind is ChunkKind.TEXT for chunk in self._chunks]
        self._opens = [i == 0 or units[i - 1].passage != unit.passage for i, unit in enumerate(units)]
        self._ends = [*self._opens[1:], True]

    def mark_columns(self) -> list[Unit]:
        """Return the units, rows with the columns that were asked for, and whether their ranges leave the asked numbers out."""
        return [
            replace(unit, columns=row.columns, is_out_of_range=fit < 0) if row else unit
            for unit, row, fit in zip(self._units, self._rows, self._fits, strict=True)
        ]

    def measure_place(self) -> Columns:
        """Measure the passage of each unit, and where the unit stands in it."""
        import numpy as np

        scores = np.array([self._passages[unit.passage].score for unit in self._units])
        best = max(max(passage.score for passage in self._passages), 1e-9)
        items = [unit.is_item for unit in self._units]
        leads = [not end and item for end, item in zip(self._ends, [*items[1:], False], strict=True)]
        return {
            "passage": scores,
            "ratio": scores / best,
            "first_passage": [unit.passage == 0 for unit in self._units],
            "opening": [opens and is_text for opens, is_text in zip(self._opens, self._is_text, strict=True)],
            "heading": [unit.is_heading and not lead for unit, lead in zip(self._units, leads, strict=True)],
            "length": [math.log1p(sum(end - start for start, end in spans)) / 5 for spans in self._spans],
        }

    def measure_words(self) -> Columns:
        """Measure how much of the asked words each unit holds, by itself and with what stands around it, and what else it says."""
        import numpy as np

        asked, words = self._asked, self._words
        held = [asked.held(found) for found in words]
        own = [asked.share(found) for found in held]
        coverage = np.array(asked.cover(self._passages, self._units, held, self._known, self._together))
        before = [0.0, *own[:-1]]
        after = [*own[1:], 0.0]
        return {
            "own": own,
            "before": [x * (t and not o) for x, t, o in zip(before, self._is_text, self._opens, strict=True)],
            "after": [x * (t and not e) for x, t, e in zip(after, self._is_text, self._ends, strict=True)],
            "coverage": coverage,
            "coverage_lead": coverage - coverage.max(),
            "passage_coverage": coverage * [self._passages[unit.passage].score for unit in self._units],
            "section": [asked.share(asked.held(above)) for above in self._above],
            "news": [len(found - asked.terms) / max(1, len(found)) for found in words],
            "runs": [
                asked.share_of_runs("\n".join(s.folded for span in spans for s in text.within(*span)))
                for text, spans in zip(self._texts, self._spans, strict=True)
            ],
        }

    def measure_kind(self) -> Columns:
        """Measure whether each unit holds the kind of thing that is asked for, and tell what kind of unit it is."""
        asked, units, wanted = self._asked, self._units, self._asked.wanted
        values = [
            row.has_value if row else asked.finds_value(text) for row, text in zip(self._rows, self._said, strict=True)
        ]
        return {
            "value": values,
            "no_value": [wanted.is_value and not value for value in values],
            "cell": [row is not None and row.names_cell for row in self._rows],
            "name_news": [row.name_news if row else 0.0 for row in self._rows],
            "column": [row.column_share if row else 0.0 for row in self._rows],
            "blank_column": [row is not None and row.is_blank for row in self._rows],
            "in_range": [fit > 0 for fit in self._fits],
            "out_of_range": [fit < 0 for fit in self._fits],
            **{flag: [getattr(unit, flag) for unit in units] for flag in _FLAGS},
            "is_row": self._is_row,
            "is_official": [chunk.kind is ChunkKind.QA for chunk in self._chunks],
            "rank": [unit.passage / 10 for unit in units],
            **{f"asks_{type_.value}": [wanted.type is type_] * len(units) for type_ in AnswerType},
            "asks_value": [wanted.is_value] * len(units),
        }

    def measure_cosines(self, question: Question, embedder: Embedder) -> Columns:
        """Measure how near each unit comes to the question as a whole."""
        stretches = list(zip(self._chunks, self._spans, strict=True))
        cosines = embed_stretches(stretches, self._known, embedder) @ question.vector
        return {"cosine": cosines, "cosine_lead": cosines - cosines.max()}

    def measure_likeness(self, likeness: Likeness) -> Columns:
        """Measure how near the words of each unit, and those around it, come to the asked ones."""
        import numpy as np

        goes_on = [not (opens or row) for opens, row in zip(self._opens, self._is_row, strict=True)]
        groups = (
            self._words,
            self._together,
            self._above,
            [self._words[i - 1] if goes_on[i] else frozenset() for i in range(len(self._units))],
            [text.title for text in self._texts],
        )
        near = likeness.compare([text for group in groups for text in group])
        own, beside, above, before, title = np.split(near, len(groups))
        heads = np.where([[unit.is_heading] for unit in self._units], above, HEADING_WEIGHT * above)
        read = np.maximum.reduce([own, beside, heads, NEAR_WEIGHT * before, TITLE_WEIGHT * title])
        shares, own_shares = likeness.share(read), likeness.share(own)
        return {
            "likeness": shares,
            "likeness_lead": shares - shares.max(),
            "own_likeness": own_shares,
            "own_likeness_lead": own_shares - own_shares.max(),
            "likeness_gap": likeness.find_gap(read),
            "section_likeness": likeness.share(above),
        }

    def measure_odds(self) -> Columns:
        """Measure what the reader says of each unit; what it did not read counts as nothing to do with the question."""
        import numpy as np

        odds = [
            max((odds[number] for number in text.numbers_within(unit.start, unit.end)), default=UNREAD)
            if odds
            else UNREAD
            for unit, text in zip(self._units, self._texts, strict=True)
            for odds in (self._passages[unit.passage].sentence_odds,)
        ]
        read = np.maximum(odds, UNREAD)
        return {"read": read, "read_lead": read - read.max()}


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
    return (*chunk.header, own) if chunk.kind is ChunkKind.ROW else (own,)


def _read_together(chunk: Chunk, text: KnownText) -> frozenset[str]:
    """Return the words that all units of a chunk are read together with: the question of a Q&A pair, the caption of a table."""
    if chunk.question:
        return text.question
    is_table = chunk.kind is ChunkKind.ROW and chunk.headings
    return words_of(chunk.headings[-1]) if is_table else frozenset()
