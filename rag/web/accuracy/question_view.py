"""One question of a run: what was expected, what was answered, and what was found with the scores of every leg, as HTML.

Whatever stands in a document that is closed to the person who looks is left out. All texts pass `escape`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from eval.records import CitationRecord, HitRecord, PlaceRecord, QuestionRecord
from rag.documents import Locator
from rag.web.accuracy.figures import name_engine
from rag.web.accuracy.shelf import OpenSources
from rag.web.cards import render_badge
from rag.web.links import Links

CLOSED = "公開範囲外の文書のため、表示しません。"
_LEGS = {"lexical": "語句", "dense": "意味", "fused": "両方", "rerank": "並べ替え", "reranker": "並べ替え"}


def render_question(result: QuestionRecord, sources: OpenSources, links: Links) -> str:
    """Return a question with its evidence."""
    verdict = render_badge("正解") if result.outcome.correct else render_badge("誤り", "unverified")
    faults = "".join(f"<span>{escape(fault)}</span>" for fault in result.faults)
    parts = (_render_expected(result), _render_answer(result, sources, links), _render_hits(result, sources, links))
    return (
        f'<section class="evidence" aria-label="質問の根拠" tabindex="-1"><h3>{escape(result.id)}　{escape(result.text)}</h3>'
        f'<p class="where">{verdict}{faults}{_render_tags(result)}</p>{"".join(parts)}<div class="buttons">'
        f'<button type="button" class="example" data-id="{escape(result.id)}">今の索引で得点の内訳を見る</button>'
        f'<button type="button" class="example" data-ask="{escape(result.text)}">「質問する」で聞く</button>'
        f'<button type="button" class="example" data-back="{escape(result.id)}">一覧に戻る</button></div></section>'
    )


def _render_tags(result: QuestionRecord) -> str:
    day = f"基準日 {result.as_of.isoformat()}" if result.as_of else ""
    tags = (result.category, result.question_type, day, "検証用" if result.is_held_out else "")
    return "".join(f"<span>{escape(tag)}</span>" for tag in tags if tag)


def _render_expected(result: QuestionRecord) -> str:
    if not result.answerable:
        return "<h4>期待する回答</h4><p>回答しない（文書に答えがない質問）</p>"
    places = "".join(f"<li>{escape(place.describe())}</li>" for place in result.gold)
    facts = "".join(
        f"<li>{escape(fact)} {render_badge('回答にない', 'old') if fact in result.missing else ''}</li>"
        for fact in result.key_facts
    )
    model = f"<p>{escape(result.model_answer)}</p>" if result.model_answer else ""
    words = f"<p>必要な語</p><ul>{facts}</ul>" if facts else ""
    return f"<h4>期待する回答</h4>{model}<ul>{places}</ul>{words}"


def _render_answer(result: QuestionRecord, sources: OpenSources, links: Links) -> str:
    answer = result.answer
    if answer is None:
        return ""
    if not all(sources.holds(citation.place.source) for citation in answer.citations):
        return f"<h4>回答</h4><p>{CLOSED}</p>"
    text = escape(answer.text) if answer.text else "（回答していません）"
    warnings = "".join(f"<li>{escape(words)}</li>" for words in answer.warnings)
    cited = "".join(_render_citation(citation, links) for citation in answer.citations)
    near = _render_nearest(answer.nearest, sources)
    facts = f"確からしさ {answer.confidence:.0%}、{result.outcome.elapsed_ms:.0f} ミリ秒、{escape(name_engine(answer.engine))}"
    noted = f'<ul class="notice-box warning">{warnings}</ul>' if warnings else ""
    return f'<h4>回答</h4><p class="answer-text">{text}</p><p class="facts">{facts}</p>{noted}<ul class="cited">{cited}</ul>{near}'


def _render_citation(citation: CitationRecord, links: Links) -> str:
    place = render_badge("正しい箇所") if citation.at_gold else render_badge("別の箇所", "old")
    read = render_badge("原文と一致") if citation.read_back else render_badge("原文と不一致", "unverified")
    return (
        f"<li>[{citation.number}] {escape(citation.title)} {_render_place(citation.place, links)} {place}{read}"
        f'<blockquote class="quote">{escape(citation.quote)}</blockquote></li>'
    )


def _render_nearest(places: Iterable[PlaceRecord], sources: OpenSources) -> str:
    items = "".join(f"<li>{escape(place.describe())}</li>" for place in places if sources.holds(place.source))
    return f"<p>近い箇所</p><ul>{items}</ul>" if items else ""


def _render_place(place: PlaceRecord, links: Links) -> str:
    """Return a place as a link to the document, at its page, where it is in the index and open."""
    words = escape(place.describe())
    address = links.original(place.source, Locator.from_dict(place.locator).page)
    if address is None:
        return words
    return f'<a class="original" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{words}<span class="visually-hidden">（新しいタブ）</span></a>'


def _render_hits(result: QuestionRecord, sources: OpenSources, links: Links) -> str:
    """Return what was found, best first, with the score and the rank of each leg."""
    if not result.hits:
        return ""
    legs = list(dict.fromkeys(name for hit in result.hits for name in (*hit.legs, *hit.ranks)))
    names = ("得点", *map(_name_leg, legs))
    head = '<th scope="col">順</th><th scope="col" class="place">箇所</th>'
    head += "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(_render_hit(hit, legs, sources, links) for hit in result.hits)
    return (
        f'<h4>検索で見つけた箇所</h4><div class="table-box" tabindex="0" role="region" aria-label="検索で見つけた箇所">'
        f'<table class="figures hits-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _render_hit(hit: HitRecord, legs: Iterable[str], sources: OpenSources, links: Links) -> str:
    gold = render_badge("正しい箇所") if hit.at_gold else ""
    if sources.holds(hit.place.source):
        shown = f'{escape(hit.title)} {_render_place(hit.place, links)} {gold}<p class="excerpt">{escape(hit.text)}</p>'
    else:
        shown = f"{CLOSED} {gold}"
    cells = "".join(f'<td data-label="{escape(_name_leg(name))}">{_write_leg(hit, name)}</td>' for name in legs)
    return f'<tr><th scope="row">{hit.rank}</th><td class="place">{shown}</td><td data-label="得点">{hit.score:.3f}</td>{cells}</tr>'


def _write_leg(hit: HitRecord, name: str) -> str:
    score, rank = hit.legs.get(name), hit.ranks.get(name)
    parts = (f"{score:.3f}" if score is not None else "", f"（{rank}位）" if rank is not None else "")
    return "".join(parts) or "候補外"


def _name_leg(name: str) -> str:
    return _LEGS.get(name, name)
