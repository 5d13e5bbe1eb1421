"""Vertical text in tiers, as bulletins set their essays: every glyph at a place of its own, in its vertical form."""

from __future__ import annotations

import re

from eval.reading.fixtures.typesetting import wrap

_BLOCK = re.compile(r'<div class="upright">(.*?)</div>', re.DOTALL)
_SIZE, _PITCH, _STEP = 11.0, 20.0, 1.04  # points; the step is in sizes
_ROWS, _LINES, _TIERS = 26, 22, 2  # characters of a line, lines of a tier, tiers of a page
_GAP = 22.0  # points between tiers
_WIDTH = _LINES * _PITCH


def set_upright(html: str) -> str:
    """Replace every ``<div class="upright">`` by its paragraphs in vertical lines from the right; raises ValueError for too much."""
    return _BLOCK.sub(lambda found: _tiers(found[1].split("\n")), html)


def _tiers(paragraphs: list[str]) -> str:
    texts = [text for paragraph in paragraphs if (text := re.sub(r"<[^>]+>", "", paragraph).strip())]
    columns = [line for text in texts for line in wrap("　" + text, _ROWS)]
    if len(columns) > _LINES * _TIERS:
        raise ValueError(f"{len(columns)} lines of vertical text do not fit a page of {_LINES * _TIERS}")
    lines = -(-len(columns) // _TIERS)
    glyphs = "".join(_column(*divmod(number, lines), column) for number, column in enumerate(columns))
    height = _TIERS * (_ROWS + 1) * _SIZE * _STEP + _GAP
    return f'<div class="upright" style="width:{_WIDTH}pt; height:{height}pt">{glyphs}</div>'


def _column(tier: int, line: int, column: str) -> str:
    right = _WIDTH - _SIZE - line * _PITCH
    top = tier * ((_ROWS + 1) * _SIZE * _STEP + _GAP)
    return "".join(
        f'<i style="left:{right:g}pt;top:{top + row * _SIZE * _STEP:.2f}pt">{glyph}</i>'
        for row, glyph in enumerate(column)
        if glyph != "　"
    )
