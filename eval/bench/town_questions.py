"""The invented municipality, asked what may be learned from: what is not held out of its question sets, and the practice.

questions.csv asks as people ask somebody, short.csv as they type into a search box. practice.csv was written from the documents for
fitting only; nothing is ever measured on it.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.judging import filters_of
from eval.matching import ReadPage, is_at_gold, spots_of
from eval.questions import Question, read_questions
from rag.answering.answerer import Answerer
from rag.answering.confidence import Calibration
from rag.documents import COMMAND_LINE, Contact, Passage
from rag.indexing.embedders import EmbedderLibrary
from rag.indexing.snapshot import SnapshotStore
from rag.retrieval.query import Question as Understood
from rag.retrieval.reader import Reader
from rag.retrieval.reader_input import SENTENCES_FILE
from rag.retrieval.retriever import Retriever
from rag.settings import Settings, load_settings

Asked = TypeVar("Asked")
Model = TypeVar("Model")
FOLDS = 5
READER_FOLDS = 4
EVERYDAY_SHARE = 0.3
"""Of all weight, what the questions in a citizen's words have: more than half were written so, and fewer are asked so."""
QUESTIONS = Path(__file__).parents[1] / "questions.csv"
SHORT = Path(__file__).parents[1] / "short.csv"
PRACTICE = Path(__file__).parents[1] / "practice.csv"


@dataclass(frozen=True, slots=True)
class Town:
    """The current index of the municipality, opened for asking. max_chars: of an answer.

    retrievers: by fold, with the reader that learned nothing of that fold's questions; None for those of no fold, and where all are
    asked with the reader that ships, which has learned from them.
    """

    retrievers: Mapping[int | None, Retriever]
    answerer: Answerer
    read_page: ReadPage
    max_chars: int
    folds: Mapping[str, int]

    def ask(self, question: Question, limit: int) -> tuple[Understood, list[Passage]]:
        """Return a question as it is understood, and up to `limit` passages, best first."""
        retriever = self.retrievers[self.folds.get(question.id)]
        asked = retriever.understand(question.text)
        return asked, retriever.retrieve(asked, filters=filters_of(question), asker=COMMAND_LINE, limit=limit)

    def find_gold(self, question: Question, passages: Sequence[Passage]) -> list[bool]:
        """Tell of each passage whether it stands at a gold place."""
        return [any(is_at_gold(spot, question.gold, self.read_page) for spot in spots_of(p)) for p in passages]


def read_town_questions() -> list[Question]:
    """Return the questions, those that no document answers too."""
    return [q for file in (QUESTIONS, SHORT, PRACTICE) for q in read_questions(file) if not q.is_held_out]


def fold_by_document(questions: Sequence[Question]) -> dict[str, int]:
    """Return id -> fold, of READER_FOLDS: the questions that the same document answers are in the same one, and all of a like size.

    A reader that learned the questions of the other folds has learned none of that document's. Questions that no document answers
    are spread by their id.
    """
    first = {q.id: q.gold[0].source for q in questions if q.answerable and q.gold}
    sizes = [0] * READER_FOLDS
    of_source = {}
    for source, count in Counter(first.values()).most_common():
        of_source[source] = fold = sizes.index(min(sizes))
        sizes[fold] += count
    return {
        q.id: of_source[first[q.id]]
        if q.id in first
        else int(hashlib.sha256(q.id.encode()).hexdigest(), 16) % READER_FOLDS
        for q in questions
    }


def fit_without_each(asked: Sequence[Asked], fit: Callable[[list[Asked]], Model]) -> list[Model]:
    """Return for each question a model that had not seen it: that of the folds it is not in, the same folds at every call."""
    fold = np.random.default_rng(0).permutation(len(asked)) % FOLDS
    fitted = [fit([o for o, f in zip(asked, fold, strict=True) if f != k]) for k in range(FOLDS)]
    return [fitted[k] for k in fold]


def weigh_wordings(is_everyday: Sequence[bool]) -> NDArray[np.float64]:
    """Return the weight of each question, sum 1; those in everyday words have EVERYDAY_SHARE together.

    >>> weigh_wordings([True, False, False]).round(2).tolist(), weigh_wordings([False, False]).tolist()
    ([0.3, 0.35, 0.35], [0.5, 0.5])
    """
    everyday = np.array(is_everyday, dtype=bool)
    if everyday.all() or not everyday.any():
        return np.full(len(everyday), 1 / max(1, len(everyday)))
    weights: NDArray[np.float64] = np.where(
        everyday, EVERYDAY_SHARE / everyday.sum(), (1 - EVERYDAY_SHARE) / (~everyday).sum()
    )
    return weights


def add_readers(parser: argparse.ArgumentParser) -> None:
    """Let a fit be told of the readers of the folds; the one that ships has learned from all the town's questions."""
    parser.add_argument(
        "--readers",
        type=Path,
        help="for each fold a reader that learned nothing of its questions (rag.models.train_reader --readers); without it the one that "
        "ships is asked, which knows the questions: in folds its likeliest sentence was right .74 of the time, so .77",
    )


def _open_reader(readers: Path | None, fold: int | None) -> Reader | None:
    return Reader(sentences=readers / str(fold) / SENTENCES_FILE.name) if readers and fold is not None else None


@contextmanager
def open_town(settings: Settings | None = None, readers: Path | None = None) -> Iterator[Town]:
    """Lend the town of the current index (`rag index` builds it). readers: a folder for each fold (`rag.models.train_reader --readers`)."""
    settings = settings or load_settings()
    snapshot = SnapshotStore(settings.index).open_current()
    embedder = EmbedderLibrary(settings).for_snapshot(snapshot.manifest)
    folds = fold_by_document(read_town_questions()) if readers else {}
    retrievers = {
        fold: Retriever(snapshot, embedder, reader=_open_reader(readers, fold))
        for fold in (None, *sorted(set(folds.values())))
    }
    answerer = Answerer(
        retrievers[None],
        embedder,
        snapshot.catalog,
        calibration=Calibration(0.0, {}, 0.0),
        max_chars=settings.max_answer_chars,
        contact=Contact("総務課"),
    )
    yield Town(retrievers, answerer, snapshot.catalog.page_text, settings.max_answer_chars, folds)
    snapshot.close()
