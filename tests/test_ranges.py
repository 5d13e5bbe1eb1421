"""Brackets: of rows with the same words, the one that holds the number of the question is asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rag.assistant import Assistant
from rag.indexing.sync import sync
from rag.retrieval.ranges import NamedNumbers, Range, find_ranges
from rag.settings import Settings
from rag.text import fold

FEES = """# 介護保険料

| 段階 | 対象 | 割合 |
|---|---|---|
| 第6段階 | 本人が課税で合計所得金額120万円未満の者 | 1.20 |
| 第7段階 | 本人が課税で合計所得金額120万円以上210万円未満の者 | 1.30 |
| 第8段階 | 本人が課税で合計所得金額210万円以上320万円未満の者 | 1.50 |
| 第9段階 | 本人が課税で合計所得金額320万円以上420万円未満の者 | 1.70 |
| 第10段階 | 本人が課税で合計所得金額420万円以上の者 | 1.90 |
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("20万円超30万円以下", [Range("円", 200_000, 300_000, is_low_open=True)]),
        ("10万円を超え、100万円以下", [Range("円", 100_000, 1_000_000, is_low_open=True)]),
        ("７７，１０１円以上９７，０００円未満", [Range("円", 77_101, 97_000, is_high_open=True)]),
        ("30歳から39歳まで", [Range("歳", 30, 39)]),
        ("40～64歳", [Range("歳", 40, 64)]),
        ("定員は150名まで", [Range("人", high=150)]),
        ("月160時間以上", [Range("時間", low=160)]),
        ("4月1日から4月30日まで、午前9時から午後5時まで", []),
        ("令和8年度から令和12年度まで", []),
        ("3回まで", []),
        ("30万円を超えない額", [Range("円", high=300_000)]),
        ("75歳未満で65歳以上の者", [Range("歳", 65, 75, is_high_open=True)]),
        ("70歳以上又は6歳以下", [Range("歳", low=70), Range("歳", high=6)]),
        ("100㎡以上200㎡未満", [Range("平方メートル", 100, 200, is_high_open=True)]),
        ("0〜2歳児", [Range("歳", 0, 2)]),
        ("1〜2万円、30分以上1時間未満、3分の2以上", []),
    ],
)
def test_ranges_are_read_and_periods_are_none(text: str, wanted: list[Range]) -> None:
    assert find_ranges(fold(text)) == wanted


@pytest.mark.parametrize(
    ("number", "held"),
    [(209.9, True), (120, True), (210, False), (119, False)],
    ids=["inside", "from", "until", "below"],
)
def test_an_end_belongs_to_a_range_as_its_words_say(number: float, held: bool) -> None:
    assert Range("点", 120, 210, is_high_open=True).holds(number) is held


def test_a_question_may_name_a_range_itself() -> None:
    named = NamedNumbers.of("損害の割合が30％以上40％未満の住家は")
    assert named.fit(find_ranges(fold("30％以上40％未満"))) == 1.0
    assert named.fit(find_ranges(fold("40％以上50％未満"))) == -1.0
    assert NamedNumbers.of("100万円以上の工事は").fit([Range("円", low=1_000_000, high=math.inf)]) == 1.0


def test_numbers_of_other_units_are_not_compared() -> None:
    assert NamedNumbers.of("令和8年4月に70歳になる人").fit(find_ranges(fold("300万円以上、5年以上"))) == 0.0
    assert not NamedNumbers.of("住民票の写しの手数料は")


@pytest.mark.parametrize(
    "question", ["小学3年生です", "2回目の接種", "第2子", "1歳6か月の子", "1時間30分停めたら", "収入の3分の1"]
)
def test_what_is_no_amount_names_no_number(question: str) -> None:
    assert not NamedNumbers.of(question)


def test_below_an_age_is_a_whole_year_less() -> None:
    assert NamedNumbers.of("3歳未満の子の保育料").fit(find_ranges(fold("0〜2歳児"))) == 1.0


@pytest.fixture(scope="module")
def brackets(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a town that has one table of brackets."""
    folder = tmp_path_factory.mktemp("brackets")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "介護保険料.md").write_text(FEES, encoding="utf-8")
    town = Settings(corpus=folder / "corpus", index=folder / "index", data_dir=folder / "data", workers=1)
    sync(town)
    return replace(town, answer_threshold=0.0)


@pytest.mark.parametrize(
    ("income", "rate"),
    [("100万円", "1.20"), ("210万円", "1.50"), ("３００万円", "1.50"), ("四百万円", "1.70"), ("900万円", "1.90")],
)
def test_the_row_whose_bracket_holds_the_number_answers(brackets: Settings, income: str, rate: str) -> None:
    assistant = Assistant.open(brackets)
    answer = assistant.ask(f"合計所得金額が{income}で課税されている人の介護保険料の割合はいくつですか")
    assistant.close()
    assert rate in answer.text and sum(other in answer.text for other in ("1.20", "1.30", "1.50", "1.70", "1.90")) == 1
