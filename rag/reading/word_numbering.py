"""The automatic numbers of a Word document, written out as they are displayed: people cite 第3条 and (2), not "the third item"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rag.reading.ordinals import show_ordinal
from rag.reading.package import Element
from rag.reading.symbols import show_bullet

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%([1-9])")
_DEEPEST = 9


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered. text: its frame, in which %1 is the number of the outermost level.

    restart: the level (from 1) after which the numbers begin again, 0 for never, None for any that is further out.
    """

    start: int = 1
    style: str = "decimal"
    text: str = ""
    gap: str = " "
    font: str | None = None
    legal: bool = False
    restart: int | None = None
    paragraph_style: str | None = None


@dataclass(frozen=True, slots=True)
class _List:
    """A list as paragraphs name it: lists of one `family` go on counting where another of them stopped."""

    family: str
    levels: Mapping[int, Level]
    starts: Mapping[int, int]


class Numbering:
    """The lists of a document, and how far each has counted."""

    def __init__(self, root: Element | None, style_lists: Mapping[str, str]) -> None:
        """root: of numbering.xml. style_lists: the id of the list that a numbering style names, by the id of the style."""
        abstract = {} if root is None else {a.get(f"{W}abstractNumId"): a for a in root.iterchildren(f"{W}abstractNum")}
        self._abstract = abstract
        self._style_lists = style_lists
        self._nums = {} if root is None else {n.get(f"{W}numId"): n for n in root.iterchildren(f"{W}num")}
        self._lists: dict[str, _List | None] = {}
        self._counts: dict[tuple[str, str], dict[int, int]] = {}
        self._begun: set[tuple[str, str, int]] = set()
        self.story = "body"
        """Which text is being counted: text boxes count on their own, and the body goes on where it was."""

    def find_level(self, list_id: str, style_id: str | None) -> int | None:
        """Return the level of a list that belongs to a paragraph style."""
        found = self._find(list_id)
        levels = found.levels.items() if found and style_id else ()
        return next((depth for depth, level in levels if level.paragraph_style == style_id), None)

    def next_label(self, list_id: str, depth: int) -> str:
        """Count one further at a level (from 0) of a list, and return what stands in front of the paragraph, gap included."""
        found = self._find(list_id)
        level = found.levels.get(depth) if found else None
        if found is None or level is None:
            return ""
        if level.style == "bullet":
            bullet = show_bullet(level.text, level.font)
            return bullet + level.gap if bullet else ""
        counts = self._count(list_id, found, depth)

        def show(match: re.Match[str]) -> str:
            place = int(match[1]) - 1
            shown = found.levels.get(place, Level())
            if shown.style == "bullet":
                return ""
            style = "decimal" if level.legal and shown.style != "none" else shown.style
            return show_ordinal(counts.get(place, shown.start), style)

        label = _PLACE.sub(show, level.text)
        return label + level.gap if label.strip() else ""

    def _count(self, list_id: str, found: _List, depth: int) -> dict[int, int]:
        counts = self._counts.setdefault((self.story, found.family), {})
        for shallower in range(depth):  # a level that was passed over counts as begun
            counts.setdefault(shallower, found.levels.get(shallower, Level()).start)
        begins = depth in found.starts and (self.story, list_id, depth) not in self._begun
        if begins or depth not in counts:
            counts[depth] = found.starts.get(depth, found.levels[depth].start)
        else:
            counts[depth] += 1
        self._begun.add((self.story, list_id, depth))
        for deeper in range(depth + 1, _DEEPEST):
            restart = found.levels[deeper].restart if deeper in found.levels else None
            if restart is None or depth < restart:
                counts.pop(deeper, None)
        return counts

    def _find(self, list_id: str) -> _List | None:
        if list_id not in self._lists:
            self._lists[list_id] = self._build(list_id, set())
        return self._lists[list_id]

    def _build(self, list_id: str, seen: set[str]) -> _List | None:
        num = self._nums.get(list_id)
        reference = None if num is None else num.find(f"{W}abstractNumId")
        family = None if reference is None else reference.get(f"{W}val")
        abstract = self._abstract.get(family)
        if num is None or abstract is None or list_id in seen:
            return None
        link = abstract.find(f"{W}numStyleLink")
        if link is not None:
            return self._build(self._style_lists.get(link.get(f"{W}val"), ""), seen | {list_id})
        levels = dict(_read_levels(abstract))
        starts: dict[int, int] = {}
        for override in num.iterchildren(f"{W}lvlOverride"):
            depth = int(override.get(f"{W}ilvl", "0"))
            levels |= dict(_read_levels(override))
            if (start := override.find(f"{W}startOverride")) is not None:
                starts[depth] = _number(start, 1)
        return _List(str(family), levels, starts)


def _read_levels(parent: Element) -> Iterator[tuple[int, Level]]:
    for element in parent.iterchildren(f"{W}lvl"):
        suffix = _value(element, "suff") or "tab"
        fonts = element.find(f"{W}rPr/{W}rFonts")
        formats = list(element.iter(f"{W}numFmt"))  # inside mc:AlternateContent where the format is a custom one
        style = formats[-1].get(f"{W}val", "decimal") if formats else "decimal"
        restart = element.find(f"{W}lvlRestart")
        yield (
            int(element.get(f"{W}ilvl", "0")),
            Level(
                start=_number(element.find(f"{W}start"), 0),
                style=style,
                text=_value(element, "lvlText") or "",
                gap="" if suffix == "nothing" else " ",
                font=None if fonts is None else fonts.get(f"{W}hAnsi") or fonts.get(f"{W}ascii"),
                legal=is_on(element.find(f"{W}isLgl")),
                restart=None if restart is None else _number(restart, 0),
                paragraph_style=_value(element, "pStyle"),
            ),
        )


def _value(parent: Element, name: str) -> str | None:
    child = parent.find(f"{W}{name}")
    return None if child is None else child.get(f"{W}val")


def _number(element: Element | None, default: int) -> int:
    written = "" if element is None else element.get(f"{W}val", "")
    return int(written) if re.fullmatch(r"-?\d+", written) else default


def is_on(element: Element | None) -> bool:
    """Tell whether a switch such as `w:vanish` is there and not turned off."""
    return element is not None and element.get(f"{W}val", "true") not in ("false", "0", "off", "none")
