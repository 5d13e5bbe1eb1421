"""The figures of the use can be counted by hand, and the sheet runs no formula of others."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from activity_fakes import asked_question as asked
from activity_fakes import build_activity

from rag.activity import Asking, Verdict, build_usage_excel
from rag.activity.question_form import normalize_question
from rag.activity.survey import SurveyResult
from rag.activity.time_saved import Range, estimate_time_saved, read_minutes
from rag.activity.usage import Share, UsageReport, count_figures, measure_usage
from rag.documents import Kind
from rag.errors import SettingsError

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
QUESTIONS = [
    asked("a", day=MONDAY, verdict=Verdict.HELPFUL),
    asked("b", day=MONDAY, department="税務課", answered=False, verdict=Verdict.NOT_FOUND),
    asked("c", day=TUESDAY, kind=Kind.PLAN),
    asked("d", day=TUESDAY, kind=Kind.PLAN, verdict=Verdict.WRONG),
    asked("e", day=date(2026, 10, 1), department=None),
]


def measure(entries: object = QUESTIONS, departments: tuple[str, ...] = ("総務課", "環境課", "税務課")) -> UsageReport:
    return measure_usage(
        entries,  # type: ignore[arg-type]
        since=MONDAY,
        until=TUESDAY,
        departments=departments,
        minutes=read_minutes(),
        survey=SurveyResult(0, ()),
    )


def test_questions_are_counted_by_day_department_and_kind() -> None:
    report = measure()

    assert (report.all.asked, report.all.answered, report.all.declined) == (4, 3, 1)
    assert [(d.day, d.figures.asked, d.figures.answered) for d in report.days] == [(MONDAY, 2, 1), (TUESDAY, 2, 2)]
    assert [(d.department, d.figures.asked) for d in report.departments] == [("総務課", 3), ("税務課", 1)]
    assert [(k.kind, k.figures.asked) for k in report.kinds] == [(Kind.FAQ, 1), (Kind.PLAN, 2)]


def test_helpful_is_a_share_of_what_was_judged() -> None:
    figures = count_figures(QUESTIONS)

    assert (figures.helpful, figures.judged) == (1, 3)
    assert figures.helpful_share == Share(1, 3)


def test_departments_that_asked_nothing_are_named_however_they_are_written() -> None:
    assert measure(departments=("総務課", "環境課", "税務 課", "会計課")).silent == ("環境課", "会計課")


@pytest.mark.parametrize("share", [Share(0, 7), Share(7, 7), Share(3, 7)])
def test_an_interval_holds_its_share_and_stays_between_nothing_and_all(share: Share) -> None:
    assert share.share is not None and share.interval is not None
    low, high = share.interval

    assert 0 <= low <= share.share <= high <= 1
    assert high - low > 0


def test_more_questions_make_a_narrower_interval() -> None:
    few, many = Share(5, 10).interval, Share(500, 1000).interval
    assert few and many

    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_questions_of_one_form_are_one_in_their_commonest_words() -> None:
    texts = ["ごみ袋はいくらですか", "ごみ袋はいくらですか", "ごみ袋は、いくら？", "プールの料金は"]
    entries = [asked(text, day=MONDAY, form=normalize_question(text)) for text in texts]

    (frequent,) = measure(entries).frequent

    assert (frequent.question, frequent.count, frequent.last_day) == ("ごみ袋はいくらですか", 3, MONDAY)


def test_time_saved_is_answers_times_minutes_without_the_bad_ones() -> None:
    saved = estimate_time_saved(QUESTIONS, {Kind.FAQ: Range(1, 3, 6), Kind.PLAN: Range(3, 8, 15)})

    # FAQ: a and e. PLAN: c, as d was called wrong. b was not answered.
    assert [(s.kind, s.count) for s in saved.kinds] == [(Kind.PLAN, 1), (Kind.FAQ, 2)]
    assert saved.total == Range(3 + 2 * 1, 8 + 2 * 3, 15 + 2 * 6)
    text = "\n".join(saved.describe())
    assert "Q&A: 2件 × 1〜3〜6分 ＝ 2〜6〜12分" in text
    assert "合計: 5〜14〜27分（0.1〜0.2〜0.5時間）" in text


def test_every_kind_has_minutes_and_a_town_can_set_its_own(tmp_path: Path) -> None:
    (tmp_path / "minutes.toml").write_text('"計画" = [5, 10, 20]', encoding="utf-8")

    own = read_minutes(tmp_path)

    assert set(own) == set(Kind)
    assert own[Kind.PLAN] == Range(5, 10, 20)
    assert own[Kind.FAQ] == read_minutes()[Kind.FAQ]


@pytest.mark.parametrize(
    "text",
    ['"計画" = [3, 2, 1]', '"計画" = [1, 2]', '"予算" = [1, 2, 3]', '"計画" = "3"', '"計画" = [nan, 1, 2]', "計画 =", '"計画" = [-1, 2, 3]'],
)  # fmt: skip
def test_minutes_that_are_wrong_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "minutes.toml").write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=r"minutes\.toml"):
        read_minutes(tmp_path)


def test_the_sheet_holds_the_figures_and_no_formula(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://evil.example")'
    entries = [asked(evil, day=MONDAY, department="@SUM(1)", form="x") for _ in range(2)]

    book = openpyxl.load_workbook(io.BytesIO(build_usage_excel(measure(entries))))

    assert book.sheetnames == ["概要", "日別", "課別", "種別", "よくある質問", "節約時間", "アンケート"]
    assert [cell.value for cell in book["日別"][2]][:3] == ["2026-11-23", 2, 2]
    assert book["よくある質問"]["A2"].value == f"'{evil}"
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}, "a formula"
    assert [cell.value for cell in cells if isinstance(cell.value, str) and cell.value[0] in "=+-@"] == []


def test_an_installation_measures_itself(tmp_path: Path) -> None:
    from activity_fakes import answered

    activity = build_activity(tmp_path)
    activity.store.record(Asking("ごみ袋はいくらですか", "総務課"), answered())
    activity.survey.answer((1, 1, 1))

    report = activity.usage(date(2026, 11, 1), date(2026, 11, 30), ["総務課", "税務課"])

    assert (report.all.asked, report.silent, report.survey.respondents) == (1, ("税務課",), 1)
    assert report.saved.total == Range(1, 3, 6)


def test_without_questions_there_are_figures_too() -> None:
    report = measure([])

    assert (report.all.asked, report.all.answered_share.share, report.days) == (0, None, ())
    assert build_usage_excel(report)[:2] == b"PK"
