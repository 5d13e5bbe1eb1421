"""Questions that the documents themselves suggest: their sentences, tables, articles, steps and official questions, no LLM needed.

Every suggestion has the place where its answer stands and key facts that are written there: `suggest_from_chunk`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eval.document_places import place_of_segment
from eval.places import Gold
from eval.question_sheet import AS_OF, PURPOSE
from eval.suggestion_cells import YEAR, ask_of_cell, find_unit, reword_question
from eval.suggestion_forms import Asked, ask_of_sentence
from rag.activity.candidates import find_key_facts
from rag.activity.place_cells import SEPARATORS
from rag.answering.facts import FactKind, find_facts
from rag.answering.question_forms import name_document, name_heading
from rag.documents import CELL_SEPARATOR, Chunk, ChunkKind, Metadata, Segment
from rag.reading.structure import article_number, is_list_item
from rag.retrieval.aspects import own_words
from rag.text import morphemes, split_sentences

_MOST_ANSWER, _MOST_QUESTION = 120, 70
_LEAST_STEPS = 3
_LEAST_FACT = 2  # characters: a single digit stands in every answer
_SELF_EXPLAINING, _LONG_NAME, _LONG_TOPIC = 2, 7, 5
"""Words of its own from which on what is asked about needs no name of what it belongs to."""
_SAID_WHERE_ASKED = tuple(
    (re.compile(asked), re.compile(said))
    for asked, said in (
        (r"いくら|料金|手数料|金額|費用", r"円"),
        (r"何人|何名", r"[人名]"),
        (r"何時", r"時"),
        (r"いつ|何日|何曜|期限|何か月|何年|どのくらい", r"[日月年時週]"),
        (r"何回", r"回"),
        (r"どこ|誰|なぜ", r"内線"),
    )
)
"""What a question asks for, and what the fact that answers it holds."""
_FROM_TO = re.compile(r"(?:何[時日月]|何曜日?|いつ)から.*(?:何[時日月]|何曜日?|いつ)まで")
_WHAT_UNIT = re.compile(r"何(?![かがをでとも])([^でがをはにか、。]{1,2})")
_CLEAR_KINDS = frozenset(
    {FactKind.AMOUNT, FactKind.DATE, FactKind.PERIOD, FactKind.TIME, FactKind.FORM, FactKind.PHONE}
)
_NO_SCOPE = re.compile(r"^(?:主な|前期|後期|資料)|様式第|一覧$|電話|[0-9０-９]{3,}[-－]")
_PAPER = re.compile(r"[^のはをが]{3,}[書届票証]$")
_CONTENTS = re.compile(r"[.．・…‥･]{4,}")
_SENTENCE_TITLE = re.compile(r"[。？?]|ですか|ますか")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that a place of a document answers. origin: what it was made of (表, 条文, 期限, …).

    rank: of the place when the question is searched, None where it is not found or was not searched.
    """

    question: str
    gold: Gold
    key_facts: tuple[str, ...]
    answer: str
    origin: str
    category: str
    department: str
    chunk: Chunk
    rank: int | None = None

    def write_cells(self, number: str) -> dict[str, str]:
        """Return it as the cells of a row of a question set."""
        found = "検索で見つかりません" if self.rank is None else f"検索で {self.rank} 位"
        return {
            "番号": number,
            "質問": self.question,
            "期待する文書": self.gold.source,
            "ページ／行": self.gold.write(),
            "正解に含まれる語": ";".join(self.key_facts),
            "模範解答": self.answer,
            "分類": self.category,
            "回答可否": "可",
            "担当課": self.department,
            "備考": f"候補: {self.origin}（{found}）",
            AS_OF: "",
            PURPOSE: "",
        }


