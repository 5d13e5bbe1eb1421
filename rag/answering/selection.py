"""Which units make the answer: the likeliest first, each with what it cannot be read without, short enough for ten seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile

from rag.answering.rows import read_row, render_rows
from rag.answering.units import Unit
from rag.documents import ChunkKind, Passage
from rag.indexing.basis import is_note

MAX_CITATIONS = 3
_MAX_UNITS = 4  # that are chosen for themselves
_READ_CHARS = 120  # that are read in ten seconds
_WORTH_CITING = 0.1  # the least probability of a unit of a passage that was not cited yet
_WORTH_READING = 0.03  # the least probability of a unit that fits into them,
_WORTH_BESIDE = 0.07  # and the least share of the best unit's
_WORTH_MORE = 0.35  # the share of the best unit's probability from which on one makes the answer longer
_OTHER_PASSAGE = 0.2  # … or comes from a passage that was not cited yet: a second source is worth a look
_AS_GOOD_A_ROW = 0.9  # of the best row's probability: a row of the same table that has as much is asked for too
_MAX_LEAD_CHARS = 80  # of a lead-in that comes with one of its items


def choose_units(units: Sequence[Unit], passages: Sequence[Passage], *, max_chars: int) -> list[Unit]:
    """Return the units to answer with, the best passage first and each passage in reading order.

    An official answer is whole, however long it is.
    """
    leads = [before for before, after in pairwise(units) if _leads(before, after)]
    says_something = (u for u in units if u in leads or not (u.is_heading or u.points_ahead))
    ranked = sorted(says_something, key=lambda u: -u.score) or list(units[:1])
    if not ranked:
        return []
    best = ranked[0]
    chosen = _complete(best, units, passages, max_chars)
    for unit in ranked[1:]:
        if unit in chosen or len(chosen) >= _MAX_UNITS or _is_lesser_row(unit, units, passages):
            continue
        if unit.is_out_of_range and not best.is_out_of_range:
            continue  # the next bracket says nothing of the asked number
        if unit.passage == best.passage and _part_of(unit, passages) != _part_of(best, passages):
            continue  # the head of a mail says nothing beside its text
        joined = [*chosen, *(u for u in _complete(unit, units, passages, max_chars) if u not in chosen)]
        if _is_worth_it(unit, best, chosen, joined, passages) and _fits(joined, passages, max_chars):
            chosen = joined
    return _in_order(chosen)


def put_first(first: Sequence[Unit], chosen: Sequence[Unit]) -> list[Unit]:
    """Return units, their passages before those that were chosen, of as many passages as are cited."""
    joined = list(dict.fromkeys((*first, *chosen)))
    cited = list(dict.fromkeys(unit.passage for unit in joined))[:MAX_CITATIONS]
    return _in_order([unit for unit in joined if unit.passage in cited])


def _in_order(units: Sequence[Unit]) -> list[Unit]:
    """Return units by passage, in the order in which these come first, and each passage in reading order."""
    order = list(dict.fromkeys(unit.passage for unit in units))
    return sorted(units, key=lambda unit: (order.index(unit.passage), unit.start))


def _is_worth_it(
    unit: Unit, best: Unit, chosen: Sequence[Unit], joined: Sequence[Unit], passages: Sequence[Passage]
) -> bool:
    """Tell whether a unit is likely enough to join those that are chosen. joined: with it, and what it cannot be read without."""
    if all(unit.passage != other.passage for other in chosen):
        return unit.score >= max(_WORTH_CITING, _OTHER_PASSAGE * best.score)
    is_short = sum(_length(other, passages) for other in joined) <= _READ_CHARS
    least = max(_WORTH_READING, _WORTH_BESIDE * best.score) if is_short else _WORTH_MORE * best.score
    return unit.score >= least


def _fits(chosen: Sequence[Unit], passages: Sequence[Passage], max_chars: int) -> bool:
    length = sum(_length(unit, passages) for unit in chosen)
    return length <= max_chars and len({unit.passage for unit in chosen}) <= MAX_CITATIONS


def _length(unit: Unit, passages: Sequence[Passage]) -> int:
    """Return the characters that a unit takes in an answer: a row as it is shown, with its headings."""
    chunk = passages[unit.passage].chunk
    if chunk.kind is not ChunkKind.ROW:
        return unit.end - unit.start
    return len(render_rows([(read_row(chunk, unit.start, unit.end), unit.columns)]))


def _complete(unit: Unit, units: Sequence[Unit], passages: Sequence[Passage], max_chars: int) -> list[Unit]:
    """Return a unit, first, with what it cannot be read without; what merely helps comes only where there is room."""
    place = units.index(unit)
    items = _items_of(place, units, max_chars)
    needed = [unit, *items, *_exceptions_after(place + len(items), units)]
    if unit.is_exception:
        needed += _rule_before(place, units)
    chosen = [*needed, *_notes_beside(place, units, passages)]
    for helpful in _explain(place, units):
        if helpful not in chosen and sum(u.end - u.start for u in [*chosen, helpful]) <= max_chars:
            chosen.append(helpful)
    return chosen


def _leads(before: Unit, after: Unit) -> bool:
    """Tell whether a unit ("次のとおり", or the heading of a list) is answered by the items that begin with the next."""
    return (before.is_lead_in or before.is_heading) and after.is_item and after.passage == before.passage


def _items_of(place: int, units: Sequence[Unit], max_chars: int) -> list[Unit]:
    """Return the items that follow a lead-in or heading, as many as there is room for."""
    lead, length = units[place], units[place].end - units[place].start
    if place + 1 == len(units) or not _leads(lead, units[place + 1]):
        return []
    items: list[Unit] = []
    for unit in units[place + 1 :]:
        length += unit.end - unit.start
        if unit.passage != lead.passage or not unit.is_item or length > max_chars:
            break
        items.append(unit)
    return items


def _exceptions_after(place: int, units: Sequence[Unit]) -> list[Unit]:
    """Return the exceptions (ただし…) that follow a unit at once."""
    return list(
        takewhile(lambda u: u.is_exception and u.passage == units[place].passage, units[place + 1 :])
    )  # fmt: skip


def _rule_before(place: int, units: Sequence[Unit]) -> Iterator[Unit]:
    """Yield what stands between an exception and its rule, the rule last."""
    for unit in reversed(units[:place]):
        if unit.passage != units[place].passage or unit.is_heading:
            return
        yield unit
        if not unit.is_exception:
            return


def _explain(place: int, units: Sequence[Unit]) -> Iterator[Unit]:
    """Yield what helps to understand a unit: what it points back to, or the short lead-in of the list that it stands in."""
    unit = units[place]
    before = [other for other in units[:place] if other.passage == unit.passage]
    if unit.points_back and before and not before[-1].is_heading:
        yield before[-1]
    if unit.is_item:
        lead = next((other for other in reversed(before) if not other.is_item), None)
        if lead and lead.is_lead_in and not lead.is_heading and lead.end - lead.start <= _MAX_LEAD_CHARS:
            yield lead


def _notes_beside(place: int, units: Sequence[Unit], passages: Sequence[Passage]) -> list[Unit]:
    """Return the line next to a unit that says as of when its figures are: they are not given without it."""
    unit = units[place]
    if passages[unit.passage].chunk.kind is not ChunkKind.TEXT:
        return []
    beside = (*units[place + 1 : place + 2], *units[max(place - 1, 0) : place])
    return [other for other in beside if other.passage == unit.passage and is_note(other.text(passages))][:1]


def is_partial(chosen: Sequence[Unit], units: Sequence[Unit]) -> bool:
    """Tell whether items that follow the lead-in which answers best had to be left out."""
    place = units.index(max(chosen, key=lambda unit: unit.score))
    passage = units[place].passage
    items = takewhile(lambda u: u.is_item and u.passage == passage, units[place + 1 :])
    begun = place + 1 < len(units) and _leads(units[place], units[place + 1])
    return begun and any(item not in chosen for item in items)


def _part_of(unit: Unit, passages: Sequence[Passage]) -> str | None:
    """Return the part of the file that a unit stands in: the head of a mail, its text; None where a file has no parts."""
    places = passages[unit.passage].chunk.locate(unit.start, unit.end)
    return places[0].locator.part if places else None


def _is_lesser_row(unit: Unit, units: Sequence[Unit], passages: Sequence[Passage]) -> bool:
    """Tell whether another row of the same table answers clearly better: then this one is not asked for."""
    if passages[unit.passage].chunk.kind is not ChunkKind.ROW:
        return False
    return any(other.passage == unit.passage and unit.score < _AS_GOOD_A_ROW * other.score for other in units)
