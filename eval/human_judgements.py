"""What people say of the answers, beside the automatic score: how many questions they judged, and how far both agree.

A person's ○ is 「right」, △ and × are 「not right」; what the person who asked said counts where no rater did. Only a judgement of the
very answer that is given now is compared: of another answer it says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.activity.database import ACTIVITY_FILE
from rag.activity.masking import clean_text, redact_answer
from rag.activity.question_form import normalize_question
from rag.activity.ratings import Rating, Ratings, measure_kappa
from rag.activity.records import GivenAnswer, Verdict
from rag.activity.store import ActivityStore, Clock, read_clock
from rag.documents import COMMAND_LINE

if TYPE_CHECKING:
    from eval.records import AnswerRecord, QuestionRecord
    from rag.settings import Settings

_WORST_FIRST = (Rating.BAD, Rating.FAIR, Rating.GOOD)
_RATING_OF_VERDICT = {Verdict.HELPFUL: Rating.GOOD, Verdict.WRONG: Rating.BAD, Verdict.NOT_FOUND: Rating.BAD}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What people said of one answer. form: the normal form of its question; answer: its text, as it is remembered."""

    form: str
    answer: str
    rating: Rating


@dataclass(frozen=True, slots=True)
class HumanComparison:
    """The judgements of the questions of a run. judged: questions whose present answer was judged; same: both agree.

    changed: questions of which another answer was judged. kappa: Cohen's, None where it is not defined.
    """

    ratings: Mapping[Rating, int]
    changed: int
    same: int
    kappa: float | None
    differing: tuple[str, ...] = ()

    @property
    def judged(self) -> int:
        """How many questions have a judgement of their present answer."""
        return sum(self.ratings.values())


def compare_with_people(results: Iterable[QuestionRecord], judgements: Sequence[Judgement]) -> HumanComparison:
    """Return how people's judgements stand to the automatic score, question by question."""
    known: dict[tuple[str, str], list[Rating]] = {}
    for judgement in judgements:
        known.setdefault((judgement.form, judgement.answer), []).append(judgement.rating)
    forms = {judgement.form for judgement in judgements}
    ratings: Counter[Rating] = Counter()
    pairs, differing, changed = list[tuple[str, str]](), list[str](), 0
    for result in results:
        form = normalize_question(result.text)
        found = known.get((form, remember_answer(result))) if result.answer else None
        if found is None:
            changed += form in forms
            continue
        rating = choose_rating(found)
        ratings[rating] += 1
        pairs.append((Rating.GOOD if result.outcome.correct else Rating.BAD, _as_right_or_not(rating)))
        differing += [result.id] if pairs[-1][0] is not pairs[-1][1] else []
    same = len(pairs) - len(differing)
    return HumanComparison(ratings, changed, same, measure_kappa(pairs), tuple(differing))


def _as_right_or_not(rating: Rating) -> Rating:
    return Rating.GOOD if rating is Rating.GOOD else Rating.BAD


def choose_rating(ratings: Sequence[Rating]) -> Rating:
    """Return what most people say; of as many, the worse.

    >>> choose_rating([Rating.GOOD, Rating.GOOD, Rating.BAD]), choose_rating([Rating.GOOD, Rating.FAIR])
    (<Rating.GOOD: '○'>, <Rating.FAIR: '△'>)
    """
    counts = Counter(ratings)
    return max(_WORST_FIRST, key=lambda rating: counts[rating])


def remember_answer(result: QuestionRecord) -> str:
    """Return the text of an answer as the record of use keeps it: without personal data."""
    assert result.answer is not None
    return str(redact_answer(clean_text(result.text), _list_texts(result.answer))[1]["answer"])


def _list_texts(answer: AnswerRecord) -> dict[str, Any]:
    """Return the texts of an answer in which a name may be announced."""
    quoted = [{"title": citation.title, "quote": citation.quote} for citation in answer.citations]
    return {"answer": answer.text, "citations": quoted, "warnings": list(answer.warnings)}


def read_judged(settings: Settings, now: Clock = read_clock) -> list[tuple[GivenAnswer, Rating]]:
    """Return every answer that somebody judged, with what most said of it; nothing where use is not recorded. Raises ActivityError."""
    if not (settings.data_dir / ACTIVITY_FILE).is_file():
        return []
    with closing(ActivityStore.open(settings, lambda source: None, now)) as store:
        rated: dict[str, list[Rating]] = {}
        for rating in Ratings(store).ratings():
            rated.setdefault(rating.asked, []).append(rating.rating)
        found = []
        for asked in store.entries():
            said = rated.get(asked.id) or ([_RATING_OF_VERDICT[asked.verdict]] if asked.verdict else [])
            given = store.find(asked.id, COMMAND_LINE) if said else None
            if given is not None:
                found.append((given, choose_rating(said)))
    return found


def read_judgements(settings: Settings, now: Clock = read_clock) -> list[Judgement]:
    """Return the judgements of the record of use. Raises ActivityError."""
    return [
        Judgement(g.asked.form, str(g.answer.get("answer", "")), rating) for g, rating in read_judged(settings, now)
    ]


def render_comparison(comparison: HumanComparison) -> str:
    """Return the comparison for people; it says what was not compared."""
    changed = (
        f"（ほかに、評価のあとで回答が変わった質問 {comparison.changed} 問は比べません）" if comparison.changed else ""
    )
    if not comparison.judged:
        return f"人の評価のある質問はありません{changed}。"
    signs = "、".join(f"{rating.value} {comparison.ratings.get(rating, 0)}" for rating in Rating)
    kappa = "計算できません" if comparison.kappa is None else f"{comparison.kappa:.3f}"
    share = comparison.same / comparison.judged
    lines = [
        f"人の評価のある質問 {comparison.judged} 問（{signs}）{changed}",
        f"自動の正誤との一致 {comparison.same}/{comparison.judged}（{share:.3f}）、κ {kappa}（○を正、△と×を誤とする）",
    ]
    if comparison.differing:
        lines.append(f"食い違う質問: {'、'.join(comparison.differing)}")
    return "\n".join(lines)
