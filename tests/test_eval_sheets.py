"""Question sets written for people and read again: Excel and CSV both ways, and what nobody may run as a formula."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.acceptance import ACCEPTED, DECISION, REFUSED, read_accepted
from eval.convert import main
from eval.places import Gold
from eval.questions import COLUMNS, Question, read_questions
from eval.sheet_writing import QUESTION_COLUMNS, write_cells, write_questions, write_rows
from rag.errors import QuestionSetError

QUESTION = Question(
    "1", "手数料はいくらですか。", (Gold("手引.pdf", page=9),), ("300円",), "1通300円です。", "手続", True, "町民課", ""
)
GOLDS = (
    Gold("計画.pdf", page=14), Gold("Q&A.xlsx", sheet="住民向け", row=28), Gold("様式.zip/様式1.docx", paragraph=3),
    Gold("案内.eml", line=2), Gold("一覧.csv", row=5), Gold("説明会.pptx", page=2),
)  # fmt: skip
LETTERS = string.ascii_letters + string.digits + "あ漢ー　 =+-@'\"、。\n|,\\_#"
TEXTS = st.text(LETTERS, max_size=12).map(str.strip)
FACTS = st.text(LETTERS, min_size=1, max_size=6).map(str.strip).filter(bool)
LABELLED = st.builds(
    Question,
    id=st.just("1"),
    text=TEXTS.filter(bool),
    gold=st.lists(st.sampled_from(GOLDS), min_size=1, max_size=3).map(tuple),
    key_facts=st.lists(FACTS, max_size=3).map(tuple),
    model_answer=TEXTS,
    category=TEXTS,
    answerable=st.just(True),
    department=TEXTS,
    note=TEXTS,
    as_of=st.none() | st.dates(date(2000, 1, 1), date(2100, 12, 31)),
    is_held_out=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions=st.lists(LABELLED, min_size=1, max_size=3), suffix=st.sampled_from(["csv", "xlsx"]))
def test_what_is_written_is_read_back_equal(tmp_path: Path, questions: list[Question], suffix: str) -> None:
    numbered = tuple(replace(question, id=str(number)) for number, question in enumerate(questions, start=1))
    write_questions(tmp_path / f"q.{suffix}", numbered)
    assert read_questions(tmp_path / f"q.{suffix}") == numbered


def test_a_set_goes_from_csv_to_excel_and_back_unchanged(tmp_path: Path) -> None:
    asked = (replace(QUESTION, as_of=date(2026, 4, 1)), replace(QUESTION, id="2", text="=1+1は", is_held_out=True))
    write_questions(tmp_path / "a.csv", asked)
    assert main([str(tmp_path / "a.csv"), str(tmp_path / "b.xlsx")]) == 0
    assert main([str(tmp_path / "b.xlsx"), str(tmp_path / "c.csv")]) == 0
    assert read_questions(tmp_path / "b.xlsx") == asked
    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf"), "Excel needs a BOM"


def test_excel_runs_no_cell_as_a_formula_and_shows_its_words_as_they_are(tmp_path: Path) -> None:
    hostile = ['=HYPERLINK("x")', "+81", "-5度", "@SUM(A1)"]
    write_questions(tmp_path / "q.xlsx", [replace(QUESTION, id=str(n), text=t) for n, t in enumerate(hostile, 1)])
    cells = [row[1] for row in openpyxl.load_workbook(tmp_path / "q.xlsx").worksheets[0].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == hostile
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in cells)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_suggestion_is_accepted_and_refused_in_the_words_that_people_use(tmp_path: Path, suffix: str) -> None:
    marks = ["○", "〇", "はい", "採用", "×", "いいえ", "不採用"]
    rows = [write_cells(replace(QUESTION, id=str(n))) | {DECISION: mark} for n, mark in enumerate(marks, 1)]
    write_rows(tmp_path / f"候補.{suffix}", (DECISION, *QUESTION_COLUMNS), rows)
    assert [question.id for question in read_accepted(tmp_path / f"候補.{suffix}")] == ["1", "2", "3", "4"]


def test_no_line_of_a_csv_begins_a_formula(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.csv", [replace(QUESTION, text="=1+1")])
    assert ",'=1+1," in (tmp_path / "q.csv").read_text(encoding="utf-8-sig")


def test_excel_freezes_its_heading_and_offers_what_can_be_chosen(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.xlsx", [QUESTION, replace(QUESTION, id="2", category="計画")])
    book = openpyxl.load_workbook(tmp_path / "q.xlsx")
    sheet, listed = book.worksheets
    assert sheet.freeze_panes == "C2" and [cell.value for cell in sheet[1]] == list(QUESTION_COLUMNS)
    assert sheet.column_dimensions["B"].width > sheet.column_dimensions["A"].width
    rules = {
        str(rule.sqref)[0]: (rule.formula1, rule.showErrorMessage) for rule in sheet.data_validations.dataValidation
    }
    assert set(rules) == {"G", "H", "L"}, "分類, 回答可否, 用途"
    assert rules["H"][1] and not rules["G"][1], "a new 分類 may be written"
    offered = {column[0]: [word for word in column[1:] if word] for column in listed.iter_cols(values_only=True)}
    assert offered == {"回答可否": ["可", "不可"], "用途": ["調整", "検証"], "分類": ["手続", "計画"]}


def test_excel_prints_all_columns_on_the_width_of_a_page_and_hides_the_lists(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.xlsx", [QUESTION])
    sheet, listed = openpyxl.load_workbook(tmp_path / "q.xlsx").worksheets
    assert (sheet.page_setup.orientation, sheet.print_title_rows) == ("landscape", "$1:$1")
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.oddFooter.center.text == "&P / &N"
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    assert (sheet.sheet_state, listed.sheet_state) == ("visible", "hidden")


def test_only_accepted_suggestions_come_into_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decisions = {"1": ACCEPTED, "2": REFUSED, "3": "", "4": ACCEPTED}
    rows = [write_cells(replace(QUESTION, id=id_)) | {DECISION: mark} for id_, mark in decisions.items()]
    write_rows(tmp_path / "候補.xlsx", (DECISION, *QUESTION_COLUMNS), rows)
    assert [question.id for question in read_accepted(tmp_path / "候補.xlsx")] == ["1", "4"]
    assert main(["--accepted", str(tmp_path / "候補.xlsx"), str(tmp_path / "q.csv")]) == 0
    assert "2 問" in capsys.readouterr().out and len(read_questions(tmp_path / "q.csv")) == 2


def write_decided(path: Path, *questions: Question) -> Path:
    write_rows(path, (DECISION, *QUESTION_COLUMNS), [write_cells(q) | {DECISION: ACCEPTED} for q in questions])
    return path


def write_own_excel(path: Path) -> None:
    """Write a set as a QA team keeps it: numbers as numbers, columns of its own, widths, a second sheet."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["担当者", *QUESTION_COLUMNS])
    for number in (8, 12):
        cells = write_cells(replace(QUESTION, text=f"問い{number}はいくらですか。"))
        sheet.append([f"甲{number}", number, *list(cells.values())[1:]])
    sheet.column_dimensions["C"].width = 33
    sheet["C3"].font = openpyxl.styles.Font(color="FFFF0000")
    sheet.auto_filter.ref = "A1:M3"
    book.create_sheet("メモ")["A1"] = "消さない"
    book.save(path)


