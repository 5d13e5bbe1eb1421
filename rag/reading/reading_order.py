"""A page as a whole: text that lies on its side, spreads of two printed pages, furigana; each part is then ordered by `layout`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.reading.characters import Character
from rag.reading.geometry import Box, center_x, center_y, surround, turn_box
from rag.reading.layout import read_region
from rag.reading.lines import Line, Table
from rag.reading.pieces import Piece, turn_characters
from rag.reading.ruby import take_ruby
from rag.reading.rules import Rule
from rag.reading.tables import Grid, find_grids
from rag.reading.vertical import find_pieces
from rag.text import normalize

_MIN_TURNED = 10  # Japanese characters: fewer that lie on their side are a mark in a drawing, or go with upright text
_SPREAD = 1.2  # width of a sheet in its heights: from here on it may hold two pages
_MARGIN = 0.1  # share of the height in which page numbers stand
_PAGE_NUMBER = re.compile(r"[-–—‐－~・\s]*(?:p\.?)?\s*([0-9]{1,4})\s*(?:頁|ページ)?[-–—‐－~・\s]*")
_JAPANESE = re.compile(r"[ぁ-ヺ\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class PageOrder:
    """The lines and tables of a page in reading order, and its furigana.

    labels: the printed numbers of both pages of a spread, in the order in which they are read; else empty.
    """

    items: list[Line | Table]
    ruby: list[Line]
    labels: tuple[str, ...] = ()


def order_page(characters: Sequence[Character], rules: Sequence[Rule], *, width: float, height: float) -> PageOrder:
    """Order the characters of a page of the given size in points."""
    upright, turned = _split_layers(characters)
    grids = find_grids(rules)
    pieces, ruby = take_ruby(find_pieces(upright))
    fold = _find_fold(pieces, grids, width, height)
    parts = [pieces] if fold is None else [[p for p in pieces if fold.holds(p, part)] for part in (0, 1)]
    items: list[Line | Table] = []
    for number, part in enumerate(parts):
        ordered = read_region(part, grids)
        for item in ordered:
            item.part = number
        items += ordered
    for quarters, layer in turned:
        items += _read_turned(layer, quarters, rules)
    return PageOrder(items, [Line([p], p.box) for p in ruby], fold.labels if fold else ())


# --- text that lies on its side ---------------------------------------------------------------------------------------


def _split_layers(characters: Sequence[Character]) -> tuple[list[Character], list[tuple[int, list[Character]]]]:
    """Split off what lies on its side or upside down, by its quarter turns. Latin words in upright Japanese text stay there."""
    turned = [(q, [c for c in characters if c.turn == q]) for q in (1, 2, 3) if any(c.turn == q for c in characters)]
    layers = [(q, layer) for q, layer in turned if sum(bool(_JAPANESE.match(c.text)) for c in layer) >= _MIN_TURNED]
    apart = {q for q, _ in layers}
    return [c for c in characters if c.turn not in apart], layers


def _read_turned(layer: list[Character], quarters: int, rules: Sequence[Rule]) -> list[Line | Table]:
    """Read a layer as it is seen after turning the page upright for it."""
    area = surround([c.box for c in layer])
    near = [_turn_rule(rule, -quarters) for rule in rules if _is_around(rule, area)]
    pieces, ruby = take_ruby(find_pieces(turn_characters(layer, -quarters % 4)))
    return read_region([*pieces, *ruby], find_grids(near))


def _is_around(rule: Rule, area: Box) -> bool:
    low, high, first, last = (
        (area.bottom, area.top, area.left, area.right)
        if rule.horizontal
        else (area.left, area.right, area.bottom, area.top)
    )
    slack = 30
    return low - slack <= rule.at <= high + slack and rule.end > first - slack and rule.start < last + slack


def _turn_rule(rule: Rule, quarters: int) -> Rule:
    box = (
        Box(rule.start, rule.at, rule.end, rule.at) if rule.horizontal else Box(rule.at, rule.start, rule.at, rule.end)
    )
    left, bottom, right, top = turn_box(box, quarters % 4)
    horizontal = rule.horizontal != (quarters % 2 == 1)
    return Rule(True, bottom, left, right) if horizontal else Rule(False, left, bottom, top)


# --- spreads ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fold:
    """The fold of a spread; right_first: it is bound at the right, for text that runs downwards."""

    x: float
    right_first: bool
    labels: tuple[str, str]

    def holds(self, piece: Piece, part: int) -> bool:
        return (center_x(piece.box) > self.x) == (part == (0 if self.right_first else 1))


def _find_fold(pieces: Sequence[Piece], grids: Sequence[Grid], width: float, height: float) -> _Fold | None:
    """Return the fold of a sheet with two printed pages: nothing crosses its middle, and consecutive numbers stand in the margins."""
    if width < _SPREAD * height:
        return None
    x, slack = width / 2, 0.012 * width
    boxes = [p.box for p in pieces] + [grid.box for grid in grids]
    if any(box.left < x - slack and box.right > x + slack for box in boxes):
        return None
    left = _page_numbers([p for p in pieces if center_x(p.box) < x], height)
    right = _page_numbers([p for p in pieces if center_x(p.box) >= x], height)
    if any(n + 1 in right for n in left):
        number = next(n for n in left if n + 1 in right)
        return _Fold(x, False, (str(number), str(number + 1)))
    if any(n + 1 in left for n in right):
        number = next(n for n in right if n + 1 in left)
        return _Fold(x, True, (str(number), str(number + 1)))
    return None


def _page_numbers(pieces: Sequence[Piece], height: float) -> list[int]:
    margin = [p for p in pieces if not _MARGIN * height < center_y(p.box) < (1 - _MARGIN) * height]
    texts = (normalize(p.text) for p in margin)
    return [int(match[1]) for text in texts if (match := _PAGE_NUMBER.fullmatch(text))]
