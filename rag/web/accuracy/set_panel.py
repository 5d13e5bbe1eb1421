"""The question set as a file: what it is, download and upload, and the cases that came up in use.

No `from __future__ import annotations` here: Gradio looks at the annotation of the handler's request.
"""

from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.question_set import CheckedSet, QuestionSetShelf, write_excel
from eval.questions import read_questions
from rag.accounts.audit import Action, Outcome
from rag.accounts.user import Role, User
from rag.accounts.visits import find_gate, find_user
from rag.errors import RagError, UsageError
from rag.web.attempts import attempt, render_done
from rag.web.files import pack_download, read_upload, script_reading
from rag.web.options import HIDDEN, PLAIN
from rag.web.render import render_error

if TYPE_CHECKING:
    from rag.web.services import Services

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROBLEMS_SHOWN = 100
_INPUT = '<label class="file-input">質問集のファイル（Excel か CSV）<input type="file" id="question-file" accept=".xlsx,.csv"></label>'


def render_set(shelf: QuestionSetShelf, candidates: int) -> str:
    """Return what the present set holds; what is wrong with it where it cannot be read. candidates: cases out of use."""
    origin = "同梱の見本（澄野町）" if shelf.is_packaged else "町の質問集"
    try:
        questions = shelf.read()
    except RagError as error:
        return render_error(error.message, error.hint)
    held_out = sum(question.is_held_out for question in questions)
    unanswerable = sum(not question.answerable for question in questions)
    parts = [
        origin,
        f"{len(questions)} 問",
        f"うち回答すべきでない質問 {unanswerable} 問",
        f"検証用 {held_out} 問",
        f"利用から生まれた候補 {candidates} 問",
    ]
    return f'<p class="where">{"".join(f"<span>{escape(part)}</span>" for part in parts)}</p>'


def render_checked(checked: CheckedSet) -> str:
    """Return what became of an upload: what is wrong with it by cell, or that it is in use."""
    if not checked.problems:
        return render_done(f"{len(checked.questions)} 問の質問集に置き換えました。前の質問集は残してあります。")
    items = "".join(f"<li>{escape(problem.describe())}</li>" for problem in checked.problems[:PROBLEMS_SHOWN])
    rest = len(checked.problems) - PROBLEMS_SHOWN
    more = f"<li>ほか {rest} 件</li>" if rest > 0 else ""
    return (
        f'<div class="notice-box error" role="alert"><p><strong>質問集に誤りが {len(checked.problems)} 件あるため、置き換えていません。'
        f"</strong></p><ul>{items}{more}</ul><p>対処: 上の欄を直して、もう一度取り込んでください。</p></div>"
    )


class SetPanel:
    """The buttons to take the set away, to bring it back, and to take the candidates."""

    def __init__(self, gr: Any, services: "Services") -> None:
        self._gr, self._services, self._shelf = gr, services, services.question_set
        with gr.Accordion("質問集（Excel）", open=False, elem_id="question-set", elem_classes="filters"):
            self.about = gr.HTML("", elem_id="question-set-about", **PLAIN)
            with gr.Row(elem_classes="exchange"):
                self._save = gr.Button("質問集を保存（Excel）", elem_id="save-questions", elem_classes="example")
                self._candidates = gr.Button("候補を保存（Excel）", elem_id="save-candidates", elem_classes="example")
                self._add = gr.Button("候補を質問集に加える", elem_id="add-candidates", elem_classes="example")
            with gr.Row(elem_classes="exchange"):
                gr.HTML(_INPUT, **PLAIN)
                self._take = gr.Button("確かめて置き換える", elem_id="take-questions", elem_classes="example")
            self._said = gr.HTML("", elem_id="question-set-said", **PLAIN)
            self._upload, self._file = gr.Textbox(visible=False), gr.Textbox(visible=False)

    def show(self) -> str:
        """Return what is said of the present set."""
        return render_set(self._shelf, self._services.activity.candidates.count())

    def connect(self) -> None:
        """Let the buttons work. Every handler asks who it is."""
        take = self._taker()
        self._take.click(take, [self._upload], [self._said, self.about], js=script_reading("#question-file"), **HIDDEN)
        self._add.click(self._adder(), [], [self._said, self.about], trigger_mode="once", **HIDDEN)
        for button, build in ((self._save, self._pack_set), (self._candidates, self._pack_candidates)):
            saved = button.click(self._saver(build), [], [self._file, self._said], **HIDDEN)
            saved.then(None, [self._file], [], js="(file) => window.saveRecord(file)", **HIDDEN)

    def _taker(self) -> Any:
        gr = self._gr

        def take(request: gr.Request, file: Any) -> tuple[Any, Any]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[Any, Any]:
                user = find_user(request, Role.QA)
                checked = self._shelf.replace(read_upload(file))
                outcome = Outcome.REFUSED if checked.problems else Outcome.DONE
                record(request, user, Action.QUESTIONS_CHANGED, "質問集の置き換え", outcome)
                return render_checked(checked), self.show()

            return attempt(work, lambda html: (html, gr.skip()))

        return take

    def _adder(self) -> Any:
        gr = self._gr

        def add(request: gr.Request) -> tuple[Any, Any]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[Any, Any]:
                user = find_user(request, Role.QA)
                added = self._shelf.add(self._find_candidates())
                record(request, user, Action.QUESTIONS_CHANGED, f"質問集の候補 {added} 問の追加")
                words = f"{added} 問を質問集に加えました。備考の「要確認」を Excel で確かめてください。"
                return render_done(words if added else "どの候補も、質問集にもうあります。"), self.show()

            return attempt(work, lambda html: (html, gr.skip()))

        return add

    def _saver(self, build: Callable[[], str]) -> Any:
        gr = self._gr

        def save(request: gr.Request) -> tuple[str, str]:  # type: ignore[name-defined]  # Gradio reads it
            def work() -> tuple[str, str]:
                user = find_user(request, Role.QA)
                packed = build()
                record(request, user, Action.EXPORTED, "質問集")
                return packed, ""

            return attempt(work, lambda html: ("", html))

        return save

    def _pack_set(self) -> str:
        return pack_download(f"質問集_{datetime.now():%Y%m%d}.xlsx", EXCEL, self._shelf.write_excel())

    def _pack_candidates(self) -> str:
        content = write_excel(read_questions(self._find_candidates()))
        return pack_download(f"質問集の候補_{datetime.now():%Y%m%d}.xlsx", EXCEL, content)

    def _find_candidates(self) -> Path:
        """Return the file of the candidates. Raises UsageError where there are none."""
        candidates = self._services.activity.candidates
        if not candidates.count():
            raise UsageError(
                "質問集の候補はまだありません。", "回答の評価の画面で「質問集に加える」を押すと、ここにたまります。"
            )
        return candidates.file


def record(request: Any, user: User, action: Action, target: str, outcome: Outcome = Outcome.DONE) -> None:
    """Write into the audit log what a handler did."""
    find_gate(request).record(request.request, action, user=user, target=target, outcome=outcome)
