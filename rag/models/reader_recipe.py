"""What the training of the reader does, as one value. The counts of steps are those which the shipped networks took."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from rag.models.reader_data import COUNCIL, COUNCIL_QUESTIONS, TOPICS, Source
from rag.models.reader_network import Shape
from rag.retrieval.reader_input import MOST_READ

SOURCES = (
    Source(TOPICS, 3.0, teacher=0.62, student=0.66, batch=96, general=0.72, general_batch=64, kept_back=16),
    Source("jaquad", 1.2, teacher=0.2, student=0.2, general=0.23, general_batch=40, kept_back=40),
    Source("nta_shitsugi", 1.0, teacher=0.03, student=0.03, general=0.03),
    Source(COUNCIL, 0.8),
    Source("bulletin", 1.0, teacher=0.02, student=0.02, general=0.02),
    Source("law_articles", 0.8, teacher=0.13, student=0.09),
    Source(COUNCIL_QUESTIONS, 0.6),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Some steps of learning. warm_up: the share of the steps in which the learning rate rises; it falls with a cosine.

    keeps_pieces: whether the vectors of the pieces stay as they are.
    """

    steps: int
    learning_rate: float
    warm_up: float = 0.06
    keeps_pieces: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """What teacher or student goes through. deep: so many of the nearest documents are drawn from; near_share: of the questions that have any."""

    shape: Shape
    guessing: Stage
    answering: Stage
    deep: int
    near_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the training does.

    rows, row_length: of the sequences to guess from; masked: the share of their pieces. choices: documents a question; most: ids that
    are read of them, most_measured when it is measured. near: wrong documents found for each question; every: one in so many of them
    is read when it is measured; measured: at most so many questions of a source. start_norm: of the vectors of pieces at the start.

    passages: what the student learns on, all its layers. Of the network for sentences, layers: those of the student that it begins with;
    whole, apart, town: what it learns one after the other. Of all these stages, deep: as in `Training`; examined: so many of a question's
    documents are judged sentence by sentence too; town_batch, town_choices: questions a batch of the town, and their passages.
    """

    sources: tuple[Source, ...] = SOURCES
    teacher: Training = Training(
        Shape(width=512, layers=6, heads=8, inner=2_048, dropout=0.1), Stage(2_710, 7e-4), Stage(1_868, 2e-4), deep=40
    )
    student: Training = Training(
        Shape(width=256, layers=4, heads=4, inner=1_024),
        Stage(2_372, 1.3e-3),
        Stage(1_489, 3e-4, warm_up=0.1),
        deep=24,
        near_share=0.55,
    )
    passages: Stage = Stage(1_380, 3e-4, warm_up=0.05)
    layers: tuple[int, ...] = (0, 2)
    whole: Stage = Stage(1_998, 5e-4, warm_up=0.05)
    apart: Stage = Stage(1_395, 4e-4, warm_up=0.05)
    town: Stage = Stage(299, 2e-4, warm_up=0.1, keeps_pieces=True)
    rows: int = 640
    row_length: int = 128
    masked: float = 0.22
    choices: int = 8
    most: int = MOST_READ
    most_measured: int = 224
    near: int = 48
    every: int = 3
    measured: int = 1_024
    start_norm: float = 0.6
    deep: int = 24
    examined: int = 3
    town_batch: int = 64
    town_choices: int = 6
    workers: int = min(14, os.cpu_count() or 1)
    seed: int = 0


def learning_share(step: int, stage: Stage) -> float:
    """Return the share of the learning rate at a step: it rises evenly, then falls with a cosine to a hundredth.

    >>> [round(learning_share(step, Stage(100, 1.0, warm_up=0.1)), 2) for step in (5, 10, 55, 100)]
    [0.5, 1.0, 0.5, 0.01]
    """
    done = step / stage.steps
    if done < stage.warm_up:
        return max(done / stage.warm_up, 0.01)
    return max(0.5 + 0.5 * math.cos(math.pi * (done - stage.warm_up) / (1 - stage.warm_up)), 0.01)
