"""Do the labels of a question set still fit the documents: files, editions, places, key facts, questions that are asked twice?

A label is a document, a place in it and the key facts that stand there; it names no chunk, so that it outlives re-chunking. Where
a new edition or a new name moved the key facts, the place that holds them now is proposed (`proposals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from eval.document_names import DocumentNames, normalize_source
from eval.document_places import DocumentPlaces
from eval.edition_check import find_superseded
from eval.facts import find_missing, holds_fact
from eval.places import Gold, counts_from_the_start
from eval.proposals import (
    Proposal,
    apply_proposals,
    propose_in_force,
    propose_place,
    propose_printed_page,
    propose_renamed,
)
from eval.question_sheet import AS_OF, DOCUMENT, PLACE, PURPOSE, CellProblem, SheetRow, report_cell
from eval.questions import ANSWERABLE, Question, find_mistakes, find_row_mistakes, read_question
from eval.row_places import NamedPlace, RowPlaces, read_row_places
from rag.activity.question_form import normalize_question
from rag.documents import Edition

__all__ = ["CheckResult", "Proposal", "apply_proposals", "check_rows", "find_duplicates", "find_missing", "holds_fact"]

FACTS = "正解に含まれる語"
_MISREAD = "文字認識（OCR）で読んだ頁なので、読み誤りかもしれません。原本を確かめてください。"
_HARMLESS = {"回答可否": "可", AS_OF: "", PURPOSE: ""}
"""What a cell that is not understood counts as, so that the rest of its row can be checked."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found, by row and column, and where labels may go instead. questions: how many rows there are.

    warnings: what may be meant otherwise, but is no mistake. near: row -> documents whose names are near one that is not in the index.
    names: of the documents that the rows were checked against.
    """

    questions: int
    problems: tuple[CellProblem, ...]
    proposals: tuple[Proposal, ...]
    warnings: tuple[CellProblem, ...] = ()
    near: tuple[tuple[int, tuple[str, ...]], ...] = ()
    names: DocumentNames | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something about one cell of a row, with the place to go to where there is one."""

    column: str
    message: str
    proposal: Proposal | None = None
    is_warning: bool = False
    near: tuple[str, ...] = ()

    def report(self, row: SheetRow) -> CellProblem:
        """Return it as people see it."""
        return report_cell(row, self.column, self.message + (self.proposal.describe() if self.proposal else ""))


def check_rows(rows: Sequence[SheetRow], places: DocumentPlaces, *, today: date | None = None) -> CheckResult:
    """Return everything that is wrong with the rows of a question set, by themselves and against the documents."""
    found = [(row, finding) for row in rows for finding in _check_row(row, places, today or date.today())]
    own = [*find_mistakes(rows, places.names), *find_duplicates(rows)]
    return CheckResult(
        len(rows),
        _order([*own, *(finding.report(row) for row, finding in found if not finding.is_warning)]),
        tuple(dict.fromkeys(finding.proposal for _, finding in found if finding.proposal)),
        _order([finding.report(row) for row, finding in found if finding.is_warning]),
        tuple((row.number, finding.near) for row, finding in found if finding.near),
        places.names,
    )


def _order(problems: Sequence[CellProblem]) -> tuple[CellProblem, ...]:
    return tuple(sorted(set(problems), key=lambda problem: (problem.row, problem.place, problem.message)))


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


def _check_row(row: SheetRow, places: DocumentPlaces, today: date) -> Iterator[_Finding]:
    """Yield what does not fit the documents, however much else is wrong in the row."""
    if ANSWERABLE.get(row["回答可否"]) is False:
        return
    wrong = {problem.column for problem in find_row_mistakes(row, places.names)}
    unclear = {column: word for column, word in _HARMLESS.items() if column in wrong}
    question = read_question(replace(row, cells={**row.cells, **unclear}), places.names)
    label = _Label(row.number, question, read_row_places(row, places.names), places)
    yield from label.check_places()
    yield from label.check_names()
    if AS_OF not in wrong:
        yield from label.check_editions(today)
    if label.is_complete:
        yield from label.check_facts()


