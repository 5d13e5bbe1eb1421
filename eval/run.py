"""Ask the questions and judge every answer: `evaluate` -> Report -> JSON, or a table for people."""

from __future__ import annotations

import functools
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from eval.calibration import ReliabilityBin, build_curve, compute_error, render_curve
from eval.matching import ReadPage, is_at_gold, is_read_back, missing_facts, rank_places, spots_of_citation
from eval.metrics import NAMES, Figure, Figures, Outcome, compute_figures
from eval.questions import PARAPHRASE, Question
from rag.answer_json import answer_to_dict
from rag.documents import COMMAND_LINE, Answer, Status
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.assistant import Assistant

SEARCH_LIMIT = 50  # passages looked at for hit@k and MRR
Progress = Callable[[Sequence[Question]], Iterable[Question]]
"""Hands the questions on, one by one, and shows how far it has come."""
_GROUP_COLUMNS = ("正答率", "hit@1", "hit@5", "MRR", "引用正解率")


@dataclass(frozen=True, slots=True)
class Result:
    """One question with its answer (None where asking failed, `error` says why) and what was found out of it."""

    question: Question
    answer: Answer | None
    error: str | None
    missing: tuple[str, ...]
    outcome: Outcome

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it is wrong, in Japanese; empty where it is right."""
        outcome = self.outcome
        if outcome.correct:
            return ()
        if self.error is not None:
            return (f"エラー: {self.error}",)
        if not outcome.answerable:
            return ("回答すべきでない質問に回答",)
        if outcome.abstained:
            return ("不回答",)
        facts = (f"語の不足: {'、'.join(self.missing)}",) if self.missing else ()
        return (() if any(outcome.at_gold) else ("根拠違い",)) + facts


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the questions and their figures."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of all questions and of the groups, and every single result. unknown: gold documents not in the index."""

    overall: Figures
    groups: tuple[Group, ...]
    results: tuple[Result, ...]
    unknown: tuple[str, ...] = ()

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """How often the answers of each confidence are right."""
        return build_curve([result.outcome for result in self.results])


def evaluate(assistant: Assistant, questions: Sequence[Question], progress: Progress = iter) -> Report:
    """Ask every question and return what came of it."""

    @functools.cache
    def read_page(source: str, page: int) -> str | None:
        return assistant.page_text(source, page, COMMAND_LINE)

    known = {entry.source for entry in assistant.documents(COMMAND_LINE)}
    unknown = sorted({gold.source for question in questions for gold in question.gold} - known)
    results = tuple(_examine(assistant, question, read_page) for question in progress(questions))
    overall = compute_figures([result.outcome for result in results])
    return Report(overall, tuple(_build_groups(results)), results, tuple(unknown))


def _examine(assistant: Assistant, question: Question, read_page: ReadPage) -> Result:
    started = time.perf_counter()
    try:
        answer = assistant.ask(question.text, asker=COMMAND_LINE)
        elapsed_ms = (time.perf_counter() - started) * 1000
        passages = assistant.search(question.text, asker=COMMAND_LINE, limit=SEARCH_LIMIT)
    except RagError as error:
        elapsed_ms = (time.perf_counter() - started) * 1000
        return Result(
            question, None, error.message, question.key_facts, Outcome(question.answerable, elapsed_ms=elapsed_ms)
        )
    missing = missing_facts(answer.text, question.key_facts)
    outcome = Outcome(
        answerable=question.answerable,
        answered=answer.status is Status.ANSWERED,
        abstained=answer.status is Status.NO_ANSWER,
        has_facts=not missing,
        ranked=rank_places(passages, question.gold, read_page),
        at_gold=tuple(
            any(is_at_gold(spot, question.gold, read_page) for spot in spots_of_citation(c, passages))
            for c in answer.citations
        ),
        read_back=tuple(is_read_back(c, read_page) for c in answer.citations),
        confidence=answer.confidence,
        elapsed_ms=elapsed_ms,
    )
    return Result(question, answer, None, missing, outcome)


