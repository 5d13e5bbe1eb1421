"""What the texts of cells and lines look like: numbers, or a text that runs on."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNFINISHED = re.compile(r"[のをにがはとでやもへ、，てしきりるれいっ]$")
_RUNNING = 0.35
_NUMERIC = re.compile(r"[△▲+\-－−±約]?[\d０-９][\d０-９,，.．]*[^\d\s]{0,4}|[-－‐―─…*＊×○●]|[（(][\d.,△▲-]+[）)]")


def is_numeric(text: str) -> bool:
    """Tell whether a cell holds a number with at most a short unit, or a mark for none.

    >>> [is_numeric(text) for text in ("1,234", "△0.5", "12.5％", "3人", "－", "令和6年度", "第3条")]
    [True, True, True, True, True, False, False]
    """
    return bool(_NUMERIC.fullmatch(text))


def is_running(texts: Sequence[str]) -> bool:
    """Tell whether lines below each other are one text: many of them end within a sentence.

    >>> is_running(["危険な場所から全員避難", "しましょう。これは災害の", "おそれがあるときに、"]), is_running(["転入届", "住民票の写し", "印鑑登録"])
    (True, False)
    """
    return len(texts) >= 3 and sum(bool(_UNFINISHED.search(text)) for text in texts) >= _RUNNING * len(texts)
