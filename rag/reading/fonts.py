"""How heavy a font is, by its name: what a heading is set in."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from typing import Any


class FontWeights:
    """How heavy the fonts of a text page are, by their names."""

    def __init__(self, textpage: Any) -> None:
        self._textpage = textpage
        self._buffer = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._known: dict[bytes, int] = {}

    def weigh(self, index: int) -> int:
        """Return the weight of the font of a character; see `Character`."""
        import pypdfium2.raw as pdfium

        length = pdfium.FPDFText_GetFontInfo(
            self._textpage, index, self._buffer, len(self._buffer), ctypes.byref(self._flags)
        )
        name = self._buffer.raw[: max(0, min(length, len(self._buffer)) - 1)]
        if name not in self._known:
            self._known[name] = weigh_font(name)
        return self._known[name]


def weigh_font(name: bytes) -> int:
    """Return 2 for a bold font, 1 for a Gothic one, 0 for others, by the name in the file (often CP932).

    >>> [weigh_font(name) for name in (b"ABCDEF+MS-Mincho", "ＭＳ ゴシック".encode("cp932"), b"YuGothic-Bold")]
    [0, 1, 2]
    """
    text = unicodedata.normalize("NFKC", name.decode("cp932" if not name.isascii() else "ascii", "replace")).lower()
    if re.search(r"bold|heavy|black|ultra|gothic-?eb|-[dbeh]b?$|w[6-9]$|太", text):
        return 2
    return 1 if re.search(r"goth?ic|ゴシック|gomedium|shingo|mgo|meiryo|メイリオ|medium|sans", text) else 0
