"""The question set: read from CSV and Excel alike, and every mistake is named by its row."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from eval.document_names import DocumentNames
from eval.questions import COLUMNS, OPTIONAL_COLUMNS, Gold, read_questions
from rag.batch import write_sheet
from rag.errors import QuestionSetError

SHIPPED = Path(__file__).parents[1] / "eval" / "questions.csv"
ROW = {
    "番号": "1",
    "質問": "手数料はいくらですか。",
    "期待する文書": "手引.pdf;よくある質問.xlsx",
    "ページ／行": "9;住民向け:28",
    "正解に含まれる語": "300円;1通",
    "模範解答": "1通300円です。",
    "分類": "手続",
    "回答可否": "可",
    "担当課": "町民課",
    "備考": "言い換え",
}
REFUSED = {
    **ROW,
    "番号": "2",
    "期待する文書": "",
    "ページ／行": "",
    "正解に含まれる語": "",
    "回答可否": "不可",
    "備考": "",
}


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    write_sheet(path, [[row[name] for name in columns] for row in rows], columns)
    return path


def mistakes(path: Path) -> str:
    with pytest.raises(QuestionSetError) as caught:
        read_questions(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["q.csv", "q.xlsx"])
def test_csv_and_excel_give_the_same_questions(tmp_path: Path, name: str) -> None:
    first, second = read_questions(write(tmp_path / name, ROW, REFUSED))
    assert first.gold == (Gold("手引.pdf", page=9), Gold("よくある質問.xlsx", sheet="住民向け", row=28))
    assert first.key_facts == ("300円", "1通") and first.answerable and first.is_paraphrase
    assert not second.answerable and second.gold == () and not second.is_paraphrase


def test_a_csv_in_the_encoding_of_japanese_windows_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", ROW)
    path.write_bytes(path.read_text(encoding="utf-8-sig").encode("cp932"))
    assert read_questions(path)[0].text == ROW["質問"]


def test_numbers_that_excel_keeps_as_numbers_are_places(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    book.active.append([7, "質問", "手引.md", 40, "語", "", "手続", "可", "", ""])
    book.save(tmp_path / "q.xlsx")
    (question,) = read_questions(tmp_path / "q.xlsx")
    assert (question.id, question.gold) == ("7", (Gold("手引.md", line=40),))


def test_columns_stand_in_any_order_and_blank_rows_are_no_questions(tmp_path: Path) -> None:
    blank = dict.fromkeys(COLUMNS, "")
    assert len(read_questions(write(tmp_path / "q.csv", ROW, blank, REFUSED, columns=COLUMNS[::-1]))) == 2


def test_the_address_of_a_cell_follows_the_columns_of_the_sheet(tmp_path: Path) -> None:
    assert "C2（2行目「回答可否」）" in mistakes(
        write(tmp_path / "q.csv", {**ROW, "回答可否": "△"}, columns=COLUMNS[::-1])
    )


@pytest.mark.parametrize("name", ["q.csv", "q.xlsx"])
@pytest.mark.parametrize("written", ["2026-04-01", "令和8年4月1日", "R8.4.1", "2026/4/1"])
def test_the_day_and_the_use_of_a_question_are_read_where_the_sheet_has_them(
    tmp_path: Path, name: str, written: str
) -> None:
    dated = {**ROW, "基準日": written, "用途": "検証"}
    plain = {**REFUSED, "基準日": "", "用途": ""}
    first, second = read_questions(write(tmp_path / name, dated, plain, columns=COLUMNS + OPTIONAL_COLUMNS))
    assert (first.as_of, first.is_held_out) == (date(2026, 4, 1), True)
    assert (second.as_of, second.is_held_out) == (None, False)


def test_a_day_that_excel_keeps_as_a_day_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(COLUMNS + OPTIONAL_COLUMNS)
    book.active.append([*REFUSED.values(), datetime(2026, 4, 1), "調整"])
    book.save(tmp_path / "q.xlsx")
    assert read_questions(tmp_path / "q.xlsx")[0].as_of == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"基準日": "2026-02-30"}, "K2（2行目「基準日」）: 基準日「2026-02-30」が分かりません"),
        ({"用途": "本番"}, "L2（2行目「用途」）: 用途「本番」が分かりません"),
    ],
)
def test_a_day_and_a_use_that_nobody_knows_are_mistakes(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    row = {**ROW, "基準日": "", "用途": ""} | change
    assert expected in mistakes(write(tmp_path / "q.xlsx", row, columns=COLUMNS + OPTIONAL_COLUMNS))


def test_missing_columns_are_named_with_those_that_are_there_and_those_needed(tmp_path: Path) -> None:
    message = mistakes(write(tmp_path / "q.csv", ROW, columns=("番号", "質問")))
    assert "期待する文書、ページ／行" in message and "番号、質問）" in message and "備考" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"回答可否": "△"}, "H2（2行目「回答可否」）: 回答可否「△」が分かりません"),
        ({"ページ／行": "9;28"}, "D2（2行目「ページ／行」）: ページ／行「28」（よくある質問.xlsx）が分かりません"),
        ({"ページ／行": "9"}, "D2（2行目「ページ／行」）: 期待する文書が2件、ページ／行が1件です"),
        (
            {"期待する文書": "", "ページ／行": ""},
            "C2（2行目「期待する文書」）: 回答可否が可なのに、期待する文書がありません",
        ),
        ({"回答可否": "不可"}, "C2（2行目「期待する文書」）: 回答可否が不可なのに、期待する文書やページ／行があります"),
        ({"番号": ""}, "A2（2行目「番号」）: 番号が空です"),
        ({"質問": ""}, "B2（2行目「質問」）: 質問が空です"),
    ],
)
def test_a_mistake_is_named_by_its_cell(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    assert expected in mistakes(write(tmp_path / "q.csv", {**ROW, **change}, REFUSED))


def test_all_mistakes_are_told_at_once_and_a_repeated_number_on_each_of_its_rows(tmp_path: Path) -> None:
    message = mistakes(write(tmp_path / "q.csv", ROW, {**ROW, "回答可否": ""}, REFUSED))
    assert "誤りが 3 件" in message and "4行目" not in message
    assert "A2（2行目「番号」）: 番号 1 が重複" in message and "A3（3行目「番号」）: 番号 1 が重複" in message
    assert "H3（3行目「回答可否」）: 回答可否「」" in message


def test_a_set_that_is_empty_missing_or_of_another_format_is_refused(tmp_path: Path) -> None:
    assert "質問がありません" in mistakes(write(tmp_path / "q.csv"))
    assert "質問集がありません" in mistakes(tmp_path / "none.csv")
    assert "使えません" in mistakes(tmp_path / "q.docx")


def test_the_question_set_that_comes_with_the_system_is_sound() -> None:
    questions = read_questions(SHIPPED)
    assert len(questions) >= 100 and sum(not q.answerable for q in questions) >= 20
    assert all(question.key_facts for question in questions if question.answerable)


def write_book(path: Path, *sheets: tuple[str, list[list[object]]], merged: tuple[str, ...] = ()) -> Path:
    """Write an Excel file; merged: ranges of the last sheet."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for cells in merged:
        book.worksheets[-1].merge_cells(cells)
    book.save(path)
    return path


