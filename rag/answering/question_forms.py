"""Questions that a place of a document answers, in the document's own words: its official question, its headings, its rows.

Nothing is invented here: a question is put together from a heading and what it stands under, or from the name of a row and its column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from rag.answering.rows import split_cells
from rag.documents import Chunk, ChunkKind
from rag.reading.structure import article_number
from rag.retrieval.aspects import own_words
from rag.retrieval.follow_ups import is_follow_up
from rag.text import morphemes

MAX_CHARS = 40
_MAX_NAME_CHARS, _MAX_HEADING_CHARS = 20, 24
_NUMBERING = re.compile(
    r"^(?:第[0-9一二三四五六七八九十百]+(?:編|章|節|款|目|条|号|回|期)?(?:の[0-9一二三四五六七八九十]+)?(?=[\s.、:])|政策[0-9]+(?=\s)|資料[0-9]+(?=\s)|[0-9]+(?:[-.][0-9]+)*[.、]?(?=[\s(])|"
    r"\([0-9一二三四五六七八九十ア-ン]{1,3}\)|[①-⑳■◆●○【]|[ア-ン](?=[\s.、]))[\s.、:]*"
)
_BRACKETED = re.compile(r"\([^()]*\)$|】$")
_NO_TOPIC = re.compile(
    r"^(?:その他|附\s*則|付\s*則|目次|前文|はじめに|おわりに|コラム.*|注|備考|参考|資料編?|付録.*|目的|趣旨|定義|用語の.*|委任|適用.*|施行期日|経過措置|"
    r"総則|雑則|序論|想定|.*(?:このマニュアルについて|あいさつ))$"
)
_TITLE_TAIL = re.compile(
    r"(?:に関する|について|の)?(?:お知らせ|ご案内|案内|通知|要領|実施要領|要綱|マニュアル|手引き?|Q&A|よくある質問|一覧)?$"
)
_SEVERAL = re.compile(r"[とや・、]|及び|並びに")
_TITLE_YEAR = re.compile(r"^(?:(?:令和|平成|昭和)[0-9元]+年度?|[0-9]{4}年度?)\s*|\([^()]*\)$")
_GENERAL = re.compile(r"(?:一覧|見通し|概要|取扱い?|状況|推移|経過|結果|課題|方針|方向|取組|体系|請求|指標|役割|体制)$")
_YEAR = re.compile(r"^(?:明治|大正|昭和|平成|令和)?[0-9元]+年度?$")
_SENTENCE = re.compile(r"(?:[ただる。]|ない|たい|です|ます)$")
_UNIT = re.compile(r"\((?:単位.*|人|円|千円|百万円|％|%|件|点|か所|内線)\)$")
_NUMBER = re.compile(r"^[\d,.\s%円人件年月日第号位点−－-]+$")
_COLUMN_OF_NOTES = re.compile(r"^(?:備考|内容|番号|No\.?|区分|例|説明|様式|概要|単位|順位.*)$")


def questions_of(chunk: Chunk) -> Iterator[str]:
    """Yield the questions that a chunk answers by itself, the plainest first; each names its topic and is at most MAX_CHARS long."""
    forms = {ChunkKind.QA: _official, ChunkKind.ROW: _of_rows, ChunkKind.TEXT: _of_headings}[chunk.kind]
    for question in forms(chunk):
        if len(question) <= MAX_CHARS and own_words(question) and not is_follow_up(question):
            yield question


def name_heading(heading: str) -> str:
    """Return a heading without its number and brackets; "" for one that names nothing that people ask for.

    >>> [name_heading(h) for h in ("２　申請の期限", "第3章 証明書の交付", "(1) 届出期間", "（宿泊費）", "9 その他", "1-2 学校教育")]
    ['申請の期限', '証明書の交付', '届出期間', '宿泊費', '', '学校教育']
    """
    text = " ".join(unicodedata.normalize("NFKC", heading).split())
    if found := re.fullmatch(r"[(【]([^()【】]{2,})[)】]", text):
        text = found[1]
    while (found := _NUMBERING.match(text)) and found.end() < len(text):
        text = text[found.end() :]
    text = _BRACKETED.sub("", text).strip()
    return "" if _NO_TOPIC.match(text) or len(text) > _MAX_HEADING_CHARS or not re.search(r"[^\W\d_]", text) else text


def name_document(title: str) -> str:
    """Return the topic of a document out of its title.

    >>> name_document("令和8年度 移住定住補助金のお知らせ"), name_document("窓口事務マニュアル（令和8年度版）"), name_document("職員旅費規程")
    ('移住定住補助金', '窓口事務', '職員旅費規程')
    """
    text = _TITLE_YEAR.sub("", " ".join(unicodedata.normalize("NFKC", title).split()))
    text = _TITLE_YEAR.sub("", text)
    return _TITLE_TAIL.sub("", text) or text


def _official(chunk: Chunk) -> Iterator[str]:
    yield " ".join(chunk.question_text.split())


def _of_headings(chunk: Chunk) -> Iterator[str]:
    """Yield a question for each heading of a chunk that has text of its own below it."""
    above = [name for heading in chunk.headings if (name := name_heading(heading))]
    segments = list(chunk.segment_offsets())
    inside: list[str] = []
    if above and segments and not segments[0][1].heading and not any(segment.heading for _, segment in segments):
        yield from _ask_for(above[-1], above[:-1], chunk)
    for (offset, segment), following in zip(segments, [*segments[1:], None], strict=True):
        if not segment.heading:
            continue
        text = chunk.text[offset : offset + segment.end - segment.start]
        name = name_heading(text)
        if following is not None and not following[1].heading and name:
            body = chunk.text[following[0] :]
            yield from _ask_for(name, [*above, *inside], chunk, is_article=article_number(body) is not None)
        if name and (following is None or following[1].heading):
            inside.append(name)


def _ask_for(name: str, above: Sequence[str], chunk: Chunk, *, is_article: bool = False) -> Iterator[str]:
    """Yield the question for a heading: an aspect is asked of what it stands under, an article of its rule."""
    owner, own = above[-1] if above else name_document(chunk.title), own_words(name)
    if is_article:
        yield f"{name_document(chunk.title)}では、{name}はどう定めていますか"
    elif len(own) > 1 and not _GENERAL.search(name):
        yield f"{name}について教えてください"
    elif own_words(owner) and not _SEVERAL.search(name) and not set(morphemes(owner)) & set(morphemes(name)):
        yield f"{owner}の{name}について教えてください" if own else f"{owner}の{name}は？"


def _of_rows(chunk: Chunk) -> Iterator[str]:
    """Yield a question for the name of each row and the columns that say something of it."""
    rows = [_cells(chunk.text[o : o + s.end - s.start]) for o, s in chunk.segment_offsets() if not s.heading]
    if not chunk.context or len(rows) < 2:
        return
    header, aspect = rows[0], next((n for h in reversed(chunk.headings) if (n := name_heading(h))), "")
    if own_words(aspect) or aspect in header[0] or _SEVERAL.search(aspect):
        aspect = ""
    for row in rows[1:]:
        if len(row) != len(header) or not _is_name(row[0]):
            continue
        if aspect:
            yield f"{_bare(row[0])}の{aspect}は？"
            continue
        for column, value in zip(header[1:], row[1:], strict=True):
            if value and column and not _COLUMN_OF_NOTES.match(column) and len(column) <= _MAX_NAME_CHARS:
                yield f"{_bare(row[0])}の{_bare(column)}は？"


def _cells(row: str) -> list[str]:
    return [unicodedata.normalize("NFKC", cell) for cell in split_cells(row)]


def _bare(cell: str) -> str:
    return _UNIT.sub("", cell) or cell


def _is_name(cell: str) -> bool:
    """Tell whether a cell names something by itself: no number, no year, no sentence."""
    named = 2 <= len(cell) <= _MAX_NAME_CHARS and bool(own_words(cell))
    return named and not (_NUMBER.match(cell) or _YEAR.match(cell) or _SENTENCE.search(cell))