def suggest_from_chunk(chunk: Chunk, metadata: Metadata, replace: Callable[[str], str] = str) -> Iterator[Suggestion]:
    """Yield the questions that a chunk answers. replace: puts other words in place of some (see `reword_question`)."""
    makers = {ChunkKind.QA: _of_official, ChunkKind.ROW: _of_rows, ChunkKind.TEXT: _of_text}
    for asked, answer, segment in makers[chunk.kind](chunk, replace):
        gold = place_of_segment(chunk, segment)
        facts = tuple(fact for fact in asked.key_facts if len(fact) >= _LEAST_FACT and not SEPARATORS.search(fact))
        is_open = not any(fact in asked.question for fact in facts)
        if gold and facts and is_open and len(asked.question) <= _MOST_QUESTION and not SEPARATORS.search(chunk.source):
            yield Suggestion(
                " ".join(asked.question.split()),
                gold,
                facts,
                answer[:_MOST_ANSWER],
                asked.kind,
                metadata.kind.label,
                metadata.department or "",
                chunk,
            )


_Made = tuple[Asked, str, Segment]


def _of_official(chunk: Chunk, replace: Callable[[str], str]) -> Iterator[_Made]:
    question = reword_question(" ".join(chunk.question_text.split()), replace)
    answer = chunk.text[slice(*chunk.answer)].strip() if chunk.answer else ""
    facts = choose_facts(chunk.question_text, answer)
    if question and facts:
        yield Asked("Q&A", question, facts), answer, chunk.locate(*(chunk.answer or (0, 1)))[0]


def choose_facts(question: str, answer: str) -> tuple[str, ...]:
    """Return the fact of an answer that its question asks for, two for from when to when; nothing where it cannot be told.

    >>> choose_facts("職員は何人ですか。", "11か所に、1か所当たり4人を指名しています。"), choose_facts("手数料はいくらですか", "翌日から1通300円です。")
    (('4人',), ('300円',))
    >>> choose_facts("休みはいつですか。", "水曜日です。入館は300円です。"), choose_facts("申請できますか", "町民課の窓口でできます。")
    (('水曜日',), ())
    >>> choose_facts("役所は何時から何時までですか。", "午前8時30分から午後5時15分までです。")
    ('午前8時30分', '午後5時15分')
    """
    first = answer[: next((end for _, end in split_sentences(answer)), 0)]
    wanted = next((said for asked, said in _SAID_WHERE_ASKED if asked.search(question)), None)
    if wanted is None and (unit := _WHAT_UNIT.search(question)):
        wanted = re.compile(re.escape(unit[1]))
    if wanted is not None:
        found = dict.fromkeys(fact for said in (first, answer) for fact in find_key_facts(said) if wanted.search(fact))
        return tuple(found)[: 2 if _FROM_TO.search(question) else 1]
    return _find_clear_facts(first)[:1]


def _find_clear_facts(text: str) -> tuple[str, ...]:
    """Return the amounts, days, periods, times, forms and telephone numbers of a text: what a question may be about without saying so."""
    facts = (text[fact.start : fact.end] for fact in find_facts(text) if fact.kind in _CLEAR_KINDS)
    return tuple(dict.fromkeys(fact for fact in facts if not SEPARATORS.search(fact)))


def _of_rows(chunk: Chunk, _: Callable[[str], str]) -> Iterator[_Made]:
    rows = [
        (segment, _cells(chunk.text[o : o + segment.end - segment.start])) for o, segment in chunk.segment_offsets()
    ]
    if not chunk.context:
        return
    header = next((cells for segment, cells in rows[: chunk.context] if not segment.heading), [])
    headings = [" ".join(cells) for segment, cells in rows[: chunk.context] if segment.heading]
    for segment, cells in rows[chunk.context :]:
        if len(cells) != len(header):
            continue
        for column, value in list(zip(header, cells, strict=True))[1:]:
            scope = _scope(chunk, cells[0], is_needed=bool(YEAR.fullmatch(column)))
            unit = find_unit(cells[0], column, value, (*chunk.headings, *headings))
            if asked := ask_of_cell(cells[0], column, value, scope, unit):
                told = f"（単位：{unit}）" if unit and unit not in column else ""
                yield asked, f"{cells[0]}の{column}: {value}{told}", segment


def _cells(row: str) -> list[str]:
    return [" ".join(cell.split()) for cell in row.split(CELL_SEPARATOR if CELL_SEPARATOR in row else "|")]