def _build_groups(results: Sequence[Result]) -> Iterable[Group]:
    categories = dict.fromkeys(result.question.category for result in results)
    members: dict[str, list[Result]] = {
        **{f"分類 {name or 'なし'}": [r for r in results if r.question.category == name] for name in categories},
        PARAPHRASE: [r for r in results if r.question.is_paraphrase],
        "回答可": [r for r in results if r.question.answerable],
        "回答不可": [r for r in results if not r.question.answerable],
    }
    for name, chosen in members.items():
        if chosen:
            yield Group(name, compute_figures([result.outcome for result in chosen]))


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_dict(report: Report) -> dict[str, Any]:
    """Return the JSON form of a report."""
    return {
        "figures": {"全体": _figures_to_dict(report.overall)}
        | {group.name: _figures_to_dict(group.figures) for group in report.groups},
        "calibration": {
            "error": compute_error(report.reliability),
            "curve": [asdict(part) for part in report.reliability],
        },
        "unknown_documents": list(report.unknown),
        "results": [_result_to_dict(result) for result in report.results],
    }


def _figures_to_dict(figures: Figures) -> dict[str, Any]:
    return {
        "questions": figures.questions,
        **{name: {key: _rounded(value) for key, value in asdict(f).items()} for name, f in figures.shares.items()},
        "elapsed_ms": {"p50": _rounded(figures.p50_ms), "p95": _rounded(figures.p95_ms)},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _result_to_dict(result: Result) -> dict[str, Any]:
    question, outcome = result.question, result.outcome
    return {
        "id": question.id,
        "question": question.text,
        "category": question.category,
        "note": question.note,
        "answerable": question.answerable,
        "gold": [gold.as_dict() for gold in question.gold],
        "key_facts": list(question.key_facts),
        "model_answer": question.model_answer,
        "answer": answer_to_dict(result.answer) if result.answer else None,
        "error": result.error,
        "hit_ranks": [rank for rank, is_gold in enumerate(outcome.ranked, start=1) if is_gold],
        "checks": {
            "correct": outcome.correct,
            "answered": outcome.answered,
            "cites_gold": any(outcome.at_gold),
            "has_facts": outcome.has_facts,
            "missing_facts": list(result.missing),
            "citations_at_gold": list(outcome.at_gold),
            "quotes_read_back": list(outcome.read_back),
        },
        "faults": list(result.faults),
        "elapsed_ms": round(outcome.elapsed_ms, 1),
    }


# --- for people -------------------------------------------------------------------------------------------------------


def render_report(report: Report) -> str:
    """Return the figures as tables in Japanese, with 95 % intervals."""
    overall = report.overall
    lines = [f"質問 {overall.questions} 問（[ ] は95％信頼区間、n は母数）", ""]
    for name in NAMES:
        figure = overall.shares[name]
        lines.append(f"{_pad(name, 16)}{_pad(_with_interval(figure), 24)}n={figure.total:g}")
    if overall.p50_ms is not None and overall.p95_ms is not None:
        lines.append(f"{_pad('所要時間', 16)}p50 {overall.p50_ms:.0f} ミリ秒、p95 {overall.p95_ms:.0f} ミリ秒")
    header = "".join(_pad(name, 12) for name in _GROUP_COLUMNS[1:])
    lines += ["", _pad("区分", 16) + _pad("問", 6) + _pad(_GROUP_COLUMNS[0], 24) + header]
    lines += [_render_group(group) for group in report.groups]
    lines += ["", *render_curve(report.reliability)]
    lines += [f"注意: 期待する文書が索引にありません: {source}" for source in report.unknown]
    return "\n".join(line.rstrip() for line in lines)


def _render_group(group: Group) -> str:
    shares = group.figures.shares
    cells = "".join(_pad(_number(shares[name].value), 12) for name in _GROUP_COLUMNS[1:])
    first = _pad(_with_interval(shares[_GROUP_COLUMNS[0]]), 24)
    return _pad(group.name, 16) + _pad(str(group.figures.questions), 6) + first + cells


def render_wrong(report: Report) -> str:
    """Return the questions that were not answered right: number, question, why."""
    wrong = [result for result in report.results if result.faults]
    lines = [f"誤り {len(wrong)} 問 / {len(report.results)} 問"]
    return "\n".join(lines + [f"{r.question.id}\t{r.question.text}\t{'／'.join(r.faults)}" for r in wrong])


def _with_interval(figure: Figure) -> str:
    return f"{_number(figure.value)} [{_number(figure.low)}, {_number(figure.high)}]" if figure.total else "—"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _pad(text: str, width: int) -> str:
    """Return text filled up to a width in columns, a full-width character being two."""
    return text + " " * (width - sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text))
