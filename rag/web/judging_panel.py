"""Judging answers that were given: ○△× by two people, and what becomes a case of the question set; for the QA team.

No `from __future__ import annotations` here: Gradio looks at the annotation of a handler's request.
"""

from typing import TYPE_CHECKING, Any

from rag.accounts.audit import Action
from rag.accounts.visits import find_gate
from rag.activity import Rating
from rag.activity.records import AskedQuestion
from rag.web.attempts import attempt, render_done
from rag.web.day_field import build_day
from rag.web.judging_list import (
    SHOWN,
    VIEWS,
    Judge,
    find_judge,
    list_answers,
    measure_agreements,
    name_answer,
    open_answer,
    read_rating,
    render_agreements,
    render_judged,
)
from rag.web.options import HIDDEN, PLAIN
from rag.web.use.opening import when_opened

if TYPE_CHECKING:
    from rag.web.services import Services

_CHOICES = [("○ よい", "○"), ("△ 一部足りない", "△"), ("× 違う", "×")]
_MAX_COMMENT_CHARS = 200


def build_judging(gr: Any, services: "Services") -> None:
    """Add the panel. It fills itself when the tab around it is opened."""
    JudgingPanel(gr, services).connect()


class JudgingPanel:
    """The list of answers, the chosen one with its ratings, and how far the raters agree."""

    def __init__(self, gr: Any, services: "Services") -> None:
        self._gr, self._services, self._activity = gr, services, services.activity
        self._asked = gr.State(())
        with gr.Row(elem_classes="period"):
            self._since = build_day(gr, "始まりの日（空欄は30日前）")
            self._until = build_day(gr, "終わりの日（空欄は今日）")
            named = services.settings.accounts != "off"
            self._rater = gr.Textbox(
                label="評価する人", max_length=40, min_width=160, visible=not named, elem_id="rater"
            )
            self._show = gr.Button("一覧を更新", elem_id="judging-show", elem_classes="example")
        self._view = gr.Radio(VIEWS, value="", label="表示する回答", elem_id="judging-view")
        self._count = gr.HTML(elem_id="judging-count", **PLAIN)
        self._list = gr.Radio([], label="回答（新しい順）", visible=False, elem_id="judged-answers")
        self._detail = gr.HTML(elem_id="judged-answer", **PLAIN)
        with gr.Column(visible=False, elem_id="rating-box") as self._box:
            self._rating = gr.Radio(_CHOICES, label="評価", elem_id="rating")
            self._comment = gr.Textbox(
                label="ひとこと（任意、200字まで）", max_length=_MAX_COMMENT_CHARS, lines=1, elem_id="rating-comment"
            )
            with gr.Row(elem_classes="actions"):
                self._rate = gr.Button("評価を記録", variant="primary", elem_id="rate", elem_classes="send")
                self._add = gr.Button("質問集に加える", elem_id="add-candidate", elem_classes="example")
        self._told = gr.HTML(elem_id="judging-told", **PLAIN)
        self._agreement = gr.HTML(elem_id="agreement", **PLAIN)

    def connect(self) -> None:
        """Connect the buttons. Every handler asks for the role itself."""
        gr = self._gr

        def show(since: Any, until: Any, rater: Any, view: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return self._show_list((since, until), rater, view, request)

        def choose(asked: tuple[AskedQuestion, ...], chosen: Any, rater: Any, request: gr.Request) -> tuple[Any, ...]:  # type: ignore[name-defined]  # Gradio reads it
            return self._attempt_one(lambda: self._choose(asked, chosen, find_judge(request, rater)))

        def rate(
            asked: tuple[AskedQuestion, ...],
            chosen: Any,
            rater: Any,
            rating: Any,
            comment: Any,
            request: gr.Request,  # type: ignore[name-defined]  # Gradio reads it
        ) -> tuple[Any, ...]:
            return self._attempt_one(lambda: self._keep(asked, chosen, find_judge(request, rater), rating, comment))

        def add(asked: tuple[AskedQuestion, ...], chosen: Any, request: gr.Request) -> str:  # type: ignore[name-defined]  # Gradio reads it
            return attempt(lambda: self._add_case(asked, chosen, request), lambda html: html)

        listed = [self._asked, self._list, self._count, *self._one, self._agreement]
        inputs = [self._since, self._until, self._rater, self._view]
        when_opened(gr, show, inputs, listed)
        gr.on([self._show.click, self._view.input], show, inputs, listed, **HIDDEN)
        known = [self._asked, self._list, self._rater]
        self._list.input(choose, known, [*self._one, self._agreement], **HIDDEN)
        self._rate.click(rate, [*known, self._rating, self._comment], [*self._one, self._agreement], **HIDDEN)
        self._add.click(add, [self._asked, self._list], [self._told], **HIDDEN)

    @property
    def _one(self) -> list[Any]:
        return [self._detail, self._box, self._rating, self._comment, self._told]

    def _attempt_one(self, work: Any) -> tuple[Any, ...]:
        skip = self._gr.skip
        return attempt(work, lambda html: (*(skip() for _ in range(4)), html, skip()))

    def _show_list(self, days: tuple[object, object], rater: object, view: object, request: object) -> tuple[Any, ...]:
        gr = self._gr
        nothing = ("", gr.Column(visible=False), None, "")

        def work() -> tuple[Any, ...]:
            asked = list_answers(self._activity, find_judge(request, rater), view, *days)
            choices = [(name_answer(q), place) for place, q in enumerate(asked[:SHOWN])]
            chooser = gr.Radio(choices=choices, value=None, visible=bool(asked))
            return asked[:SHOWN], chooser, self._count_answers(len(asked)), *nothing, "", self._render_agreements()

        empty = ((), gr.Radio(choices=[], value=None, visible=False), "")
        return attempt(work, lambda html: (*empty, *nothing, html, ""))

    def _count_answers(self, count: int) -> str:
        who = self._services.settings.questions_visible_to == "admin"
        hint = "質問を見られるのは管理者だけの設定です（questions_visible_to）。" if who and not count else ""
        more = f"新しい {SHOWN} 件を示します。" if count > SHOWN else ""
        return f'<p class="note" role="status">{count} 件。{more}{hint}</p>'

    def _choose(self, asked: tuple[AskedQuestion, ...], chosen: object, judge: Judge) -> tuple[Any, ...]:
        given = open_answer(self._activity, self._services.settings, judge, _id_of(asked, chosen))
        ratings = self._activity.ratings.ratings(given.asked.id)
        mine = next((r for r in ratings if r.rater == judge.rater), None)
        rating, comment = (mine.rating.value, mine.comment) if mine else (None, "")
        shown = self._gr.Column(visible=True)
        return render_judged(given, ratings, judge), shown, rating, comment, "", self._render_agreements()

    def _keep(
        self, asked: tuple[AskedQuestion, ...], chosen: object, judge: Judge, rating: object, comment: object
    ) -> tuple[Any, ...]:
        id_ = open_answer(self._activity, self._services.settings, judge, _id_of(asked, chosen)).asked.id
        said = comment[:_MAX_COMMENT_CHARS] if isinstance(comment, str) else ""
        kept: Rating = read_rating(rating)
        self._activity.ratings.rate(id_, judge.rater, kept, said)
        *shown, _, agreement = self._choose(asked, chosen, judge)
        return (*shown, render_done(f"「{kept.value}」を記録しました。"), agreement)

    def _add_case(self, asked: tuple[AskedQuestion, ...], chosen: object, request: Any) -> str:
        judge = find_judge(request)
        given = open_answer(self._activity, self._services.settings, judge, _id_of(asked, chosen))
        number = self._activity.add_candidate(given.asked.id)
        target = f"question_candidates.csv {number}"
        find_gate(request).record(request.request, Action.QUESTIONS_CHANGED, user=judge.user, target=target)
        return render_done(f"質問集の候補に {number} として加えました（data/question_candidates.csv）。")

    def _render_agreements(self) -> str:
        return render_agreements(measure_agreements(self._activity), len(self._activity.ratings.ratings()))


def _id_of(asked: tuple[AskedQuestion, ...], chosen: object) -> str | None:
    return asked[chosen].id if isinstance(chosen, int) and 0 <= chosen < len(asked) else None
