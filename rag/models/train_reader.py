"""Train the reader again, from random weights: `python -m rag.models.train_reader --data DIR --topics DIR --town FILE [--readers DIR]`.

A reader sees a question and a passage together (`rag.retrieval.reader_input`). --data and --topics are those of `rag.models.train`,
whose model lends the pieces, their first vectors and the near wrong passages; --town is what `eval.bench.reader_questions` writes.

1. A large teacher guesses masked pieces, then tells right passages from near ones; a student of four layers does the same, and half
   of what it learns is how the teacher judges.
2. The student learns on, from the teacher also sentence by sentence, reading the whole passage: passages.onnx.
3. Two layers of the student of 1. learn the same way, first reading the whole passage, then each sentence apart, and last the questions
   of the town too: sentences.onnx. With --readers also without the questions of each fold: DIR/0/sentences.onnx, DIR/1/…; with those is
   fitted what ships beside the reader. (The town's questions made passages.onnx worse, so it learns none, and is one for all folds.)

What was kept back of topics and encyclopedia measures all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset

from rag.indexing.embedding import WEIGHTS_FILE
from rag.indexing.pieces import DEFAULT_MODEL
from rag.indexing.word_vectors import WORDS_FILE, read_rows
from rag.models.reader_data import (
    Batch,
    Corpus,
    QuestionLists,
    Sequences,
    build_corpus,
    find_near,
    pad_rows,
    read_texts,
)
from rag.models.reader_losses import answering_loss, general_loss, guessing_loss, town_loss
from rag.models.reader_network import Reader, copy_reader, export_reader, score_passages, take_layers
from rag.models.reader_recipe import Recipe, Stage, Training, learning_share
from rag.models.reader_town import TownLists, TownQuestion, read_town
from rag.models.topics import Topic, read_topics
from rag.retrieval.reader_input import PASSAGES_FILE, READER, SENTENCES_FILE

Loss = Callable[..., torch.Tensor]
"""Called with a reader and the parts of a batch."""
Stream = tuple[IterableDataset[Batch], Loss]
Near = NDArray[np.int32]


class Trainer:
    """What all readers learn from. device: "cuda" or "cpu"."""

    def __init__(self, corpus: Corpus, town: Sequence[TownQuestion], recipe: Recipe, device: str) -> None:
        self._corpus, self._town, self._recipe, self._device = corpus, town, recipe, device
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
        self._run(reader, [(rows, guess)], training.guessing, f"{label} guessing")
        learn = partial(answering_loss, choices=recipe.choices, teacher=teacher)
        self._run(reader, [(self._draw_lists(training, teacher), learn)], training.answering, f"{label} answering")
        self._report(reader.eval(), label)
        return reader

    def finish_passages(self, student: Reader, teacher: Reader) -> Reader:
        """Return a copy of a student that has learned on with the whole passage."""
        passages = copy_reader(student, apart=False)
        self._learn(passages, [self._list_general(teacher)], self._recipe.passages, "passages")
        return passages

    def finish_sentences(self, student: Reader, teacher: Reader) -> Reader:
        """Return a reader of some of a student's layers that has learned to read each sentence apart, but not the town's questions."""
        recipe, streams = self._recipe, [self._list_general(teacher)]
        whole = take_layers(student, recipe.layers, apart=False)
        self._learn(whole, streams, recipe.whole, "sentences whole")
        sentences = copy_reader(whole, apart=True)
        self._learn(sentences, streams, recipe.apart, "sentences apart")
        return sentences

    def learn_town(self, sentences: Reader, teacher: Reader, fold: int | None) -> Reader:
        """Return a copy of a reader that has learned the town's questions too; fold: without those of it."""
        recipe, label = self._recipe, "sentences town" if fold is None else f"sentences town without {fold}"
        learned, choices = copy_reader(sentences, apart=True), recipe.town_choices
        lists = TownLists(
            self._town, fold, choices=choices, batch=recipe.town_batch, most=recipe.most, seed=recipe.seed
        )
        streams: list[Stream] = [(lists, partial(town_loss, choices=choices)), self._list_general(teacher)]
        self._learn(learned, streams, recipe.town, label)
        return learned

    def _learn(self, reader: Reader, streams: Sequence[Stream], stage: Stage, label: str) -> None:
        self._run(reader, streams, stage, label)
        self._report(reader.eval(), label)

    def _list_general(self, teacher: Reader) -> Stream:
        recipe = self._recipe
        lists = QuestionLists(
            self._corpus,
            self._near,
            [replace(source, batch=source.general_batch) for source in recipe.sources],
            [source.general for source in recipe.sources],
            choices=recipe.choices,
            deep=recipe.deep,
            most=recipe.most,
            seed=recipe.seed + 4,
        )
        return lists, partial(general_loss, choices=recipe.choices, examined=recipe.examined, teacher=teacher)

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

    def _run(self, reader: Reader, streams: Sequence[Stream], stage: Stage, label: str) -> None:
        """Learn from batches of all streams in turns."""
        is_fused = self._device.startswith("cuda")
        reader.train().pieces.weight.requires_grad_(not stage.keeps_pieces)
        learning = [weight for weight in reader.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(
            learning, stage.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=is_fused
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(learning_share, stage=stage))
        turns = cycle([(iter(self._load(batches)), loss_of) for batches, loss_of in streams])
        started = time.monotonic()
        for step, (batches, loss_of) in zip(range(stage.steps), turns, strict=False):
            with self._half_precision():
                loss = loss_of(reader, *(part.to(self._device, non_blocking=True) for part in next(batches)))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimizer.step()
            schedule.step()
            if step % 100 == 0:
                _say(f"{label} {step}/{stage.steps} loss {loss.item():.3f}, {time.monotonic() - started:.0f} s")

    def _load(self, batches: IterableDataset[Batch]) -> DataLoader[Batch]:
        is_pinned = self._device.startswith("cuda")
        return DataLoader(batches, batch_size=None, num_workers=self._recipe.workers, pin_memory=is_pinned)

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


def train_readers(
    data: Path,
    topics: Sequence[Topic],
    town: Path,
    recipe: Recipe,
    *,
    device: str,
    output: Path,
    readers: Path | None = None,
) -> Iterator[tuple[Path, Reader]]:
    """Yield each network as soon as it is trained, with the file that it is for: two in output, and one for each fold in readers."""
    asked = read_town(town)
    corpus = build_corpus(read_texts(data, topics, recipe.sources), recipe.sources, seed=recipe.seed)
    _say(f"{len(corpus)} documents, {len(corpus.questions)} questions, {len(asked)} of the town")
    trainer = Trainer(corpus, asked, recipe, device)
    teacher = trainer.train(recipe.teacher, "teacher")
    student = trainer.train(recipe.student, "student", teacher)
    yield output / PASSAGES_FILE.name, trainer.finish_passages(student, teacher)
    sentences = trainer.finish_sentences(student, teacher)
    yield output / SENTENCES_FILE.name, trainer.learn_town(sentences, teacher, None)
    if readers is None:
        return
    for fold in sorted({question.fold for question in asked}):
        yield readers / str(fold) / SENTENCES_FILE.name, trainer.learn_town(sentences, teacher, fold)


def _start_pieces(norm: float) -> torch.Tensor:
    """Return the vectors of words' pieces, of a mean length."""
    pieces = torch.from_numpy(read_rows(DEFAULT_MODEL / WORDS_FILE))
    start: torch.Tensor = pieces * (norm / pieces.norm(dim=1).mean())
    return start


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Train all readers and write those that ship, and those of the folds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="学習データ（*.jsonl.gz）のフォルダー")
    parser.add_argument("--topics", type=Path, required=True, help="話題の文（*.txt）のフォルダー")
    parser.add_argument("--town", type=Path, required=True, help="町の質問と断片（eval.bench.reader_questions が書く）")
    parser.add_argument("--output", type=Path, default=READER, help="モデルを書き込むフォルダー")
    parser.add_argument(
        "--readers", type=Path, help="質問の組ごとに、その組を学ばない sentences.onnx も書き込むフォルダー"
    )
    parser.add_argument("--device", default="cuda", help="計算する装置（既定は cuda。cpu では何日もかかる）")
    arguments = parser.parse_args()
    started = time.monotonic()
    trained = train_readers(
        arguments.data,
        read_topics(arguments.topics),
        arguments.town,
        Recipe(),
        device=arguments.device,
        output=arguments.output,
        readers=arguments.readers,
    )
    for file, reader in trained:
        export_reader(reader, file)
        _say(f"{file}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
