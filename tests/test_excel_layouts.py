"""How municipal workbooks are laid out: several tables on a sheet, deep headers, both calendars, forms on a fine grid, boxes over the cells."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from coverage_check import check_page, quotes
from hypothesis import given
from hypothesis import strategies as st

from rag.documents import Block, BlockKind, Content, Page
from rag.reading.excel import read_excel
from rag.reading.records import Record
from rag.reading.regions import split_regions

Fill = Callable[[Any], None]
Read = Callable[..., Content]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that lets another one fill a new workbook, and reads it. parts: what is put into the file afterwards."""

    def make(fill: Fill, parts: dict[str, str] | None = None) -> Content:
        from openpyxl import Workbook

        book, path = Workbook(), tmp_path / "a.xlsx"
        fill(book)
        book.save(path)
        if parts:
            replace_parts(path, parts)
        content = read_excel(path, "a.xlsx")
        for page in content.pages:
            check_page(page)
        return content

    return make


def replace_parts(path: Path, parts: dict[str, str]) -> None:
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (old | {name: part.encode() for name, part in parts.items()}).items():
            archive.writestr(name, content)


def put(sheet: Any, place: str, rows: list[list[Any]]) -> None:
    """Write rows of cells from a place on; None leaves a cell out."""
    first = sheet[place]
    for down, row in enumerate(rows):
        for right, value in enumerate(row):
            if value is not None:
                sheet.cell(first.row + down, first.column + right, value)


def rows_of(page: Page) -> list[tuple[int | None, str, list[str]]]:
    """Return (row, text, header) of each row of a table."""
    return [
        (block.locator.row, text_of(page, block), [page.text[slice(*span)] for span in block.context])
        for block in page.blocks
        if block.kind is BlockKind.TABLE_ROW
    ]


def text_of(page: Page, block: Block) -> str:
    return page.text[block.start : block.end]


# --- several tables on a sheet ------------------------------------------------------------------------------------------


def test_tables_side_by_side_are_read_one_after_the_other(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["内線一覧"]])
        put(book.active, "A2", [["課", "内線"], ["税務課", 121], ["町民課", 111], ["総務課", 210]])
        put(book.active, "D2", [["課", "内線"], ["建設課", 320], ["教育課", 410]])

    (page,) = read(fill).pages
    assert rows_of(page) == [
        (3, "税務課\t121", ["課\t内線"]),
        (4, "町民課\t111", ["課\t内線"]),
        (5, "総務課\t210", ["課\t内線"]),
        (3, "建設課\t320", ["課\t内線"]),
        (4, "教育課\t410", ["課\t内線"]),
    ]
    assert {block.headings for block in page.blocks[1:]} == {("内線一覧",)}


def test_tables_side_by_side_keep_their_own_titles_and_headers(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["表1 手数料"], ["種類", "金額"], ["住民票", "300円"], ["戸籍", "450円"]])
        put(book.active, "E1", [["表2 施設"], ["施設", "場所"], ["図書館", "本町1"], ["公民館", "本町2"]])

    (page,) = read(fill).pages
    assert rows_of(page) == [
        (3, "住民票\t300円", ["種類\t金額"]),
        (4, "戸籍\t450円", ["種類\t金額"]),
        (3, "図書館\t本町1", ["施設\t場所"]),
        (4, "公民館\t本町2", ["施設\t場所"]),
    ]
    assert [page.blocks[2].headings, page.blocks[-1].headings] == [("表1 手数料",), ("表2 施設",)]


def test_an_empty_column_within_a_table_does_not_part_it(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["番号", "名称", None, "担当", "電話"], [1, "図書館", None, "教育課", "410"]])
        put(book.active, "A3", [[2, "公民館", None, "教育課", "411"]])

    (page,) = read(fill).pages
    assert rows_of(page)[0] == (2, "1\t図書館\t教育課\t410", ["番号\t名称\t担当\t電話"])


def test_a_hidden_column_does_not_part_a_table(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["課", "係", "控", "課", "係"], ["税務課", "収納係", "x", "町民課", "戸籍係"]])
        put(book.active, "A3", [["総務課", "庶務係", "y", "建設課", "管理係"]])
        book.active.column_dimensions["C"].hidden = True

    (page,) = read(fill).pages
    assert rows_of(page)[0] == (2, "税務課\t収納係\t町民課\t戸籍係", ["課\t係\t課\t係"])


