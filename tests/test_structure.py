"""The numbering of Japanese documents, line by line (more examples are the doctests of the module)."""

from __future__ import annotations

import pytest

from rag.reading.structure import HeadingPath, article_number, drop_enumerations, heading_level, is_list_item


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("第1編 基本構想", 1),
        ("第二章　総則", 2),
        ("第１章の２　特例", 2),
        ("第3節 旅費", 3),
        ("第1款 通則", 4),
        ("第5条", 5),
        ("別表第1（第3条関係）", 2),
        ("様式第2号（第4条関係）", 2),
        ("はじめに", 2),
        ("Ⅱ 現状と課題", 6),
        ("第1　趣旨", 6),
        ("１．人口の推移", 7),
        ("3 年金", 7),
        ("２－１　現状", 8),
        ("1-2-3 窓口", 9),
        ("(3) 手数料の減免", 9),
        ("◆お問い合わせ", 12),
    ],
)
def test_headings_have_a_level(line: str, level: int) -> None:
    assert heading_level(line) == level


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1",
        "12",
        "2024 年度予算",
        "3 日以内に届け出る",
        "10 人",
        "(1) 申請書を提出すること",
        "1 2,300 4,500",
        "第1章　総則（第1条―第3条）",
        "第1章 総則 12",
        "第2条から第5条までの規定",
        "別表第1に掲げる額",
        "■ 窓口は本庁舎の1階にあります",
        "（目的）",
        "第" * 30,
    ],
)
def test_other_lines_are_no_headings(line: str) -> None:
    assert heading_level(line) is None


def test_an_article_is_known_by_its_number_in_any_width() -> None:
    assert article_number("第１２条の３　市長は") == "第12条の3"
    assert article_number("第三条　") == "第三条"
    assert article_number("第3条第2項") is None


def test_marks_without_text_are_no_items() -> None:
    assert not any(map(is_list_item, ["・", "※", "①", "-", "(1)", ""]))


def test_numbered_lines_one_after_another_are_a_list() -> None:
    assert drop_enumerations([9, 9, 9]) == [None, None, None]
    assert drop_enumerations([2, 3, 9, None, 9]) == [2, 3, 9, None, 9]


def test_a_heading_closes_what_is_deeper() -> None:
    walk = HeadingPath()
    for level, text in [(1, "第1編"), (2, "第1章"), (3, "第1節"), (2, "第2章")]:
        path = walk.push(level, text)
    assert path == walk.path == ("第1編", "第2章")