@dataclass(frozen=True, slots=True)
class _Label:
    """The places and key facts of one row."""

    row: int
    question: Question
    named: RowPlaces
    places: DocumentPlaces

    @property
    def is_complete(self) -> bool:
        """Whether every place is understood and exists, so that a key fact that none holds stands nowhere."""
        return not self.named.problems and bool(self.question.gold) and all(map(self._exists, self.question.gold))

    def _exists(self, gold: Gold) -> bool:
        return gold.source in self.places.sources and self.places.read(gold) is not None

    def check_places(self) -> Iterator[_Finding]:
        """Yield the documents and places that the index does not have."""
        broken = [gold for gold in self.question.gold if not self._exists(gold)]
        moved = propose_place(self.question, self.row, self.places) if broken else None
        for gold in broken:
            own = moved if moved and moved.old == gold else None
            if gold.source in self.places.sources:
                yield _Finding(PLACE, _describe_beyond(gold, self.places), own)
                continue
            renamed = propose_renamed(self.question, self.row, gold, self.places)
            near = self.places.nearest(gold.source)
            yield _Finding(DOCUMENT, _describe_unknown(gold, near), renamed or own, near=near)

    def check_names(self) -> Iterator[_Finding]:
        """Yield the documents that are not called by their whole name."""
        meant = {named.document: named.gold.source for named in self.named.named}
        for document, source in meant.items():
            if normalize_source(document) != source and source in self.places.sources:
                yield _Finding(DOCUMENT, f"文書「{document}」は「{source}」のことと読みました。", is_warning=True)

    def check_editions(self, today: date) -> Iterator[_Finding]:
        """Yield the documents that are not in force on the day of the question."""
        known = [gold for gold in self.question.gold if self._exists(gold)]
        for gold, edition, current in find_superseded(self.question, known, self.places, today):
            proposal = propose_in_force(self.question, self.row, gold, current, self.places)
            told = _describe_edition(gold, edition, current, self.question.as_of)
            yield _Finding(DOCUMENT, told, proposal)

    def check_facts(self) -> Iterator[_Finding]:
        """Yield the key facts that stand at none of the places."""
        gold = self.question.gold
        missing = find_missing((self.places.read(place) or "" for place in gold), self.question.key_facts)
        if not missing:
            return
        facts = f"「{'」「'.join(missing)}」"
        for named in self.named.named:
            if proposal := self._propose_printed(named):
                told = (
                    f"{facts}は、{named.gold.page}枚目ではなく、{named.gold.page}頁と印刷された"
                    f"{proposal.new.page}枚目にあります。頁は PDF の先頭から数えた枚目で書きます。"
                )
                yield _Finding(PLACE, told, proposal, is_warning=True)
                return
        where = "、".join(place.write() for place in gold)
        recognised = any(self.places.is_recognised(place) for place in gold)
        told = f"{facts}が、期待する場所（{where}）にありません。{_MISREAD if recognised else '語か場所を直してください。'}"
        yield _Finding(FACTS, told, propose_place(self.question, self.row, self.places))

    def _propose_printed(self, named: NamedPlace) -> Proposal | None:
        if counts_from_the_start(named.place):
            return None
        return propose_printed_page(self.question, self.row, named.gold, self.places)


def _describe_edition(gold: Gold, edition: Edition, wanted: Sequence[str], as_of: date | None) -> str:
    named = "、".join(wanted) or "なし"
    if as_of:
        told = f"「{gold.source}」は、基準日（{as_of}）に施行されている版ではありません（その日の版: {named}）。"
        return f"{told}その日の版の箇所にするか、基準日を直してください。"
    told = f"「{gold.source}」は{edition.standing.label}です（現行: {named}）。"
    return f"{told}現行の版の箇所にするか、この版の日のことを聞く質問なら基準日を書いてください。"


def _describe_unknown(gold: Gold, near: Sequence[str]) -> str:
    hint = f"近い名前: {'、'.join(near)}。" if near else "文書フォルダーの中の名前を、フォルダーから書いてください。"
    return f"文書「{gold.source}」が索引にありません。{hint}"


def _describe_beyond(gold: Gold, places: DocumentPlaces) -> str:
    if gold.sheet is not None and gold.sheet not in places.sheets(gold.source):
        return f"「{gold.source}」にシート「{gold.sheet}」がありません（シート: {'、'.join(places.sheets(gold.source))}）。"
    unit = {"page": "頁", "row": "行" if gold.sheet else "件", "line": "行", "paragraph": "段落"}
    name = next(word for key, word in unit.items() if getattr(gold, key) is not None)
    return f"「{gold.source}」は{places.last_number(gold)}{name}までで、{gold.write()} はありません。"
