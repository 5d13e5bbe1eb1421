"""A plain ranked list of places, for those who only want to find: each with its excerpt and marks, and facets to narrow the list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from rag.documents import Filters, Passage
from rag.text import nouns
from rag.web.cards import render_badge, render_edition, render_original
from rag.web.filter_bar import name_year, render_chips
from rag.web.links import Links

EXCERPT_CHARS = 160
_LEAD = 40
FACETS = (("department", "所管課"), ("kind", "種別"), ("year", "年度"), ("file", "ファイルの種類"))
UNKNOWN = "不明"


def render_hits(question: str, passages: Sequence[Passage], filters: Filters, links: Links) -> str:
    """Return the list with its facets; the page's script narrows it without asking again."""
    asked = f'<p class="asked"><span class="asked-label">探した内容</span><span class="asked-text">{escape(question)}</span></p>'
    head = f"{asked}{render_chips(filters)}"
    if not passages:
        return f'<div class="result">{head}<p class="no-hits" role="status">条件に合う箇所が見つかりませんでした。言葉を変えるか、絞り込みを解除してください。</p></div>'
    words = [*nouns(question), *question.split()]
    items = "".join(_render_hit(passage, words, links) for passage in passages)
    count = f'<p class="hit-count" role="status">{len(passages)} 件</p>'
    return (
        f'<div class="result">{head}<div class="finder">{_render_facets(passages)}'
        f'<section aria-labelledby="found"><h2 id="found">見つかった箇所</h2>{count}<ol class="hits">{items}</ol></section></div></div>'
    )


def find_facets(passage: Passage) -> dict[str, str]:
    """Return the value of each facet, by its name in FACETS."""
    metadata = passage.metadata
    _, dot, suffix = passage.chunk.source.rpartition("/")[2].rpartition(".")
    return {
        "department": metadata.department or UNKNOWN,
        "kind": metadata.kind.label,
        "year": name_year(metadata.year) if metadata.year is not None else UNKNOWN,
        "file": suffix.lower() if dot else UNKNOWN,
    }


def mark_words(text: str, words: Iterable[str]) -> str:
    """Return a text as HTML with the given words marked, the longer ones first.

    >>> mark_words("転入届と<b>転出</b>届", ["転出", "届", "転入届"])
    '<mark>転入届</mark>と&lt;b&gt;<mark>転出</mark>&lt;/b&gt;届'
    """
    pattern = _find_any(words)
    if pattern is None:
        return escape(text)
    pieces = pattern.split(text)
    return "".join(
        f"<mark>{escape(piece)}</mark>" if index % 2 else escape(piece) for index, piece in enumerate(pieces)
    )


def cut_excerpt(text: str, words: Iterable[str]) -> str:
    """Return the surroundings of the first of the words, at most EXCERPT_CHARS characters.

    >>> cut_excerpt("短い文", ["文"])
    '短い文'
    """
    flat = " ".join(text.split())
    pattern = _find_any(words)
    found = pattern.search(flat) if pattern else None
    start = max(0, min(found.start() - _LEAD, len(flat) - EXCERPT_CHARS)) if found else 0
    cut = flat[start : start + EXCERPT_CHARS]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT_CHARS < len(flat) else ''}"


def _find_any(words: Iterable[str]) -> re.Pattern[str] | None:
    longer_first = sorted({word for word in words if len(word) > 1}, key=lambda word: (-len(word), word))
    return re.compile(f"({'|'.join(map(re.escape, longer_first))})", re.IGNORECASE) if longer_first else None


def _render_hit(passage: Passage, words: Sequence[str], links: Links) -> str:
    chunk, locator = passage.chunk, passage.chunk.locator
    sought = [*passage.terms, *words]
    facets = "".join(f' data-{name}="{escape(value)}"' for name, value in find_facets(passage).items())
    where = [locator.describe(chunk.source), passage.metadata.department or "", chunk.source]
    places = "".join(f"<span>{escape(part)}</span>" for part in where if part)
    return (
        f'<li class="card hit"{facets}><h3>{mark_words(chunk.title, sought)}</h3>'
        f'<p class="where">{places}{_render_badges(passage, links)}</p>{render_edition(passage.edition, links)}'
        f'<p class="excerpt">{mark_words(cut_excerpt(chunk.text, sought), sought)}</p>'
        f"{render_original(chunk.source, locator, links)}</li>"
    )


def _render_badges(passage: Passage, links: Links) -> str:
    chunk = passage.chunk
    read = links.ocr_confidence(chunk.source, chunk.segments[0].page)
    ocr = render_badge(f"文字認識（OCR）{read:.0%}", "old") if read is not None else ""
    same = render_badge(f"同じ内容の箇所 {len(passage.others)}", "plain") if passage.others else ""
    return f"{ocr}{same}"


def _render_facets(passages: Sequence[Passage]) -> str:
    found = [find_facets(passage) for passage in passages]
    groups = "".join(_render_facet(name, label, Counter(facets[name] for facets in found)) for name, label in FACETS)
    return f'<div class="facets" role="group" aria-label="結果の絞り込み">{groups}</div>'


def _render_facet(name: str, label: str, counts: Counter[str]) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" data-facet="{name}" value="{escape(value)}"> '
        f'<span>{escape(value)}</span> <span class="count">{count}</span></label>'
        for value, count in counts.most_common()
    )
    return f"<fieldset><legend>{label}</legend>{boxes}</fieldset>"
