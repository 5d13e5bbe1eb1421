"""The tab 「正答率」 without a browser: runs in the background, the question set both ways, figures, and who sees which evidence."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from served import Tags

from eval.comparison import compare_runs
from eval.jobs import EvaluationJobs, RunState, RunStatus
from eval.question_set import MAX_UNPACKED_BYTES, OLD, PACKAGED, QuestionSetShelf, write_excel
from eval.questions import Question, read_questions
from eval.records import RunRecord
from eval.run import run_evaluation
from eval.runs import save_run
from rag.accounts.user import Role, User
from rag.assistant import Assistant
from rag.errors import NotAllowedError, QuestionSetError, UsageError
from rag.settings import Settings
from rag.web.accuracy.figures import render_figures
from rag.web.accuracy.measuring import render_state
from rag.web.accuracy.question_list import ALL, LOST, WON, WRONG, render_questions, select_questions
from rag.web.accuracy.question_view import CLOSED, render_question
from rag.web.accuracy.report_button import pack_report
from rag.web.accuracy.set_panel import render_checked, render_set
from rag.web.accuracy.shelf import AUTO, NONE, OpenSources, RunShelf, name_run
from rag.web.accuracy.tab import RunView
from rag.web.links import Links

EVIL = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
HEADER = "番号,質問,期待する文書,ページ／行,正解に含まれる語,模範解答,分類,回答可否,担当課,備考,用途"
ROWS = (
    "1,住民票の写しの手数料はいくらですか,町民課/窓口のよくある質問.csv,2,300円,,届出,可,,,",
    "2,差押えの決裁はだれが行いますか,税務課/滞納整理の手引.txt,7,税務課長,,税,可,,,",
    "3,宇宙旅行の申込みはどこですか,,,,,対象外,不可,,,",
    "4,宿泊料は一夜につきいくらですか,総務課/職員旅費規程.txt,10,9800円;一億円,,旅費,可,,,検証",
)
QA = User("hinshitsu", "品質", Role.QA, ("環境課",))
ADMIN = User("kanri", "管理", Role.ADMIN, ())


def sheet(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Question, ...]:
    file = tmp_path_factory.mktemp("set") / "questions.csv"
    file.write_bytes(sheet(*ROWS))
    return read_questions(file)


@pytest.fixture(scope="module")
def run(town_assistant: Assistant, questions: tuple[Question, ...]) -> RunRecord:
    """Measure the small town with four questions; the last one only checks, and its answer lacks a word."""
    return run_evaluation(town_assistant, questions, name="町の質問集")


def change_run(run: RunRecord, id_: str, **outcome: Any) -> RunRecord:
    """Return a later run in which one question went another way."""
    results = tuple(replace(r, outcome=replace(r.outcome, **outcome)) if r.id == id_ else r for r in run.results)
    later = run.about.started_at + timedelta(days=365)
    about = replace(run.about, id=later.strftime("%Y%m%dT%H%M%S000"), started_at=later)
    return replace(run, about=about, results=results)


# --- the question set -------------------------------------------------------------------------------------------------


def test_the_packaged_set_holds_until_one_is_uploaded_and_every_old_one_is_kept(tmp_path: Path) -> None:
    shelf = QuestionSetShelf(tmp_path)
    assert shelf.path == PACKAGED and shelf.is_packaged

    assert shelf.replace(sheet(*ROWS)).problems == ()
    assert [question.id for question in shelf.read()] == ["1", "2", "3", "4"]
    again = shelf.replace(write_excel(shelf.read()[:2]))

    assert (len(again.questions), shelf.path.name) == (2, "questions.xlsx")
    (old,) = (tmp_path / OLD).iterdir()
    assert len(read_questions(old)) == 4


def test_a_set_comes_back_from_excel_as_it_went(tmp_path: Path) -> None:
    shelf = QuestionSetShelf(tmp_path)
    shelf.replace(sheet(*ROWS))
    before = shelf.read()

    shelf.replace(shelf.write_excel())

    assert shelf.read() == before and shelf.path.suffix == ".xlsx"


def test_a_set_with_mistakes_changes_nothing_and_names_every_cell(tmp_path: Path) -> None:
    shelf = QuestionSetShelf(tmp_path)
    shelf.replace(sheet(*ROWS))

    checked = shelf.replace(sheet("1,,,,,,,たぶん,,,", f"1,{EVIL.replace(',', '')},,,,,,{EVIL},,,"))

    html = render_checked(checked)
    assert "B2（2行目「質問」）" in html and "H3（3行目「回答可否」）" in html and "置き換えていません" in html
    check_inert(html)
    assert len(shelf.read()) == 4 and not (tmp_path / OLD).exists()


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"0" * (MAX_UNPACKED_BYTES + 1))
    return data.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"a,b\n1,2\n", sheet()])
def test_what_is_no_question_set_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(QuestionSetError):
        QuestionSetShelf(tmp_path).replace(content)
    assert list(tmp_path.iterdir()) == []


def test_an_excel_file_that_grows_beyond_measure_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="大きすぎます"):
        QuestionSetShelf(tmp_path).replace(bomb())


def test_the_panel_counts_what_the_set_holds_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    shelf = QuestionSetShelf(tmp_path)
    shelf.replace(sheet(*ROWS))
    html = render_set(shelf, candidates=7)
    assert all(words in html for words in ("町の質問集", "4 問", "質問 1 問", "検証用 1 問", "候補 7 問"))

    shelf.path.write_bytes(b"a,b\n")
    assert "notice-box error" in render_set(shelf, candidates=0)


def test_candidates_join_the_set_once_under_numbers_of_their_own(tmp_path: Path) -> None:
    shelf, candidates = QuestionSetShelf(tmp_path), tmp_path / "question_candidates.csv"
    shelf.replace(sheet(*ROWS))
    candidates.write_bytes(
        sheet("1,町歌はありますか,,,,,,不可,,要確認,", "U1,住民票の写しの手数料はいくらですか。,,,,,,不可,,,")
    )

    assert [shelf.add(candidates), shelf.add(candidates)] == [1, 0]
    assert [(q.id, q.text) for q in shelf.read()][4:] == [("1-2", "町歌はありますか")]


# --- runs in the background -------------------------------------------------------------------------------------------


class SlowEvaluation:
    """Ask nothing, but go on from question to question only when told to."""

    def __init__(self, run: RunRecord) -> None:
        self._run, self.go, self.at_work = run, threading.Semaphore(0), threading.Event()

    def __call__(
        self,
        assistant: Any,
        questions: Sequence[Question],
        *,
        name: str,
        progress: Callable[[int, int], None],
        cancel: Callable[[], bool],
    ) -> RunRecord:
        from eval.run import watch

        for _ in watch(questions, progress, cancel):
            self.at_work.set()
            assert self.go.acquire(timeout=60)
        return self._run


@pytest.fixture
def set_file(tmp_path: Path) -> Path:
    file = tmp_path / "questions.csv"
    file.write_bytes(sheet(*ROWS))
    return file


def test_a_run_goes_on_by_itself_and_is_kept(run: RunRecord, tmp_path: Path, set_file: Path) -> None:
    slow = SlowEvaluation(run)
    jobs = EvaluationJobs(None, tmp_path, evaluate=slow)  # type: ignore[arg-type]
    assert jobs.state() == RunState() and render_state(jobs.state()) == ""

    jobs.start(set_file, name="町の質問集", started_by=EVIL)
    assert slow.at_work.wait(60)
    during = jobs.state()
    assert (during.status, during.done, during.total) == (RunStatus.RUNNING, 0, 4)
    check_inert(render_state(during))
    with pytest.raises(UsageError, match="測定しています"):
        jobs.start(set_file, name="町の質問集")
    slow.go.release(4)

    ended = jobs.wait(60)
    assert (ended.status, ended.run) == (RunStatus.DONE, run.about.id)
    assert RunShelf(tmp_path).find(run.about.id) == run
    assert jobs.start(set_file, name="町の質問集").is_running, "another can begin"
    slow.go.release(4)
    jobs.close()


def test_a_stopped_run_leaves_nothing(run: RunRecord, tmp_path: Path, set_file: Path) -> None:
    slow = SlowEvaluation(run)
    jobs = EvaluationJobs(None, tmp_path / "runs", evaluate=slow)  # type: ignore[arg-type]
    jobs.start(set_file, name="町の質問集")
    assert slow.at_work.wait(60)

    assert jobs.cancel().is_stopping
    slow.go.release(4)

    assert jobs.wait(60).status is RunStatus.STOPPED and not (tmp_path / "runs").exists()
    assert "中止しました" in render_state(jobs.state())


def test_a_run_that_fails_says_why_and_keeps_secrets(tmp_path: Path, set_file: Path) -> None:
    def fail(error: Exception) -> Callable[..., RunRecord]:
        def evaluate(*given: Any, **options: Any) -> RunRecord:
            raise error

        return evaluate

    for error, words in (
        (UsageError("索引がありません。", "作ってください。"), "索引がありません"),
        (ValueError("秘密"), "予期しない"),
    ):
        jobs = EvaluationJobs(None, tmp_path, evaluate=fail(error))  # type: ignore[arg-type]
        jobs.start(set_file, name="町の質問集")
        state = jobs.wait(60)
        assert state.status is RunStatus.FAILED and words in render_state(state) and "秘密" not in render_state(state)


def test_a_set_with_mistakes_starts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_bytes(sheet("1,,,,,,,可,,,"))
    jobs = EvaluationJobs(None, tmp_path)  # type: ignore[arg-type]

    with pytest.raises(QuestionSetError):
        jobs.start(file, name="町の質問集")
    assert not jobs.state().is_running


# --- what is shown of a run -------------------------------------------------------------------------------------------


def check_inert(html: str) -> None:
    found = Tags(html)
    assert not {"script", "img"} & set(found.tags)
    assert [name for name, _ in found.attributes if name.startswith("on")] == []


def test_figures_come_with_intervals_per_category_and_against_the_run_before(run: RunRecord) -> None:
    later = change_run(run, "1", answered=False, abstained=True)
    html = render_figures(later, compare_runs(run, later))

    assert "75.0%" in render_figures(run, None) and "50.0%" in html
    assert "95％区間" in html and "-25.0 ポイント（差は偶然の範囲）" in html
    assert all(f'<th scope="row">{name}</th>' in html for name in ("届出", "税", "対象外", "検証"))


def test_won_and_lost_questions_are_named(run: RunRecord) -> None:
    later = change_run(run, "1", answered=False, abstained=True)
    comparison = compare_runs(run, later)

    assert [r.id for r in select_questions(later, LOST, comparison, with_held_out=False)] == ["1"]
    assert [r.id for r in select_questions(run, WON, compare_runs(later, run), with_held_out=False)] == ["1"]
    assert "新たな誤り" in render_questions(later, LOST, comparison)
    assert "比べる測定がない" in render_questions(later, LOST, None)


def test_questions_that_only_check_are_counted_but_shown_only_on_request(run: RunRecord) -> None:
    assert [r.id for r in select_questions(run, WRONG, None, with_held_out=False)] == []
    assert [r.id for r in select_questions(run, WRONG, None, with_held_out=True)] == ["4"]
    html = render_questions(run, ALL, None)
    assert "3 問" in html and "検証用の質問が 1 問" in html and "宿泊料" not in html


def test_evidence_shows_places_legs_and_missing_words(run: RunRecord, town_assistant: Assistant) -> None:
    html = render_question(run.results[3], OpenSources(None), Links(town_assistant, ADMIN.asker))

    assert "一億円" in html and "回答にない" in html and "正しい箇所" in html and "原文と一致" in html
    assert "語句" in html and "意味" in html and "位）" in html and "/originals/" in html


def test_what_is_closed_to_the_person_who_looks_is_left_out(run: RunRecord, town_assistant: Assistant) -> None:
    closed = run.results[1]
    seen = {
        user.name: render_question(closed, OpenSources.of(town_assistant, user), Links(town_assistant, user.asker))
        for user in (QA, ADMIN)
    }

    assert "督促状を送った日から" in seen["kanri"] and CLOSED not in seen["kanri"]
    assert CLOSED in seen["hinshitsu"] and "督促状を送った日から" not in seen["hinshitsu"]
    assert OpenSources.of(town_assistant, ADMIN).hold_all(run) and not OpenSources.of(town_assistant, QA).hold_all(run)


def test_the_report_is_for_those_who_may_see_all_of_it(run: RunRecord, town_assistant: Assistant) -> None:
    everything, of_qa = (OpenSources.of(town_assistant, user) for user in (ADMIN, QA))

    packed = pack_report(run, None, everything, with_held_out=True)
    assert json.loads(packed)["name"].startswith("正答率_") and json.loads(packed)["type"].startswith("text/html")
    with pytest.raises(NotAllowedError, match="公開範囲外"):
        pack_report(run, None, of_qa, with_held_out=True)
    with pytest.raises(NotAllowedError, match="検証用"):
        pack_report(run, None, everything, with_held_out=False)


def test_hostile_questions_and_answers_stay_text(run: RunRecord, town_assistant: Assistant) -> None:
    first = run.results[0]
    assert first.answer
    evil_hits = tuple(replace(hit, title=EVIL, text=EVIL) for hit in first.hits)
    evil_answer = replace(
        first.answer,
        text=EVIL,
        engine=EVIL,
        warnings=(EVIL,),
        citations=tuple(replace(c, title=EVIL, quote=EVIL) for c in first.answer.citations),
    )
    evil = replace(
        first, id=EVIL, text=EVIL, category=EVIL, model_answer=EVIL, key_facts=(EVIL,), missing=(EVIL,),
        answer=evil_answer, hits=evil_hits, error=EVIL, outcome=replace(first.outcome, has_facts=False),
    )  # fmt: skip
    bad = replace(run, results=(evil, *run.results[1:]), unknown=(EVIL,), about=replace(run.about, engine=EVIL))

    for html in (
        render_figures(bad, None),
        render_questions(bad, ALL, None),
        render_question(evil, OpenSources(None), Links(town_assistant, ADMIN.asker)),
    ):
        check_inert(html)


def test_the_shelf_lists_runs_compares_and_skips_what_is_none(run: RunRecord, tmp_path: Path) -> None:
    later = change_run(run, "1", answered=False, abstained=True)
    for record in (run, later):
        save_run(record, tmp_path)
    (tmp_path / "runs" / "0.json").write_text("{}", encoding="utf-8")
    shelf = RunShelf(tmp_path)

    assert [found.about.id for found in shelf.runs()] == [later.about.id, run.about.id]
    assert "正答率 50.0%（町の質問集、4 問）" in name_run(later)
    compared = shelf.compare(later, AUTO)
    assert compared is not None and compared.lost == ("1",)
    assert shelf.compare(run, AUTO) is None and shelf.compare(later, NONE) is None
    for wrong in ("x", None, "../runs/0", "0", 7):
        with pytest.raises(UsageError):
            shelf.find(wrong)


def test_a_question_that_only_checks_opens_only_with_consent(run: RunRecord) -> None:
    find = RunView._find
    view: Any = None

    assert find(view, run, "4", True).id == "4" and find(view, run, "1", False).id == "1"
    with pytest.raises(NotAllowedError, match="検証用"):
        find(view, run, "4", False)
    with pytest.raises(UsageError):
        find(view, run, EVIL, True)


def test_settings_place_everything_in_the_data_folder(tmp_path: Path) -> None:
    from fake_assistant import FakeAssistant

    from rag.web.services import open_services

    settings = Settings(data_dir=tmp_path / "data", index=tmp_path / "index")
    services = open_services(settings, FakeAssistant(tmp_path))  # type: ignore[arg-type]

    assert services.evaluations.folder.is_relative_to(settings.data_dir) and services.question_set.is_packaged
    services.close()
