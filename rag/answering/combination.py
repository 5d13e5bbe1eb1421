"""An answer to a question that asks for two things, put together from the answers to each of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.answering.selection import MAX_CITATIONS
from rag.documents import Answer, Citation, Status, Warning_

INCOMPLETE = "incomplete"
_MARK = re.compile(r"\[(\d+)\]")


def combine_answers(whole: Answer, parts: Sequence[tuple[str, Answer]]) -> Answer:
    """Return the answer to a whole question, or the answers to its parts as one. parts: (question, its answer).

    The answer to the whole stands where it cites what each part cites first, or where no part is answered. Citations are
    numbered anew, those of one place once; confidence is the least of the parts'.
    """
    answered = [answer for _, answer in parts if answer.status is Status.ANSWERED]
    if not answered or (whole.status is Status.ANSWERED and _covers(whole, parts)):
        return whole
    texts, citations = _join(answered)
    unknown = [question for question, answer in parts if answer.status is not Status.ANSWERED]
    warnings = tuple(dict.fromkeys(warning for answer in answered for warning in answer.warnings))
    return replace(
        answered[0],
        text="\n".join(texts),
        confidence=min(answer.confidence for answer in answered),
        citations=tuple(citations),
        warnings=(*map(_warn_of_unknown, unknown), *warnings),
        checks=replace(answered[0].checks, quotes=len(citations)),
        understood=whole.understood,
    )


def _covers(whole: Answer, parts: Sequence[tuple[str, Answer]]) -> bool:
    cited = {_place_of(citation) for citation in whole.citations}
    return all(not answer.citations or _place_of(answer.citations[0]) in cited for _, answer in parts)


def _place_of(citation: Citation) -> tuple[object, ...]:
    return citation.source, citation.page, citation.spans


def _join(answers: Sequence[Answer]) -> tuple[list[str], list[Citation]]:
    """Return the paragraphs of answers and their citations: one of each answer before a second of any, so that none is left out."""
    texts: list[str] = []
    citations: list[Citation] = []
    for place, answer in enumerate(answers):
        room = max(1, MAX_CITATIONS - len(citations) - (len(answers) - place - 1))
        numbers: dict[int, int] = {}
        for citation in answer.citations[:room]:
            same = next((known for known in citations if _place_of(known) == _place_of(citation)), None)
            if same is None:
                same = replace(citation, number=len(citations) + 1)
                citations.append(same)
            numbers[citation.number] = same.number
        texts += [paragraph for paragraph in _renumber(answer.text, numbers) if paragraph not in texts]
    return texts, citations


def _renumber(text: str, numbers: dict[int, int]) -> list[str]:
    """Return the paragraphs of an answer that end with a mark of a known citation, with its new number."""
    paragraphs, lines = [], []
    for line in text.split("\n"):
        lines.append(line)
        marks = [int(number) for number in _MARK.findall(line)]
        if not marks:
            continue
        if any(mark in numbers for mark in marks):
            paragraphs.append(
                _MARK.sub(lambda m: f"[{numbers[int(m[1])]}]" if int(m[1]) in numbers else "", "\n".join(lines))
            )
        lines = []
    return paragraphs


def _warn_of_unknown(question: str) -> Warning_:
    return Warning_(INCOMPLETE, f"「{question}」には、登録されている文書で確かめられた答えがありません。")
