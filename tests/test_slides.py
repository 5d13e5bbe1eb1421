"""PowerPoint: a slide is a page with its title, bullets, tables, charts and notes; hidden slides are reported."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coverage_check import check_page, quotes
from lxml import etree
from office_files import ask, context_of, read_indexed, show
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.util import Inches

from rag.documents import BlockKind, Concern, Content
from rag.errors import ReadingError
from rag.reading.options import ReadingOptions
from rag.reading.slides import read_slides

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
TITLE_ONLY, TITLE_AND_BODY, BLANK = 5, 1, 6


def save(folder: Path, presentation: Any) -> Path:
    presentation.save(folder / "a.pptx")
    return folder / "a.pptx"


def read(folder: Path, fill: Callable[[Any], None], options: ReadingOptions = ReadingOptions()) -> Content:  # noqa: B008
    presentation = Presentation()
    fill(presentation)
    content = read_slides(save(folder, presentation), "a.pptx", options)
    for page in content.pages:
        check_page(page)
    return content


def add_slide(presentation: Any, layout: int, title: str = "") -> Any:
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    return slide


def write(slide: Any, text: str, *, left: float, top: float) -> Any:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(0.5))
    box.text_frame.text = text
    return box


def test_a_slide_is_its_title_and_bullets_by_level(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        frame = add_slide(presentation, TITLE_AND_BODY, "ごみの分別").placeholders[1].text_frame
        frame.text = "燃えるごみ"
        deeper = frame.add_paragraph()
        deeper.text, deeper.level = "月曜と木曜", 1

    content = read(tmp_path, fill)
    assert content.pages[0].text == "ごみの分別\n・燃えるごみ\n　・月曜と木曜\n"
    assert content.title == "ごみの分別"
    title, first, _ = content.pages[0].blocks
    assert (title.kind, title.level, first.kind) == (BlockKind.HEADING, 1, BlockKind.LIST_ITEM)
    assert (first.headings, first.locator.as_dict()) == (("ごみの分別",), {"page": 1})


def test_shapes_are_read_from_top_to_bottom_and_left_to_right(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, TITLE_ONLY, "窓口の流れ")
        write(slide, "四番。", left=5, top=4)
        write(slide, "二番。", left=5, top=2.05)
        write(slide, "三番。", left=1, top=4)
        write(slide, "一番。", left=1, top=2.1)

    assert quotes(read(tmp_path, fill).pages[0]) == ["窓口の流れ", "一番。", "二番。", "三番。", "四番。"]


def test_the_title_comes_first_wherever_it_stands(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, TITLE_ONLY, "まとめ")
        slide.shapes.title.top = Inches(6)
        write(slide, "本文です。", left=1, top=1)

    assert quotes(read(tmp_path, fill).pages[0]) == ["まとめ", "本文です。"]


def test_grouped_shapes_stay_together(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, BLANK)
        group = slide.shapes.add_group_shape()
        for text, top in [("下の段。", 3.0), ("上の段。", 2.0)]:
            box = group.shapes.add_textbox(Inches(1), Inches(top), Inches(2), Inches(0.5))
            box.text_frame.text = text
        write(slide, "欄外。", left=6, top=2.5)

    assert quotes(read(tmp_path, fill).pages[0]) == ["上の段。", "下の段。", "欄外。"]


def test_automatic_numbers_are_written_out(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        box = write(add_slide(presentation, BLANK), "受付", left=1, top=1)
        box.text_frame.add_paragraph().text = "審査"
        for paragraph in box.text_frame.paragraphs:
            paragraph._p.get_or_add_pPr().append(
                parse_xml(f'<a:buAutoNum xmlns:a="{A}" type="circleNumDbPlain" startAt="2"/>')
            )

    assert quotes(read(tmp_path, fill).pages[0]) == ["② 受付", "③ 審査"]


def test_a_table_is_rows_with_their_header(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, TITLE_ONLY, "手数料")
        table = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(5), Inches(2)).table
        for number, row in enumerate([["品目", "手数料"], ["自転車", "500円"], ["布団", "300円"]]):
            for column, text in enumerate(row):
                table.cell(number, column).text = text
        table.cell(1, 0).merge(table.cell(2, 0))

    page = read(tmp_path, fill).pages[0]
    assert quotes(page) == ["手数料", "品目\t手数料", "自転車\n布団\t500円", "自転車\n布団\t300円"]
    assert context_of(page, page.blocks[-1]) == ["品目\t手数料"]


def test_a_chart_gives_the_numbers_that_the_file_stores(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        data = CategoryChartData(number_format="0.0%")
        data.categories = ["令和5年度", "令和6年度"]
        data.add_series("収納率", (0.981, 0.985))
        slide = add_slide(presentation, TITLE_ONLY, "町税")
        place = (Inches(1), Inches(2), Inches(5), Inches(3))
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "町税の収納率"

    page = read(tmp_path, fill).pages[0]
    assert quotes(page) == ["町税", "町税の収納率", "\t収納率", "令和5年度\t98.1%", "令和6年度\t98.5%"]
    assert page.blocks[-1].headings == ("町税", "町税の収納率")


def test_notes_follow_the_slide_and_are_searchable(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, TITLE_ONLY, "減免")
        slide.notes_slide.notes_text_frame.text = "申請の期限は納期の7日前。"

    content = read(tmp_path, fill)
    note, text = show(content)[-1]
    assert quotes(content.pages[0]) == ["減免", "ノート", "申請の期限は納期の7日前。"]
    assert (note.kind, note.headings, text) == (BlockKind.PARAGRAPH, ("減免", "ノート"), "申請の期限は納期の7日前。")
    assert note.locator.as_dict() == {"page": 1, "heading": "ノート"}
    assert note.locator.describe("a.pptx") == "スライド1（ノート）"


def test_footers_and_slide_numbers_stand_apart(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        slide = add_slide(presentation, TITLE_ONLY, "説明会")
        layout = {shape.placeholder_format.type.name: shape for shape in slide.slide_layout.placeholders}
        for name, text in [("FOOTER", "緑沢町"), ("SLIDE_NUMBER", "1")]:
            slide.shapes.clone_placeholder(layout[name])
            slide.shapes[-1].text_frame.text = text

    assert [(b.kind.value, t) for b, t in show(read(tmp_path, fill))] == [
        ("heading", "説明会"),
        ("footer", "緑沢町"),
        ("footer", "1"),
    ]


def test_hidden_slides_are_reported_and_the_others_keep_their_number(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        add_slide(presentation, TITLE_ONLY, "旧制度")._element.set("show", "0")
        add_slide(presentation, TITLE_ONLY, "新制度")

    content = read(tmp_path, fill)
    assert [(page.number, quotes(page)) for page in content.pages] == [(2, ["新制度"])]
    assert [(p.code, p.page) for p in content.problems] == [("hidden_slide", 1)]


def test_a_slide_that_is_one_picture_says_so(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (40, 30), "green").save(picture, "PNG")
        add_slide(presentation, BLANK).shapes.add_picture(picture, 0, 0, Inches(8), Inches(6))

    content = read(tmp_path, fill)
    assert content.pages[0].quality.concerns == (Concern.NO_TEXT,)
    assert [p.code for p in content.problems] == ["images_not_read", "no_text_page"]


def test_struck_text_is_not_read(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        frame = write(add_slide(presentation, BLANK), "手数料は", left=1, top=1).text_frame
        old, new = frame.paragraphs[0].add_run(), frame.paragraphs[0].add_run()
        old.text, new.text = "200円", "300円"
        old._r.get_or_add_rPr().set("strike", "sngStrike")

    content = read(tmp_path, fill)
    assert quotes(content.pages[0]) == ["手数料は300円"]
    assert [p.code for p in content.problems] == ["struck_text"]


def test_a_box_that_is_stored_twice_is_read_once(tmp_path: Path) -> None:
    def fill(presentation: Any) -> None:
        modern = write(add_slide(presentation, BLANK), "式のある囲み。", left=1, top=1)._element
        tree, old = modern.getparent(), copy.deepcopy(modern)
        names = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        both = parse_xml(
            f'<mc:AlternateContent {names}><mc:Choice Requires="a14"/><mc:Fallback/></mc:AlternateContent>'
        )
        tree.append(both)
        both[0].append(modern)
        both[1].append(old)

    assert quotes(read(tmp_path, fill).pages[0]) == ["式のある囲み。"]


def test_a_diagram_is_read_in_its_order(tmp_path: Path) -> None:
    from rag.reading.drawings import read_diagram

    names = f'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" xmlns:a="{A}"'
    points = "".join(
        f'<dgm:pt modelId="{key}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for key, text in [("3", "交付"), ("2", "受付"), ("4", "本人確認")]
    )
    links = "".join(
        f'<dgm:cxn srcId="{above}" destId="{below}" srcOrd="{place}"/>'
        for above, below, place in [("1", "2", 0), ("1", "3", 1), ("2", "4", 0)]
    )
    xml = f'<dgm:dataModel {names}><dgm:ptLst><dgm:pt modelId="1" type="doc"/>{points}</dgm:ptLst><dgm:cxnLst>{links}</dgm:cxnLst></dgm:dataModel>'
    items = read_diagram(etree.fromstring(xml))
    assert [(item.text, item.depth) for item in items] == [("受付", 0), ("本人確認", 1), ("交付", 0)]  # type: ignore[union-attr]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_too_many_slides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, lambda p: [add_slide(p, BLANK) for _ in range(3)] and None, ReadingOptions(max_pages=2))
    assert caught.value.code == "too_many_pages"


def test_a_presentation_with_macros_is_read_as_its_plain_form(tmp_path: Path) -> None:
    presentation = Presentation()
    add_slide(presentation, TITLE_ONLY, "説明会")
    with zipfile.ZipFile(save(tmp_path, presentation)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    plain = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    types = parts["[Content_Types].xml"]
    assert plain in types
    parts["[Content_Types].xml"] = types.replace(
        plain, b"application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"
    )
    with zipfile.ZipFile(tmp_path / "a.pptm", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert quotes(read_slides(tmp_path / "a.pptm", "a.pptm").pages[0]) == ["説明会"]


def test_a_document_type_in_a_part_is_refused(tmp_path: Path) -> None:
    presentation = Presentation()
    add_slide(presentation, TITLE_ONLY, "説明会")
    path = save(tmp_path, presentation)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("ppt/extra.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(ReadingError) as caught:
        read_slides(path, "a.pptx")
    assert caught.value.code == "broken"


def test_another_kind_of_office_file_is_named(tmp_path: Path) -> None:
    from docx import Document

    Document().save(str(tmp_path / "a.pptx"))
    with pytest.raises(ReadingError) as caught:
        read_slides(tmp_path / "a.pptx", "a.pptx")
    assert caught.value.code == "unknown_format"


def test_an_answer_cites_the_slide(tmp_path: Path) -> None:
    presentation = Presentation()
    add_slide(presentation, TITLE_ONLY, "住民説明会")
    frame = add_slide(presentation, TITLE_AND_BODY, "避難所の備蓄").placeholders[1].text_frame
    frame.text = "毛布は避難者一人につき2枚を備蓄する。"
    frame.add_paragraph().text = "飲料水は一人1日3リットルとする。"
    stream = io.BytesIO()
    presentation.save(stream)
    read_indexed(tmp_path, "防災課/説明会.pptx", stream.getvalue())

    (citation, *_) = ask(tmp_path, "避難所の毛布は一人につき何枚備蓄しますか").citations
    assert (citation.locator.as_dict(), citation.page, citation.verified) == ({"page": 2}, 2, True)
    assert "毛布は避難者一人につき2枚を備蓄する。" in citation.quote
