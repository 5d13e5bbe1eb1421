"""What `rag search` shows to people, in Japanese: the hits, what stands around them, and why they were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rag.documents import Chunk, Context, Filters, Passage
from rag.explanation import Explanation, Feature, FieldMatch, Leg, PassageExplanation
from rag.reports import describe_edition

_HIT_CHARS = 160
_WORDS_SHOWN = 8
_OTHERS_SHOWN = 5
_LEGS = {"lexical": "語句", "dense": "意味"}
_FIELDS = {"title": "表題", "headings": "見出し", "question": "質問", "body": "本文", "bigrams": "2文字"}
_WEIGHTS = {"page_support": "同じ頁の支え", "other_edition": "選ばれない版"}


def render_hits(
    passages: Sequence[Passage],
    *,
    explanation: Explanation | None = None,
    contexts: Mapping[str, Context] | None = None,
) -> str:
    """Return ranked passages. explanation: why, in the same order. contexts: chunk id -> what stands around it."""
    lines = _render_question(explanation) if explanation else []
    reasons = explanation.passages if explanation else (None,) * len(passages)
    for rank, (passage, reason) in enumerate(zip(passages, reasons, strict=True), start=1):
        chunk = passage.chunk
        lines.append(f"{rank}. {chunk.title} {chunk.locator.describe(chunk.source)}　{passage.score:.3f}")
        lines.append(f"   {chunk.source}{describe_edition(passage.edition)}")
        lines += _render_reason(reason) if reason else []
        lines.append(f"   {_shorten(chunk.text)}")
        lines += _render_others(passage)
        context = (contexts or {}).get(chunk.id)
        lines += _render_context(chunk, context) if context else []
    return "\n".join(lines) if passages else "\n".join([*lines, "見つかりませんでした。"])


_FEATURES_SHOWN = 8
_FEATURES = {
    "fused": "両検索の得点",
    "lexical": "語の得点",
    "saturation": "語の得点（満点比）",
    "dense": "意味の近さ",
    "nearness": "意味の近さ（首位比）",
    "sentence_cosine": "最も近い文",
    "heading_cosine": "見出しの近さ",
    "body": "本文にある語",
    "everywhere": "どこかにある語",
    "rare": "まれな語",
    "nouns": "名詞",
    "title": "表題にある語",
    "headings": "見出しにある語",
    "question": "Q&A の質問にある語",
    "sentence": "一文にそろう語",
    "sentences": "続く二文にそろう語",
    "place": "同じ頁にある語",
    "lacking": "欠けた名詞",
    "adjacent": "並んだ語",
    "runs": "同じ文字の並び",
    "numbers": "数字",
    "wanted": "求める種類の値",
    "unwanted": "求める種類の値がない",
    "support": "同じ頁のほかの箇所",
    "title_named": "表題を名指し",
    "question_named": "Q&A の質問を名指し",
    "in_range": "聞かれた数が範囲の中",
    "out_of_range": "聞かれた数が範囲の外",
    "like_everywhere": "全体の語の近さ",
    "like_sentence": "一文の語の近さ",
    "like_sentence_named": "一文と見出しの語の近さ",
    "like_gap": "最も足りない語",
    "reader": "読み比べ",
}


def _shorten(text: str, limit: int = _HIT_CHARS) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[:limit] + "…"


def _render_others(passage: Passage) -> list[str]:
    """Return the other places that say the same; how many more there are where they are too many."""
    shown = [f"{place.title} {place.locator.describe(place.source)}（{place.source}）" for place in passage.others]
    lines = [f"   同じ内容: {line}" for line in shown[:_OTHERS_SHOWN]]
    more = len(shown) - _OTHERS_SHOWN
    return [*lines, f"   同じ内容: ほか {more} か所"] if more > 0 else lines


def _render_context(chunk: Chunk, context: Context) -> list[str]:
    lines = [f"   前: {_shorten(context.before.text)}"] if context.before else []
    if len(context.section) > 1:
        name = " > ".join(chunk.headings) or chunk.title
        lines.append(f"   節「{name}」{'' if context.complete else '（一部）'}:")
        lines += [
            f"     {'▶' if part.id == chunk.id else '・'}{' '.join(part.text.split())}" for part in context.section
        ]
    return lines + ([f"   後: {_shorten(context.after.text)}"] if context.after else [])


def _render_question(explanation: Explanation) -> list[str]:
    terms = "、".join(f"{t.word}（重さ {t.idf:.2f}、{t.chunks} 件）" for t in explanation.terms)
    lines = [f"質問の理解: {explanation.understood}", f"  語: {terms or 'なし'}"]
    lines += [f"  読み替え: 「{c.written}」を「{c.read}」と読みました" for c in explanation.corrections]
    lines += [
        f"  言い換え: {w.of} → {'・'.join(w.words)}（重み {w.weight:g}、{w.reason}）" for w in explanation.expansions
    ]
    lines.append(
        f"  絞り込み: {_describe_filters(explanation.filters)}（{explanation.chunks} 件のうち {explanation.admitted} 件）"
    )
    lines.append(f"  重み: {'、'.join(_describe_weights(explanation.weights))}")
    return [*lines, ""]


def _describe_filters(filters: Filters) -> str:
    parts = (
        ("所管課", filters.department),
        ("種別", filters.kind.label if filters.kind else None),
        ("年度", filters.year),
        ("施行日", f"{filters.as_of.isoformat()} に施行中" if filters.as_of else None),
    )
    return "、".join(f"{name} {value}" for name, value in parts if value is not None) or "なし"


def _describe_weights(weights: Mapping[str, float]) -> Iterable[str]:
    for name, weight in weights.items():
        group, _, part = name.partition(".")
        label = {"field": _FIELDS, "leg": _LEGS}.get(group, _WEIGHTS).get(part or group, name)
        yield f"{label} {weight:g}"


def _render_reason(reason: PassageExplanation) -> list[str]:
    factor = f"、版 ×{reason.edition_factor:g}" if reason.edition_factor != 1 else ""
    if reason.rest is None:
        score = f"   得点 {reason.score:.3f}（並べ替え: 当たりの見込み{factor}）"
    else:
        score = f"   得点 {reason.score:.3f} = {_describe_sum(reason.legs)}{factor}、同じ頁の支え {reason.rest:+.3f}"
    matches = [f"   {_describe_match(match)}" for match in reason.fields]
    return [f"   {'、'.join(map(_describe_leg, reason.legs))}", score, *matches, *_render_features(reason.features)]


def _render_features(features: Sequence[Feature]) -> list[str]:
    """Return what weighed most in the reranker, for and against."""
    weighed = sorted(features, key=lambda feature: -abs(feature.contribution or 0.0))
    parts = [
        f"{_FEATURES.get(f.name, f.name)} {f.value:.2f}（{f.contribution or 0.0:+.2f}）"
        for f in weighed[:_FEATURES_SHOWN]
    ]
    return [f"   並べ替えの内訳: {'、'.join(parts)}"] if parts else []


def _describe_leg(leg: Leg) -> str:
    rank = "候補外" if leg.rank is None else f"{leg.rank}位"
    return f"{_LEGS.get(leg.name, leg.name)} {leg.score:.3f}（{rank}）"


def _describe_sum(legs: Sequence[Leg]) -> str:
    return " + ".join(f"{_LEGS.get(leg.name, leg.name)} {leg.contribution:.3f}" for leg in legs)


def _describe_match(match: FieldMatch) -> str:
    words = [f"{word} {score:.2f}" for word, score in match.words.items()]
    more = f" ほか {len(words) - _WORDS_SHOWN} 語" if len(words) > _WORDS_SHOWN else ""
    return f"{_FIELDS.get(match.field, match.field)}に一致 {match.score:.2f}: {'、'.join(words[:_WORDS_SHOWN])}{more}"
