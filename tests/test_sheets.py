"""CSV and Excel: Q&A records, rows with their headers, and everything that is left out is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from coverage_check import check_page, quotes
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import Block, BlockKind, Content, Kind, Page
from rag.errors import ReadingError
from rag.reading.excel import read_excel
from rag.reading.sheets import find_delimiter, read_csv

FAQ = [
    ["窓口Q&A集"],
    ["No", "分類", "質問", "回答", "担当課", "内線"],
    ["1", "税金", "納税証明書は\nどこで取れますか", "税務課の窓口です。", "税務課", "121"],
    [],
    ["2", "住民票", "", "300円です。", "市民課", ""],
    ["3", "", "", "", "", ""],
]


def write_csv(folder: Path, rows: list[list[str]], *, encoding: str = "utf-8-sig", delimiter: str = ",") -> Path:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    path = folder / "a.csv"
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def checked(content: Content) -> Content:
    for page in content.pages:
        check_page(page)
    return content


def text_of(page: Page, block: Block) -> tuple[str | None, str | None]:
    question, answer = (page.text[s.start : s.end] if s else None for s in (block.question, block.answer))
    return question, answer


def context_of(page: Page, block: Block) -> list[str]:
    return [page.text[start:end] for start, end in block.context]


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("cp932", "\t"), ("utf-8", ";")])
def test_a_qa_record_is_one_block_with_its_parts(tmp_path: Path, encoding: str, delimiter: str) -> None:
    content = checked(read_csv(write_csv(tmp_path, FAQ, encoding=encoding, delimiter=delimiter), "a.csv"))
    page = content.pages[0]
    first, second = (block for block in page.blocks if block.kind is BlockKind.QA)
    assert content.kind is Kind.FAQ
    assert content.title == "窓口Q&A集"
    assert text_of(page, first) == ("納税証明書は\nどこで取れますか", "税務課の窓口です。")
    assert text_of(page, second) == (None, "300円です。")
    assert first.headings == ("窓口Q&A集", "税金")
    assert (
        page.text[first.start : first.end]
        == "納税証明書は\nどこで取れますか\n税務課の窓口です。\n分類: 税金\n担当課: 税務課（内線121）\nNo: 1"
    )


def test_rows_are_counted_as_records_and_skipped_ones_reported_once(tmp_path: Path) -> None:
    content = read_csv(write_csv(tmp_path, FAQ), "a.csv")
    assert [b.locator.row for b in content.pages[0].blocks if b.kind is BlockKind.QA] == [3, 5]
    assert [(p.code, "1 行" in p.message) for p in content.problems] == [("skipped_rows", True)]


def test_the_plainest_faq_is_recognised(tmp_path: Path) -> None:
    content = checked(read_csv(write_csv(tmp_path, [["質問", "回答"], ["", "答だけ"], ["問だけ", ""]]), "faq.csv"))
    assert quotes(content.pages[0]) == ["質問\t回答", "答だけ", "問だけ"]
    assert content.pages[0].blocks[1].locator.as_dict() == {"row": 2}


def test_a_row_of_another_table_carries_the_headers_of_its_cells(tmp_path: Path) -> None:
    rows = [["証明書の手数料"], ["種類", "窓口", "手数料"], ["住民票", "市民課", "300円"], ["戸籍", "", "450円"]]
    content = checked(read_csv(write_csv(tmp_path, rows), "a.csv"))
    page = content.pages[0]
    assert quotes(page) == ["証明書の手数料", "種類\t窓口\t手数料", "住民票\t市民課\t300円", "戸籍\t450円"]
    assert context_of(page, page.blocks[2]) == ["種類\t窓口\t手数料"]
    assert context_of(page, page.blocks[3]) == ["種類", "\t手数料"]  # with the separator before it: one line
    assert content.kind is None


def test_delimiters_are_found_by_trial() -> None:
    assert [find_delimiter(t) for t in ["a,b\nc,d", "a\tb,c\nd\te", "a;b\nc;d", "一列だけ\n、など"]] == [
        ",",
        "\t",
        ";",
        ",",
    ]


@given(
    rows=st.lists(st.lists(st.text(alphabet=st.sampled_from('質問回答分類A1 　\n,"あ。\x1f')), max_size=5), max_size=12)
)
def test_every_character_of_a_csv_is_in_one_block(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = write_csv(tmp_path_factory.getbasetemp(), rows)
    content = checked(read_csv(path, "a.csv"))
    if content.kind is None:  # a Q&A table leaves rows out, and counts them
        written = sorted("".join("".join(cell for row in rows for cell in row).split()))
        assert sorted("".join(content.pages[0].text.split())) == written


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[[Callable[[Any], None]], Path]:
    """Return a function that lets another one fill a new workbook, and saves it."""

    def make(fill: Callable[[Any], None]) -> Path:
        from openpyxl import Workbook

        book = Workbook()
        fill(book)
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return make


Make = Callable[[Callable[[Any], None]], Path]


def test_excel_rows_are_those_that_excel_shows(workbook: Make) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "よくある質問"
        sheet["B3"], sheet["C3"] = "お問い合わせ内容", "回答内容"
        sheet["B5"], sheet["C5"] = "開庁時間は", "8時30分からです。"

    page = checked(read_excel(workbook(fill), "a.xlsx")).pages[0]
    assert page.blocks[-1].locator.as_dict() == {"sheet": "よくある質問", "row": 5}
    assert page.blocks[-1].headings == ("よくある質問",)
    assert text_of(page, page.blocks[-1]) == ("開庁時間は", "8時30分からです。")


def test_excel_values_are_shown_as_people_see_them(workbook: Make) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.append(["日付", "金額", "率", "番号"])
        sheet.append([date(2025, 4, 1), 1234567, 0.125, 7])
        sheet["B2"].number_format, sheet["C2"].number_format, sheet["D2"].number_format = '#,##0"円"', "0.0%", "000"

    page = checked(read_excel(workbook(fill), "a.xlsx")).pages[0]
    assert quotes(page)[1] == "2025-04-01（令和7年4月1日）\t1,234,567円\t12.5%\t007"


def test_merged_cells_hold_for_every_row_and_column_they_cover(workbook: Make) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in [
            ["手数料一覧", None, None],
            ["区分", "手数料", None],
            [None, "窓口", "郵送"],
            ["住民票", "300円", "400円"],
            [None, "350円", "450円"],
            ["戸籍関係", None, None],
            ["戸籍謄本", "450円", "550円"],
        ]:
            sheet.append(row)
        for area in ("A1:C1", "B2:C2", "A2:A3", "A4:A5", "A6:C6"):
            sheet.merge_cells(area)

    content = checked(read_excel(workbook(fill), "a.xlsx"))
    page = content.pages[0]
    assert content.title == "手数料一覧"
    assert quotes(page) == [
        "手数料一覧",
        "区分\t手数料",
        "窓口\t郵送",
        "住民票\t300円\t400円",
        "住民票\t350円\t450円",
        "戸籍関係",
        "戸籍謄本\t450円\t550円",
    ]
    assert page.blocks[-1].headings == ("手数料一覧", "戸籍関係")
    assert context_of(page, page.blocks[-1]) == ["区分\t手数料\n窓口\t郵送"]


def test_two_tables_on_a_sheet_keep_their_own_headers(workbook: Make) -> None:
    def fill(book: Any) -> None:
        for row in [["表1"], ["課", "内線"], ["税務課", 121], [], ["表2"], ["施設", "住所"], ["図書館", "本町1"]]:
            book.active.append(row)

    page = checked(read_excel(workbook(fill), "a.xlsx")).pages[0]
    assert context_of(page, page.blocks[-1]) == ["施設\t住所"]
    assert page.blocks[-1].headings == ("表2",)


def test_hidden_parts_are_reported_and_not_indexed(workbook: Make) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in [["課", "内線", "メモ"], ["税務課", 121, "秘"], ["旧課", 999, "秘"]]:
            sheet.append(row)
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["C"].hidden = True
        hidden = book.create_sheet("作業用")
        hidden.append(["下書き"])
        hidden.sheet_state = "hidden"

    content = checked(read_excel(workbook(fill), "a.xlsx"))
    assert quotes(content.pages[0]) == ["課\t内線", "税務課\t121"]
    assert {p.code for p in content.problems} == {"hidden_rows", "hidden_columns", "hidden_sheet"}


def test_formulas_that_nobody_calculated_are_reported(workbook: Make) -> None:
    content = read_excel(workbook(lambda book: book.active.append(["合計", "=SUM(1,2)"])), "a.xlsx")
    assert [p.code for p in content.problems] == ["formula_without_value"]


@pytest.mark.parametrize(
    ("inside", "code"), [("EncryptedPackage".encode("utf-16-le"), "encrypted"), (b"Workbook", "unknown_format")]
)
def test_old_and_protected_workbooks_are_refused_with_the_way_out(tmp_path: Path, inside: bytes, code: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512) + inside)
    with pytest.raises(ReadingError) as caught:
        read_excel(path, "a.xlsx")
    assert caught.value.code == code
    assert "保存し直して" in caught.value.hint