def test_tables_below_each_other_need_no_title_between_them(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["種類", "金額"], ["住民票", 300], ["戸籍", 450]])
        put(book.active, "A5", [["施設", "定員"], ["大会議室", 80], ["和室", 20]])

    (page,) = read(fill).pages
    assert rows_of(page) == [
        (2, "住民票\t300", ["種類\t金額"]),
        (3, "戸籍\t450", ["種類\t金額"]),
        (6, "大会議室\t80", ["施設\t定員"]),
        (7, "和室\t20", ["施設\t定員"]),
    ]


def test_a_header_in_bold_begins_a_table_of_words_only(read: Read) -> None:
    from openpyxl.styles import Font

    def fill(book: Any) -> None:
        put(book.active, "A1", [["係", "仕事"], ["収納係", "収納"], ["資産税係", "評価"]])
        put(book.active, "A5", [["課", "場所"], ["税務課", "1階"], ["教育課", "3階"]])
        for cell in ("A1", "B1", "A5", "B5"):
            book.active[cell].font = Font(bold=True)

    (page,) = read(fill).pages
    assert rows_of(page)[-1] == (7, "教育課\t3階", ["課\t場所"])


def test_a_blank_row_within_a_table_does_not_part_it(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["種類", "金額"], ["住民票", 300]])
        put(book.active, "A4", [["戸籍", 450], ["印鑑", 300]])

    (page,) = read(fill).pages
    assert rows_of(page)[1:] == [(4, "戸籍\t450", ["種類\t金額"]), (5, "印鑑\t300", ["種類\t金額"])]


CELLS = st.lists(st.sampled_from(["", "", "課", "内線", "税務課", "121", "表1"]), min_size=1, max_size=9)


@given(rows=st.lists(st.tuples(st.integers(1, 3), CELLS), max_size=14))
def test_no_cell_is_lost_or_doubled_by_the_split(rows: list[tuple[int, list[str]]]) -> None:
    records, number = [], 0
    for step, cells in rows:
        number += step
        records.append(Record(number, tuple(cells)))
    filled = [record for record in records if record.filled]

    regions = list(split_regions(filled))
    found = [
        (record.row, column, record.cells[column])
        for region in regions
        for record in (*region.above, *(record for table in region.tables for record in table))
        for column in record.filled
    ]
    assert sorted(found) == sorted((r.row, column, r.cells[column]) for r in filled for column in r.filled)


def test_two_faqs_side_by_side_are_both_faqs(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["質問", "回答"], ["開庁時間は", "8時30分からです。"], ["休みは", "土日です。"]])
        put(book.active, "D1", [["質問", "回答"], ["駐車場は", "無料です。"], ["台数は", "78台です。"]])

    (page,) = read(fill).pages
    assert [quote for quote in quotes(page) if "\n" in quote] == [
        "開庁時間は\n8時30分からです。",
        "休みは\n土日です。",
        "駐車場は\n無料です。",
        "台数は\n78台です。",
    ]


# --- headers, titles, notes ---------------------------------------------------------------------------------------------


def test_a_header_of_three_lines_is_the_context_of_each_row(read: Read) -> None:
    def fill(book: Any) -> None:
        rows = [
            ["区分", "令和7年度", None, None, None],
            [None, "予算", None, "決算", None],
            [None, "収入", "支出", "収入", "支出"],
            ["一般会計", 120, 110, 118, 105],
        ]
        put(book.active, "A1", rows)
        for area in ("A1:A3", "B1:E1", "B2:C2", "D2:E2"):
            book.active.merge_cells(area)

    (page,) = read(fill).pages
    assert quotes(page) == [
        "区分\t令和7年度",
        "予算\t決算",
        "収入\t支出\t収入\t支出",
        "一般会計\t120\t110\t118\t105",
    ]
    ((_, _, header),) = rows_of(page)
    assert header == ["区分\t令和7年度\n予算\t決算\n収入\t支出\t収入\t支出"]


