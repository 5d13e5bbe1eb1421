"""What generated statements are held against: the sentences and rows of a numbered source, what each says, and next to which words."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answering.checking.content import all_words_of
from rag.answering.checking.sayings import Saying, say, split_cells
from rag.answering.facts.finding import find_facts
from rag.answering.facts.kinds import Fact, FactKind
from rag.answering.facts.proper_names import name_value
from rag.text import split_sentences

_HEADING_CHARS = 40
_RULE = re.compile(r"[\s|:\-]+")
_ITEM = re.compile(r"\s*(?:[-*・•○●◎]|[①-⑳]|[(（][0-9０-９ア-ンa-z]{1,2}[)）]|[0-9０-９]{1,2}[.．)])")
_QUESTION = re.compile(r"(?:か|は|たい|ほしい)[。?？]?$")
_GAP = re.compile(r"(?<=\S)(?:　{2,}| {3,})(?=\S)")  # what divides the columns of a table in plain text


@dataclass(frozen=True, slots=True)
class Ground:
    """A sentence or table row of a source. around: the words of its headings, its table's header and its title; before: of the sentence before.

    is_header: whether it is the header of a table, whose figures belong to the rows below. above: what the header of a row says.
    """

    text: str
    words: frozenset[str]
    around: frozenset[str]
    before: frozenset[str]
    sayings: tuple[Saying, ...]
    is_header: bool = False
    above: tuple[Saying, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered source. facts: all that it states; folded: its text in the form in which names are looked for."""

    text: str
    folded: str
    facts: tuple[Fact, ...]
    grounds: tuple[Ground, ...]


@functools.lru_cache(256)  # the passages of a question are asked for again at each follow-up
def read_source(text: str) -> Source:
    """Return a source with what its sentences and rows say."""
    return Source(text, name_value(text.replace("\n", "")), find_facts(text), tuple(_read_grounds(text)))


def _read_grounds(text: str) -> Iterator[Ground]:
    lines = [_GAP.sub("\t", line) if len(_GAP.findall(line)) > 1 else line for line in text.split("\n") if line.strip()]
    title = all_words_of(lines[0]) if lines else frozenset()
    headings: list[frozenset[str]] = []
    header: list[str] = []
    lead, before = frozenset[str](), frozenset[str]()
    for line in lines:
        cells = split_cells(line)
        if len(cells) == 1:
            header = []
        elif _RULE.fullmatch(line):
            continue
        around = title.union(
            *headings[-2:], *((all_words_of(" ".join(header)),) if header else (lead,) if _ITEM.match(line) else ())
        )
        if len(cells) > 1:
            is_header = not header and not any(fact.kind is FactKind.AMOUNT for fact in find_facts(line))
            yield _ground(line, around, before, header, is_header=is_header)
            header = header or cells
            continue
        for start, end in split_sentences(line):
            ground = _ground(line[start:end], around, before, ())
            before = ground.words
            yield ground
        if _is_heading(line):
            headings.append(all_words_of(line))
        elif not _ITEM.match(line):
            lead = before


def _is_heading(line: str) -> bool:
    text = line.strip()
    is_short = len(text) <= _HEADING_CHARS and not text.endswith(("。", "、")) and not _ITEM.match(text)
    return text.startswith("#") or is_short or bool(_QUESTION.search(text))


def _ground(
    text: str, around: frozenset[str], before: frozenset[str], header: Sequence[str], *, is_header: bool = False
) -> Ground:
    above = say("\t".join(header)) if header else ()
    return Ground(text, all_words_of(text), around, before, say(text, header), is_header, above)
