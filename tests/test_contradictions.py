"""Documents that state different values for the same question are told apart from those that speak of something else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from test_selection import build_passage, score

from rag.answering.contradictions import CONTRADICTION, find_contradiction
from rag.assistant import Assistant
from rag.documents import Metadata, Passage
from rag.indexing.sync import sync
from rag.retrieval.query import parse_query
from rag.settings import Settings

FEE = "住民票の写しの手数料はいくらですか"


def passage(text: str, title: str, **metadata: object) -> Passage:
    found = build_passage(text, source=f"{title}.md")
    return replace(found, metadata=Metadata(title, **metadata), chunk=replace(found.chunk, title=title))  # type: ignore[arg-type]


def find(question: str, *passages: Passage) -> str | None:
    units = score(passages, **{"": 0.5})
    found = find_contradiction(parse_query(question), units, passages)
    return found.warn(passages).message if found else None


def test_two_documents_with_different_amounts_are_named_with_their_values_and_days() -> None:
    message = find(
        FEE,
        passage("住民票の写しの手数料は、1通300円です。", "窓口の手引", effective_date=date(2024, 4, 1)),
        passage("住民票の写しの交付手数料は１通３５０円とする。", "手数料条例", year=2025),
    )

    assert message is not None
    assert "「窓口の手引」（2024年4月1日から）は「300円」" in message
    assert "「手数料条例」（2025年度）は「３５０円」" in message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("住民票の写しの手数料は300円です。", "住民票の写しの手数料は三百円とする。"),
        ("住民票の写しの手数料は300円です。", "印鑑登録証明書の手数料は350円です。"),
        ("住民票の写しの手数料は300円です。", "住民票の写しの手数料は、郵便では300円と切手代です。350円分を送ります。"),
        ("令和5年度の住民票の写しの手数料は300円です。", "令和6年度の住民票の写しの手数料は350円です。"),
    ],
    ids=["the same in other digits", "of another thing", "one of two agrees", "of other years"],
)
def test_what_agrees_or_speaks_of_something_else_is_no_contradiction(first: str, second: str) -> None:
    assert find(FEE, passage(first, "甲"), passage(second, "乙")) is None


def test_a_period_that_runs_from_what_was_asked_for_is_no_limit_of_it() -> None:
    said = passage("住み始めた日から14日以内に、転入届をしてください。", "甲")
    question = "転入届はいつまでに出しますか"

    assert find(question, said, passage("転入届の日から90日以内に処理をしないと、カードは失効する。", "乙")) is None
    assert find(question, said, passage("住み始めた日から10日以内に、転入届をしてください。", "乙")) is not None


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        (
            "図書館の開館時間は何時ですか",
            "図書館の開館時間は午前9時から午後5時までです。",
            "図書館の開館時間は午前10時から午後6時までとする。",
        ),
        (
            FEE,
            "住民票の写しの手数料は令和6年4月1日から300円です。",
            "住民票の写しの手数料は令和6年4月1日から400円とする。",
        ),
        ("集団健診はいつですか", "集団健診は6月1日の午前9時に始まります。", "集団健診は6月8日の午前9時に始まる。"),
    ],
    ids=["hours from and to", "an amount from a day on", "another day at the same hour"],
)
def test_a_start_of_something_else_hides_no_contradiction(question: str, first: str, second: str) -> None:
    assert find(question, passage(first, "甲"), passage(second, "乙")) is not None


def test_a_document_that_says_the_same_elsewhere_does_not_contradict() -> None:
    said = passage("キャンプ場の料金は、テント1張1泊2,500円です。", "甲")
    hut = passage("キャンプ場の料金は、バンガロー1棟1泊7,800円とする。", "乙")
    tent = passage("キャンプ場の料金は、テント1張1泊2,500円とする。", "乙")

    assert find("キャンプ場の料金はいくらですか", said, hut) is not None
    assert find("キャンプ場の料金はいくらですか", said, hut, tent) is None


def test_what_was_so_on_other_days_is_no_contradiction() -> None:
    spring = passage("令和8年4月1日現在の町の人口は17,398人です。", "甲")
    autumn = passage("令和8年10月1日現在の町の人口は17,316人です。", "乙")

    assert find("町の人口は何人ですか", spring, autumn) is None
    assert (
        find("町の人口は何人ですか", spring, passage("令和8年4月1日現在の町の人口は17,400人です。", "乙")) is not None
    )


def test_a_day_of_birth_is_no_day_that_answers() -> None:
    said = passage("健診は11月末までに受けます。", "甲")

    assert find("健診はいつですか", said, passage("令和5年9月生まれの健診です。", "乙")) is None


def test_different_days_contradict_each_other_though_their_years_differ() -> None:
    question = "給食センターはいつ使い始めますか"
    passages = (
        passage("給食センターは令和11年9月に使い始めます。", "計画"),
        passage("給食センターは令和10年4月に使い始める。", "答弁"),
    )

    assert "「令和11年9月」" in str(find(question, *passages))


def test_one_document_does_not_contradict_itself_and_a_question_without_a_value_has_no_contradiction() -> None:
    twice = passage("住民票の写しの手数料は300円です。住民票の写しの手数料は350円です。", "甲")

    assert find(FEE, twice) is None
    assert (
        find("住民票の写しとは何ですか", passage("住民票の写しは300円。", "甲"), passage("住民票の写しは350円。", "乙"))
        is None
    )


def test_both_documents_are_shown_side_by_side_with_the_caution(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "窓口の手引.md").write_text("# 窓口の手引\n\n住民票の写しの手数料は、1通300円です。\n", encoding="utf-8")
    (corpus / "手数料条例.md").write_text(
        "# 手数料条例\n\n住民票の写しの手数料は、1通350円とする。\n", encoding="utf-8"
    )
    town = Settings(corpus=corpus, index=tmp_path / "index", workers=1, answer_threshold=0.0, adapt="off")
    sync(town)

    with closing(Assistant.open(town)) as assistant:
        answer = assistant.ask(FEE)

    assert [warning.code for warning in answer.warnings] == [CONTRADICTION]
    assert {citation.source for citation in answer.citations} == {"窓口の手引.md", "手数料条例.md"}
    assert "300円" in answer.text and "350円" in answer.text