def test_a_header_goes_on_below_a_cell_that_is_merged_downwards(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["区分", "手数料"], [None, "窓口", "郵送"], ["住民票", 300, 400]])
        book.active.merge_cells("A1:A2")

    (page,) = read(fill).pages
    assert rows_of(page) == [(3, "住民票\t300\t400", ["区分\t手数料\n窓口\t郵送"])]


def test_titles_stand_above_a_table_and_notes_below_it(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["手数料一覧"], ["令和7年4月1日現在"], ["種類", "金額"], ["住民票", 300]])
        put(book.active, "A5", [["※郵送の場合は、別に郵便料金がかかります。"], ["年度の途中で変わることがあります。"]])

    content = read(fill)
    (page,) = content.pages
    assert content.title == "手数料一覧"
    assert [(b.kind, text_of(page, b)) for b in page.blocks if b.kind is not BlockKind.TABLE_HEADER] == [
        (BlockKind.HEADING, "手数料一覧"),
        (BlockKind.HEADING, "令和7年4月1日現在"),
        (BlockKind.TABLE_ROW, "住民票\t300"),
        (BlockKind.PARAGRAPH, "※郵送の場合は、別に郵便料金がかかります。"),
        (BlockKind.PARAGRAPH, "年度の途中で変わることがあります。"),
    ]
    assert page.blocks[3].headings == ("手数料一覧", "令和7年4月1日現在")
    assert page.blocks[-1].locator.as_dict() == {"sheet": "Sheet", "row": 6}


# --- values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (date(2025, 4, 1), 'ggge"年"m"月"d"日"', "令和7年4月1日（2025年4月1日）"),
        (date(2025, 4, 1), "[$-411]ge.m.d;@", "R7.4.1（2025年4月1日）"),
        (date(2025, 4, 1), "yyyy/m/d", "2025/4/1（令和7年4月1日）"),
        (date(2025, 4, 1), "mm-dd-yy", "2025/4/1（令和7年4月1日）"),
        (date(2025, 4, 1), 'm"月"d"日"', "4月1日"),
        (date(2025, 4, 1), 'ggge"年度"', "令和7年度（2025年度）"),
        (date(2025, 4, 1), 'yyyy"年"m"月"', "2025年4月（令和7年4月）"),
        (date(2025, 4, 1), 'm"月"d"日"(aaa)', "4月1日(火)"),
        (datetime(2025, 4, 1, 9, 5), "yyyy/m/d h:mm", "2025/4/1 9:05（令和7年4月1日）"),
        (date(2019, 5, 1), 'ggge"年"m"月"d"日"', "令和元年5月1日（2019年5月1日）"),
        (date(2019, 4, 30), 'ggge"年"m"月"d"日"', "平成31年4月30日（2019年4月30日）"),
        (date(1989, 1, 8), "yyyy/m/d", "1989/1/8（平成元年1月8日）"),
        (date(1989, 1, 7), "yyyy/m/d", "1989/1/7（昭和64年1月7日）"),
        (date(1926, 12, 25), "yyyy/m/d", "1926/12/25（昭和元年12月25日）"),
        (date(1926, 12, 24), "yyyy/m/d", "1926/12/24（大正15年12月24日）"),
        (date(1912, 7, 30), "yyyy/m/d", "1912/7/30（大正元年7月30日）"),
        (date(1912, 7, 29), "yyyy/m/d", "1912/7/29（明治45年7月29日）"),
        (45748, 'ggge"年"', "令和7年（2025年）"),
        (45748, "General", "45748"),
        (0.375, 'h"時"mm"分"', "9時00分"),
    ],
)
def test_a_date_is_shown_as_its_format_shows_it_and_in_the_other_calendar(
    read: Read, value: Any, number_format: str, shown: str
) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["日", value]])
        book.active["B1"].number_format = number_format

    assert read(fill).pages[0].text == f"日\t{shown}\n"


def test_the_formats_of_japanese_excel_that_have_a_number_only_are_known(read: Read, tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["日", 45748]])
        book.active["B1"].number_format = "0.00"

    read(fill)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        styles = archive.read("xl/styles.xml").decode()
    assert styles.count('numFmtId="2"') == 1
    content = read(fill, {"xl/styles.xml": styles.replace('numFmtId="2"', 'numFmtId="58"')})
    assert content.pages[0].text == "日\t令和7年4月1日（2025年4月1日）\n"


