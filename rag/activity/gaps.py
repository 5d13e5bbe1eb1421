"""Knowledge gaps: questions that were declined or not helped, put together, each with the department that should say something."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rag.activity.clusters import MAX_QUESTIONS, QuestionEmbedder, cluster_questions
from rag.activity.records import AskedQuestion
from rag.activity.store import ActivityStore
from rag.activity.workbooks import Cell, Sheet, build_workbook
from rag.documents import Reason
from rag.errors import UsageError

_EXAMPLES = 5
_NOBODY_IN_CHARGE = (Reason.OUT_OF_SCOPE, Reason.PERSONAL_DATA)


class GapState(StrEnum):
    """How far a gap has come."""

    OPEN = "open"
    ASKED = "asked"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return {"open": "未対応", "asked": "照会中", "closed": "完了"}[self.value]


@dataclass(frozen=True, slots=True)
class Gap:
    """What people asked and were not told. id: that of its oldest question. question: its commonest words.

    examples: up to five different ones. members: the ids of all of its questions. changed: the day of its state, None while open.
    """

    id: str
    state: GapState
    question: str
    department: str | None
    count: int
    first_day: date
    last_day: date
    examples: tuple[str, ...]
    members: tuple[str, ...]
    changed: date | None = None


@dataclass(frozen=True, slots=True)
class GapList:
    """The gaps, most often asked first. left_out: older questions that were too many to be put together."""

    gaps: tuple[Gap, ...]
    left_out: int = 0


class Gaps:
    """The gaps of a store. find_embedder: called when questions are put together."""

    def __init__(self, store: ActivityStore, find_embedder: Callable[[], QuestionEmbedder]) -> None:
        self._store, self._find_embedder = store, find_embedder

    def list(self) -> GapList:
        """Return all gaps. What is closed stays as it was closed: a question that comes later opens a gap of its own."""
        states = self._read_states()
        failed = [q for q in self._store.entries() if is_gap(q)]
        closed = [q for q in failed if q.id in states and states[q.id].state is GapState.CLOSED]
        rest = [q for q in failed if q.id not in states or states[q.id].state is not GapState.CLOSED]
        groups, left_out = self._put_together(rest)
        by_gap = defaultdict[str, list[AskedQuestion]](list)
        for question in closed:
            by_gap[states[question.id].gap].append(question)
        gaps = [_build_gap(group, states) for group in (*groups, *by_gap.values())]
        order = list(GapState)
        gaps.sort(key=lambda gap: (order.index(gap.state), -gap.count, gap.first_day))
        return GapList(tuple(gaps), left_out)

    def mark(self, gap: Gap, state: GapState) -> None:
        """Remember how far a gap has come, by its questions; open forgets it. Raises UsageError where all are gone."""
        day = self._store.now().date().isoformat()
        with self._store.database.writing() as connection:
            connection.executemany("DELETE FROM gap WHERE asked = ?", [(id_,) for id_ in gap.members])
            if state is not GapState.OPEN:
                written = connection.executemany(
                    "INSERT INTO gap SELECT id, ?, ?, ? FROM asked WHERE id = ?",
                    [(gap.id, state.value, day, id_) for id_ in gap.members],
                ).rowcount
                if written == 0:
                    raise UsageError(
                        "この課題の質問は、保存の期間が過ぎて消えました。",
                        "一覧を開き直して、ほかの課題を選んでください。",
                    )

    def _put_together(self, failed: Sequence[AskedQuestion]) -> tuple[Sequence[Sequence[AskedQuestion]], int]:
        """Return the groups of questions, and how many questions were left out; equal forms are embedded once."""
        forms = defaultdict[str, list[AskedQuestion]](list)
        for question in failed:
            forms[question.form].append(question)
        newest = sorted(forms.values(), key=lambda qs: qs[-1].at, reverse=True)
        kept, dropped = newest[:MAX_QUESTIONS], newest[MAX_QUESTIONS:]
        texts = [qs[0].question for qs in kept]
        groups = cluster_questions(texts, self._find_embedder()) if texts else []
        return [[q for place in group for q in kept[place]] for group in groups], sum(map(len, dropped))

    def _read_states(self) -> dict[str, _Marked]:
        found = self._store.database.read("SELECT * FROM gap")
        return {
            row["asked"]: _Marked(row["gap"], GapState(row["state"]), date.fromisoformat(row["day"])) for row in found
        }


@dataclass(frozen=True, slots=True)
class _Marked:
    """What is remembered of one question of a gap."""

    gap: str
    state: GapState
    day: date


def is_gap(asked: AskedQuestion) -> bool:
    """Tell whether a question shows a gap: declined for want of documents, or answered and called wrong or not found."""
    if asked.is_answered:
        return asked.was_unhelpful
    return asked.reason not in _NOBODY_IN_CHARGE


def _build_gap(group: Iterable[AskedQuestion], states: dict[str, _Marked]) -> Gap:
    questions = sorted(group, key=lambda q: q.at)
    marked = [states[q.id] for q in questions if q.id in states]
    texts = Counter(q.question for q in questions)
    departments = Counter(q.in_charge for q in questions if q.in_charge)
    return Gap(
        id=questions[0].id,
        state=marked[0].state if marked else GapState.OPEN,
        question=texts.most_common(1)[0][0],
        department=departments.most_common(1)[0][0] if departments else None,
        count=len(questions),
        first_day=questions[0].day,
        last_day=questions[-1].day,
        examples=tuple(text for text, _ in texts.most_common(_EXAMPLES)),
        members=tuple(q.id for q in questions),
        changed=max((m.day for m in marked), default=None),
    )


def build_gaps_excel(gaps: Sequence[Gap]) -> bytes:
    """Return the gaps as an .xlsx file with room for the department's reply."""
    header = ("状態", "質問", "件数", "担当課", "最初の日", "最後の日", "質問の例", "回答", "作成者", "見直し日")
    rows: Sequence[Sequence[Cell]] = [
        [
            gap.state.label,
            gap.question,
            gap.count,
            gap.department or "（不明）",
            gap.first_day.isoformat(),
            gap.last_day.isoformat(),
            "\n".join(f"・{example}" for example in gap.examples),
            "",
            "",
            "",
        ]
        for gap in gaps
    ]
    return build_workbook((Sheet("回答できなかった質問", header, rows),))
