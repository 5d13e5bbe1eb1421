"""Knowledge gaps: what was declined or not helped, put together, with a department, until it is closed."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from activity_fakes import MANUAL, QA, HandClock, answered, build_activity, declined
from fakes import BigramEmbedder

from eval.gaps import GROUPS, PACKAGED, QUESTIONS, main, measure_half, read_labelled, read_others
from eval.questions import read_questions
from rag.activity import Activity, Asking, GapState, Verdict, build_gaps_excel
from rag.activity.clusters import cluster_questions
from rag.documents import Reason
from rag.errors import UsageError

POOL = ("町民プールの利用料金はいくら", "町民プールの利用料金を知りたい", "プールの利用料金はいくら")
PASSPORT = "パスポートの申請手数料"


def ask(activity: Activity, *questions: str, source: str = MANUAL) -> list[str]:
    return [activity.store.record(Asking(question, "総務課"), declined(source)) for question in questions]


def test_questions_that_one_reply_answers_stand_together() -> None:
    groups = cluster_questions([POOL[0], PASSPORT, POOL[1], POOL[2]], BigramEmbedder(dimension=512), threshold=0.4)

    assert groups == [(0, 2, 3), (1,)]


def test_what_vectors_cannot_tell_apart_nouns_do() -> None:
    deaf = BigramEmbedder(dimension=1)  # every question has the same vector

    groups = cluster_questions([*POOL, PASSPORT, "広報の配布日"], deaf, threshold=0.6)

    assert groups == [(0, 1, 2), (3,), (4,)]


@pytest.mark.parametrize("questions", [[], ["一つだけ"]])
def test_nothing_and_one_need_no_putting_together(questions: list[str]) -> None:
    assert cluster_questions(questions, BigramEmbedder()) == [(place,) for place in range(len(questions))]


def test_a_similarity_that_unrelated_sentences_have_counts_as_none() -> None:
    plain, floored = BigramEmbedder(dimension=512), BigramEmbedder(dimension=512)
    floored.dense_floor = 0.9

    assert len(cluster_questions(POOL, plain, threshold=0.4)) < len(cluster_questions(POOL, floored, threshold=0.4))


def test_a_gap_has_its_department_count_days_and_examples(tmp_path: Path) -> None:
    clock = HandClock()
    activity = build_activity(tmp_path, clock)
    ids = ask(activity, POOL[0], POOL[0])
    clock.pass_days(2)
    ids += ask(activity, POOL[1])
    ask(activity, PASSPORT, source=QA)

    pool, passport = activity.gaps.list().gaps

    assert (pool.id, pool.question, pool.count, pool.department) == (ids[0], POOL[0], 3, "町民課")
    assert (pool.first_day, pool.last_day) == (date(2026, 11, 25), date(2026, 11, 27))
    assert pool.examples == (POOL[0], POOL[1]) and pool.members == tuple(ids)
    assert (passport.question, passport.department, passport.state) == (PASSPORT, "環境課", GapState.OPEN)


def test_only_what_documents_could_answer_is_a_gap(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    store = activity.store
    good, wrong = (store.record(Asking(q), answered()) for q in ("燃えるごみの曜日", "ごみ袋の値段"))
    store.judge(good, Verdict.HELPFUL)
    store.judge(wrong, Verdict.WRONG, "古い値段")
    for reason in (Reason.OUT_OF_SCOPE, Reason.PERSONAL_DATA):
        store.record(Asking(f"対象外 {reason}"), declined(reason=reason))

    assert [gap.question for gap in activity.gaps.list().gaps] == ["ごみ袋の値段"]


def test_a_gap_that_was_asked_about_stays_so_when_more_people_ask(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    ask(activity, POOL[0])
    (gap,) = activity.gaps.list().gaps

    activity.gaps.mark(gap, GapState.ASKED)
    ask(activity, POOL[1])

    (gap,) = activity.gaps.list().gaps
    assert (gap.state, gap.count, gap.changed) == (GapState.ASKED, 2, date(2026, 11, 25))
    activity.gaps.mark(gap, GapState.OPEN)
    assert [(g.state, g.changed) for g in activity.gaps.list().gaps] == [(GapState.OPEN, None)]


def test_what_is_closed_stays_closed_and_a_later_question_opens_a_gap_of_its_own(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    old = ask(activity, POOL[0], POOL[1])
    (gap,) = activity.gaps.list().gaps

    activity.gaps.mark(gap, GapState.CLOSED)
    new = ask(activity, POOL[2])

    reopened, closed = activity.gaps.list().gaps
    assert (reopened.state, reopened.members) == (GapState.OPEN, tuple(new))
    assert (closed.state, closed.members) == (GapState.CLOSED, tuple(old))


def test_a_reply_closes_the_gap_and_one_that_cannot_be_published_does_not(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    ask(activity, POOL[0])
    (gap,) = activity.gaps.list().gaps
    reply = activity.reviewed.prepare(
        gap.question, "1回200円です。", department="教育課", author="教育課 係長", review_by=date(2027, 3, 31)
    )
    stale = activity.reviewed.prepare(
        gap.question, "佐藤花子さんに聞いてください。", department="教育課", author="係長", review_by=date(2027, 3, 31)
    )

    with pytest.raises(Exception, match="まだ公開していません"):
        activity.close_gap(gap, stale)
    assert activity.gaps.list().gaps[0].state is GapState.OPEN
    activity.close_gap(gap, reply)

    assert activity.gaps.list().gaps[0].state is GapState.CLOSED
    assert [entry.question for entry in activity.reviewed.entries()] == [POOL[0]]
    assert activity.candidates.count() == 1


def test_a_gap_whose_questions_are_gone_cannot_be_closed(tmp_path: Path) -> None:
    clock = HandClock()
    activity = build_activity(tmp_path, clock)
    ask(activity, POOL[0])
    (gap,) = activity.gaps.list().gaps
    clock.pass_days(400)
    assert activity.gaps.list().gaps == ()

    with pytest.raises(UsageError, match="消えました"):
        activity.gaps.mark(gap, GapState.CLOSED)


def test_the_sheet_of_gaps_is_for_the_departments_and_runs_no_formula(tmp_path: Path) -> None:
    activity = build_activity(tmp_path)
    ask(activity, POOL[0], POOL[1], "=cmd|calc")

    book = openpyxl.load_workbook(io.BytesIO(build_gaps_excel(activity.gaps.list().gaps)))

    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert rows[0][:4] == ("状態", "質問", "件数", "担当課") and rows[0][-3:] == ("回答", "作成者", "見直し日")
    assert rows[1][:4] == ("未対応", POOL[0], 2, "町民課")
    assert rows[1][6] == f"・{POOL[0]}\n・{POOL[1]}"
    assert rows[2][1] == "'=cmd|calc"


def test_the_written_set_is_large_enough_and_both_halves_are_apart() -> None:
    labelled = read_labelled(QUESTIONS)
    halves = [{one.group for one in labelled if one.half == half} for half in GROUPS]

    assert len(labelled) >= 60 and len(halves[0] | halves[1]) >= 15
    assert halves[0] & halves[1] == set()
    assert len({one.question for one in labelled}) == len(labelled)


def test_one_group_for_each_question_finds_no_pair_and_one_for_all_finds_every_pair() -> None:
    labelled = read_labelled(QUESTIONS)

    apart, together = (measure_half(labelled, "検証", BigramEmbedder(), threshold) for threshold in (0.999, 0.0))

    assert (apart.f1, apart.found) == (0.0, apart.questions)
    assert (together.recall, together.found) == (1.0, 1)
    assert together.precision < 0.1


def test_other_questions_can_only_be_put_together_wrongly() -> None:
    labelled, others = read_labelled(QUESTIONS), [f"第{n}号の様式の保存期間" for n in range(20)]

    alone, among = (measure_half(labelled, "開発", BigramEmbedder(), 0.0, more) for more in ((), others))

    assert (alone.recall, among.recall) == (1.0, 1.0) and among.precision < alone.precision


def test_what_may_not_be_tuned_on_is_not_among_the_others() -> None:
    asked = {question.text: question for question in read_questions(PACKAGED)}

    assert len(read_others()) > 100 and not any(asked[text].is_held_out for text in read_others())


def test_the_threshold_in_use_is_the_best_on_the_first_half(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "検証: 対の F1" in capsys.readouterr().out


def test_a_table_of_another_form_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("番号,質問\n1,a\n", encoding="utf-8")

    assert main([str(tmp_path / "t.csv")]) == 2
    assert "列か群が違います" in capsys.readouterr().err
