"""Index runs on the page: what waits, how far a run is, how it ended, what it changed; started, stopped, and watched by a question set."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from rag.accounts.audit import Action, Outcome
from rag.errors import QuestionSetError, UsageError
from rag.library.job_state import JobReport, JobState, JobStatus, StageState
from rag.library.listing import State, list_documents
from rag.web.documents.forms import (
    PREFIX,
    Fields,
    Fragment,
    Route,
    Visit,
    render_button,
    render_folded,
    render_options,
)
from rag.web.documents.table import describe_moment

if TYPE_CHECKING:
    from rag.library.jobs import IndexJobs
    from rag.settings import Settings
    from rag.web.services import Services

POLL_MILLISECONDS = 1000
AFTER_RUN = ("documents", "attention", "snapshots", "synonyms", "dictionary")
_WAITING = ((State.NEW, "新規"), (State.CHANGED, "変更"), (State.REMOVED, "削除"))


def list_routes(services: Services) -> list[Route]:
    """Return the handlers of index runs."""
    settings, jobs = services.settings, services.jobs

    def show(visit: Visit, fields: Fields) -> Fragment:
        return _show(settings, jobs.state())

    def start(visit: Visit, fields: Fields) -> Fragment:
        sets = find_question_sets(settings)
        gate = fields.text("gate")
        if gate and gate not in sets:
            raise UsageError("その質問集はありません。", "画面を読み込み直して、一覧から選んでください。")
        full, removal = fields.flag("full"), fields.flag("allow_removal")
        jobs.start(full=full, gate=sets.get(gate), allow_removal=removal, started_by=visit.who)
        visit.record(Action.REINDEXED, "始めた" + "（全部を作り直す）" * full)
        _record_end(visit, jobs)
        return _show(settings, jobs.state())

    def cancel(visit: Visit, fields: Fields) -> Fragment:
        state = jobs.cancel()
        visit.record(Action.REINDEXED, "中止を指示した")
        return _show(settings, state)

    return [Route("GET", "/index", show), Route("POST", "/index", start), Route("POST", "/cancel", cancel)]


def find_question_sets(settings: Settings) -> dict[str, Path]:
    """Return the question sets that a run can be held to, by the name that people read."""
    from eval.questions import read_questions

    folder = settings.data_dir
    mine = sorted([*folder.glob("*.csv"), *folder.glob("*.xlsx")]) if folder.is_dir() else []
    found = {}
    for path in [Path("eval/questions.csv"), *mine]:
        try:
            found[f"{path.name}（{len(read_questions(path))}問）"] = path
        except (QuestionSetError, OSError):  # another table of the folder
            continue
    return found


def _record_end(visit: Visit, jobs: IndexJobs) -> None:
    """Write into the audit log how a run ended, when it does; nobody waits for it."""

    def wait() -> None:
        state = jobs.wait()
        done = state.status is JobStatus.DONE
        snapshot = state.report.snapshot if state.report else None
        target = f"{state.status.label}{f' {snapshot}' if snapshot else ''}"
        visit.record(Action.REINDEXED, target, Outcome.DONE if done else Outcome.FAILED)

    threading.Thread(target=wait, daemon=True).start()


def _show(settings: Settings, state: JobState) -> Fragment:
    if not state.status.is_over:
        return Fragment(render_run(state))
    counts = Counter(row.state for row in list_documents(settings))
    return Fragment(render_rest(state, counts, tuple(find_question_sets(settings))))


def render_run(state: JobState) -> str:
    """Return how far a run is: one bar a stage. The page asks again after a moment, and says aloud which stage began."""
    stages = "".join(_render_stage(stage, is_last=stage is state.stage) for stage in state.stages)
    now = state.stage.label if state.stage else "準備中"
    is_running = state.status is JobStatus.RUNNING
    stop = render_button("取り込みを中止", "/cancel", style="plain danger") if is_running else ""
    who = f"　始めた人: {escape(state.started_by)}" if state.started_by else ""
    return (
        f'<div class="run" data-poll="{POLL_MILLISECONDS}" data-after="{" ".join(AFTER_RUN)}" data-say="{escape(f"{state.status.label}: {now}")}">'
        f'<p><span class="spinner" aria-hidden="true"></span> <strong>{state.status.label}</strong>　'
        f"{_describe_seconds(state.elapsed_seconds)}{who}</p>"
        f'<ol class="stages">{stages or "<li>準備しています…</li>"}</ol>'
        f'<p class="hint">その間も、質問には今の索引が答えます。この画面を閉じても続きます。</p>{stop}</div>'
    )


def render_rest(state: JobState, counts: Mapping[State, int], question_sets: Sequence[str]) -> str:
    """Return what waits to be indexed, how to start, and how the last run ended."""
    said = escape("取り込み: " + state.status.label)
    return f'<div class="run" data-say="{said}">{_render_waiting(counts)}{_render_start(state, question_sets)}{_render_last(state)}</div>'


def _render_waiting(counts: Mapping[State, int]) -> str:
    waiting = [f"{label} {counts.get(state, 0)} 件" for state, label in _WAITING if counts.get(state, 0)]
    if not waiting:
        return '<p class="waiting">取り込みを待つ文書はありません。</p>'
    return f'<p class="waiting"><strong>取り込み待ち: {"、".join(waiting)}</strong></p>'


def _render_start(state: JobState, question_sets: Sequence[str]) -> str:
    options = render_options(
        [("", "確認しないで公開する"), *((name, name) for name in question_sets)], state_gate(state, question_sets)
    )
    return (
        f'<form class="fields" data-send="{PREFIX}/index" data-into="index" aria-label="取り込み">'
        f'<label>公開の前の確認<select name="gate">{options}</select>'
        '<span class="hint">質問集の成績がはっきり下がるときと、正答率が 5 ポイントを超えて下がるとき（20 問に満たなければ差し引き 1 問）は、公開しません。</span></label>'
        '<label class="tick"><input type="checkbox" name="full" value="1"><span>変わらない文書も全部読み直す</span></label>'
        '<div class="wide"><button type="submit" class="primary">取り込みを始める</button></div></form>'
    )


def state_gate(state: JobState, question_sets: Sequence[str]) -> str:
    """Return the question set of the last run, as it is named now; "" for none."""
    name = Path(state.gate).name if state.gate else ""
    return next((label for label in question_sets if name and label.startswith(f"{name}（")), "")


def _render_stage(stage: StageState, *, is_last: bool) -> str:
    name = escape(stage.label)
    bar = f'<progress max="{max(stage.total, 1)}" value="{stage.done if stage.total else 0}" aria-label="{name}"></progress>'
    if not stage.total and is_last:
        bar = f'<progress aria-label="{name}"></progress>'
    return f'<li><span class="stage">{name}</span>{bar}<span class="amount">{_count(stage)}</span></li>'


def _count(stage: StageState) -> str:
    return f"{stage.done:,} / {stage.total:,}" if stage.total else ""


def _render_last(state: JobState) -> str:
    if state.status is JobStatus.IDLE:
        return ""
    kind = "done" if state.status is JobStatus.DONE else "warning" if state.status is JobStatus.CANCELLED else "error"
    who = f"　始めた人: {escape(state.started_by)}" if state.started_by else ""
    when = f"{describe_moment(state.started_at)}　{_describe_seconds(state.elapsed_seconds)}{who}"
    words = "".join(f"<p>{escape(message)}</p>" for message in state.messages[1:])
    again = (
        render_button(
            "減っていることを確かめたので、取り込みを続ける", "/index", style="plain danger", allow_removal="1"
        )
        if state.asks_for_removal
        else ""
    )
    return (
        f'<section class="last-run" aria-label="前回の取り込み"><h3>前回の取り込み</h3><p class="hint">{when}</p>'
        f'<div class="notice-box {kind}"><p><strong>{state.status.label}</strong></p>{_render_stop(state)}{words}{again}</div>'
        f"{_render_report(state.report) if state.report else ''}</section>"
    )


def _render_stop(state: JobState) -> str:
    """Return how far a run had come when it was stopped, or stopped by itself; nothing for one that came to its end."""
    stage = state.stage
    if stage is None or state.status not in (JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.CRASHED):
        return ""
    return f"<p>止まったところ: {escape(stage.label)}{f'（{amount}）' if (amount := _count(stage)) else ''}</p>"


def _render_report(report: JobReport) -> str:
    """Return what changed."""
    renamed = [f"{old} → {new}" for old, new in report.renamed]
    failed = [f"{p.source}: {p.message}　対処: {p.remedy}" for p in report.failed]
    lists = (
        ("新しい文書", report.added),
        ("変わった文書", report.changed),
        ("名前が変わった文書", renamed),
        ("除いた文書", report.removed),
        ("読めなかった文書", failed),
    )
    total = f"文書 {report.documents:,} 件、{report.pages:,} 頁（変わらない文書 {report.unchanged:,} 件、問題 {report.problems:,} 件）"
    return f"<p>{total}</p>{''.join(render_folded(label, names) for label, names in lists)}"


def _describe_seconds(seconds: float) -> str:
    """Return a duration.

    >>> _describe_seconds(4.2), _describe_seconds(125)
    ('4 秒', '2 分 5 秒')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"
