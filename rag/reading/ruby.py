"""Furigana: small kana set along kanji, which are no words of the line that they stand over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.reading.geometry import Box
from rag.reading.pieces import Piece

_KANA = re.compile(r"[ぁ-ゖァ-ヺー・゛゜]+")
_KANJI = re.compile(r"[\u3400-\u9fff々〆ヶ]+")
_SMALL = 0.66  # of the size of the text
_MAX_PER_KANJI = 5  # kana over one kanji (志 is read こころざし)


def take_ruby(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Split pieces into those of the text and the furigana among them."""
    small = [p for p in pieces if p.characters and _KANA.fullmatch(p.text)]
    if not small:
        return list(pieces), []
    ruby = [p for p in small if any(_annotates(p, base) for base in pieces)]
    taken = {id(p) for p in ruby}
    return [p for p in pieces if id(p) not in taken], ruby


def _annotates(ruby: Piece, base: Piece) -> bool:
    """Tell whether a piece stands right above (beside, where the text runs downwards) kanji of another, at most half as large."""
    if base.vertical != ruby.vertical and len(ruby.characters) > 2:
        return False
    if not base.characters or ruby.size > _SMALL * base.size:
        return False
    small, text = _along(ruby.box, base), _along(base.box, base)
    gap = small.bottom - text.top
    lowest = -max(0.4 * ruby.size, 0.25 * base.size)  # the box of a large character reaches well above its ink
    if not lowest < gap < 1.2 * ruby.size:
        return False
    under = [c for c in base.characters if _overlap(small, b := _along(c.box, base)) > 0.4 * b.width]
    covered = sum(_overlap(small, _along(c.box, base)) for c in under)
    is_kanji = bool(under) and bool(_KANJI.fullmatch("".join(c.text for c in under)))
    return is_kanji and covered >= 0.6 * small.width and len(ruby.characters) <= _MAX_PER_KANJI * len(under)


def _along(box: Box, base: Piece) -> Box:
    """Return a box as seen along the text of the base: its left to right is the direction of the text."""
    return Box(-box.top, box.left, -box.bottom, box.right) if base.vertical else box


def _overlap(a: Box, b: Box) -> float:
    return max(0.0, min(a.right, b.right) - max(a.left, b.left))
