"""Labels are checked against the documents, cell by cell; one that a new edition moved comes with a proposal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
