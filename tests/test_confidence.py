"""The evidence that confidence weighs: what the passage of the best unit holds of the question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from eval.bench.town_questions import Town, open_town
from rag.answering.compounds import Compounds, find_compounds
from rag.answering.confidence import Evidence, read_calibration
from rag.settings import Settings


@pytest.fixture(scope="module")
def town(small_town: Settings) -> Iterator[Town]:
    """Lend the small town, opened for asking."""
    with open_town(small_town) as town:
        yield town


def look(town: Town, question: str) -> Evidence:
    asked = town.retrievers[None].understand(question)
    return town.answerer.examine(asked, town.retrievers[None].retrieve(asked, limit=10))[1]


def test_what_stands_there_as_asked_is_held(town: Town) -> None:
    evidence = look(town, "住民票の写しの手数料はいくらですか")
    assert evidence.held == pytest.approx(1.0) and evidence.literal == pytest.approx(1.0)


def test_a_word_that_no_document_has_is_not_held(town: Town) -> None:
    evidence = look(town, "住民票の写しのブロックチェーンの手数料はいくらですか")
    assert evidence.literal <= evidence.held < 1.0


@pytest.mark.parametrize(
    ("question", "unit", "expected"),
    [
        ("通勤手当の額", "通勤手当は月額5,000円とする。", Compounds(1.0, 0.0, 0.0)),
        ("通勤手当の額", "通勤の手当は別に定める。", Compounds(0.0, 0.0, 0.0)),  # no other allowance is named
        ("第4回会議の日", "第5回会議は8月6日です。", Compounds(1 / 3, 0.4, 1.0)),
        ("5人槽の額", "15人槽は83万円です。", Compounds(0.5, 0.4, 1.0)),
        ("令和6年度の額", "2024年度は5円です。", Compounds(1.0, 0.0, 0.0)),
        ("いくらですか", "300円です。", Compounds()),
    ],
)
def test_another_thing_of_the_same_kind_is_a_rival(question: str, unit: str, expected: Compounds) -> None:
    weights = {"通勤": 4.0, "手当": 4.0, "4": 4.0, "回": 4.0, "会議": 4.0, "第": 4.0, "5": 4.0, "人": 4.0, "槽": 4.0}
    found = find_compounds(question, weights, 10.0, [unit], [])
    assert (found.rival, found.rival_number) == (expected.rival, expected.rival_number)
    assert found.kept == pytest.approx(expected.kept)


def test_what_stands_in_the_title_is_no_rival() -> None:
    weights = {"川瀬": 6.0, "中学校": 3.0}
    assert find_compounds("川瀬中学校は", weights, 10.0, ["川瀬小学校は休みです。"], []).rival > 0.0
    assert find_compounds("川瀬中学校は", weights, 10.0, ["日向中学校は休みです。"], []).rival == pytest.approx(0.6)
    assert find_compounds("川瀬中学校は", weights, 10.0, ["日向中学校は休みです。"], ["川瀬の学校"]).rival == 0.0


def test_the_evidence_tells_of_rivals(town: Town) -> None:
    named, rival = (look(town, f"合計特殊{what}率の目標値はいくつですか") for what in ("出生", "死亡"))
    assert named.compounds == 1.0 and named.rival == 0.0  # 目標値 stands in the header of the row
    assert rival.compounds < 1.0 and rival.rival > 0.0


def test_every_evidence_is_weighed() -> None:
    calibration = read_calibration()
    assert set(calibration.coefficients) == set(calibration.means) == {field.name for field in fields(Evidence)}
