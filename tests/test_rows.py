"""Rows of tables are read by their columns: what was asked for is the cell under the heading that the question names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.answering.asked import Asked, AskedRow
from rag.answering.extractive import Marker, build_extract
from rag.answering.rows import Cell, read_row, render_rows, words_of
from rag.answering.units import Unit, split_units
from rag.documents import Chunk, ChunkKind, Locator, Metadata, Passage, Segment, Span
from rag.retrieval.query import parse_query

DUES = ("期別\t町民税・県民税\t固定資産税\t軽自動車税", "第1期\t6月30日\t6月1日\t6月1日", "第4期\t2月1日\t3月1日\t―")


def build_table(*lines: str) -> Passage:
    """Return the passage of a table: its header, then its rows."""
    starts = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]
    segments = tuple(
        Segment(1, start, start + len(line), Locator(row=i + 1))
        for i, (start, line) in enumerate(zip(starts, lines, strict=True))
    )
    chunk = Chunk("0" * 32, "表.csv", 0, ChunkKind.ROW, "\n".join(lines), "表", (), segments, context=1)
    return Passage(chunk, Metadata("表"), 1.0)


def ask(question: str, *lines: str) -> list[AskedRow]:
    """Return what a question asks of each row of a table; all its words weigh the same."""
    query = parse_query(question)
    asked, chunk = Asked(query, dict.fromkeys(query.terms, 1.0)), build_table(*lines).chunk
    rows = [(unit.start, unit.end) for unit in split_units(chunk, 0)]
    return [asked.read_row(read_row(chunk, *row), words_of(chunk.text[slice(*row)]), "") for row in rows]


def test_a_row_has_a_heading_for_each_cell_or_none_where_the_header_does_not_fit() -> None:
    fits, too_short = build_table(*DUES).chunk, build_table("期別\t期限", DUES[1]).chunk

    assert [(c.heading, c.text) for c in read_row(fits, *_row(fits, 2))][2:] == [
        ("固定資産税", "3月1日"),
        ("軽自動車税", "―"),
    ]
    assert {c.heading for c in read_row(too_short, *_row(too_short, 1))} == {""}


def _row(chunk: Chunk, number: int) -> tuple[int, int]:
    unit = split_units(chunk, 0)[number - 1]
    return unit.start, unit.end


def test_the_cells_of_a_row_tell_where_they_stand_in_it() -> None:
    chunk = build_table("| 品目 | 点数 |", "| 布団 | 1点 |").chunk
    start, end = _row(chunk, 1)

    assert [chunk.text[start + c.start : start + c.end].strip() for c in read_row(chunk, start, end)] == [
        "",
        "布団",
        "1点",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "blank"),
    [("", True), ("―", True), ("－ ", True), ("…", True), ("─", True), ("0", False), ("○", False), ("なし", False)],
)
def test_a_dash_is_blank_and_a_nought_is_not(text: str, blank: bool) -> None:
    assert Cell(0, 1, text).is_blank is blank


def test_a_question_that_names_a_column_asks_for_its_cell_and_for_what_names_the_row() -> None:
    first, fourth = ask("第4期の軽自動車税の納期限はいつですか", *DUES)

    assert first.columns == fourth.columns == (0, 3)
    assert (first.has_value, first.is_blank, first.column_share > 0) == (True, False, True)
    assert (fourth.has_value, fourth.is_blank, fourth.column_share) == (False, True, 0.0)


def test_where_no_column_is_named_every_cell_may_answer() -> None:
    rows = ask("第4期の納期限はいつですか", *DUES)

    assert [row.columns for row in rows] == [(), ()]
    assert [row.has_value for row in rows] == [True, True]


def test_the_row_that_is_named_with_fewest_other_words_is_nearest() -> None:
    lines = ("証明書\t窓口", "住民票の写し（1通）\t300円", "住民票の除票の写し\t300円", "印鑑登録証明書\t300円")

    copy, removed, seal = (row.name_news for row in ask("住民票の手数料", *lines))
    assert copy < removed < seal == 1.0


def test_a_count_needs_its_unit_in_the_cell_or_above_it() -> None:
    header = "事業\t場所\t定員（人）\t電話"

    assert ask("一時預かりの定員は何人ですか", header, "一時預かり\t中央保育所\t5\t0000-12-3456")[0].has_value
    assert not ask("一時預かりは何人までですか", "事業\t料金", "一時預かり\t2,000円")[0].has_value


def test_a_long_row_is_shown_by_what_was_asked_and_what_goes_with_it() -> None:
    cells = read_row(
        chunk := build_table(
            "施設\t住所\t休館日\t備考\t駐車場", "図書館\t" + "大字中央98番地" * 8 + "\t月曜日\t祝日は開館\t―"
        ).chunk,
        *_row(chunk, 1),
    )

    assert render_rows([(cells, (0, 2))]) == "施設：図書館、休館日：月曜日、備考：祝日は開館"
    assert render_rows([(cells, (0, 4))]) == "施設：図書館、備考：祝日は開館、駐車場：―"
    assert render_rows([(cells, ())]).endswith("休館日：月曜日、備考：祝日は開館")


def test_a_short_row_is_shown_whole_without_what_is_blank() -> None:
    passage = build_table(*DUES)
    units = [replace(unit, columns=(0, 2)) for unit in split_units(passage.chunk, 0)]

    assert build_extract(units[1:], [passage]).text == "期別：第4期、町民税・県民税：2月1日、固定資産税：3月1日[1]"


def test_the_marks_of_a_row_stand_in_the_columns_that_were_asked_for() -> None:
    passage = build_table(*DUES)
    unit = split_units(passage.chunk, 0)[0]

    def mark(text: str) -> list[Span]:
        return [Span(at, at + 4) for at in range(len(text)) if text.startswith("6月1日", at)]

    marked = _marked(replace(unit, columns=(0, 3)), passage, mark)
    assert marked == [len(DUES[0]) + 1 + DUES[1].rindex("6月1日")]
    assert len(_marked(unit, passage, mark)) == 2


def _marked(unit: Unit, passage: Passage, mark: Marker) -> list[int]:
    citation = build_extract([unit], [passage], mark).citations[0]
    return [span.start for span in citation.marks]


def test_a_header_of_two_lines_is_put_together_or_not_read() -> None:
    same = build_table("施設\t使用料\t使用料\n\t午前\t午後", "集会所\t200円\t300円").chunk
    other = build_table("施設\t使用料\t備考\n午前\t午後", "集会所\t200円\t300円\t暖房は別").chunk

    assert [cell.heading for cell in read_row(same, *_row(same, 1))] == ["施設", "使用料 午前", "使用料 午後"]
    assert {cell.heading for cell in read_row(other, *_row(other, 1))} == {""}


def test_a_heading_that_only_says_of_what_hides_no_value() -> None:
    row = ask("会場の使用料はいくらですか", "施設\t会場\t午前\t午後", "集会所\t大会議室\t200円\t300円")[0]

    assert (row.columns, row.has_value) == ((), True)


def test_the_first_words_of_a_row_are_always_shown_with_what_was_asked() -> None:
    header = "番号\t施設\t休館日\t説明"

    assert ask("図書室の休館日は", header, "1\t集会所\t月曜日\t図書室の隣")[0].columns == (1, 2, 3)
    assert ask("休館日はいつですか", header, "1\t集会所\t月曜日\t町の北")[0].columns == (1, 2)


@pytest.mark.parametrize(
    ("heading", "counts"),
    [("定員（人）", True), ("定員(人)", True), ("人数", True), ("単位：人", True), ("個人番号", False)],
)
def test_a_heading_says_what_its_numbers_count(heading: str, counts: bool) -> None:
    assert ask("一時預かりは何人ですか", f"事業\t{heading}", "一時預かり\t５")[0].has_value is counts


def test_a_wording_of_a_cell_that_is_asked_otherwise_is_no_news() -> None:
    query = parse_query("国民健康保険の手続")
    asked = Asked(query, dict.fromkeys(query.terms, 1.0))

    row = asked.read_row([Cell(0, 2, "国民健康保険"), Cell(3, 5, "窓口")], words_of("国民健康保険 窓口"), "")

    assert row.name_news == 0.0


def test_a_dash_without_a_heading_keeps_its_place_and_a_blank_row_says_so() -> None:
    cells = [Cell(0, 2, "甲"), Cell(3, 4, "―"), Cell(5, 6, "乙")]

    assert render_rows([(cells, ())]) == "甲　―　乙"
