"""Train the reader again, from random weights: `python -m rag.models.train_reader --data DIR --topics DIR [--device cuda]`.

The reader sees a question and a passage together and says of each sentence whether it answers (`rag.retrieval.reader_input`). --data
and --topics are those of `rag.models.train`, whose model lends the pieces, their first vectors and the near wrong passages. A large
teacher guesses masked pieces, then tells right passages from near ones; a small student does the same, and half of what it learns is
how the teacher judges. The student alone is exported. What was kept back of topics and encyclopedia measures both.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from rag.indexing.embedding import WEIGHTS_FILE
from rag.indexing.pieces import DEFAULT_MODEL
from rag.indexing.word_vectors import WORDS_FILE, read_rows
from rag.models.reader_data import (
    COUNCIL,
    COUNCIL_QUESTIONS,
    TOPICS,
    Batch,
    Corpus,
    QuestionLists,
    Sequences,
    Source,
    build_corpus,
    find_near,
    pad_rows,
    read_texts,
)
from rag.models.reader_network import Reader, Shape, export_reader, score_passages
from rag.models.topics import Topic, read_topics
from rag.retrieval.reader_input import MASK, MOST_READ, PIECES, READER_FILE

Loss = Callable[[Reader, torch.Tensor, torch.Tensor], torch.Tensor]
Near = NDArray[np.int32]

SOURCES = (
    Source(TOPICS, 3.0, teacher=0.62, student=0.66, batch=96, kept_back=16),
    Source("jaquad", 1.2, teacher=0.2, student=0.2, kept_back=40),
    Source("nta_shitsugi", 1.0, teacher=0.03, student=0.03),
    Source(COUNCIL, 0.8),
    Source("bulletin", 1.0, teacher=0.02, student=0.02),
    Source("law_articles", 0.8, teacher=0.13, student=0.09),
    Source(COUNCIL_QUESTIONS, 0.6),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Some steps of learning. warm_up: the share of the steps in which the learning rate rises; it falls with a cosine."""

    steps: int
    learning_rate: float
    warm_up: float = 0.06


@dataclass(frozen=True, slots=True)
class Training:
    """What one reader goes through. deep: so many of the nearest documents are drawn from; near_share: of the questions that have any."""

    shape: Shape
    guessing: Stage
    answering: Stage
    deep: int
    near_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the training does. The counts of steps are those which the shipped reader took.

    rows, row_length: of the sequences to guess from; masked: the share of their pieces. choices: documents a question; most: ids that
    are read of them, most_measured when it is measured. near: wrong documents found for each question; every: one in so many of them
    is read when it is measured; measured: at most so many questions of a source. start_norm: of the vectors of pieces at the start.
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
    workers: int = min(14, os.cpu_count() or 1)
    seed: int = 0


class Trainer:
    """What both readers learn from. device: "cuda" or "cpu"."""

    def __init__(self, corpus: Corpus, recipe: Recipe, device: str) -> None:
        self._corpus, self._recipe, self._device = corpus, recipe, device
        table = read_rows(DEFAULT_MODEL / WEIGHTS_FILE)
        self._near = find_near(corpus, table, count=recipe.near, device=device)
        self._measured = [
            (source.name, batches)
            for number, source in enumerate(recipe.sources)
            if (batches := list_measured(corpus, self._near, number, recipe))
        ]

    def train(self, training: Training, label: str, teacher: Reader | None = None) -> Reader:
        """Return a reader that has learned to guess, then to answer; teacher: whose judgement it learns too."""
        recipe = self._recipe
        torch.manual_seed(recipe.seed)
        reader = Reader(training.shape, _start_pieces(recipe.start_norm)).to(self._device)
        rows = Sequences(
            self._corpus, recipe.sources, rows=recipe.rows, length=recipe.row_length, seed=recipe.seed + bool(teacher)
        )
        guess = partial(guessing_loss, masked=recipe.masked)
        self._run(reader, rows, guess, training.guessing, f"{label} guessing")
        learn = partial(answering_loss, choices=recipe.choices, teacher=teacher)
        self._run(reader, self._draw_lists(training, teacher), learn, training.answering, f"{label} answering")
        self._report(reader.eval(), label)
        return reader

    def _draw_lists(self, training: Training, teacher: Reader | None) -> QuestionLists:
        recipe, seed = self._recipe, self._recipe.seed + (2 if teacher is None else 3)
        chosen = np.random.default_rng(seed).random(len(self._near)) < training.near_share
        return QuestionLists(
            self._corpus,
            np.where(chosen[:, None], self._near, -1),
            recipe.sources,
            [source.teacher if teacher is None else source.student for source in recipe.sources],
            choices=recipe.choices,
            deep=training.deep,
            most=recipe.most,
            seed=seed,
        )

    def _run(self, reader: Reader, batches: IterableDataset[Batch], loss_of: Loss, stage: Stage, label: str) -> None:
        is_fused = self._device.startswith("cuda")
        optimizer = torch.optim.AdamW(
            reader.parameters(), stage.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=is_fused
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(learning_share, stage=stage))
        loader = DataLoader(batches, batch_size=None, num_workers=self._recipe.workers, pin_memory=is_fused)
        started = time.monotonic()
        for step, (ids, segments) in zip(range(stage.steps), loader, strict=False):
            with self._half_precision():
                loss = loss_of(reader, *(part.to(self._device, non_blocking=True) for part in (ids, segments)))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % 100 == 0:
                _say(f"{label} {step}/{stage.steps} loss {loss.item():.3f}, {time.monotonic() - started:.0f} s")

    @torch.no_grad()
    def _report(self, reader: Reader, label: str) -> None:
        for name, batches in self._measured:
            with self._half_precision():
                scores = [score_passages(reader, *(part.to(self._device) for part in batch)) for batch in batches]
            judged = torch.cat(scores).view(-1, self._recipe.choices).cpu().numpy()
            hit, area = measure_choices(judged)
            _say(f"{label}: {name} {len(judged)} questions, acc@1 of {self._recipe.choices} {hit:.3f}, AUC {area:.3f}")

    def _half_precision(self) -> torch.autocast:
        is_gpu = self._device.startswith("cuda")
        return torch.autocast(self._device.partition(":")[0], dtype=torch.bfloat16, enabled=is_gpu)


