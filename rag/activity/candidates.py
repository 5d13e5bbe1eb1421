"""Cases for the question set that came up in use: data/question_candidates.csv, in the columns of the question set.

The QA team looks through them and moves them into its question set; `python -m eval data/question_candidates.csv` can read the
file as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.activity.masking import clean_text, redact_texts
from rag.activity.place_cells import SEPARATORS, write_place
from rag.activity.question_form import normalize_question
from rag.activity.records import GivenAnswer
from rag.activity.tables import Table, lock_tables, read_table, write_table
from rag.answering.answer_type import AnswerType, Wanted, find_wanted
from rag.answering.facts import FactKind, find_facts
from rag.errors import UsageError
from rag.settings import Settings
from rag.text import morphemes, split_sentences

CANDIDATES_FILE = "question_candidates.csv"
COLUMNS = (
    "番号", "質問", "期待する文書", "ページ／行", "正解に含まれる語", "模範解答", "分類", "回答可否", "担当課", "備考",
)  # fmt: skip
"""Those of `eval.questions`; a test holds them equal."""
TO_CHECK = "要確認"
_MOST_FACTS = 3
_NO_FACTS = frozenset({FactKind.NAME, FactKind.UNIT})
_NO_NUMBERS = _NO_FACTS | {FactKind.DATE, FactKind.TIME}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case: a question and where it is answered. places: (source, place as the question set writes it)."""

    question: str
    places: tuple[tuple[str, str], ...] = ()
    model_answer: str = ""
    category: str = ""
    is_answerable: bool = True
    department: str = ""
    note: str = ""


def find_key_facts(answer: str) -> tuple[str, ...]:
    """Return up to three facts of an answer, in its words: what a right answer contains. Amounts, days and codes go before numbers.

    >>> find_key_facts("費用の2分の1、上限20,000円を、購入の日から6か月以内に環境課へ申請した方に補助します。")
    ('20,000円', '6か月以内', '2分の1')
    """
    facts = [fact for fact in find_facts(answer) if fact.kind not in _NO_FACTS]
    facts.sort(key=lambda fact: fact.kind is FactKind.NUMBER)
    words = (answer[fact.start : fact.end] for fact in facts)
    return tuple(dict.fromkeys(word for word in words if not SEPARATORS.search(word)))[:_MOST_FACTS]


def choose_key_facts(question: str, answer: str) -> tuple[str, ...]:
    """Return the facts of an answer that its question asks for, of the sentence that speaks most of what is asked; else any facts.

    >>> choose_key_facts("持込み手数料はいくらですか。", "月曜日の午前9時から正午までです。手数料は10キログラムごとに150円です。")
    ('150円',)
    >>> choose_key_facts("いつまでですか。", "手数料は300円で、14日以内です。"), choose_key_facts("申請できますか。", "300円でできます。")
    (('14日以内',), ('300円',))
    >>> choose_key_facts("人口は", "令和8年4月1日現在で12,345人です。"), choose_key_facts("手数料はいくらですか", "3月1日から無料です。")
    (('12,345人',), ('無料',))
    """
    wanted, words = find_wanted(question), set(morphemes(question))
    sentences = [answer[start:end] for start, end in split_sentences(answer)] if wanted.is_value else []
    answering = {sentence: found for sentence in sentences if (found := _find_asked_facts(wanted, sentence))}
    if not answering:
        return find_key_facts(answer)
    return answering[max(answering, key=lambda sentence: len(words & set(morphemes(sentence))))][:_MOST_FACTS]


def _find_asked_facts(wanted: Wanted, sentence: str) -> tuple[str, ...]:
    """Return the facts of a sentence where things of the wanted kind stand; 無料 is no fact, but answers how much something is."""
    spans = wanted.find(sentence)
    others = _NO_NUMBERS if wanted.is_number else _NO_FACTS
    facts = [fact for fact in find_facts(sentence) if fact.kind not in others]
    asked = [sentence[f.start : f.end] for f in facts if any(f.start < s.end and s.start < f.end for s in spans)]
    if not asked and wanted.type is AnswerType.AMOUNT:
        asked = [sentence[slice(*span)] for span in spans]
    return tuple(dict.fromkeys(fact for fact in asked if not SEPARATORS.search(fact)))


def candidate_of_answer(given: GivenAnswer) -> Candidate:
    """Return the case of an answer that was given: what it cited is what is expected, unless somebody said that it was wrong.

    Declined questions and wrong answers become cases without an answer, marked for checking. Raises UsageError for an answer whose
    places the question set cannot name.
    """
    asked, cited = given.asked, [d for d in given.documents if d.is_cited]
    if not asked.is_answered or asked.was_unhelpful:
        why = f"「{asked.verdict.label}」の評価" if asked.verdict else "回答なし"
        note = f"{TO_CHECK}: {why}。正しい文書があれば書き足してください。{asked.comment}"
        return Candidate(asked.question, is_answerable=False, department=asked.in_charge or "", note=note)
    places = dict.fromkeys((d.source, write_place(d.source, d.locator)) for d in cited)
    known = tuple((source, place) for source, place in places if place is not None)
    if not known:
        raise UsageError(
            "この回答の出典の場所は、質問集の「ページ／行」に書けません。",
            "同じ内容の PDF か Q&A があれば、質問集に直接書いてください。",
        )
    text = str(given.answer.get("answer", ""))
    return Candidate(
        asked.question, known, re.sub(r"\[\d+\]", "", text), department=asked.in_charge or "", note=TO_CHECK
    )


class Candidates:
    """The file of cases of an installation."""

    def __init__(self, settings: Settings) -> None:
        self.file, self._data_dir = settings.data_dir / CANDIDATES_FILE, settings.data_dir

    def add(self, candidate: Candidate) -> str:
        """Write a case, without personal data, and return its number; one with the same question takes its place."""
        with lock_tables(self._data_dir):
            table = read_table(self.file, COLUMNS, required=COLUMNS)
            form = normalize_question(candidate.question)
            places = range(len(table.rows))
            place = next((p for p in places if normalize_question(table.cell(p, "質問")) == form), len(places))
            number = table.cell(place, "番号") if place in places else _next_number(table)
            table.put(place, write_candidate(candidate, number))
            write_table(self.file, table)
        return number

    def count(self) -> int:
        """Return how many cases there are."""
        return len(read_table(self.file, COLUMNS, required=COLUMNS).rows)


def write_candidate(candidate: Candidate, number: str) -> dict[str, str]:
    """Return a case as the cells of its row, without personal data."""
    texts = (candidate.question, candidate.model_answer, candidate.note)
    question, answer, note = redact_texts([clean_text(text) for text in texts])
    return {
        "番号": number,
        "質問": " ".join(question.split()),
        "期待する文書": ";".join(source for source, _ in candidate.places),
        "ページ／行": ";".join(place for _, place in candidate.places),
        "正解に含まれる語": ";".join(choose_key_facts(question, answer)) if candidate.is_answerable else "",
        "模範解答": answer,
        "分類": candidate.category,
        "回答可否": "可" if candidate.is_answerable else "不可",
        "担当課": candidate.department,
        "備考": note,
    }


def _next_number(table: Table) -> str:
    numbers = [table.cell(place, "番号") for place in range(len(table.rows))]
    return f"U{max((int(n[1:]) for n in numbers if re.fullmatch(r'U[0-9]+', n)), default=0) + 1}"
