"""Text written downwards: its lines in blocks, and the order of blocks on a page that is read from the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.reading.geometry import Box, center_x, surround
from rag.reading.pieces import Piece, turn_piece

_NEAR = 2.2  # in character sizes: lines of one block stand closer than this


def group_upright(upright: Sequence[Piece]) -> list[list[Piece]]:
    """Return the vertical lines in blocks: neighbours of like size that stand beside or below each other."""
    groups: list[list[Piece]] = []
    for piece in sorted(upright, key=lambda p: -p.box.right):
        touching = [group for group in groups if any(_belongs(other, piece) for other in group)]
        joined = [piece]
        for group in touching:
            joined = group + joined
            groups.remove(group)
        groups.append(joined)
    return groups


def _belongs(a: Piece, b: Piece) -> bool:
    size = max(a.size, b.size)
    if not 0.6 < a.size / b.size < 1.6:
        return False
    aside = max(a.box.left, b.box.left) - min(a.box.right, b.box.right)
    apart = max(a.box.bottom, b.box.bottom) - min(a.box.top, b.box.top)
    beside = aside < _NEAR * size and -apart > 0.3 * min(a.box.height, b.box.height)
    below = abs(center_x(a.box) - center_x(b.box)) < 0.4 * size and apart < _NEAR * size
    return beside or below


def turn_block(group: list[Piece]) -> Piece:
    """Return one area for a block of vertical lines; inside it they run to the right."""
    return Piece([], surround([p.box for p in group]), inside=[turn_piece(p) for p in group])


def arrange(blocks: list[Piece], flat: list[Piece]) -> list[list[Piece]]:
    """Return upright blocks, and the horizontal pieces near each other as groups, in the order of a page read from the right."""
    areas = [[block] for block in blocks]
    for piece in flat:
        near = next((a for a in areas if not a[0].inside and _is_near(surround([p.box for p in a]), piece)), None)
        if near is None or piece.inside:
            areas.append([piece])
        else:
            near.append(piece)
    return _order(areas)


def _is_near(box: Box, piece: Piece) -> bool:
    aside = max(box.left, piece.box.left) - min(box.right, piece.box.right)
    apart = max(box.bottom, piece.box.bottom) - min(box.top, piece.box.top)
    return aside < 2 * piece.size and apart < 1.5 * piece.size


def _order(areas: list[list[Piece]]) -> list[list[Piece]]:
    """Cut between areas, across where that is possible, else downwards; the upper part first, the right part first."""
    if len(areas) < 2:
        return areas
    box = {id(area): surround([p.box for p in area]) for area in areas}
    cuts: tuple[tuple[Callable[[Box], float], Callable[[Box], float]], ...] = (
        (lambda b: -b.top, lambda b: -b.bottom),
        (lambda b: -b.right, lambda b: -b.left),
    )
    for start, end in cuts:
        ordered = sorted(areas, key=lambda area: start(box[id(area)]))
        reach = end(box[id(ordered[0])])
        for index, area in enumerate(ordered[1:], start=1):
            if start(box[id(area)]) >= reach - 2:
                return _order(ordered[:index]) + _order(ordered[index:])
            reach = max(reach, end(box[id(area)]))
    return sorted(areas, key=lambda area: (-round(box[id(area)].top / 20), -box[id(area)].right))
