"""The styles of a Word document: which are headings, titles, captions and contents, which are numbered, which are hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.reading.package import Element
from rag.reading.word_numbering import W, is_on

_OWN = frozenset({f"{W}outlineLvl", f"{W}numPr", f"{W}jc"})
"""Properties of a paragraph by which it is something else than its style says."""
_HEADING_NAME = re.compile(r"(?:heading|見出し)\s*([1-9１-９])(?!\d)", re.IGNORECASE)
_TITLE_NAME = re.compile(r"title|表題|標題|タイトル", re.IGNORECASE)
_CONTENTS_NAME = re.compile(
    r"(?:toc|目次)\s*(?:[1-9１-９]|heading|の?見出し)?|table of figures|図表目次", re.IGNORECASE
)
_CAPTION_NAME = re.compile(r"caption|図表番号", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Role:
    """What a paragraph is by its style and its own properties.

    level: of a heading from 1, 0 for none. list_id, depth: its automatic number; depth None: where the list says.
    """

    level: int = 0
    is_title: bool = False
    is_contents: bool = False
    is_caption: bool = False
    is_centred: bool = False
    is_hidden: bool = False
    list_id: str | None = None
    depth: int | None = None
    style_id: str | None = None


class Styles:
    """The styles by their id, with what they inherit."""

    def __init__(self, root: Element | None) -> None:
        styles = () if root is None else root.iterchildren(f"{W}style")
        self._styles = {style.get(f"{W}styleId"): style for style in styles}
        self._roles: dict[str | None, Role] = {}
        self._default = next(
            (
                identity
                for identity, style in self._styles.items()
                if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true", "on")
            ),
            None,
        )

    @property
    def lists(self) -> dict[str, str]:
        """The id of the list that each numbering style names."""
        found = {key: style.find(f"{W}pPr/{W}numPr/{W}numId") for key, style in self._styles.items()}
        return {key: element.get(f"{W}val", "") for key, element in found.items() if element is not None}

    def role(self, paragraph: Element) -> Role:
        """Return what a paragraph is."""
        properties = paragraph.find(f"{W}pPr")
        style_id = _value(properties, "pStyle") or self._default
        if properties is not None and any(child.tag in _OWN for child in properties):
            return self._build_role(properties, style_id)
        if style_id not in self._roles:
            self._roles[style_id] = self._build_role(properties, style_id)
        return self._roles[style_id]

    def _build_role(self, properties: Element | None, style_id: str | None) -> Role:
        name = self._name(style_id)
        heading = _HEADING_NAME.match(name)
        outline = self._inherited(properties, style_id, f"{W}outlineLvl")
        level = int(outline.get(f"{W}val", "9")) + 1 if outline is not None else int(heading[1]) if heading else 0
        list_id, depth = self._numbering(properties, style_id)
        alignment = self._inherited(properties, style_id, f"{W}jc")
        return Role(
            level=level if 1 <= level <= 9 else 0,
            is_title=bool(_TITLE_NAME.fullmatch(name)),
            is_contents=bool(_CONTENTS_NAME.fullmatch(name)),
            is_caption=bool(_CAPTION_NAME.fullmatch(name)),
            is_centred=alignment is not None and alignment.get(f"{W}val") == "center",
            is_hidden=self._is_style_on(style_id, "vanish"),
            list_id=list_id,
            depth=depth,
            style_id=style_id,
        )

    def is_run_on(self, properties: Element | None, switch: str) -> bool:
        """Tell whether a switch (vanish, strike …) holds for a run, by itself or by its character style."""
        own = None if properties is None else properties.find(f"{W}{switch}")
        return is_on(own) if own is not None else self._is_style_on(_value(properties, "rStyle"), switch)

    def _is_style_on(self, style_id: str | None, switch: str) -> bool:
        found = (style.find(f"{W}rPr/{W}{switch}") for style in self._chain(style_id))
        return is_on(next((element for element in found if element is not None), None))

    def _numbering(self, properties: Element | None, style_id: str | None) -> tuple[str | None, int | None]:
        own = None if properties is None else properties.find(f"{W}numPr")
        list_id, depth = _value(own, "numId"), _value(own, "ilvl")
        for style in self._chain(style_id):
            inherited = style.find(f"{W}pPr/{W}numPr")
            list_id = list_id or _value(inherited, "numId")
            depth = depth or _value(inherited, "ilvl")
        own_id = _value(own, "numId")
        return (None, None) if list_id in (None, "0") else (list_id, int(depth) if depth else 0 if own_id else None)

    def _inherited(self, properties: Element | None, style_id: str | None, tag: str) -> Element | None:
        own = None if properties is None else properties.find(tag)
        found = (style.find(f"{W}pPr/{tag}") for style in self._chain(style_id))
        return own if own is not None else next((element for element in found if element is not None), None)

    def _chain(self, style_id: str | None) -> Iterator[Element]:
        """Yield a style and those that it is based on."""
        seen: set[str] = set()
        while style_id and style_id not in seen and (style := self._styles.get(style_id)) is not None:
            yield style
            seen.add(style_id)
            style_id = _value(style, "basedOn")

    def _name(self, style_id: str | None) -> str:
        style = self._styles.get(style_id) if style_id else None
        return (_value(style, "name") if style is not None else style_id) or ""


def _value(parent: Element | None, name: str) -> str | None:
    child = None if parent is None else parent.find(f"{W}{name}")
    return None if child is None else child.get(f"{W}val")
