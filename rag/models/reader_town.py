"""What the reader learns from the invented municipality: questions with the passages that were found, and which of them answer.

`eval.bench.reader_questions` writes the file, one question a line:

    {"question": …, "fold": 0, "is_answerable": true, "passages": [{"name": …, "sentences": […], "labels": [1, 0, null], "label": 1}]}

A label is 1 for what answers, 0 for what does not, and null where that is not known. All texts are folded.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import IterableDataset

from rag.indexing.pieces import cut_pieces
from rag.models.reader_data import Batch, pad_rows, worker_generator
from rag.retrieval.reader_input import NO_END, lay_out

if TYPE_CHECKING:
    from rag.indexing.pieces import Pieces

UNKNOWN, WRONG, RIGHT = -1, 0, 1
_FEWEST = 4  # passages of a question that is learned from
_NO_PIECES = np.zeros(0, dtype=np.int64)
_UNNAMED, _CUT = 0.1, 0.25  # shares of the questions


class TownPassage(NamedTuple):
    """A passage as pieces. label: RIGHT, WRONG or UNKNOWN, labels: the same of each sentence."""

    name: Pieces
    sentences: list[Pieces]
    labels: list[int]
    label: int

    def without_answers(self) -> TownPassage:
        """Return a right passage without the sentences that answer, then wrong; itself where nothing would be left."""
        kept = [number for number, label in enumerate(self.labels) if label != RIGHT]
        sentences = [self.sentences[number] for number in kept]
        if self.label != RIGHT or not any(len(one) for one in sentences):
            return self
        return TownPassage(self.name, sentences, [self.labels[number] for number in kept], WRONG)


class TownQuestion(NamedTuple):
    """A question and the passages that were found, best first."""

    question: Pieces
    fold: int
    passages: list[TownPassage]


def read_town(file: Path) -> list[TownQuestion]:
    """Return the questions of a file."""
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    found = [passage for row in rows for passage in row["passages"]]
    texts = dict.fromkeys(
        [row["question"] for row in rows]
        + [text for passage in found for text in (passage["name"], *passage["sentences"])]
    )
    cut = dict(zip(texts, cut_pieces(list(texts)), strict=True))
    return [
        TownQuestion(cut[row["question"]], row["fold"], [_read_passage(one, cut) for one in row["passages"]])
        for row in rows
    ]


def _read_passage(row: Any, cut: dict[str, Pieces]) -> TownPassage:
    labels = [UNKNOWN if label is None else int(label) for label in row["labels"]]
    if len(labels) != len(row["sentences"]):
        raise ValueError(f"{row['name']}: {len(row['sentences'])} sentences, {len(labels)} labels")
    label = UNKNOWN if row["label"] is None else int(row["label"])
    return TownPassage(cut[row["name"]], [cut[one] for one in row["sentences"]], labels, label)


class TownLists(IterableDataset[Batch]):
    """Questions of the town, each with `choices` of its passages in as many rows; then the labels of the places and of the rows. Never ends.

    One passage is a right one, where there is any; the others are rather drawn from the first ones. Of one question in four the right
    passages come without what answers in them; one question in ten comes without the names of the passages. fold: whose questions are
    left out, None for none.
    """

    def __init__(
        self, town: Sequence[TownQuestion], fold: int | None, *, choices: int, batch: int, most: int, seed: int
    ) -> None:
        self._questions = [one for one in town if one.fold != fold and len(one.passages) >= _FEWEST]
        if not self._questions:
            raise ValueError(
                f"fold {fold}: none of {len(town)} questions with {_FEWEST} passages is left to learn from"
            )
        self._choices, self._batch, self._most, self._seed = choices, batch, most, seed

    def __iter__(self) -> Iterator[Batch]:
        generator = worker_generator(self._seed)
        while True:
            drawn = [self._questions[int(n)] for n in generator.integers(len(self._questions), size=self._batch)]
            rows = list(chain.from_iterable(self.lay_out(one, generator) for one in drawn))
            ids, segments = pad_rows([(ids, segments) for ids, segments, _, _ in rows])
            labels = torch.full(ids.shape, UNKNOWN)
            for row, (_, _, of_places, _) in enumerate(rows):
                labels[row, list(of_places)] = torch.tensor(list(of_places.values()), dtype=torch.int64)
            yield ids, segments, labels, torch.tensor([label for *_, label in rows])

    def lay_out(
        self, asked: TownQuestion, generator: np.random.Generator
    ) -> list[tuple[list[int], list[int], dict[int, int], int]]:
        """Return for each of the passages ids, segments, place -> label, and the passage's label; blank ones, unknown, fill up."""
        is_named, is_cut = generator.random() >= _UNNAMED, generator.random() < _CUT
        drawn = draw_passages(asked.passages, self._choices, generator)
        rows = [
            _lay_out(asked.question, one.without_answers() if is_cut else one, self._most, is_named=is_named)
            for one in drawn
        ]
        blank = lay_out(asked.question, _NO_PIECES, [], most=self._most)
        return rows + [(blank[0], blank[1], {}, UNKNOWN)] * (self._choices - len(rows))


def draw_passages(passages: Sequence[TownPassage], count: int, generator: np.random.Generator) -> list[TownPassage]:
    """Return up to `count` passages: a right one first, where there is any, the others as likely as they stand before others."""
    right = [number for number, passage in enumerate(passages) if passage.label == RIGHT]
    first = [int(generator.choice(right))] if right else []
    weights = 1 / (np.arange(len(passages)) + 2)
    weights[first] = 0
    others = min(count, len(passages)) - len(first)
    if others:
        first += generator.choice(len(passages), others, replace=False, p=weights / weights.sum()).tolist()
    return [passages[number] for number in first]


def _lay_out(
    question: Pieces, passage: TownPassage, most: int, *, is_named: bool
) -> tuple[list[int], list[int], dict[int, int], int]:
    ids, segments, ends = lay_out(question, passage.name if is_named else _NO_PIECES, passage.sentences, most=most)
    labels = {end: label for end, label in zip(ends, passage.labels, strict=False) if end != NO_END}
    is_beyond = passage.label == RIGHT and RIGHT not in labels.values()  # what answers was too far behind
    return ids, segments, labels, UNKNOWN if is_beyond else passage.label
