"""The evidence that confidence weighs: what the passage of the best unit holds of the question."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eval.bench.town_questions import Town, open_town
from rag.answering.confidence import Evidence
from rag.answering.unit_features import MODEL_FILE
from rag.retrieval.learned import read_model
from rag.settings import Settings


@pytest.fixture(scope="module")
def town(small_town: Settings) -> Iterator[Town]:
    """Lend the small town, opened for asking."""
    with open_town(small_town) as town:
        yield town


def look(town: Town, question: str) -> Evidence:
    asked = town.retriever.understand(question)
    return town.answerer.examine(asked, town.retriever.retrieve(asked, limit=10))[1]


def test_what_stands_there_as_asked_is_held(town: Town) -> None:
    evidence = look(town, "住民票の写しの手数料はいくらですか")
    assert evidence.held == pytest.approx(1.0) and evidence.literal == pytest.approx(1.0)


def test_a_word_that_no_document_has_is_not_held(town: Town) -> None:
    evidence = look(town, "住民票の写しのブロックチェーンの手数料はいくらですか")
    assert evidence.literal <= evidence.held < 1.0


def test_a_named_cell_counts_for_its_row() -> None:
    assert read_model(MODEL_FILE).weights["cell"] > 0
