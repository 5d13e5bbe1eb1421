"""The question set: read from CSV and Excel alike, and every mistake is named by its row."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

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
        write(tmp_path / "q.csv", {**ROW, "回答可否": "○"}, columns=COLUMNS[::-1])
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
        ({"回答可否": "○"}, "H2（2行目「回答可否」）: 回答可否「○」が分かりません"),
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
