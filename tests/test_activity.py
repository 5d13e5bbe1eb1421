"""What is remembered: without personal data, for as long as the settings say, open to those who may see it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from unittest.mock import ANY

import pytest
from activity_fakes import (
    MANUAL,
    QA,
    SECRET,
    HandClock,
    Library,
    answered,
    build_activity,
    declined,
    read_everything,
)

from rag.activity import Asking, Rating, Verdict, Viewer
from rag.activity.database import Database
from rag.activity.masking import MAX_COMMENT_CHARS
from rag.activity.ratings import measure_kappa
from rag.activity.schema import MIGRATIONS
from rag.activity.survey import SurveyItem
from rag.documents import COMMAND_LINE, EVERYONE, Asker, Kind, Locator, Reason, Status
from rag.errors import ActivityError, UsageError

PLANTED = ("佐藤花子", "090-1234-5678", "hanako@example.jp", "123456789018", "tanaka.kenichi")
HOSTILE = ("'; DROP TABLE asked; --", "<script>alert(1)</script>", "表\x00\ud800\u2028終", "=1+1", "🗑️" * 300)


def test_an_answer_comes_back_as_it_was_given_with_its_day(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    id_ = activity.store.record(Asking("ごみ袋はいくらですか", "総務課", "u1", "s1"), answered(), "20261125T000000Z")

    given = activity.store.find(id_, EVERYONE)
    assert given is not None
    assert (given.asked.question, given.asked.day, given.snapshot) == (
        "ごみ袋はいくらですか",
        date(2026, 11, 25),
        "20261125T000000Z",
    )
    assert given.answer["answer"] == "10枚400円です。[1]"
    assert given.answer["citations"][0]["locator"] == {"row": 6}
    assert [(d.source, d.sha256, d.is_cited) for d in given.documents] == [(QA, "a" * 64, True)]
    assert (given.asked.kind, given.asked.in_charge, given.asked.status) == (Kind.FAQ, "環境課", Status.ANSWERED)


def test_the_department_in_charge_of_a_declined_question_is_that_of_the_nearest_passages(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    near, far = (declined(MANUAL), declined(reason=Reason.NO_DOCUMENTS))
    ids = [activity.store.record(Asking("旅券の手数料"), answer) for answer in (near, far)]

    asked = {q.id: q.in_charge for q in activity.store.entries()}
    assert [asked[id_] for id_ in ids] == ["町民課", "総務課"]


def test_links_cannot_be_guessed(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    ids = {activity.store.record(Asking("質問"), answered()) for _ in range(50)}

    assert len(ids) == 50
    assert min(map(len, ids)) >= 22, "128 bits"
    assert activity.store.find("1", COMMAND_LINE) is None


def test_nothing_planted_is_found_in_any_file(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    name, phone, mail, number, user = PLANTED
    text = f"{name}さん（電話 {phone}、{mail}）のマイナンバー{number}は"

    id_ = activity.store.record(
        Asking(f"{text}どこに出しますか", "総務課", user, user), answered(f"{name}の届は町民課です。[1]")
    )
    activity.store.judge(id_, Verdict.WRONG, f"{name}さんに電話 {phone} で確認", user)
    activity.ratings.rate(id_, "評価者A", Rating.BAD, f"{name}さんの件。{mail}")
    activity.survey.answer((1, 2, 3), user)
    activity.add_candidate(id_)
    activity.store.database.shrink_log()

    kept = read_everything(tmp_path / "data")
    assert [value for value in PLANTED if value in kept] == []
    given = activity.store.find(id_, EVERYONE)
    assert given is not None and "【氏名】" in given.asked.question and "【氏名】の届" in given.answer["answer"]


def test_a_name_in_the_name_of_a_file_is_masked_too(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    hidden = answered(locator=Locator(line=1, heading="佐藤花子様の申請"))

    id_ = activity.store.record(Asking("申請の期限は"), hidden)

    given = activity.store.find(id_, COMMAND_LINE)
    assert given is not None
    assert given.answer["citations"][0]["locator"]["heading"] == "【氏名】様の申請"
    assert given.documents[0].locator == {"line": 1, "heading": "【氏名】様の申請"}


def test_a_link_to_a_closed_document_opens_only_for_those_who_may_read_it(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    cited, shown = (
        activity.store.record(Asking("差押えの決裁は"), answered(source=SECRET)),
        activity.store.record(Asking("差押えの日は"), declined(SECRET)),
    )

    for id_ in (cited, shown):
        assert activity.store.find(id_, EVERYONE) is None
        assert activity.store.find(id_, Asker(("町民課",))) is None
        assert activity.store.find(id_, Asker(("税務課",))) is not None


def test_a_document_that_was_closed_since_closes_the_links_to_it(tmp_path: Path) -> None:
    library = Library()
    activity = build_activity(tmp_path, library=library)
    id_ = activity.store.record(Asking("ごみ袋は"), answered())
    assert activity.store.find(id_, EVERYONE) is not None

    library.close_to(QA, "環境課")
    assert activity.store.find(id_, EVERYONE) is None
    assert activity.store.find(id_, Asker(("環境課",))) is not None

    del library.entries[QA]
    assert activity.store.find(id_, EVERYONE) is not None, "a document that is gone was open to all then"


def test_a_document_that_nobody_knew_opens_for_nobody(tmp_path: Path) -> None:
    library = Library()
    del library.entries[QA]
    activity = build_activity(tmp_path, library=library)

    id_ = activity.store.record(Asking("ごみ袋は"), answered())

    assert activity.store.find(id_, EVERYONE) is None
    assert activity.store.find(id_, COMMAND_LINE) is not None


def test_the_history_of_a_session_is_its_questions_in_order(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    for question, session in (("一", "s1"), ("二", "s2"), ("三", "s1")):
        activity.store.record(Asking(question, session=session), answered())

    assert [q.question for q in activity.store.history("s1")] == ["一", "三"]


def test_the_latest_judgement_counts_and_a_person_has_one(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    id_ = activity.store.record(Asking("ごみ袋は"), answered())

    activity.store.judge(id_, Verdict.HELPFUL, user="u1")
    activity.store.judge(id_, Verdict.WRONG, "金額が\n古い", user="u2")

    (asked,) = activity.store.entries()
    assert (asked.verdict, asked.comment) == (Verdict.WRONG, "金額が 古い")
    activity.store.judge(id_, Verdict.NOT_FOUND, user="u1")
    (asked,) = activity.store.entries()
    assert asked.verdict is Verdict.NOT_FOUND
    assert len(activity.store.database.read("SELECT * FROM judged")) == 2


def test_what_cannot_be_judged_is_refused_in_japanese(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    id_ = activity.store.record(Asking("ごみ袋は"), answered())

    with pytest.raises(UsageError, match="記録にありません"):
        activity.store.judge("nobody", Verdict.WRONG)
    with pytest.raises(UsageError, match="長すぎます"):
        activity.store.judge(id_, Verdict.WRONG, "あ" * (MAX_COMMENT_CHARS + 1))
    with pytest.raises(UsageError, match="名前がありません"):
        activity.ratings.rate(id_, " ", Rating.GOOD)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(tmp_path: Path, text: str) -> None:
    activity = build_activity(tmp_path)

    id_ = activity.store.record(Asking(text, text, text, text), answered())
    activity.store.judge(id_, Verdict.WRONG, text[:300], text)
    activity.ratings.rate(id_, text, Rating.BAD, text[:300])

    (asked,) = activity.store.history(text)
    assert asked.id == id_ and asked.verdict is Verdict.WRONG
    assert "\ud800" not in asked.question and "\x00" not in asked.question


# --- who sees what ----------------------------------------------------------------------------------------------------

ADMIN, QA_TEAM, ASKING, IN_CHARGE, OTHER = (
    Viewer(is_admin=True),
    Viewer(is_qa=True),
    Viewer(departments=("総務課",)),
    Viewer(departments=("環境課",)),
    Viewer(departments=("税務課",)),
)


@pytest.mark.parametrize(
    ("visible_to", "viewers"),
    [
        ("admin", [ADMIN]),
        ("qa", [ADMIN, QA_TEAM]),
        ("department", [ADMIN, QA_TEAM, ASKING, IN_CHARGE]),
    ],
)
def test_questions_are_seen_by_those_whom_the_setting_names(
    tmp_path: Path, visible_to: str, viewers: list[Viewer]
) -> None:
    activity = build_activity(tmp_path, questions_visible_to=visible_to)
    activity.store.record(Asking("ごみ袋は", "総務課"), answered())

    seen = [
        viewer for viewer in (ADMIN, QA_TEAM, ASKING, IN_CHARGE, OTHER, Viewer()) if activity.store.questions(viewer)
    ]

    assert seen == viewers


# --- how long ---------------------------------------------------------------------------------------------------------


def test_questions_go_when_they_are_too_old_and_nothing_of_them_stays(tmp_path: Path) -> None:
    clock = HandClock()
    activity = build_activity(tmp_path, clock, question_days=30)
    id_ = activity.store.record(Asking("珍しい質問の文", session="s"), answered())
    activity.store.judge(id_, Verdict.WRONG, "珍しい意見の文")
    activity.ratings.rate(id_, "評価者A", Rating.BAD)
    activity.survey.answer((1, 1, 1))

    clock.pass_days(30)
    assert activity.store.find(id_, EVERYONE) is not None, "the thirtieth day is still kept"
    clock.pass_days(1)

    assert activity.store.find(id_, EVERYONE) is None
    assert [activity.store.database.read(f"SELECT * FROM {t}") for t in ("asked", "judged", "rated", "surveyed")] == [
        []
    ] * 4
    kept = read_everything(tmp_path / "data")
    assert "珍しい質問" not in kept and "珍しい意見" not in kept


def test_old_questions_go_when_the_file_is_opened(tmp_path: Path) -> None:
    clock = HandClock()
    activity = build_activity(tmp_path, clock)
    activity.store.record(Asking("ごみ袋は"), answered())
    activity.close()
    clock.pass_days(366)

    again = build_activity(tmp_path, clock)

    assert again.store.database.read("SELECT * FROM asked") == []


# --- the file ---------------------------------------------------------------------------------------------------------


def test_eight_threads_lose_nothing(tmp_path: Path) -> None:
    activities = [build_activity(tmp_path), build_activity(tmp_path)]  # two processes would look like this

    def use(number: int) -> None:
        activity = activities[number % 2]
        for turn in range(10):
            id_ = activity.store.record(Asking(f"質問{number}-{turn}", session=f"s{number}"), answered())
            activity.store.judge(id_, Verdict.HELPFUL, user=f"u{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))

    entries = activities[0].store.entries()
    assert len(entries) == 80 and all(q.verdict is Verdict.HELPFUL for q in entries)
    assert [q.question for q in activities[1].store.history("s3")] == [f"質問3-{turn}" for turn in range(10)]


def test_a_user_is_one_person_here_and_nobody_elsewhere(tmp_path: Path) -> None:
    here, there = Database(tmp_path / "a.sqlite"), Database(tmp_path / "b.sqlite")

    assert here.pseudonym("u1") == here.pseudonym("u1") != here.pseudonym("u2")
    assert here.pseudonym("u1") != there.pseudonym("u1")
    assert here.pseudonym(None) is None


def test_a_database_of_an_earlier_version_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    first = Database(file)
    with first.writing() as connection:
        connection.execute("INSERT INTO surveyed VALUES ('x', '2026-11-25', 1, 2, 3)")
    first.close()

    second = Database(file, (*MIGRATIONS, "ALTER TABLE surveyed ADD COLUMN remark TEXT NOT NULL DEFAULT ''"))

    assert [tuple(row) for row in second.read("SELECT * FROM surveyed")] == [("x", "2026-11-25", 1, 2, 3, "")]
    assert second.read("PRAGMA user_version")[0][0] == len(MIGRATIONS) + 1
    second.close()
    with pytest.raises(ActivityError, match="新しすぎます"):
        Database(file)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    Database(file).close()

    with pytest.raises(ActivityError, match="開けません"):
        Database(file, (*MIGRATIONS, "ALTER TABLE surveyed ADD COLUMN remark TEXT; ALTER TABLE nothing ADD COLUMN x"))

    columns = [row[1] for row in sqlite3.connect(file).execute("PRAGMA table_info(surveyed)")]
    assert "remark" not in columns


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("これは表ではありません。" * 100, encoding="utf-8")

    with pytest.raises(ActivityError, match=r"a\.sqlite"):
        Database(tmp_path / "a.sqlite")


def test_what_cannot_be_written_is_said_and_the_next_thing_is_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")

    with pytest.raises(ActivityError, match="書けません"), database.writing() as connection:
        connection.execute("INSERT INTO surveyed VALUES ('x', '2026-11-25', 1, 2, 3)")
        connection.execute("INSERT INTO nowhere VALUES (1)")

    assert database.read("SELECT * FROM surveyed") == []
    with database.writing() as connection:
        connection.execute("INSERT INTO surveyed VALUES ('y', '2026-11-25', 1, 2, 3)")
    assert len(database.read("SELECT * FROM surveyed")) == 1


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)

    assert activity.store.database.file.stat().st_mode & 0o077 == 0


# --- ratings and survey -----------------------------------------------------------------------------------------------


def test_two_raters_agree_as_far_as_cohen_says(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    ids = [activity.store.record(Asking(f"質問{n}"), answered()) for n in range(5)]
    good, fair, bad = Rating
    for id_, mine, other in zip(ids, (good, good, fair, bad, good), (good, fair, fair, bad, None), strict=True):
        activity.ratings.rate(id_, "A", mine)
        if other:
            activity.ratings.rate(id_, "B", other, "根拠が足りない")

    agreement = activity.ratings.agreement("A", "B")

    # Of four: 3 equal, po 3/4. A: ○2 △1 ×1, B: ○1 △2 ×1; pe (2x1 + 1x2 + 1x1) / 16 = 5/16. (12 - 5) / (16 - 5) = 7/11.
    assert (agreement.count, agreement.same) == (4, 3)
    assert agreement.kappa == pytest.approx(7 / 11)
    assert activity.ratings.disagreements("A", "B") == (ids[1],)
    assert activity.ratings.ratings(ids[4]) == (ANY,)


@pytest.mark.parametrize("pairs", [[], [("○", "○")] * 3])
def test_kappa_is_not_defined_without_pairs_or_without_differences(pairs: list[tuple[str, str]]) -> None:
    assert measure_kappa(pairs) is None


def test_a_rater_who_changes_their_mind_has_one_rating(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    id_ = activity.store.record(Asking("質問"), answered())

    activity.ratings.rate(id_, "A", Rating.BAD)
    activity.ratings.rate(id_, "A", Rating.GOOD)

    assert [r.rating for r in activity.ratings.ratings()] == [Rating.GOOD]


def test_the_survey_counts_people_once_and_gives_percentages(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    for user, choices in (("u1", (5, 5, 5)), ("u1", (1, 2, 3)), ("u2", (1, 3, 3)), (None, (2, 4, 3))):
        activity.survey.answer(choices, user)

    result = activity.survey.result()

    assert result.respondents == 3
    assert [item.counts for item in result.items] == [(2, 1, 0, 0, 0), (0, 1, 1, 1, 0), (0, 0, 3, 0, 0)]
    assert result.items[0].percentages == (66.7, 33.3, 0.0, 0.0, 0.0)
    assert result.items[0].positive_percentage == 100.0
    assert SurveyItem("", (0,) * 5).percentages == (0.0,) * 5


@pytest.mark.parametrize("choices", [(0, 1, 1), (1, 6, 1), (1, 1)])
def test_an_answer_that_is_no_option_is_refused(tmp_path: Path, choices: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="1〜5"):
        build_activity(tmp_path).survey.answer(choices)
