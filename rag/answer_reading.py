"""An answer out of its JSON form, to be shown again: what the form does not hold (spans, checks struck, editions' days) stays empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rag.documents import (
    Answer,
    Checks,
    Citation,
    Contact,
    Edition,
    Locator,
    OtherEdition,
    Place,
    Reason,
    Standing,
    Status,
    Warning_,
)


def read_answer(values: Mapping[str, Any]) -> Answer:
    """Return the answer of a JSON form of `rag.answer_json.answer_to_dict`. Raises KeyError and ValueError for any other object."""
    contact = values.get("contact")
    return Answer(
        Status(values["status"]),
        values.get("answer", ""),
        values["confidence"],
        values["engine"],
        values["elapsed_ms"],
        reason=Reason(values["reason"]) if "reason" in values else None,
        citations=tuple(map(_read_citation, values.get("citations", ()))),
        nearest=tuple(map(_read_place, values.get("nearest", ()))),
        contact=Contact(contact["department"], contact.get("extension")) if contact else None,
        warnings=tuple(Warning_(w["code"], w["message"]) for w in values.get("warnings", ())),
        checks=Checks(quotes=values.get("checks", {}).get("quotes", 0)),
        understood=values.get("understood"),
        sought=tuple(values.get("sought", ())),
        follow_ups=tuple(values.get("follow_ups", ())),
    )


def _read_citation(values: Mapping[str, Any]) -> Citation:
    locator = Locator.from_dict(values["locator"])
    return Citation(
        values["number"],
        values["source"],
        values["title"],
        locator,
        locator.page or 1,
        (),
        values["quote"],
        values["verified"],
        edition=_read_edition(values),
    )


def _read_place(values: Mapping[str, Any]) -> Place:
    locator = Locator.from_dict(values["locator"])
    return Place(values["source"], values["title"], locator, values["text"], _read_edition(values))


def _read_edition(values: Mapping[str, Any]) -> Edition | None:
    newer, begins = values.get("superseded_by"), values.get("in_force_from")
    instead = OtherEdition(newer["source"], newer["title"]) if newer else None
    if begins:
        return Edition("", Standing.COMING, date.fromisoformat(begins), instead)
    return Edition("", Standing.OLD, instead=instead) if instead else None
