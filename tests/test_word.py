"""Word documents: headings, numbers as displayed, tables, notes, boxes; what is deleted or hidden is not read, and said."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coverage_check import check_page, quotes
from docx import Document as new_document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.shared import Cm
from office_files import ask, context_of, read_indexed, show
from PIL import Image

from rag.documents import BlockKind, Content
from rag.errors import ReadingError
from rag.reading.options import ReadingOptions
from rag.reading.word import read_word

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMES = (
    f'xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def save(folder: Path, document: Any) -> Path:
    document.save(folder / "a.docx")
    return folder / "a.docx"


def read(folder: Path, fill: Callable[[Any], None]) -> Content:
    document = new_document()
    fill(document)
    return checked(read_word(save(folder, document), "a.docx"))


def checked(content: Content) -> Content:
    for page in content.pages:
        check_page(page)
    return content


def put(document: Any, *elements: str) -> None:
    """Append elements to the body as they stand in the XML of a document."""
    for element in elements:
        document.element.body.insert(
            len(document.element.body) - 1, parse_xml(re.sub(r"^<([\w:]+)", rf"<\1 {NAMES}", element, count=1))
        )


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def fill_table(document: Any, rows: list[list[str]]) -> Any:
    table = document.add_table(len(rows), len(rows[0]))
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(number, column).text = text
    return table


def test_headings_paragraphs_and_rows_know_their_place(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.add_heading("旅費の手引", 0)
        document.add_heading("第2章 請求", 1)
        document.add_paragraph("")
        document.add_paragraph("請求は10日以内に行う。")
        document.add_heading("2 申請", 2)
        fill_table(document, [["区分", "金額", "備考"], ["日当", "2,000円", ""], ["宿泊料", "9,800円", "一夜"]])
        document.add_paragraph("以上です。")

    content = read(tmp_path, fill)
    page = content.pages[0]
    assert content.title == "旅費の手引"
    assert [(b.kind.value, t, b.locator.as_dict()) for b, t in show(content)] == [
        ("heading", "旅費の手引", {"paragraph": 1}),
        ("heading", "第2章 請求", {"heading": "第2章 請求", "paragraph": 2}),
        ("paragraph", "請求は10日以内に行う。", {"heading": "第2章 請求", "paragraph": 3}),
        ("heading", "2 申請", {"heading": "第2章 請求 > 2 申請", "paragraph": 4}),
        ("table_header", "区分\t金額\t備考", {"heading": "第2章 請求 > 2 申請", "paragraph": 5}),
        ("table_row", "日当\t2,000円\t", {"heading": "第2章 請求 > 2 申請", "paragraph": 6}),
        ("table_row", "宿泊料\t9,800円\t一夜", {"heading": "第2章 請求 > 2 申請", "paragraph": 7}),
        ("paragraph", "以上です。", {"heading": "第2章 請求 > 2 申請", "paragraph": 8}),
    ]
    assert context_of(page, page.blocks[5]) == ["区分\t金額\t備考"]


def test_headings_that_are_only_numbered_are_found(tmp_path: Path) -> None:
    lines = [
        "第１章　総則",
        "（目的）",
        "第１条　この規程は、旅費について定める。",
        "第２章　請求",
        "1-1 書類",
        "請求書を出す。",
        "■ 注意",
        "写しを取る。",
    ]
    content = read(tmp_path, lambda document: [document.add_paragraph(line) for line in lines] and None)
    places = {text: block.locator.heading for block, text in show(content)}
    assert places["第１条　この規程は、旅費について定める。"] == "第１章 総則 > 第1条（目的）"
    assert places["請求書を出す。"] == "第２章 請求 > 1-1 書類"
    assert places["写しを取る。"] == "第２章 請求 > 1-1 書類 > ■ 注意"


def test_styles_with_japanese_names_are_headings(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        style = document.styles.add_style("見出し 3", 1)
        style.base_style = document.styles["Normal"]
        document.add_paragraph("窓口の受付", style="見出し 3")
        document.add_paragraph("午前8時30分から。")

    (heading, _), (body, _) = show(read(tmp_path, fill))
    assert (heading.kind, body.headings) == (BlockKind.HEADING, ("窓口の受付",))


def test_a_chapter_without_its_style_has_the_level_of_the_others(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.add_heading("規程", 0)
        document.add_heading("第1章 総則", 3)
        document.add_paragraph("本文です。")
        document.add_paragraph("第2章 雑則")
        document.add_paragraph("本文です。")

    assert show(read(tmp_path, fill))[-1][0].headings == ("第2章 雑則",)


# --- automatic numbers ------------------------------------------------------------------------------------------------


def add_list(document: Any, list_id: int, *levels: tuple[str, str], extra: str = "") -> None:
    """Define a list in numbering.xml: (format, text) of each of its levels."""
    numbering = document.part.numbering_part.element
    xml = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{style}"/>{extra}<w:lvlText w:val="{text}"/></w:lvl>'
        for i, (style, text) in enumerate(levels)
    )
    first = numbering.find(f"{{{W}}}num")
    first.addprevious(parse_xml(f'<w:abstractNum {NAMES} w:abstractNumId="{list_id}">{xml}</w:abstractNum>'))
    numbering.append(parse_xml(f'<w:num {NAMES} w:numId="{list_id}"><w:abstractNumId w:val="{list_id}"/></w:num>'))


def item(text: str, list_id: int, depth: int = 0) -> str:
    numbered = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return f"<w:p><w:pPr>{numbered}</w:pPr>{run(text)}</w:p>"


@pytest.mark.parametrize(
    ("style", "frame", "shown"),
    [
        ("decimal", "(%1)", ["(1)", "(2)", "(3)"]),
        ("decimalEnclosedCircle", "%1", ["①", "②", "③"]),
        ("decimalFullWidth", "（%1）", ["（１）", "（２）", "（３）"]),
        ("decimal", "第%1条", ["第1条", "第2条", "第3条"]),
        ("japaneseCounting", "第%1章", ["第一章", "第二章", "第三章"]),
        ("aiueoFullWidth", "%1", ["ア", "イ", "ウ"]),
        ("aiueo", "(%1)", ["(ｱ)", "(ｲ)", "(ｳ)"]),
        ("irohaFullWidth", "%1", ["イ", "ロ", "ハ"]),
        ("upperRoman", "%1.", ["I.", "II.", "III."]),
        ("bullet", "\uf06e", ["■", "■", "■"]),
    ],
)
def test_automatic_numbers_are_written_out(tmp_path: Path, style: str, frame: str, shown: list[str]) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, (style, frame))
        put(document, *(item("住民票の写し", 90) for _ in range(3)))

    assert quotes(read(tmp_path, fill).pages[0]) == [f"{label} 住民票の写し" for label in shown]


def test_deeper_numbers_begin_again_and_name_those_above(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, ("decimalFullWidth", "第%1"), ("decimal", "%1-%2"))
        depths = [0, 1, 1, 0, 1]
        put(document, *(item("届出", 90, depth) for depth in depths))
        put(document, paragraph(run("ここで休み。")), item("届出", 90, 0))

    labels = [text.split()[0] for text in quotes(read(tmp_path, fill).pages[0])]
    assert labels == ["第１", "１-1", "１-2", "第２", "２-1", "ここで休み。", "第３"]


def test_a_level_that_is_passed_over_counts_as_begun(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, ("decimal", "%1"), ("decimal", "%1-%2"), ("decimal", "%1-%2-%3"))
        put(document, *(item("届出", 90, depth) for depth in [0, 2, 1, 2]))

    assert [text.split()[0] for text in quotes(read(tmp_path, fill).pages[0])] == ["1", "1-1-1", "1-2", "1-2-1"]


def test_a_text_box_is_counted_on_its_own(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, ("decimal", "%1."))
        box = (
            f"<w:r><w:drawing><wps:txbx><w:txbxContent>{item('囲み', 90)}</w:txbxContent></wps:txbx></w:drawing></w:r>"
        )
        put(document, item("甲", 90), paragraph(run("本文です。"), box), item("乙", 90))

    assert quotes(read(tmp_path, fill).pages[0]) == ["1. 甲", "本文です。", "1. 囲み", "2. 乙"]


def test_a_numbered_list_is_headings_when_text_stands_below_its_items(tmp_path: Path) -> None:
    def fill(document: Any, *, body: bool) -> None:
        add_list(document, 90, ("decimal", "%1."))
        add_list(document, 91, ("bullet", "\uf0b7"))
        for text in ("補助の対象", "補助の金額"):
            put(document, item(text, 90), paragraph(run("別に定める。")) if body else item("別表", 91))

    kinds = []
    for body in (True, False):
        content = read(tmp_path, functools.partial(fill, body=body))
        kinds.append(content.pages[0].blocks[0].kind)
    assert kinds == [BlockKind.HEADING, BlockKind.LIST_ITEM]


def test_the_only_heading_of_the_first_level_is_the_title_and_in_no_path(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.add_heading("空き家改修の手引", 1)
        document.add_heading("申請", 2)
        document.add_paragraph("申請書を出す。")

    content = read(tmp_path, fill)
    assert (content.title, content.pages[0].blocks[-1].headings) == ("空き家改修の手引", ("申請",))


def test_a_list_that_starts_over_does(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, ("decimal", "%1."))
        start = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
        document.part.numbering_part.element.append(
            parse_xml(f'<w:num {NAMES} w:numId="91"><w:abstractNumId w:val="90"/>{start}</w:num>')
        )
        put(document, item("甲", 90), item("乙", 90), item("丙", 91), item("丁", 91))

    assert quotes(read(tmp_path, fill).pages[0]) == ["1. 甲", "2. 乙", "5. 丙", "6. 丁"]


def test_an_article_that_word_numbers_is_cited_by_its_number(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        add_list(document, 90, ("decimal", "第%1条"))
        put(document, paragraph(run("（趣旨）")), item("この要綱は、補助金について定める。", 90))
        put(document, paragraph(run("（対象）")), item("対象は町民とする。", 90))

    assert show(read(tmp_path, fill))[-1][0].locator.as_dict() == {"heading": "第2条（対象）", "paragraph": 4}


# --- what is displayed ------------------------------------------------------------------------------------------------


def test_inserted_text_is_read_and_deleted_hidden_and_struck_text_is_not(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        deleted = '<w:del w:id="1"><w:r><w:delText>200円</w:delText></w:r></w:del>'
        inserted = f'<w:ins w:id="2">{run("300円")}</w:ins>'
        put(document, paragraph(run("手数料は"), deleted, inserted, run("です。")))
        put(document, paragraph(run("内線111"), run("（秘密）", "<w:vanish/>"), run("旧課", "<w:strike/>")))

    content = read(tmp_path, fill)
    assert quotes(content.pages[0]) == ["手数料は300円です。", "内線111"]
    assert [(p.code, re.findall(r"\d+", p.message)) for p in content.problems] == [
        ("tracked_changes", ["4"]),
        ("hidden_text", ["4"]),
        ("struck_text", ["2"]),
    ]


def test_a_text_box_that_is_stored_twice_is_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph(run('囲みの中の注意書き。'))}</w:txbxContent>"
    modern = f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
    old = f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback>"
    alternatives = f"<w:r><mc:AlternateContent>{modern}{old}</mc:AlternateContent></w:r>"
    content = read(
        tmp_path, lambda document: put(document, paragraph(run("本文です。"), alternatives), paragraph(run("次です。")))
    )
    assert quotes(content.pages[0]) == ["本文です。", "囲みの中の注意書き。", "次です。"]


def test_a_text_box_of_an_older_file_is_read(tmp_path: Path) -> None:
    box = f"<w:r><w:pict><v:shape><v:textbox><w:txbxContent>{paragraph(run('古い囲み。'))}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
    assert quotes(read(tmp_path, lambda document: put(document, paragraph(box))).pages[0]) == ["古い囲み。"]


def test_ruby_tabs_breaks_and_symbols(tmp_path: Path) -> None:
    ruby = f"<w:r><w:ruby><w:rt>{run('みどりさわ')}</w:rt><w:rubyBase>{run('緑沢')}</w:rubyBase></w:ruby></w:r>"
    older = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>EQ \\* jc2 \\o\\ad(\\s\\up 9(すみの),澄野)</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    symbol = '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
    line = paragraph(
        ruby,
        run("町と"),
        older,
        run("町"),
        "<w:r><w:tab/></w:r>",
        symbol,
        run("済"),
        "<w:r><w:br/></w:r>",
        run("二行目"),
    )
    page = read(tmp_path, lambda document: put(document, line)).pages[0]
    assert [(b.kind, page.text[b.start : b.end]) for b in page.blocks] == [
        (BlockKind.PARAGRAPH, "緑沢町と澄野町　☑済\n二行目"),
        (BlockKind.RUBY, "みどりさわ すみの"),
    ]


def test_a_table_of_contents_is_kept_apart(tmp_path: Path) -> None:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    def fill(document: Any) -> None:
        instruction = '<w:r><w:instrText>TOC \\o "1-3"</w:instrText></w:r>'
        put(document, paragraph(mark("begin"), instruction, mark("separate"), run("1 総則 3")))
        put(document, paragraph(run("2 雑則 8"), mark("end")), paragraph(run("本文です。")))

    assert [(b.kind.value, t) for b, t in show(read(tmp_path, fill))] == [
        ("contents", "1 総則 3"),
        ("contents", "2 雑則 8"),
        ("paragraph", "本文です。"),
    ]


def test_content_controls_and_fields_are_read_as_they_show(tmp_path: Path) -> None:
    control = f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph(run('申込書の提出'))}</w:sdtContent></w:sdt>"
    field = f'<w:p>{run("第")}<w:fldSimple w:instr=" REF a ">{run("3")}</w:fldSimple>{run("条のとおり")}</w:p>'
    assert quotes(read(tmp_path, lambda document: put(document, control, field)).pages[0]) == [
        "申込書の提出",
        "第3条のとおり",
    ]


def test_headers_and_footers_stand_apart(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.sections[0].header.paragraphs[0].text = "緑沢町 部外秘"
        document.sections[0].footer.paragraphs[0].text = "1 / 3"
        document.add_paragraph("本文です。")

    assert [(b.kind.value, t, b.locator.as_dict()) for b, t in show(read(tmp_path, fill))] == [
        ("header", "緑沢町 部外秘", {"part": "ヘッダー"}),
        ("paragraph", "本文です。", {"paragraph": 1}),
        ("footer", "1 / 3", {"part": "フッター"}),
    ]


def with_part(path: Path, name: str, xml: str) -> Path:
    """Add a part that the document refers to (footnotes, endnotes)."""
    with zipfile.ZipFile(path) as archive:
        parts = {member: archive.read(member) for member in archive.namelist()}
    kind = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{name}"
    relation = f'<Relationship Id="rIdNew" Type="{kind}" Target="{name}.xml"/></Relationships>'
    relations = "word/_rels/document.xml.rels"
    parts[relations] = parts[relations].replace(b"</Relationships>", relation.encode())
    parts[f"word/{name}.xml"] = xml.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in parts.items():
            archive.writestr(member, data)
    return path


def test_a_footnote_follows_the_paragraph_that_refers_to_it(tmp_path: Path) -> None:
    document = new_document()
    put(
        document,
        paragraph(run("手数料は300円"), '<w:r><w:footnoteReference w:id="2"/></w:r>', run("です。")),
        paragraph(run("次です。")),
    )
    note = f'<w:footnote w:id="2">{paragraph("<w:r><w:footnoteRef/></w:r>", run(" 郵送は400円。"))}</w:footnote>'
    path = with_part(save(tmp_path, document), "footnotes", f"<w:footnotes {NAMES}>{note}</w:footnotes>")
    content = checked(read_word(path, "a.docx"))
    assert [(t, b.locator.as_dict()) for b, t in show(content)] == [
        ("手数料は300円（注1）です。", {"paragraph": 1}),
        ("注1 郵送は400円。", {"paragraph": 1}),
        ("次です。", {"paragraph": 2}),
    ]


def test_comments_and_large_pictures_are_reported(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        sentence = document.add_paragraph().add_run("本文です。")
        document.add_comment(sentence, text="要確認", author="総務課")
        for width in (2, 12):
            picture = io.BytesIO()
            Image.new("RGB", (40, 40), "green").save(picture, "PNG")
            document.add_picture(picture, width=Cm(width))

    content = read(tmp_path, fill)
    assert "要確認" not in content.pages[0].text
    assert [(p.code, re.findall(r"\d+", p.message)) for p in content.problems] == [
        ("comments", ["1"]),
        ("images_not_read", ["1"]),
    ]


# --- tables -----------------------------------------------------------------------------------------------------------


def test_merged_cells_keep_every_value_under_its_heading(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        rows = [
            ["種類", "料金", ""],
            ["", "窓口", "郵送"],
            ["住民票", "300円", "400円"],
            ["", "350円", "450円"],
            ["戸籍関係", "", ""],
            ["戸籍謄本", "450円", "550円"],
        ]
        table = fill_table(document, rows)
        for first, last in [((0, 1), (0, 2)), ((0, 0), (1, 0)), ((2, 0), (3, 0)), ((4, 0), (4, 2))]:
            table.cell(*first).merge(table.cell(*last))

    content = read(tmp_path, fill)
    page = content.pages[0]
    assert quotes(page) == [
        "種類\t料金\t",
        "\t窓口\t郵送",
        "住民票\t300円\t400円",
        "住民票\t350円\t450円",
        "戸籍関係",
        "戸籍謄本\t450円\t550円",
    ]
    assert context_of(page, page.blocks[-1]) == ["種類\t料金\t", "\t窓口\t郵送"]
    assert page.blocks[-1].headings == ("戸籍関係",)


def test_rows_that_are_marked_as_header_are_the_header(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        table = fill_table(document, [["5月", "6月"], ["10件", "12件"], ["8件", "9件"]])
        table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {NAMES}/>"))

    page = read(tmp_path, fill).pages[0]
    assert [b.kind.value for b in page.blocks] == ["table_header", "table_row", "table_row"]


def test_names_beside_their_values_are_no_header(tmp_path: Path) -> None:
    rows = [["対象となる人", "町内に住む人"], ["申込みの方法", "電話"], ["申込みの期限", "3月31日"]]
    content = read(tmp_path, lambda document: fill_table(document, rows) and None)
    assert [(b.kind, b.context) for b, _ in show(content)] == [(BlockKind.TABLE_ROW, ())] * 3


def test_a_table_inside_a_cell_follows_its_row(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        table = fill_table(document, [["項目", "内容"], ["手数料", ""]])
        inner = table.cell(1, 1).add_table(2, 2)
        for number, row in enumerate([["区分", "金額"], ["窓口", "300円"]]):
            for column, text in enumerate(row):
                inner.cell(number, column).text = text

    content = read(tmp_path, fill)
    page = content.pages[0]
    assert quotes(page) == ["項目\t内容", "手数料\t", "区分\t金額", "窓口\t300円"]
    assert context_of(page, page.blocks[-1]) == ["手数料\t", "区分\t金額"]
    assert page.blocks[-1].locator.paragraph == 2


def test_a_frame_of_one_cell_is_no_table(tmp_path: Path) -> None:
    content = read(tmp_path, lambda document: fill_table(document, [["注意\n届出は14日以内です。"]]) and None)
    assert [b.kind for b, _ in show(content)] == [BlockKind.PARAGRAPH]


def test_a_table_of_questions_is_read_as_pairs(tmp_path: Path) -> None:
    rows = [["質問", "回答"], ["郵送できますか。", "できます。"], ["代理人でもよいですか。", "委任状が要ります。"]]

    def fill(document: Any) -> None:
        document.add_paragraph("窓口の手引です。")
        fill_table(document, rows)

    pairs = [b for b, _ in show(read(tmp_path, fill)) if b.kind is BlockKind.QA]
    assert [b.locator.paragraph for b in pairs] == [3, 4]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_title_in_the_properties_counts_when_the_text_says_it_too(tmp_path: Path) -> None:
    def fill(document: Any, named: str) -> None:
        document.core_properties.title = named
        document.add_paragraph("補助金交付要綱").alignment = WD_ALIGN_PARAGRAPH.CENTER
        document.add_paragraph("別名は空き家改修の手引とする。")

    names = ("空き家改修の手引", "去年の要綱", "Word 文書")
    titles = [read(tmp_path, functools.partial(fill, named=name)).title for name in names]
    assert titles == ["空き家改修の手引", "補助金交付要綱", "補助金交付要綱"]


def test_the_name_of_a_chapter_is_no_title(tmp_path: Path) -> None:
    def fill(document: Any, *headings: str) -> None:
        for heading in headings:
            document.add_heading(heading, 1)
            document.add_paragraph("別に定める。")

    contents = [
        read(tmp_path, lambda d: fill(d, "第1章 総則", "雑則")),
        read(tmp_path, lambda d: fill(d, "手引", "第1章")),
    ]
    assert [content.title for content in contents] == [None, "手引"]


def test_a_document_with_macros_is_read_as_its_plain_form(tmp_path: Path) -> None:
    document = new_document()
    document.add_paragraph("本文です。")
    path = save(tmp_path, document)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = parts["[Content_Types].xml"]
    assert plain in types
    parts["[Content_Types].xml"] = types.replace(plain, b"application/vnd.ms-word.document.macroEnabled.main+xml")
    with zipfile.ZipFile(tmp_path / "a.docm", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert quotes(read_word(tmp_path / "a.docm", "a.docm").pages[0]) == ["本文です。"]


def bomb(path: Path, marking: str) -> Path:
    levels = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    document = f'<!DOCTYPE w [<!ENTITY a0 "爆">{levels}]><w:document {NAMES}><w:body><w:p><w:r><w:t>&a11;</w:t></w:r></w:p></w:body></w:document>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    names = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{names}"><Relationship Id="a" Type="{kind}" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", document.encode(marking))
    return path


@pytest.mark.parametrize("marking", ["utf-8", "utf-16"])
def test_an_xml_bomb_is_refused(tmp_path: Path, marking: str) -> None:
    with pytest.raises(ReadingError) as caught:
        read_word(bomb(tmp_path / "a.docx", marking), "a.docx")
    assert caught.value.code == "broken"


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, new_document())
    with pytest.raises(ReadingError) as caught:
        read_word(path, "a.docx", ReadingOptions(max_bytes=1000))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(("inside", "code"), [("EncryptedPackage", "encrypted"), ("WordDocument", "unknown_format")])
def test_a_password_and_an_old_format_are_told_apart(tmp_path: Path, inside: str, code: str) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + inside.encode("utf-16-le"))
    with pytest.raises(ReadingError) as caught:
        read_word(path, "a.docx")
    assert (caught.value.code, "Word" in caught.value.hint) == (code, True)


def test_another_kind_of_office_file_is_named(tmp_path: Path) -> None:
    from openpyxl import Workbook

    Workbook().save(tmp_path / "a.docx")
    with pytest.raises(ReadingError, match="Word 文書ではありません"):
        read_word(tmp_path / "a.docx", "a.docx")


def test_an_answer_cites_the_row_and_the_paragraph(tmp_path: Path) -> None:
    document = new_document()
    document.add_heading("文化会館利用の手引", 0)
    document.add_heading("第2章 使用料", 1)
    document.add_paragraph("使用料は、次の表のとおりとする。")
    fill_table(
        document, [["区分", "午前", "午後"], ["大ホール", "8,000円", "12,000円"], ["会議室", "1,000円", "1,500円"]]
    )
    document.add_heading("第3章 取消し", 1)
    document.add_paragraph("利用を取り消すときは、利用日の7日前までに取消届を提出する。")
    stream = io.BytesIO()
    document.save(stream)
    read_indexed(tmp_path, "教育課/文化会館.docx", stream.getvalue())

    (row, *_) = ask(tmp_path, "会議室の午後の使用料はいくらですか").citations
    (text, *_) = ask(tmp_path, "利用を取り消すときは取消届をいつまでに提出しますか").citations
    assert row.locator.as_dict() == {"heading": "第2章 使用料", "paragraph": 6}
    assert (row.quote, row.title) == ("区分\t午前\t午後…会議室\t1,000円\t1,500円", "文化会館利用の手引")
    assert text.locator.as_dict() == {"heading": "第3章 取消し", "paragraph": 8}