def learning_share(step: int, stage: Stage) -> float:
    """Return the share of the learning rate at a step: it rises evenly, then falls with a cosine to a hundredth.

    >>> [round(learning_share(step, Stage(100, 1.0, warm_up=0.1)), 2) for step in (5, 10, 55, 100)]
    [0.5, 1.0, 0.5, 0.01]
    """
    done = step / stage.steps
    if done < stage.warm_up:
        return max(done / stage.warm_up, 0.01)
    return max(0.5 + 0.5 * math.cos(math.pi * (done - stage.warm_up) / (1 - stage.warm_up)), 0.01)


def guessing_loss(reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, masked: float) -> torch.Tensor:
    """Return the cross entropy of the pieces that were chosen; of ten, eight are masked, one is another piece, one is as it was."""
    chosen = (ids < PIECES) & (torch.rand(ids.shape, device=ids.device) < masked)
    how = torch.rand(ids.shape, device=ids.device)
    shown = ids.masked_fill(chosen & (how < 0.8), MASK)
    shown = torch.where(chosen & (how > 0.9), torch.randint_like(ids, 1, PIECES), shown)
    places = chosen.flatten().nonzero()[:, 0]
    return functional.cross_entropy(reader.guess(shown, segments, places).float(), ids.flatten()[places])


def answering_loss(
    reader: Reader, ids: torch.Tensor, segments: torch.Tensor, *, choices: int, teacher: Reader | None
) -> torch.Tensor:
    """Return the loss of choosing the first of each question's documents, and of judging each of them alone.

    With a teacher, half of what is right is what it says.
    """
    scores = score_passages(reader, ids, segments).view(-1, choices)
    chosen = functional.log_softmax(scores, dim=1)
    right = torch.zeros_like(scores)
    right[:, 0] = 1.0
    weights = 0.5 + 0.5 * right
    choosing = -chosen[:, 0].mean()
    if teacher is not None:
        with torch.no_grad():
            said = score_passages(teacher, ids, segments).view(-1, choices)
        told = functional.log_softmax(said, dim=1)
        choosing = (choosing + functional.kl_div(chosen, told, log_target=True, reduction="batchmean")) / 2
        right = (right + said.sigmoid()) / 2
    return choosing + 0.7 * functional.binary_cross_entropy_with_logits(scores, right, weight=weights)


def list_measured(corpus: Corpus, near: Near, source: int, recipe: Recipe) -> list[Batch]:
    """Return what was kept back of a source, in batches: questions with the right document and some of the near ones."""
    needed = recipe.every * (recipe.choices - 1)
    questions = corpus.select_questions(source, kept_back=True)
    questions = questions[(near[questions, :needed] >= 0).all(axis=1)]
    questions = np.random.default_rng(recipe.seed).permutation(questions)[: recipe.measured]
    rows = [
        [
            corpus.lay_out(question, document, most=recipe.most_measured)
            for document in (corpus.owners[question], *near[question, : needed : recipe.every])
        ]
        for question in questions
    ]
    return [pad_rows([row for one in rows[start : start + 128] for row in one]) for start in range(0, len(rows), 128)]


def measure_choices(scores: NDArray[np.floating]) -> tuple[float, float]:
    """Return how often the first of each row is the best, and the AUC of the first ones against all others.

    >>> measure_choices(np.array([[3.0, 1.0, 0.0], [2.0, 4.0, 1.0]]))
    (0.5, 0.75)
    """
    right, wrong = scores[:, 0], np.sort(scores[:, 1:].ravel())
    below = np.searchsorted(wrong, right, side="left") + np.searchsorted(wrong, right, side="right")
    return float((scores.argmax(axis=1) == 0).mean()), float(below.mean() / 2 / len(wrong))


def train_reader(data: Path, topics: Sequence[Topic], recipe: Recipe, *, device: str) -> Reader:
    """Return the student."""
    corpus = build_corpus(read_texts(data, topics, recipe.sources), recipe.sources, seed=recipe.seed)
    _say(f"{len(corpus)} documents, {len(corpus.questions)} questions")
    trainer = Trainer(corpus, recipe, device)
    teacher = trainer.train(recipe.teacher, "teacher")
    return trainer.train(recipe.student, "student", teacher)


def _start_pieces(norm: float) -> torch.Tensor:
    """Return the vectors of words' pieces, of a mean length."""
    pieces = torch.from_numpy(read_rows(DEFAULT_MODEL / WORDS_FILE))
    start: torch.Tensor = pieces * (norm / pieces.norm(dim=1).mean())
    return start


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Train both readers and write the student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="学習データ（*.jsonl.gz）のフォルダー")
    parser.add_argument("--topics", type=Path, required=True, help="話題の文（*.txt）のフォルダー")
    parser.add_argument("--output", type=Path, default=READER_FILE.parent, help="モデルを書き込むフォルダー")
    parser.add_argument("--device", default="cuda", help="計算する装置（既定は cuda。cpu では何日もかかる）")
    arguments = parser.parse_args()
    started = time.monotonic()
    reader = train_reader(arguments.data, read_topics(arguments.topics), Recipe(), device=arguments.device)
    export_reader(reader, arguments.output / READER_FILE.name)
    _say(f"{arguments.output}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
