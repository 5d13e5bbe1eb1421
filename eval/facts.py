"""Does a text hold a key fact, however it is written: width, blanks, 漢数字, days, and a unit that only a table's heading names?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.text import fold, squeeze

_UNITS = "円|千円|百万円|億円|人|名|件|世帯|戸|台|回|日|週|月|年|時間|分|点|枚|部|冊|本|個|か所|箇所|校|km|m|cm|㎡|ha|kg|t|%|％"
_UNIT_OF_HEADING = re.compile(rf"(?:[(（、，,:：]|単位)\s*({_UNITS})\s*[)）]")
_BARE_NUMBER = re.compile(r"(?:^|(?<=[\t|\n]))\s*(\d[\d,，.]*)\s*(?=$|[\t|\n])")


def holds_fact(text: str, fact: str) -> bool:
    """Tell whether a text holds a key fact; width, blanks, line breaks, 漢数字 and ways of writing a day make no difference.

    >>> holds_fact("手数料は、一通につき\\n三百円です。", "３００円"), holds_fact("手数料は300円です。", "200円")
    (True, False)
    >>> holds_fact("施設\\t使用料（1回、円）\\nホール\\t2,400", "2400円"), holds_fact("施設\\t使用料（1回、円）\\nホール\\t2,400", "400円")
    (True, False)
    >>> holds_fact("施設\\t使用料\\nホール\\t2,400", "2400")
    True
    """
    if _is_said(text, fact):
        return True
    written = squeeze(fold(squeeze(fact)))
    return any(written == squeeze(fold(squeeze(value))) for value in _write_values(text))


def find_missing(texts: Iterable[str], key_facts: Iterable[str]) -> tuple[str, ...]:
    """Return the key facts that none of the texts holds."""
    said = list(texts)
    return tuple(fact for fact in key_facts if not any(holds_fact(text, fact) for text in said))


def _is_said(text: str, fact: str) -> bool:
    return squeeze(fact) in squeeze(text) or squeeze(fold(fact)) in squeeze(fold(squeeze(text)))


def _write_values(text: str) -> Iterator[str]:
    """Yield the numbers that stand alone in a cell of a table row, without commas and with the units that its headings name."""
    if "\t" not in text:
        return
    units = dict.fromkeys(_UNIT_OF_HEADING.findall(text))
    for number in dict.fromkeys(re.sub("[,，]", "", number) for number in _BARE_NUMBER.findall(text)):
        yield from (number + unit for unit in ("", *units))
