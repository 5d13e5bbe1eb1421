"""A conversation as Markdown: citations are footnotes, and whatever comes from files or people stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from rag.documents import Citation, Status, Turn
from rag.export.record import (
    answer_text,
    clean,
    clean_line,
    describe_citation,
    describe_contact,
    describe_place,
    notice_lines,
    split_marks,
    title_of,
    write_day,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~^$&!#])")
_LINE_START = re.compile(r"^(\s*)([-+=:]|\d{1,9}(?=[.)]))", re.MULTILINE)
_ADDRESS = re.compile(r"(?<=[A-Za-z])://|(?<=www)\.|(?<=\w)@(?=\w)", re.IGNORECASE)


def render_markdown(turns: Sequence[Turn], *, page_title: str, notice: str, written_at: datetime) -> str:
    """Return turns as one Markdown text (CommonMark with footnotes), the notice in front of them."""
    notes: list[str] = []
    lines = [f"# {escape_markdown(title_of(page_title))}", "", f"作成: {write_day(written_at)}", ""]
    lines += [f"> - {escape_markdown(line)}" for line in notice_lines(notice)]
    for number, turn in enumerate(turns, start=1):
        lines += ["", *_render_turn(number, turn, notes)]
    return "\n".join([*lines, "", *notes, ""]) if notes else "\n".join([*lines, ""])


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is: nothing in it is markup, HTML or an address to follow.

    >>> escape_markdown("<b>*1*</b> [x](http://evil.example)")
    '\\<b\\>\\*1\\*\\</b\\> \\[x\\](http\\://evil.example)'
    >>> escape_markdown("- 項目"), escape_markdown("1. 手順")
    ('\\- 項目', '1\\. 手順')
    """
    safe = _SPECIAL.sub(r"\\\1", clean(text))
    safe = _ADDRESS.sub(lambda match: "\\" + match[0], safe)
    return _LINE_START.sub(
        lambda m: f"{m[1]}{m[2]}" + ("\\" if m[2].isdigit() else "") if m[2].isdigit() else f"{m[1]}\\{m[2]}", safe
    )


def _render_turn(number: int, turn: Turn, notes: list[str]) -> Iterator[str]:
    answer = turn.answer
    yield f"## 質問{number}"
    yield from ("", f"{write_day(turn.asked_at)}", "", _paragraph(escape_markdown(turn.question.strip())))
    if answer.understood:
        yield from ("", f"（理解した質問: {escape_markdown(clean_line(answer.understood))}）")
    yield from ("", f"### 回答{number}", "", _paragraph(_render_answer(turn, notes)))
    if answer.status is Status.NO_ANSWER and answer.contact:
        yield from ("", escape_markdown(describe_contact(answer.contact)))
    if answer.status is Status.NO_ANSWER and answer.nearest:
        yield from ("", "関係がありそうな箇所:", "")
        yield from (f"- {escape_markdown(describe_place(place))}" for place in answer.nearest)
    if answer.warnings:
        yield ""
        yield from (f"- 注意: {escape_markdown(clean_line(warning.message))}" for warning in answer.warnings)


def _render_answer(turn: Turn, notes: list[str]) -> str:
    numbers: dict[int, int] = {}
    parts = []
    for words, citation in split_marks(answer_text(turn.answer), turn.answer.citations):
        parts.append(escape_markdown(words) if citation is None else _refer(citation, numbers, notes))
    return "".join(parts).strip()


def _refer(citation: Citation, numbers: dict[int, int], notes: list[str]) -> str:
    """Return the mark of a footnote, and write the note where it is cited first."""
    if citation.number not in numbers:
        numbers[citation.number] = len(notes) + 1
        notes.append(f"[^{len(notes) + 1}]: {escape_markdown(describe_citation(citation))}")
    return f"[^{numbers[citation.number]}]"


def _paragraph(text: str) -> str:
    """Return text whose line breaks stay line breaks, and in which nothing begins a block."""
    return "\\\n".join(line.strip() for line in text.split("\n") if line.strip())
