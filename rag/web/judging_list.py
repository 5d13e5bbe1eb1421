"""What the QA team looks at: answers that were given, what the raters said of them, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING

from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.activity import Activity, Rating, Viewer
from rag.activity.masking import clean_text
from rag.activity.ratings import Agreement, RatedAnswer
from rag.activity.records import AskedQuestion, GivenAnswer
from rag.activity.visibility import may_see
from rag.errors import UsageError
from rag.web.use.period import read_period

if TYPE_CHECKING:
    from rag.settings import Settings

SHOWN = 50
MAX_RATER_CHARS = 40
VIEWS = [("すべて", ""), ("自分がまだ評価していない", "unrated"), ("意見が分かれた", "split")]
_LABEL_CHARS = 60
_GONE = ("その回答は表示できません。", "一覧を更新してください。引用した文書を読む権限がない回答は、評価できません。")


@dataclass(frozen=True, slots=True)
class Judge:
    """The person who judges. rater: his name among the ratings: that of his account where he has one."""

    user: User
    rater: str

    @property
    def viewer(self) -> Viewer:
        """Whose questions he sees."""
        return Viewer(self.user.role is Role.ADMIN, self.user.role is Role.QA, self.user.departments)


def find_judge(request: object, rater: object = "") -> Judge:
    """Return who judges. rater: the name that somebody gives who has no account. Raises NotAllowedError."""
    user = find_user(request, Role.QA)
    given = clean_text(rater)[:MAX_RATER_CHARS] if isinstance(rater, str) and find_gate(request).is_open else ""
    return Judge(user, given or user.name)


def list_answers(
    activity: Activity, judge: Judge, view: object, since: object = "", until: object = ""
) -> tuple[AskedQuestion, ...]:
    """Return the answered questions of a period that somebody may judge, newest first. Raises UsageError for no period."""
    first, last = read_period(since, until, date.today())
    rated: dict[str, list[RatedAnswer]] = {}
    for rating in activity.ratings.ratings():
        rated.setdefault(rating.asked, []).append(rating)

    def is_wanted(id: str) -> bool:
        said = rated.get(id, [])
        mine = any(r.rater == judge.rater for r in said)
        if view == "split":
            return mine and len({r.rating for r in said}) > 1
        return not mine if view == "unrated" else True

    found = activity.store.questions(judge.viewer, first, last)
    return tuple(q for q in found if is_wanted(q.id))


def open_answer(activity: Activity, settings: Settings, judge: Judge, id: object) -> GivenAnswer:
    """Return an answer to who may see the question and read its documents. Raises UsageError for any other."""
    given = activity.store.find(id, judge.user.asker) if isinstance(id, str) else None
    if given is None or not may_see(judge.viewer, given.asked, settings.questions_visible_to):
        raise UsageError(*_GONE)
    return given


def name_answer(asked: AskedQuestion) -> str:
    """Return a question in a line: its words, its day, how it ended, what the asker said."""
    question = asked.question if len(asked.question) <= _LABEL_CHARS else asked.question[: _LABEL_CHARS - 1] + "…"
    said = f"・{asked.verdict.label}" if asked.verdict else ""
    ended = "" if asked.is_answered else "・回答なし"
    return f"{question}（{asked.day}{ended}{said}）"


def render_judged(given: GivenAnswer, ratings: Sequence[RatedAnswer], judge: Judge) -> str:
    """Return an answer to be judged. What others say of it is shown to who has judged it himself."""
    asked, answer = given.asked, given.answer
    text = escape(str(answer.get("answer", ""))) or "（回答なし）"
    places = "".join(f"<li>{escape(d.source)}{_where(d.locator)}</li>" for d in given.documents if d.is_cited)
    said = f"{asked.verdict.label}　{asked.comment}" if asked.verdict else "評価なし"
    facts = f'<p class="note">質問した人: {escape(said)}　確からしさの目安 {asked.confidence:.0%}</p>'
    sources = f"<p>出典:</p><ul>{places}</ul>" if places else ""
    link = f'<a class="original" href="/answers/{escape(asked.id)}" target="_blank" rel="noopener noreferrer">回答のページで出典を見る<span class="visually-hidden">（新しいタブ）</span></a>'
    return (
        f'<article class="card judged" aria-label="選んだ回答"><h2>{escape(asked.question)}</h2><p class="answer-text">{text}</p>'
        f"{sources}{facts}{link}{_render_ratings(ratings, judge)}</article>"
    )


def _where(locator: object) -> str:
    from rag.documents import Locator

    assert isinstance(locator, dict)
    return f"　{escape(Locator.from_dict(locator).describe())}"


def _render_ratings(ratings: Sequence[RatedAnswer], judge: Judge) -> str:
    if not any(r.rater == judge.rater for r in ratings):
        hidden = len(ratings)
        return f'<p class="note">ほかの人の評価 {hidden} 件は、自分の評価のあとに表示します。</p>' if hidden else ""
    items = "".join(f"<li>{escape(r.rater)}: {r.rating.value}　{escape(r.comment)}</li>" for r in ratings)
    return f'<p>評価:</p><ul class="ratings">{items}</ul>'


def measure_agreements(activity: Activity) -> tuple[Agreement, ...]:
    """Return how each two raters agree on what both rated, those with most in common first."""
    raters = sorted({r.rater for r in activity.ratings.ratings()})
    found = [activity.ratings.agreement(first, second) for first, second in combinations(raters, 2)]
    return tuple(sorted((a for a in found if a.count), key=lambda a: -a.count))


def render_agreements(agreements: Sequence[Agreement], count: int) -> str:
    """Return how the raters agree. count: how many ratings there are."""
    if not agreements:
        return f'<p class="note">評価は {count} 件です。2人が同じ回答を評価すると、ここに一致率を示します。</p>'
    rows = "".join(
        f'<tr><th scope="row">{escape(a.first)} と {escape(a.second)}</th><td>{a.count}</td>'
        f"<td>{100 * a.same / a.count:.1f}％（{a.same}/{a.count}）</td><td>{_write_kappa(a.kappa)}</td></tr>"
        for a in agreements
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("評価した人", "両方が評価", "一致", "κ（カッパ）"))
    note = "κ は、偶然の一致を除いた一致の度合いです。1 は完全な一致、0 は偶然と同じです。"
    return (
        f'<h2>評価の一致</h2><div class="wide" tabindex="0" role="group" aria-label="評価の一致"><table class="figures"><thead><tr>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="note">{note}</p>'
    )


def _write_kappa(kappa: float | None) -> str:
    return "—（定まらない）" if kappa is None else f"{kappa:.2f}"


def read_rating(value: object) -> Rating:
    """Return what was chosen. Raises UsageError where nothing was."""
    if not isinstance(value, str) or value not in list(Rating):
        raise UsageError("評価が選ばれていません。", "○・△・× から 1 つを選んでください。")
    return Rating(value)
