"""Labels that lack are proposed from the words of the documents, and people decide which of them answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_catalog import build_catalog, make_pdf

from eval import complete
from eval.acceptance import ACCEPTED, DECISION, REFUSED
from eval.document_places import DocumentPlaces
from eval.more_places import excerpt, find_more_places
from eval.places import Gold
from eval.question_sheet import read_sheet
from eval.questions import Question, read_questions
from eval.sheet_writing import write_questions, write_rows

MANUAL, ANSWERS, NEWS = "町民課/窓口の手引.pdf", "町民課/質問.csv", "総務課/広報.md"
PAGES = ["# 転入届\n14日以内に届け出ます。", "# 印鑑登録\n印鑑登録の手数料は三百円です。"]
FILES = {
    ANSWERS: "質問,回答\n印鑑登録はいくらですか,手数料は300円です。\n住民票はいくらですか,1通300円です。\n",
    NEWS: "# 広報\n\n印鑑登録の窓口が移りました。\n\nコピーは1枚300円です。\n",
}
QUESTION = Question(
    "7",
    "印鑑登録の手数料はいくらですか。",
    (Gold(MANUAL, page=2),),
    ("300円",),
    "300円です。",
    "手続",
    True,
    "町民課",
    "",
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentPlaces]:
    folder = tmp_path_factory.mktemp("places")
    yield DocumentPlaces(build_catalog(folder, FILES, [make_pdf(MANUAL, PAGES, title="窓口の手引")]))


def test_a_place_with_the_key_facts_about_the_same_thing_is_proposed(places: DocumentPlaces) -> None:
    found = find_more_places([QUESTION], places)
    assert [one.gold for one in found] == [Gold(ANSWERS, row=2)]
    assert (found[0].facts, found[0].question) == (1, QUESTION)


def test_what_is_labelled_already_and_what_nobody_answers_is_not_proposed(places: DocumentPlaces) -> None:
    everywhere = replace(QUESTION, gold=(*QUESTION.gold, Gold(ANSWERS, row=2)))
    unanswerable = replace(QUESTION, answerable=False, gold=())
    assert find_more_places([everywhere, unanswerable, replace(QUESTION, key_facts=())], places) == []


def test_a_part_of_the_facts_is_enough_where_the_place_is_about_what_is_asked(places: DocumentPlaces) -> None:
    two = replace(QUESTION, key_facts=("300円", "14日以内"))
    assert [one.gold for one in find_more_places([two], places)] == [Gold(ANSWERS, row=2)]
    other = replace(two, text="コピーの枚数と転入届の期限と印鑑登録の窓口はどうですか。")
    assert find_more_places([other], places) == []


def test_the_paragraph_of_a_labelled_line_is_no_other_place(tmp_path: Path) -> None:
    folder = {"環境課/ごみ.md": "# ごみ\n\n粗大ごみの手数料は\n500円です。\n\n粗大ごみの手数料は500円のままです。\n"}
    places = DocumentPlaces(build_catalog(tmp_path, folder, []))
    question = replace(
        QUESTION, text="粗大ごみの手数料は", gold=(Gold("環境課/ごみ.md", line=4),), key_facts=("500円",)
    )
    assert [one.gold.line for one in find_more_places([question], places)] == [6]


def test_the_excerpt_shows_each_fact_however_it_is_written() -> None:
    text = "前の話。" * 50 + "金額は三百円です。" + "中の話。" * 50 + "期限は14日以内です。" + "後の話。" * 50
    shown = excerpt(text, ["300円", "14日以内"])
    assert "三百円" in shown and "14日以内" in shown and len(shown) < 80
    assert excerpt("短い文。", ["ない"]) == "短い文。"
    assert excerpt("長い文。" * 500, ["ない"], most=20) == "長い文。" * 5 + "…"
    assert excerpt("", [" "]) == ""


def write_set(folder: Path) -> Path:
    write_questions(folder / "質問集.csv", [QUESTION, replace(QUESTION, id="8", text="転入届はいつまでですか。")])
    return folder / "質問集.csv"


def decide(path: Path, decisions: list[str], place: str = "2", number: str = "7") -> Path:
    rows = [
        {"番号": number, DECISION: word, complete.DOCUMENT: ANSWERS, complete.PLACE: place, "質問": QUESTION.text}
        for word in decisions
    ]
    columns = (DECISION, complete.DOCUMENT, complete.PLACE, *complete.QUESTION_COLUMNS)
    write_rows(path, columns, rows)
    return path


def test_accepted_places_are_added_behind_the_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions, target = write_set(tmp_path), tmp_path / "新しい質問集.xlsx"
    candidates = decide(tmp_path / "候補.xlsx", [ACCEPTED, REFUSED, ""])
    assert complete.main([str(questions), "--accepted", str(candidates), "--output", str(target)]) == 0
    assert "1 か所" in capsys.readouterr().out
    first, second = read_questions(target)
    assert first.gold == (Gold(MANUAL, page=2), Gold(ANSWERS, row=2))
    assert second.gold == QUESTION.gold


def test_what_is_labelled_already_is_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    candidates = decide(tmp_path / "候補.xlsx", [ACCEPTED, ACCEPTED])
    target = tmp_path / "新.csv"
    assert complete.main([str(write_set(tmp_path)), "--accepted", str(candidates), "--output", str(target)]) == 0
    assert "1 か所" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("decisions", "place", "number", "told"),
    [
        (["ok"], "2", "7", "採否「ok」"),
        ([ACCEPTED], "第2章", "7", "「第2章」が分かりません"),
        ([ACCEPTED], "2", "99", "番号「99」"),
        ([REFUSED], "2", "7", "採用した箇所がありません"),
    ],
)
def test_mistakes_in_the_decisions_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], decisions: list[str], place: str, number: str, told: str
) -> None:
    candidates = decide(tmp_path / "候補.xlsx", decisions, place, number)
    target = tmp_path / "新.csv"
    assert complete.main([str(write_set(tmp_path)), "--accepted", str(candidates), "--output", str(target)]) == 2
    assert told in capsys.readouterr().err
    assert not target.exists()


def test_the_decisions_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    candidates = decide(tmp_path / "候補.xlsx", [ACCEPTED])
    before = candidates.read_bytes()
    given = [str(write_set(tmp_path)), "--accepted", str(candidates), "--output", str(candidates)]
    assert complete.main(given) == 2 and capsys.readouterr().err
    assert candidates.read_bytes() == before


def test_another_sheet_than_that_of_the_candidates_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = write_set(tmp_path)
    for sheet, told in ((questions, "候補の文書"), (tmp_path / "ない.xlsx", "候補の表がありません")):
        given = [str(questions), "--accepted", str(sheet), "--output", str(tmp_path / "新.csv")]
        assert complete.main(given) == 2
        assert told in capsys.readouterr().err


def test_the_candidates_are_written_with_what_stands_there(places: DocumentPlaces, tmp_path: Path) -> None:
    target = tmp_path / "候補.xlsx"
    complete.write_candidates(target, find_more_places([QUESTION], places))
    row = read_sheet(target, extra=(DECISION, complete.DOCUMENT, complete.PLACE, complete.EXCERPT))[0]
    assert (row["番号"], row[DECISION], row[complete.DOCUMENT], row[complete.PLACE]) == ("7", "", ANSWERS, "2")
    assert "300円" in row[complete.EXCERPT]
    assert (row["分類"], row["回答可否"], row["担当課"]) == ("手続", "可", "町民課")