def asked(number: str, **change: str) -> list[object]:
    return [*({**REFUSED, "番号": number, "質問": f"問い{number}"} | change).values()]


def test_headings_stand_below_a_title_and_behind_a_cover_sheet(tmp_path: Path) -> None:
    table = [["澄野町 質問集"], [], [*COLUMNS], asked("1"), asked("2", 回答可否="たぶん")]
    path = write_book(tmp_path / "q.xlsx", ("表紙", [["この表の説明"]]), ("質問", table))
    assert "H5（5行目「回答可否」）: 回答可否「たぶん」" in mistakes(path)
    table[4] = asked("2")
    assert [q.id for q in read_questions(write_book(tmp_path / "q.xlsx", ("表紙", [["説明"]]), ("質問", table)))] == [
        "1",
        "2",
    ]


def test_the_sheets_that_were_read_are_named_where_none_has_headings(tmp_path: Path) -> None:
    late = [["題"]] * 15 + [[*COLUMNS], asked("1")]
    message = mistakes(write_book(tmp_path / "q.xlsx", ("表紙", [["説明"]]), ("集計", late)))
    assert "見出しの行がありません（シート: 表紙、集計。それぞれ先頭の15行まで読みました）" in message


def test_a_misspelt_heading_is_told_with_its_cell_and_the_column_it_may_mean(tmp_path: Path) -> None:
    written = {"ページ／行": "ぺーじ/行", "回答可否": "回答の可否"}
    path = write_book(tmp_path / "q.xlsx", ("質問集", [["題"], [written.get(c, c) for c in COLUMNS], asked("1")]))
    message = mistakes(path)
    assert (
        "D2「ぺーじ/行」: もしかして「ページ／行」" in message and "H2「回答の可否」: もしかして「回答可否」" in message
    )
    short = ["頁" if column == "ページ／行" else column for column in COLUMNS]
    assert "D1「頁」: もしかして「ページ／行」" in mistakes(
        write_book(tmp_path / "r.xlsx", ("質問集", [short, asked("1")]))
    )


