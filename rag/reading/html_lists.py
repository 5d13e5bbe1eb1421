"""The numbers of ordered HTML lists, written out as browsers show them."""

from __future__ import annotations

import re

from rag.reading.ordinals import show_ordinal
from rag.reading.package import Element

_LIST_STYLES = {
    "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "katakana": "aiueoFullWidth", "hiragana": "hiragana",
    "cjk-ideographic": "japaneseCounting", "japanese-informal": "japaneseCounting", "lower-alpha": "lowerLetter",
    "upper-alpha": "upperLetter", "lower-roman": "lowerRoman", "upper-roman": "upperRoman",
}  # fmt: skip


class ListCounter:
    """Numbers the items of an ordered list."""

    def __init__(self, element: Element) -> None:
        items = len(list(element.iterchildren("li")))
        self._step = -1 if "reversed" in element.attrib else 1
        first = items if self._step < 0 else 1
        self._next = _integer(element.get("start"), first)
        named = re.search(r"list-style(?:-type)?\s*:\s*([\w-]+)", element.get("style", ""))
        self._style = _LIST_STYLES.get(named[1] if named else element.get("type", ""), "decimal")

    def next_label(self, element: Element) -> str:
        """Return what stands in front of the next item."""
        number = _integer(element.get("value"), self._next)
        self._next = number + self._step
        return f"{show_ordinal(number, self._style)}. "


def _integer(written: str | None, default: int) -> int:
    return int(written) if written and re.fullmatch(r"\s*-?\d{1,9}\s*", written) else default
