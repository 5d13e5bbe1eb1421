"""What an answer can be made of: the official answer, a table row, a sentence or list item, with its neighbours in mind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.documents import Chunk, ChunkKind, Passage, Segment
from rag.reading.structure import is_list_item
from rag.text import split_sentences

_LEAD_IN = re.compile(r"(?:次|以下|下記|左記|右記|つぎ)[のに]|とおり|[:：]$|手順|流れ|持ち物|必要なもの")
_POINTS_AHEAD = re.compile(
    r"(?:次|以下|下記|左記|右記|つぎ|下|別)(?:の|に示す)?[^、。\s]{0,4}(?:とおり|通り)[^、。]{0,8}[。:：]?\s*$"
)  # all that the sentence says stands elsewhere: 次の表のとおりです。
_CONTENTS = re.compile(r"[.．・…‥･]{3,}\s*[0-9０-９ivxlc-]*$")  # a line of a table of contents
_DATE_LINE = re.compile(
    r"^[\s　]*(?:(?:令和|平成|昭和)\s*|(?=[12１２]))[0-9０-９元]+\s*年\s*[0-9０-９]+\s*月(?:\s*[0-9０-９]+\s*日)?(?:[(（][^)）]{1,3}[)）])?[\s　]*[^\s　。、]{0,12}[\s　]*$"
)  # when a document was written, and by whom: no answer to a question
_OPENS = r"^[「『（(・\s]*(?:また、?|なお、?|しかし、?|そして、?|さらに、?|つまり、?|すなわち、?|一方、?)?"
_POINTS_BACK = re.compile(
    rf"{_OPENS}(?:これ(?!まで)|この(?!まち|町)|こう|その(?!他|ほか)|それ(?!ぞれ)|そこ|そう|同[年月日氏社校国地条項法]|彼|後者|前者|当時|こちら|そちら|かかる|いずれも|両者|ここ)"
)
_WISH = re.compile(
    r"(?:(?:ほ|欲)しい(?:です)?|(?:不安|心配)(?:だ|です|である)|助か(?:る|ります)|ありがたい(?:です)?|思い込んでい(?:た|ました))[。」』]*$"
)  # what somebody said: the voices of a survey
_PREAMBLE = re.compile(
    r"^(?:[(（][^()（）]{1,12}[)）]\s*)?(?:第[0-9０-９一二三四五六七八九十]+条(?:の[0-9０-９一二三四五六七八九十]+)?\s*)?(?:[(（][^()（）]{1,12}[)）]\s*)?"
    r"(?:(?:この|本)(?:規程|規則|要領|要綱|条例|手引き?|計画|マニュアル|指針)は、?.*(?:定め|目的と|示すもの|示したもの|まとめたもの)|根拠は)"
)  # why a text was written, and on what it rests
_VOICES = re.compile("(?<![音名])声|意見|要望|アンケート|自由記述|ヒアリング|聞き取り")  # headings of what people say
_EXCEPTION = re.compile(r"^[\s(（]*(?:ただし|但し|この限り|この場合|前項の場合)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch [start, end) of a passage's text that can stand in an answer.

    score: probability that it answers the question. points_ahead: what it says stands behind it (次の表のとおりです); points_back: it begins with a word for what stands before it (これは, その際);
    is_exception: it limits the rule before it (ただし…). is_wish: it is what somebody wishes or worries about; is_preamble: it says why a
    text was written, or on what law it rests. columns: of a row, those that were asked for and those that name it; () where none
    was asked for by its heading. is_out_of_range: its ranges do not hold the numbers that were asked for.
    """

    passage: int
    start: int
    end: int
    is_heading: bool = False
    is_item: bool = False
    is_lead_in: bool = False
    points_ahead: bool = False
    points_back: bool = False
    is_exception: bool = False
    is_wish: bool = False
    is_preamble: bool = False
    score: float = 0.0
    columns: tuple[int, ...] = ()
    is_out_of_range: bool = False

    def text(self, passages: Sequence[Passage]) -> str:
        """Return its words."""
        return passages[self.passage].chunk.text[self.start : self.end]


def split_passages(passages: Sequence[Passage]) -> list[Unit]:
    """Return the units of passages, in order."""
    return [unit for number, passage in enumerate(passages) for unit in split_units(passage.chunk, number)]


def leave_out_voices(units: Sequence[Unit], passages: Sequence[Passage]) -> list[Unit]:
    """Return the units without the wishes and worries below a heading of voices: 「…がほしい」 there does not say what the town does."""
    kept, passage, are_voices = list[Unit](), -1, False
    for unit in units:
        if unit.passage != passage:
            passage, are_voices = unit.passage, any(map(_VOICES.search, passages[unit.passage].chunk.headings))
        if unit.is_heading:
            are_voices = bool(_VOICES.search(unit.text(passages)))
        if not (are_voices and unit.is_wish and not unit.is_heading):
            kept.append(unit)
    return kept


def split_units(chunk: Chunk, passage: int) -> list[Unit]:
    """Return the units of a chunk in order: one for a Q&A pair, one a row of a table, else one a sentence or item."""
    if chunk.kind is ChunkKind.QA:
        span = chunk.answer or chunk.question
        return [Unit(passage, *span)] if span else []
    bodies = list(chunk.segment_offsets())[chunk.context :]
    if chunk.kind is ChunkKind.ROW:
        return [Unit(passage, offset, offset + s.end - s.start) for offset, s in bodies]
    return _split_sentences(chunk, bodies, passage)


def _split_sentences(chunk: Chunk, bodies: Sequence[tuple[int, Segment]], passage: int) -> list[Unit]:
    """Return the sentences of segments (offset in the text, segment); one that runs on over a page break is whole.

    Nothing else takes a chunk of text over a page break.
    """
    units: list[Unit] = []
    page = 0
    for offset, segment in bodies:
        whole = chunk.text[offset : offset + segment.end - segment.start]
        is_item, is_heading = is_list_item(whole), segment.heading or bool(_DATE_LINE.search(whole))
        for first, last in split_sentences(whole):
            begun = units.pop() if units and segment.page != page else None
            start, of_item = (begun.start, begun.is_item) if begun else (offset + first, is_item)
            units.append(_build_sentence(chunk.text, start, offset + last, passage, of_item, is_heading))
            page = segment.page
    return units


def _build_sentence(text: str, start: int, end: int, passage: int, is_item: bool, is_heading: bool) -> Unit:
    """Return characters [start, end) of a text as a unit. is_item, is_heading: whether the segment is one that they stand in."""
    piece = text[start:end].replace("\n", "")
    is_heading = is_heading or bool(_CONTENTS.search(piece))
    return Unit(
        passage,
        start,
        end,
        is_heading=is_heading,
        is_item=is_item and not is_heading,  # (1) 申請 may be a heading
        is_lead_in=bool(_LEAD_IN.search(piece)),
        points_ahead=bool(_POINTS_AHEAD.search(piece)),
        points_back=bool(_POINTS_BACK.search(piece)),
        is_exception=bool(_EXCEPTION.search(piece)),
        is_wish=bool(_WISH.search(piece.rstrip())),
        is_preamble=bool(_PREAMBLE.search(piece)),
    )