def test_batches_of_accepted_suggestions_are_added_under_fresh_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "質問集.xlsx"
    write_own_excel(target)
    before = target.read_bytes()
    for batch in ("休館日", "会費"):
        asked = replace(QUESTION, id="S1", text=f"=1+1の{batch}は"), replace(QUESTION, id="R1", text=f"{batch}の窓口は")
        candidates = write_decided(tmp_path / f"{batch}.xlsx", *asked)
        assert main(["--accepted", "--add", str(candidates), str(target)]) == 0
    assert "番号 15、16" in capsys.readouterr().out
    read = read_questions(target)
    assert [q.id for q in read] == ["8", "12", "13", "14", "15", "16"]
    assert read[2] == replace(QUESTION, id="13", text="=1+1の休館日は") and read[5].text == "会費の窓口は"
    assert before in [path.read_bytes() for path in tmp_path.glob("質問集-*.xlsx")], "the set before is kept"


def test_adding_leaves_the_rest_of_an_excel_set_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "質問集.xlsx"
    write_own_excel(target)
    candidates = write_decided(tmp_path / "候補.csv", replace(QUESTION, text="休館日は"))
    assert main(["--accepted", "--add", str(candidates), str(target)]) == 0
    sheet, memo = openpyxl.load_workbook(target).worksheets
    assert (sheet.column_dimensions["C"].width, memo["A1"].value, sheet.auto_filter.ref) == (33, "消さない", "A1:M4")
    assert [sheet.cell(row, 1).value for row in range(1, 5)] == ["担当者", "甲8", "甲12", None]
    assert [sheet.cell(row, 2).value for row in range(2, 5)] == [8, 12, 13]
    assert sheet["C4"].value == "休館日は" and sheet["C4"].font.color.rgb == "FFFF0000"


