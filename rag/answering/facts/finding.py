"""The facts that a text states (numbers, dates, amounts, articles, forms, phone numbers, names), and whether others hold one.

Equal things have equal values, however they are written: 令和6年4月1日 = R6.4.1, 千二百円 = 1,200円 = 0.12万円, 第十二条の二 = 第12条の2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from rag.answering.facts.alignment import FoldedLine, fold_line
from rag.answering.facts.kinds import Fact, FactKind, Found
from rag.answering.facts.moments import MOMENTS, covers_date
from rag.answering.facts.proper_names import find_names
from rag.answering.facts.quantities import QUANTITIES, UNITS, is_known_unit, money_factor, read_plain, split_number
from rag.answering.facts.references import REFERENCES, Numbering, covers_article, covers_phone

__all__ = ["Fact", "FactKind", "contains", "find_facts"]

_RULES = (*UNITS, *REFERENCES, *MOMENTS, *QUANTITIES)
_MARKER = re.compile(r"[\s#>|]*(?:[-*・•○●◎]\s*)?(?:\([0-9]{1,2}\)|[0-9]{1,2}[.)](?![0-9])|[0-9]{1,2}(?=\s[^0-9\s]))")
_ROW = re.compile(r"\S\s*\t\s*\S")
_CIRCLED = re.compile(r"[\s#>|]*[①-⑳]")
_LINE = re.compile(r"[^\n]+")
_DIGIT = re.compile(r"\d")
_GONE = "\0"


def find_facts(text: str) -> tuple[Fact, ...]:
    """Return the facts that a text states, in order; numbers of list items are none, those of a law's lines are articles.

    >>> [(fact.kind.label, fact.value) for fact in find_facts("令和6年4月1日から14日以内に、千二百円を払う（第十二条第2項）。")]
    [('日付', '2024年4月1日'), ('期間', '14日'), ('金額', '1200円'), ('条番号', '第12条第2項')]
    >>> [fact.value for fact in find_facts("様式第３号の２を、午後5時30分までに環境課（内線１５０）へ。対象は15名、割合は5割。")]
    ['様式3の2', '17:30', '環境課', '内線150', '15人', '50%']
    >>> text = "手数料は三百円です。"
    >>> [text[fact.start : fact.end] for fact in find_facts(text)]
    ['三百円']
    """
    numbering = Numbering()
    found: list[Fact] = []
    for match in _LINE.finditer(text):
        line = fold_line(match[0])
        facts = [_place(fact, line, match.start()) for fact in _scan(line, numbering)]
        found += facts
        for name, start, end in find_names(line.clean):
            first, last = (match.start() + place for place in line.locate_clean(start, end))
            if not any(fact.start <= first and last <= fact.end for fact in facts):  # 令和 is in its year
                found.append(Fact(FactKind.NAME, name, first, last))
    return tuple(sorted(found, key=lambda fact: (fact.start, fact.end)))


def _scan(line: FoldedLine, numbering: Numbering) -> Iterator[Found]:
    """Yield what the rules find in a line; characters of one fact are gone for the rules behind."""
    yield from numbering.read(line.folded)
    is_circled = bool(_CIRCLED.match(line.text))
    marker = re.match(r"\D*[0-9]+", line.folded) if is_circled else _MARKER.match(line.folded)
    if marker and not is_circled and marker[0][-1:].isdigit() and _ROW.search(line.text):
        marker = None  # the first cell names its row: 24 中央小学校, 7 商工費
    rest = _divide_cells(line)
    rest = _blank(rest, 0, marker.end()) if marker else rest
    for pattern, read in _RULES:
        for match in pattern.finditer(rest):
            for fact in read(match):
                if (
                    fact.kind is FactKind.UNIT
                    and fact.value
                    and _DIGIT.search(line.text, *line.locate_folded(fact.start, fact.end))
                ):
                    continue  # a cell with 1,000円 declares nothing, one with 千円 does
                rest = _blank(rest, fact.start, fact.end)
                if fact.value:
                    yield fact


def _divide_cells(line: FoldedLine) -> str:
    """Return the folded line with nothing that counts as a space between the cells of a row: 8 and 日向第1区 are no 8日."""
    if "\t" not in line.text:
        return line.folded
    spaces = (place for place, character in enumerate(line.folded) if character == " ")
    tabs = {place for place in spaces if "\t" in line.text[slice(*line.locate_folded(place, place + 1))]}
    return "".join(_GONE if place in tabs else character for place, character in enumerate(line.folded))


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + _GONE * (end - start) + text[end:]


def _place(found: Found, line: FoldedLine, offset: int) -> Fact:
    start, end = line.locate_folded(found.start, found.end)
    start += len(line.text[start:end]) - len(line.text[start:end].lstrip())
    return Fact(found.kind, found.value, offset + start, offset + end)


def contains(held: Collection[Fact], fact: Fact) -> bool:
    """Tell whether the facts of a text hold a fact: the same value, or one that says more (the month of a day, 第12条 of 第12条第2項).

    A bare number holds one with a unit when the text declares that unit (単位：千円, a heading 「人口（人）」), or none at all.

    >>> held = find_facts("令和6年4月1日に第12条第2項で、15人、単位：千円、売上 1,200")
    >>> [contains(held, fact) for fact in find_facts("2024年度、2024年4月、第12条、15名、120万円、売上1200")]
    [True, True, True, True, True, True]
    >>> [contains(held, fact) for fact in find_facts("2023年度、4月2日、第12条第3項、15%、1200円")]
    [False, False, False, False, False]
    """
    return any(_covers(other, fact) for other in held) or _is_counted_by_declaration(held, fact)


def _covers(held: Fact, fact: Fact) -> bool:
    if held.kind is fact.kind and held.value == fact.value:
        return True
    kinds = (held.kind, fact.kind)
    if kinds == (FactKind.DATE, FactKind.DATE):
        return covers_date(held.value, fact.value)
    if kinds in ((FactKind.DATE, FactKind.PERIOD), (FactKind.PERIOD, FactKind.DATE)):
        return held.value == fact.value  # 休暇は5日です: whether days are counted is not always said
    if kinds == (FactKind.ARTICLE, FactKind.ARTICLE):
        return covers_article(held.value, fact.value)
    if kinds == (FactKind.FORM, FactKind.FORM):
        return fact.value == "様式" and held.value.startswith("様式")
    if kinds == (FactKind.PHONE, FactKind.PHONE):
        return covers_phone(held.value, fact.value)
    if kinds == (FactKind.NAME, FactKind.NAME):
        return fact.value in held.value
    return kinds == (FactKind.NUMBER, FactKind.NUMBER) and _covers_number(held.value, fact.value)


def _covers_number(held: str, wanted: str) -> bool:
    """Tell whether two numbers agree: a number without its unit, or with a unit of its own making, says less."""
    before, number, unit = split_number(held)
    before_wanted, wanted_number, wanted_unit = split_number(wanted)
    if number != wanted_number or (before_wanted and before != before_wanted):
        return False
    return (
        not wanted_unit
        or unit == wanted_unit
        or (bool(unit) and not is_known_unit(wanted_unit) and wanted_unit in unit)
    )


def _is_counted_by_declaration(held: Collection[Fact], fact: Fact) -> bool:
    """Tell whether a bare number of a text, in a unit that the text declares somewhere, is the fact."""
    declared = {other.value for other in held if other.kind is FactKind.UNIT}
    bare = {other.value for other in held if other.kind is FactKind.NUMBER and not split_number(other.value)[2]}
    if fact.kind is FactKind.AMOUNT:
        yen = float(fact.value.removesuffix("円"))
        factors = [factor for unit in declared if (factor := money_factor(unit))]
        return any(f"{yen / factor:.10g}" in bare for factor in factors)
    if fact.kind is FactKind.PHONE:
        return "内線" in declared and fact.value.removeprefix("内線") in bare
    before, number, unit = split_number(fact.value)
    if fact.kind is not FactKind.NUMBER or before or not unit or "/" in number or read_plain(number) not in bare:
        return False
    return unit in declared or not is_known_unit(unit) or not declared
