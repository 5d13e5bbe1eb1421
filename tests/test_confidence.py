"""The evidence that confidence weighs: what the best unit holds of the question, and how strange the rest is to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eval.bench.town_questions import Town, open_town
from rag.answering.confidence import Evidence, _unlikeness
from rag.answering.unit_features import FEATURES, MODEL_FILE
from rag.indexing.embedding import Embedder, open_embedder
from rag.retrieval.learned import read_model
from rag.settings import Settings


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    """Return the default embedder."""
    return open_embedder()


@pytest.fixture(scope="module")
def town(small_town: Settings) -> Iterator[Town]:
    """Lend the small town, opened for asking."""
    with open_town(small_town) as town:
        yield town


def look(town: Town, question: str) -> Evidence:
    asked = town.retriever.understand(question)
    return town.answerer.examine(asked, town.retriever.retrieve(asked, limit=10))[1]


def test_a_word_is_as_strange_as_the_most_similar_word_is_far(embedder: Embedder) -> None:
    near, far = (_unlikeness(["病院"], words, embedder)["病院"] for words in ({"医療", "机"}, {"道路", "机"}))
    assert 0 < near < far <= 1
    assert _unlikeness(["病院"], {"病院"}, embedder)["病院"] == pytest.approx(0.0, abs=1e-5)


def test_every_word_is_strange_to_a_passage_without_words(embedder: Embedder) -> None:
    assert _unlikeness(["病院", "予約"], (), embedder) == {"病院": 1.0, "予約": 1.0}
    assert _unlikeness([], {"病院"}, embedder) == {}


def test_what_stands_there_as_asked_is_held_and_not_strange(town: Town) -> None:
    evidence = look(town, "住民票の写しの手数料はいくらですか")
    assert evidence.held == evidence.literal == pytest.approx(1.0)
    assert evidence.unlike == evidence.unlike_all == evidence.strange == evidence.not_given == 0.0


def test_a_word_that_no_document_has_is_missed(town: Town) -> None:
    evidence = look(town, "住民票の写しのブロックチェーンの手数料はいくらですか")
    assert evidence.strange == 1.0 and evidence.held < 1.0
    assert evidence.lacking_close > 0.9 and evidence.unlike is not None and evidence.unlike > 0


def test_a_named_cell_counts_for_its_row() -> None:
    assert read_model(MODEL_FILE).weights["cell"] > 0 and FEATURES[-1] == "cell"