def test_two_columns_of_one_name_are_told_with_both_cells(tmp_path: Path) -> None:
    path = write_book(tmp_path / "q.xlsx", ("質問集", [[*COLUMNS, "質 問"], [*asked("1"), "別の問い"]]))
    assert "B1 と K1「質問」" in mistakes(path)


def test_rows_are_numbered_where_the_sheet_has_no_numbers_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "q.csv", ROW, REFUSED, columns=COLUMNS[1:])
    for _ in range(2):
        assert [question.id for question in read_questions(path)] == ["Q1", "Q2"]
    assert len(caplog.messages) == 1 and "「番号」の列がない" in caplog.text


def test_a_cell_merged_downwards_counts_for_each_of_its_rows(tmp_path: Path) -> None:
    first = asked(
        "1",
        期待する文書="手引.pdf",
        **{"ページ／行": "9"},
        回答可否="可",
        分類="ごみ",
        担当課="環境課",
        備考="言い換え",
    )
    rest = [
        asked(n, 期待する文書="", **{"ページ／行": "7"}, 回答可否="可", 分類="", 担当課="", 備考="") for n in ("2", "3")
    ]
    merged = ("C2:C4", "G2:G3", "I2:I4", "J2:J3")
    path = write_book(tmp_path / "q.xlsx", ("質問集", [[*COLUMNS], first, *rest]), merged=merged)
    one, two, three = read_questions(path)
    assert [q.gold for q in (one, two, three)] == [(Gold("手引.pdf", page=page),) for page in (9, 7, 7)]
    assert [q.category for q in (one, two, three)] == ["ごみ", "ごみ", ""], "the third row is outside of that range"
    assert three.department == "環境課" and two.is_paraphrase and not three.is_paraphrase


def test_a_merged_question_or_number_is_a_mistake_of_its_cell(tmp_path: Path) -> None:
    rows = [[*COLUMNS], asked("1"), asked(""), asked("3"), [""] * 10]
    message = mistakes(write_book(tmp_path / "q.xlsx", ("質問集", rows), merged=("A2:A3", "B3:B5")))
    assert "A3（3行目「番号」）: A2 と結合されています" in message
    assert "B4（4行目「質問」）: B3 と結合されています" in message and "5行目" not in message


PLACES = [
    ("手引.pdf", "3;5", "3 5"),
    ("手引.pdf", "3、5", "3 5"),
    ("手引.pdf", "3\n5", "3 5"),
    ("手引.pdf", "3～5頁", "3 4 5"),
    ("手引.pdf", "PDF 4枚目", "4"),
    ("手引.pdf", "2頁（PDF 4枚目）", "4"),
    ("手引.pdf", "ii頁（PDF 4枚目）（第1章、総則）", "4"),
    ("説明会.pptx", "スライド3", "3"),
    ("表.xlsx", "部屋の使用料!8", "部屋の使用料:8"),
    ("表.xlsx", "'部屋・1'!$B$8", "部屋・1:8"),
    ("表.xlsx", "部屋:8-9、12", "部屋:8 部屋:9 部屋:12"),
    ("表.xlsx", "シート「部屋の使用料」5行目", "部屋の使用料:5"),
    ("表.xlsx", "部屋、備品:5", "部屋、備品:5"),
    ("案内.eml", "本文 2行目", "2"),
    ("手引.txt", "40行目（第2章 > 申請）", "40"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "place", "expected"), PLACES)
def test_one_document_has_places_as_people_and_the_product_write_them(
    tmp_path: Path, document: str, place: str, expected: str
) -> None:
    (question,) = read_questions(write(tmp_path / "q.csv", ROW | {"期待する文書": document, "ページ／行": place}))
    assert [gold.write() for gold in question.gold] == expected.split(" ")
    assert {gold.source for gold in question.gold} == {document}


@pytest.mark.parametrize("between", ["；", "、", "，", "\n", "\r\n"])
def test_several_documents_are_told_apart_by_what_people_write_between_them(tmp_path: Path, between: str) -> None:
    change = {"期待する文書": f"a.pdf{between}b.csv", "ページ／行": f"3{between}5"}
    (question,) = read_questions(write(tmp_path / "q.csv", ROW | change))
    assert question.gold == (Gold("a.pdf", page=3), Gold("b.csv", row=5))