# --- what nobody sees ---------------------------------------------------------------------------------------------------


def test_what_is_filtered_folded_or_without_width_is_hidden(read: Read, tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        put(sheet, "A1", [["課", "内線", "控"], ["税務課", 121, "x"], ["町民課", 111, "y"], ["総務課", 210, "z"]])
        sheet.auto_filter.ref = "A1:B4"
        sheet.row_dimensions[3].hidden = True
        sheet.row_dimensions.group(4, 4, hidden=True)
        sheet.column_dimensions["C"].width = 7
        put(book.create_sheet("台帳"), "A1", [["秘密"]])
        book["台帳"].sheet_state = "veryHidden"

    read(fill)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        written = archive.read("xl/worksheets/sheet1.xml").decode()
    assert written.count('width="7"') == 1
    content = read(fill, {"xl/worksheets/sheet1.xml": written.replace('width="7"', 'width="0"')})
    assert quotes(content.pages[0]) == ["課\t内線", "税務課\t121"]
    assert [(p.code, p.page, p.row) for p in content.problems] == [
        ("hidden_rows", 1, 3),
        ("hidden_columns", 1, None),
        ("hidden_sheet", 2, None),
    ]
    assert "2 行" in content.problems[0].message and "絞り込み" in content.problems[0].message


# --- over and around the cells ------------------------------------------------------------------------------------------

DRAWING = """<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
 xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
<xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:row>4</xdr:row></xdr:from>{shape}</xdr:twoCellAnchor>
<mc:AlternateContent><mc:Choice Requires="a14"><xdr:twoCellAnchor><xdr:from><xdr:col>0</xdr:col><xdr:row>7</xdr:row></xdr:from>
<xdr:grpSp>{checkbox}</xdr:grpSp></xdr:twoCellAnchor></mc:Choice><mc:Fallback>{checkbox}</mc:Fallback></mc:AlternateContent>
<xdr:twoCellAnchor><xdr:from><xdr:row>1</xdr:row></xdr:from><xdr:pic/></xdr:twoCellAnchor>
</xdr:wsDr>"""
SHAPE = '<xdr:sp><xdr:nvSpPr><xdr:cNvPr id="{id}" name="x" {more}/></xdr:nvSpPr><xdr:txBody>{paragraphs}</xdr:txBody></xdr:sp>'
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/drawing"
 Target="../drawings/drawing1.xml"/></Relationships>"""


def write_shape(*lines: str, id: int = 2, more: str = "") -> str:
    paragraphs = "".join(
        f"<a:p><a:r><a:t>{line[:2]}</a:t></a:r><a:r><a:t>{line[2:]}</a:t></a:r></a:p>" for line in lines
    )
    return SHAPE.format(id=id, more=more, paragraphs=paragraphs)


def test_words_of_text_boxes_stand_below_the_rows_and_pictures_are_reported(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["課", "内線"], ["税務課", 121]])

    hidden = write_shape("見えない", more='hidden="1"', id=9)
    drawing = DRAWING.format(
        shape=write_shape("注意書き", "必ず確認する。") + hidden, checkbox=write_shape("該当する", id=3)
    )
    content = read(fill, {"xl/drawings/drawing1.xml": drawing, "xl/worksheets/_rels/sheet1.xml.rels": RELATIONS})

    (page,) = content.pages
    assert [(b.locator.row, b.kind, text_of(page, b)) for b in page.blocks[2:]] == [
        (5, BlockKind.PARAGRAPH, "注意書き\n必ず確認する。"),
        (8, BlockKind.PARAGRAPH, "該当する"),
    ]
    assert [(p.code, "画像 1 個" in p.message) for p in content.problems] == [("sheet_pictures", True)]


def test_comments_on_visible_cells_are_read(read: Read) -> None:
    from openpyxl.comments import Comment

    def fill(book: Any) -> None:
        put(book.active, "A1", [["課", "内線"], ["税務課", 121], ["旧課", 999]])
        book.active["B2"].comment = Comment("令和7年10月から 131 に変わります。", "x")
        book.active["B3"].comment = Comment("見えません。", "x")
        book.active.row_dimensions[3].hidden = True

    (page,) = read(fill).pages
    assert quotes(page) == ["課\t内線", "税務課\t121", "令和7年10月から 131 に変わります。"]
    assert page.blocks[-1].locator.as_dict() == {"sheet": "Sheet", "row": 2}


def test_a_sheet_of_text_boxes_only_is_a_page(read: Read) -> None:
    drawing = DRAWING.format(shape=write_shape("受付の流れ"), checkbox=write_shape("届け出る", id=3))
    content = read(
        lambda book: None, {"xl/drawings/drawing1.xml": drawing, "xl/worksheets/_rels/sheet1.xml.rels": RELATIONS}
    )

    assert quotes(content.pages[0]) == ["受付の流れ", "届け出る"]


def test_printed_headers_and_footers_are_kept_apart_from_the_text(read: Read) -> None:
    def fill(book: Any) -> None:
        put(book.active, "A1", [["課", "内線"], ["税務課", 121]])
        book.active.oddHeader.left.text = "緑沢町 税務課"
        book.active.oddHeader.right.text = "&D"
        book.active.oddFooter.center.text = "&P / &N"
        book.active.oddFooter.right.text = "取扱注意"

    (page,) = read(fill).pages
    assert [(block.kind, text_of(page, block)) for block in page.blocks] == [
        (BlockKind.HEADER, "緑沢町 税務課"),
        (BlockKind.TABLE_HEADER, "課\t内線"),
        (BlockKind.TABLE_ROW, "税務課\t121"),
        (BlockKind.FOOTER, "取扱注意"),
    ]


# --- forms on a fine grid -----------------------------------------------------------------------------------------------


def fill_form(book: Any) -> None:
    """Draw an application form on columns of two characters' width, as people do."""
    from openpyxl.utils import get_column_letter

    sheet = book.active
    for column in range(1, 31):
        sheet.column_dimensions[get_column_letter(column)].width = 2.6
    texts = {
        "H1:W1": "補助金交付申請書",
        "S3:T3": "令和",
        "A5:B8": "申請者",
        "C5:F5": "氏名",
        "G5:P5": "緑沢 花子",
        "C6:F6": "住所",
        "G6:Z6": "緑沢町本町1番地",
        "C7:F7": "電話番号",
        "C8:F8": "区分",
        "A10:F10": "申請額",
        "G10:L10": 50000,
        "M10:R10": "交付決定額",
        "S10:X10": 45000,
        "A12:Z12": "上記のとおり申請します。",
    }
    for area, text in texts.items():
        sheet[area.split(":")[0]] = text
        sheet.merge_cells(area)
    for column, character in zip("UVWXYZ", "7年4月1日", strict=True):
        sheet[f"{column}3"] = int(character) if character.isdigit() else character
    for column, digit in zip("GHIJ", "0121", strict=True):
        sheet[f"{column}7"] = digit
    for column, character in zip("GHJK", "□有■無", strict=True):
        sheet[f"{column}8"] = character
    for cell in ("G10", "S10"):
        sheet[cell].number_format = '#,##0"円"'


def test_a_form_on_a_fine_grid_gives_lines_that_can_be_read(read: Read) -> None:
    content = read(fill_form)

    (page,) = content.pages
    assert content.title == "補助金交付申請書"
    assert [(block.locator.row, text_of(page, block)) for block in page.blocks] == [
        (1, "補助金交付申請書"),
        (3, "令和7年4月1日"),
        (5, "申請者　氏名: 緑沢 花子"),
        (6, "申請者　住所: 緑沢町本町1番地"),
        (7, "申請者　電話番号: 0121"),
        (8, "申請者　区分: □有　■無"),
        (10, "申請額: 50,000円　交付決定額: 45,000円"),
        (12, "上記のとおり申請します。"),
    ]


def test_a_table_of_duties_with_narrow_columns_is_no_form(read: Read) -> None:
    from openpyxl.utils import get_column_letter

    def fill(book: Any) -> None:
        put(book.active, "A1", [["氏名", *range(1, 16)], ["職員A", *("○休" * 8)[:15]], ["職員B", *("休○" * 8)[:15]]])
        for column in range(2, 17):
            book.active.column_dimensions[get_column_letter(column)].width = 2.6
        book.active.column_dimensions["A"].width = 12

    (page,) = read(fill).pages
    assert quotes(page)[1].startswith("職員A\t○\t休\t○\t休")