def _of_text(chunk: Chunk, _: Callable[[str], str]) -> Iterator[_Made]:
    """Yield questions of the sentences, then those of an article and of the steps that stand under one heading."""
    heading = _last(chunk.headings)
    parts: list[tuple[Segment, str]] = []
    for offset, segment in list(chunk.segment_offsets())[chunk.context :]:
        text = chunk.text[offset : offset + segment.end - segment.start]
        if segment.heading:
            yield from _of_section(chunk, heading, parts)
            heading, parts = name_heading(text) or heading, []
            continue
        if _CONTENTS.search(text):
            continue
        parts.append((segment, text))
        for start, end in split_sentences(text):
            for asked in ask_of_sentence(text[start:end]):
                yield _with_scope(asked, chunk, heading), " ".join(text[start:end].split()), segment
    yield from _of_section(chunk, heading, parts)


def _of_section(chunk: Chunk, heading: str, parts: Sequence[tuple[Segment, str]]) -> Iterator[_Made]:
    if not heading or not parts or _SENTENCE_TITLE.search(heading) or not own_words(heading):
        return
    whole = "\n".join(text for _, text in parts)
    steps = [(segment, text) for segment, text in parts if is_list_item(text)]
    facts = [(segment, fact) for segment, text in parts for fact in find_key_facts(text) if not article_number(fact)][
        :1
    ]
    document = name_document(chunk.title)
    if article_number(whole) and facts:
        lead = f"{document}では、" if document not in heading else ""
        asked = Asked("条文", f"{lead}{heading}についてどのように定められていますか。", (facts[0][1],))
        yield asked, " ".join(whole.split()), facts[0][0]
    elif len(steps) >= _LEAST_STEPS and facts and re.search(r"手順|流れ|手続|方法|対応|届|申請|交付|開設", heading):
        asked = Asked("手順", f"{_name(chunk, heading)}の手順を教えてください。", (facts[0][1],))
        yield asked, " ".join(whole.split()), facts[0][0]


def _with_scope(asked: Asked, chunk: Chunk, heading: str) -> Asked:
    """Return a question that can be understood alone: what is asked about is named after its heading or document where it must be."""
    topic = re.split(r"は|の(?:様式|上限|内線)", asked.question, maxsplit=1)[0]
    if (_is_clear(topic) and len(topic) >= _LONG_TOPIC) or asked.kind in ("連絡先", "用語"):
        return asked
    words = set(morphemes(topic))
    above = (heading, *map(name_heading, reversed(chunk.headings)), chunk.title)
    for name in (name_document(name) for name in above if name and not _NO_SCOPE.search(name)):
        if own_words(name) and not set(morphemes(name)) <= words and not _SENTENCE_TITLE.search(name):
            return asked._replace(
                question=f"{name}で、{asked.question}" if "の" in topic else f"{name}の{asked.question}"
            )
    return asked if own_words(topic) else asked._replace(key_facts=())


def _is_clear(name: str) -> bool:
    """Tell whether a name says by itself what it is of; that of a paper does (旅費請求書)."""
    return (
        bool(_PAPER.search(name))
        or len(own_words(name)) >= _SELF_EXPLAINING
        or (bool(own_words(name)) and len(name) >= _LONG_NAME)
    )


def _name(chunk: Chunk, heading: str) -> str:
    document = name_document(chunk.title)
    return heading if len(own_words(heading)) >= _SELF_EXPLAINING or document in heading else f"{document}の{heading}"


def _scope(chunk: Chunk, row: str, *, is_needed: bool) -> str:
    """Return what a table is of: its heading or document, where the name of a row does not say it, or where it is needed anyway."""
    if (_is_clear(row) and not is_needed) or _NO_SCOPE.search(row):
        return ""
    named = [name_document(name) for heading in reversed(chunk.headings) if (name := name_heading(heading))]
    words = set(morphemes(row))
    fitting = (n for n in (*named, name_document(chunk.title)) if own_words(n) and not _NO_SCOPE.search(n))
    return next((name for name in fitting if not set(morphemes(name)) & words), "")


def _last(headings: Sequence[str]) -> str:
    return next((name for heading in reversed(headings) if (name := name_heading(heading))), "")
