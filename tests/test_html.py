"""HTML pages: the main content with headings, lists and tables; what surrounds it and what is hidden is said, nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from coverage_check import check_page, quotes
from hypothesis import given, settings
from hypothesis import strategies as st
from office_files import ask, context_of, read_indexed, show

from rag.documents import BlockKind, Content, Document, Metadata
from rag.errors import ReadingError
from rag.indexing.chunks import find_uncovered, split_document
from rag.reading.html import read_html

PAGE = """<!DOCTYPE html>
<html lang="ja"><head><meta charset="utf-8"><title>住民票の写し｜緑沢町</title><style>p { color: red }</style></head><body>
<header><a href="/">緑沢町</a></header><nav><ul><li>くらし</li><li>しごと</li></ul></nav>
<main>
<h1>住民票の写し</h1>
<p>住民票の写しは、
町民課の窓口で取れます。<br>郵送でも請求できます。</p>
<h2>持ち物</h2>
<ul><li>印鑑<ul><li>認印でも可</li></ul></li><li>本人確認書類</li></ul>
<h2>請求の順序</h2>
<ol start="3"><li>申請書を書く</li><li value="7">窓口に出す</li></ol>
<script>alert("x")</script>
<p style="display: none">工事中</p>
<footer>担当: 町民課 内線111</footer>
</main>
<footer>緑沢町役場</footer>
</body></html>"""


def read(folder: Path, text: str | bytes) -> Content:
    path = folder / "a.html"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    content = read_html(path, "a.html")
    check_page(content.pages[0])
    return content


def body(text: str) -> str:
    return f"<html><body>{text}</body></html>"


def test_the_main_content_is_read_in_order_and_its_surroundings_stand_apart(tmp_path: Path) -> None:
    content = read(tmp_path, PAGE)
    assert [(block.kind.value, text) for block, text in show(content)] == [
        ("header", "緑沢町"),
        ("header", "くらし しごと"),
        ("heading", "住民票の写し"),
        ("paragraph", "住民票の写しは、町民課の窓口で取れます。\n郵送でも請求できます。"),
        ("heading", "持ち物"),
        ("list_item", "・印鑑"),
        ("list_item", "・認印でも可"),
        ("list_item", "・本人確認書類"),
        ("heading", "請求の順序"),
        ("list_item", "3. 申請書を書く"),
        ("list_item", "7. 窓口に出す"),
        ("paragraph", "担当: 町民課 内線111"),
        ("footer", "緑沢町役場"),
    ]


def test_blocks_know_their_headings_and_their_number(tmp_path: Path) -> None:
    content = read(tmp_path, PAGE)
    item = next(block for block, text in show(content) if text == "・本人確認書類")
    assert item.locator.as_dict() == {"heading": "持ち物", "paragraph": 6}
    assert item.headings == ("持ち物",)


def test_what_is_hidden_is_counted(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, PAGE).problems
    assert (problem.code, "3 字" in problem.message) == ("hidden_text", True)


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("住民票の写し｜緑沢町", "住民票の写し", "住民票の写し"),
        ("緑沢町 - ごみの出し方", "ごみの出し方", "ごみの出し方"),
        ("2025-04 お知らせ", "お知らせの一覧", "2025-04 お知らせ"),
        ("", "転入の手続", "転入の手続"),
        ("手続き一覧", "", "手続き一覧"),
    ],
)
def test_the_title_loses_the_name_of_the_site(tmp_path: Path, title: str, heading: str, expected: str) -> None:
    text = f"<html><head><title>{title}</title></head><body><h1>{heading}</h1><p>本文です。</p></body></html>"
    assert read(tmp_path, text).title == expected


def test_a_table_keeps_its_headers_over_merged_cells(tmp_path: Path) -> None:
    table = """<table><caption>手数料</caption>
    <tr><th rowspan="2">種類</th><th colspan="2">料金</th></tr><tr><th>窓口</th><th>郵送</th></tr>
    <tr><td rowspan="2">住民票</td><td>300円</td><td>400円</td></tr><tr><td>350円</td><td></td></tr></table>"""
    content = read(tmp_path, body(table))
    page = content.pages[0]
    assert quotes(page) == [
        "手数料",
        "種類\t料金\t",
        "\t窓口\t郵送",
        "住民票\t300円\t400円",
        "住民票\t350円\t",
    ]
    last = page.blocks[-1]
    assert (last.kind, last.headings, last.locator.as_dict()) == (BlockKind.TABLE_ROW, ("手数料",), {"paragraph": 5})
    assert context_of(page, last) == ["種類\t料金\t", "\t窓口\t郵送"]


def test_a_note_merged_over_two_questions_belongs_to_both_where_another_cell_claims_its_column(tmp_path: Path) -> None:
    head = "<tr><th>質問</th><th>回答</th><th>備考</th></tr>"
    rows = "<tr><td>大人は？</td><td>300円</td><td rowspan=2>税込み</td></tr><tr><td>小人は？</td><td colspan=2>100円</td></tr>"
    pages = read(tmp_path, body(f"<table>{head}{rows}</table>")).pages
    assert quotes(pages[0])[1:] == ["大人は？\n300円\n備考: 税込み", "小人は？\n100円\n備考: 税込み"]


def test_names_beside_their_values_are_no_header(tmp_path: Path) -> None:
    rows = "<tr><th>対象</th><td>町内に住む人</td></tr><tr><th>期限</th><td>3月31日</td></tr>"
    content = read(tmp_path, body(f"<table>{rows}</table>"))
    assert [(b.kind, b.context) for b, _ in show(content)] == [(BlockKind.TABLE_ROW, ()), (BlockKind.TABLE_ROW, ())]


def test_a_table_that_arranges_the_page_is_read_cell_by_cell(tmp_path: Path) -> None:
    inner = "<table><tr><th>施設</th><th>電話</th></tr><tr><td>図書館</td><td>12-3456</td></tr></table>"
    content = read(
        tmp_path, body(f"<table><tr><td><h2>施設</h2><p>開館は9時です。</p></td><td>{inner}</td></tr></table>")
    )
    assert quotes(content.pages[0]) == ["施設", "開館は9時です。", "施設\t電話", "図書館\t12-3456"]


def test_words_that_stand_between_the_cells_of_a_table_are_kept(tmp_path: Path) -> None:
    text = "<table>迷子の文。<tr><td>甲</td><td>乙</td></tr></table><dl>迷子の語。<dt>受付</dt><dd>平日</dd></dl>"
    assert quotes(read(tmp_path, body(text)).pages[0]) == ["迷子の文。", "甲", "乙", "迷子の語。", "受付", "平日"]


def test_terms_are_rows_and_questions_are_pairs(tmp_path: Path) -> None:
    terms = "<dl><dt>受付</dt><dd>平日</dd><dt>場所</dt><dd>町民課<br>1階</dd></dl>"
    questions = "<dl><dt>郵送できますか。</dt><dd>できます。</dd></dl>"
    page = read(tmp_path, body(terms + questions)).pages[0]
    assert quotes(page) == ["受付\t平日", "場所\t町民課\n1階", "郵送できますか。\nできます。"]
    pair = page.blocks[-1]
    assert pair.question and pair.answer and pair.kind is BlockKind.QA
    assert page.text[slice(*pair.question)] + "/" + page.text[slice(*pair.answer)] == "郵送できますか。/できます。"


def test_readings_stand_apart_and_pictures_speak(tmp_path: Path) -> None:
    text = '<p><ruby>緑沢<rp>(</rp><rt>みどりさわ</rt><rp>)</rp></ruby>町<img src="a.png" alt="庁舎の地図"></p>'
    page = read(tmp_path, body(text)).pages[0]
    assert [(b.kind, page.text[b.start : b.end]) for b in page.blocks] == [
        (BlockKind.PARAGRAPH, "緑沢町庁舎の地図"),
        (BlockKind.RUBY, "みどりさわ"),
    ]


def test_a_page_without_marked_content_loses_its_site_header_only(tmp_path: Path) -> None:
    text = '<div id="header">緑沢町</div><div class="topicpath">ホーム &gt; 税</div><p>納期は6月です。</p><div id="footer">電話</div>'
    assert [b.kind.value for b, _ in show(read(tmp_path, body(text)))] == ["header", "header", "paragraph", "footer"]


def test_numbered_paragraphs_are_headings_and_articles(tmp_path: Path) -> None:
    text = "<p>第1章　総則</p><p>（目的）</p><p>第1条　この規程は、旅費について定める。</p><p>２　前項のほか、別に定める。</p>"
    content = read(tmp_path, body(text))
    assert show(content)[-1][0].locator.heading == "第1章 総則 > 第1条（目的）"


def test_a_page_of_nothing_but_navigation_says_so(tmp_path: Path) -> None:
    content = read(tmp_path, body("<nav>くらし しごと</nav><footer>緑沢町</footer>"))
    (problem,) = content.problems
    assert problem.code == "no_text" and "本文がありません" in problem.message


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8-sig", ""),
        ("cp932", "Shift_JIS"),
        ("euc_jp", "EUC-JP"),
        ("iso2022_jp", "ISO-2022-JP"),
        ("utf-8", "Shift_JIS"),
        ("cp932", "UTF-8"),
    ],
)
def test_encodings_are_found_whatever_is_declared(tmp_path: Path, encoding: str, declared: str) -> None:
    text = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={declared}"></head><body><p>住民票の写しは三百円です。</p></body></html>'
    assert quotes(read(tmp_path, text.encode(encoding)).pages[0]) == ["住民票の写しは三百円です。"]


def test_xhtml_and_broken_mark_up_are_read(tmp_path: Path) -> None:
    declared = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://example.invalid/x.dtd">\n'
    text = declared + '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>一<p>二</div></body>'
    assert quotes(read(tmp_path, text).pages[0]) == ["一", "二"]


def test_entities_of_a_page_are_not_expanded(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    text = f'<!DOCTYPE html [<!ENTITY a0 "爆">{levels}]><html><body><p>本文です。&a11;</p></body></html>'
    assert len(read(tmp_path, text).pages[0].text) < 1000


def test_deeply_nested_mark_up_is_read_or_refused_and_never_lost(tmp_path: Path) -> None:
    content = read(tmp_path, body("<font>" * 1500 + "深いところ" + "</font>" * 1500))
    assert quotes(content.pages[0]) == ["深いところ"]
    with pytest.raises(ReadingError, match="深すぎます"):
        read(tmp_path, body("<font>" * 3000 + "もっと深いところ"))


def test_a_cell_that_claims_to_cover_everything_does_not(tmp_path: Path) -> None:
    cells = '<td colspan="99999" rowspan="99999">a</td>'
    page = read(tmp_path, body(f"<table><tr>{cells}</tr><tr><td>b</td></tr></table>")).pages[0]
    assert len(page.text) < 2000


TAGS = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "td",
    "th",
    "thead",
    "h1",
    "h2",
    "ruby",
    "rt",
    "nav",
    "main",
    "header",
    "pre",
    "br",
    "b",
]
PIECES = st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]) | st.sampled_from(
    [
        "住民票",
        "300円",
        "です。",
        " ",
        "\n",
        "&amp;",
        '<td rowspan="2" colspan="2">',
        "<p hidden>",
        "<script>x</script>",
        "第1章 総則",
        "Q 何ですか。",
    ]
)


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(PIECES, max_size=25))
def test_every_character_of_any_mark_up_is_in_one_block(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    content = read(tmp_path_factory.getbasetemp(), body("".join(pieces)))
    document = Document("a.html", "00", Metadata("a"), content.pages)
    assert find_uncovered(document, split_document(document, max_chars=50)) == []


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, bytes(range(256)))
    assert caught.value.code == "encoding"


def test_an_answer_cites_the_row_of_the_page(tmp_path: Path) -> None:
    text = """<html><head><title>粗大ごみ｜澄野町</title></head><body><main><h1>粗大ごみ</h1><h2>処理手数料</h2><p>品目ごとの手数料は次の表のとおりです。</p>
    <table><thead><tr><th>品目</th><th>手数料</th></tr></thead><tr><td>自転車</td><td>500円</td></tr><tr><td>布団</td><td>300円</td></tr></table></main></body></html>"""
    document = read_indexed(tmp_path, "環境課/粗大ごみ.html", text.encode())
    assert document.title == "粗大ごみ"
    citations = ask(tmp_path, "布団を粗大ごみに出すときの手数料はいくらですか").citations
    assert all(citation.verified for citation in citations)
    quoted = {citation.quote: citation.locator.as_dict() for citation in citations}
    assert quoted["品目\t手数料…布団\t300円"] == {"heading": "処理手数料", "paragraph": 6}
    assert not any("自転車" in quote for quote in quoted)
