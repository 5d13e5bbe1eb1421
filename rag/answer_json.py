"""The JSON objects of answers and hits: the command line and the API print the same ones. Absent keys are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rag.documents import Answer, Checks, Chunk, Citation, Contact, Context, Edition, Passage, Place, Standing
from rag.explanation import Explanation, PassageExplanation


def answer_to_dict(answer: Answer, *, id: str | None = None) -> dict[str, Any]:
    """Return the JSON form of an answer; `id` is that of the question in a batch."""
    return _present(
        id=id,
        status=answer.status.value,
        reason=answer.reason.value if answer.reason else None,
        understood=answer.understood,
        answer=answer.text,
        citations=[_citation_to_dict(citation) for citation in answer.citations],
        sought=list(answer.sought),
        nearest=[_place_to_dict(place) for place in answer.nearest],
        contact=_contact_to_dict(answer.contact) if answer.contact else None,
        warnings=[{"code": warning.code, "message": warning.message} for warning in answer.warnings],
        checks=_checks_to_dict(answer.checks),
        follow_ups=list(answer.follow_ups),
        confidence=round(answer.confidence, 4),
        engine=answer.engine,
        elapsed_ms=round(answer.elapsed_ms, 1),
    )


def hits_to_dict(passages: Iterable[Passage], id: str | None = None) -> dict[str, Any]:
    """Return the JSON form of ranked passages; `id` is that of the question in a batch."""
    return _present(id=id) | {"hits": [_hit_to_dict(rank, passage) for rank, passage in enumerate(passages, start=1)]}


def explanation_to_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON form of why passages were found, without the passages themselves; they are in the same order."""
    filters = explanation.filters
    as_of = filters.as_of.isoformat() if filters.as_of else None
    return _present(
        question=explanation.question,
        understood=explanation.understood,
        terms=[{"word": t.word, "idf": round(t.idf, 4), "chunks": t.chunks} for t in explanation.terms],
        nouns=list(explanation.nouns),
        expansions=[
            {"of": w.of, "words": list(w.words), "weight": w.weight, "reason": w.reason} for w in explanation.expansions
        ],
        corrections=[{"written": c.written, "read": c.read} for c in explanation.corrections],
        filters=_present(
            department=filters.department, kind=filters.kind and filters.kind.value, year=filters.year, as_of=as_of
        ),
        admitted=explanation.admitted,
        chunks=explanation.chunks,
        weights=_round(explanation.weights),
    )


def add_explanation(hits: dict[str, Any], explanation: Explanation) -> dict[str, Any]:
    """Return the JSON form of hits with why they were found: `explanation` for the question, `why` in each hit."""
    why = [{**hit, "why": _why_to_dict(p)} for hit, p in zip(hits["hits"], explanation.passages, strict=True)]
    return {**hits, "hits": why, "explanation": explanation_to_dict(explanation)}


def context_to_dict(context: Context) -> dict[str, Any]:
    """Return the JSON form of what stands around a passage."""
    return _present(
        before=_chunk_to_dict(context.before) if context.before else None,
        after=_chunk_to_dict(context.after) if context.after else None,
        section=[_chunk_to_dict(chunk) for chunk in context.section],
        complete=context.complete,
    )


def _chunk_to_dict(chunk: Chunk) -> dict[str, Any]:
    return {"locator": chunk.locator.as_dict(), "text": chunk.text}


def _why_to_dict(passage: PassageExplanation) -> dict[str, Any]:
    return _present(
        legs={
            leg.name: _present(
                score=round(leg.score, 6),
                rank=leg.rank,
                share=round(leg.share, 6),
                contribution=round(leg.contribution, 6),
            )
            for leg in passage.legs
        },
        fields={
            match.field: {"score": round(match.score, 6), "words": _round(match.words)} for match in passage.fields
        },
        edition_factor=passage.edition_factor,
        rest=None if passage.rest is None else round(passage.rest, 6),
        features=[
            _present(
                name=f.name,
                value=round(f.value, 6),
                contribution=None if f.contribution is None else round(f.contribution, 6),
            )
            for f in passage.features
        ],
    )


def _round(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}


def _hit_to_dict(rank: int, passage: Passage) -> dict[str, Any]:
    others = [_place_to_dict(place) for place in passage.others]
    return (
        {
            "rank": rank,
            "score": round(passage.score, 6),
            "source": passage.chunk.source,
            "title": passage.metadata.title,
            "locator": passage.chunk.locator.as_dict(),
            "text": passage.chunk.text,
        }
        | _edition_to_dict(passage.edition)
        | _present(others=others)
    )


def _checks_to_dict(checks: Checks) -> dict[str, Any]:
    struck = [{"text": statement.text, "reason": statement.reason} for statement in checks.struck]
    counts = {"quotes": checks.quotes, "statements": checks.statements, "facts": checks.facts}
    return {name: value for name, value in counts.items() if value} | _present(struck=struck)


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "source": citation.source,
        "title": citation.title,
        "locator": citation.locator.as_dict(),
        "quote": citation.quote,
        "verified": citation.verified,
    } | _present(marks=_marked_words(citation), **_edition_to_dict(citation.edition))


def _marked_words(citation: Citation) -> list[str]:
    return list(dict.fromkeys(words for words, marked in citation.marked_quote if marked))


def _place_to_dict(place: Place) -> dict[str, Any]:
    found = {"source": place.source, "title": place.title, "locator": place.locator.as_dict(), "text": place.text}
    return found | _edition_to_dict(place.edition)


def _edition_to_dict(edition: Edition | None) -> dict[str, Any]:
    """Return the keys of what is not in force: the newer edition, or the day from which it will be."""
    if edition is None or edition.standing is Standing.CURRENT:
        return {}
    newer = edition.superseded_by
    begins = edition.begins.isoformat() if edition.standing is Standing.COMING and edition.begins else None
    return _present(
        superseded_by={"source": newer.source, "title": newer.title} if newer else None, in_force_from=begins
    )


def _contact_to_dict(contact: Contact) -> dict[str, Any]:
    return _present(department=contact.department, extension=contact.extension)


def _present(**values: Any) -> dict[str, Any]:
    """Return the values that are not absent: neither None nor empty.

    >>> _present(id=None, answer="", citations=[], confidence=0.0)
    {'confidence': 0.0}
    """
    return {
        key: value for key, value in values.items() if value is not None and value != "" and value != [] and value != {}
    }
