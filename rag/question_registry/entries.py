"""The nouns of the questions registry: an example question or a prompt template, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MAX_TEXT_CHARS, MAX_NAME_CHARS = 500, 50
_BLANK = re.compile(r"〔([^〔〕]*)〕")


class EntryKind(StrEnum):
    """What an entry is for."""

    EXAMPLE = "example"
    TEMPLATE = "template"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return {"example": "質問の例", "template": "ひな型"}[self.value]


class ReviewState(StrEnum):
    """What an administrator said of an entry; only approved ones are shown to everybody."""

    DRAFT = "draft"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """The Japanese words for it."""
        return {"draft": "確認待ち", "approved": "承認済み", "rejected": "見送り", "retired": "取り下げ"}[self.value]


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry as somebody writes it. category: the field of work; department: of the author. A template has blanks: 〔補助金の名前〕."""

    kind: EntryKind
    text: str
    category: str
    department: str


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """An entry of the registry. uses: how often somebody asked with it. added: the day; origin: the town that it came from, "" for ours."""

    id: int
    kind: EntryKind
    text: str
    category: str
    department: str
    state: ReviewState
    uses: int
    added: date
    origin: str


def find_blanks(text: str) -> tuple[str, ...]:
    """Return the names of the places of a template that are to be filled in.

    >>> find_blanks("〔補助金の名前〕の申請の期限と、〔 〕に必要な書類を教えてください")
    ('補助金の名前', '')
    """
    return tuple(name.strip() for name in _BLANK.findall(text))


def find_mistakes(entry: NewEntry) -> Iterator[str]:
    """Yield what is wrong with an entry, each with its remedy."""
    for label, value, most in (
        ("文", entry.text, MAX_TEXT_CHARS),
        ("分野", entry.category, MAX_NAME_CHARS),
        ("課", entry.department, MAX_NAME_CHARS),
    ):
        if not value.strip():
            yield f"{label}が空です（{label}を書いてください）。"
        elif len(value) > most:
            yield f"{label}が長すぎます（{len(value)}文字。{most}文字以内に縮めてください）。"
    blanks = find_blanks(entry.text)
    if entry.kind is EntryKind.TEMPLATE and not blanks:
        yield "ひな型に、書き換える箇所がありません（〔 〕で囲んで示してください）。"
    if entry.kind is EntryKind.EXAMPLE and blanks:
        yield "質問の例に〔 〕があります（具体的な語にするか、ひな型にしてください）。"
