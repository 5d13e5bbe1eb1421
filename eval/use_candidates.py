"""Questions that came up in use, as rows for people to accept: cases that were kept, judged answers, and what was not answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from eval.human_judgements import read_judged
from eval.question_sheet import read_sheet
from eval.questions import ANSWERABLE, Question
from rag.activity.candidates import (
    CANDIDATES_FILE,
    TO_CHECK,
    Candidate,
    candidate_of_answer,
    choose_key_facts,
    find_key_facts,
    write_candidate,
)
from rag.activity.database import ACTIVITY_FILE
from rag.activity.question_form import normalize_question
from rag.activity.ratings import Rating
from rag.activity.store import ActivityStore, Clock, read_clock
from rag.errors import UsageError
from rag.settings import Settings

_MOST_GAPS = 20
_FROM_USE = "候補: 利用から"
_FILL_IN = (
    "【未記入】文書に答えがあれば、文書・ページ／行・正解に含まれる語・模範解答を書いて、回答可否を 可 にしてください。"
    "なければ 不可 にしてください。"
)
UNANSWERABLE = next(word for word, answerable in ANSWERABLE.items() if not answerable)


def read_use_candidates(
    settings: Settings, questions: Sequence[Question], now: Clock = read_clock
) -> list[dict[str, str]]:
    """Return rows of a question set for what use brought up and neither the set nor an earlier row asks. Raises RagError."""
    seen = {normalize_question(question.text) for question in questions}
    rows = []
    for cells in (*_read_cases(settings), *_read_judged(settings, now), *_read_gaps(settings, now)):
        form = normalize_question(cells["質問"])
        if form not in seen:
            seen.add(form)
            rows.append(cells)
    return rows


def _read_cases(settings: Settings) -> Iterator[dict[str, str]]:
    """Yield what was kept as a case already, with one click; one that still says 要確認 has not been found unanswerable by anybody."""
    file = settings.data_dir / CANDIDATES_FILE
    for row in read_sheet(file) if file.is_file() else ():
        cells = {**row.cells, "備考": _note(row["備考"])}
        is_unread = row["備考"].startswith(TO_CHECK)
        chosen_before = ";".join(find_key_facts(row["模範解答"]))  # by an older version, whatever was asked
        if is_unread and row["正解に含まれる語"] == chosen_before:
            cells["正解に含まれる語"] = ";".join(choose_key_facts(row["質問"], row["模範解答"]))
        yield leave_open(cells) if is_unread and row["回答可否"] == UNANSWERABLE else cells


def _read_judged(settings: Settings, now: Clock) -> Iterator[dict[str, str]]:
    """Yield the answers that people judged; of one that was not ○, the right answer is still to be found."""
    for given, rating in read_judged(settings, now):
        asked = given.asked
        if rating is not Rating.GOOD or asked.was_unhelpful:
            said = f"{rating.value}、{asked.verdict.label}" if asked.verdict else rating.value
            note = _note(f"人が「{said}」と評価した回答です。{asked.comment}")
            case = Candidate(asked.question, is_answerable=False, department=asked.in_charge or "", note=note)
            yield leave_open(write_candidate(case, ""))
            continue
        try:
            case = candidate_of_answer(given)
        except UsageError:  # its place has no name in a question set
            continue
        yield write_candidate(replace(case, note=_note(case.note or f"「{rating.value}」の評価")), "")


def _read_gaps(settings: Settings, now: Clock) -> Iterator[dict[str, str]]:
    """Yield what was not answered, the most asked first."""
    if not (settings.data_dir / ACTIVITY_FILE).is_file():
        return
    with closing(ActivityStore.open(settings, lambda source: None, now)) as store:
        declined = [asked for asked in store.entries() if not asked.is_answered]
    counts = Counter(asked.form for asked in declined)
    first = {asked.form: asked for asked in reversed(declined)}
    for form, count in counts.most_common(_MOST_GAPS):
        note = _note(f"回答できなかった質問（{count} 回）。")
        case = Candidate(first[form].question, is_answerable=False, department=first[form].in_charge or "", note=note)
        yield leave_open(write_candidate(case, ""))


def leave_open(cells: Mapping[str, str]) -> dict[str, str]:
    """Return the row of a question of which nobody knows yet what the right answer is: no set takes it before somebody fills it in.

    As 不可 it would be accepted unread, and reward silence.
    """
    return {**cells, "回答可否": "", "備考": f"{cells['備考']}{_FILL_IN}"}


def _note(text: str) -> str:
    return f"{_FROM_USE}。{text}" if text else _FROM_USE
