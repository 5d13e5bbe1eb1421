"""PDF: what a person would read on the page, in that order, and proof that no character is lost on the way.

The files are made here with WeasyPrint and pypdf; they are small, and as plain as the trap that each of them sets.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
from coverage_check import check_page, quotes
from PIL import Image

from eval.reading.fixtures.surgery import join
from eval.reading.fixtures.typesetting import row
from rag.documents import Block, BlockKind, Content, Page, Span
from rag.errors import ReadingError
from rag.reading.characters import read_characters
from rag.reading.geometry import Box
from rag.reading.highlights import page_boxes
from rag.reading.page_text import Draft, PageText
from rag.reading.pdf import read_pdf
from rag.reading.pdf_page import Sheet
from rag.reading.roles import detect_labels
from rag.reading.tesseract import find_tesseract
from rag.text import fix_radicals

SHARED = Path(__file__).resolve().parents[2] / "shared"
MUNICIPAL = SHARED / "data" / "municipal_pdf"
needs_shared = pytest.mark.skipif(not MUNICIPAL.is_dir(), reason="the shared data folder is not there")

STYLE = """
@page { size: A4; margin: 25mm }
body { font-family: 'Noto Serif CJK JP', 'Noto Sans CJK JP'; font-size: 11pt; line-height: 1.7; margin: 0 }
p { margin: 0 0 8pt; text-align: justify }
h1, h2, h3 { bookmark-level: none }
table { border-collapse: collapse; margin: 8pt 0 }
td, th { border: 0.7pt solid black; padding: 2pt 6pt; font-weight: normal; text-align: left }
.at { position: absolute; white-space: nowrap; line-height: 1 }
"""
RESIDENCE = "住民票の写しは、本人または同じ世帯の方が窓口で請求できます。代理人が請求するときは、委任状と代理人の本人確認書類を窓口で示してください。手数料は一通につき三百円です。"
MOVING_IN = (
    "転入届は、新しい住所に住み始めた日から十四日以内に、前の市区町村が出した転出証明書を添えて窓口に届け出てください。"
)
LEFT = [
    "左の段の初めに、燃えるごみの収集日を地区ごとに説明します。収集は月曜日と木曜日の朝八時までに、決められた集積所へ出してください。",
    "左の段の終わりに、資源の日を説明します。瓶と缶は別の袋に入れ、第二水曜日の朝八時までに同じ集積所へ出してください。",
]
RIGHT = [
    "右の段の初めに、粗大ごみの申込みの方法を説明します。電話で受付番号を受け取り、処理券を買って、品物の見える所に貼ってください。",
    "右の段の終わりに、持込みの方法を説明します。平日の九時から十六時までに、身分証を持って処理場の受付へ直接お越しください。",
]
SPANNING_TITLE = "ごみと資源の正しい分け方と出し方についてのお知らせです"
CLOSING = (
    "問合せは、役場の環境課の窓口か電話で、平日の八時半から十七時まで受け付けていますので、遠慮なく御連絡ください。"
)
UPRIGHT = ["町の木は欅と定める。", "町の花は桔梗と定める。", "町の鳥は翡翠と定める。"]


def _write(path: Path, body: str, style: str = "") -> Path:
    from weasyprint import HTML

    HTML(string=f"<html><head><style>{STYLE}{style}</style></head><body>{body}</body></html>").write_pdf(path)
    return path


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def _at(left: float, top: float, text: str, size: float = 11) -> str:
    return f'<div class="at" style="left:{left}pt; top:{top}pt; font-size:{size}pt">{text}</div>'


def _upright(columns: Sequence[str], size: float = 14, pitch: float = 24) -> str:
    """Return lines from top to bottom, the first one at the right, but the last one first in the file."""
    placed = [
        _at(300 - number * pitch, 40 + row * size * 1.05, character, size)
        for number, column in reversed(list(enumerate(columns)))
        for row, character in enumerate(column)
    ]
    return "".join(placed)


def _numbered(pages: int, *, style: str = "decimal", first: int = 1, text: str = "本文") -> tuple[str, str]:
    """Return (body, css) of pages with a running title above and the number below."""
    body = "".join(
        f'<div style="break-after: page"><p>{text}の{kanji}枚目です。{RESIDENCE}</p></div>'
        for kanji in "一二三四五六七八九"[:pages]
    )
    css = (
        f"@page {{ @top-center {{ content: '緑沢町総合計画' }} @bottom-center {{ content: '- ' counter(page, {style}) ' -' }} }}"
        f"@page :first {{ counter-reset: page {first - 1}; counter-increment: page }}"
    )
    return body, css


def _png() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (200, 100), "gray").save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.fixture(scope="session")
def pdfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make every file once, and skip where there is no WeasyPrint or no Japanese font."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: Pango is missing
        pytest.skip(f"WeasyPrint cannot be used here: {error}")
    folder = tmp_path_factory.mktemp("pdf")
    _write(folder / "one_column.pdf", _paragraphs([RESIDENCE, MOVING_IN]))
    fonts = pypdf.PdfReader(folder / "one_column.pdf").pages[0]["/Resources"]["/Font"].values()
    if not any("CJK" in str(font.get_object()["/BaseFont"]) for font in fonts):
        pytest.skip("the Noto CJK fonts are not installed (fonts-noto-cjk)")
    _write_layouts(folder)
    _write_tables(folder)
    _write_margins(folder)
    _write_oddities(folder)
    return folder


def _write_layouts(folder: Path) -> None:
    columns = f'<div style="break-after: column">{_paragraphs(LEFT)}</div><div>{_paragraphs(RIGHT)}</div>'
    two = f'<div style="font-size: 20pt; text-align: center">{SPANNING_TITLE}</div><div style="columns: 2; column-gap: 12mm">{columns}</div><p>{CLOSING}</p>'
    _write(folder / "two_columns.pdf", two)
    headings = f"""<div>第1章　総則</div><p>{RESIDENCE}</p><div>1-1　計画の背景</div><p>{MOVING_IN}</p>
      <div>(1)　対象となる方</div><p>{CLOSING}</p><div>第2章　施策</div><p>{LEFT[0]}</p>"""
    _write(folder / "numbered_headings.pdf", headings)
    sized = f'<div style="font-size: 24pt">緑沢町くらしの手引</div><p>{RESIDENCE}</p><div style="font-size: 17pt">引越しの届出</div><p>{MOVING_IN}</p>'
    _write(folder / "sized_headings.pdf", sized)
    _write(folder / "vertical.pdf", _upright(UPRIGHT), "@page { size: 380pt 300pt; margin: 0 }")
    shadowed = _at(2, 2, "災害への備え", 24) + _at(4, 4, "災害への備え", 24)
    repeated = f'<div style="margin-top: 60pt"><p>{RESIDENCE}</p><p>ああ言えばこう言う。</p></div>'
    _write(folder / "shadow.pdf", shadowed + repeated)
    for angle in (90, 180, 270):
        writer = pypdf.PdfWriter(clone_from=folder / "two_columns.pdf")
        writer.pages[0].rotate(angle)
        writer.write(folder / f"rotated_{angle}.pdf")


def _write_tables(folder: Path) -> None:
    header = row("手続き", "手数料", "窓口", tag="th")
    rows = row("住民票の写し", "300円", "町民課") + row("納税証明書", "400円", "税務課")
    _write(folder / "table.pdf", f"<p>{RESIDENCE}</p><table>{header}{rows}</table><p>{MOVING_IN}</p>")
    merged = row("課", "手続き", "手数料", tag="th") + row("2x1:町民課", "住民票の写し", "300円")
    merged += row("戸籍の全部事項証明書", "450円") + row("税務課", "1x2:証明書は一律に400円")
    _write(folder / "merged.pdf", f"<table>{merged}</table>")
    double = row("2x1:区分", "1x2:手数料", tag="th") + row("窓口で", "郵便で", tag="th")
    double += row("住民票の写し", "300円", "400円") + row("印鑑登録証明書", "310円", "410円")
    _write(folder / "double_header.pdf", f"<table>{double}</table>")
    pairs = row("申請の期限", "令和8年4月30日まで") + row("申請の窓口", "町民課の住民係（本庁舎の一階）")
    pairs += row("必要なもの", "申請書、本人確認書類、印鑑")
    _write(folder / "pairs.pdf", f"<table>{pairs}</table>")
    wrapped = row("事業名", "事業の内容", tag="th")
    wrapped += row("移動図書館", "本を積んだ車が町内の十二か所を月に二回ずつ巡り、貸出しと返却を受け付けます。")
    wrapped += row("読み聞かせ", "毎週土曜日の午後に、職員と住民が絵本を読みます。")
    empty = row("品名", "数", "備考", tag="th") + row("毛布", "300枚", "") + row("", "20本", "水は別に積む")
    _write(folder / "empty_cells.pdf", f"<table>{empty}</table>")
    _write(folder / "wrapped.pdf", f'<table style="width: 260pt">{wrapped}</table>')


def _write_margins(folder: Path) -> None:
    _write(folder / "numbers.pdf", *_numbered(5, first=7))
    front = _write(folder / "front.pdf", *_numbered(3, style="lower-roman", text="序文"))
    body = _write(folder / "body.pdf", *_numbered(5))
    join(folder / "roman.pdf", front, body)
    writer = pypdf.PdfWriter(clone_from=folder / "numbers.pdf")
    writer.set_page_label(0, 1, style="/r")
    writer.set_page_label(2, 4, style="/D", prefix="資-", start=3)
    writer.add_outline_item(f"本文の三枚目です。{RESIDENCE}", 2)
    writer.write(folder / "labels.pdf")
    writer = pypdf.PdfWriter(clone_from=_write(folder / "flat.pdf", f"<div>届出のあらまし</div><p>{MOVING_IN}</p>"))
    writer.add_outline_item("届出のあらまし", 0)
    writer.add_metadata({"/Title": "緑沢町くらしの便利帳"})
    writer.write(folder / "outline.pdf")


def _write_oddities(folder: Path) -> None:
    _write(folder / "radicals.pdf", "<p>⻑い⾏程の⽇を⻘い⾊で⽰す。</p>")
    plain = folder / "one_column.pdf"
    for name, password in (("open", ""), ("locked", "himitsu")):
        writer = pypdf.PdfWriter(clone_from=plain)
        writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
        writer.write(folder / f"{name}.pdf")
    image = _write(folder / "image.pdf", f'<img src="{_png()}" style="width: 300pt">')
    join(folder / "with_image.pdf", plain, image, folder / "flat.pdf")
    blank = _write(folder / "blank.pdf", "")
    join(folder / "with_blank.pdf", plain, blank)


READABLE = [
    "one_column", "two_columns", "numbered_headings", "sized_headings", "vertical", "shadow",
    "rotated_90", "rotated_180", "rotated_270", "table", "merged", "double_header", "pairs", "empty_cells", "wrapped",
    "numbers", "roman", "labels", "outline", "radicals", "open", "with_image", "with_blank",
]  # fmt: skip


@pytest.fixture(scope="session")
def read(pdfs: Path) -> Callable[[str], Content]:
    """Return a function that reads a file of the fixture by name."""
    return lambda name: read_pdf(pdfs / f"{name}.pdf", f"{name}.pdf")


def _of_kind(page: Page, kind: BlockKind) -> list[tuple[str, Block]]:
    return [(page.text[b.start : b.end], b) for b in page.blocks if b.kind is kind]


def _context(page: Page, block: Block) -> list[str]:
    return [page.text[slice(*span)] for span in block.context]


def _printed(text: str) -> Counter[str]:
    return Counter(c for c in fix_radicals(text) if not c.isspace() and c.isprintable())


# --- reading order and paragraphs -------------------------------------------------------------------------------------


def test_a_paragraph_is_whole_sentences_whatever_its_line_ends(read: Callable[[str], Content]) -> None:
    page = read("one_column").pages[0]
    assert quotes(page) == [RESIDENCE, MOVING_IN]
    assert {block.locator.page for block in page.blocks} == {1}


def test_two_columns_are_read_left_then_right_under_the_title_and_above_the_closing(
    read: Callable[[str], Content],
) -> None:
    assert quotes(read("two_columns").pages[0]) == [SPANNING_TITLE, *LEFT, *RIGHT, CLOSING]


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_displayed(
    read: Callable[[str], Content], pdfs: Path, tmp_path: Path, angle: int
) -> None:
    """Content that lies on its side with a /Rotate that sets it upright again: how scanners and landscape pages are stored."""
    writer = pypdf.PdfWriter(clone_from=pdfs / "two_columns.pdf")
    writer.pages[0].rotate(angle).transfer_rotation_to_content()
    writer.pages[0].rotate(-angle % 360)
    writer.write(tmp_path / "turned.pdf")
    turned = read_pdf(tmp_path / "turned.pdf", "turned.pdf").pages[0]
    assert quotes(turned) == [SPANNING_TITLE, *LEFT, *RIGHT, CLOSING]


def test_vertical_text_is_read_from_the_right(read: Callable[[str], Content]) -> None:
    page = read("vertical").pages[0]
    assert "".join(page.text.split()) == "".join(UPRIGHT)
    assert page.quality.vertical


def test_a_shadowed_heading_is_read_once_and_honest_repetition_stays(read: Callable[[str], Content]) -> None:
    text = read("shadow").pages[0].text
    assert text.count("災害への備え") == 1, text
    assert "ああ言えばこう言う。" in text and RESIDENCE in text


def test_radical_code_points_are_mended(read: Callable[[str], Content]) -> None:
    assert read("radicals").pages[0].text == "長い行程の日を青い色で示す。"


# --- tables -----------------------------------------------------------------------------------------------------------


def test_rows_of_a_ruled_table_know_their_header(read: Callable[[str], Content]) -> None:
    page = read("table").pages[0]
    assert [text for text, _ in _of_kind(page, BlockKind.TABLE_HEADER)] == ["手続き\t手数料\t窓口"]
    rows = _of_kind(page, BlockKind.TABLE_ROW)
    assert [text for text, _ in rows] == ["住民票の写し\t300円\t町民課", "納税証明書\t400円\t税務課"]
    assert [_context(page, block) for _, block in rows] == [["手続き\t手数料\t窓口"]] * 2
    assert quotes(page)[0] == RESIDENCE and quotes(page)[-1] == MOVING_IN and page.quality.tables == 1


def test_a_row_under_a_merged_cell_has_that_cell_in_its_context(read: Callable[[str], Content]) -> None:
    page = read("merged").pages[0]
    rows = dict(_of_kind(page, BlockKind.TABLE_ROW))
    first = next(block for text, block in rows.items() if text.startswith("町民課\t住民票の写し\t300円"))
    second = next(block for text, block in rows.items() if "戸籍" in text)
    assert "町民課" not in "".join(_context(page, first))
    assert "町民課" in _context(page, second) and "手続き" in "".join(_context(page, second))
    assert any("証明書は一律に400円" in text and "税務課" in text for text in rows), list(rows)


def test_both_lines_of_a_header_stand_above_every_row(read: Callable[[str], Content]) -> None:
    page = read("double_header").pages[0]
    header = "".join(text for text, _ in _of_kind(page, BlockKind.TABLE_HEADER))
    assert all(name in header for name in ("区分", "手数料", "窓口で", "郵便で")), header
    rows = _of_kind(page, BlockKind.TABLE_ROW)
    assert [text for text, _ in rows] == ["住民票の写し\t300円\t400円", "印鑑登録証明書\t310円\t410円"]
    for _, block in rows:
        context = "".join(_context(page, block))
        assert all(name in context for name in ("区分", "手数料", "窓口で", "郵便で")), context


def test_labels_with_their_values_are_no_header(read: Callable[[str], Content]) -> None:
    page = read("pairs").pages[0]
    assert _of_kind(page, BlockKind.TABLE_HEADER) == []
    assert quotes(page) == [
        "申請の期限\t令和8年4月30日まで",
        "申請の窓口\t町民課の住民係（本庁舎の一階）",
        "必要なもの\t申請書、本人確認書類、印鑑",
    ]
    assert all(block.context == () for block in page.blocks)


def test_a_cell_over_several_lines_is_one_text(read: Callable[[str], Content]) -> None:
    page = read("wrapped").pages[0]
    rows = [text for text, _ in _of_kind(page, BlockKind.TABLE_ROW)]
    assert rows == [
        "移動図書館\t本を積んだ車が町内の十二か所を月に二回ずつ巡り、貸出しと返却を受け付けます。",
        "読み聞かせ\t毎週土曜日の午後に、職員と住民が絵本を読みます。",
    ]


def test_an_empty_cell_keeps_its_neighbours_under_their_headings(read: Callable[[str], Content]) -> None:
    page = read("empty_cells").pages[0]
    rows = [text for text, _ in _of_kind(page, BlockKind.TABLE_ROW)]
    assert [text.rstrip("\t").split("\t") for text in rows] == [["毛布", "300枚"], ["", "20本", "水は別に積む"]]


def test_lines_are_as_high_as_their_letters_whatever_the_font_says(
    pdfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["人事行政等の", "運営報告について"]
    body = "".join(f'<div style="text-align: right; line-height: 1; font-size: 30pt">{line}</div>' for line in lines)
    path = _write(tmp_path / "headline.pdf", body)
    get_box = pypdfium2.raw.FPDFText_GetLooseCharBox

    def get_high_box(page: Any, index: int, pointer: Any) -> Any:
        found, rect = get_box(page, index, pointer), pointer._obj
        rect.bottom, rect.top = 2 * rect.bottom - rect.top, 2 * rect.top - rect.bottom
        return found

    monkeypatch.setattr(pypdfium2.raw, "FPDFText_GetLooseCharBox", get_high_box)
    boxes = [c.box for c in read_characters(pypdfium2.PdfDocument(path)[0]).characters]
    assert {round(box.height) for box in boxes} == {30}
    assert read_pdf(path, "headline.pdf").pages[0].text == "".join(lines)


# --- margins, labels, headings, title ---------------------------------------------------------------------------------


def test_running_titles_and_page_numbers_are_marked_and_kept_apart(read: Callable[[str], Content]) -> None:
    for page in read("numbers").pages:
        assert [text for text, _ in _of_kind(page, BlockKind.HEADER)] == ["緑沢町総合計画"], quotes(page)
        footers = [text.strip("- ") for text, _ in _of_kind(page, BlockKind.FOOTER)]
        assert footers == [str(page.number + 6)], quotes(page)
        assert len(page.blocks) == 3 and RESIDENCE in quotes(page)[1]


def test_the_printed_number_is_the_label_where_the_file_has_none(read: Callable[[str], Content]) -> None:
    pages = read("numbers").pages
    assert [(page.number, page.label) for page in pages] == [(1, "7"), (2, "8"), (3, "9"), (4, "10"), (5, "11")]
    assert [block.locator.as_dict() for block in pages[0].blocks] == [{"page": 1, "label": "7"}] * 3


def test_roman_front_pages_are_labelled_as_printed(read: Callable[[str], Content]) -> None:
    assert [page.label for page in read("roman").pages] == ["i", "ii", "iii", "1", "2", "3", "4", "5"]


def test_page_labels_of_the_file_win_beside_a_spread_too() -> None:
    def sheet(number: int, label: str | None, *labels: str) -> Sheet:
        draft = Draft(BlockKind.PARAGRAPH, 0, 2, Box(290, 20, 305, 30), 10)
        return Sheet(number, 842, PageText(text=f"{number + 10}", drafts=[draft], labels=labels), label)

    own = [sheet(1, "i"), sheet(2, "ii"), sheet(3, "4–5", "4", "5")]
    detect_labels(own)
    assert [page.label for page in own] == ["i", "ii", "4–5"]
    counted = [sheet(1, "1"), sheet(2, "2"), sheet(3, None), sheet(4, "4–5", "4", "5")]
    detect_labels(counted)
    assert [page.label for page in counted] == ["11", "12", "13", "4–5"]


@pytest.mark.parametrize(
    "printed", ["―{}―", "— {} —", "─ {} ─", "－{}－", "ー {} ー", "〜 {} 〜", "{}頁", "p.{}", "{} / 40"]
)
def test_a_page_number_is_known_whatever_stands_around_it(printed: str) -> None:
    def sheet(number: int) -> Sheet:
        text = printed.format(number + 2)
        draft = Draft(BlockKind.PARAGRAPH, 0, len(text), Box(290, 20, 305, 30), 10)
        return Sheet(number, 842, PageText(text=text, drafts=[draft]), None)

    sheets = [sheet(number) for number in range(1, 5)]
    detect_labels(sheets)
    assert [each.label for each in sheets] == ["3", "4", "5", "6"]


def test_page_labels_of_the_file_win_over_printed_numbers(read: Callable[[str], Content]) -> None:
    assert [page.label for page in read("labels").pages] == ["i", "ii", "資-3", "資-4", "資-5"]


def test_a_single_page_with_a_number_in_its_margin_has_no_label(read: Callable[[str], Content]) -> None:
    assert [page.label for page in read("one_column").pages] == [None]


def test_numbered_headings_make_the_path_of_what_follows(read: Callable[[str], Content]) -> None:
    page = read("numbered_headings").pages[0]
    headings = ["第1章　総則", "1-1　計画の背景", "(1)　対象となる方", "第2章　施策"]
    assert [_normal(text) for text, _ in _of_kind(page, BlockKind.HEADING)] == list(map(_normal, headings))
    paths = {text: tuple(map(_normal, block.headings)) for text, block in _of_kind(page, BlockKind.PARAGRAPH)}
    above = tuple(map(_normal, headings))
    assert paths == {RESIDENCE: above[:1], MOVING_IN: above[:2], CLOSING: above[:3], LEFT[0]: above[3:]}


def _normal(text: str) -> str:
    return "".join(text.split())


def test_larger_text_is_a_heading(read: Callable[[str], Content]) -> None:
    page = read("sized_headings").pages[0]
    assert [text for text, _ in _of_kind(page, BlockKind.HEADING)] == ["緑沢町くらしの手引", "引越しの届出"]
    paths = [block.headings for _, block in _of_kind(page, BlockKind.PARAGRAPH)]
    assert paths == [("緑沢町くらしの手引",), ("緑沢町くらしの手引", "引越しの届出")]


def test_a_bookmark_makes_a_heading_of_a_line_that_does_not_look_like_one(read: Callable[[str], Content]) -> None:
    page = read("outline").pages[0]
    assert page.blocks[0].kind is BlockKind.HEADING and page.blocks[1].headings == ("届出のあらまし",)


def test_the_title_is_that_of_the_file_or_else_the_largest_text(read: Callable[[str], Content]) -> None:
    assert read("outline").title == "緑沢町くらしの便利帳"
    assert read("sized_headings").title == "緑沢町くらしの手引"
    assert read("two_columns").title == SPANNING_TITLE


@pytest.mark.parametrize("useless", ["Microsoft Word - 新しい文書.docx", "無題", "untitled", "honbun_v2.indd"])
def test_a_title_that_a_program_made_up_is_not_taken(pdfs: Path, tmp_path: Path, useless: str) -> None:
    writer = pypdf.PdfWriter(clone_from=pdfs / "sized_headings.pdf")
    writer.add_metadata({"/Title": useless})
    writer.write(tmp_path / "titled.pdf")
    assert read_pdf(tmp_path / "titled.pdf", "titled.pdf").title == "緑沢町くらしの手引"


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_an_empty_password_opens_and_another_one_is_said(read: Callable[[str], Content]) -> None:
    assert quotes(read("open").pages[0]) == [RESIDENCE, MOVING_IN]
    with pytest.raises(ReadingError, match=r"locked\.pdf") as caught:
        read("locked")
    assert caught.value.code == "encrypted" and "パスワード" in caught.value.hint


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_never_taken_for_whole(pdfs: Path, tmp_path: Path, share: float) -> None:
    """A tool may repair what is left, but then every page of the whole file must be there."""
    whole = (pdfs / "numbers.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReadingError, match=r"cut\.pdf") as caught:
        read_pdf(tmp_path / "cut.pdf", "cut.pdf")
    assert caught.value.code == "truncated"


NO_TEXT = "no_text" if find_tesseract() else "waiting_ocr"


def test_a_page_that_is_only_an_image_is_reported_and_the_others_are_read(read: Callable[[str], Content]) -> None:
    content = read("with_image")
    assert [(p.source, p.code) for p in content.problems] == [("with_image.pdf", NO_TEXT)]
    assert "2枚目" in content.problems[0].message and content.problems[0].remedy
    assert [page.number for page in content.pages] == [1, 2, 3]
    assert quotes(content.pages[0]) == [RESIDENCE, MOVING_IN] and content.pages[1].blocks == ()
    assert MOVING_IN in quotes(content.pages[2])


def test_a_blank_page_is_no_problem(read: Callable[[str], Content]) -> None:
    content = read("with_blank")
    assert content.problems == () and [len(page.blocks) for page in content.pages] == [2, 0]


# --- nothing is lost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READABLE)
def test_every_printed_character_is_in_exactly_one_block(read: Callable[[str], Content], pdfs: Path, name: str) -> None:
    pages = read(name).pages
    with pypdfium2.PdfDocument(pdfs / f"{name}.pdf") as file:
        printed = [_printed(file[index].get_textpage().get_text_range()) for index in range(len(file))]
    assert len(printed) == len(pages)
    for page, expected in zip(pages, printed, strict=True):
        check_page(page)
        found = sum((_printed(quote) for quote in quotes(page)), Counter())
        assert found == expected, (page.number, found - expected, expected - found)
        assert page.quality.characters == found.total()


# --- where it stands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "quote"),
    [
        ("one_column", "委任状と代理人の本人確認書類を窓口で示してください。"),
        ("two_columns", "電話で受付番号を受け取り、処理券を買って、"),
        ("table", "400円"),
        ("vertical", "花は桔梗と"),
    ],
)
def test_boxes_hold_the_characters_of_the_span_and_no_other(
    read: Callable[[str], Content], pdfs: Path, name: str, quote: str
) -> None:
    start = read(name).pages[0].text.index(quote)
    boxes = page_boxes(pdfs / f"{name}.pdf", 1, [Span(start, start + len(quote))])
    with pypdfium2.PdfDocument(pdfs / f"{name}.pdf") as file:
        inside = [text for text, x, y in _centres(file[0]) if any(_holds(box, x, y) for box in boxes)]
    assert Counter(inside) == Counter(quote), (boxes, "".join(inside))


def _centres(page: pypdfium2.PdfPage) -> Iterator[tuple[str, float, float]]:
    """Yield the printed characters as PDFium places them, and the middle of each."""
    textpage = page.get_textpage()
    for index in range(textpage.count_chars()):
        text = textpage.get_text_range(index, 1)
        if text.strip():
            left, bottom, right, top = textpage.get_charbox(index, loose=True)
            yield text, (left + right) / 2, (bottom + top) / 2


def _holds(box: Sequence[float], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


@pytest.mark.parametrize("name", ["one_column", "two_columns", "rotated_90", "rotated_180", "rotated_270", "vertical"])
def test_boxes_of_a_whole_page_cover_its_ink(read: Callable[[str], Content], pdfs: Path, name: str) -> None:
    text = read(name).pages[0].text
    boxes = page_boxes(pdfs / f"{name}.pdf", 1, [Span(0, len(text))])
    with pypdfium2.PdfDocument(pdfs / f"{name}.pdf") as file:
        image = file[0].render().to_pil().convert("L")
    assert min(image.getdata()) < 100, "the page is blank"
    for left, bottom, right, top in boxes:
        image.paste(255, (int(left) - 1, int(image.height - top) - 1, int(right) + 2, int(image.height - bottom) + 2))
    left_over = [i for i, value in enumerate(image.getdata()) if value < 100]
    assert left_over == [], [(i % image.width, i // image.width) for i in left_over[:5]]


def test_a_quote_over_a_line_end_has_one_box_a_line(read: Callable[[str], Content], pdfs: Path) -> None:
    page = read("one_column").pages[0]
    boxes = page_boxes(pdfs / "one_column.pdf", 1, [Span(0, len(RESIDENCE))])
    tops = [round(box.top) for box in boxes]
    assert len(boxes) >= 2 and tops == sorted(set(tops), reverse=True), boxes
    assert page.text.startswith(RESIDENCE)
    assert page_boxes(pdfs / "one_column.pdf", 1, []) == []


# --- real bulletins ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def bulletins() -> dict[str, Content]:
    """Read the real PDFs once."""
    return {path.name: read_pdf(path, path.name) for path in sorted(MUNICIPAL.glob("*.pdf"))}


@pytest.mark.shared
@needs_shared
def test_the_bulletin_that_pdfium_reads_in_a_wrong_order_is_read_as_printed(bulletins: dict[str, Content]) -> None:
    page = bulletins["2022-08.pdf"].pages[1]
    lines = ["".join(line.split()) for line in page.text.splitlines()]
    wanted = "支給実績（令和2年度決算）"
    line = next((line for line in lines if wanted in line), None)
    assert line is not None, page.text
    assert "4,413,000円" in line[line.index(wanted) :], line


@pytest.mark.shared
@needs_shared
def test_a_row_of_the_real_bulletin_has_its_header_in_its_context(bulletins: dict[str, Content]) -> None:
    page = bulletins["2022-08.pdf"].pages[1]
    rows = [(_normal(text), block) for text, block in _of_kind(page, BlockKind.TABLE_ROW)]
    found = [(text, block) for text, block in rows if text.startswith("音威子府村1,353千円")]
    assert len(found) == 1, [text for text, _ in rows]
    context = "".join(map(_normal, _context(page, found[0][1])))
    assert all(name in context for name in ("1人あたり平均支給額", "支給割合", "期末手当", "勤勉手当")), context


@pytest.mark.shared
@needs_shared
def test_a_headline_of_the_real_bulletin_is_read_line_by_line(bulletins: dict[str, Content]) -> None:
    """Its font says that lines are three times as high as the letters."""
    assert bulletins["2022-08.pdf"].title == "人事行政等の運営報告について2"


@pytest.mark.shared
@needs_shared
def test_brackets_of_the_real_bulletin_close(bulletins: dict[str, Content]) -> None:
    """PDFium mirrors brackets in lines that it takes for right-to-left; people must be shown what is printed."""
    text = _normal(bulletins["2022-08.pdf"].pages[1].text)
    assert "【再任用職員分】" in text, text[text.find("再任用") - 20 :][:60]


@pytest.mark.shared
@needs_shared
def test_ordering_the_real_bulletins_loses_no_character(bulletins: dict[str, Content]) -> None:
    assert len(bulletins) == 9
    for name, content in bulletins.items():
        with pypdfium2.PdfDocument(MUNICIPAL / name) as file:
            for page in content.pages:
                if page.quality.ocr_confidence is not None:
                    continue  # what OCR reads is in no text layer
                expected = Counter("".join(c.text for c in read_characters(file[page.number - 1]).characters))
                found = Counter(c for c in page.text if not c.isspace())
                assert found == expected, (name, page.number, expected - found, found - expected)


@pytest.mark.shared
@needs_shared
def test_blocks_of_the_real_bulletins_hold_every_character(bulletins: dict[str, Content]) -> None:
    for content in bulletins.values():
        for page in content.pages:
            check_page(page)
