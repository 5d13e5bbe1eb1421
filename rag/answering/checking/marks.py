"""Citation marks in generated text, in every form that language models write: [1], [1][2], [1, 2], 【1】, ［１］, (1) at the end, ※1."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_NUMBERS = r"[0-9０-９]{1,3}(?:\s?[,、，・]\s?[0-9０-９]{1,3})*"
_WORD = r"(?:出典|資料|文書|引用|根拠|参考|番号|doc|source)?\s?[:：]?\s?"
_BRACKETED = rf"[\[［【〔]\s?{_WORD}(?P<bracketed>{_NUMBERS})\s?[\]］】〕]"
# A number in round brackets or behind ※ is a mark at the end of a sentence only: elsewhere it counts items and notes.
_TRAILING = rf"(?:[(（]\s?{_WORD}(?P<round>{_NUMBERS})\s?[)）]|※(?P<note>[0-9０-９]{{1,2}}))(?=\s*(?:[。．.!！?？]?\s*$|[\[［【〔(（※]))"
_MARK = re.compile(rf"\s*(?:{_BRACKETED}|{_TRAILING})", re.IGNORECASE)
_ENDINGS = "。．.!！?？"

TRAILING_MARKS = re.compile(
    rf"(?:[ \t　]*(?:[\[［【〔]\s?{_WORD}{_NUMBERS}\s?[\]］】〕]|[(（]\s?{_WORD}{_NUMBERS}\s?[)）]|※[0-9０-９]{{1,2}}))+",
    re.I,
)
"""What belongs to the sentence before it."""
BEGUN_MARK = re.compile(
    rf"[ \t　]*(?:[\[［【〔(（](?:{_WORD}[0-9０-９,、，・\s]*)?|[\[［【〔(（][^\s\]］】〕)）]{{0,3}}|※[0-9０-９]*)?",
    re.I,
)
"""What may still become a mark when more is read."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A statement whose citation marks were read. text: with the known marks only, as [1]; body: without any.

    known, unknown: the numbers cited, in order, each once.
    """

    text: str
    body: str
    known: tuple[int, ...]
    unknown: tuple[int, ...]


def read_marks(statement: str, numbers: Collection[int]) -> Marked:
    """Return a statement with its marks read; numbers: of the sources that exist. A mark of none of them is taken out.

    >>> read_marks("14日以内です。【１】[9]", {1, 2})
    Marked(text='14日以内です。[1]', body='14日以内です。', known=(1,), unknown=(9,))
    >>> read_marks("(1) 印鑑[1、2] (3)", {1, 2})
    Marked(text='(1) 印鑑[1][2]', body='(1) 印鑑', known=(1, 2), unknown=(3,))
    """
    known: dict[int, None] = {}
    unknown: dict[int, None] = {}

    def rewrite(match: re.Match[str]) -> str:
        written = match["bracketed"] or match["round"] or match["note"]
        found = [int(number) for number in re.findall(r"[0-9０-９]+", written)]
        known.update(dict.fromkeys(number for number in found if number in numbers))
        unknown.update(dict.fromkeys(number for number in found if number not in numbers))
        return "".join(f"[{number}]" for number in found if number in numbers)

    text = _MARK.sub(rewrite, statement)
    return Marked(text, _MARK.sub("", statement), tuple(known), tuple(unknown))


def add_mark(statement: str, number: int) -> str:
    """Return a statement with one more mark at its end, before a line break.

    >>> add_mark("14日以内です。\\n", 2)
    '14日以内です。[2]\\n'
    """
    end = len(statement.rstrip())
    return f"{statement[:end]}[{number}]{statement[end:]}"
