"""The JSON objects of answers and hits: the command line and the API print the same ones. Absent keys are left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rag.documents import Answer, Citation, Contact, Edition, Passage, Place, Standing


def answer_to_dict(answer: Answer, *, id: str | None = None) -> dict[str, Any]:
    """Return the JSON form of an answer; `id` is that of the question in a batch."""
    return _present(
        id=id,
        status=answer.status.value,
        reason=answer.reason.value if answer.reason else None,
        answer=answer.text,
        citations=[_citation_to_dict(citation) for citation in answer.citations],
        nearest=[_place_to_dict(place) for place in answer.nearest],
        contact=_contact_to_dict(answer.contact) if answer.contact else None,
        warnings=[{"code": warning.code, "message": warning.message} for warning in answer.warnings],
        confidence=round(answer.confidence, 4),
        engine=answer.engine,
        elapsed_ms=round(answer.elapsed_ms, 1),
    )


def hits_to_dict(passages: Iterable[Passage], id: str | None = None) -> dict[str, Any]:
    """Return the JSON form of ranked passages; `id` is that of the question in a batch."""
    return _present(id=id) | {"hits": [_hit_to_dict(rank, passage) for rank, passage in enumerate(passages, start=1)]}


def _hit_to_dict(rank: int, passage: Passage) -> dict[str, Any]:
    return {
        "rank": rank,
        "score": round(passage.score, 6),
        "source": passage.chunk.source,
        "title": passage.metadata.title,
        "locator": passage.chunk.locator.as_dict(),
        "text": passage.chunk.text,
    } | _edition_to_dict(passage.edition)


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "source": citation.source,
        "title": citation.title,
        "locator": citation.locator.as_dict(),
        "quote": citation.quote,
        "verified": citation.verified,
    } | _edition_to_dict(citation.edition)


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
    return {key: value for key, value in values.items() if value is not None and value != "" and value != []}
