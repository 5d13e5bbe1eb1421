"""Labels are checked against the documents, cell by cell; one that a new edition moved comes with a proposal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from tiny_catalog import build_catalog, make_pdf

from eval.check import main, write_proposals
from eval.document_places import DocumentPlaces
from eval.label_check import CheckResult, check_rows
from eval.places import Gold
from eval.question_sheet import COLUMNS, SheetRow, read_sheet
from eval.questions import read_questions
from rag.settings import Settings

COLUMNS_AT = {name: place for place, name in enumerate(COLUMNS)}
ROW = {
    "番号": "1",
    "質問": "印鑑登録の手数料はいくらですか。",
    "期待する文書": "町民課/窓口の手引.pdf",
    "ページ／行": "2",
    "正解に含まれる語": "300円",
    "模範解答": "",
    "分類": "手続",
    "回答可否": "可",
    "担当課": "町民課",
    "備考": "",
}
OLD_PAGES = ["# 転入届\n14日以内に届け出ます。", "# 印鑑登録\n手数料は三百円です。"]
NEW_PAGES = ["# 転入届\n14日以内に届け出ます。", "# 戸籍\n手数料は450円です。", "# 印鑑登録\n手数料は三百円です。"]
FILES = {
    "町民課/質問.csv": "質問,回答\n住民票はいくらですか,1通250円です。\n休みはいつですか,月曜日です。\n",
    "環境課/ごみ.md": "# ごみ\n\n燃えるごみは\n月曜日に出します。\n\n粗大ごみは500円です。\n",
    "環境課/案内.html": "<h1>水道</h1><p>届出は5日前までです。</p><h2>休止</h2><p>休止の手数料は800円です。</p>",
}


def open_catalog(folder: Path, pages: list[str]) -> DocumentPlaces:
    return DocumentPlaces(build_catalog(folder, FILES, [make_pdf("町民課/窓口の手引.pdf", pages, title="窓口の手引")]))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentPlaces]:
    yield open_catalog(tmp_path_factory.mktemp("old"), OLD_PAGES)


@pytest.fixture(scope="module")
def new_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentPlaces]:
    yield open_catalog(tmp_path_factory.mktemp("new"), NEW_PAGES)


def rows_of(*changes: dict[str, str]) -> list[SheetRow]:
    return [
        SheetRow(number, {**ROW, "番号": str(number), **change}, COLUMNS_AT) for number, change in enumerate(changes, 2)
    ]


def check(places: DocumentPlaces, *changes: dict[str, str]) -> CheckResult:
    return check_rows(rows_of(*changes), places)


def told(result: CheckResult) -> list[str]:
    return [problem.describe() for problem in result.problems]


@pytest.mark.parametrize(
    ("document", "place", "fact"),
    [
        ("町民課/窓口の手引.pdf", "2", "３００円"),
        ("町民課/質問.csv", "2", "250円"),
        ("環境課/ごみ.md", "3", "燃えるごみは月曜日"),
        ("環境課/ごみ.md", "6", "500円"),
        ("環境課/案内.html", "4", "800円"),
        ("町民課/質問.csv;環境課/ごみ.md", "3;6", "月曜日;500円"),
    ],
)
def test_a_label_that_holds_its_key_facts_is_sound(
    places: DocumentPlaces, document: str, place: str, fact: str
) -> None:
    change = {"期待する文書": document, "ページ／行": place, "正解に含まれる語": fact}
    assert told(check(places, change)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"期待する文書": "町民課/窓口手引.pdf"}, "C2（2行目「期待する文書」）: 文書「町民課/窓口手引.pdf」が索引にありません。近い名前: 町民課/窓口の手引.pdf"),
        ({"ページ／行": "3"}, "D2（2行目「ページ／行」）: 「町民課/窓口の手引.pdf」は2頁までで、3 はありません"),
        ({"期待する文書": "町民課/質問.csv", "ページ／行": "9"}, "「町民課/質問.csv」は3件までで、9 はありません"),
        ({"期待する文書": "環境課/ごみ.md", "ページ／行": "60"}, "「環境課/ごみ.md」は7行までで、60 はありません"),
        ({"期待する文書": "環境課/案内.html", "ページ／行": "5"}, "「環境課/案内.html」は4段落までで、5 はありません"),
        ({"正解に含まれる語": "300円;収入印紙"}, "E2（2行目「正解に含まれる語」）: 「収入印紙」が、期待する場所（2）にありません"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_documents_is_told_by_cell(
    places: DocumentPlaces, change: dict[str, str], expected: str
) -> None:
    assert len(found := told(check(places, change))) == 1 and expected in found[0]


def test_a_question_that_is_asked_twice_is_told_on_the_later_row(places: DocumentPlaces) -> None:
    again = {"質問": "すみません、印鑑登録の手数料は、いくらでしょうか"}
    other_day = {"質問": ROW["質問"], "基準日": "2020-04-01"}
    found = told(check(places, {}, {}, again, other_day))
    assert len(found) == 2
    assert "B3（3行目「質問」）: 2行目（番号 2）と同じ質問です" in found[0]
    assert "B4（4行目「質問」）: 2行目（番号 2）と書き方だけが違う同じ質問です" in found[1]


def test_every_mistake_of_a_set_is_listed(places: DocumentPlaces) -> None:
    changes = [{"質問": f"問い{n}", "ページ／行": "9"} for n in range(40)]
    assert len(check(places, *changes).problems) == 40


def test_a_label_that_a_new_edition_moved_comes_with_the_one_place_that_says_it_now(
    places: DocumentPlaces, new_places: DocumentPlaces
) -> None:
    assert told(check(places, {})) == []
    result = check(new_places, {})
    (proposal,) = result.proposals
    assert (proposal.old, proposal.new) == (
        Gold("町民課/窓口の手引.pdf", page=2), Gold("町民課/窓口の手引.pdf", page=3),
    )  # fmt: skip
    assert "提案: 2 → 3" in told(result)[0]


def test_a_document_whose_name_has_a_new_year_is_found_by_its_title(tmp_path: Path) -> None:
    new = make_pdf("町民課/窓口の手引（令和8年度版）.pdf", NEW_PAGES, title="窓口の手引（令和8年度版）", year=2026)
    places = DocumentPlaces(build_catalog(tmp_path, {}, [new]))
    result = check(places, {"期待する文書": "町民課/窓口の手引（令和7年度版）.pdf"})
    assert "索引にありません" in told(result)[0] and new.source in told(result)[0]
    assert result.proposals[0].new == Gold(new.source, page=3)


def test_nothing_is_proposed_where_two_places_say_it(tmp_path: Path) -> None:
    places = open_catalog(
        tmp_path, ["# 転入届\n届け出ます。", "# 戸籍\n450円です。", "300円です。", "手数料は300円です。"]
    )
    result = check(places, {})
    assert result.proposals == () and len(result.problems) == 1


def test_a_page_that_was_read_by_ocr_may_be_misread_rather_than_mislabelled(tmp_path: Path) -> None:
    scan = make_pdf("町民課/窓口の手引.pdf", ["転入届", "手数料は300四です。"], title="窓口の手引")
    pages = tuple(replace(page, quality=replace(page.quality, ocr_confidence=0.9)) for page in scan.pages)
    places = DocumentPlaces(build_catalog(tmp_path, {}, [replace(scan, pages=pages)]))
    assert "読み誤りかもしれません" in told(check(places, {}))[0]


def test_a_sound_label_beside_a_broken_one_stays(new_places: DocumentPlaces, tmp_path: Path) -> None:
    both = {
        "期待する文書": "環境課/ごみ.md;町民課/窓口の手引.pdf",
        "ページ／行": "6;2",
        "正解に含まれる語": "500円;300円",
    }
    rows = rows_of(both, {"番号": "9", "質問": "天気は", "期待する文書": "", "ページ／行": "", "回答可否": "不可"})
    write_proposals(tmp_path / "提案.csv", rows, check_rows(rows, new_places))
    first, second = read_sheet(tmp_path / "提案.csv", extra=("提案する文書", "提案するページ／行"))
    assert (first["提案する文書"], first["提案するページ／行"]) == ("環境課/ごみ.md;町民課/窓口の手引.pdf", "6;3")
    assert second["提案する文書"] == "" and first["ページ／行"] == "6;2", "the set itself is not changed"
    assert len(read_questions(tmp_path / "提案.csv")) == 2


EDITIONS = {
    "総務課/旅費規程_令和7年4月1日施行.pdf": ["# 目的\n旅費の支給を定める。", "# 日当\n日当は2,000円とする。", "# 宿泊\n宿泊料は9,000円とする。"],
    "総務課/旅費規程_令和8年4月1日施行.pdf": ["# 目的\n旅費の支給を定める。", "# 車賃\n1kmにつき37円とする。", "# 日当\n日当は2,000円とする。", "# 宿泊\n宿泊料は9,800円とする。"],
}  # fmt: skip
OLD, NEW = EDITIONS


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentPlaces]:
    made = []
    for (source, pages), year in zip(EDITIONS.items(), (2025, 2026), strict=True):
        document = make_pdf(source, pages, title=f"旅費規程（令和{year - 2018}年4月1日施行）")
        made.append(replace(document, metadata=replace(document.metadata, effective_date=date(year, 4, 1))))
    yield DocumentPlaces(build_catalog(tmp_path_factory.mktemp("editions"), {}, made))


def check_edition(editions: DocumentPlaces, **change: str) -> CheckResult:
    row = {"質問": "日当はいくらですか", "期待する文書": OLD, "ページ／行": "2", "正解に含まれる語": "2,000円"}
    return check_rows(rows_of(row | change), editions, today=date(2026, 6, 1))


def test_a_label_on_a_superseded_edition_is_told_with_the_place_in_the_one_in_force(editions: DocumentPlaces) -> None:
    result = check_edition(editions)
    assert len(found := told(result)) == 1
    assert f"C2（2行目「期待する文書」）: 「{OLD}」は旧版です（現行: {NEW}）" in found[0]
    assert result.proposals[0].new == Gold(NEW, page=3) and f"提案: 2 → {NEW} の 3" in found[0]


def test_without_a_key_fact_the_place_with_the_same_text_is_proposed(editions: DocumentPlaces) -> None:
    assert check_edition(editions, 正解に含まれる語="").proposals[0].new == Gold(NEW, page=3)


def test_what_the_edition_in_force_says_otherwise_is_told_without_a_proposal(editions: DocumentPlaces) -> None:
    result = check_edition(editions, **{"ページ／行": "3", "正解に含まれる語": "9,000円"})
    assert len(result.problems) == 1 and "旧版" in told(result)[0] and result.proposals == ()


@pytest.mark.parametrize(
    "change",
    [
        {"基準日": "2025-06-01"},
        {"質問": "令和7年6月の日当はいくらですか"},
        {"質問": "令和7年6月の日当はいくらですか", "期待する文書": NEW, "ページ／行": "3"},
        {"質問": "改正の前と後で、日当はどう変わりましたか"},
        {"期待する文書": f"{OLD};{NEW}", "ページ／行": "2;3"},
        {"期待する文書": NEW, "ページ／行": "3"},
    ],
)
def test_an_edition_that_the_question_wants_is_no_mistake(editions: DocumentPlaces, change: dict[str, str]) -> None:
    assert told(check_edition(editions, **change)) == []


def test_an_edition_that_is_not_in_force_on_the_day_of_the_question_is_told(editions: DocumentPlaces) -> None:
    result = check_edition(editions, 基準日="2025-06-01", **{"期待する文書": NEW, "ページ／行": "3"})
    assert f"基準日（2025-06-01）に施行されている版ではありません（その日の版: {OLD}）" in told(result)[
        0
    ] and result.proposals[0].new == Gold(OLD, page=2)


def with_labels(folder: Path, pages: list[str], labels: list[str | None]) -> DocumentPlaces:
    made = make_pdf("町民課/窓口の手引.pdf", pages, title="窓口の手引")
    printed = tuple(replace(page, label=label) for page, label in zip(made.pages, labels, strict=True))
    return DocumentPlaces(build_catalog(folder, FILES, [replace(made, pages=printed)]))


def test_a_printed_page_number_is_a_warning_with_the_page_that_it_may_mean(tmp_path: Path) -> None:
    places = with_labels(tmp_path, ["表紙", "目次", *OLD_PAGES], [None, None, "1", "2"])
    for written in ("2", "2頁"):
        result = check(places, {"ページ／行": written})
        assert result.problems == () and result.proposals[0].new == Gold("町民課/窓口の手引.pdf", page=4)
        assert "D2（2行目「ページ／行」）" in (line := result.warnings[0].describe()) and "提案: 2 → 4" in line
    assert check(places, {"正解に含まれる語": ""}).warnings == (), "nothing tells which page is meant"
    for sound in ("4", "2頁（PDF 4枚目）"):
        assert (result := check(places, {"ページ／行": sound})).problems == result.warnings == ()
    assert "E2" in told(check(places, {"ページ／行": "2枚目"}))[0], "that is no printed number"


def test_a_document_called_by_part_of_its_name_is_understood_and_told(places: DocumentPlaces, tmp_path: Path) -> None:
    rows = rows_of({"期待する文書": "窓口の手引"})
    result = check_rows(rows, places)
    assert result.problems == () and "「町民課/窓口の手引.pdf」のこと" in result.warnings[0].describe()
    write_proposals(tmp_path / "提案.csv", rows, result)
    (row,) = read_sheet(tmp_path / "提案.csv", extra=("提案する文書", "提案するページ／行"))
    assert (row["提案する文書"], row["提案するページ／行"]) == ("町民課/窓口の手引.pdf", "2")


RENAMED = ["# 転入届\n14日以内に届け出ます。手数料は300円です。", *OLD_PAGES[1:]]


def test_a_renamed_document_comes_with_its_page_though_other_pages_hold_the_fact(tmp_path: Path) -> None:
    new = make_pdf("町民課/窓口事務の手引.pdf", RENAMED, title="窓口事務の手引")
    places = DocumentPlaces(build_catalog(tmp_path, FILES, [new]))
    for fact in ("300円", ""):
        result = check(places, {"正解に含まれる語": fact})
        assert result.proposals[0].new == Gold(new.source, page=2), fact
    assert check(places, {"正解に含まれる語": "3,000円"}).proposals == ()


def test_a_document_of_quite_another_name_is_found_by_what_the_index_before_had(tmp_path: Path) -> None:
    old = make_pdf("町民課/窓口の手引.pdf", OLD_PAGES, title="窓口の手引")
    new = make_pdf("総務課/事務提要.pdf", OLD_PAGES, title="事務提要")
    before = build_catalog(tmp_path / "old", FILES, [old])
    places = DocumentPlaces(build_catalog(tmp_path / "new", FILES, [new]), [before])
    assert check(places, {"正解に含まれる語": ""}).proposals[0].new == Gold(new.source, page=2)


def test_near_names_are_written_beside_a_document_that_is_not_there(places: DocumentPlaces, tmp_path: Path) -> None:
    rows = rows_of({"期待する文書": "町民課/窓口手引き.pdf", "正解に含まれる語": "3,000円"})
    write_proposals(tmp_path / "提案.csv", rows, check_rows(rows, places))
    (row,) = read_sheet(tmp_path / "提案.csv", extra=("提案する文書", "近い名前の文書"))
    assert (row["提案する文書"], row["近い名前の文書"]) == ("", "町民課/窓口の手引.pdf")


def test_all_mistakes_of_a_row_that_do_not_hang_together_are_told(places: DocumentPlaces) -> None:
    change = {
        "期待する文書": "町民課/別の手引.pdf;環境課/ごみ.md;町民課/質問.csv",
        "ページ／行": "2;第1章;9",
        "回答可否": "?",
    }
    found = told(check(places, change))
    assert [line.partition("（")[0] for line in found] == ["C2", "D2", "D2", "H2"]
    assert "索引にありません" in found[0] and "「第1章」" in found[1] + found[2] and "3件まで" in found[1] + found[2]


@pytest.fixture(scope="module")
def fees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentPlaces]:
    book = openpyxl.Workbook()
    rooms = book.worksheets[0]
    rooms.title = "部屋"
    for row in (["施設", "区分", "使用料（1回、円）"], ["ホール", "午前", 2400], ["研修室", "午前", 400]):
        rooms.append(row)
    fields = book.create_sheet("体育施設")
    for row in (["施設", "区分", "使用料"], ["グラウンド", "全面", "2,400円"], ["体育館", "全面", "3,000円"]):
        fields.append(row)
    book.save(file := tmp_path_factory.mktemp("fees") / "使用料.xlsx")
    yield DocumentPlaces(build_catalog(file.parent, {"企画課/使用料.xlsx": file.read_bytes()}))


@pytest.mark.parametrize("fact", ["2400円", "2,400円", "2400"])
def test_the_unit_in_the_heading_of_a_column_is_part_of_its_values(fees: DocumentPlaces, fact: str) -> None:
    label = {"質問": "ホールの使用料はいくらですか", "期待する文書": "企画課/使用料.xlsx", "ページ／行": "部屋:2"}
    assert told(check(fees, label | {"正解に含まれる語": fact})) == []
    assert len(told(check(fees, label | {"正解に含まれる語": "400円"}))) == 1, "400 is not the end of 2,400"


def test_a_row_of_another_sheet_is_proposed_only_where_the_question_fits_it_too(fees: DocumentPlaces) -> None:
    label = {"期待する文書": "企画課/使用料.xlsx", "ページ／行": "部屋:2", "正解に含まれる語": "3000円"}
    assert check(fees, label | {"質問": "ホールの料金はいくらですか"}).proposals == ()
    assert check(fees, label | {"質問": "体育館の使用料はいくらですか"}).proposals[0].new.write() == "体育施設:3"


def test_the_command_lists_the_cells_and_ends_with_one(
    small_town: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ",".join(COLUMNS)
    right = "1,住民票はいくら,町民課/窓口のよくある質問.csv,2,300円,,手続,可,,"
    wrong = "2,転出届はいつまで,町民課/窓口のよくある質問.csv,99,14日以内,,手続,可,,"
    (tmp_path / "q.csv").write_text("\n".join([header, right, wrong]), encoding="utf-8")
    (tmp_path / "good.csv").write_text("\n".join([header, right]), encoding="utf-8")
    index = ["--index", str(small_town.index)]

    assert main([str(tmp_path / "good.csv"), *index]) == 0
    assert main([str(tmp_path / "q.csv"), *index, "--write-proposals", str(tmp_path / "p.xlsx")]) == 1
    assert "D3（3行目「ページ／行」）" in (out := capsys.readouterr().out) and "提案: 99 → 3" in out
    assert read_sheet(tmp_path / "p.xlsx", extra=("提案するページ／行",))[1]["提案するページ／行"] == "3"
    assert main([str(tmp_path / "q.csv"), *index, "--write-proposals", str(tmp_path / "q.csv")]) == 2
    assert main([str(tmp_path / "none.csv"), *index]) == 2
    assert main([str(tmp_path / "good.csv"), "--index", str(tmp_path / "none")]) == 2