def test_adding_goes_to_the_sheet_that_has_the_headings_though_it_has_no_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "表紙"
    book.create_sheet("質問").append(QUESTION_COLUMNS[1:])
    book.worksheets[1].append(list(write_cells(QUESTION).values())[1:])
    book.save(target := tmp_path / "質問集.xlsx")
    candidates = write_decided(tmp_path / "候補.csv", replace(QUESTION, text="休館日は"))
    assert main(["--accepted", "--add", str(candidates), str(target)]) == 0
    assert [(q.id, q.text) for q in read_questions(target)] == [("Q1", QUESTION.text), ("Q2", "休館日は")]
    assert openpyxl.load_workbook(target).worksheets[0].max_row == 1, "the cover sheet stays as it is"


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_adding_to_a_csv_keeps_its_bytes_and_its_encoding(tmp_path: Path, encoding: str) -> None:
    target, line = tmp_path / "q.csv", ",".join(["Q07", "町の花は"] + [""] * 5 + ["不可", "", "", "甲"])
    target.write_bytes(f"{','.join(COLUMNS)},担当者\r\n{line}".encode(encoding))
    before = target.read_bytes()
    candidates = write_decided(tmp_path / "候補.xlsx", QUESTION)
    assert main(["--accepted", "--add", str(candidates), str(target)]) == 0
    assert target.read_bytes().startswith(before + b"\r\nQ08,")
    assert read_questions(target)[1] == replace(QUESTION, id="Q08")


def test_what_the_set_asks_already_is_named_by_its_cell_and_nothing_is_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, new = tmp_path / "q.xlsx", replace(QUESTION, id="2", text="休館日は")
    write_questions(target, [QUESTION])
    before = target.read_bytes()
    candidates = write_decided(tmp_path / "候補.xlsx", new, replace(QUESTION, id="3"), replace(new, id="4"))
    assert main(["--accepted", "--add", str(candidates), str(target)]) == 2
    told = capsys.readouterr().err
    assert "C3（3行目「質問」）: q.xlsx の 2行目（番号 1）と同じ質問です" in told
    assert "C4（4行目「質問」）: この表の 2行目と同じ質問です" in told
    assert target.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ["q.xlsx", "候補.xlsx"]
    of_a_day = write_decided(tmp_path / "別の日.xlsx", replace(QUESTION, as_of=date(2026, 4, 1)))
    assert main(["--accepted", "--add", str(of_a_day), str(target)]) == 0, "another day is another question"


def test_a_day_is_not_lost_where_the_set_has_no_column_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "q.xlsx", COLUMNS, [write_cells(QUESTION)])
    candidates = write_decided(tmp_path / "候補.xlsx", replace(QUESTION, text="休館日は", as_of=date(2026, 4, 1)))
    assert main(["--accepted", "--add", str(candidates), str(tmp_path / "q.xlsx")]) == 2
    assert "L2（2行目「基準日」）: q.xlsx に「基準日」の列がありません" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, candidates = tmp_path / "q.xlsx", write_decided(tmp_path / "候補.xlsx", replace(QUESTION, text="休館日は"))
    assert main(["--accepted", "--add", str(candidates), str(target)]) == 2
    assert "加える先の質問集がありません" in capsys.readouterr().err
    write_questions(target, [QUESTION])
    before = target.read_bytes()
    assert main(["--accepted", str(candidates), str(target)]) == 2
    assert "--add を付けてください" in capsys.readouterr().err
    assert main([str(candidates), str(target)]) == 2
    assert "--" not in (told := capsys.readouterr().err) and "書き先に別の名前" in told
    assert main([str(target), str(target)]) == 2
    assert "--" not in (told := capsys.readouterr().err) and "書き先に別の名前" in told
    with pytest.raises(SystemExit):
        main(["--add", str(candidates), str(target)])
    assert target.read_bytes() == before


def test_a_mark_that_is_neither_is_named_and_a_sheet_without_any_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", (DECISION, *QUESTION_COLUMNS), [write_cells(QUESTION) | {DECISION: "たぶん"}])
    with pytest.raises(QuestionSetError, match="A2（2行目「採否」）: 採否「たぶん」"):
        read_accepted(tmp_path / "a.csv")
    write_questions(tmp_path / "b.csv", [QUESTION])
    with pytest.raises(QuestionSetError, match="採用した質問がありません"):
        read_accepted(tmp_path / "b.csv")


def test_a_set_is_never_written_over_itself_nor_where_it_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(tmp_path / "q.csv", [QUESTION])
    assert main([str(tmp_path / "q.csv"), str(tmp_path / "q.csv")]) == 2
    assert main([str(tmp_path / "q.csv"), str(tmp_path / "none" / "q.xlsx")]) == 2
    (tmp_path / "folder.xlsx").mkdir()
    assert main([str(tmp_path / "q.csv"), str(tmp_path / "folder.xlsx")]) == 2
    assert "上書き" in (told := capsys.readouterr().err) and "フォルダーがありません" in told and "書けません" in told
