"""What the page shows of its use: pinned answers, judgements, figures, gaps with their replies, two raters; all of it inert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from activity_fakes import SECRET, HandClock, Library, answered, asked_question, build_activity, declined
from conftest import build_town
from fake_assistant import CSV_SOURCE, EVIL, FakeAssistant, csv_citation
from starlette.requests import Request
from test_page import check_inert

from rag.accounts.opening import open_gate
from rag.accounts.user import Role, User
from rag.accounts.visits import GATE_KEY
from rag.activity import Activity, Asking, GapState, Rating, Verdict
from rag.activity.gaps import Gap, GapList
from rag.activity.reviewed import REVIEWED_FILE, ReviewedEntry
from rag.activity.survey import SurveyItem, SurveyResult
from rag.activity.time_saved import estimate_time_saved, read_minutes
from rag.activity.usage import FrequentQuestion, UsageReport, measure_usage
from rag.answer_json import answer_to_dict
from rag.answer_reading import read_answer
from rag.assistant import PINNED, Assistant
from rag.documents import (
    EVERYONE,
    Answer,
    Asker,
    Edition,
    Filters,
    Locator,
    OtherEdition,
    Place,
    Standing,
    Status,
)
from rag.errors import UsageError
from rag.indexing.updating import update_index
from rag.settings import Settings
from rag.web.answer_page import find_changes, render_given
from rag.web.conversation import Shown, Step, answer_in_steps, find_follow_ups
from rag.web.desk import Desk, thank
from rag.web.judging_list import (
    find_judge,
    list_answers,
    measure_agreements,
    open_answer,
    render_agreements,
    render_judged,
)
from rag.web.links import Links
from rag.web.render import render_answer
from rag.web.survey_form import answer_survey
from rag.web.use.gap_list import choose_gaps, list_choices, render_count, render_gap
from rag.web.use.period import read_period
from rag.web.use.replies import Draft, begin_draft, find_keepable, prepare_reply, publish_reply, render_reply
from rag.web.use.report import render_usage
from rag.web.use.reviewed_panel import render_entries, render_overdue
from rag.web.verdict_bar import judge_answer

TODAY = date(2026, 11, 25)
NOBODY = User("guest", "職員", Role.STAFF)


@dataclass
class Town:
    """A fake assistant with what is remembered of it, and a request of whoever sits at the machine."""

    assistant: FakeAssistant
    activity: Activity
    desk: Desk
    request: Any


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "files").mkdir()
    assistant = FakeAssistant(tmp_path / "files")
    library = Library()
    library.entries |= assistant._entries
    activity = build_activity(tmp_path, library=library)
    desk = Desk(assistant, activity)  # type: ignore[arg-type]
    yield Town(assistant, activity, desk, request_at(tmp_path))
    activity.close()


def request_at(folder: Path, client: str = "127.0.0.1") -> Any:
    """Return a Gradio request without accounts: from this machine, who is an administrator, or from another one."""
    gate = open_gate(Settings(data_dir=folder / "data"))
    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "scheme": "http"}
    host = b"127.0.0.1" if client == "127.0.0.1" else b"town.example"
    connection = Request({**scope, "headers": [(b"host", host)], "client": (client, 1), GATE_KEY: gate})
    return SimpleNamespace(request=connection, session_hash="s1")


def ask(town: Town, question: str) -> list[Step]:
    return list(answer_in_steps(town.desk, question, (), town.request))


# --- the desk ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_shown_before_it_is_remembered_and_again_with_its_id(town: Town) -> None:
    progress, shown, remembered = ask(town, "転入の届出はいつまで")

    (entry,) = town.activity.store.entries()
    assert (progress.id, shown.id, remembered.id) == (None, None, entry.id)
    assert shown.html == remembered.html
    assert remembered.turns[0].id == entry.id and entry.question == "転入の届出はいつまで"
    given = town.activity.store.find(entry.id, EVERYONE)
    assert given is not None and given.snapshot == town.assistant.snapshot_id()
    assert [q.id for q in town.activity.store.history("s1")] == [entry.id]


def test_what_to_ask_next_is_found_for_the_answer_that_the_page_still_shows(town: Town) -> None:
    *_, last = ask(town, "転入の届出はいつまで")
    shown = Shown(last.turns)

    assert find_follow_ups(town.desk, shown, town.request)
    assert find_follow_ups(town.desk, Shown(), town.request) == ()

    suggest = town.assistant.suggest
    town.assistant.suggest = lambda *a, **k: (setattr(shown, "turns", ()), suggest(*a, **k))[1]  # type: ignore[method-assign]
    assert find_follow_ups(town.desk, shown, town.request) is None, "a new topic was begun meanwhile"


def test_an_answer_that_cannot_be_remembered_is_shown_all_the_same(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.activity.close()

    *_, last = ask(town, "転入の届出はいつまで")

    assert "14日以内" in last.html and last.id is None
    assert "could not be remembered" in caplog.text


def test_thanks_are_not_remembered_and_only_follow_an_answer(town: Town) -> None:
    *_, last = ask(town, "転入の届出はいつまで")
    (thanks,) = answer_in_steps(town.desk, "ありがとうございました", last.turns, town.request)

    assert "お役に立てば" in thanks.html and len(town.activity.store.entries()) == 1
    assert thank("ありがとう", []) is None and thank("転入届は", [("a", "b")]) is None


def test_a_pinned_question_is_answered_with_its_row_unless_somebody_filters(town: Town) -> None:
    assistant, reviewed = town.assistant, town.activity.reviewed
    reply = reviewed.prepare("記録の場所は", "本館", department="総務課", author="係長", review_by=date(2027, 3, 31))
    reviewed.publish(replace(reply, is_pinned=True))
    asked = len(assistant.asked)
    assistant._entries[REVIEWED_FILE] = assistant._entries[CSV_SOURCE]

    answer = town.desk.answer("すみません、記録の場所はどこでしょうか。", (), Filters(), EVERYONE)
    assert answer.engine != PINNED, "another question"
    answer = town.desk.answer("記録の場所を教えてください", (), Filters(), EVERYONE)
    assert (answer.engine, assistant.rows) == (PINNED, [("記録の場所は", REVIEWED_FILE, 2)])
    assert len(assistant.asked) == asked + 1
    town.desk.answer("記録の場所は", (), Filters(department="町民課"), EVERYONE)
    assert len(assistant.rows) == 1
    del assistant._entries[REVIEWED_FILE]
    assert town.desk.answer("記録の場所は", (), Filters(), EVERYONE).engine != PINNED, "not indexed, so as usual"


def test_a_confirmed_answer_has_its_badge_and_a_reviewed_card_its_author(town: Town) -> None:
    entry = ReviewedEntry(2, "問", "答", "総務課", EVIL, TODAY, date(2020, 3, 31), True)
    links = Links(town.assistant, EVERYONE, lambda source, row: entry if row == 2 else None)  # type: ignore[arg-type]
    answer = Answer(Status.ANSWERED, "答[1]", 1.0, PINNED, 1.0, citations=(csv_citation(),))

    html = render_answer(answer, "問", links)

    check_inert(html)
    assert re.search(r"<h2>回答 <span class=\"badge\">確認済み</span></h2>", html)
    assert "作成者: 総務課 &lt;img" in html and "見直し日: 2020-03-31" in html and "見直し日を過ぎています" in html
    assert "確からしさ" not in html and "所管課が確認した回答" in html
    named = Links(town.assistant, EVERYONE, lambda *_: replace(entry, author="総務課 係長"))  # type: ignore[arg-type]
    assert "作成者: 総務課 係長" in render_answer(answer, "問", named), "the department once"
    plain = render_answer(replace(answer, engine="extractive"), "問", Links(town.assistant, EVERYONE))  # type: ignore[arg-type]
    assert "<h2>回答</h2>" in plain and "見直し日" not in plain


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Assistant, Path]]:
    """Index the small town with a reviewed answer for everybody, and the same for one department."""
    folder = tmp_path_factory.mktemp("pinned")
    settings = build_town(folder, adapt="off")
    rows = "質問,回答,所管課\n町民プールの料金は,1回200円です。65歳以上は無料です。,教育課\n会議室の鍵は,守衛室です。,総務課\n"
    (settings.corpus / REVIEWED_FILE).write_text(rows, encoding="utf-8")
    update_index(settings)
    assistant = Assistant.open(settings)
    yield assistant, settings.corpus
    assistant.close()


def test_a_row_answers_word_for_word_and_is_proved(pinned: tuple[Assistant, Path]) -> None:
    assistant, _ = pinned

    answer = assistant.answer_with_row("町民プールの料金は", REVIEWED_FILE, 2)

    assert answer is not None and answer.status is Status.ANSWERED and answer.engine == PINNED
    assert answer.text == "1回200円です。65歳以上は無料です。[1]"
    (citation,) = answer.citations
    assert (citation.source, citation.locator.row, citation.verified) == (REVIEWED_FILE, 2, True)
    assert "町民プールの料金は" in citation.quote and answer.checks.quotes == 1


@pytest.mark.parametrize(
    ("question", "source", "row"),
    [
        ("会議室の鍵は", REVIEWED_FILE, 2),
        ("町民プールの料金は", REVIEWED_FILE, 9),
        ("町民プールの料金は", "ない.csv", 2),
    ],
)
def test_no_row_answers_a_question_that_the_index_does_not_hold_there(
    pinned: tuple[Assistant, Path], question: str, source: str, row: int
) -> None:
    assert pinned[0].answer_with_row(question, source, row) is None


def test_a_row_of_a_closed_table_answers_nobody_else(town_assistant: Assistant) -> None:
    question, source = "転出届はいつまでに出せばよいですか。", "町民課/窓口のよくある質問.csv"
    assert town_assistant.answer_with_row(question, source, 3, EVERYONE) is not None
    closed = "税務課/滞納整理の手引.txt"
    assert town_assistant.answer_with_row("差押え", closed, 1, Asker(("環境課",))) is None


# --- permanent links --------------------------------------------------------------------------------------------------


def test_an_answer_comes_back_out_of_its_json_form() -> None:
    edition = Edition("", Standing.OLD, instead=OtherEdition("新.pdf", "新しい手引"))
    citation = replace(csv_citation(), spans=(), edition=edition)
    first = replace(answered(), citations=(citation,), follow_ups=("次は",), understood="手引について")
    place = Place("手引.pdf", "手引", Locator(page=2, label="12"), "近い箇所")
    second = replace(declined(), nearest=(place,), sought=("転入",))

    for answer in (first, second):
        assert answer_to_dict(read_answer(answer_to_dict(answer))) == answer_to_dict(answer)
    assert read_answer(answer_to_dict(second)).nearest == (place,)


def test_a_permanent_link_shows_the_answer_without_personal_data_and_tells_of_changes(town: Town) -> None:
    id_ = town.desk.remember("転入届、佐藤花子（090-1234-5678）です" + EVIL, answered(), NOBODY, None, named=False)
    assert id_
    given = town.activity.store.find(id_, EVERYONE)
    assert given is not None

    html = render_given(given, town.desk, EVERYONE)

    check_inert(html)
    assert "花子" not in html and "【電話】" in html and "2026年11月25日" in html
    assert find_changes(given, town.desk) == ("「環境課/Q&A.csv」は、その後、登録から外れました。",)


# --- judging an answer, and the survey ----------------------------------------------------------------------------------


def test_who_asked_judges_with_a_comment_and_may_change_his_mind(town: Town) -> None:
    *_, last = ask(town, "転入の届出はいつまで")

    assert "違う" in judge_answer(town.desk, last.id, "wrong", "", town.request)
    assert "ひとこと" in judge_answer(town.desk, last.id, "helpful", " 佐藤花子さんに\n確認 ", town.request)

    (entry,) = town.activity.store.entries()
    assert (entry.verdict, entry.comment) == (Verdict.HELPFUL, "【氏名】さんに 確認")
    assert town.desk.find_said(last.id, EVERYONE) == (Verdict.HELPFUL, "【氏名】さんに 確認")


@pytest.mark.parametrize(
    ("id", "verdict", "comment"),
    [(None, "wrong", ""), ("unknown", "wrong", ""), ("x", EVIL, ""), ("x", None, ""), ("x", "wrong", "あ" * 201)],
)
def test_what_is_no_judgement_is_told_so(town: Town, id: str | None, verdict: Any, comment: str) -> None:
    *_, last = ask(town, "転入の届出はいつまで")
    with pytest.raises(UsageError):
        judge_answer(town.desk, last.id if id == "x" else id, verdict, comment, town.request)
    assert town.activity.store.entries()[0].verdict is None


def test_the_survey_takes_three_answers(town: Town) -> None:
    with pytest.raises(UsageError, match="選んでいない"):
        answer_survey(town.activity, (1, None, 2), town.request)
    with pytest.raises(UsageError):
        answer_survey(town.activity, (1, 9, 2), town.request)

    assert "ありがとう" in answer_survey(town.activity, (1, 2, 5), town.request)

    result = town.activity.survey.result()
    assert (result.respondents, [item.counts.index(1) for item in result.items]) == (1, [0, 1, 4])


# --- figures ------------------------------------------------------------------------------------------------------------


def measure(*entries: Any, departments: tuple[str, ...] = ("総務課", EVIL)) -> UsageReport:
    survey = SurveyResult(4, (SurveyItem("見つかりましたか。", (3, 0, 0, 0, 1)),))
    since = date(2026, 11, 24)
    return measure_usage(
        entries, since=since, until=TODAY, departments=departments, minutes=read_minutes(), survey=survey
    )


def test_the_figures_say_how_many_how_they_ended_and_who_asks_nothing() -> None:
    asked = [asked_question(verdict=Verdict.HELPFUL), asked_question(answered=False), asked_question(EVIL)]

    html = render_usage(measure(*asked))

    check_inert(html)
    assert "66.7％（2/3件、95％区間" in html and "100.0％（1/1件" in html
    assert "この期間に質問のない課: &lt;img" in html
    assert html.count('<rect class="part-0" x=') == 1, "one day has questions, the other none"
    assert "そう思う・ややそう思う 75.0％" in html and "全期間の回答者 4 人" in html
    saved = estimate_time_saved(asked, read_minutes())
    assert all(line in html for line in saved.describe() if "<" not in line and "&" not in line)
    assert html.count("<svg") >= 8 and html.count("<table") == 6, "a table behind each chart"


def test_figures_of_nothing_are_no_charts() -> None:
    html = render_usage(measure())
    assert "この期間の質問はありません" in html and "columns-chart" not in html and "0件" in html


def test_long_and_unknown_names_are_whole_and_inert() -> None:
    report = replace(measure(asked_question()), frequent=(FrequentQuestion(EVIL, 3, 1, TODAY),))
    check_inert(render_usage(report))


@pytest.mark.parametrize(("since", "until"), [("2026-12-01", ""), ("いつか", ""), ("2000-01-01", ""), ("", EVIL)])
def test_what_is_no_period_is_told_so(since: str, until: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_period(since, until, TODAY)
    assert "書いてください" in caught.value.hint


# --- gaps and replies -----------------------------------------------------------------------------------------------------


def gap(question: str = "プールの料金は", state: GapState = GapState.OPEN, count: int = 3) -> Gap:
    return Gap("g1", state, question, "教育課", count, TODAY, TODAY, (question, "プールはいくら"), ("g1",))


def test_gaps_are_chosen_by_their_state_and_named_in_a_line() -> None:
    found = GapList((gap(), gap("済んだ質問", GapState.CLOSED)), left_out=2)

    assert [g.question for g in choose_gaps(found, "open")] == ["プールの料金は"]
    assert choose_gaps(found, "") == found.gaps and choose_gaps(found, "nothing") == ()
    assert list_choices(found.gaps)[0] == ("プールの料金は（3件・教育課・未対応）", 0)
    assert "2 個（質問 6 件）" in render_count(found, found.gaps) and "古い質問 2 件" in render_count(found, found.gaps)
    check_inert(render_gap(gap(EVIL)))


def test_a_reply_is_shown_with_what_would_be_masked_and_only_an_offices_own_data_can_stay(town: Town) -> None:
    draft = begin_draft(gap(), "係長", TODAY)
    assert (draft.department, draft.review_by, draft.is_pinned) == ("教育課", "2027-11-25", False)
    assert begin_draft(None, "係長", TODAY).is_pinned

    written = replace(draft, answer="200円です。佐藤花子（0123-45-6789）へ。" + EVIL, is_pinned=True)
    reply = prepare_reply(town.activity, written, town.request)

    assert find_keepable(reply) == ["電話"] and ("氏名", "佐藤花子") in reply.masked
    html = render_reply(reply)
    check_inert(html)
    assert "<s>0123-45-6789</s>" in html and "正式な回答にする" in html
    published = publish_reply(town.activity, None, reply, ["電話"], town.request)
    assert "0123-45-6789" in published.entry.answer and "花子" not in published.entry.answer
    assert published.entry.is_pinned and published.candidate == "U1"
    with pytest.raises(UsageError, match="残せない"):
        publish_reply(town.activity, None, reply, ["氏名"], town.request)


@pytest.mark.parametrize("changes", [{"review_by": ""}, {"review_by": "いつか"}, {"answer": None}, {"question": " "}])
def test_a_reply_that_lacks_something_is_not_prepared(town: Town, changes: dict[str, Any]) -> None:
    draft = Draft("問", "答", "教育課", "係長", "2027-11-25", is_pinned=False)
    with pytest.raises(UsageError):
        prepare_reply(town.activity, replace(draft, **changes), town.request)


def test_reviewed_answers_are_listed_and_those_past_their_day_by_department() -> None:
    entry = ReviewedEntry(2, EVIL, EVIL, EVIL, EVIL, TODAY, date(2026, 3, 31), True)
    html = render_overdue([("総務課", [entry]), ("", [replace(entry, review_by=None)])])

    check_inert(html + render_entries([entry]))
    assert "2 件" in html and "見直し日 2026-03-31" in html and "見直し日なし" in html and "課が不明" in html
    assert render_overdue([]) == "" and "まだありません" in render_entries([])


# --- two raters -----------------------------------------------------------------------------------------------------------


def test_two_raters_see_the_other_ones_mark_after_their_own_and_how_far_they_agree(town: Town) -> None:
    activity, settings = town.activity, Settings()
    ids = [activity.store.record(Asking(f"問{n}"), answered()) for n in range(4)]
    first, second = find_judge(town.request, "小川"), find_judge(town.request, EVIL)
    for place, (a, b) in enumerate([("○", "○"), ("○", "×"), ("×", "×"), ("×", "×")]):
        activity.ratings.rate(ids[place], first.rater, Rating(a))
        activity.ratings.rate(ids[place], second.rater, Rating(b), EVIL)

    (agreement,) = measure_agreements(activity)
    assert (agreement.count, agreement.same, agreement.kappa) == (4, 3, 0.5)
    table = render_agreements([agreement], 8)
    check_inert(table)
    assert "75.0％（3/4）" in table and "0.50" in table
    assert [q.id for q in list_answers(activity, first, "split")] == [ids[1]]
    assert list_answers(activity, first, "unrated") == ()
    assert len(list_answers(activity, find_judge(town.request, "新人"), "unrated")) == 4

    given = open_answer(activity, settings, first, ids[1])
    ratings = activity.ratings.ratings(ids[1])
    shown = render_judged(given, ratings, first)
    check_inert(shown)
    assert "小川: ○" in shown
    assert "小川" not in render_judged(given, ratings, find_judge(town.request, "新人"))


def test_an_answer_out_of_a_document_that_a_rater_may_not_read_is_not_shown(tmp_path: Path) -> None:
    activity = build_activity(tmp_path, HandClock(), Library())
    id_ = activity.store.record(Asking("滞納は"), answered(source=SECRET))
    judge = find_judge(request_at(tmp_path))

    for wrong in (id_, "unknown", None, 7):
        with pytest.raises(UsageError, match="表示できません"):
            open_answer(activity, Settings(), judge, wrong)
