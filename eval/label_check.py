"""Do the labels of a question set still fit the documents: files, places, key facts, questions that are asked twice?

A label is a document, a place in it and the key facts that stand there; it names no chunk, so that it outlives re-chunking. Where
a new edition moved the key facts, the one place that holds them now is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eval.document_places import DocumentPlaces
from eval.places import Gold
from eval.question_sheet import CellProblem, SheetRow, report_cell
from eval.questions import Question, find_mistakes, find_row_mistakes, read_question
from rag.activity.question_form import normalize_question
from rag.text import fold, squeeze

_MISREAD = "文字認識（OCR）で読んだ頁なので、読み誤りかもしれません。原本を確かめてください。"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another place for a broken label of a row: `old` is the place that does not hold the key facts, None where one is added."""

    row: int
    old: Gold | None
    new: Gold

    def describe(self) -> str:
        """Return it for people.

        >>> Proposal(5, Gold("計画.pdf", page=14), Gold("計画.pdf", page=15)).describe()
        '提案: 14 → 15'
        >>> Proposal(5, Gold("計画R7.pdf", page=14), Gold("計画R8.pdf", page=15)).describe()
        '提案: 14 → 計画R8.pdf の 15'
        """
        new = self.new.write()
        if self.old is None or self.new.source != self.old.source:
            new = f"{self.new.source} の {new}"
        return f"提案: {self.old.write()} → {new}" if self.old else f"提案: {new} を加える"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found, by row and column, and where labels may go instead. questions: how many rows there are."""

    questions: int
    problems: tuple[CellProblem, ...]
    proposals: tuple[Proposal, ...]


def check_rows(rows: Sequence[SheetRow], places: DocumentPlaces) -> CheckResult:
    """Return everything that is wrong with the rows of a question set, by themselves and against the documents."""
    problems, proposals = [*find_mistakes(rows), *find_duplicates(rows)], list[Proposal]()
    for row in rows:
        if any(True for _ in find_row_mistakes(row)):
            continue
        question = read_question(row)
        proposal = propose_place(question, row.number, places)
        found = list(_find_label_problems(question, row, places))
        if found and proposal:
            problems += [
                report_cell(row, problem.column, f"{problem.message}{proposal.describe()}") for problem in found
            ]
            proposals.append(proposal)
        else:
            problems += found
    ordered = sorted(set(problems), key=lambda problem: (problem.row, problem.place, problem.message))
    return CheckResult(len(rows), tuple(ordered), tuple(proposals))


def find_duplicates(rows: Sequence[SheetRow]) -> Iterator[CellProblem]:
    """Yield the questions that an earlier row asks too, of the same day, in the same words or in words that mean no other."""
    seen: dict[tuple[str, str], SheetRow] = {}
    for row in rows:
        form = (normalize_question(row["質問"]), row["基準日"])
        earlier = seen.setdefault(form, row)
        if row["質問"] and earlier is not row:
            how = "同じ" if earlier["質問"] == row["質問"] else "書き方だけが違う同じ"
            told = (
                f"{earlier.number}行目（番号 {earlier['番号']}）と{how}質問です。どちらかを消すか、書き分けてください。"
            )
            yield report_cell(row, "質問", told)


def holds_fact(text: str, fact: str) -> bool:
    """Tell whether a text holds a key fact; width, blanks, line breaks, 漢数字 and ways of writing a day make no difference.

    >>> holds_fact("手数料は、一通につき\\n三百円です。", "３００円"), holds_fact("手数料は300円です。", "200円")
    (True, False)
    """
    return squeeze(fact) in squeeze(text) or squeeze(fold(fact)) in squeeze(fold(squeeze(text)))


def find_missing(texts: Iterable[str], key_facts: Iterable[str]) -> tuple[str, ...]:
    """Return the key facts that none of the texts holds."""
    said = list(texts)
    return tuple(fact for fact in key_facts if not any(holds_fact(text, fact) for text in said))


def _find_label_problems(question: Question, row: SheetRow, places: DocumentPlaces) -> Iterator[CellProblem]:
    texts = []
    for gold in question.gold:
        if gold.source not in places.sources:
            yield report_cell(row, "期待する文書", _describe_unknown(gold, places))
        elif (text := places.read(gold)) is None:
            yield report_cell(row, "ページ／行", _describe_beyond(gold, places))
        else:
            texts.append(text)
    if len(texts) == len(question.gold) > 0 and (missing := find_missing(texts, question.key_facts)):
        where = "、".join(gold.write() for gold in question.gold)
        recognised = any(places.is_recognised(gold) for gold in question.gold)
        remedy = _MISREAD if recognised else "語か場所を直してください。"
        told = f"「{'」「'.join(missing)}」が、期待する場所（{where}）にありません。{remedy}"
        yield report_cell(row, "正解に含まれる語", told)


def _describe_unknown(gold: Gold, places: DocumentPlaces) -> str:
    near = places.nearest(gold.source)
    hint = f"近い名前: {'、'.join(near)}。" if near else "文書フォルダーの中の名前を、フォルダーから書いてください。"
    return f"文書「{gold.source}」が索引にありません。{hint}"


def _describe_beyond(gold: Gold, places: DocumentPlaces) -> str:
    if gold.sheet is not None and gold.sheet not in places.sheets(gold.source):
        return f"「{gold.source}」にシート「{gold.sheet}」がありません（シート: {'、'.join(places.sheets(gold.source))}）。"
    unit = {"page": "頁", "row": "行" if gold.sheet else "件", "line": "行", "paragraph": "段落"}
    name = next(word for key, word in unit.items() if getattr(gold, key) is not None)
    return f"「{gold.source}」は{places.last_number(gold)}{name}までで、{gold.write()} はありません。"


def propose_place(question: Question, row: int, places: DocumentPlaces) -> Proposal | None:
    """Return the one place that holds the key facts which the labelled places lack; None where there is none or more than one.

    It is looked for in the labelled documents, then in other editions of them, the newest first.
    """
    said = {gold: places.read(gold) if gold.source in places.sources else None for gold in question.gold}
    missing = find_missing((text for text in said.values() if text), question.key_facts)
    if not missing:
        return None
    broken = [
        gold
        for gold, text in said.items()
        if not text or find_missing([text], question.key_facts) == question.key_facts
    ]
    old = broken[0] if broken else None
    own = dict.fromkeys(gold.source for gold in ([old] if old else question.gold))
    others = dict.fromkeys(edition for source in own for edition in places.editions(source))
    for source in (*own, *others):
        found = [place for place, text in places.texts(source).items() if not find_missing([text], missing)]
        if found:
            return Proposal(row, old, found[0]) if len(found) == 1 else None
    return None


def apply_proposals(question: Question, proposals: Iterable[Proposal]) -> tuple[Gold, ...]:
    """Return the places of a question as they are with the proposals."""
    gold = list(question.gold)
    for proposal in proposals:
        gold = [proposal.new if place == proposal.old else place for place in gold]
        gold += [] if proposal.old else [proposal.new]
    return tuple(dict.fromkeys(gold))
