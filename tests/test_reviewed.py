"""A department's reply becomes an official answer: in the table, in the index, among the cases, pinned where somebody says so."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from activity_fakes import MANUAL, QA, HandClock, answered, build_activity, declined
from conftest import build_town

import eval.questions
from rag.activity import Activity, Asking, Verdict
from rag.activity.candidates import COLUMNS as CASE_COLUMNS
from rag.activity.candidates import find_key_facts
from rag.activity.place_cells import write_place
from rag.activity.reviewed import COLUMNS, REVIEWED_FILE, Reply
from rag.assistant import Assistant
from rag.documents import COMMAND_LINE, Locator, Status
from rag.errors import ActivityError, IndexLockedError, PersonalDataError, UsageError
from rag.indexing.updating import update_index

DAY, NEXT_YEAR = date(2026, 11, 25), date(2027, 3, 31)
QUESTION = "町民プールの利用料金はいくらですか"


def prepare(activity: Activity, question: str = QUESTION, answer: str = "1回200円です。", **changes: object) -> Reply:
    values = {"department": "教育課", "author": "教育課 係長", "review_by": NEXT_YEAR} | changes
    return activity.reviewed.prepare(question, answer, **values)  # type: ignore[arg-type]


def read_cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_a_reply_is_a_row_with_author_and_days(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    published = activity.reviewed.publish(prepare(activity, is_pinned=True))

    file = tmp_path / "corpus" / REVIEWED_FILE
    assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel reads it as UTF-8"
    row = [QUESTION, "1回200円です。", "教育課", "教育課 係長", "2026-11-25", "2027-03-31", "○"]
    assert read_cells(file) == [list(COLUMNS), row]
    entry = published.entry
    assert (entry.row, entry.confirmed, entry.review_by, entry.is_pinned) == (2, DAY, NEXT_YEAR, True)
    assert activity.reviewed.find_entry(REVIEWED_FILE, 2) == entry
    assert activity.reviewed.find_entry(REVIEWED_FILE, 3) is activity.reviewed.find_entry(QA, 2) is None
    assert [path.name for path in file.parent.iterdir()] == [REVIEWED_FILE], "nothing else that would be indexed"


def test_the_same_question_keeps_its_row_and_columns_of_others_stay(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    file = tmp_path / "corpus" / REVIEWED_FILE
    file.write_bytes("質問,回答,メモ\r\n一つ目,ア,大事\r\n\r\n二つ目,イ,\r\n".encode("cp932"))

    replaced = activity.reviewed.publish(prepare(activity, "一つ目ですか。", "新しいア")).entry
    added = activity.reviewed.publish(prepare(activity, "三つ目", "ウ")).entry

    assert (replaced.row, added.row) == (2, 5)
    cells = read_cells(file)
    assert cells[0] == ["質問", "回答", "メモ", "所管課", "作成者", "確認日", "見直し日", "固定"]
    assert cells[1][:3] == ["一つ目ですか。", "新しいア", "大事"]
    assert cells[3][:2] == ["二つ目", "イ"] and [e.question for e in activity.reviewed.entries()][1] == "二つ目"


def test_no_cell_is_a_formula_and_all_come_back_as_they_were_written(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    activity.reviewed.publish(prepare(activity, "=1+1", "@SUM(A1)\n2行目", author="+係長"))
    activity.reviewed.publish(prepare(activity, "持ち物は", "- 印鑑\n- 免許証"))

    cells = [cell for row in read_cells(tmp_path / "corpus" / REVIEWED_FILE) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")] == []
    first, second = activity.reviewed.entries()
    assert (first.question, first.answer, first.author) == ("=1+1", "@SUM(A1)\n2行目", "+係長")
    assert second.answer == "・印鑑\n- 免許証"


def test_personal_data_is_shown_before_it_is_masked_and_an_office_number_can_stay(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    reply = prepare(activity, answer="佐藤花子さんが担当です。電話 0123-45-6789。")

    assert reply.masked == (("氏名", "佐藤花子"), ("電話", "0123-45-6789"))
    with pytest.raises(PersonalDataError, match="まだ公開していません"):
        activity.reviewed.publish(reply)
    assert activity.reviewed.entries() == ()
    with pytest.raises(UsageError, match="残せない種類"):
        activity.reviewed.publish(reply, was_shown=True, keep=["氏名"])
    entry = activity.reviewed.publish(reply, was_shown=True, keep=["電話"]).entry

    assert entry.answer == "【氏名】さんが担当です。電話 0123-45-6789。"
    assert "0123-45-6789" not in activity.candidates.file.read_text(encoding="utf-8"), "the data folder keeps none"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": "  "}, "質問が空"),
        ({"answer": "\n"}, "回答が空"),
        ({"department": ""}, "所管課が空"),
        ({"author": " "}, "作成者が空"),
        ({"answer": "あ" * 5_000}, "長すぎます"),
        ({"review_by": DAY}, "見直し日が今日まで"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepare(build_activity(tmp_path), **changes)  # type: ignore[arg-type]


def test_an_index_that_is_being_written_leaves_the_entry_and_says_so(tmp_path: Path) -> None:
    def locked() -> None:
        raise IndexLockedError("ほかの処理が索引を更新しています。", "終わるまで待ってください。")

    activity = build_activity(tmp_path, reindex=locked)

    published = activity.reviewed.publish(prepare(activity))

    assert published.problem is not None and "更新しています" in published.problem
    assert activity.reviewed.entries() == (published.entry,)


def test_a_file_without_its_columns_is_refused_and_left_alone(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    file = tmp_path / "corpus" / REVIEWED_FILE
    file.write_text("見出し,別の見出し\n1,2\n", encoding="utf-8")

    with pytest.raises(ActivityError, match="質問、回答"):
        activity.reviewed.publish(prepare(activity))

    assert file.read_text(encoding="utf-8") == "見出し,別の見出し\n1,2\n"


def test_eight_threads_write_every_reply_and_case(tmp_path: Path) -> None:
    activities = [build_activity(tmp_path) for _ in range(2)]

    def publish(number: int) -> None:
        activity = activities[number % 2]
        activity.reviewed.publish(prepare(activity, f"質問その{number}番", f"回答{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(16)))

    entries = activities[0].reviewed.entries()
    assert {entry.answer for entry in entries} == {f"回答{number}" for number in range(16)}
    assert [entry.row for entry in entries] == list(range(2, 18))
    assert len({q.id for q in eval.questions.read_questions(activities[0].candidates.file)}) == 16


# --- pins and review --------------------------------------------------------------------------------------------------


def test_a_pinned_answer_is_found_by_its_question_and_by_no_other(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    assert activity.reviewed.find_pinned(QUESTION) is None
    entry = activity.reviewed.publish(prepare(activity, is_pinned=True)).entry
    activity.reviewed.publish(prepare(activity, "プールの休みは"))

    assert activity.reviewed.find_pinned("すみません、町民プールの利用料金は、いくらでしょうか？") == entry
    assert activity.reviewed.find_pinned("町民プールの利用料金はいつ払いますか") is None
    assert activity.reviewed.find_pinned("プールの休みは") is None, "it is not pinned"


def test_a_pin_can_be_set_and_taken_away_and_is_seen_at_once(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    row = activity.reviewed.publish(prepare(activity)).entry.row

    activity.reviewed.pin(row, is_pinned=True)
    assert activity.reviewed.find_pinned(QUESTION) is not None
    activity.reviewed.pin(row, is_pinned=False)
    assert activity.reviewed.find_pinned(QUESTION) is None
    with pytest.raises(UsageError, match="9 件目はありません"):
        activity.reviewed.pin(9, is_pinned=True)


def test_entries_past_their_day_are_listed_by_department(tmp_path: Path) -> None:
    clock = HandClock()
    activity = build_activity(tmp_path, clock)
    for number, (department, day) in enumerate(
        [("税務課", NEXT_YEAR), ("教育課", NEXT_YEAR), ("教育課", date(2027, 1, 31)), ("教育課", date(2027, 4, 30))]
    ):
        activity.reviewed.publish(prepare(activity, f"質問その{number}番", department=department, review_by=day))
    assert activity.reviewed.overdue() == ()

    clock.pass_days((date(2027, 4, 1) - DAY).days)

    assert [(name, [e.row for e in entries]) for name, entries in activity.reviewed.overdue()] == [
        ("教育課", [4, 3]),
        ("税務課", [2]),
    ]


# --- the index --------------------------------------------------------------------------------------------------------


def test_a_reply_is_answered_with_at_once_word_for_word_and_the_author_is_no_part_of_it(tmp_path: Path) -> None:
    town = build_town(tmp_path, adapt="off")
    activity = Activity(
        town, find_document=lambda source: None, find_embedder=lambda: None, reindex=lambda: update_index(town)  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    question = "公民館の大ホールの使用料はいくらですか"
    reply = activity.reviewed.prepare(
        question,
        "大ホールの使用料は、半日で4,200円です。",
        department="生涯学習課",
        author="生涯学習課 担当係長",
        review_by=date(2999, 3, 31),
    )

    published = activity.reviewed.publish(reply)

    assert published.problem is None
    assistant = Assistant.open(town)
    answer = assistant.ask(question, asker=COMMAND_LINE)
    assert answer.status is Status.ANSWERED
    citation = answer.citations[0]
    assert (citation.source, citation.locator.row) == (REVIEWED_FILE, published.entry.row)
    assert answer.text == f"{reply.answer}[1]"
    assert "係長" not in citation.quote and "2999" not in citation.quote
    assert activity.reviewed.find_entry(citation.source, citation.locator.row) == published.entry
    text = assistant.page_text(citation.source, citation.page, COMMAND_LINE) or ""
    assert "作成者: 生涯学習課 担当係長\n" in text and "見直し日: 2999-03-31" in text
    assistant.close()


# --- cases of the question set ----------------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_question_set() -> None:
    assert CASE_COLUMNS == eval.questions.COLUMNS


def test_a_reply_is_a_case_that_the_question_set_reads(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    number = activity.reviewed.publish(prepare(activity, answer="1回200円、回数券は11枚で2,000円です。")).candidate

    (case,) = eval.questions.read_questions(activity.candidates.file)
    assert (case.id, case.text, case.department, case.answerable) == (number, QUESTION, "教育課", True)
    assert [gold.as_dict() for gold in case.gold] == [{"source": REVIEWED_FILE, "row": 2}]
    assert "2,000円" in case.key_facts


def test_an_answer_becomes_a_case_with_one_click(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    id_ = activity.store.record(
        Asking("転入届の期限は"), answered("14日以内です。[1]", MANUAL, Locator(page=3, label="1"))
    )

    assert activity.add_candidate(id_) == activity.add_candidate(id_) == "U1"

    (case,) = eval.questions.read_questions(activity.candidates.file)
    assert [gold.as_dict() for gold in case.gold] == [{"source": MANUAL, "page": 3}]
    assert (case.model_answer, case.key_facts, case.answerable) == ("14日以内です。", ("14日以内",), True)


def test_a_declined_question_and_a_wrong_answer_become_cases_to_be_checked(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    wrong = activity.store.record(Asking("ごみ袋は"), answered())
    activity.store.judge(wrong, Verdict.WRONG, "値上げ前の金額")
    none = activity.store.record(Asking("旅券の手数料は"), declined())

    for id_ in (wrong, none):
        activity.add_candidate(id_)

    cases = eval.questions.read_questions(activity.candidates.file)
    assert [(case.answerable, case.gold) for case in cases] == [(False, ())] * 2
    assert "「違う」の評価" in cases[0].note and "値上げ前の金額" in cases[0].note
    assert "回答なし" in cases[1].note


def test_what_the_question_set_cannot_name_is_refused_rather_than_written_wrong(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    id_ = activity.store.record(Asking("様式は"), answered("様式第1号です。", MANUAL, Locator(paragraph=3)))

    with pytest.raises(UsageError, match="ページ／行"):
        activity.add_candidate(id_)
    with pytest.raises(UsageError, match="記録にありません"):
        activity.add_candidate("nobody")
    assert not activity.candidates.file.exists()


def test_places_are_written_as_the_question_set_reads_them() -> None:
    for source, locator in (
        ("a.pdf", {"page": 3}), ("a.xlsx", {"sheet": "職員", "row": 4}), ("a.csv", {"row": 5}), ("a.md", {"line": 6}),
        ("a.docx", {"paragraph": 7}), ("様式.zip/a.html", {"paragraph": 8}), ("a.pptx", {"page": 9}), ("a.eml", {"line": 2}),
    ):  # fmt: skip
        gold = eval.questions.parse_place(source, write_place(source, locator) or "")
        assert gold is not None and gold.as_dict() == {"source": source, **locator}


def test_key_facts_are_words_of_the_answer() -> None:
    answer = "令和9年4月1日から、費用の3分の1（上限50万円）を補助します。環境課へ。"

    assert all(fact in answer for fact in find_key_facts(answer))
    assert find_key_facts("環境課に聞いてください。") == ()
