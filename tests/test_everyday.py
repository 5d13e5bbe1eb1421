"""Everyday sayings lead to official words: only those that are all there, the longest saying, never back."""

from __future__ import annotations

import csv

from rag.retrieval.everyday import TABLE, Sayings, open_sayings, read_saying
from rag.retrieval.query import Reason, parse_query
from rag.text import morphemes

SAYINGS = Sayings(
    [read_saying("ごみ 出す", ["収集"]), read_saying("雪 ごみ 出す", ["延期"]), read_saying("熱 子", ["病児保育"])]
)


def hint(question: str, sayings: Sayings = SAYINGS) -> list[str]:
    return [expansion.meant for expansion in sayings.expand(parse_query(question).terms)]


def test_the_words_of_a_saying_may_stand_anywhere_but_all_of_them_must() -> None:
    assert hint("子どもが朝から熱を出した") == []
    assert hint("子が朝から熱を出した") == ["病児保育"]
    assert hint("子を預けたい") == []


def test_a_longer_saying_says_it_better() -> None:
    assert hint("ごみをいつ出すか") == ["収集"]
    assert hint("雪の日のごみはいつ出すか") == ["延期"]


def test_official_words_do_not_lead_back_and_are_not_hinted_at_when_they_are_there() -> None:
    assert hint("病児保育の申込み") == []
    assert hint("ごみを出す収集の日") == []


def test_a_hint_says_that_it_is_one() -> None:
    assert {e.reason for e in SAYINGS.expand(["ゴミ", "出す"])} == {Reason.EVERYDAY}


def test_every_row_of_the_packaged_table_can_be_found_and_says_something_new() -> None:
    with TABLE.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell for cell in row if cell] for row in list(csv.reader(file))[1:]]
    assert len({row[0] for row in rows}) == len(rows) > 700
    for saying, *official in rows:
        terms = [term for part in saying.split() for term in morphemes(part)]
        assert terms and official, saying
        assert any(not set(morphemes(word)) <= set(terms) for word in official), saying


def test_the_packaged_table_knows_the_kitchen_tap() -> None:
    assert "凍結" in hint("朝、蛇口から水が出ません", open_sayings())