def test_a_comma_within_the_name_of_a_document_is_no_separator(tmp_path: Path) -> None:
    change = {"期待する文書": "要綱、要領.pdf;a.pdf", "ページ／行": "3、4;5"}
    (question,) = read_questions(write(tmp_path / "q.csv", ROW | change))
    assert question.gold == tuple(Gold(*one) for one in (("要綱、要領.pdf", 3), ("要綱、要領.pdf", 4), ("a.pdf", 5)))


@pytest.mark.parametrize(
    ("document", "place", "expected"),
    [
        ("手引.pdf", "5～3", "範囲の初めが終わりより後です。3-5"),
        ("手引.pdf", "1-900", "範囲が広すぎます"),
        ("手引.pdf", "1,200", "「1,200」"),
        ("手引.pdf", "2026-03-04 00:00:00", "Excel が日付に変えています。セルの書式を文字列にして、3-4"),
        ("手引.pdf", "第2章", "PDF は先頭から数えた枚目（14。印刷された頁の番号ではない）"),
        ("表.xlsx", "8", "シートの名前がありません"),
    ],
)
def test_a_place_that_is_not_understood_is_told_with_what_to_write(
    tmp_path: Path, document: str, place: str, expected: str
) -> None:
    message = mistakes(write(tmp_path / "q.csv", ROW | {"期待する文書": document, "ページ／行": place}))
    assert "D2（2行目「ページ／行」）" in message and expected in message


NAMES = DocumentNames({
    "町民課/窓口の手引.pdf": "窓口の手引（令和8年度版）", "税務課/税の手引.pdf": "税の手引", "町民課/税の手引.docx": "税の手引",
})  # fmt: skip


@pytest.mark.parametrize("written", ["窓口の手引", "町民課/窓口の手引", "窓口の手引.pdf", "窓口の手引(令和8年度版)"])
def test_a_document_is_understood_by_a_name_that_only_one_has(tmp_path: Path, written: str) -> None:
    path = write(tmp_path / "q.csv", ROW | {"期待する文書": written, "ページ／行": "9"})
    assert read_questions(path, NAMES)[0].gold == (Gold("町民課/窓口の手引.pdf", page=9),)


def test_a_name_that_several_documents_or_none_have_is_a_mistake_of_its_own_cell(tmp_path: Path) -> None:
    for written, expected in (
        ("税の手引", "文書「税の手引」は 2 件あります: 町民課/税の手引.docx、税務課/税の手引.pdf。"),
        ("窓口手引", "文書「窓口手引」が索引にありません。近い名前: 町民課/窓口の手引.pdf"),
    ):
        path = write(tmp_path / "q.csv", ROW | {"期待する文書": written, "ページ／行": "9"})
        with pytest.raises(QuestionSetError) as caught:
            read_questions(path, NAMES)
        assert f"C2（2行目「期待する文書」）: {expected}" in str(caught.value) and "D2" not in str(caught.value)
    assert "C2（2行目「期待する文書」）: 文書「窓口手引」の種類が分かりません" in mistakes(path)


@pytest.mark.parametrize("written", ["○", "否", "×", "不可", "可"])
def test_other_words_for_answerable_or_not_are_understood(tmp_path: Path, written: str) -> None:
    row = ROW if written in ("○", "可") else REFUSED
    assert read_questions(write(tmp_path / "q.csv", row | {"回答可否": written}))[0].answerable == (row is ROW)


def test_the_whole_name_of_a_document_is_tried_before_its_parts(tmp_path: Path) -> None:
    names = DocumentNames(dict.fromkeys(("要綱、要領.pdf", "要綱.pdf", "要領.pdf"), ""))
    both, apart = (
        read_questions(write(tmp_path / "q.csv", ROW | {"期待する文書": written, "ページ／行": "3、5"}), names)[0].gold
        for written in ("要綱、要領", "要領、要綱")
    )
    assert both == (Gold("要綱、要領.pdf", page=3), Gold("要綱、要領.pdf", page=5))
    assert apart == (Gold("要領.pdf", page=3), Gold("要綱.pdf", page=5))


def test_lists_to_choose_from_that_newer_excel_writes_bring_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = write_book(tmp_path / "made.xlsx", ("質問集", [[*COLUMNS], asked("1")]))
    extension = '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    with zipfile.ZipFile(path) as made, zipfile.ZipFile(tmp_path / "q.xlsx", "w") as written:
        for name in made.namelist():
            written.writestr(name, made.read(name).decode().replace("</worksheet>", extension))
    assert len(read_questions(tmp_path / "q.xlsx")) == 1 and not list(recwarn)
