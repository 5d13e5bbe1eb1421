"""Passages that say the same, collapsed into the best of them, which names the places of the others.

Two passages say the same when their texts are nearly equal (Jaccard over character bigrams, without
punctuation), agree in every number, mark and content
word, in their order, and in how often they negate, and stand under the same heading. Rows of tables must also agree in all headings and in
the title, without which a row means nothing. Editions of one text are not touched: see `rag.retrieval.editions`.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.documents import Chunk, ChunkKind, Passage, Place
from rag.text import morphemes, squeeze

MIN_JACCARD = 0.9
_SAME_CHARACTERS = 0.75  # nearly equal texts share more of their characters than that: a quick look before the grams
_MIN_CHARS = 12  # a shorter text, like 「（略）」, says nothing by itself
_PLACE_CHARS = 80
_NUMBER = re.compile(r"\d+(?:[.,:/・-]\d+)*")
_PUNCTUATION = dict.fromkeys(map(ord, "、。,.・:;!?「」『』()[]【】〔〕〈〉《》…/-"))
_NEGATION = re.compile(r"ない|なく|なけれ|なかっ|ません|ずに|ざる|[不非無未否]")


@dataclass(frozen=True)
class _Form:
    """The text of a passage as it is compared: normal, without white space; what else it takes is made when it is compared first."""

    normal: str

    @functools.cached_property
    def numbers(self) -> tuple[str, ...]:
        """Its numbers, in order."""
        return tuple(_NUMBER.findall(self.normal))

    @functools.cached_property
    def text(self) -> str:
        """Without punctuation."""
        return self.normal.translate(_PUNCTUATION)

    @functools.cached_property
    def characters(self) -> frozenset[str]:
        """The characters of `text`."""
        return frozenset(self.text)

    @functools.cached_property
    def grams(self) -> frozenset[str]:
        """The pairs of characters of `text`."""
        return frozenset(map("".join, itertools.pairwise(self.text)))


def collapse(passages: Sequence[Passage]) -> list[Passage]:
    """Return passages (best first) without those that repeat a better one; that one lists their places in `others`."""
    forms = [_build_form(passage.chunk) for passage in passages]
    kept: dict[int, list[Place]] = {}
    by_numbers: dict[tuple[str, ...], list[int]] = {}  # only texts with the same numbers are compared
    for number, (passage, form) in enumerate(zip(passages, forms, strict=True)):
        alike = by_numbers.setdefault(form.numbers, [])
        same = next((best for best in alike if _is_same(passages[best], forms[best], passage, form)), None)
        if same is None:
            kept[number] = []
            alike.append(number)
        else:
            kept[same] += [place_of(passage), *passage.others]
    return [
        replace(passages[number], others=(*passages[number].others, *places)) if places else passages[number]
        for number, places in kept.items()
    ]


def leave_out_headings(passages: Sequence[Passage], limit: int) -> list[Passage]:
    """Return passages without those that are nothing but the headings of one of the first `limit`: the answer stands below them."""
    below = [passage.chunk for passage in passages[:limit]]
    return [p for p in passages if not any(_stands_above(p.chunk, chunk) for chunk in below)]


def _stands_above(chunk: Chunk, other: Chunk) -> bool:
    """Tell whether a chunk is nothing but headings and captions, and another of its document stands under the last of them."""
    if chunk.kind is not ChunkKind.TEXT or chunk.source != other.source:
        return False
    if not all(segment.heading for segment in chunk.segments):
        return False
    above, path = len(chunk.headings), other.headings
    return path[:above] == chunk.headings and " ".join(chunk.text.split("\n")[-1].split()) in path[above:]


def place_of(passage: Passage) -> Place:
    """Return where a passage stands, with the beginning of its text."""
    chunk = passage.chunk
    text = " ".join(chunk.text.split())
    short = text if len(text) <= _PLACE_CHARS else text[: _PLACE_CHARS - 1] + "…"
    return Place(chunk.source, chunk.title, chunk.locator, short, passage.edition)


def _build_form(chunk: Chunk) -> _Form:
    return _Form("".join(unicodedata.normalize("NFKC", _without_title(chunk)).lower().split()))


def _without_title(chunk: Chunk) -> str:
    """Return the text without the title of the document, which the first chunk of it begins with."""
    if not chunk.segments or not chunk.segments[0].heading or chunk.kind is ChunkKind.ROW:
        return chunk.text
    first = chunk.segments[0]
    length = first.end - first.start
    return chunk.text[length:] if squeeze(chunk.text[:length]) == squeeze(chunk.title) else chunk.text


def _is_same(best: Passage, best_form: _Form, other: Passage, other_form: _Form) -> bool:
    if not _is_like(best_form, other_form):
        return False
    if not _has_same_place_in_mind(best.chunk, other.chunk) or _are_editions(best, other):
        return False
    return best_form.text == other_form.text or _says_the_same(best_form, other_form)


def _is_like(one: _Form, other: _Form) -> bool:
    """Tell whether two texts may be nearly equal: as long, and of the same characters."""
    shorter, longer = len(one.text), len(other.text)
    if shorter > longer:
        shorter, longer = longer, shorter
    if shorter < _MIN_CHARS or shorter < MIN_JACCARD * longer:
        return False
    common = len(one.characters & other.characters)
    return common >= _SAME_CHARACTERS * (len(one.characters) + len(other.characters) - common)


def _has_same_place_in_mind(one: Chunk, other: Chunk) -> bool:
    """Tell whether what stands around two texts is the same, as far as they are not understood without it."""
    if one.kind is not other.kind:
        return False
    if one.kind is ChunkKind.ROW or one.context:
        return _squeeze_all((one.title, *one.headings)) == _squeeze_all((other.title, *other.headings))
    return _squeeze_all(one.headings[-1:]) == _squeeze_all(other.headings[-1:])


def _squeeze_all(names: Sequence[str]) -> list[str]:
    return [squeeze(name) for name in names]


def _are_editions(one: Passage, other: Passage) -> bool:
    if one.edition is None or other.edition is None or one.chunk.source == other.chunk.source:
        return False
    return one.edition.family == other.edition.family


def _says_the_same(one_form: _Form, other_form: _Form) -> bool:
    common = len(one_form.grams & other_form.grams)
    if common < MIN_JACCARD * (len(one_form.grams) + len(other_form.grams) - common):
        return False
    one, other = one_form.text, other_form.text
    if _find_marks(one) != _find_marks(other) or len(_NEGATION.findall(one)) != len(_NEGATION.findall(other)):
        return False
    return morphemes(one) == morphemes(other)


def _find_marks(text: str) -> list[str]:
    """Return the signs that mean something by themselves: ○ × △ + = ￥ %, in order."""
    return [character for character in text if character in "%‰〇" or unicodedata.category(character).startswith("S")]
