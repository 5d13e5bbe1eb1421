"""The invented municipality, asked what may be learned from: what is not held out of its question sets, and the practice.

questions.csv asks as people ask somebody, short.csv as they type into a search box. practice.csv was written from the documents for
fitting only; nothing is ever measured on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from rag.retrieval.retriever import Retriever
from rag.settings import Settings, load_settings

Asked = TypeVar("Asked")
Model = TypeVar("Model")
FOLDS = 5
EVERYDAY_SHARE = 0.3
"""Of all weight, what the questions in a citizen's words have: more than half were written so, and fewer are asked so."""
QUESTIONS = Path(__file__).parents[1] / "questions.csv"
SHORT = Path(__file__).parents[1] / "short.csv"
PRACTICE = Path(__file__).parents[1] / "practice.csv"


@dataclass(frozen=True, slots=True)
class Town:
    """The current index of the municipality, opened for asking. max_chars: of an answer."""

    retriever: Retriever
    answerer: Answerer
    read_page: ReadPage
    max_chars: int

    def ask(self, question: Question, limit: int) -> tuple[Understood, list[Passage]]:
        """Return a question as it is understood, and up to `limit` passages, best first."""
        asked = self.retriever.understand(question.text)
        return asked, self.retriever.retrieve(asked, filters=filters_of(question), asker=COMMAND_LINE, limit=limit)

    def find_gold(self, question: Question, passages: Sequence[Passage]) -> list[bool]:
        """Tell of each passage whether it stands at a gold place."""
        return [any(is_at_gold(spot, question.gold, self.read_page) for spot in spots_of(p)) for p in passages]


def read_town_questions() -> list[Question]:
    """Return the questions, those that no document answers too."""
    return [q for file in (QUESTIONS, SHORT, PRACTICE) for q in read_questions(file) if not q.is_held_out]


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


@contextmanager
def open_town(settings: Settings | None = None) -> Iterator[Town]:
    """Lend the town of the current index (`rag index` builds it)."""
    settings = settings or load_settings()
    snapshot = SnapshotStore(settings.index).open_current()
    embedder = EmbedderLibrary(settings).for_snapshot(snapshot.manifest)
    retriever = Retriever(snapshot, embedder)
    answerer = Answerer(
        retriever,
        embedder,
        snapshot.catalog,
        calibration=Calibration(0.0, {}, 0.0),
        max_chars=settings.max_answer_chars,
        contact=Contact("総務課"),
    )
    yield Town(retriever, answerer, snapshot.catalog.page_text, settings.max_answer_chars)
    snapshot.close()
